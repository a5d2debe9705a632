"""Tables of contents and other lists: lines that link to headings, repeat them, or name pages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from seqctx.prepare.readers.account import amount
from seqctx.prepare.readers.blocks import Block, plain, plain_line
from seqctx.prepare.readers.lines import letters_and_digits
from seqctx.prepare.readers.sections import (
    HeadedPart,
    Place,
    Verdicts,
    ends_with_page,
    is_list,
    is_speech,
    lines_of,
)

_NUMBERED = re.compile(r"^(?:[^\W\d]+\s+)?(?:\d{1,4}|[IVXLCivxlc]{1,7})\s*[.:–—-]?\s+(?=\S)")
_PART_WORD = re.compile(r"^[^\W\d]+\s+(?=(?:\d{1,4}|[IVXLC]{1,7})\.?$)")  # "CHAPTER IV"
_LONGEST_LINE, _LONGEST_LIST = 200, 20_000  # characters of an entry; of all in one paragraph
_PAGE = re.compile(r"[\s.·…_]*\d{1,4}$")
_LEADING = re.compile(  # "CHAPTER IV", "4." at the beginning of an entry
    r"(?:[^\W\d]+\s+(?:\d{1,4}|[IVXLC]{1,7})(?=[\s.:–—-]|$)|(?:\d{1,4}|[IVXLC]{1,7})(?=[.:]))"
)
_SUMMARY, _GAP = 40, 3  # words of a line below an entry; lines between two entries
_MOST = 0.85  # of the lines of a list look like entries; a question among them does not
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
            self._last |= dict.fromkeys(_wordings(plain_line(blocks[k])), k)
        for a, b in pairwise(places):
            if b == a + 1:  # a number and its title
                self._last[letters_and_digits(f"{plain(blocks[a])} {plain(blocks[b])}")] = b
        self._numbers = {_number_of(plain_line(blocks[k])): k for k in places}
        self._last_words = {_last_word(plain_line(blocks[k])) for k in places}

    def repeated(self, k: int) -> bool:
        """Whether all lines of a block are headings of other blocks, further down if it is one."""
        block = self._verdicts.blocks[k]
        if block.kind == "break" or len(block.text) > _LONGEST_LIST:
            return False
        if len(block.text) > _LONGEST_LINE and "\n" not in block.text:
            return False
        after = k if block.kind == "heading" else -1
        lines = list(lines_of(block))
        held = sum(self._holds(line, after) for line in lines)
        return held == len(lines) or (len(lines) > 3 and held * 4 >= 3 * len(lines))

    def numbered_later(self, k: int) -> bool:
        """Whether a heading further down has the number with which a short block begins."""
        number = _number_of(plain(self._verdicts.blocks[k])[:_LONGEST_LINE])
        return number != "" and self._numbers.get(number, -1) > k

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


def _number_of(text: str) -> str:
    """The number with which a heading begins, with its word; empty where it begins with none."""
    found = _LEADING.match(text)
    return letters_and_digits(found[0]) if found else ""


def _last_word(text: str) -> str:
    """The letters and digits of the last word that has any, among the last few."""
    return next(filter(None, map(letters_and_digits, reversed(text.rsplit(None, 5)))), "")


def _wordings(text: str) -> set[str]:
    """A heading as contents may word it: whole, without its number, or only the number."""
    found = {
        letters_and_digits(text),
        letters_and_digits(_NUMBERED.sub("", text, count=1)),
        letters_and_digits(_PART_WORD.sub("", text)),
    }
    return found - {""}


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
        may_be_index = "index" in section.names and "front" not in place
        if kind and verdicts.kinds[section.start] is None and not may_be_index:
            _take_named(verdicts, headings, section, kind, place)
    _take_unnamed(verdicts, headings)


def _take_named(
    verdicts: Verdicts, headings: Headings, section: HeadedPart, kind: str, place: Place
) -> None:
    """The list below a heading that names one: all of its lines, and nothing below them."""
    end, certain = _chain(verdicts, headings, section.body)
    if not (certain and (place or end - section.body > 1)):
        end, certain = _list_end(verdicts, section), False
    if end > section.body and (certain or place):
        verdicts.give(section.start, end, kind, certain=certain)
    elif "front" in place and "index" not in section.names and not _texts(verdicts, section):
        declared = kind in verdicts.kinds[section.body : section.end]
        verdicts.give(section.start, section.body, kind, certain=declared)


def _chain(verdicts: Verdicts, headings: Headings, start: int) -> tuple[int, bool]:
    """Where entries end of which most link to headings, repeat them or name pages.

    Between two such entries may stand a few short lines, such as what happens in a chapter.

    Returns:
        The place after the last entry, and whether there is any.
    """
    blocks = verdicts.blocks
    last, before, gap, k, proved = start - 1, start - 1, 0, start, 0
    entries = lines_of(blocks[start]) if start < len(blocks) else ()
    first = letters_and_digits(next(iter(entries), "")[:_LONGEST_LINE])
    while k < len(blocks) and gap <= _GAP:
        if k > start and _begins_story(blocks, k, first):
            break
        if blocks[k].kind != "break" and verdicts.kinds[k] is None:
            if _is_proved(verdicts, headings, k):
                last, before, gap, proved = k, last, 0, proved + 1
            elif amount(blocks[k].text) > _SUMMARY or is_speech(plain(blocks[k])):
                break
            else:
                gap += 1
        k += 1
    if last >= start and blocks[last].kind == "heading" and _has_text(verdicts, last):
        last, proved = before, proved - 1  # it opens the story
    end = last + 1
    while last >= start and end < len(blocks) and _ends_entry(verdicts, end):
        end += 1
    of_all = len(verdicts.unknown(start, end))
    return end, proved > 2 or (proved * 2 >= of_all > 0 and (proved > 1 or of_all == 1))


def _begins_story(blocks: Sequence[Block], k: int, first: str) -> bool:
    """Whether a heading is the first entry once more: with a title, or soon above prose."""
    line = plain(blocks[k])[:_LONGEST_LINE]
    if blocks[k].kind != "heading" or letters_and_digits(line) != first:
        return False
    return first != _number_of(line) or any(
        amount(block.text) > _SUMMARY for block in blocks[k + 1 : k + 5]
    )


def _is_proved(verdicts: Verdicts, headings: Headings, k: int) -> bool:
    block = verdicts.blocks[k]
    if block.kind == "paragraph" and (block.is_linked or _paged(block)):
        return True
    return _may_be_entry(verdicts, k) and (headings.repeated(k) or headings.numbered_later(k))


def _ends_entry(verdicts: Verdicts, k: int) -> bool:
    """Whether a short line goes on with the last entry: a heading comes next."""
    blocks = verdicts.blocks
    short = blocks[k].kind == "paragraph" and verdicts.kinds[k] is None and is_list(blocks[k])
    return short and (k + 1 < len(blocks) and blocks[k + 1].kind == "heading")


def _list_end(verdicts: Verdicts, section: HeadedPart) -> int:
    """The end of a section that is a list, but for a few lines; else that of its heading."""
    body = [verdicts.blocks[k] for k in _texts(verdicts, section)]
    entries = sum(map(is_list, body))
    long = any(amount(block.text) > _SUMMARY and not is_list(block) for block in body)
    return section.end if entries and entries >= _MOST * len(body) and not long else section.body


def _texts(verdicts: Verdicts, section: HeadedPart) -> list[int]:
    """The blocks below a heading that have no kind."""
    return verdicts.unknown(section.body, section.end)


def _may_be_entry(verdicts: Verdicts, k: int) -> bool:
    """Whether a block is an entry, and not a heading with text right below it."""
    return verdicts.blocks[k].kind != "heading" or not _has_text(verdicts, k)


def _has_text(verdicts: Verdicts, k: int) -> bool:
    """Whether a paragraph of a story, or anything but a short line, follows a heading."""
    blocks = verdicts.blocks
    below = blocks[k + 1] if k + 1 < len(blocks) else None
    if below is None or below.kind == "heading":
        return False
    return below.kind == "break" or amount(below.text) > _SUMMARY or is_speech(plain(below))


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
    if _links(block):
        return True
    if block.kind == "heading" and k + 1 < len(verdicts.blocks):
        return verdicts.blocks[k + 1].kind == "heading" and headings.repeated(k)
    return headings.repeated(k)


def _paged(block: Block) -> bool:
    return all(map(ends_with_page, lines_of(block)))
