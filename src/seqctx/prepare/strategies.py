"""Strategies: the ways to cut a book into chunks, as values with behaviour.

A further strategy is a `Strategy` here with its function, and a `StrategyName` in
`seqctx.config.strategies`, which lets a file ask for it. Chunks, coverage, reports and the planner
take every registered one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from math import ceil
from typing import TYPE_CHECKING

from seqctx.config.strategies import one_of
from seqctx.errors import InputError
from seqctx.prepare.parts import Boundary
from seqctx.prepare.segments import Segments
from seqctx.system.extras import needs_extra

if TYPE_CHECKING:
    import numpy as np

    from seqctx.config.blocks import Prepare

Cut = tuple[int, int]
"""A chunk's segments: the first, and one past the last."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """A way to cut a book into chunks.

    Attributes:
        name: as a file names it.
        divide: which segments make a chunk, from the segments, the most tokens of a chunk and the
            fewest that it should have.
        overlap: what each chunk repeats of the text before it: a share of the chunk below 1, or
            tokens.
        compared_at: the overlaps with which reports compare it to the other strategies.
        even: whether the chunks of a long text are all about as long as they may be, so that a
            closed form tells what they hold; see `pair_share`.
    """

    name: str
    divide: Callable[[Segments, int, int], list[Cut]]
    overlap: float = 0.0
    compared_at: tuple[float, ...] = (0.0,)
    even: bool = True

    @property
    def label(self) -> str:
        """Its name in reports, with what it repeats: ``scenes``, ``overlap 25 %``."""
        if not self.overlap:
            return self.name
        amount = f"{self.overlap * 100:g} %" if self.overlap < 1 else f"{self.overlap:g} tokens"
        return f"{self.name} {amount}"

    def with_overlap(self, overlap: float) -> Strategy:
        """The same way to cut that repeats another amount.

        Raises:
            InputError: when it is negative or no number.
        """
        number = isinstance(overlap, int | float) and not isinstance(overlap, bool)
        if not number or not overlap >= 0:
            raise InputError(
                f"overlap: must be a share of the chunk from 0 to below 1, or a number of tokens "
                f"from 1 on (got {overlap!r})."
            )
        return replace(self, overlap=float(overlap))

    def repeated_tokens(self, max_tokens: int) -> int:
        """What a chunk of at most so many tokens may repeat; one token at least is new."""
        amount = self.overlap * max_tokens if self.overlap < 1 else self.overlap
        return min(int(amount), max_tokens - 1)

    def cut(self, segments: Segments, max_tokens: int, min_tokens: int) -> list[Cut]:
        """Which segments make a chunk.

        Args:
            segments: of a stretch of a book.
            max_tokens: no chunk's new text is longer, unless it is one segment [tokens].
            min_tokens: shorter chunks are avoided; at most half of ``max_tokens`` is asked for.
        """
        if not len(segments):
            return []
        return self.divide(segments, max_tokens, min(min_tokens, max_tokens // 2))

    def pair_share(self, distance: int, length: int) -> float | None:
        """Share of the pairs of tokens so far apart that some chunk of a long text holds.

        Chunks of ``length`` tokens start every ``length - repeated``; a pair is in one where its
        first token lies in the first ``length - distance`` of a chunk. Hence
        min(1, max(0, length - distance) / (length - repeated)): 0 at ``length`` and beyond,
        whatever is repeated.

        Returns:
            The share; None where the lengths of chunks follow the text, so that there is no
            closed form.
        """
        if not self.even:
            return None
        return min(1.0, max(0, length - distance) / (length - self.repeated_tokens(length)))


def sequential_cuts(segments: Segments, max_tokens: int, min_tokens: int) -> list[Cut]:
    """Chapters that fit together stay together; a longer one is cut into even shares."""
    return _joined(segments, _chapter_cuts(segments, max_tokens), max_tokens, min_tokens)


def _chapter_cuts(segments: Segments, max_tokens: int) -> list[Cut]:
    """Runs of whole chapters that fit together; the shares of one that does not fit."""
    before = segments.items.before
    opens = [k for k, kind in enumerate(before) if kind == Boundary.chapter and k]
    edges = [0, *opens, len(segments)]
    found: list[Cut] = []
    i = 0
    for this, after in zip(edges[1:], [*edges[2:], None], strict=True):
        if after is not None and segments.tokens(i, after) <= max_tokens:
            continue
        found += _shares(segments, i, this, max_tokens)
        i = this
    return found


def _shares(segments: Segments, i: int, end: int, max_tokens: int) -> list[Cut]:
    """As few chunks as fit, of about even length."""
    found = []
    while i < end:
        rest = segments.near(i, end)
        target = rest / max(1, ceil(rest / max_tokens))
        j, length = i + 1, segments.near(i, i + 1)
        while j < end:
            longer = segments.near(i, j + 1)
            if longer - target > target - length:  # the cut before segment j is nearer the share
                break
            j, length = j + 1, longer
        while j > i + 1 and segments.tokens(i, j) > max_tokens:
            j -= 1
        found.append((i, j))
        i = j
    return found


def _joined(segments: Segments, found: list[Cut], max_tokens: int, min_tokens: int) -> list[Cut]:
    """Short chunks joined with a neighbour of their chapter where that fits."""
    joined: list[Cut] = []
    for cut in found:
        if joined:
            left = joined[-1]
            same = segments.items.before[cut[0]] != Boundary.chapter
            short = min(segments.tokens(*left), segments.tokens(*cut)) < min_tokens
            if same and short and segments.tokens(left[0], cut[1]) <= max_tokens:
                joined[-1] = (left[0], cut[1])
                continue
        joined.append(cut)
    return joined


# What a cut costs `scene_cuts`; each outweighs all of the next kind that a book can have.
_SHORT, _SCENE, _WITHIN, _CHAPTER = 1e9, 1e5, {3: 10.0, 2: 100.0, 1: 1000.0, 0: 1000.0}, 0.25
_ROWS = 64  # ends of chunks whose costs are computed together
_SLACK = 64  # tokens; more than the counts of `Segments.near` are ever off
_STARTS = 4096  # where a chunk may begin, for one end: more are thinned out, so that time is linear


def scene_cuts(segments: Segments, max_tokens: int, min_tokens: int) -> list[Cut]:
    """The cuts with the lowest cost, by dynamic programming over the last cut.

    In this order: no chunk below the minimum, few scenes cut, few cuts within them, and full, even
    chunks (the squares of what each leaves of the limit), with a little for a chapter's unity.
    """
    with needs_extra("prepare", "the strategy scenes"):
        import numpy as np

    n, items = len(segments), segments.items
    before = np.array(items.before)
    # the first segment of the scene, and chapter, that the cut before each segment cuts
    scenes = np.append(np.where(before < Boundary.scene, _firsts(items.scenes), -1), -1)
    chapters = np.append(np.where(before < Boundary.chapter, _firsts(items.chapters), -1), -1)
    # of the cut before each segment, and of the end
    within = [_WITHIN.get(kind, 0.0) for kind in chain(items.before, [Boundary.chapter])]
    begins, ends = (np.frombuffer(positions, np.int64) for positions in segments.positions())
    # the places at which the text may be cut: segment `at[k]` begins after cut k
    at = np.arange(n + 1)
    # the first cut of a chunk that may fit
    firsts = _first_cuts(begins, ends, max_tokens)
    if (at - firsts).max() > _STARTS:
        at = _thinned(begins[:n], np.array(within[:n]), max_tokens / _STARTS)
        firsts = _first_cuts(begins[at[:-1]], ends[at], max_tokens)
    begins, ends, scenes, chapters = begins[at[:-1]], ends[at], scenes[at], chapters[at]
    last = len(at) - 1
    best, back = np.zeros(last + 1), [0] * (last + 1)
    for top in range(1, last + 1, _ROWS):
        rows = np.arange(top, min(top + _ROWS, last + 1))
        starts = np.arange(firsts[rows].min(), rows[-1])
        tokens = ends[rows, None] - begins[starts]
        costs = ((max_tokens - tokens) / max_tokens) ** 2
        costs += _SCENE * (at[starts] <= scenes[rows, None])
        costs += _CHAPTER * (at[starts] <= chapters[rows, None])
        costs += _SHORT * (tokens < min_tokens)
        costs[(tokens > max_tokens) & (starts < rows[:, None] - 1)] = np.inf
        for j, row in zip(rows.tolist(), costs, strict=True):
            i = int(firsts[j])
            cost = row[i - starts[0] : j - starts[0]] + best[i:j]
            if i == 0 and j == last and ends[last] - begins[0] < min_tokens:
                cost[0] -= _SHORT  # a whole work may be short
            while (k := i + int(cost.argmin())) < j - 1 and (
                segments.tokens(int(at[k]), int(at[j])) > max_tokens
            ):
                cost[k - i] = np.inf  # it was encoded, and did not fit
            best[j], back[j] = cost[k - i] + within[at[j]], k
    found, j = [], last
    while j:
        found.append((int(at[back[j]]), int(at[j])))
        j = back[j]
    return found[::-1]


def _first_cuts(begins: np.ndarray, ends: np.ndarray, max_tokens: int) -> np.ndarray:
    """For each end, the first cut after which a chunk up to there may fit."""
    import numpy as np

    found = np.searchsorted(np.maximum.accumulate(begins), ends - max_tokens - _SLACK)
    return np.minimum(found, np.arange(len(ends)) - 1)


def _thinned(begins: np.ndarray, within: np.ndarray, apart: float) -> np.ndarray:
    """Of the cuts in each stretch of ``apart`` tokens the gentlest; the first and last of all."""
    import numpy as np

    stretch = (np.maximum.accumulate(begins) // apart).astype(int)
    order = np.lexsort((within, stretch))
    _, first = np.unique(stretch[order], return_index=True)
    return np.unique([0, *order[first], len(begins)])


def _firsts(numbers: Sequence[int]) -> np.ndarray:
    """For each number, where it comes first."""
    import numpy as np

    _, first, inverse = np.unique(np.array(numbers), return_index=True, return_inverse=True)
    return first[inverse]


STRATEGIES: dict[str, Strategy] = {
    each.name: each
    for each in (
        Strategy("sequential", sequential_cuts),
        Strategy("overlap", sequential_cuts, overlap=0.25, compared_at=(0.25, 0.5)),
        Strategy("scenes", scene_cuts, even=False),
    )
}
"""The registered strategies; a default ``overlap`` is what a file gets that names none."""


def find_strategy(strategy: str | Strategy, overlap: float | None = None) -> Strategy:
    """A strategy by its name, with what it repeats.

    Args:
        strategy: the name of a registered one, or one itself.
        overlap: what each chunk repeats; the strategy's own when None.

    Raises:
        InputError: when there is no such strategy, or the overlap is negative or no number.
    """
    found = STRATEGIES.get(strategy) if isinstance(strategy, str) else strategy
    if not isinstance(found, Strategy):
        raise InputError(f"strategy: must be {one_of(list(STRATEGIES))} (got {strategy!r}).")
    return found if overlap is None else found.with_overlap(overlap)


def strategy_of(prep: Prepare) -> Strategy:
    """The strategy that a file asks for."""
    return find_strategy(prep.strategy, prep.overlap)


def compared_strategies(asked: Strategy | None = None) -> dict[str, Strategy]:
    """Every strategy that reports compare, by its label; the asked one among them."""
    compared = [each.with_overlap(n) for each in STRATEGIES.values() for n in each.compared_at]
    if asked is not None:
        compared.append(asked)
    return {each.label: each for each in compared}
