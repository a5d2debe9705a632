"""Blocks, which every reader yields, and how they become one normalized text with structure.

Normalized means: paragraphs without their hard wraps, one blank line between any two, no mark-up
of headings, every scene break as ``* * *``, emphasis in Markdown's asterisks, no invisible signs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from seqctx.artifacts.manifest import Account, LeftOut
from seqctx.errors import InputError
from seqctx.prepare.readers.lines import is_heading, is_ordinal
from seqctx.prepare.structure import Book, Chapter, Doubt, Span, Spans

SCENE_BREAK = "* * *"
TITLE = 0
"""Level of a heading that has the style of a book's title."""
BlockKind = Literal["title", "heading", "break", "paragraph"]

# Soft hyphens, zero-width spaces and joiners of words, byte order marks: only for typesetting.
# The zero-width joiner U+200D stays: emoji and some scripts are written with it.
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"))
_SPACES = dict.fromkeys(map(ord, "\u00a0\u2007\u2009\u200a\u202f"), " ")  # wide, thin, no-break
MOST_BLOCKS = 2_000_000  # a saga of 20 MB has about 200,000
MOST_CHARACTERS = 100_000_000  # of one manuscript; five sagas
_EPIGRAPH_WORDS = 100  # fewer before the first of several headings are no chapter


@dataclass(frozen=True, slots=True)
class Look:
    """How a file shows a paragraph, as far as its format tells.

    Attributes:
        style: the name of its style or class, in lower case, such as ``chapter title``.
        centred: whether it stands in the middle of the line.
        bold: whether all of it is bold.
        size: of its characters, in multiples of the usual size of the file.
        new_page: whether a new page begins before it.
        space_above: empty space above it beyond the usual [lines].
    """

    style: str = ""
    centred: bool = False
    bold: bool = False
    size: float = 1.0
    new_page: bool = False
    space_above: float = 0.0


PLAIN = Look()
"""Nothing is known about the look of a paragraph: all such paragraphs share this object."""


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph, heading or scene break of a file, with what the file shows of it.

    Readers yield every word of a file, and only what the file itself declares. What a paragraph
    means is found afterwards, in one place for all formats: headings and their levels in
    ``chapters``, scene breaks in ``scene_breaks``, what is not the story in ``front_matter``.

    Attributes:
        kind: ``title`` is the book's, as the file's properties give it: none of the file's words.
            A title in the text itself is a heading (see `TITLE`). ``heading`` and ``break`` where
            the format has an element or style for it.
        text: with emphasis in asterisks. Of a break ``* * *``, or nothing where it is an empty
            paragraph with a border, which some programs write everywhere.
        emphasis: where in ``text`` the emphasized words are, without the asterisks.
        level: of a heading, 1 the highest.
        left_out: what the file declares the block to be, if that is not the story (a kind of
            `left_out.DECLARED_KINDS`); None where it is the story, or not declared.
        gap: how many empty paragraphs, or blank lines beyond the usual one, come before it.
        look: how the file shows it.
        is_linked: whether all its words are links to places in this book, as in its contents.
        is_quoted: whether it stands in a quotation that is set apart, such as a blockquote.
        mark: of a break, the signs that the file wrote for it, so that they are counted; empty for
            a rule or empty space.
        place: where it stands in the file: its line, or its paragraph's number; 0 if unknown.
    """

    kind: BlockKind
    text: str
    emphasis: tuple[Span, ...] = ()
    level: int = 1
    left_out: str | None = None
    gap: int = 0
    look: Look = PLAIN
    is_linked: bool = False
    is_quoted: bool = False
    mark: str = ""
    place: int = 0


Run = tuple[str, str]
"""Characters, and what emphasizes them: nothing, ``*`` or ``**``."""


def clean(text: str) -> str:
    """A text without invisible signs, and with one kind of space."""
    return text.translate(_INVISIBLE).translate(_SPACES)


def written(runs: Iterable[Run]) -> tuple[str, tuple[Span, ...]]:
    """Runs of characters as one text with asterisks, and where the emphasized words are.

    White space is collapsed, except line breaks. Spaces at the edge of an emphasis move out of it.
    """
    merged: list[tuple[list[str], str]] = []  # pieces of text: to add up strings takes n² steps
    for text, mark in runs:
        text = re.sub(r"[^\S\n]+", " ", clean(text))
        text = re.sub(r" ?\n ?", "\n", text)
        if merged and merged[-1][1] == mark:
            merged[-1][0].append(text)
        elif text:
            merged.append(([text], mark))
    parts: list[str] = []
    spans: list[Span] = []
    at = 0
    for pieces, mark in merged:
        text = "".join(pieces)
        if at == 0 or parts[-1][-1:].isspace():
            text = text.lstrip()
        inner = text.strip()
        if mark and inner:
            left = text[: len(text) - len(text.lstrip())]
            start = at + len(left) + len(mark)
            spans.append(Span(start, start + len(inner)))
            text = f"{left}{mark}{inner}{mark}{text[len(text.rstrip()) :]}"
        if text:
            parts.append(text)
            at += len(text)
    return "".join(parts).rstrip(), tuple(spans)


def block_of(runs: Iterable[Run], left_out: str | None = None) -> Block | None:
    """A paragraph; None where it is empty."""
    text, emphasis = written(runs)
    if not text.strip():
        return None
    return Block("paragraph", text, emphasis, left_out=left_out)


def bounded(blocks: Iterable[Block], path: Path | str) -> Iterator[Block]:
    """The blocks of a file, as many as a manuscript may have.

    Raises:
        InputError: when there are more.
    """
    size = 0
    for number, block in enumerate(blocks, 1):
        size += len(block.text)
        if number > MOST_BLOCKS or size > MOST_CHARACTERS:
            of_blocks = f"{MOST_BLOCKS:,} paragraphs"
            limit = of_blocks if number > MOST_BLOCKS else f"{MOST_CHARACTERS:,} characters"
            raise InputError(
                f"{path}: paragraph {number:,}: the text has more than {limit}. Divide it into "
                "several files."
            )
        yield block


def plain(block: Block) -> str:
    """A block's text without asterisks of emphasis."""
    text, kept, at = block.text, [], 0
    for span in block.emphasis:
        stars = 2 if text[span.start - 2 : span.start] == "**" else 1
        kept += [text[at : span.start - stars], text[span.start : span.end]]
        at = span.end + stars
    return "".join([*kept, text[at:]])


def assemble(
    path: str,
    title: str,
    blocks: Sequence[Block],
    left_out: Sequence[LeftOut] = (),
    encoding: str = "",
    account: Account | None = None,
    doubts: Sequence[Doubt] = (),
) -> Book:
    """Join blocks with blank lines and record where each lies.

    Headings right after one another make one chapter: a book's or part's, then the chapter's, or
    a number, then a title.
    """
    blocks = [block for block in blocks if block.kind != "title"]
    headings: list[Span] = []
    breaks: list[Span] = []
    emphasis: list[Span] = []
    opens: list[tuple[list[str], int]] = []  # chapters: headings, start
    at, last = 0, ""
    for block in blocks:
        span = Span(at, at + len(block.text))
        emphasis += [Span(at + e.start, at + e.end) for e in block.emphasis]
        if block.kind == "break":
            breaks.append(span)
        elif block.kind == "heading":
            headings.append(span)
            if last == "heading":
                opens[-1][0].append(block.text)
            else:
                opens.append(([block.text], at))
        at, last = span.end + 2, block.kind
    text = "\n\n".join(b.text for b in blocks)
    if len(opens) > 2 and len(text[: opens[0][1]].split()) < _EPIGRAPH_WORDS:
        opens[0] = (opens[0][0], 0)
    if not opens or opens[0][1] > 0:
        opens.insert(0, ([title], 0))
    ends = [start - 2 for _, start in opens[1:]] + [len(text)]
    chapters = tuple(
        Chapter(_chapter_title(heads), Span(start, end))
        for (heads, start), end in zip(opens, ends, strict=True)
    )
    return Book(
        path, title, text, chapters, Spans(_placed(blocks)), tuple(breaks), tuple(headings),
        tuple(emphasis), tuple(left_out), encoding, account or Account(), tuple(doubts),
    )  # fmt: skip


def _placed(blocks: Iterable[Block]) -> Iterator[Span]:
    """Where each block lies in the text of all, joined with blank lines."""
    at = 0
    for block in blocks:
        yield Span(at, at + len(block.text))
        at += len(block.text) + 2


def _chapter_title(headings: list[str]) -> str:
    """A chapter's title from its headings: a number and its title, or else the last heading."""
    if len(headings) > 1 and is_ordinal(headings[-2]) and not is_heading(headings[-1]):
        return " ".join(f"{headings[-2].rstrip('.')}: {headings[-1]}".split())
    return " ".join(headings[-1].split())
