"""The GPU benchmark runs: two real steps of a tiny model, on the CPU."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

PYTHON = ROOT / ".venv-train" / "bin" / "python"
SCRIPT = ROOT / "benchmarks" / "gpu_memory.py"


@pytest.mark.e2e
@pytest.mark.parametrize("adapter", ["qlora", "lora"])
def test_two_steps_of_a_tiny_model_beside_its_plan(adapter: str, tmp_path: Path) -> None:
    if not PYTHON.exists():
        pytest.skip("seqctx setup train first")
    arguments = ["--device", "cpu", "--model", "tiny", "--adapter", adapter, "--rank", "8"]
    answer = subprocess.run(
        [PYTHON, SCRIPT, *arguments, "--sequence-len", "64", "128"],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "HF_HUB_OFFLINE": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert answer.returncode == 0, answer.stderr
    rows = [json.loads(line) for line in answer.stdout.splitlines() if line.startswith("{")]
    assert [row["settings"]["sequence_len"] for row in rows] == [64, 128]
    for row in rows:
        measured, planned = row["measured_gib"], row["planned_gib"]
        # per layer q 256, k 192, v 192, o 256, three of 384; 2 layers, rank 8
        assert measured["adapter_parameters"] == 2 * 2048 * 8
        assert measured["adapter_dtype"] == "float32"
        assert measured["steps"] is None  # no CUDA memory to read on a CPU
        assert 0 < planned["allocated"] <= planned["reserved"] <= planned["device"] < 1.5
        assert row["versions"]["axolotl"] and row["device"] == "cpu"
