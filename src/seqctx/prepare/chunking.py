"""A stretch of a book cut into chunks: exact token counts, gentle cuts, even lengths."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import ceil
from typing import Literal

from seqctx.prepare.segments import Boundary, Segments, segments_of
from seqctx.prepare.structure import Book
from seqctx.prepare.tokenizer import Tokenizer

Strategy = Literal["sequential", "scenes"]
Cut = tuple[int, int]
"""A chunk's segments: the first, and one past the last."""
_BEGINNING = re.compile(r"(?<=\s)\S|(?<=[。！？])[^\s」』”]|(?<=[。！？][」』”])\S")
_SIGN = re.compile(r"\S")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of a book.

    Attributes:
        start: first character in the book's text.
        fresh: where the text begins that no chunk before holds; ``start`` without overlap.
        end: one past the last character.
        text: ``book.text[start:end]``.
        tokens: of ``text`` by itself.
        chapter: index into ``book.chapters`` of where the fresh text begins.
        opens: whether a chapter begins at ``fresh``.
        closes: whether a chapter ends at ``end``.
        cut: what its end cuts: ``chapter`` where it cuts none, else ``scene`` (between two scenes),
            ``paragraph`` (within a scene, between two), ``sentence``, ``word`` or ``token``.
    """

    start: int
    fresh: int
    end: int
    text: str
    tokens: int
    chapter: int
    opens: bool
    closes: bool
    cut: str


def chunk(
    book: Book,
    tokenizer: Tokenizer,
    *,
    max_tokens: int,
    strategy: Strategy = "sequential",
    overlap: float = 0,
    min_tokens: int = 500,
    start: int = 0,
    end: int | None = None,
    counts: list[int] | None = None,
) -> list[Chunk]:
    """Cut a book, or a stretch of it.

    Cuts fall between paragraphs; a paragraph longer than the limit is cut between sentences, then
    words, then tokens. Between two chunks only the white space of the cut is left out.

    Args:
        book: the manuscript.
        tokenizer: the model's own.
        max_tokens: no chunk is longer, what it repeats included [tokens].
        strategy: ``sequential``: chapters that fit together stay together, a longer one is cut in
            even shares; ``scenes``: the cuts that cut the fewest scenes.
        overlap: what each chunk repeats of the text before it: a share of ``max_tokens`` below 1,
            or tokens.
        min_tokens: a shorter chunk joins its neighbour where that fits [tokens].
        start: first character of the stretch.
        end: one past its last; the text's end when None.
        counts: what `paragraph_tokens` gave for this book, where it is known already.

    Returns:
        Chunks in reading order; every one has fresh text, and none lies inside another.
    """
    repeated = overlap_tokens(overlap, max_tokens)
    fresh = max(1, max_tokens - repeated)
    segments = segments_of(book, tokenizer, fresh, start=start, end=end, counts=counts)
    chunks: list[Chunk] = []
    for i, j in cuts(segments, fresh, min_tokens, strategy):
        first, last = segments.items[i], segments.items[j - 1]
        begin = first.start
        if chunks and repeated:
            room = min(repeated, max_tokens - segments.tokens(i, j))
            begin = _reach_back(segments, i, room, chunks[-1].start + 1)
        text = book.text[begin : last.end]
        after = segments.items[j].before if j < len(segments) else Boundary.chapter
        chunks.append(
            Chunk(
                start=begin,
                fresh=first.start,
                end=last.end,
                text=text,
                tokens=segments.tokens(i, j) if begin == first.start else tokenizer.count(text),
                chapter=first.chapter,
                opens=first.before == Boundary.chapter,
                closes=after == Boundary.chapter and _ends_a_chapter(book, last.end),
                cut=after.name,
            )
        )
    return chunks


def overlap_tokens(overlap: float, max_tokens: int) -> int:
    """What a share, or a number, of repeated tokens comes to [tokens]."""
    return min(int(overlap * max_tokens if overlap < 1 else overlap), max_tokens - 1)


def _ends_a_chapter(book: Book, end: int) -> bool:
    """Whether a chapter's text ends here, rather than a stretch that was split in mid-chapter."""
    return any(chapter.span.end == end for chapter in book.chapters)


def cuts(segments: Segments, max_tokens: int, min_tokens: int, strategy: Strategy) -> list[Cut]:
    """Which segments make a chunk; none is longer than ``max_tokens``."""
    if not len(segments):
        return []
    min_tokens = min(min_tokens, max_tokens // 2)
    if strategy == "scenes":
        return _scene_cuts(segments, max_tokens, min_tokens)
    return _merged(segments, _sequential_cuts(segments, max_tokens), max_tokens, min_tokens)


def _sequential_cuts(segments: Segments, max_tokens: int) -> list[Cut]:
    """Runs of whole chapters that fit together; the shares of one that does not fit."""
    opens = [k for k, a in enumerate(segments.items) if a.before == Boundary.chapter and k]
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


def _merged(segments: Segments, found: list[Cut], max_tokens: int, min_tokens: int) -> list[Cut]:
    """Short chunks joined with a neighbour of their chapter where that fits."""
    merged: list[Cut] = []
    for cut in found:
        if merged:
            left = merged[-1]
            same = segments.items[cut[0]].before != Boundary.chapter
            short = min(segments.tokens(*left), segments.tokens(*cut)) < min_tokens
            if same and short and segments.tokens(left[0], cut[1]) <= max_tokens:
                merged[-1] = (left[0], cut[1])
                continue
        merged.append(cut)
    return merged


# What a cut costs under `scenes`; each outweighs all of the next kind that a book can have.
_SHORT, _SCENE, _WITHIN, _CHAPTER = 1e9, 1e5, {3: 10.0, 2: 100.0, 1: 1000.0, 0: 1000.0}, 0.25
_ROWS = 64  # ends of chunks looked at together


def _scene_cuts(segments: Segments, max_tokens: int, min_tokens: int) -> list[Cut]:
    """The cheapest cuts by dynamic programming over the last cut.

    In this order: no chunk below the minimum, few scenes cut, few cuts within them, and full, even
    chunks (the squares of what each leaves of the limit), with a little for a chapter's unity.
    """
    import numpy as np

    n, items = len(segments), segments.items
    first_of_scene: dict[int, int] = {}
    first_of_chapter: dict[int, int] = {}
    for k, segment in enumerate(items):
        first_of_scene.setdefault(segment.scene, k)
        first_of_chapter.setdefault(segment.chapter, k)
    # of the cut before each segment, and of the end: what it cuts, and since which segment
    kinds = [*(segment.before for segment in items), Boundary.chapter]
    within = [_WITHIN.get(kind, 0.0) for kind in kinds]
    scenes, chapters = np.full(n + 1, -1), np.full(n + 1, -1)
    for k, segment in enumerate(items):
        scenes[k] = first_of_scene[segment.scene] if segment.before < Boundary.scene else -1
        chapters[k] = first_of_chapter[segment.chapter] if segment.before < Boundary.chapter else -1
    begins, ends = (np.array(positions) for positions in segments.edges())
    # the first segment of a chunk that may fit; no seam is off by as much as 64
    firsts = np.searchsorted(np.maximum.accumulate(begins), ends - max_tokens - 64)
    firsts = np.minimum(firsts, np.arange(n + 1) - 1)
    best, back = np.zeros(n + 1), [0] * (n + 1)
    for top in range(1, n + 1, _ROWS):
        rows = np.arange(top, min(top + _ROWS, n + 1))
        starts = np.arange(firsts[rows].min(), rows[-1])
        tokens = ends[rows, None] - begins[starts]
        costs = ((max_tokens - tokens) / max_tokens) ** 2
        costs += _SCENE * (starts <= scenes[rows, None])
        costs += _CHAPTER * (starts <= chapters[rows, None])
        costs += _SHORT * (tokens < min_tokens)
        costs[(tokens > max_tokens) & (starts < rows[:, None] - 1)] = np.inf
        for j, whole in zip(rows.tolist(), costs, strict=True):
            i = int(firsts[j])
            cost = whole[i - starts[0] : j - starts[0]] + best[i:j]
            if i == 0 and j == n and ends[n] - begins[0] < min_tokens:
                cost[0] -= _SHORT  # a whole work may be short
            while (k := i + int(cost.argmin())) < j - 1 and segments.tokens(k, j) > max_tokens:
                cost[k - i] = np.inf  # it was encoded, and did not fit
            best[j], back[j] = cost[k - i] + within[j], k
    found, j = [], n
    while j:
        found.append((back[j], j))
        j = back[j]
    return found[::-1]


def _reach_back(segments: Segments, i: int, limit: int, floor: int) -> int:
    """Where a chunk starts that repeats up to ``limit`` tokens before segment ``i``.

    At a paragraph where that keeps half of them or more, else as `begin_within` has it; never
    before character ``floor``, or the chunk before would lie inside this one.
    """
    text, fresh, tokenizer = segments.text, segments.items[i].start, segments.tokenizer
    k = i
    while k and segments.items[k - 1].start >= floor and segments.near(k - 1, i) <= limit:
        k -= 1
    start = segments.items[k].start
    spare = limit - segments.near(k, i) - 2
    if k and spare > 0 and segments.near(k, i) < limit / 2:
        left = segments.items[k - 1]
        _, offsets = tokenizer.encode(text[left.start : left.end])
        at = left.start + offsets[max(0, len(offsets) - spare)][0]
        return begin_within(text, max(at, floor), fresh, tokenizer, limit)
    if tokenizer.count(text[start:fresh]) > limit:  # a seam cost more than was thought
        return begin_within(text, start + 1, fresh, tokenizer, limit)
    return start


def begin_within(text: str, at: int, end: int, tokenizer: Tokenizer, limit: int) -> int:
    """Where the last ``limit`` tokens, at most, before ``end`` begin, from character ``at`` on.

    At a word or, in a script without spaces, a sentence; where neither comes, at any sign.
    """
    for place in (_BEGINNING, _SIGN):
        for match in place.finditer(text, at, end):
            if tokenizer.count(text[match.start() : end]) <= limit:
                return match.start()
    return end
