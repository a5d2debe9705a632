"""GPUs by name: memory, bandwidth, arithmetic and the number formats that they compute in."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from seqctx.system.host import find_gpus


@dataclass(frozen=True)
class Gpu:
    """One kind of GPU.

    Attributes:
        name: as ``seqctx.gpu`` spells it, such as ``rtx-5090``.
        memory_gib: what nvidia-smi reports [GiB]; 0 for ``cpu``.
        architecture: such as ``blackwell`` or ``ampere``; ``cpu`` for a machine without a GPU.
        usable_gib: what CUDA reports as total, which leaves out what the driver keeps: all that a
            process may use, its CUDA context included [GiB].
        bandwidth_gb_s: of its memory [GB/s]; None for ``cpu``.
        bf16_tflops: dense tensor rate in bfloat16, accumulated in fp32 [TFLOP/s]; None where
            there is none.
        fp16_tflops: the same in fp16.
        compute_capability: such as (12, 0); None for ``cpu``.
        source: where the numbers are from.
    """

    name: str
    memory_gib: float
    architecture: str
    usable_gib: float = 0.0
    bandwidth_gb_s: float | None = None
    bf16_tflops: float | None = None
    fp16_tflops: float | None = None
    compute_capability: tuple[int, int] | None = None
    source: str = ""

    @property
    def is_cpu(self) -> bool:
        """Whether it is ``cpu``, a machine without a GPU, and so has no memory of its own."""
        return self.architecture == "cpu"

    @property
    def usable_bytes(self) -> int:
        """``usable_gib`` in bytes."""
        return int(self.usable_gib * 2**30)

    @property
    def tflops(self) -> float | None:
        """Dense 16-bit tensor rate: bfloat16, or fp16 where there is no bfloat16 [TFLOP/s]."""
        return self.bf16_tflops or self.fp16_tflops

    @property
    def has_bf16(self) -> bool:
        """Whether it has bfloat16 tensor cores: compute capability 8.0 and up."""
        return self._at_least(8, 0)

    @property
    def has_fp8(self) -> bool:
        """Whether it has fp8 tensor cores: compute capability 8.9 and up."""
        return self._at_least(8, 9)

    def _at_least(self, major: int, minor: int) -> bool:
        return self.compute_capability is not None and self.compute_capability >= (major, minor)


@cache
def _table() -> dict[str, Gpu]:
    table = _rows()
    return {n: _gpu(n, r, table["driver_gib"]) for n, r in table["gpus"].items()}


@cache
def _rows() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(Path(__file__).with_name("gpus.json").read_text("utf-8"))
    return table


def _gpu(name: str, row: dict[str, Any], driver_gib: dict[str, Any]) -> Gpu:
    """A row; where CUDA's total was not measured it is what the driver leaves."""
    driver = driver_gib.get(row["architecture"], driver_gib["default"])
    capability = row["compute_capability"]
    memory = row["memory_mib"] / 1024
    return Gpu(
        name=name,
        memory_gib=memory,
        architecture=row["architecture"],
        usable_gib=row["total_gib"] or max(memory - driver, 0.0),
        bandwidth_gb_s=row["bandwidth_gb_s"],
        bf16_tflops=row["bf16_tflops"],
        fp16_tflops=row["fp16_tflops"],
        compute_capability=(capability[0], capability[1]) if capability else None,
        source=row["source"],
    )


@cache
def _aliases() -> dict[str, str]:
    return {alias: n for n, r in _rows()["gpus"].items() for alias in r["aliases"]}


def known_gpus() -> list[str]:
    """All names, sorted."""
    return sorted(_table())


def find_gpu(name: str) -> Gpu | None:
    """The GPU of a name such as ``rtx-5090`` or ``NVIDIA GeForce RTX 5090``; None if unknown."""
    plain = re.sub(r"[\s_]+", "-", name.strip().lower())
    plain = re.sub(r"^(nvidia-)?(geforce-)?", "", plain)
    return _table().get(_aliases().get(plain, plain))


def machine_gpu() -> Gpu | None:
    """This machine's first visible GPU that is in our table; None where there is none."""
    return next((gpu for host in find_gpus() if (gpu := find_gpu(host.name))), None)
