"""What a file declares not to be the story: believed where form and share are plausible."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from seqctx.prepare.readers.blocks import Block
from seqctx.prepare.readers.front_matter_words import HINTS
from seqctx.prepare.readers.sections import amount, is_list, is_note, is_prose, kinds_named

FRONT_AND_BACK_MATTER = (
    "title page", "contents", "list of illustrations", "imprint", "licence", "endnotes", "index",
    "bibliography", "advertisement", "about the author", "caption", "not linear",
)  # fmt: skip
"""Kinds that a setting keeps. Others that readers declare, such as hidden text, comments, page
numbers and tags, are no part of what a reader of the book sees as its text: nothing keeps them."""
_LISTS = ("contents", "list of illustrations", "index", "title page")
_DOUBTED = (
    *_LISTS,
    "not linear",
    "imprint",
    "endnotes",
    "bibliography",
    "advertisement",
    "about the author",
)
_SMALL_SHARE, _SMALL = 0.05, 60  # of a file's words; words. What is smaller is believed


def with_plausible_declarations(blocks: Sequence[Block]) -> list[Block]:
    """Blocks of which none is declared to be front or back matter that has the form of a story.

    A section that is called an index, but holds half of the book in sentences, is the story.
    """
    found = list(blocks)
    whole = sum(amount(block.text) for block in blocks) if _any_doubted(blocks) else 0
    for start, end in _declared(blocks):
        if not is_plausible(blocks[start:end], whole):
            found[start:end] = [replace(block, left_out=None) for block in blocks[start:end]]
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


def is_plausible(part: Sequence[Block], whole: int) -> bool:
    """Whether a part may be what the file declares it to be.

    Args:
        part: blocks that are declared to be of one kind.
        whole: words of the file.
    """
    words = sum(amount(block.text) for block in part)
    prose = [block for block in part if is_prose(block)]
    sentences = sum(amount(block.text) for block in prose)
    if words < _SMALL or words <= _SMALL_SHARE * whole or sentences * 2 <= words:
        return True
    return has_form(part)


def has_form(part: Sequence[Block]) -> bool:
    """Whether a part has the form of what the file declares it to be, whatever its share."""
    kind = part[0].left_out or ""
    paragraphs = [block for block in part if block.kind == "paragraph"]
    headings = [block for block in part if block.kind == "heading"]
    if kind in _LISTS:
        return sum(map(is_list, paragraphs)) * 10 >= len(paragraphs) * 7
    if kind == "endnotes":
        noted = sum(map(is_note, paragraphs)) * 3 >= len(paragraphs)
        return noted or all("endnotes" in kinds_named(block) for block in headings)
    hints = HINTS.get(kind)
    return hints is not None and 3 * sum(bool(hints.search(b.text)) for b in paragraphs) >= len(
        paragraphs
    )
