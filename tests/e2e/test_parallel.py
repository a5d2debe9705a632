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

from seqctx.catalog.optimizers import OPTIMIZERS
from seqctx.check.check import check
from seqctx.check.facts import Facts
from seqctx.config.render import axolotl_mapping, vllm_command
from seqctx.config.source import Document
from tests.conftest import ROOT
from tests.e2e.conftest import free_port, served
from tests.e2e.test_model import MODEL, PYTHON
from tests.parallel_files import BASE, FSDP2, QLORA, RAY, TRAINED, config, write_deepspeed_files

QUIET = {"AXOLOTL_DO_NOT_TRACK": "1", "CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1"}
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


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, **QUIET, "PYTHONPATH": "", **more}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parallel")
    write_deepspeed_files(folder)
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
        if not unsharded:  # which is reported first
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
