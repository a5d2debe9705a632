"""Front matter and back matter: the parts of a file that are not the author's story.

What is left out is found by evidence: what the file declares, a licence's own markers, links, the
place in the file, and the form of the text (a list, numbered notes, words of an imprint). A
heading's word alone decides nothing, and a part that is left out ends at the next heading.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from seqctx.artifacts.manifest import LeftOut
from seqctx.prepare.readers.account import amount, amount_in, entries_of
from seqctx.prepare.readers.archives_of_stories import find_archive_notes
from seqctx.prepare.readers.blocks import Block, plain
from seqctx.prepare.readers.contents import find_contents
from seqctx.prepare.readers.declared import FRONT_AND_BACK_MATTER, has_form
from seqctx.prepare.readers.front_matter_words import HINTS, RIGHTS
from seqctx.prepare.readers.markers import find_marked
from seqctx.prepare.readers.sections import (
    HeadedPart,
    Place,
    Verdicts,
    is_list,
    is_note,
    is_speech,
    lines_of,
    places_of,
    story_words,
)
from seqctx.prepare.readers.title_page import find_title_page

_SHORT = 40  # words below "Copyright" that need no other evidence than the place
_LONGEST = {  # words; what is longer is not what its heading says
    "imprint": 1_500, "licence": 6_000, "about the author": 300, "advertisement": 400,
    "transcriber's note": 3_000, "afterword": 150,
}  # fmt: skip
_INDEX_LINE = re.compile(r"[\s,]\d{1,4}(?:[–-]\d{1,4})?[.,;]?$|,\s*\d{1,4}\b")
_FEW_ENTRIES = 5  # of an index; fewer are none
_ENTRY = 15  # words of one of the cast, on average
_AT_FOOT_OR_END = re.compile(r"(?i)end|foot|fu(?:ß|ss)|voet|eind|slut|lábj|脚|尾|각주|미주|сноски")
_LONGEST_UNNAMED = 400  # words of an imprint below another heading
_TELLING = re.compile(r"(?i)https?:|www\.|\w@\w|thank|newsletter")
_BELIEVED_SHARE, _BELIEVED = 0.05, 2_000  # of a file's words; words


def leave_out(
    blocks: Sequence[Block], title: str = "", *, keep: bool = False
) -> tuple[list[Block], tuple[LeftOut, ...]]:
    """Take front matter and back matter out of a file's blocks.

    Args:
        blocks: of the whole file.
        title: the book's.
        keep: leave out only what is never text, such as hidden text and page numbers.

    Returns:
        The blocks that stay, and what was left out, in order. Where nothing but headings would
        stay, front matter and back matter stay, too, and if need be all blocks.
    """
    verdicts = Verdicts(blocks)
    if keep:
        keeps = FRONT_AND_BACK_MATTER
        verdicts.kinds = [None if kind in keeps else kind for kind in verdicts.kinds]
    else:
        _doubt_large(verdicts)
        find_marked(verdicts)
        find_archive_notes(verdicts)
        find_contents(verdicts, places_of(verdicts))
        _find_named(verdicts)
        find_title_page(verdicts, title)
    kept = _kept(verdicts)
    if not any(block.kind == "paragraph" for block in kept):
        return (list(blocks), ()) if keep else leave_out(blocks, title, keep=True)
    return kept, entries_of(blocks, verdicts.kinds, verdicts.certain)


def _kept(verdicts: Verdicts) -> list[Block]:
    """The blocks that stay, without breaks that part nothing now."""
    kept: list[Block] = []
    gone = True  # whether something was left out since the last block
    for block, kind in zip(verdicts.blocks, verdicts.kinds, strict=True):
        if kind is not None:
            gone = True
            continue
        if gone and kept and kept[-1].kind == "break" and block.kind != "paragraph":
            kept.pop()
        if gone and block.kind == "break" and (not kept or kept[-1].kind != "paragraph"):
            continue
        kept.append(block)
        gone = False
    while kept and kept[-1].kind == "break":
        kept.pop()
    return kept


def _doubt_large(verdicts: Verdicts) -> None:
    """Large parts that the file declares, but that do not have the form, are not certain."""
    blocks, kinds = verdicts.blocks, verdicts.kinds
    whole = amount_in(blocks) if any(kinds) else 0
    start = 0
    for k in range(1, len(blocks) + 1):
        if k < len(blocks) and kinds[k] == kinds[start]:
            continue
        if kinds[start] == "not linear":
            verdicts.certain[start:k] = [False] * (k - start)
        elif kinds[start] in FRONT_AND_BACK_MATTER:
            words = amount_in(blocks[start:k])
            large = words > _BELIEVED or words > _BELIEVED_SHARE * whole
            if large and not has_form(blocks[start:k]):
                verdicts.certain[start:k] = [False] * (k - start)
        start = k


def _find_named(verdicts: Verdicts) -> None:
    """Sections whose heading names front matter or back matter, and that have its form."""
    notes = 0  # level of the heading of the notes above, while they go on
    for section, place in zip(verdicts.sections, places_of(verdicts), strict=True):
        body = verdicts.unknown(section.body, section.end)
        blocks = [verdicts.blocks[k] for k in body]
        if (
            notes
            and section.level > notes
            and _notes(blocks, frozenset({"back"})) == len(blocks) > 0
        ):
            verdicts.give(section.start, section.end, "endnotes")
            continue
        notes = 0
        if verdicts.kinds[section.start] is not None:
            continue
        if "endnotes" in section.names:
            if "back" in place and _says_where(verdicts.blocks[section.start], blocks):
                verdicts.give(section.start, section.end, "endnotes")
                continue
            count = _notes(blocks, place) if section.level or place else _leading_notes(blocks)
            if count:
                end = section.end if count == len(blocks) else body[count - 1] + 1
                verdicts.give(section.start, end, "endnotes")
                notes = section.level
                continue
        kind = _kind(verdicts, section, blocks, place) if place else None
        if kind:
            verdicts.give(section.start, section.end, kind)


def _says_where(heading: Block, blocks: Sequence[Block]) -> bool:
    """Whether a heading says that notes stand at the foot or the end, and the text is short."""
    words = amount_in(blocks)
    return 0 < words <= _SHORT and bool(_AT_FOOT_OR_END.match(plain(heading)))


def _notes(blocks: Sequence[Block], place: Place) -> int:
    """How many of some blocks are notes: all, those at the beginning, or none."""
    noted = sum(map(is_note, blocks))
    if blocks and is_note(blocks[0]) and noted * (4 if "back" in place else 2) >= len(blocks):
        return len(blocks)
    return _leading_notes(blocks)


def _leading_notes(blocks: Sequence[Block]) -> int:
    """How many blocks at the beginning are notes; one alone may be a sentence of the story."""
    count = next((k for k, block in enumerate(blocks) if not is_note(block)), len(blocks))
    return count if count > 1 or count == len(blocks) else 0


def _kind(
    verdicts: Verdicts, section: HeadedPart, blocks: Sequence[Block], place: Place
) -> str | None:
    """What a section at the beginning or the end of a file is, if its form agrees."""
    words = amount_in(blocks)
    if section.level and not section.names and _is_imprint(blocks, words):
        return "imprint"
    if "index" in section.names and _is_index(blocks):
        return "index"
    if "dramatis personae" in section.names and "front" in place and _is_cast(blocks):
        return "dramatis personae"
    for kind, most in _LONGEST.items():
        if kind in section.names and words <= most:
            hinted = sum(bool(HINTS[kind].search(block.text)) for block in blocks)
            if _agrees(kind, place, verdicts.blocks[section.start], blocks, hinted, words):
                return kind
    return None


def _agrees(
    kind: str, place: Place, heading: Block, blocks: Sequence[Block], hinted: int, words: int
) -> bool:
    """Whether the text below a heading is what the heading names.

    Args:
        kind: what it names.
        place: where the section stands.
        heading: its block.
        blocks: the text below it.
        hinted: how many blocks hold words that are usual in that kind.
        words: of the text.
    """
    if kind == "imprint":
        short = words <= _SHORT and len(blocks) < 3
        return bool(blocks) and (hinted > 0 or short) and story_words(blocks) <= _SHORT
    if kind == "advertisement":
        if not blocks:
            return bool(_TELLING.search(heading.text))
        return hinted * 2 >= len(blocks) or all(map(is_list, blocks))
    if kind in ("licence", "about the author"):
        return hinted * 2 >= len(blocks) > 0
    return hinted > 0 and (kind != "afterword" or "back" in place)


def _is_imprint(blocks: Sequence[Block], words: int) -> bool:
    """Whether the text below a heading that names nothing, as the book's title, is an imprint."""
    hinted = sum(bool(HINTS["imprint"].search(block.text)) for block in blocks)
    rights = any(RIGHTS.search(block.text) for block in blocks)
    most = hinted * 2 >= len(blocks) and words <= _LONGEST_UNNAMED
    return rights and most and story_words(blocks) <= _SHORT


def _is_index(blocks: Sequence[Block]) -> bool:
    """Whether text is terms with numbers of pages."""
    lines = [line for block in blocks for line in lines_of(block)]
    paged = sum(bool(_INDEX_LINE.search(line[-200:])) for line in lines)
    return len(lines) >= _FEW_ENTRIES and paged * 2 >= len(lines)


def _is_cast(blocks: Sequence[Block]) -> bool:
    """Whether text is names, each with a few words on who it is."""
    lines = [line for block in blocks for line in lines_of(block)]
    words = sum(map(amount, lines))
    return len(lines) > 2 and words <= _ENTRY * len(lines) and not any(map(is_speech, lines))
