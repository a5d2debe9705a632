"""Title pages, imprints without a heading, and the head and the last line of a submission."""

from __future__ import annotations

import re

from seqctx.prepare.readers.account import amount
from seqctx.prepare.readers.blocks import plain_line
from seqctx.prepare.readers.front_matter_words import (
    HINTS,
    RIGHTS,
    SUBMISSION_LINE,
    TITLE_PAGE_LINE,
)
from seqctx.prepare.readers.heading_lines import is_heading
from seqctx.prepare.readers.heading_words import says_end
from seqctx.prepare.readers.sections import Verdicts, is_list_line, is_speech, lines_of, story_words

_MOST_BEFORE, _STORY = 100, 40  # blocks; words of sentences, such as a motto
_BLOCKS, _WORDS = 12, 60  # of a title page before a heading; a longer stretch is text
_LONGEST = 600  # words of title page and imprint together
_LINES = 20  # of the head of a submission
_FIRST_BLOCKS = 1_000  # among which a title page stands, after licences and contents
_LONGEST_HEADING = 20  # words of a heading on a title page
_BARE_END = re.compile(r"[-–—#* ]{0,9}(?:END|[-–—] ?30 ?[-–—])[-–—#* ]{0,9}")


def find_title_page(verdicts: Verdicts, title: str) -> None:
    """Find what stands before the story without a heading of its own, and a line END."""
    blocks = verdicts.blocks
    _find_headings_of_title_page(verdicts)
    first = next(
        (
            k
            for k, block in enumerate(blocks)
            if verdicts.kinds[k] is None and block.kind == "heading"
        ),
        None,
    )
    submitted = False
    before = verdicts.unknown(0, first or 0)
    before = [k for k in before if blocks[k].kind != "title"]
    telling = (
        [k for k in before if _tells(verdicts, k, title)] if len(before) < _MOST_BEFORE else []
    )
    words = sum(amount(blocks[k].text) for k in before[:_MOST_BEFORE])
    if story_words(blocks[k] for k in before[:_MOST_BEFORE]) > _STORY:
        telling = []
    if telling and len(before) <= _BLOCKS and words <= _WORDS:
        submitted = any(_is_submission(verdicts, k) for k in before)
        _give(verdicts, before)
    elif telling and words <= _LONGEST and any(RIGHTS.search(blocks[k].text) for k in telling):
        last = max(k for k in before if k in telling or HINTS["imprint"].search(blocks[k].text))
        _give(verdicts, [k for k in before if k <= last])
    else:
        submitted = _find_head(verdicts, title, first)
    submitted = submitted or any(
        verdicts.kinds[k] == "title page" and _is_submission(verdicts, k)
        for k in range(min(len(blocks), _LINES))
    )
    _find_last_imprint(verdicts)
    _find_end_line(verdicts, submitted)


def _find_headings_of_title_page(verdicts: Verdicts) -> None:
    """A title page of headings: title, author and what else stands above the first text.

    It ends with the line that names the author, which has no text below it.
    """
    blocks = verdicts.blocks
    run = verdicts.unknown(0, min(len(blocks), _FIRST_BLOCKS))[:_LINES]
    end = -1
    for at, k in enumerate(run):
        text = plain_line(blocks[k])
        if amount(text) > _LONGEST_HEADING or is_speech(text) or is_heading(text):
            break
        after = blocks[run[at + 1]] if at + 1 < len(run) else None
        if TITLE_PAGE_LINE.fullmatch(text) and after is not None and after.kind == "heading":
            end = at
    byline = blocks[run[end]].text if end >= 0 else ""
    # one that comes back often says who tells a chapter
    if byline and sum(block.text == byline for block in blocks) <= 2:
        for k in run[: end + 1]:
            verdicts.give(k, k + 1, "title page")


def _give(verdicts: Verdicts, places: list[int]) -> None:
    for k in places:
        rights = RIGHTS.search(verdicts.blocks[k].text)
        verdicts.give(k, k + 1, "imprint" if rights and len(places) > _BLOCKS else "title page")


def _tells(verdicts: Verdicts, k: int, title: str) -> bool:
    """Whether a block has a line as only title pages and submissions have."""
    text = plain_line(verdicts.blocks[k])
    return (
        bool(TITLE_PAGE_LINE.fullmatch(text))
        or text.casefold() == title.casefold()
        or _is_submission(verdicts, k)
    )


def _is_submission(verdicts: Verdicts, k: int) -> bool:
    return any(SUBMISSION_LINE.fullmatch(line) for line in lines_of(verdicts.blocks[k]))


def _find_head(verdicts: Verdicts, title: str, first: int | None) -> bool:
    """The head of a submission: lines above the story, up to the last that tells.

    Returns:
        Whether there is one.
    """
    blocks = verdicts.blocks
    run: list[int] = []
    for k in verdicts.unknown(0, len(blocks) if first is None else first)[:_LINES]:
        if not all(map(is_list_line, lines_of(blocks[k]))):
            break
        run.append(k)
    telling = [k for k in run if _tells(verdicts, k, title)]
    if not telling or sum(amount(blocks[k].text) for k in run) > 2 * _WORDS:
        return False
    end = telling[-1]
    for k in run:
        if k > end and blocks[k].look.centred:
            end = k
    for k in run:
        if k <= end:
            verdicts.give(k, k + 1, "title page")
    return any(_is_submission(verdicts, k) for k in telling)


def _find_last_imprint(verdicts: Verdicts) -> None:
    """Lines of an imprint at the very end, below the last paragraph of the story."""
    blocks = verdicts.blocks
    places = verdicts.unknown(max(len(blocks) - _LINES, 0), len(blocks))
    run: list[int] = []
    for k in reversed(places):
        words = amount(blocks[k].text)
        if words > _WORDS or not HINTS["imprint"].search(blocks[k].text):
            break
        run.append(k)
    if any(RIGHTS.search(blocks[k].text) for k in run) and len(run) < len(places):
        for k in run:
            verdicts.give(k, k + 1, "imprint")


def _find_end_line(verdicts: Verdicts, submitted: bool) -> None:
    """The line below a submission that says that this is the end."""
    for k in range(len(verdicts.blocks) - 1, -1, -1):
        block = verdicts.blocks[k]
        if verdicts.kinds[k] is not None or block.kind == "break":
            continue
        text = plain_line(block) if len(block.text) < 60 else ""
        if _BARE_END.fullmatch(text) or (submitted and says_end(text)):
            verdicts.give(k, k + 1, "end mark", certain=True)
        return
