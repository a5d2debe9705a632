"""Cards: the table holds together, and CUDA's totals are those that were logged."""

from __future__ import annotations

import pytest

from seqctx.catalog.gpus import find_gpu, known_gpus

CARDS = [name for name in known_gpus() if name != "cpu"]


@pytest.mark.parametrize("name", CARDS)
def test_rows_are_consistent(name: str) -> None:
    gpu = find_gpu(name)
    assert gpu and gpu.source and gpu.bandwidth_gb_s and gpu.tflops
    assert 0.2 < gpu.memory_gib - gpu.usable_gib < 0.5  # the driver's own, on every card measured
    assert gpu.usable_bytes == int(gpu.usable_gib * 2**30)
    assert gpu.has_bf16 == (gpu.bf16_tflops is not None)
    assert gpu.has_fp8 == (gpu.architecture in ("ada", "hopper", "blackwell"))
    # FLOPs a byte of bandwidth: 16-bit tensor cores stay within an order of magnitude
    assert 50 < gpu.tflops * 1e3 / gpu.bandwidth_gb_s < 600


@pytest.mark.parametrize(
    ("name", "total"),
    [("rtx-3090", 23.58), ("rtx-5090", 31.4), ("h100-80gb", 79.22), ("t4", 14.74)],
)
def test_totals_that_were_logged(name: str, total: float) -> None:
    gpu = find_gpu(name)
    assert gpu and gpu.usable_gib == total


@pytest.mark.parametrize(
    ("reported", "name"),
    [("NVIDIA H100 80GB HBM3", "h100-80gb"), ("Tesla T4", "t4"), ("NVIDIA L40S", "l40s")],
)
def test_names_that_drivers_report(reported: str, name: str) -> None:
    assert find_gpu(reported) is find_gpu(name) is not None


def test_a_machine_without_a_gpu() -> None:
    cpu = find_gpu("cpu")
    assert cpu and cpu.usable_bytes == 0 and cpu.tflops is None and not cpu.has_bf16
