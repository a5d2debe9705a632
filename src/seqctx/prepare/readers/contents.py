"""Tables of contents and other lists: lines that link to headings, repeat them, or name pages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from seqctx.prepare.readers.blocks import Block, plain
from seqctx.prepare.readers.sections import (
    HeadedPart,
    Place,
    Verdicts,
    ends_with_page,
    is_list,
    lines_of,
)

_NUMBERED = re.compile(r"(?:[^\W\d]+\s+)?(?:\d{1,4}|[IVXLCivxlc]{1,7})\s*[.:–—-]?\s+(?=\S)")
_PART_WORD = re.compile(r"[^\W\d]+\s+(?=(?:\d{1,4}|[IVXLC]{1,7})\.?$)")  # "CHAPTER IV"
_LONGEST_LINE, _LONGEST_LIST = 200, 20_000  # characters of an entry; of all in one paragraph
_PAGE = re.compile(r"[\s.·…_]*\d{1,4}$")
_NAMES = ("contents", "list of illustrations")


class Headings:
    """The headings of a file, to be compared with the lines of its contents."""

    def __init__(self, verdicts: Verdicts) -> None:
        """Take the headings of all blocks that have no kind."""
        self._verdicts = verdicts
        blocks = verdicts.blocks
        places = [
            k
            for k, block in enumerate(blocks)
            if block.kind == "heading" and verdicts.kinds[k] is None
        ]
        self._last: dict[str, int] = {}  # the last place of each wording
        for k in places:
            self._last |= dict.fromkeys(_wordings(_bare_of(blocks[k])), k)
        for a, b in pairwise(places):
            if b == a + 1:  # a number and its title
                self._last[_bare(f"{plain(blocks[a])} {plain(blocks[b])}")] = b
        self._last_words = {_last_word(_bare_of(blocks[k])) for k in places}

    def repeated(self, k: int) -> bool:
        """Whether all lines of a block are headings of other blocks, further down if it is one."""
        block = self._verdicts.blocks[k]
        if block.kind == "break" or len(block.text) > _LONGEST_LIST:
            return False
        if len(block.text) > _LONGEST_LINE and "\n" not in block.text:
            return False
        after = k if block.kind == "heading" else -1
        return all(self._holds(line, after) for line in lines_of(block))

    def _holds(self, line: str, after: int) -> bool:
        if len(line) > _LONGEST_LINE:
            return False
        texts = (line, _PAGE.sub("", line)) if line[-1:].isdigit() else (line,)
        return any(
            self._last.get(wording, -1) > after
            for text in texts
            if _last_word(text) in self._last_words  # most lines end here
            for wording in _wordings(text)
        )


def _bare_of(block: Block) -> str:
    return " ".join(plain(block).split())


def _last_word(text: str) -> str:
    """The letters and digits of the last word that has any, among the last few."""
    return next(filter(None, map(_bare, reversed(text.rsplit(None, 5)))), "")


def _wordings(text: str) -> set[str]:
    """A heading as contents may word it: whole, without its number, or only the number."""
    found = {_bare(text), _bare(_NUMBERED.sub("", text, count=1)), _bare(_PART_WORD.sub("", text))}
    return found - {""}


def _bare(text: str) -> str:
    """Letters and digits alone."""
    return re.sub(r"[\W_]+", "", text).casefold()


def find_contents(verdicts: Verdicts, places: Sequence[Place]) -> None:
    """Find tables of contents and lists of illustrations.

    Args:
        verdicts: the blocks.
        places: of the sections.
    """
    headings = Headings(verdicts)
    sections = verdicts.sections
    for section, place in zip(sections, places, strict=True):
        kind = next((kind for kind in _NAMES if kind in section.names), None)
        if kind and verdicts.kinds[section.start] is None:
            _take_named(verdicts, headings, section, kind, place)
    _take_unnamed(verdicts, headings)


def _take_named(
    verdicts: Verdicts, headings: Headings, section: HeadedPart, kind: str, place: Place
) -> None:
    """The list below a heading that names one: all of its lines, and nothing below them."""
    blocks = verdicts.blocks
    end, entries, proved = section.body, 0, 0
    while end < len(blocks):
        block = blocks[end]
        if block.kind == "break" or verdicts.kinds[end] is not None:
            end += 1
            continue
        shows = _links(block) or (headings.repeated(end) and _may_be_entry(verdicts, end))
        paged = block.kind == "paragraph" and _paged(block)
        listed = block.kind == "paragraph" and end < section.end and is_list(block)
        if not (shows or paged or listed):
            break
        end, entries, proved = end + 1, entries + 1, proved + (shows or paged)
    certain = proved * 2 >= entries and (proved > 1 or bool(place))
    if entries and (certain or (place and end >= section.end)):
        verdicts.give(section.start, end, kind, certain=certain)
    elif "front" in place and "index" not in section.names and not _texts(verdicts, section):
        declared = kind in verdicts.kinds[section.body : end]
        verdicts.give(section.start, section.body, kind, certain=declared)


def _texts(verdicts: Verdicts, section: HeadedPart) -> list[int]:
    """The blocks below a heading that have no kind."""
    return verdicts.unknown(section.body, section.end)


def _may_be_entry(verdicts: Verdicts, k: int) -> bool:
    """Whether a block is an entry, and not a heading with text right below it."""
    blocks = verdicts.blocks
    if blocks[k].kind != "heading":
        return True
    return k + 1 < len(blocks) and blocks[k + 1].kind == "heading"


def _links(block: Block) -> bool:
    return block.kind == "paragraph" and block.is_linked


def _take_unnamed(verdicts: Verdicts, headings: Headings) -> None:
    """Runs of lines that link to places in the book, or repeat headings."""
    blocks = verdicts.blocks
    k = 0
    while k < len(blocks):
        end = k
        while end < len(blocks) and _is_entry(verdicts, headings, end):
            end += 1
        run = blocks[k:end]
        # "Part II", "1812", "I" may be headings of one chapter that all come again
        headed = any(block.kind == "heading" for block in run)
        paged = all(block.kind == "paragraph" and _paged(block) for block in run)
        lines = sum(1 for block in run for _ in lines_of(block))
        if lines >= (2 if paged else 5 if headed else 3) and run:
            verdicts.give(k, end, "contents", certain=True)
        k = max(end, k + 1)


def _is_entry(verdicts: Verdicts, headings: Headings, k: int) -> bool:
    block = verdicts.blocks[k]
    if verdicts.kinds[k] is not None or block.kind == "break":
        return False
    return _links(block) or (headings.repeated(k) and _may_be_entry(verdicts, k))


def _paged(block: Block) -> bool:
    return all(map(ends_with_page, lines_of(block)))
