"""What a file declares not to be the story: believed where form and share are plausible."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from seqctx.prepare.readers.account import amount_in
from seqctx.prepare.readers.blocks import Block
from seqctx.prepare.readers.front_matter_words import HINTS
from seqctx.prepare.readers.sections import is_list, is_note, is_prose

FRONT_AND_BACK_MATTER = (
    "title page", "contents", "list of illustrations", "imprint", "licence", "endnotes", "index",
    "bibliography", "advertisement", "about the author", "caption", "not linear",
)  # fmt: skip
"""Kinds that a setting keeps. Others that readers declare, such as hidden text, comments, page
numbers and tags, are no part of what a reader of the book sees as its text: nothing keeps them."""
SECTION_OF_NOTES = "section of notes"
"""What readers call a section that is declared to hold notes; what is believed are endnotes."""
_LISTS = ("contents", "list of illustrations", "index", "title page")
_DOUBTED = (
    *_LISTS, SECTION_OF_NOTES, "not linear", "imprint", "bibliography", "advertisement",
    "about the author",
)  # fmt: skip
_SMALL_SHARE, _SMALL = 0.05, 60  # of a file's words; words. What is smaller is believed


def with_plausible_declarations(blocks: Sequence[Block]) -> list[Block]:
    """Blocks of which none is declared to be front or back matter that has the form of a story.

    A section that is called an index, but holds half of the book in sentences, is the story.
    """
    found = list(blocks)
    whole = amount_in(blocks) if _any_doubted(blocks) else 0
    marks = sum(block.left_out == "note mark" for block in blocks)
    for start, end in _declared(blocks):
        part = blocks[start:end]
        kind = part[0].left_out if _is_plausible(part, whole, marks) else None
        kind = "endnotes" if kind == SECTION_OF_NOTES else kind
        if kind != part[0].left_out:
            found[start:end] = [replace(block, left_out=kind) for block in part]
    return found


def _any_doubted(blocks: Sequence[Block]) -> bool:
    return any(block.left_out in _DOUBTED for block in blocks)


def _declared(blocks: Sequence[Block]) -> Iterator[tuple[int, int]]:
    """The ranges of blocks that are declared to be of one kind."""
    start = 0
    for k in range(1, len(blocks) + 1):
        kind = blocks[start].left_out
        if k == len(blocks) or blocks[k].left_out != kind:
            if kind in _DOUBTED:
                yield start, k
            start = k


def _is_plausible(part: Sequence[Block], whole: int, marks: int) -> bool:
    """Whether a part may be what the file declares it to be.

    Args:
        part: blocks that are declared to be of one kind.
        whole: words of the file.
        marks: how many marks of notes the file has.
    """
    words = amount_in(part)
    prose = [block for block in part if is_prose(block)]
    sentences = amount_in(prose)
    if words < _SMALL or words <= _SMALL_SHARE * whole or sentences * 2 <= words:
        return True
    if part[0].left_out == SECTION_OF_NOTES and marks * 3 >= len(part):
        return True
    return has_form(part)


def has_form(part: Sequence[Block]) -> bool:
    """Whether a part has the form of what the file declares it to be, whatever its share."""
    kind = part[0].left_out or ""
    paragraphs = [block for block in part if block.kind == "paragraph"]
    if kind in _LISTS:
        return sum(map(is_list, paragraphs)) * 10 >= len(paragraphs) * 7
    if kind == SECTION_OF_NOTES:
        return sum(map(is_note, paragraphs)) * 3 >= len(paragraphs)
    if kind == "endnotes":
        return True  # each note is declared, or the section was plausible
    hints = HINTS.get(kind)
    return hints is not None and 3 * sum(bool(hints.search(b.text)) for b in paragraphs) >= len(
        paragraphs
    )
