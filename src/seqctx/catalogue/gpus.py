"""GPUs by name: memory as the driver reports it, architecture, compute capability."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Gpu:
    """One card.

    Attributes:
        name: as ``seqctx.gpu`` spells it, such as ``rtx-5090``.
        memory_gib: what the driver reports [GiB]; 0 for ``cpu``.
        architecture: such as ``blackwell`` or ``ampere``; ``cpu`` where there is no card.
    """

    name: str
    memory_gib: float
    architecture: str


@cache
def _table() -> dict[str, Gpu]:
    rows = json.loads(files(__package__).joinpath("gpus.json").read_text("utf-8"))["gpus"]
    return {n: Gpu(n, r["memory_mib"] / 1024, r["architecture"]) for n, r in rows.items()}


def known_gpus() -> list[str]:
    """All names, sorted."""
    return sorted(_table())


def find_gpu(name: str) -> Gpu | None:
    """The card of a name such as ``rtx-5090`` or ``NVIDIA GeForce RTX 5090``; None if unknown."""
    plain = re.sub(r"[\s_]+", "-", name.strip().lower())
    return _table().get(re.sub(r"^(nvidia-)?(geforce-)?", "", plain))
