"""Many GPUs, where there is none: by the real parsers and validators, and over two processes.

What cannot run here is Axolotl's training itself (a mesh of CUDA devices), and vLLM's Ray, which
has no CPU: ``current platform cpu does not support ray``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from math import prod
from pathlib import Path
from typing import Any

import pytest
import yaml

from seqctx import plan_serving, plan_training
from seqctx.catalog.optimizers import OPTIMIZERS
from seqctx.check.check import check
from seqctx.check.facts import Facts
from seqctx.config.config import Config, parse_config
from seqctx.config.render import axolotl_mapping, vllm_command
from seqctx.config.source import Document
from seqctx.errors import InputError
from tests.conftest import ROOT
from tests.e2e.conftest import free_port, served
from tests.e2e.test_model import MODEL, PYTHON

QUIET = {"AXOLOTL_DO_NOT_TRACK": "1", "CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1"}
BASE: dict[str, Any] = {
    "base_model": "meta-llama/Llama-3.1-8B-Instruct",
    "datasets": [{"path": "a.jsonl", "ds_type": "json", "type": "chat_template"}],
    "sequence_len": 8192,
    "micro_batch_size": 1,
    "gradient_accumulation_steps": 2,
    "num_epochs": 1,
    "learning_rate": 0.0001,
    "optimizer": "adamw_torch_fused",
    "bf16": True,
    "gradient_checkpointing": True,
    "attn_implementation": "flash_attention_2",
    "output_dir": "out/parallel",
}
QLORA = {
    "adapter": "qlora", "load_in_4bit": True, "lora_r": 16, "lora_alpha": 16,
    "lora_target_linear": True,
}  # fmt: skip
FSDP2 = {
    "fsdp_version": 2,
    "fsdp_config": {
        "auto_wrap_policy": "TRANSFORMER_BASED_WRAP",
        "transformer_layer_cls_to_wrap": "LlamaDecoderLayer",
        "cpu_ram_efficient_loading": False,
        "reshard_after_forward": True,
        "state_dict_type": "FULL_STATE_DICT",
    },
}
RAY = {"use_ray": True, "ray_num_workers": 8, "resources_per_worker": {"GPU": 1}}
# name: what the file says beside BASE; then of eight cards, over how many each term is divided
TRAINED: dict[str, tuple[dict[str, Any], dict[str, int]]] = {
    "FSDP2": ({**FSDP2, "dp_shard_size": 8}, {"weights": 8, "gradients": 8, "optimizer": 8}),
    "FSDP2 and QLoRA": (
        {**FSDP2, **QLORA, "dp_shard_size": 8}, {"weights": 8, "adapter": 8, "optimizer": 8},
    ),
    "ZeRO-2": (
        {"deepspeed": "zero2.json", **RAY}, {"weights": 1, "gradients": 8, "optimizer": 8},
    ),
    "ZeRO-3": ({"deepspeed": "mine.json", **RAY}, {"weights": 8, "gradients": 8}),
    "tensor parallel and FSDP2": (
        {**FSDP2, "tensor_parallel_size": 2, "dp_shard_size": 4}, {"weights": 8, "embeddings": 4},
    ),
    "context parallel": (
        {**FSDP2, "context_parallel_size": 2, "dp_shard_size": 4},
        {"weights": 8, "checkpoints": 2, "logits": 2},
    ),
    "HSDP": ({**FSDP2, "dp_shard_size": 4, "dp_replicate_size": 2}, {"weights": 4}),
    "Ray": ({**FSDP2, **RAY}, {"weights": 8, "gradients": 8}),
}  # fmt: skip
SERVED: list[dict[str, Any]] = [
    {"tensor_parallel_size": 2},
    {"pipeline_parallel_size": 2},
    {"data_parallel_size": 4},
    {"tensor_parallel_size": 8, "pipeline_parallel_size": 2, "distributed_executor_backend": "ray"},
    {"data_parallel_size": 4, "data_parallel_size_local": 2, "data_parallel_backend": "ray"},
    {"tensor_parallel_size": 8, "nnodes": 2, "node_rank": 1, "master_addr": "192.0.2.1"},
    {"max_model_len": -1, "api_server_count": 2},
    {"cudagraph_capture_sizes": [1, 2], "middleware": ["a.b"], "allowed_methods": ["GET"]},
]


def config(**changes: Any) -> Config:
    return parse_config(Document("parallel.yaml", {**BASE, **changes}, {}))


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, **QUIET, "PYTHONPATH": "", **more}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """DeepSpeed's JSON under two names, and an empty ring_flash_attn, which is CUDA's."""
    folder = tmp_path_factory.mktemp("parallel")
    for name, stage in (("zero2.json", 2), ("mine.json", 3)):
        text = json.dumps({"zero_optimization": {"stage": stage}, "bf16": {"enabled": True}})
        (folder / name).write_text(text)
    (folder / "ring_flash_attn.py").touch()
    return folder


def test_axolotls_validator_takes_what_is_rendered(folder: Path) -> None:
    configs = [config(**changes) for changes, _ in TRAINED.values()]
    mappings = [axolotl_mapping(cfg, output_dir=Path("out/run")) for cfg in configs]
    keys = ["fsdp_version", "tensor_parallel_size", "context_parallel_size", "dp_shard_size",
            "dp_replicate_size", "deepspeed", "use_ray", "ray_num_workers"]  # fmt: skip
    asked = [json.dumps({"config": m, "keys": keys, "n_gpu": 8}) for m in mappings]
    done = subprocess.run(
        [PYTHON, ROOT / "tests/e2e/axolotl_validator.py"], input="\n".join(asked), text=True,
        capture_output=True, cwd=folder, env=environment(PYTHONPATH=str(folder)),
    )  # fmt: skip
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(TRAINED), done.stderr[-2000:]
    for name, answer, (changes, _) in zip(TRAINED, answers, TRAINED.values(), strict=True):
        assert answer["accepts"], (name, answer["why"])
        meant = {key: value for key, value in answer["means"].items() if key in changes}
        assert meant == {key: changes[key] for key in meant}, name


@pytest.mark.parametrize("name", TRAINED)
def test_a_card_holds_its_part(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    changes, divided = TRAINED[name]
    cfg = config(**changes)
    assert [
        str(p) for p in check(Document("p.yaml", {}, {}), cfg, Facts()) if p.severity == "error"
    ] == []
    whole = config(**({key: cfg.get(key) for key in QLORA} if cfg.adapter else {}))
    one, many = plan_training(whole, gpu="h100-80gb"), plan_training(cfg, gpu="h100-80gb")
    for term, cards in divided.items():
        bytes_of = [sum(t.bytes for t in p.terms if t.name == term) for p in (one, many)]
        assert bytes_of[1] == pytest.approx(bytes_of[0] / cards, abs=8), term


def test_what_is_divided_over_nobody_knows_how_many_is_refused() -> None:
    for changes, why in (
        (FSDP2, "over how many cards is not said"),
        ({"deepspeed": {"zero_optimization": {"stage": 3}}}, "over how many cards is not said"),
        ({"deepspeed": {"bf16": {}}, **RAY}, "no zero_optimization.stage in it"),
        ({"dp_shard_size": 8}, "divides nothing without fsdp_config"),
    ):
        with pytest.raises(InputError, match=why):
            plan_training(config(**changes), gpu="h100-80gb")


def test_vllms_parser_takes_what_is_rendered() -> None:
    adapter = {**QLORA, "output_dir": "out/lr=1e-4,a"}
    commands = [vllm_command(config(**adapter, vllm=vllm))[2:] for vllm in SERVED]
    done = subprocess.run(
        [ROOT / ".venv-serve/bin/python", ROOT / "tests/e2e/vllm_arguments.py"],
        input="\n".join(map(json.dumps, commands)), text=True, capture_output=True,
        env=environment(VLLM_NO_USAGE_STATS="1"),
    )  # fmt: skip
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(SERVED), done.stderr[-2000:]
    for vllm, answer in zip(SERVED, answers, strict=True):
        assert {key: answer[key] for key in vllm} == vllm
        assert answer["model_tag"] == BASE["base_model"]
        assert "name='lr=1e-4,a', path='out/lr=1e-4,a'" in str(answer["lora_modules"])


def test_a_server_is_planned_by_card() -> None:
    def plan(**vllm: Any) -> Any:
        return plan_serving(config(vllm={"max_model_len": 16000, **vllm}), gpu="h100-80gb")

    one, split, dealt = plan(), plan(tensor_parallel_size=4), plan(pipeline_parallel_size=4)
    assert split.memory.term("weights").bytes == pytest.approx(
        one.memory.term("weights").bytes / 4, rel=0.001
    )
    for each in (split, dealt):
        assert each.kv_bytes_per_token == one.kv_bytes_per_token / 4
    copies = plan(data_parallel_size=4)
    assert copies.kv_tokens == one.kv_tokens
    assert any("of 4 engines" in note for note in copies.memory.notes)
    for refused, why in (
        ({"tensor_parallel_size": 3}, "3 cards cannot share 32 heads"),
        ({"tensor_parallel_size": 32, "pipeline_parallel_size": 33}, "33 stages for 32 layers"),
        ({"prefill_context_parallel_size": 2}, "prompts divided over cards"),
    ):
        with pytest.raises(InputError, match=why):
            plan(**refused)


def asked_in_training(processes: int, *arguments: str) -> list[tuple[Any, str]]:
    """What `axolotl_parallel.py` answers in so many processes: cases, and why they fail."""
    launcher = [PYTHON, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node"]
    done = subprocess.run(
        [*launcher, str(processes), ROOT / "tests/e2e/axolotl_parallel.py", *arguments],
        capture_output=True, text=True, timeout=300, env=environment(OMP_NUM_THREADS="1"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    return [(answer["case"], answer["why"]) for answer in answers]


def found(rule: str, facts: Facts | None = None, **changes: Any) -> bool:
    """Whether a rule has an error to tell."""
    problems = check(Document("p.yaml", {}, {}), config(**changes), facts or Facts())
    return any(p.rule == rule and p.severity == "error" for p in problems)


def test_sizes_multiply_to_the_processes() -> None:
    """Over four processes: what accelerate refuses is an error here, and nothing else."""
    answers = asked_in_training(4, "mesh")
    assert len(answers) == 47
    keys = ("tensor_parallel_size", "context_parallel_size", "dp_shard_size", "dp_replicate_size")
    for sizes, why in answers:
        changes = {**FSDP2, **RAY, "ray_num_workers": 4, **dict(zip(keys, sizes, strict=True))}
        unsharded = "cannot be used with pure data parallelism" in why
        wrong = "does not match num_processes" in why or "Mesh should not be bigger" in why
        assert found("replicas-unsharded", **changes) == unsharded, sizes
        if not unsharded:  # which is said first
            assert found("ray-workers", **changes) == wrong == (prod(sizes) not in (1, 4)), sizes


def test_optimizers_over_divided_weights() -> None:
    good = ("adamw_torch", "adamw_torch_fused", "adamw_torch_8bit", "sgd", "rmsprop", "adagrad")
    refused = {name for name, each in OPTIMIZERS.items() if not each.takes_sharded_weights}
    for optimizer, why in asked_in_training(1, "steps", *sorted({*refused, *good})):
        assert bool(why) == (optimizer in refused), (optimizer, why)
        assert found("sharded-optimizer", **FSDP2, optimizer=optimizer) == bool(why)


@pytest.fixture(scope="module")
def tiny(folder: Path) -> Path:
    """Random weights of 4 heads and 2 key heads, and of 6 and 3, with SmolLM2's tokenizer."""
    for heads, keys in ((4, 2), (6, 3)):
        script = [PYTHON, ROOT / "tests/e2e/tiny_model.py", MODEL, folder / f"tiny-{heads}"]
        subprocess.run([*script, str(heads), str(keys)], check=True, env=environment(),
                       capture_output=True)  # fmt: skip
    return folder


def test_layers_are_divided_by_whole_heads_and_16_bit(tiny: Path) -> None:
    cases = [
        (str(tiny / f"tiny-{heads}"), bits) for heads, bits in ((4, 0), (6, 0), (4, 4), (4, 8))
    ]
    answers = asked_in_training(2, "tensor", json.dumps(cases))
    assert [bool(why) for _, why in answers] == [False, True, True, True], answers
    assert "is invalid for input of size" in answers[1][1]
    from seqctx.catalog.lookup import find_model

    for (base_model, bits), why in answers:
        lora = {"adapter": "lora", "lora_r": 8, "lora_alpha": 8, "lora_target_linear": True}
        width = {f"load_in_{bits}bit": True, **lora} if bits else {}
        rule = "tensor-parallel-quantized" if bits else "tensor-parallel-heads"
        facts = Facts(model=find_model(base_model))
        changes = {"base_model": base_model, "tensor_parallel_size": 2, **width}
        assert found(rule, facts, **changes) == bool(why)


@pytest.mark.parametrize(
    "vllm",
    [
        {"tensor_parallel_size": 2, "enforce_eager": True},
        {"data_parallel_size": 2, "enforce_eager": True},
        {"pipeline_parallel_size": 2},
    ],
    ids=lambda vllm: next(iter(vllm)),
)
def test_two_processes_answer_as_one(
    vllm: dict[str, Any], tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Served by `seqctx serve`; every request scores a prompt as transformers does."""
    import httpx

    model, port = tiny / "tiny-4", free_port()
    sizes = {"port": port, "max_model_len": 256, "max_num_seqs": 4, "dtype": "bfloat16", **vllm}
    data = {"base_model": str(model), "output_dir": "out/served", "vllm": sizes}
    (tiny / "served.yaml").write_text(yaml.safe_dump(data))
    (tiny / ".venv-serve").unlink(missing_ok=True)
    (tiny / ".venv-serve").symlink_to(ROOT / ".venv-serve")
    expected = json.loads((model / "expected.json").read_text())
    asked = {"model": model.name, "prompt": expected["prompt"], "max_tokens": 1,
             "prompt_logprobs": 0}  # fmt: skip
    for key, value in {"VLLM_CPU_KVCACHE_SPACE": "1", "OMP_NUM_THREADS": "1"}.items():
        monkeypatch.setenv(key, value)
    with served(sys.executable, "-m", "seqctx", "serve", "served.yaml", cwd=tiny):
        for _ in range(4):  # data parallel takes turns
            answer = httpx.post(f"http://127.0.0.1:{port}/v1/completions", json=asked,
                                timeout=120, trust_env=False).json()  # fmt: skip
            scored = answer["choices"][0]["prompt_logprobs"][1:]
            scores = [next(iter(token.values()))["logprob"] for token in scored]
            assert scores == pytest.approx(expected["logprobs"], abs=0.05)
