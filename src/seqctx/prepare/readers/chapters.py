"""Which paragraphs are headings, which headings open chapters: one place for all formats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median

from seqctx.config.blocks import Chapters
from seqctx.prepare.readers.account import amount, amount_in
from seqctx.prepare.readers.blocks import TITLE, Block, plain, plain_line
from seqctx.prepare.readers.heading_evidence import (
    as_headings,
    headings_by_regularity,
    headings_by_words,
)
from seqctx.prepare.readers.heading_lines import heading_line, is_digits
from seqctx.prepare.readers.heading_looks import headings_by_look
from seqctx.prepare.readers.heading_words import heads_no_chapter, is_front_line, is_outer, unit_of
from seqctx.prepare.readers.lines import ends_sentence
from seqctx.prepare.readers.sections import kinds_named
from seqctx.system.patterns import user_pattern

_FRONT_WORDS, _FRONT_SHARE = 300, 0.03  # so much text at most stands before the title
_SHORT = 40  # characters
_LONGEST = 500  # characters of a paragraph that can be a heading


def with_headings_found(blocks: Sequence[Block], choice: Chapters | None = None) -> list[Block]:
    """The blocks of a file, with all headings among them and the book's title told apart.

    The headings that the file declares switch nothing off: paragraphs that are headings by their
    words, their looks or their regularity are found beside them.

    Args:
        blocks: of a whole file.
        choice: which headings open chapters, where the user set it.

    Raises:
        InputError: when the user's pattern takes too long.
    """
    blocks = _with_title_styles(blocks)
    if choice is not None and choice.pattern is not None:
        return _with_matches(blocks, choice.pattern)
    declared = [k for k, b in enumerate(blocks) if b.kind == "heading" and not b.left_out]
    title = _title_heading(blocks, declared)
    chapters = [k for k in declared if k != title and _may_open_chapter(blocks[k].text)]
    depths = _headings_by_words(blocks, chapters)
    depths |= headings_by_look(blocks, chapters, [k for k, depth in depths.items() if depth < 2])
    if all(depth == 0 or is_outer(plain(blocks[k])) for k, depth in depths.items()):
        depths |= headings_by_regularity(_as_known(blocks, chapters, depths))
    if depths and len(declared) == 1 and _has_chapter_text(blocks, declared[0], sorted(depths)):
        title, chapters = None, declared
    level = _level_of_found(blocks, chapters, title, depths)
    # beside other headings, parts are told by their words
    top = level if len(declared) > (title is not None) else 1
    declared_levels = {k: blocks[k].level for k in chapters}
    found: list[Block] = []
    for k, block in enumerate(blocks):
        if k in depths:
            below = k - 1 in declared_levels and depths[k] == 1  # a title below a number
            at = declared_levels[k - 1] if below else max(top, level + depths[k] - 1)
            found += as_headings(block, at)
        else:
            found.append(block)
    return _with_title(_without_page_numbers(found) if depths else found)


def _with_title_styles(blocks: Sequence[Block]) -> list[Block]:
    """Blocks in which one paragraph in the style of a title is the book's title.

    Several are headings of chapters.
    """
    titles = sum(block.kind == "heading" and block.level == TITLE for block in blocks)
    if titles == 1:
        return [replace(b, kind="title") if b.level == TITLE else b for b in blocks]
    return [replace(b, level=1) if b.level == TITLE else b for b in blocks]


def _title_heading(blocks: Sequence[Block], headings: Sequence[int]) -> int | None:
    """The heading that is the book's title: the first, alone on its level, and above all others.

    A single heading in a file is its title where other lines look like headings of chapters.
    """
    if not headings or not _may_open_chapter(blocks[headings[0]].text):
        return None
    first = blocks[headings[0]]
    words = [amount(block.text) for block in blocks]
    near = sum(words[: headings[0]]) <= max(_FRONT_WORDS, _FRONT_SHARE * sum(words))
    others = [k for k in headings[1:] if _may_open_chapter(blocks[k].text)]
    alone = all(blocks[k].level > first.level for k in others)
    is_named = unit_of(first.text) or kinds_named(first)  # "Part One", "Contents"
    return headings[0] if near and alone and not is_named else None


def _has_chapter_text(blocks: Sequence[Block], heading: int, found: Sequence[int]) -> bool:
    """Whether as much text stands below a file's only heading as below those that were found."""
    edges = [heading, *(k for k in found if k > heading), len(blocks)]
    sizes = [amount_in(blocks[i:j]) for i, j in pairwise(edges)]
    return len(sizes) > 1 and sizes[0] * 2 > median(sizes[1:])


def _with_title(blocks: Sequence[Block]) -> list[Block]:
    """Blocks with the heading that is the book's title told apart."""
    headings = [k for k, b in enumerate(blocks) if b.kind == "heading" and not b.left_out]
    several = sum(_may_open_chapter(blocks[k].text) for k in headings) > 1
    title = _title_heading(blocks, headings) if several else None
    return [replace(b, kind="title") if k == title else b for k, b in enumerate(blocks)]


def _may_open_chapter(text: str) -> bool:
    """Whether a heading's words are those of no by-line, dedication, picture or end."""
    return not heads_no_chapter(text) and not is_front_line(text)


def _headings_by_words(blocks: Sequence[Block], chapters: Sequence[int]) -> dict[int, int]:
    """The paragraphs that are headings by their words, with their depths.

    Where the file declares several headings of chapters, a line that one of them has already is
    none: a story may quote it. Where these are only names, so may it a word with a number.
    """
    found = headings_by_words(_as_known(blocks, chapters, {}))
    if len(chapters) < 2:
        return found
    known = {_counted(blocks[k].text) for k in chapters}
    named = sum(bool(unit_of(blocks[k].text)) for k in chapters) * 2 > len(chapters)
    beside = {k + 1 for k in chapters} | {k - 1 for k in chapters}
    many = sum(depth < 2 for depth in found.values()) * 2 >= len(chapters)
    return {
        k: depth
        for k, depth in found.items()
        if depth > 1 or k in beside or ((named or many) and _counted(plain(blocks[k])) not in known)
    }


def _as_known(
    blocks: Sequence[Block], chapters: Sequence[int], depths: Mapping[int, int]
) -> list[Block]:
    """Blocks in which the headings of chapters, and what was found, are headings, and no others."""
    known = {*chapters, *depths}
    return [
        replace(b, kind="heading")
        if k in depths
        else replace(b, kind="title")
        if b.kind == "heading" and k not in known
        else b
        for k, b in enumerate(blocks)
    ]


def _counted(text: str) -> tuple[object, ...]:
    """What a heading counts, and its number, however that is written; else its words."""
    line = heading_line(" ".join(text.split()))
    if line is None or line.number is None:
        return (" ".join(text.casefold().split()),)
    return (*line.form, line.number)


def _level_of_found(
    blocks: Sequence[Block], chapters: Sequence[int], title: int | None, depths: Mapping[int, int]
) -> int:
    """The level of headings of chapters that the file does not declare.

    It is that of the declared ones; without any it is below the title, and below parts.
    """
    named = [
        blocks[k].level
        for k in chapters
        if unit_of(blocks[k].text) == "chapter" and not is_outer(blocks[k].text)
    ]
    levels = named or [blocks[k].level for k in chapters]
    if levels:
        return Counter(levels).most_common(1)[0][0]
    others = [
        block.level
        for k, block in enumerate(blocks)
        if block.kind == "heading" and not block.left_out and k != title
    ]
    if others:  # by-lines and the like
        return min(others)
    above = 0 if title is None else blocks[title].level
    return above + 1 + (0 in depths.values())


def _with_matches(blocks: Sequence[Block], pattern: str) -> list[Block]:
    """Blocks with what a user's pattern matches as headings of one level."""
    texts = {
        k: plain_line(block)
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


def _without_page_numbers(blocks: Sequence[Block]) -> list[Block]:
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
