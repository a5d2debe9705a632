"""Which paragraphs are headings, which headings open chapters: one place for all formats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from seqctx.config.blocks import Chapters
from seqctx.prepare.readers.blocks import TITLE, Block, plain
from seqctx.prepare.readers.lines import ends_sentence, is_digits, is_heading
from seqctx.system.patterns import user_pattern

_SHORT = 40  # characters
_LONGEST = 500  # characters of a paragraph that can be a heading


def with_headings_found(blocks: Sequence[Block], choice: Chapters | None = None) -> list[Block]:
    """Blocks of a word processor's file or a book's, with the headings among them.

    One paragraph in the style of a title is the book's title; several are headings of chapters.
    In a file without headings, every paragraph that looks like one becomes one.

    Args:
        blocks: of a whole file.
        choice: which headings open chapters, where the user set it.

    Raises:
        InputError: when the user's pattern takes too long.
    """
    if choice is not None and choice.pattern is not None:
        blocks = _with_matches(blocks, choice.pattern)
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


def _with_matches(blocks: Sequence[Block], pattern: str) -> list[Block]:
    """Blocks with what a user's pattern matches as headings of one level."""
    texts = {
        k: " ".join(plain(block).split())
        for k, block in enumerate(blocks)
        if block.kind in ("heading", "paragraph") and len(block.text) <= _LONGEST
    }
    expression = user_pattern("seqctx.prepare.chapters.pattern", pattern)
    matches = set(expression.full_matches(dict.fromkeys(texts.values())))
    found = {k for k, text in texts.items() if text in matches}
    levels = [blocks[k].level for k in found if blocks[k].kind == "heading"]
    others = [b.level for k, b in enumerate(blocks) if b.kind == "heading" and k not in found]
    level = min(levels, default=max(others, default=0) + 1)
    return [
        replace(b, kind="heading", text=texts[k], emphasis=(), level=level, is_chapter=True)
        if k in found
        else replace(b, level=level + 1)
        if b.kind == "heading" and b.level == level
        else b
        for k, b in enumerate(blocks)
    ]


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
