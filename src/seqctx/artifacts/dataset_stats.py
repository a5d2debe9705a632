"""What prepare measured, as data: report.json, which the report shows and the planner reads."""

from __future__ import annotations

from math import ceil
from typing import Any

from pydantic import AliasChoices, Field, model_validator

from seqctx.artifacts.record import Record

LONG_SCENE = 3000
"""Continuous scenes this long are the usual reason given for longer examples [tokens]."""

_MOST = 10**12  # rows or tokens; a number far beyond it would overflow what plan computes


def _formerly(*names: str) -> Any:
    """A field that had other names in the records of earlier versions; the first is today's."""
    return Field(validation_alias=AliasChoices(*names))


class ChunkSpan(Record):
    """Where one chunk lies in its book; positions in tokens from the book's beginning."""

    start: int
    """The first token that its example shows."""
    fresh: int
    """The first token that no chunk before holds."""
    end: int
    cut: str
    """What its end cuts; see `seqctx.prepare.chunking.Chunk`."""
    held_out: bool


class MotifStats(Record):
    """One motif of a book; positions in tokens from the book's beginning."""

    text: str
    kind: str
    mentions: tuple[int, ...]
    places: int
    surprise: float
    whole_in: int = _formerly("whole_in", "whole")
    """How many examples hold it from its first to its last mention."""

    @property
    def distance(self) -> int:
        """From first to last mention [tokens]."""
        return self.mentions[-1] - self.mentions[0]


class StrategyStats(Record):
    """What one strategy at one length would do to a book."""

    strategy: str
    """The strategy with what it repeats, such as ``overlap 25 %``."""
    overlap: float = 0.0
    """What each chunk repeats: a share of it below 1, or tokens."""
    sequence_len: int
    examples: int
    whole_motifs: int = _formerly("whole_motifs", "threads")
    """Motifs that some example holds from first to last mention."""
    motif_share: float = _formerly("motif_share", "share")
    """The same as a share of the book's motifs."""
    recurrence_share: float = _formerly("recurrence_share", "returns")
    """Of all recurrences, the share of which some example shows both ends."""
    scenes_cut: int

    @model_validator(mode="before")
    @classmethod
    def _overlap_from_the_name(cls, data: Any) -> Any:
        """Earlier versions kept the share in the strategy's name only."""
        if isinstance(data, dict) and "overlap" not in data:
            name, _, amount = str(data.get("strategy", "")).partition(" ")
            if name == "overlap" and amount.endswith("%"):
                return {**data, "overlap": int(amount.removesuffix("%")) / 100}
        return data


class BookStats(Record):
    """One book: its chunks, its cuts and its motifs."""

    path: str
    title: str
    tokens: int
    chapters: tuple[tuple[str, int, int], ...]
    """Title, first token, one past the last."""
    chunks: tuple[ChunkSpan, ...] = _formerly("chunks", "pieces")
    scenes: int
    long_scenes: int
    """Scenes of `LONG_SCENE` tokens and more."""
    chapters_cut: int
    scenes_cut: int
    paragraphs_cut: int
    dialogues_cut: int
    """Cuts between two paragraphs that both open with speech."""
    motifs: tuple[MotifStats, ...] = _formerly("motifs", "threads")
    compared: tuple[StrategyStats, ...] = _formerly("compared", "ways")
    """Every compared strategy at every compared length."""
    length_for_motifs: dict[str, dict[str, int | None]] = _formerly("length_for_motifs", "needed")
    """Strategy, share of the motifs, shortest sequence_len at which examples hold them whole."""
    length_for_recurrences: dict[str, dict[str, int | None]] = _formerly(
        "length_for_recurrences", "needed_returns"
    )
    """Strategy, share of the recurrences, shortest sequence_len at which examples show them."""
    pairs: dict[str, dict[int, tuple[float | None, float]]]
    """Strategy, distance in tokens, share of pairs of tokens that one example holds: by the closed
    form, None where there is none, and measured."""


class NearDuplicates(Record):
    """Two chapters with the same text, or nearly so."""

    first: str
    second: str
    likeness: float
    """Share of five-word runs that both have, estimated; 1 where they are equal."""


def optimizer_steps(rows: int, batch: int, *, packed: bool) -> int:
    """Steps an epoch, of ``batch`` rows each; packed, Axolotl leaves out a last one not full."""
    return max(1, rows // batch) if packed else ceil(rows / batch)


class Packing(Record):
    """What packing makes of the training examples."""

    rows: int = Field(ge=0, le=_MOST)
    """Rows of ``sequence_len`` tokens; without packing there is one an example."""
    efficiency: float = Field(ge=0, le=1)
    """Share of the rows' tokens that are examples'."""
    steps_per_epoch: int
    rows_per_step: int = 0
    """Rows of one optimizer step; 0 in records of earlier versions."""


class DatasetStats(Record):
    """All that prepare measured of a file's text."""

    strategy: str
    """The file's strategy with what it repeats, as `StrategyStats` has it; records of earlier
    versions have the name alone."""
    sequence_len: int = Field(ge=1, le=_MOST)
    template_tokens: int = _formerly("template_tokens", "frame")
    """What the chat template and the longest prompt take of it [tokens]."""
    repeated_tokens: int
    """Shown more than once: overlap, and what stands before a continuation."""
    trained_twice_tokens: int
    """Trained more than once: ``overlap_loss: train`` only."""
    unpacked: Packing
    packed: Packing
    books: tuple[BookStats, ...]
    near_duplicates: tuple[NearDuplicates, ...] = _formerly("near_duplicates", "twins")
