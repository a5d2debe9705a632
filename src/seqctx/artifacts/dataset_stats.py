"""What prepare measured, as data: report.json, which the report shows and the planner reads."""

from __future__ import annotations

from math import ceil

from seqctx.artifacts.record import Record

STATS = "report.json"
"""Where prepare's stats are, in its folder."""
REPORT = "report.html"
"""Where prepare's report is, in its folder."""


LONG_SCENE = 3000
"""Continuous scenes this long are the usual reason given for longer examples [tokens]."""


class Piece(Record):
    """One chunk in the picture of its book; positions in tokens from the book's beginning."""

    start: int
    fresh: int
    end: int
    cut: str
    held_out: bool


class MotifStats(Record):
    """One thread of a book; positions in tokens from the book's beginning."""

    text: str
    kind: str
    mentions: tuple[int, ...]
    places: int
    surprise: float
    whole: int
    """How many examples hold it from first to last mention."""

    @property
    def distance(self) -> int:
        """From first to last mention [tokens]."""
        return self.mentions[-1] - self.mentions[0]


class Way(Record):
    """What one strategy at one length would do to a book."""

    strategy: str
    sequence_len: int
    examples: int
    threads: int
    """Threads that some example holds whole."""
    share: float
    returns: float
    """Share of all returns, from one place of a thread to its next, seen within one example."""
    scenes_cut: int


class BookStats(Record):
    """One book: its picture, its cuts and its threads."""

    path: str
    title: str
    tokens: int
    chapters: tuple[tuple[str, int, int], ...]
    """Title, first token, one past the last."""
    pieces: tuple[Piece, ...]
    scenes: int
    long_scenes: int
    """Scenes of `LONG_SCENE` tokens and more."""
    chapters_cut: int
    scenes_cut: int
    paragraphs_cut: int
    dialogues_cut: int
    """Cuts between two paragraphs that both open with speech."""
    threads: tuple[MotifStats, ...]
    ways: tuple[Way, ...]
    needed: dict[str, dict[str, int | None]]
    """Strategy, share of the threads, shortest sequence_len that would see them whole."""
    needed_returns: dict[str, dict[str, int | None]]
    """Strategy, share of the returns, shortest sequence_len that would see them."""
    pairs: dict[str, dict[int, tuple[float, float]]]
    """Strategy, distance in tokens, share of pairs seen together: closed form, measured."""


class NearDuplicates(Record):
    """Two chapters that are alike, or the same."""

    first: str
    second: str
    likeness: float
    """Share of five-word runs that both have, estimated; 1 where they are equal."""


def optimizer_steps(rows: int, batch: int, *, packed: bool) -> int:
    """Steps an epoch, of ``batch`` rows each; packed, Axolotl leaves out a last one not full."""
    return max(1, rows // batch) if packed else ceil(rows / batch)


class Packing(Record):
    """What packing makes of the training examples."""

    rows: int
    """Rows of ``sequence_len`` tokens; without packing there is one an example."""
    efficiency: float
    """Share of the rows' tokens that are examples'."""
    steps_per_epoch: int


class DatasetStats(Record):
    """All that prepare measured of a file's text."""

    strategy: str
    sequence_len: int
    frame: int
    """What the template and the longest prompt take of it [tokens]."""
    repeated_tokens: int
    """Shown more than once: overlap, and what stands before a continuation."""
    trained_twice_tokens: int
    """Trained more than once: ``overlap_loss: train`` only."""
    unpacked: Packing
    packed: Packing
    books: tuple[BookStats, ...]
    near_duplicates: tuple[NearDuplicates, ...]
