"""What was trained is what is served: ids, log-probabilities and greedy text, on real vLLM."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean
from typing import Any

import httpx
import pytest

from seqctx.errors import CheckError
from seqctx.prepare.tokenizer import load_tokenizer
from seqctx.serve import VllmServer, check_can_serve, serving, target_config
from tests.conftest import rows_of, seqctx_process
from tests.e2e.conftest import free_port, small_project
from tests.e2e.test_model import MODEL, PYTHON

# transformers and vLLM in float32 on one CPU: 0.00004 apart when this was written
TOLERANCE = 0.001
MEASURE = """
import json, sys, torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM
base, adapter, ids_file = sys.argv[1:]
ids = json.load(open(ids_file))
torch.manual_seed(0)
model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)

def predictions(model):
    with torch.no_grad():
        x = torch.tensor([ids])
        logits = torch.log_softmax(model(x).logits[0, :-1].float(), -1)
        logprobs = logits.gather(1, x[0, 1:, None])[:, 0].tolist()
        out = model.generate(x, attention_mask=torch.ones_like(x), max_new_tokens=16,
                             do_sample=False, temperature=None, top_p=None)
    return {"logprobs": logprobs, "greedy": out[0, len(ids):].tolist()}

result = {"base": predictions(model)}
linear = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
config = LoraConfig(r=16, lora_alpha=16, target_modules=linear, init_lora_weights=False)
tuned = get_peft_model(model, config)
tuned.save_pretrained(adapter)
result["adapter"] = predictions(tuned)
print(json.dumps(result))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, novella: Path) -> Path:
    folder = small_project(tmp_path_factory.mktemp("parity"), novella)
    answer = seqctx_process("prepare", "short.yaml", cwd=folder)
    assert answer.returncode == 0, answer.stderr
    return folder


@pytest.fixture(scope="module")
def rows(project: Path) -> list[dict[str, Any]]:
    return [row for _, row in rows_of(project / "prepare" / "out" / "short")]


@pytest.fixture(scope="module")
def trainers(project: Path, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What transformers and PEFT say of one example; the adapter they make is left beside."""
    ids = load_tokenizer(str(MODEL)).render(rows[0]["messages"])[:-40]  # in mid-answer
    (project / "ids.json").write_text(json.dumps(ids))
    answer = subprocess.run(
        [PYTHON, "-c", MEASURE, MODEL, project / "adapter", project / "ids.json"],
        capture_output=True,
        text=True,
        env={"CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1", "PATH": "/usr/bin:/bin"},
    )
    assert answer.returncode == 0, answer.stderr[-2000:]
    return {"ids": ids, **json.loads(answer.stdout.splitlines()[-1])}


@contextmanager
def served_in(project: Path, dtype: str) -> Iterator[VllmServer]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        cfg = target_config(
            "adapter",
            {
                "vllm.port": free_port(), "vllm.dtype": dtype, "vllm.max_model_len": 2048,
                "vllm.enforce_eager": True, "vllm.kv_cache_memory_bytes": 2**30,
            },
        )  # fmt: skip
        with serving(cfg, project / "serve.log") as server:
            yield server


@pytest.fixture(scope="module")
def server(project: Path, trainers: dict[str, Any]) -> Iterator[VllmServer]:
    with served_in(project, "float32") as server:
        yield server


def predictions(server: VllmServer, model: str, ids: list[int]) -> dict[str, Any]:
    """The same of vLLM."""
    body = {
        "model": model, "prompt": ids, "max_tokens": 16, "temperature": 0, "prompt_logprobs": 0,
        "return_token_ids": True,
    }  # fmt: skip
    answer = httpx.post(f"{server.url}/v1/completions", json=body, timeout=300, trust_env=False)
    assert answer.status_code == 200, answer.text
    (choice,) = answer.json()["choices"]
    logprobs = [
        each[str(token)]["logprob"]
        for token, each in zip(ids[1:], choice["prompt_logprobs"][1:], strict=True)
    ]
    return {"logprobs": logprobs, "greedy": choice["token_ids"]}


def apart(one: list[float], other: list[float]) -> float:
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def mean_apart(one: list[float], other: list[float]) -> float:
    return fmean(abs(a - b) for a, b in zip(one, other, strict=True))


def test_log_probabilities_and_greedy_text_agree(
    server: VllmServer, trainers: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    adapter = server.adapter
    assert adapter
    served = {
        "base": predictions(server, server.base, trainers["ids"]),
        "adapter": predictions(server, adapter, trainers["ids"]),
    }
    moved = apart(trainers["base"]["logprobs"], trainers["adapter"]["logprobs"])
    for name, each in served.items():
        difference = apart(each["logprobs"], trainers[name]["logprobs"])
        with capsys.disabled():
            print(f"\n{name}: {difference:.5f} of {moved:.2f} that the adapter moves", end="")
        assert difference < TOLERANCE
        assert each["greedy"] == trainers[name]["greedy"]
    assert moved > 10 * TOLERANCE
    assert served["base"]["greedy"] != served["adapter"]["greedy"]


def test_the_template_gives_the_ids_that_were_trained(
    server: VllmServer, rows: list[dict[str, Any]]
) -> None:
    """What vLLM makes of a conversation stands at the head of what Axolotl made of it."""
    tokenizer = load_tokenizer(str(MODEL))
    for row in rows:
        body = {
            "model": server.base, "messages": row["messages"][:-1], "add_generation_prompt": True,
        }  # fmt: skip
        answer = httpx.post(f"{server.url}/tokenize", json=body, timeout=60, trust_env=False)
        prompt = answer.json()["tokens"]
        trained = tokenizer.render(row["messages"])
        assert trained[: len(prompt)] == prompt
        answer_ids = tokenizer.encode(row["messages"][-1]["content"])[0]
        assert trained[len(prompt) :][:10] == answer_ids[:10]


def test_in_bfloat16_the_adapter_is_told_from_rounding(
    project: Path, trainers: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """As people serve it: beside float32, the mean difference is far below what was trained."""
    with served_in(project, "bfloat16") as server:
        assert server.adapter
        for name, model in (("base", server.base), ("adapter", server.adapter)):
            served = predictions(server, model, trainers["ids"])["logprobs"]
            known = trainers[name]["logprobs"]
            rounding = mean_apart(served, known)
            moved = mean_apart(trainers["base"]["logprobs"], trainers["adapter"]["logprobs"])
            with capsys.disabled():
                print(
                    f"\nbfloat16, {name}: {rounding:.4f} of {moved:.2f} on average, "
                    f"{apart(served, known):.3f} at most",
                    end="",
                )
            assert moved > 10 * rounding


def test_an_adapter_of_another_base_is_refused(
    project: Path, trainers: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """VLLM itself would load it and answer: the shapes are the same."""
    monkeypatch.chdir(project)
    other = project / "other-base"
    other.mkdir()
    for path in MODEL.iterdir():
        if path.name != "model.safetensors":
            (other / path.name).symlink_to(path)
    weights = bytearray((MODEL / "model.safetensors").read_bytes())
    weights[len(weights) // 2 : len(weights) // 2 + 4096] = bytes(4096)
    (other / "model.safetensors").write_bytes(weights)
    cfg = target_config("adapter", {"base_model": str(other)})
    with pytest.raises(CheckError, match="the adapter was trained on"):
        check_can_serve(cfg)
