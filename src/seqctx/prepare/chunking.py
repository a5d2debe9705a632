"""A stretch of a book cut into chunks: exact token counts, gentle cuts, even lengths."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from seqctx.errors import InputError
from seqctx.prepare.parts import Boundary
from seqctx.prepare.segments import Segments, segments_of
from seqctx.prepare.strategies import Strategy, find_strategy
from seqctx.prepare.structure import Book
from seqctx.prepare.tokenizer import Tokenizer
from seqctx.system.arguments import expect_at_least, expect_type

_BEGINNING = re.compile(r"(?<=\s)\S|(?<=[。！？])[^\s」』”]|(?<=[。！？][」』”])\S")
_SIGN = re.compile(r"\S")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of a book.

    Attributes:
        start: first character in the book's text.
        fresh: where its new text begins, which no chunk before holds; ``start`` without overlap.
        end: one past the last character.
        text: ``book.text[start:end]``.
        tokens: of ``text`` by itself.
        chapter: index into ``book.chapters`` of where the new text begins.
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
    strategy: str | Strategy = "sequential",
    overlap: float | None = None,
    min_tokens: int = 500,
    start: int = 0,
    end: int | None = None,
    counts: list[int] | None = None,
) -> list[Chunk]:
    """Cut a book, or a stretch of it, into chunks.

    Cuts fall between paragraphs; a paragraph longer than the limit is cut between sentences, then
    words, then tokens. Between two chunks only the white space of the cut is left out.

    Args:
        book: the manuscript.
        tokenizer: the model's own.
        max_tokens: no chunk is longer, what it repeats included [tokens].
        strategy: the name of one, or one itself; see `seqctx.prepare.strategies`.
        overlap: what each chunk repeats of the text before it: a share of ``max_tokens`` below 1,
            or tokens; the strategy's own when None.
        min_tokens: a shorter chunk joins its neighbour where that fits [tokens].
        start: first character of the stretch.
        end: one past its last; the text's end when None.
        counts: what `paragraph_tokens` gave for this book, where it is known already.

    Returns:
        Chunks in reading order; every one has new text, and none lies inside another.

    Raises:
        InputError: for an argument of another type, a length below 1, a negative overlap or a
            strategy that there is none of.
    """
    expect_book(book)
    expect_tokenizer(tokenizer)
    expect_at_least("max_tokens", max_tokens, 1)
    expect_at_least("min_tokens", min_tokens, 0)
    expect_at_least("start", start, 0)
    if end is not None:
        expect_at_least("end", end, 0)
    expect_counts(book, counts)
    cutting = find_strategy(strategy, overlap)
    repeated = cutting.repeated_tokens(max_tokens)
    fresh = max(1, max_tokens - repeated)
    segments = segments_of(book, tokenizer, fresh, start=start, end=end, counts=counts)
    chunks: list[Chunk] = []
    for i, j in cutting.cut(segments, fresh, min_tokens):
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


def expect_book(book: Any) -> None:
    """That an argument is a book that was read.

    Raises:
        InputError: when it is something else.
    """
    expect_type("book", book, Book, "Read one with read_manuscript.")


def expect_tokenizer(tokenizer: Any) -> None:
    """That an argument is a tokenizer of ours.

    Raises:
        InputError: when it is something else.
    """
    expect_type("tokenizer", tokenizer, Tokenizer, "Load one with load_tokenizer.")


def expect_counts(book: Book, counts: Any) -> None:
    """That an argument is None, or has one number for each paragraph.

    Raises:
        InputError: when it is something else.
    """
    if counts is None:
        return
    remedy = "Pass what paragraph_tokens gave for this book."
    expect_type("counts", counts, list, remedy)
    if len(counts) != len(book.paragraphs):
        raise InputError(
            f"counts: must have one number for each of {len(book.paragraphs)} paragraphs "
            f"(got {len(counts)}). {remedy}"
        )


def _ends_a_chapter(book: Book, end: int) -> bool:
    """Whether a chapter's text ends here, rather than a stretch that was split in mid-chapter."""
    return any(chapter.span.end == end for chapter in book.chapters)


def _reach_back(segments: Segments, i: int, limit: int, floor: int) -> int:
    """Where a chunk starts that repeats up to ``limit`` tokens before segment ``i``.

    At a paragraph where that keeps half of them or more, else where `begin_within` says; never
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
    if tokenizer.count(text[start:fresh]) > limit:  # joining cost more than was estimated
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
