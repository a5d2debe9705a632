"""Which paragraphs are headings, which headings open chapters: one place for all formats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from seqctx.prepare.readers.blocks import TITLE, Block, plain
from seqctx.prepare.readers.lines import ends_sentence, is_digits, is_heading

_SHORT = 40  # characters


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
    if any(block.kind == "heading" and not block.left_out for block in blocks):
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
        replace(b, kind="paragraph", left_out="page number") if k in pages else b
        for k, b in enumerate(blocks)
    ]


def _goes_on(block: Block) -> bool:
    """Whether a paragraph stops in mid-sentence. Short ones, as names and mottos, never do."""
    long = len(block.text) > _SHORT
    return block.kind == "paragraph" and long and not ends_sentence(block.text)
