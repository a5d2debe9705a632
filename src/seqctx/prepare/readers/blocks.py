"""Blocks, which every reader yields, and how they become one normalized text with structure.

Normalized means: paragraphs without their hard wraps, one blank line between any two, no mark-up
of headings, every scene break as ``* * *``, emphasis in Markdown's asterisks, no invisible signs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from seqctx.artifacts.manifest import LeftOut
from seqctx.errors import InputError
from seqctx.prepare.readers.lines import ends_sentence, is_break, is_digits, is_heading, is_ordinal
from seqctx.prepare.structure import Book, Chapter, Span, Spans

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
_SHORT = 40  # characters
_RARE = 5  # times as many full paragraphs as empty ones, or more
_EPIGRAPH_WORDS = 100  # fewer before the first of several headings are no chapter


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph, heading or scene break of a file.

    Attributes:
        kind: ``title`` is the book's; it is not part of the text.
        text: with emphasis in asterisks.
        emphasis: where in ``text`` the emphasized words are, without the asterisks.
        level: of a heading, 1 the highest.
        front_matter: the kind of front matter or back matter that the file declares the block to
            be; None where it declares none.
    """

    kind: BlockKind
    text: str
    emphasis: tuple[Span, ...] = ()
    level: int = 1
    front_matter: str | None = None


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


def block_of(runs: Iterable[Run], front_matter: str | None = None) -> Block | None:
    """A paragraph, or a scene break where it looks like one; None where it is empty."""
    text, emphasis = written(runs)
    if not text.strip():
        return None
    if is_break(text):
        return Block("break", SCENE_BREAK, front_matter=front_matter)
    return Block("paragraph", text, emphasis, front_matter=front_matter)


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


@dataclass
class Paragraphs:
    """The blocks of a word processor's file, where empty paragraphs may stand for a scene break.

    Attributes:
        blocks: in order, without empty paragraphs.
        gaps: the index of a block to how many empty paragraphs come before it.
    """

    blocks: list[Block]
    gaps: dict[int, int]

    @classmethod
    def of(cls, found: Iterable[Block | None], path: Path) -> Paragraphs:
        """Collect blocks; None is an empty paragraph.

        Raises:
            InputError: when there are too many.
        """
        blocks: list[Block] = []
        gaps: dict[int, int] = {}

        def full() -> Iterator[Block]:
            for block in found:
                if block is None:
                    gaps[len(blocks)] = gaps.get(len(blocks), 0) + 1
                else:
                    yield block

        for block in bounded(full(), path):
            blocks.append(block)
        return cls(blocks, gaps)

    def with_scene_breaks(self, *, empty: int | None = None) -> list[Block]:
        """The blocks, with a scene break where empty paragraphs stand for one.

        Where empty paragraphs are rare, one is enough; else it takes two in a row.

        Args:
            empty: how many paragraphs have no text; by default, those that are no block.
        """
        gone = sum(self.gaps.values())
        empty = gone if empty is None else empty
        full = len(self.blocks) + gone - empty
        enough = 1 if empty * _RARE <= full else 2
        found: list[Block] = []
        for k, block in enumerate(self.blocks):
            kinds = found and (found[-1].kind, block.kind)
            if self.gaps.get(k, 0) >= enough and kinds == ("paragraph", "paragraph"):
                found.append(Block("break", SCENE_BREAK))
            found.append(block)
        return found


def with_headings_found(blocks: Sequence[Block]) -> list[Block]:
    """Blocks of a word processor's file or a book's, with the headings among them.

    One paragraph in the style of a title is the book's title; several are headings of chapters.
    In a file without headings, every paragraph that looks like one becomes one.
    """
    titles = sum(block.kind == "heading" and block.level == TITLE for block in blocks)
    if titles == 1:
        blocks = [replace(b, kind="title") if b.level == TITLE else b for b in blocks]
    elif titles:
        blocks = [replace(b, level=1) if b.level == TITLE else b for b in blocks]
    if any(block.kind == "heading" and not block.front_matter for block in blocks):
        return list(blocks)
    return without_page_numbers(
        [
            replace(b, kind="heading", text=plain(b), emphasis=())
            if b.kind == "paragraph" and is_heading(plain(b))
            else b
            for b in blocks
        ]
    )


def without_page_numbers(blocks: Sequence[Block]) -> list[Block]:
    """Blocks in which a bare number is a heading only if it does not interrupt a sentence.

    Where a quarter of the bare numbers do, all are page numbers, which are not the story.
    """
    numbers = [k for k, b in enumerate(blocks) if b.kind == "heading" and is_digits(b.text)]
    broken = {k for k in numbers if k and _goes_on(blocks[k - 1])}
    if len(broken) < 2 or len(broken) * 4 < len(numbers):
        return [replace(b, kind="paragraph") if k in broken else b for k, b in enumerate(blocks)]
    pages = set(numbers)
    return [
        replace(b, kind="paragraph", front_matter="page number") if k in pages else b
        for k, b in enumerate(blocks)
    ]


def _goes_on(block: Block) -> bool:
    """Whether a paragraph stops in mid-sentence. Short ones, as names and mottos, never do."""
    long = len(block.text) > _SHORT
    return block.kind == "paragraph" and long and not ends_sentence(block.text)


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
        tuple(emphasis), tuple(left_out), encoding,
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
