"""Parts of paragraphs that are longer than a chunk may be, and what a cut lies between."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import IntEnum

from seqctx.prepare.structure import Span
from seqctx.prepare.tokenizer import Tokenizer

_NO_END = "".join(rf"(?<!\b{title}\.)" for title in ("Mr", "Mrs", "Ms", "Dr", "St", "Prof"))
_SENTENCE_END = re.compile(
    rf"(?<=[.!?…][\"'”’)\]*_])\s+|(?<=[.!?…]){_NO_END}\s+|(?<=[。！？][」』”])|(?<=[。！？])(?![」』”])|\n+"
)
_WORD_END = re.compile(r"\s+")
_MOST_PARTS = 256  # into so many a stretch of the longest length is cut at most, about


class Boundary(IntEnum):
    """What a cut lies between, from the worst to the best."""

    token = 0
    word = 1
    sentence = 2
    paragraph = 3
    scene = 4
    chapter = 5


class KnownParts:
    """What was counted of the paragraphs that are longer than a chunk may be.

    Attributes:
        sizes: tokens of groups of sentences or words, and of parts of words.
        splits: the sentences of a paragraph, or words of a sentence, each with its tokens.
    """

    def __init__(self) -> None:
        """Nothing yet."""
        self.sizes: dict[Span, int] = {}
        self.splits: dict[tuple[Span, re.Pattern[str]], list[tuple[Span, int]]] = {}


_Part = tuple[Span, int, Boundary]
"""A part of a paragraph, its tokens, and what a cut before it lies between."""


def fitting_parts(
    text: str, span: Span, tokens: int, max_tokens: int, tokenizer: Tokenizer,
    known: KnownParts,
) -> Iterator[_Part]:  # fmt: skip
    """The span itself where it fits; otherwise parts that do, cut as gently as possible."""
    if tokens <= max_tokens:
        yield span, tokens, Boundary.paragraph
        return
    parts = _parts(text, span, max_tokens, tokenizer, known)
    least = max_tokens // _MOST_PARTS
    yield from parts if least <= 1 else _grouped(text, parts, least, tokenizer, known)


def _parts(
    text: str, span: Span, max_tokens: int, tokenizer: Tokenizer, known: KnownParts
) -> Iterator[_Part]:
    """Sentences; of one that does not fit the words; of a word that does not fit the halves."""
    for sentence, size in _split(text, span, _SENTENCE_END, tokenizer, known):
        if size <= max_tokens:
            yield sentence, size, Boundary.sentence
            continue
        boundary = Boundary.sentence
        for word, length in _split(text, sentence, _WORD_END, tokenizer, known):
            for half in _halved(text, word, length, max_tokens, tokenizer, known):
                yield (*half, boundary)
                boundary = Boundary.token
            boundary = Boundary.word


def _grouped(
    text: str, parts: Iterable[_Part], least: int, tokenizer: Tokenizer, known: KnownParts
) -> Iterator[_Part]:
    """Parts below ``least`` tokens joined with their neighbours.

    A paragraph of 100,000 dots has as many sentences; no chunk needs so many places to be cut at.
    """
    spans: list[Span] = []
    boundaries: list[Boundary] = []
    total = least  # of the last group
    for part, size, boundary in parts:
        if max(total, size) < least:
            spans[-1], total = Span(spans[-1].start, part.end), total + size
        else:
            spans.append(part)
            boundaries.append(boundary)
            total = size
    for (span, size), boundary in zip(
        _counted(text, spans, tokenizer, known), boundaries, strict=True
    ):
        yield span, size, boundary


def _halved(
    text: str, span: Span, tokens: int, max_tokens: int, tokenizer: Tokenizer,
    known: KnownParts,
) -> Iterator[tuple[Span, int]]:  # fmt: skip
    """One word longer than the limit, halved until it fits; one visible sign stays whole."""
    middle = (span.start + span.end) // 2
    while middle > span.start + 1 and _inside_a_sign(text, middle):
        middle -= 1
    if tokens <= max_tokens or middle <= span.start:
        yield span, tokens
        return
    halves = Span(span.start, middle), Span(middle, span.end)
    for half, size in _counted(text, halves, tokenizer, known):
        yield from _halved(text, half, size, max_tokens, tokenizer, known)


def _inside_a_sign(text: str, at: int) -> bool:
    """Whether a cut before ``text[at]`` would divide a letter and its marks, or a joined emoji."""
    import unicodedata

    joiners = "\u200d\ufe0f"
    return bool(unicodedata.combining(text[at])) or text[at] in joiners or text[at - 1] == "\u200d"


def _counted(
    text: str, spans: Iterable[Span], tokenizer: Tokenizer, known: KnownParts
) -> Iterator[tuple[Span, int]]:
    """Spans and their tokens, counted where that is not known."""
    spans = list(spans)
    new = [span for span in spans if span not in known.sizes]
    counts = tokenizer.count_all([text[span.start : span.end] for span in new])
    known.sizes.update(zip(new, counts, strict=True))
    return ((span, known.sizes[span]) for span in spans)


def _split(
    text: str, span: Span, boundary: re.Pattern[str], tokenizer: Tokenizer, known: KnownParts
) -> list[tuple[Span, int]]:
    """Stretches of a span between matches of ``boundary``, and their tokens."""
    key = (span, boundary)
    if key not in known.splits:
        spans = list(_between(text, span, boundary))
        counts = tokenizer.count_all([text[part.start : part.end] for part in spans])
        known.splits[key] = list(zip(spans, counts, strict=True))
    return known.splits[key]


def _between(text: str, span: Span, boundary: re.Pattern[str]) -> Iterator[Span]:
    """Stretches of a span between matches of ``boundary``."""
    at = span.start
    for match in boundary.finditer(text, span.start, span.end):
        if match.start() > at:
            yield Span(at, match.start())
        at = match.end()
    if at < span.end:
        yield Span(at, span.end)
