"""What archives such as AO3 write around a story: tags, a summary, notes, a request to comment."""

from __future__ import annotations

import re

from seqctx.prepare.readers.account import amount, amount_in
from seqctx.prepare.readers.blocks import plain, plain_line
from seqctx.prepare.readers.front_matter_words import ARCHIVE_ONLY, LABEL
from seqctx.prepare.readers.sections import Verdicts, is_prose

_FIRST_BLOCKS = 300  # in which the header stands
_FEWEST_LABELS = 3
_LONGEST_HEADER, _LONGEST_NOTE = 600, 400  # words, with summary and notes
_END_NOTES = re.compile(r"(?i)(?:chapter end notes?|end notes?|notes? at the end)[.:]?")
_OPENING_NOTES = re.compile(
    r"(?i)(?:chapter notes?|chapter summary|summary|notes?|author[’']?s notes?)[.:]?"
)
_ONLY_HERE = re.compile(r"(?i)chapter (?:end )?notes?[.:]?|chapter summary[.:]?")
_LABELLED = re.compile(r"(?i)(?:a/n|author[’']s notes?)\s*[:：–—-]+\s*\S.{0,3000}", re.S)
_POINTER = re.compile(
    r"(?i)see the end of the (?:chapter|work) for .{0,80}|\(see the end of .{0,80}"
    r"|please drop by the archive and comment.{0,80}"
)


def find_archive_notes(verdicts: Verdicts) -> None:
    """Find the header of an archive, and the notes around its chapters."""
    header = _find_header(verdicts)
    blocks = verdicts.blocks
    _find_labelled(verdicts)
    for k, block in enumerate(blocks):
        if verdicts.kinds[k] is not None or block.kind == "break" or len(block.text) > 120:
            continue
        text = plain_line(block)
        if not (header or _ONLY_HERE.fullmatch(text)):
            continue
        if _END_NOTES.fullmatch(text):
            _take_to_heading(verdicts, k)
        elif _OPENING_NOTES.fullmatch(text):
            verdicts.give(k, _after_note(verdicts, k), "author's note")
        elif _POINTER.fullmatch(text):
            verdicts.give(k, k + 1, "author's note")


def _find_labelled(verdicts: Verdicts) -> None:
    """Paragraphs that say "A/N:" right below a heading, or right above one or the end."""
    blocks = verdicts.blocks
    known = [k for k, block in enumerate(blocks) if block.kind != "break"]
    for at, k in enumerate(known):
        text = blocks[k].text if blocks[k].text[:1].lower() in ("a", "*", "(", "[") else ""
        if not text or not _LABELLED.match(plain(blocks[k]).lstrip("([")):
            continue
        beside = (known[at - 1] if at else -1, known[at + 1] if at + 1 < len(known) else -1)
        if any(place < 0 or blocks[place].kind == "heading" for place in beside):
            verdicts.give(k, k + 1, "author's note")


def _find_header(verdicts: Verdicts) -> bool:
    """The tags above a story, with all before them and, up to the next heading, below them."""
    blocks = verdicts.blocks
    labels: list[int] = []
    kinds: set[str] = set()
    is_archive = False
    for k, block in enumerate(blocks[:_FIRST_BLOCKS]):
        if is_prose(block) and not LABEL.match(block.text):
            if labels or amount(block.text) > _LONGEST_NOTE:
                break
            continue
        for line in plain(block).split("\n"):
            if LABEL.fullmatch(line.strip()):
                labels.append(k)
                kinds.add(re.split("[:：]", line.strip())[0].casefold())
                is_archive = is_archive or bool(ARCHIVE_ONLY.match(line.strip()))
    before = amount_in(blocks[: labels[0]]) if labels else 0
    if not is_archive or len(kinds) < _FEWEST_LABELS or before > _LONGEST_NOTE:
        return False
    last = labels[-1] + 1
    if last < len(blocks) and len(plain(blocks[labels[-1]]).split(":")[-1].strip()) == 0:
        last += 1  # the value stands in a paragraph of its own
    heading = next(
        (k for k in range(last, len(blocks)) if blocks[k].kind == "heading"), len(blocks)
    )
    below = amount_in(blocks[last:heading][:_FIRST_BLOCKS])
    end = heading if heading < len(blocks) and below <= _LONGEST_HEADER else last
    verdicts.give(0, end, "archive header", certain=True)
    return True


def _take_to_heading(verdicts: Verdicts, k: int) -> None:
    """The notes at the end of a chapter: they go to the next heading."""
    blocks, words, end = verdicts.blocks, 0, k + 1
    while end < len(blocks) and blocks[end].kind != "heading":
        words += amount(blocks[end].text)
        if words > _LONGEST_NOTE:
            return
        end += 1
    verdicts.give(k, end, "author's note")


def _after_note(verdicts: Verdicts, k: int) -> int:
    """The place after a note above a chapter: its quotation, or one paragraph."""
    blocks, end = verdicts.blocks, k + 1
    while end < len(blocks) and blocks[end].is_quoted:
        end += 1
    if end == k + 1 and end < len(blocks) and blocks[end].kind == "paragraph":
        short = amount(blocks[end].text) <= _LONGEST_NOTE
        return end + 1 if short else end
    return end
