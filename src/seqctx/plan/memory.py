"""A plan of memory: terms that add up, the moment of the peak, and whether it fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from seqctx.catalog.gpus import Gpu

Provenance = Literal["exact", "fitted", "measured"]
GIB = 2**30


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that takes memory on a GPU.

    Attributes:
        name: such as ``weights`` or ``KV cache``.
        bytes: on one GPU [B].
        formula: how it was computed, with this plan's numbers in it.
        source: the upstream file and version, paper section or measurement behind the formula.
        provenance: ``exact`` (counted), ``fitted`` (a physical formula with fitted constants) or
            ``measured`` (copied from a measurement).
    """

    name: str
    bytes: int
    formula: str
    source: str
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """Memory of one GPU while it trains or serves.

    Attributes:
        of: what is planned.
        terms: all that is there at the peak; they add up to ``allocated``.
        moment: when the peak is, such as ``loss`` or ``loading``.
        allocated: by tensors at the peak; PyTorch's ``max_memory_allocated`` [B].
        reserved: with what the allocator holds besides; ``max_memory_reserved`` [B].
        device: with the CUDA context and libraries; what nvidia-smi shows [B].
        gpu: the GPU; None where none was named.
        capacity: how much of it may be used [B]; None without a GPU.
        notes: assumptions, and what the plan does not cover, a sentence each.
    """

    of: Literal["training", "serving"]
    terms: tuple[Term, ...]
    moment: str
    allocated: int
    reserved: int
    device: int
    gpu: Gpu | None
    capacity: int | None
    notes: tuple[str, ...] = ()

    @property
    def fits(self) -> bool | None:
        """Whether ``device`` is within the GPU's capacity; None without a GPU."""
        return None if self.capacity is None else self.device <= self.capacity

    @property
    def margin(self) -> int | None:
        """What is left of the GPU; negative where it does not fit [B]."""
        return None if self.capacity is None else self.capacity - self.device

    @property
    def largest(self) -> Term:
        """The term that takes most memory."""
        return max(self.terms, key=lambda t: t.bytes)

    def term(self, name: str) -> Term:
        """One term.

        Raises:
            KeyError: when there is none of that name.
        """
        for term in self.terms:
            if term.name == name:
                return term
        raise KeyError(name)
