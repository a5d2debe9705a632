"""What rules need beside the file; each fact may be unknown, and then its rules are silent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from seqctx.catalogue.gpus import Gpu, find_gpu
from seqctx.catalogue.shapes import ModelShape


@dataclass(frozen=True)
class Prepared:
    """What ``seqctx prepare`` left for this file.

    Attributes:
        train: how many training examples have how many tokens.
        held_out: the same of the held-out examples.
        files: names of the data files that were written.
    """

    train: Mapping[int, int] = field(default_factory=dict)
    held_out: Mapping[int, int] = field(default_factory=dict)
    files: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Facts:
    """What is known beside the file; None is unknown.

    Attributes:
        shape: the base model's.
        gpu: the card that ``seqctx.gpu`` names.
        longest_window: the largest ``max_model_len`` that it holds, by the planner [tokens].
        cuda: whether this machine has a CUDA device.
        cards: how many it has.
        api_key: whether the server will ask for a key.
        turn_end: what ends an answer of the base's template, where that is not its eos.
        special_tokens: tokens that stand in the vocabulary already.
        prepared: lengths and files of the examples.
        stem: the file's name without its ending; prepare writes to ``prepare/out/STEM``.
    """

    shape: ModelShape | None = None
    gpu: Gpu | None = None
    longest_window: int | None = None
    cuda: bool | None = None
    cards: int | None = None
    api_key: bool | None = None
    turn_end: str | None = None
    special_tokens: frozenset[str] | None = None
    prepared: Prepared | None = None
    stem: str | None = None


def machine_gpu() -> Gpu | None:
    """This machine's first card, where the driver names one that is in our table."""
    for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        try:
            fields = dict(
                line.split(":", 1) for line in path.read_text("utf-8").splitlines() if ":" in line
            )
        except OSError:
            continue
        if gpu := find_gpu(fields.get("Model", "")):
            return gpu
    return None
