"""Segments: the stretches of a book that are never cut, each encoded once.

A segment is a paragraph, or a part of one that is longer than a chunk may be.

Token counts do not add up across a cut in general: a full stop, and one with the blank line after
it, may be one token each. What joining two segments adds or saves is their boundary cost. Where
the tokenizer splits text into words first, it shows in the few characters on both sides of the
boundary; those are encoded instead of the whole text again.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain, islice, pairwise
from operator import add
from typing import NamedTuple, overload

from seqctx.prepare.parts import Boundary, KnownParts, fitting_parts
from seqctx.prepare.structure import Book
from seqctx.prepare.tokenizer import Tokenizer

_MOST_COSTS = 20_000  # boundary costs that a tokenizer remembers
_AT_ONCE = 16_384  # paragraphs, or boundaries, that are counted together
_BESIDE = 64  # characters beside a boundary; without a space in them the whole segment counts


class Segment(NamedTuple):
    """A stretch that is never cut.

    Attributes:
        start: first character in the book's text.
        end: one past the last.
        tokens: of it alone.
        before: what a cut before it lies between.
        chapter: index into ``book.chapters``.
        scene: number of its scene in the book.
    """

    start: int
    end: int
    tokens: int
    before: Boundary
    chapter: int
    scene: int


_BOUNDARIES = tuple(Boundary)


class SegmentList(Sequence[Segment]):
    """Segments as columns: 21 bytes for each, where an object takes ten times as many."""

    def __init__(self, segments: Iterable[Segment]) -> None:
        """Keep what an iterable gives."""
        columns = tuple(array(kind) for kind in "iiibii")
        for segment in segments:
            for column, value in zip(columns, segment, strict=True):
                column.append(value)
        self._starts, self._ends, self.tokens, self.before, self.chapters, self.scenes = columns

    def __len__(self) -> int:
        """How many segments."""
        return len(self._starts)

    @overload
    def __getitem__(self, at: int) -> Segment: ...
    @overload
    def __getitem__(self, at: slice) -> list[Segment]: ...
    def __getitem__(self, at: int | slice) -> Segment | list[Segment]:
        """A segment, or some."""
        if isinstance(at, slice):
            return [self[k] for k in range(*at.indices(len(self)))]
        return Segment(
            self._starts[at], self._ends[at], self.tokens[at], _BOUNDARIES[self.before[at]],
            self.chapters[at], self.scenes[at],
        )  # fmt: skip


class Segments:
    """A stretch of a book as segments, with exact token counts of any run of them."""

    def __init__(self, text: str, segments: Iterable[Segment], tokenizer: Tokenizer) -> None:
        """Measure the boundary cost of each segment and the next."""
        self.text, self.tokenizer = text, tokenizer
        self.items = SegmentList(segments)
        costs, unsure = array("i"), array("b")
        pairs = pairwise(self.items)
        while some := list(islice(pairs, _AT_ONCE)):
            more, sure = _boundary_costs(text, some, tokenizer)
            costs.extend(more)
            unsure.extend(not s for s in sure)
        self._tokens = array("q", chain([0], accumulate(self.items.tokens)))
        self._costs = array("q", chain([0], accumulate(costs), [0]))
        self._unsure = array("q", chain([0], accumulate(unsure), [0]))

    def __len__(self) -> int:
        """How many segments."""
        return len(self.items)

    def tokens(self, i: int, j: int) -> int:
        """Tokens of segments i to j - 1 and what is between them, as one text."""
        if i >= j:
            return 0
        if self._unsure[j - 1] - self._unsure[i]:
            return self.tokenizer.count(self.text[self.items[i].start : self.items[j - 1].end])
        return self.near(i, j)

    def near(self, i: int, j: int) -> int:
        """The same without encoding anything again; off by a few tokens where words were cut."""
        if i >= j:
            return 0
        return self._tokens[j] - self._tokens[i] + self._costs[j - 1] - self._costs[i]

    def positions(self) -> tuple[array[int], array[int]]:
        """Arrays B and E, so that ``near(i, j)`` is E[j] - B[i]."""
        begins = array("q", map(add, self._tokens, self._costs))
        ends = array("q", chain([0], map(add, self._tokens[1:], self._costs)))
        return begins, ends

    def starts(self) -> array[int]:
        """Where each segment starts, in tokens from the first."""
        return array("q", islice(map(add, self._tokens, self._costs), len(self)))


def segments_of(
    book: Book,
    tokenizer: Tokenizer,
    max_tokens: int,
    *,
    start: int = 0,
    end: int | None = None,
    counts: list[int] | None = None,
    known: KnownParts | None = None,
) -> Segments:
    """The paragraphs of a stretch of a book; one that is longer than the limit is split.

    A heading stays with the paragraph after it, and a scene break with the one before, where they
    fit.

    Args:
        book: the manuscript.
        tokenizer: the model's own.
        max_tokens: no segment is longer [tokens].
        start: first character of the stretch.
        end: one past its last; the text's end when None.
        counts: tokens of each paragraph of the whole book where they are known already.
        known: what was counted when the book was cut at other lengths; more is added.
    """
    known = KnownParts() if known is None else known
    end = len(book.text) if end is None else end
    if counts is None:
        counts = paragraph_tokens(book, tokenizer)
    found = _segments(book, tokenizer, max_tokens, start, end, counts, known)
    return Segments(book.text, found, tokenizer)


def _segments(
    book: Book, tokenizer: Tokenizer, max_tokens: int, start: int, end: int, counts: list[int],
    known: KnownParts,
) -> Iterator[Segment]:  # fmt: skip
    """The segments of `segments_of` one by one; only the last may still be joined with the next."""
    marks, heads = {b.start for b in book.scene_breaks}, {h.start for h in book.headings}
    opens = {chapter.span.start for chapter in book.chapters}
    opens_scene = {heading.start for heading in book.scene_headings}
    last: Segment | None = None
    chapter, scene, fresh_scene, glue = -1, 0, True, False
    for paragraph, tokens in zip(book.paragraphs, counts, strict=True):
        if paragraph.start in opens:
            chapter, fresh_scene = chapter + 1, True
        fresh_scene |= paragraph.start in opens_scene
        if not start <= paragraph.start < end:
            continue
        is_mark = paragraph.start in marks
        kind = Boundary.paragraph
        if fresh_scene and not is_mark:
            kind = Boundary.chapter if paragraph.start in opens else Boundary.scene
            scene, fresh_scene = scene + 1, False
        parts = fitting_parts(book.text, paragraph, tokens, max_tokens, tokenizer, known)
        for k, (part, size, boundary) in enumerate(parts):
            segment = Segment(
                part.start, part.end, size, boundary if k else kind, max(0, chapter), scene
            )
            if k == 0 and last and (glue or is_mark):
                *done, last = _joined(book.text, last, segment, max_tokens, tokenizer)
                yield from done
            else:
                if last:
                    yield last
                last = segment
        glue = paragraph.start in heads
        fresh_scene |= is_mark
    if last:
        yield last


def paragraph_tokens(book: Book, tokenizer: Tokenizer) -> list[int]:
    """Tokens of each paragraph by itself; the tokenizer goes over the text once."""
    counts: list[int] = []
    for first in range(0, len(book.paragraphs), _AT_ONCE):
        some = book.paragraphs[first : first + _AT_ONCE]
        counts += tokenizer.count_words([book.text[p.start : p.end] for p in some])
    return counts


def _joined(
    text: str, left: Segment, right: Segment, max_tokens: int, tokenizer: Tokenizer
) -> list[Segment]:
    """Two segments as one, where that fits."""
    costs, sure = _boundary_costs(text, [(left, right)], tokenizer)
    tokens = left.tokens + costs[0] + right.tokens
    if not sure[0]:
        tokens = tokenizer.count(text[left.start : right.end])
    if tokens > max_tokens:
        return [left, right]
    return [Segment(left.start, right.end, tokens, left.before, left.chapter, left.scene)]


def _boundary_costs(
    text: str, pairs: list[tuple[Segment, Segment]], tokenizer: Tokenizer
) -> tuple[list[int], list[bool]]:
    """The boundary costs [tokens], and whether each holds in any run of segments.

    It does where the tokenizer is local and there is white space between the two segments.
    """
    local = tokenizer.is_local
    opens, closes = tokenizer.added_edges
    keys = []
    for left, right in pairs:
        gap, opener = text[left.end : right.start], text[right.start]
        tail = _last_word(text, left) if tokenizer.splits_at_spaces and gap[-1:] == "\n" else ""
        if tail and closes.isdisjoint(tail) and opener not in opens and not opener.isspace():
            # of letters it does not matter which; of other signs it may, as of digits and slashes
            first = "a" if tail[0].isalpha() else tail[0]
            keys.append((first + tail[1:], gap, "a" if opener.isalpha() else opener))
        else:
            keys.append(_beside(text, left, right, local))
    costs = tokenizer.boundary_costs
    unique = [key for key in dict.fromkeys(keys) if key not in costs]
    if unique:
        alone = list(dict.fromkeys(part for tail, _, head in unique for part in (tail, head)))
        sizes = dict(zip(alone, tokenizer.count_all(alone), strict=True))
        whole = tokenizer.count_all(["".join(key) for key in unique])
        for key, size in zip(unique, whole, strict=True):
            costs[key] = size - sizes[key[0]] - sizes[key[2]]
    # o200k's pattern takes the slashes that open a line with what stands before, however many
    sure = [local and bool(gap) and head[:1] != "/" for _, gap, head in keys]
    found = [costs[key] for key in keys]
    if len(costs) > _MOST_COSTS:
        costs.clear()
    return found, sure


def _last_word(text: str, segment: Segment) -> str:
    """The end of a segment that a token may share with the next: a letter and the marks after it.

    A token that reaches into a new line begins after the last letter or digit, or at the space
    before marks that stand alone.
    """
    at = segment.end - 1
    while at > segment.start and not text[at].isalnum() and not text[at].isspace():
        at -= 1
    if text[at].isalnum():
        return text[at : segment.end]
    return text[max(segment.start, text.rfind(" ", segment.start, at + 1)) : segment.end]


def _beside(text: str, left: Segment, right: Segment, local: bool) -> tuple[str, str, str]:
    """The text on both sides of a boundary: from the last space before it to the first after it.

    Words are split at spaces whatever follows; where no space is near, it is all of both segments.
    """
    tail = text[max(left.start, left.end - _BESIDE) : left.end]
    head = text[right.start : min(right.end, right.start + _BESIDE)]
    space, stop = tail.rfind(" "), head.find(" ")
    tail = tail[space:] if local and space >= 0 else text[left.start : left.end]
    head = head[:stop] if local and stop >= 0 else text[right.start : right.end]
    return tail, text[left.end : right.start], head
