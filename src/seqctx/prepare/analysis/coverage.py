"""What some example sees together, and what the cuts part: the cross-chunk problem, measured."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from seqctx.prepare.analysis.motifs import Thread, find_threads
from seqctx.prepare.chunking import Cut, Strategy, cuts, overlap_tokens
from seqctx.prepare.segments import Boundary, Segments, paragraph_tokens, segments_of
from seqctx.prepare.structure import Book
from seqctx.prepare.tokenizer import Tokenizer

Window = tuple[int, int]
"""What one example sees of a book: its first token, and one past its last."""
SHARES = (0.5, 0.8, 0.95)
_SHORTEST, _STEP = 512, 256  # tokens; where the search for a length begins, and how fine it is


class Ruler:
    """A book's characters as tokens: exact at paragraphs' edges, in proportion within them."""

    def __init__(self, book: Book, tokenizer: Tokenizer, counts: list[int] | None = None) -> None:
        """Measure; ``counts`` is what `paragraph_tokens` gave for this book."""
        counts = paragraph_tokens(book, tokenizer) if counts is None else counts
        segments = segments_of(book, tokenizer, max(counts, default=0) + 1000, counts=counts)
        starts = segments.starts()
        self.chars = [0, *(c for a in segments.items for c in (a.start, a.end))]
        self.tokens = [0]
        for segment, start in zip(segments.items, starts, strict=True):
            self.tokens += [start, start + segment.tokens]
        self.total = self.tokens[-1]

    def at(self, chars: Sequence[int]) -> list[int]:
        """Token positions of characters."""
        import numpy as np

        return [int(t) for t in np.interp(chars, self.chars, self.tokens)]


@dataclass(frozen=True, slots=True)
class Seen:
    """What one way of cutting does to a book's threads.

    Attributes:
        strategy: ``sequential``, ``overlap 25 %``, ``overlap 50 %`` or ``scenes``.
        sequence_len: of each example [tokens].
        examples: how many there are.
        threads: how many of all threads some example holds whole, first to last mention.
        share: of all threads.
        returns: of all returns, from one place of a thread to its next, the share that some
            example sees both ends of.
        scenes_cut: how many scenes some cut goes through.
    """

    strategy: str
    sequence_len: int
    examples: int
    threads: int
    share: float
    returns: float
    scenes_cut: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """A book's threads, and what each length and strategy would see of them.

    Attributes:
        tokens: of the whole book.
        threads: of the whole book, held-out chapters included.
        whole: for each thread, how many examples of the asked way hold it whole.
        seen: every strategy at every length.
        needed: strategy, then the share of threads, then the shortest length that would see it;
            None where none up to the book's length does.
        needed_returns: the same for the share of returns.
        pairs: strategy, then for each distance the closed form and what was measured.
    """

    tokens: int
    threads: tuple[Thread, ...]
    whole: tuple[int, ...]
    seen: tuple[Seen, ...]
    needed: dict[str, dict[float, int | None]]
    needed_returns: dict[str, dict[float, int | None]]
    pairs: dict[str, dict[int, tuple[float, float]]]


WAYS: dict[str, tuple[Strategy, float]] = {
    "sequential": ("sequential", 0.0),
    "overlap 25 %": ("sequential", 0.25),
    "overlap 50 %": ("sequential", 0.5),
    "scenes": ("scenes", 0.0),
}


def coverage(
    book: Book,
    tokenizer: Tokenizer,
    *,
    sequence_len: int,
    strategy: Strategy = "sequential",
    overlap: float = 0,
    frame: int = 0,
    min_tokens: int = 500,
    lengths: Sequence[int] = (2048, 4096, 8192, 16384, 32768, 65536),
    counts: list[int] | None = None,
    windows: Sequence[Window] | None = None,
) -> Coverage:
    """Measure a whole book.

    Args:
        book: the manuscript.
        tokenizer: the model's own.
        sequence_len: of the asked way [tokens].
        strategy: of the asked way.
        overlap: share, or tokens, of the asked way.
        frame: what the template and the prompt take of every length [tokens].
        min_tokens: of a chunk.
        lengths: to compare at.
        counts: what `paragraph_tokens` gave for this book, where it is known.
        windows: what the examples really see, where they are there already.
    """
    counts = paragraph_tokens(book, tokenizer) if counts is None else counts
    ruler = Ruler(book, tokenizer, counts)
    threads = find_threads(book, ruler.at)
    cutter = _Cutter(book, tokenizer, counts, min_tokens, frame)
    if windows is None:
        windows = cutter.windows(sequence_len, strategy, overlap)[0]
    compared = sorted({sequence_len, *lengths})
    compared = [n for n in compared if n <= 2 * ruler.total or n == sequence_len]
    seen = [cutter.seen(threads, name, length) for length in compared for name in WAYS]
    return Coverage(
        tokens=ruler.total,
        threads=tuple(threads),
        whole=tuple(holding(thread, windows) for thread in threads),
        seen=tuple(seen),
        needed=cutter.all_shortest([[(t.first, t.last)] for t in threads]),
        needed_returns=cutter.all_shortest([t.returns for t in threads]),
        pairs={
            name: _pairs(cutter, name, sequence_len, ruler.total) for name in WAYS
        },
    )  # fmt: skip


def holding(thread: Thread, windows: Iterable[Window]) -> int:
    """How many windows hold a thread whole."""
    return sum(start <= thread.first and thread.last < end for start, end in windows)


def pair_share(distance: int, length: int, repeated: int = 0) -> float:
    """Share of token pairs so far apart that some chunk of a long text holds together.

    Chunks of ``length`` tokens start every ``length - repeated``; a pair is in one where its first
    token lies in the first ``length - distance`` of a chunk. Hence
    min(1, max(0, length - distance) / (length - repeated)), 0 at ``length`` and beyond, whatever
    is repeated.
    """
    return min(1.0, max(0, length - distance) / (length - repeated))


def measured_share(distance: int, windows: Sequence[Window], total: int) -> float:
    """The same of real windows over a text of ``total`` tokens: the union of what each holds."""
    if distance >= total:
        return 0.0
    covered, reached = 0, 0
    for start, end in sorted(windows):
        left, right = max(start, reached), end - distance
        if right > left:
            covered += right - left
            reached = right
    return covered / (total - distance)


def _pairs(
    cutter: _Cutter, name: str, sequence_len: int, total: int
) -> dict[int, tuple[float, float]]:
    """Distances up to twice the length: closed form and measured."""
    strategy, overlap = WAYS[name]
    length = max(2, sequence_len - cutter.frame)
    windows = cutter.windows(sequence_len, strategy, overlap)[0]
    repeated = overlap_tokens(overlap, length) if overlap else 0
    return {
        d: (
            round(pair_share(d, length, repeated), 4),
            round(measured_share(d, windows, total), 4),
        )
        for d in sorted({max(1, length * k // 8) for k in range(17)})
        if d < total
    }


class _Cutter:
    """One book, cut again and again at other lengths without another pass of the tokenizer."""

    def __init__(
        self, book: Book, tokenizer: Tokenizer, counts: list[int], min_tokens: int, frame: int
    ) -> None:
        self.book, self.tokenizer, self.counts = book, tokenizer, counts
        self.min_tokens, self.frame = min_tokens, frame
        self._atoms: dict[int, Segments] = {}
        self._windows: dict[tuple[int, str, float], tuple[list[Window], int]] = {}

    def windows(
        self, sequence_len: int, strategy: Strategy, overlap: float
    ) -> tuple[list[Window], int]:
        """What each example sees, and how many scenes are cut."""
        key = (sequence_len, strategy, overlap)
        if key not in self._windows:
            whole = max(2, sequence_len - self.frame)
            repeated = overlap_tokens(overlap, whole) if overlap else 0
            fresh = max(1, whole - repeated)
            segments = self._atoms_for(fresh)
            found = cuts(segments, fresh, self.min_tokens, strategy)
            starts = [*segments.starts(), segments.near(0, len(segments))]
            windows: list[Window] = []
            for i, j in found:
                back = max(starts[i] - repeated, windows[-1][0] + 1 if windows else 0)
                windows.append((back if windows else starts[i], starts[j]))
            self._windows[key] = windows, _scenes_cut(segments, found)
        return self._windows[key]

    def _atoms_for(self, fresh: int) -> Segments:
        """Paragraphs that fit are the same at every length; only longer ones are split anew."""
        longest = max(self.counts, default=0) + 1000
        key = min(fresh, longest)
        if key not in self._atoms:
            self._atoms[key] = segments_of(self.book, self.tokenizer, key, counts=self.counts)
        return self._atoms[key]

    def seen(self, threads: Sequence[Thread], name: str, sequence_len: int) -> Seen:
        """What one way does to the threads."""
        windows, scenes = self.windows(sequence_len, *WAYS[name])
        sight = Sight(windows)
        whole = sum(sight.holds(t.first, t.last) for t in threads)
        returns = [sight.holds(a, b) for t in threads for a, b in t.returns]
        return Seen(
            name, sequence_len, len(windows), whole, round(whole / max(1, len(threads)), 4),
            round(sum(returns) / max(1, len(returns)), 4), scenes,
        )  # fmt: skip

    def all_shortest(
        self, stretches: Iterable[Iterable[tuple[int, int]]]
    ) -> dict[str, dict[float, int | None]]:
        """For each way and share, the shortest length that sees so many of the stretches whole."""
        flat = [pair for some in stretches for pair in some]
        return {
            name: {share: self._shortest(flat, name, share) for share in SHARES} for name in WAYS
        }

    def _shortest(
        self, stretches: Sequence[tuple[int, int]], name: str, share: float
    ) -> int | None:
        """By doubling, and then halving the step."""

        def enough(length: int) -> bool:
            sight = Sight(self.windows(length, *WAYS[name])[0])
            return sum(sight.holds(a, b) for a, b in stretches) >= share * len(stretches)

        if not stretches:
            return None
        low, high = 0, _SHORTEST + self.frame
        while not enough(high):
            if high > 2 * sum(self.counts):
                return None
            low, high = high, high * 2
        while high - low > max(_STEP, low // 8):
            middle = (low + high) // 2
            if enough(middle):
                high = middle
            else:
                low = middle
        return high


class Sight:
    """Which stretches of a book some window holds whole."""

    def __init__(self, windows: Iterable[Window]) -> None:
        """Sort the windows; of those that start no later, the furthest end is what counts."""
        ordered = sorted(windows)
        self._starts = [start for start, _ in ordered]
        self._ends = list(accumulate((end for _, end in ordered), max))

    def holds(self, first: int, last: int) -> bool:
        """Whether some window holds both tokens."""
        k = bisect_right(self._starts, first) - 1
        return k >= 0 and last < self._ends[k]


def _scenes_cut(segments: Segments, found: Sequence[Cut]) -> int:
    """How many scenes a cut goes through."""
    items = segments.items
    return len({
        items[i].scene for i, _ in found[1:] if items[i].before < Boundary.scene
    })  # fmt: skip
