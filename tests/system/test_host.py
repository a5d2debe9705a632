from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from seqctx.catalog.gpus import machine_gpu
from seqctx.check.facts import gather_facts
from seqctx.config.config import load_config
from seqctx.system import host
from tests.conftest import CONFIG

INSTALLED = (
    ("NVIDIA GeForce RTX 5090", "GPU-8f6d1c2a"),
    ("NVIDIA H100 80GB HBM3", "GPU-0a1b2c3d"),
    ("NVIDIA Unheard-of 1", "GPU-0a999999"),
)


class NVMLError(Exception):
    pass


def fake_nvml(gpus: tuple[Any, ...] = INSTALLED, error: str = "") -> SimpleNamespace:
    """As nvidia-ml-py's module; ``error`` names the function that fails."""

    def init() -> None:
        if error == "nvmlInit":
            raise NVMLError

    def handle(index: int) -> Any:
        if error == "nvmlDeviceGetHandleByIndex":
            raise NVMLError
        return gpus[index]

    return SimpleNamespace(
        NVMLError=NVMLError,
        nvmlInit=init,
        nvmlShutdown=lambda: None,
        nvmlDeviceGetCount=lambda: len(gpus),
        nvmlDeviceGetHandleByIndex=handle,
        nvmlDeviceGetName=lambda gpu: gpu[0],
        nvmlDeviceGetUUID=lambda gpu: gpu[1],
    )


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(host, "_driver_is_installed", lambda: True)
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml())
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return monkeypatch


def test_the_driver_is_asked_for_each_gpu(nvml: pytest.MonkeyPatch) -> None:
    first, second, third = host.find_gpus()
    assert first == host.HostGpu(0, "NVIDIA GeForce RTX 5090", "GPU-8f6d1c2a")
    assert (second.index, third.index) == (1, 2)
    assert host.has_gpu()


@pytest.mark.parametrize(
    ("visible", "indexes"),
    [
        ("", []), (" ", []), ("-1", []), ("0", [0]), ("1,0", [1, 0]), ("0, 1 ,2", [0, 1, 2]),
        ("GPU-8f", [0]), ("GPU-0a1b,0", [1, 0]),
        ("GPU-0a", []),  # two begin so
        ("0,7,1", [0]),  # CUDA stops at the first that names none
        ("0,0", [0]), ("0,,1", [0]), ("MIG-1,0", []), ("NoDevFiles", []),
    ],
)  # fmt: skip
def test_cuda_visible_devices_selects(
    nvml: pytest.MonkeyPatch, visible: str, indexes: list[int]
) -> None:
    nvml.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert [gpu.index for gpu in host.find_gpus()] == indexes
    assert host.has_gpu() is bool(indexes)


@pytest.mark.parametrize("error", ["nvmlInit", "nvmlDeviceGetHandleByIndex"])
def test_a_driver_that_does_not_answer_has_no_gpus(nvml: pytest.MonkeyPatch, error: str) -> None:
    nvml.setitem(sys.modules, "pynvml", fake_nvml(error=error))
    assert host.find_gpus() == ()


def test_without_a_driver_nvml_is_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(host, "_NVML", "libseqctx-none.so.1")
    monkeypatch.setitem(sys.modules, "pynvml", None)  # importing it would fail
    assert host.find_gpus() == ()


def test_the_machines_gpu_is_the_first_visible_one_of_the_table(nvml: pytest.MonkeyPatch) -> None:
    gpu = machine_gpu()
    assert gpu and gpu.name == "rtx-5090"
    nvml.setenv("CUDA_VISIBLE_DEVICES", "2,1")
    gpu = machine_gpu()
    assert gpu and gpu.name.startswith("h100")
    nvml.setenv("CUDA_VISIBLE_DEVICES", "")
    assert machine_gpu() is None


def test_the_check_counts_visible_gpus(nvml: pytest.MonkeyPatch) -> None:
    facts = gather_facts(load_config(CONFIG))
    assert (facts.cuda, facts.cards) == (True, 3)
    nvml.setenv("CUDA_VISIBLE_DEVICES", "-1")
    facts = gather_facts(load_config(CONFIG))
    assert (facts.cuda, facts.cards) == (False, None)
