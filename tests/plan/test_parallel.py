"""What each of several GPUs holds (tests/e2e asks Axolotl and vLLM about the same files)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seqctx import plan_serving, plan_training
from seqctx.check.check import check
from seqctx.check.facts import Facts
from seqctx.config.source import Document
from seqctx.errors import InputError
from tests.parallel_files import FSDP2, QLORA, RAY, TRAINED, config, write_deepspeed_files


@pytest.mark.parametrize("name", TRAINED)
def test_a_gpu_holds_its_part(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_deepspeed_files(tmp_path)
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


def test_what_is_divided_over_an_unknown_number_is_refused() -> None:
    for changes, why in (
        (FSDP2, "not say over how many GPUs"),
        (
            {"deepspeed": {"zero_optimization": {"stage": 3}}},
            "not say over how many GPUs",
        ),
        ({"deepspeed": {"bf16": {}}, **RAY}, "has no zero_optimization.stage"),
        ({"dp_shard_size": 8}, "without fsdp_config nothing is sharded"),
    ):
        with pytest.raises(InputError, match=why):
            plan_training(config(**changes), gpu="h100-80gb")


def test_a_server_is_planned_by_gpu() -> None:
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
        ({"tensor_parallel_size": 3}, "3 GPUs cannot share 32 heads"),
        (
            {"tensor_parallel_size": 32, "pipeline_parallel_size": 33},
            "33 stages are more than the model's 32",
        ),
        ({"prefill_context_parallel_size": 2}, "prompts that are divided over GPUs"),
    ):
        with pytest.raises(InputError, match=why):
            plan(**refused)
