"""Blocks, which every reader yields: paragraphs, headings and scene breaks, and how they look."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from seqctx.errors import InputError
from seqctx.prepare.structure import Span

SCENE_BREAK = "* * *"
TITLE = 0
"""Level of a heading that has the style of a book's title."""
BlockKind = Literal["title", "heading", "break", "paragraph"]

# Soft hyphens, zero-width spaces and joiners of words, byte order marks: only for typesetting.
# The zero-width joiner U+200D stays: emoji and some scripts are written with it.
_INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff]+")
_SPACES = re.compile("[\u00a0\u2007\u2009\u200a\u202f]")  # wide, thin, no-break
_WIDE_SPACE = re.compile(r"[^\S\n ][^\S\n]*| [^\S\n]+")  # all white space but a single blank
MOST_BLOCKS = 2_000_000  # a saga of 20 MB has about 200,000
MOST_CHARACTERS = 100_000_000  # of one manuscript; five sagas


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
        kind: ``title`` is the book's, as the file's properties give it. ``heading`` and ``break``
            where the format has an element or style for it.
        text: with emphasis in asterisks. Of a break ``* * *``, or nothing where it is an empty
            paragraph with a border, which some programs write everywhere.
        emphasis: where in ``text`` the emphasized words are, without the asterisks.
        level: of a heading, 1 the highest.
        left_out: what the file declares the block to be, if that is not the story: one of
            `declared.FRONT_AND_BACK_MATTER`, ``hidden text``, ``comment`` and so on; None where it
            is the story, or not declared.
        gap: how many empty paragraphs, or blank lines beyond the usual one, come before it.
        look: how the file shows it.
        is_linked: whether all its words are links to places in this book, as in its contents.
        is_quoted: whether it stands in a quotation that is set apart, such as a blockquote.
        mark: of a break, the signs that the file wrote for it, and of a title, its words where it
            is a line of the text: so that they are counted. Empty for a rule or empty space.
        place: where it stands in the file: its line, or its paragraph's number; 0 if unknown.
        is_chapter: whether a pattern of the user says that it opens a chapter.
        is_found: whether it is a heading by its words, its look or its regularity, and not one
            that the file declares.
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
    is_chapter: bool = False
    is_found: bool = False


Run = tuple[str, str]
"""Characters, and what emphasizes them: nothing, ``*`` or ``**``."""


def clean(text: str) -> str:
    """A text without invisible signs, and with one kind of space."""
    return text if text.isascii() else _SPACES.sub(" ", _INVISIBLE.sub("", text))


def written(runs: Iterable[Run]) -> tuple[str, tuple[Span, ...]]:
    """Runs of characters as one text with asterisks, and where the emphasized words are.

    White space is collapsed, except line breaks. Spaces at the edge of an emphasis move out of it.
    """
    merged: list[tuple[list[str], str]] = []  # pieces of text: to add up strings takes n² steps
    for text, mark in runs:
        text = _WIDE_SPACE.sub(" ", clean(text))
        if "\n" in text:
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


def with_gaps(
    blocks: Iterable[Block | None], is_empty: Callable[[Block], bool] = lambda block: False
) -> Iterator[Block]:
    """Blocks that know how many empty paragraphs come before them.

    Args:
        blocks: of a file; None is an empty paragraph.
        is_empty: whether a block counts as an empty paragraph, too.
    """
    gap = 0
    for block in blocks:
        if block is None:
            gap += 1
        elif is_empty(block):
            gap += 1 + block.gap
        else:
            yield replace(block, gap=block.gap + gap) if gap else block
            gap = 0


class _Texted(Protocol):
    @property
    def text(self) -> str: ...


_Item = TypeVar("_Item", bound=_Texted)


def bounded(blocks: Iterable[_Item], path: Path | str) -> Iterator[_Item]:
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


def below_title(title: str, blocks: list[Block]) -> list[Block]:
    """The blocks of a file, below the title that its properties give, if they give one."""
    return [Block("title", title), *blocks] if title else blocks


def plain(block: Block) -> str:
    """A block's text without asterisks of emphasis."""
    text, kept, at = block.text, [], 0
    for span in block.emphasis:
        stars = 2 if text[span.start - 2 : span.start] == "**" else 1
        kept += [text[at : span.start - stars], text[span.start : span.end]]
        at = span.end + stars
    return "".join([*kept, text[at:]])


def plain_line(block: Block) -> str:
    """A block's text in one line, with single spaces and without asterisks of emphasis."""
    return " ".join(plain(block).split())
