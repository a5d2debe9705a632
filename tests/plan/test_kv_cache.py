"""Pools of blocks, beside those that vLLM's own code makes of the same layers."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest

from seqctx.plan.kv_cache import CacheLayers, cache_layout
from tests.conftest import ROOT

PYTHON = ROOT / ".venv-serve" / "bin" / "python"
FREE = 10 * 2**30
# kind, layers, KV heads, head_dim, window; tokens; tokens in flight
CASES: dict[str, tuple[list[tuple[str, int, int, int, int]], int, int]] = {
    "Llama-3.1-8B": ([("full", 32, 8, 128, 0)], 64_000, 4096),
    "Gemma 3 4B": ([("full", 5, 4, 256, 0), ("sliding", 29, 4, 256, 1024)], 131_072, 4096),
    "gpt-oss-20b": ([("full", 12, 8, 64, 0), ("sliding", 12, 8, 64, 128)], 131_072, 4096),
    "Gemma 2 9B": ([("full", 21, 8, 256, 0), ("sliding", 21, 8, 256, 4096)], 8192, 4096),
    "unlike widths": ([("full", 5, 8, 128, 0), ("sliding", 7, 8, 64, 512)], 8192, 4096),
    "padded widths": ([("full", 4, 8, 96, 0), ("sliding", 8, 8, 64, 512)], 9999, 2048),
    "Qwen3.6-35B-A3B": ([("full", 10, 2, 256, 0), ("state", 30, 0, 0, 0)], 131_072, 16_384),
}
STATE = 2_146_304


def ours(kinds: list[tuple[str, int, int, int, int]], tokens: int, in_flight: int) -> list[int]:
    hybrid = any(kind[0] == "state" for kind in kinds)
    layers = []
    for name, count, heads, width, window in kinds:
        size = STATE if name == "state" else heads * width * 2 * (1 if hybrid else 2)
        layers.append(CacheLayers(name, count, size, window))  # type: ignore[arg-type]
    layout = cache_layout(layers, in_flight=in_flight)
    return [
        len(layout.groups), layout.block_bytes, layout.blocks(tokens), layout.tokens(FREE, tokens),
    ]  # fmt: skip


@pytest.mark.e2e
def test_pools_equal_those_of_vllm() -> None:
    if not PYTHON.exists():
        pytest.skip("seqctx setup serve first")
    asked: list[Any] = []
    for kinds, tokens, in_flight in CASES.values():
        layers = [[name, *rest] for name, count, *rest in kinds for _ in range(count)]
        asked.append([layers, tokens, in_flight, FREE])
    answer = subprocess.run(
        [PYTHON, ROOT / "tests" / "plan" / "vllm_pools.py"],
        input=json.dumps(asked),
        env={**os.environ, "VLLM_NO_USAGE_STATS": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 0, answer.stderr
    theirs = json.loads(answer.stdout.splitlines()[-1])
    for (name, case), stats in zip(CASES.items(), theirs, strict=True):
        assert ours(*case) == stats, name
