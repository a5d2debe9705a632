"""What one example holds of a book, and what the cuts separate, for every compared strategy."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain

from seqctx.artifacts.dataset_stats import StrategyStats
from seqctx.prepare.analysis.motifs import Motif, find_motifs
from seqctx.prepare.chunking import expect_book, expect_counts, expect_tokenizer
from seqctx.prepare.parts import Boundary, KnownParts
from seqctx.prepare.segments import Segments, paragraph_tokens, segments_of
from seqctx.prepare.strategies import Cut, Strategy, compared_strategies, find_strategy
from seqctx.prepare.structure import Book
from seqctx.prepare.tokenizer import Tokenizer
from seqctx.system.arguments import expect_at_least, expect_type
from seqctx.system.extras import needs_extra

TokenSpan = tuple[int, int]
"""What one example shows of a book: its first token, and one past its last."""
SHARES = (0.5, 0.8, 0.95)
_MOST_SEGMENTS = 2  # ways to divide a book that are remembered: each is as large as its text
_SHORTEST, _STEP = 512, 256  # tokens; where the search for a length begins, and how fine it is


class TokenPositions:
    """A book's characters as tokens: exact at paragraphs' edges, in proportion within them."""

    def __init__(self, book: Book, tokenizer: Tokenizer, counts: list[int] | None = None) -> None:
        """Measure; ``counts`` is what `paragraph_tokens` gave for this book."""
        with needs_extra("prepare", "coverage"):
            import numpy as np

        counts = paragraph_tokens(book, tokenizer) if counts is None else counts
        segments = segments_of(book, tokenizer, max(counts, default=0) + 1000, counts=counts)
        edges = 2 * len(segments) + 1
        chars = (c for a in segments.items for c in (a.start, a.end))
        tokens = (
            t
            for segment, start in zip(segments.items, segments.starts(), strict=True)
            for t in (start, start + segment.tokens)
        )
        self.chars = np.fromiter(chain([0], chars), np.float64, edges)
        self.tokens = np.fromiter(chain([0], tokens), np.float64, edges)
        self.total = int(self.tokens[-1])

    def at(self, chars: Sequence[int]) -> list[int]:
        """Token positions of characters."""
        with needs_extra("prepare", "coverage"):
            import numpy as np

        positions: list[int] = np.interp(chars, self.chars, self.tokens).astype(np.int64).tolist()
        return positions


@dataclass(frozen=True, slots=True)
class Coverage:
    """A book's motifs, and what each strategy at each length holds of them.

    Attributes:
        tokens: of the whole book.
        motifs: of the whole book, held-out chapters included.
        whole_in: for each motif, how many examples of the asked strategy hold it from its first to
            its last mention.
        compared: every compared strategy at every length.
        length_for_motifs: strategy, then the share of the motifs, then the shortest length at
            which examples hold so many of them whole; None where no length up to the book's does.
        length_for_recurrences: the same for the share of the recurrences that examples show.
        pairs: strategy, then for each distance the share of pairs of tokens that one example
            holds: by the closed form, None where there is none, and measured.
    """

    tokens: int
    motifs: tuple[Motif, ...]
    whole_in: tuple[int, ...]
    compared: tuple[StrategyStats, ...]
    length_for_motifs: dict[str, dict[float, int | None]]
    length_for_recurrences: dict[str, dict[float, int | None]]
    pairs: dict[str, dict[int, tuple[float | None, float]]]


def coverage(
    book: Book,
    tokenizer: Tokenizer,
    *,
    sequence_len: int,
    strategy: str | Strategy = "sequential",
    overlap: float | None = None,
    template_tokens: int = 0,
    min_tokens: int = 500,
    lengths: Sequence[int] = (2048, 4096, 8192, 16384, 32768, 65536),
    counts: list[int] | None = None,
    example_spans: Sequence[TokenSpan] | None = None,
) -> Coverage:
    """Measure a whole book.

    Args:
        book: the manuscript.
        tokenizer: the model's own.
        sequence_len: of the asked strategy's examples [tokens].
        strategy: the asked one: its name, or one itself; see `seqctx.prepare.strategies`.
        overlap: what each chunk repeats of the one before: a share below 1, or tokens; the
            strategy's own when None.
        template_tokens: what the chat template and the prompt take of every length [tokens].
        min_tokens: of a chunk.
        lengths: to compare at [tokens].
        counts: what `paragraph_tokens` gave for this book, where it is known.
        example_spans: what the examples really show, where they are there already.

    Raises:
        InputError: for an argument of another type, a length below 1, a negative overlap or a
            strategy that there is none of; when a package is missing.
    """
    expect_book(book)
    expect_tokenizer(tokenizer)
    expect_at_least("sequence_len", sequence_len, 1)
    expect_type("lengths", lengths, (tuple, list), "Give lengths to compare, such as (2048, 4096).")
    for length in lengths:
        expect_at_least("lengths", length, 1)
    expect_counts(book, counts)
    if example_spans is not None:
        expect_type("example_spans", example_spans, (tuple, list), "Give pairs of tokens, or None.")
    expect_at_least("template_tokens", template_tokens, 0)
    expect_at_least("min_tokens", min_tokens, 0)
    asked = find_strategy(strategy, overlap)
    counts = paragraph_tokens(book, tokenizer) if counts is None else counts
    positions = TokenPositions(book, tokenizer, counts)
    motifs = find_motifs(book, positions.at)
    cutter = _BookCutter(book, tokenizer, counts, min_tokens, template_tokens)
    if example_spans is None:
        example_spans = cutter.spans(sequence_len, asked)[0]
    named = compared_strategies(asked)
    compared = sorted({sequence_len, *lengths})
    compared = [n for n in compared if n <= 2 * positions.total or n == sequence_len]
    return Coverage(
        tokens=positions.total,
        motifs=tuple(motifs),
        whole_in=tuple(examples_with(motif, example_spans) for motif in motifs),
        compared=tuple(
            cutter.stats(motifs, each, length) for length in compared for each in named.values()
        ),
        length_for_motifs=cutter.shortest_lengths(named, [(m.first, m.last) for m in motifs]),
        length_for_recurrences=cutter.shortest_lengths(
            named, [pair for m in motifs for pair in m.recurrences]
        ),
        pairs={
            label: _pairs(cutter, each, sequence_len, positions.total)
            for label, each in named.items()
        },
    )


def examples_with(motif: Motif, spans: Iterable[TokenSpan]) -> int:
    """How many examples hold a motif from its first to its last mention."""
    return sum(start <= motif.first and motif.last < end for start, end in spans)


def measured_share(distance: int, spans: Sequence[TokenSpan], total: int) -> float:
    """Share of the pairs of tokens so far apart that one of the spans holds.

    Measured over a text of ``total`` tokens, from the union of what each span holds;
    `Strategy.pair_share` is the closed form for a long text.
    """
    if distance >= total:
        return 0.0
    covered, reached = 0, 0
    for start, end in sorted(spans):
        left, right = max(start, reached), end - distance
        if right > left:
            covered += right - left
            reached = right
    return covered / (total - distance)


def _pairs(
    cutter: _BookCutter, strategy: Strategy, sequence_len: int, total: int
) -> dict[int, tuple[float | None, float]]:
    """Distances up to twice the length: closed form and measured."""
    length = max(2, sequence_len - cutter.template_tokens)
    spans = cutter.spans(sequence_len, strategy)[0]
    found: dict[int, tuple[float | None, float]] = {}
    for distance in sorted({max(1, length * k // 8) for k in range(17)}):
        if distance < total:
            closed = strategy.pair_share(distance, length)
            found[distance] = (
                None if closed is None else round(closed, 4),
                round(measured_share(distance, spans, total), 4),
            )
    return found


class _BookCutter:
    """One book, cut again and again at other lengths; the tokenizer goes over it once."""

    def __init__(
        self, book: Book, tokenizer: Tokenizer, counts: list[int], min_tokens: int,
        template_tokens: int,
    ) -> None:  # fmt: skip
        self.book, self.tokenizer, self.counts = book, tokenizer, counts
        self.min_tokens, self.template_tokens = min_tokens, template_tokens
        self._segments: dict[int, Segments] = {}
        self._known = KnownParts()
        self._spans: dict[tuple[int, Strategy], tuple[list[TokenSpan], int]] = {}

    def spans(self, sequence_len: int, strategy: Strategy) -> tuple[list[TokenSpan], int]:
        """What each example shows, and how many scenes are cut."""
        key = (sequence_len, strategy)
        if key not in self._spans:
            whole = max(2, sequence_len - self.template_tokens)
            repeated = strategy.repeated_tokens(whole)
            fresh = max(1, whole - repeated)
            segments = self._segments_for(fresh)
            found = strategy.cut(segments, fresh, self.min_tokens)
            starts = segments.starts()
            starts.append(segments.near(0, len(segments)))
            spans: list[TokenSpan] = []
            for i, j in found:
                back = max(starts[i] - repeated, spans[-1][0] + 1 if spans else 0)
                spans.append((back if spans else starts[i], starts[j]))
            self._spans[key] = spans, _scenes_cut(segments, found)
        return self._spans[key]

    def _segments_for(self, fresh: int) -> Segments:
        """Paragraphs that fit are the same at every length; only longer ones are split again."""
        longest = max(self.counts, default=0) + 1000
        key = min(fresh, longest)
        if key not in self._segments:
            while len(self._segments) >= _MOST_SEGMENTS:
                del self._segments[next(iter(self._segments))]
            self._segments[key] = segments_of(
                self.book, self.tokenizer, key, counts=self.counts, known=self._known
            )
        return self._segments[key]

    def stats(
        self, motifs: Sequence[Motif], strategy: Strategy, sequence_len: int
    ) -> StrategyStats:
        """What one strategy at one length would do to the book."""
        spans, scenes = self.spans(sequence_len, strategy)
        index = SpanIndex(spans)
        whole = sum(index.holds(m.first, m.last) for m in motifs)
        shown = [index.holds(a, b) for m in motifs for a, b in m.recurrences]
        return StrategyStats(
            strategy=strategy.label,
            overlap=strategy.overlap,
            sequence_len=sequence_len,
            examples=len(spans),
            whole_motifs=whole,
            motif_share=round(whole / max(1, len(motifs)), 4),
            recurrence_share=round(sum(shown) / max(1, len(shown)), 4),
            scenes_cut=scenes,
        )

    def shortest_lengths(
        self, strategies: dict[str, Strategy], stretches: Sequence[tuple[int, int]]
    ) -> dict[str, dict[float, int | None]]:
        """For each strategy and share, the shortest length that holds so many stretches whole."""
        return {
            label: {share: self._shortest(stretches, strategy, share) for share in SHARES}
            for label, strategy in strategies.items()
        }

    def _shortest(
        self, stretches: Sequence[tuple[int, int]], strategy: Strategy, share: float
    ) -> int | None:
        """By doubling, and then halving the step."""

        def enough(length: int) -> bool:
            index = SpanIndex(self.spans(length, strategy)[0])
            return sum(index.holds(a, b) for a, b in stretches) >= share * len(stretches)

        if not stretches:
            return None
        low, high = 0, _SHORTEST + self.template_tokens
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


class SpanIndex:
    """Which stretches of a book some span holds whole."""

    def __init__(self, spans: Iterable[TokenSpan]) -> None:
        """Sort the spans; of those that start no later, the furthest end is what counts."""
        ordered = sorted(spans)
        self._starts = [start for start, _ in ordered]
        self._ends = list(accumulate((end for _, end in ordered), max))

    def holds(self, first: int, last: int) -> bool:
        """Whether some span holds both tokens."""
        k = bisect_right(self._starts, first) - 1
        return k >= 0 and last < self._ends[k]


def _scenes_cut(segments: Segments, found: Sequence[Cut]) -> int:
    """How many scenes a cut goes through."""
    items = segments.items
    return len({
        items.scenes[i] for i, _ in found[1:] if items.before[i] < Boundary.scene
    })  # fmt: skip
