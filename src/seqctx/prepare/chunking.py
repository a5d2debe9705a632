"""A book cut into chunks: whole paragraphs, counted exactly, even within a chapter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from seqctx.prepare.structure import Book, Span
from seqctx.prepare.tokens import Tokenizer, TokenMap

_SENTENCE_END = re.compile(r"(?<=[.!?…][\"'”’)\]*_])\s+|(?<=[.!?…])\s+|\n+")
_WORD_END = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A stretch of one chapter.

    Attributes:
        start: first character in the book's text.
        end: one past the last.
        text: ``book.text[start:end]``.
        tokens: of ``text`` by itself.
        chapter: index into ``book.chapters``.
        opens: whether the chapter begins here.
        closes: whether the chapter ends here.
    """

    start: int
    end: int
    text: str
    tokens: int
    chapter: int
    opens: bool
    closes: bool


def chunk(book: Book, tokenizer: Tokenizer, *, max_tokens: int) -> list[Chunk]:
    """Cut every chapter into as few chunks as fit, of about even length.

    Cuts fall between paragraphs; a paragraph longer than the limit is cut between sentences, then
    words, then tokens. Between two chunks only the white space of the cut is left out.

    Args:
        book: the manuscript.
        tokenizer: the model's own.
        max_tokens: no chunk is longer [tokens].

    Returns:
        Chunks in reading order; none crosses a chapter's end, and none overlaps another.
    """
    positions = TokenMap(book.text, tokenizer)
    chunks: list[Chunk] = []
    for number, chapter in enumerate(book.chapters):
        first, last = chapter.span.start, chapter.span.end
        units = [
            unit
            for paragraph in book.paragraphs
            if first <= paragraph.start < last
            for unit in _fitting(book.text, paragraph, tokenizer, max_tokens)
        ]
        i = 0
        while i < len(units):
            j = _next_cut(book.text, units, i, positions, tokenizer, max_tokens)
            start, end = units[i].start, units[j - 1].end
            text = book.text[start:end]
            chunks.append(
                Chunk(
                    start,
                    end,
                    text,
                    tokenizer.count(text),
                    number,
                    opens=i == 0,
                    closes=j == len(units),
                )  # fmt: skip
            )
            i = j
    return chunks


def _next_cut(
    text: str, units: list[Span], i: int, positions: TokenMap, tokenizer: Tokenizer, max_tokens: int
) -> int:
    """Where the chunk that starts with unit ``i`` ends: one past its last unit."""
    start = units[i].start
    rest = positions.between(start, units[-1].end)
    target = rest / max(1, ceil(rest / max_tokens))
    j, length = i + 1, positions.between(start, units[i].end)
    while j < len(units):
        longer = positions.between(start, units[j].end)
        if longer - target > target - length:  # the cut before unit j is nearer to an even share
            break
        j, length = j + 1, longer
    while j > i + 1 and tokenizer.count(text[start : units[j - 1].end]) > max_tokens:
        j -= 1
    return j


def _fitting(text: str, span: Span, tokenizer: Tokenizer, max_tokens: int) -> Iterator[Span]:
    """The span itself where it fits; otherwise pieces that do, cut as gently as possible."""
    if tokenizer.count(text[span.start : span.end]) <= max_tokens:
        yield span
        return
    for boundary in (_SENTENCE_END, _WORD_END):
        pieces = list(_split(text, span, boundary))
        if len(pieces) > 1:
            for piece in pieces:
                yield from _fitting(text, piece, tokenizer, max_tokens)
            return
    # One word longer than the limit: halve it until it fits.
    middle = (span.start + span.end) // 2
    yield from _fitting(text, Span(span.start, middle), tokenizer, max_tokens)
    yield from _fitting(text, Span(middle, span.end), tokenizer, max_tokens)


def _split(text: str, span: Span, boundary: re.Pattern[str]) -> Iterator[Span]:
    """Stretches of a span between matches of ``boundary``."""
    at = span.start
    for match in boundary.finditer(text, span.start, span.end):
        if match.start() > at:
            yield Span(at, match.start())
        at = match.end()
    if at < span.end:
        yield Span(at, span.end)
