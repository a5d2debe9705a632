"""This machine's NVIDIA GPUs, as the driver's library NVML reports them."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from typing import Any

_NVML = "libnvidia-ml.so.1"


@dataclass(frozen=True)
class HostGpu:
    """One GPU of this machine.

    Attributes:
        index: its number, as nvidia-smi counts.
        name: as the driver calls it, such as ``NVIDIA GeForce RTX 5090``.
        uuid: such as ``GPU-8f6d...``; CUDA_VISIBLE_DEVICES takes it, too.
    """

    index: int
    name: str
    uuid: str


def find_gpus() -> tuple[HostGpu, ...]:
    """The GPUs that a CUDA program started from here would see, in its order.

    CUDA_VISIBLE_DEVICES selects and orders them by index or UUID, and hides all from its first
    entry on that names none, as CUDA does. MIG slices are not covered: such an entry names none.
    Without a driver there are no GPUs.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None and not visible.strip():
        return ()
    return select_visible(_installed_gpus(), visible)


def has_gpu() -> bool:
    """Whether an NVIDIA GPU answers and is not hidden by CUDA_VISIBLE_DEVICES."""
    return bool(find_gpus())


def select_visible(gpus: tuple[HostGpu, ...], visible: str | None) -> tuple[HostGpu, ...]:
    """The GPUs that a value of CUDA_VISIBLE_DEVICES leaves; None leaves all."""
    if visible is None:
        return gpus
    chosen: list[HostGpu] = []
    for entry in (part.strip() for part in visible.split(",")):
        named = [g for g in gpus if entry and (entry == str(g.index) or g.uuid.startswith(entry))]
        if len(named) != 1 or named[0] in chosen:
            break
        chosen += named
    return tuple(chosen)


def _installed_gpus() -> tuple[HostGpu, ...]:
    if not _driver_is_installed():
        return ()
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:  # a driver without a GPU, or one that does not match its module
        return ()
    try:
        return tuple(_describe(pynvml, index) for index in range(pynvml.nvmlDeviceGetCount()))
    except pynvml.NVMLError:  # such as a GPU that has fallen off the bus
        return ()
    finally:
        pynvml.nvmlShutdown()


def _driver_is_installed() -> bool:
    """Whether NVML can be loaded: less than 1 ms, where importing pynvml takes 50."""
    try:
        ctypes.CDLL(_NVML)
    except OSError:
        return False
    return True


def _describe(nvml: Any, index: int) -> HostGpu:
    device = nvml.nvmlDeviceGetHandleByIndex(index)
    return HostGpu(index, nvml.nvmlDeviceGetName(device), nvml.nvmlDeviceGetUUID(device))
