"""Front matter and back matter: the parts of a file that are not the author's story."""

from __future__ import annotations

import re
from collections.abc import Sequence

from seqctx.artifacts.manifest import LeftOut
from seqctx.prepare.readers.account import characters_in, is_unspaced, words_in
from seqctx.prepare.readers.blocks import Block, plain

DECLARED = {  # epub:type values (EPUB Structural Semantics Vocabulary) and what we call them
    "titlepage": "title page", "halftitlepage": "title page", "imprint": "imprint",
    "copyright-page": "imprint", "colophon": "imprint", "toc": "contents", "loi": "contents",
    "lot": "contents", "landmarks": "contents", "endnotes": "endnotes", "footnotes": "endnotes",
    "rearnotes": "endnotes", "footnote": "endnotes", "endnote": "endnotes",
    "rearnote": "endnotes", "index": "index", "bibliography": "bibliography",
    "other-credits": "imprint", "seriespage": "advertisement",
    "contributors": "about the author",
}  # fmt: skip
_BY_HEADING = {
    "contents": r"(?:table of )?contents|inhalt(?:sverzeichnis)?|table des matières|índice"
    r"|list of illustrations|illustrations",
    "imprint": r"copyright(?: page| notice)?|imprint|colophon|impressum|imprint page",
    "licence": r"licen[cs]e|uncopyright|the full project gutenberg license|legal notice",
    "endnotes": r"end ?notes|foot ?notes|notes|anmerkungen|notas",
    "index": r"index|register",
    "about the author": r"about the author|about the publisher|über den autor|sobre el autor",
    "advertisement": r"also (?:available )?by .{1,60}|other books by .{1,60}|by the same author",
    "transcriber's note": r"transcriber[’']?s notes?:?",
    "dramatis personae": r"dramatis person(?:ae|æ)",
}
_HEADED = {kind: re.compile(rf"(?i)(?:{words})[.:]?") for kind, words in _BY_HEADING.items()}
_START = re.compile(r"(?i)\*{3} ?start of (?:the|this) project gutenberg.*")
_END = re.compile(
    r"(?i)\*{3} ?end of (?:the|this) project gutenberg.*|end of (?:the )?project gutenberg.*"
)
_TITLE_PAGE = re.compile(  # "by" and names: not "By morning they had gone."
    r"(?:(?i:a novel )?(?:[Bb]y|BY) "
    r"(?:(?:[A-ZÀ-Þ][\w.’'-]*|and|de|la|le|of|van|von|&)(?:\s+|$)){1,6}"
    r"|\(?\d{4}\)?\.?|(?i:.*(?:©|\bcopyright\b|\bISBN\b|all rights reserved|produced by).*))"
)
_PAGE = re.compile(r"\b\d{1,4}$")  # "The Storm ........ 3"
_LEADERS = " .·…_"
_SCATTERED = (  # stand between paragraphs; all of a kind make one entry
    "endnotes", "page number", "note mark", "hidden text", "comment", "illustration", "caption",
    "reading", "deleted text",
)  # fmt: skip
_TITLE_PAGE_BLOCKS = 12  # a longer stretch before the first heading is text
_TITLE_PAGE_WORDS = 60


def leave_out(blocks: Sequence[Block], title: str = "") -> tuple[list[Block], tuple[LeftOut, ...]]:
    """Take front matter and back matter out of a file's blocks.

    Returns:
        The blocks that stay, and what was left out, in order. Where nothing but headings would
        stay, all blocks stay.
    """
    kinds = [block.left_out for block in blocks]
    certain = [kind is not None for kind in kinds]
    _gutenberg(blocks, kinds)
    certain = [a or kind is not None for a, kind in zip(certain, kinds, strict=True)]
    _headed(blocks, kinds)
    _contents_lists(blocks, kinds)
    _title_page(blocks, kinds, title)
    kept = [block for block, kind in zip(blocks, kinds, strict=True) if kind is None]
    if not any(block.kind == "paragraph" for block in kept):
        return list(blocks), ()
    text = [k for k, block in enumerate(kept) if block.kind != "break"]
    return kept[text[0] : text[-1] + 1], _listed(blocks, kinds, certain)


def _listed(
    blocks: Sequence[Block], kinds: Sequence[str | None], certain: Sequence[bool]
) -> tuple[LeftOut, ...]:
    """Runs of blocks of one kind as entries; what is scattered makes one entry a kind."""
    found: list[tuple[str, bool, list[Block], int]] = []
    scattered: dict[tuple[str, bool], int] = {}
    last = None
    for block, kind, sure in zip(blocks, kinds, certain, strict=True):
        if kind is None:
            last = None
            continue
        key = (kind, sure)
        at = scattered.get(key) if kind in _SCATTERED else len(found) - 1 if key == last else None
        if at is None:
            scattered[key] = len(found)
            found.append((kind, sure, [block], 1))
        else:
            found[at][2].append(block)
            found[at] = (*found[at][:3], found[at][3] + (key != last))
        last = key
    unspaced = is_unspaced(blocks)
    of_all = characters_in(blocks) if unspaced else words_in(blocks)
    return tuple(
        _entry(kind, sure, part, places, unspaced, of_all) for kind, sure, part, places in found
    )


def _entry(
    kind: str, sure: bool, part: Sequence[Block], places: int, unspaced: bool, of_all: int
) -> LeftOut:
    words = words_in(part)
    characters = characters_in(part) if unspaced else None
    return LeftOut(
        kind=kind,
        title=" ".join(plain(part[0]).split())[:60],
        words=words,
        characters=characters,
        share=round((words if characters is None else characters) / max(of_all, 1), 4),
        is_certain=sure,
        places=places,
    )


def _gutenberg(blocks: Sequence[Block], kinds: list[str | None]) -> None:
    """The blocks before and after Project Gutenberg's markers."""
    begin, end = 0, len(blocks)
    for k, block in enumerate(blocks):
        if _START.fullmatch(plain(block)):
            begin = k + 1
        elif _END.fullmatch(plain(block)):
            end = k
            break
    kinds[:begin] = ["licence"] * begin
    kinds[end:] = ["licence"] * (len(kinds) - end)


def _headed(blocks: Sequence[Block], kinds: list[str | None]) -> None:
    """The parts under a heading that names front matter or back matter.

    A part goes to the next heading of the same level or above. In plain text, a line of its own
    counts as a heading, too, where its part lies at the very beginning or end of the file: "Notes:"
    may also stand in a story.
    """
    edge = len(blocks) / 20
    next_heading = _next_headings(blocks)
    for k, block in enumerate(blocks):
        kind = _named(block) if kinds[k] is None else None
        if kind is None:
            continue
        headed = block.kind == "heading"
        end = next_heading[k + 1]
        while headed and end < len(blocks) and blocks[end].level > block.level:
            end = next_heading[end + 1]
        if headed or (kind != "contents" and (end <= edge or k >= len(blocks) - edge)):
            kinds[k:end] = [kind] * (end - k)


def _next_headings(blocks: Sequence[Block]) -> list[int]:
    """Of each block, and of the end, the first heading from there on; or the end."""
    found = [len(blocks)] * (len(blocks) + 1)
    for k in range(len(blocks) - 1, -1, -1):
        found[k] = k if blocks[k].kind == "heading" else found[k + 1]
    return found


def _named(block: Block) -> str | None:
    """The kind of front matter or back matter that a heading names."""
    if block.kind == "break" or len(block.text) > 80:
        return None
    text = plain(block).strip()
    return next((kind for kind, words in _HEADED.items() if words.fullmatch(text)), None)


def _contents_lists(blocks: Sequence[Block], kinds: list[str | None]) -> None:
    """Tables of contents: runs of short lines that repeat headings further down."""
    later: set[str] = set()
    repeats, paged = [False] * len(blocks), [False] * len(blocks)
    for k in range(len(blocks) - 1, -1, -1):
        text = plain(blocks[k]).casefold()
        lines = {" ".join(line.split()) for line in text.split("\n")}
        bare = {_without_page(line) for line in lines}
        text = " ".join(text.split())
        if kinds[k] is None:
            paged[k] = text not in later and bare <= later
            repeats[k] = text in later or paged[k] or (len(lines) > 2 and lines <= later)
        if blocks[k].kind == "heading":
            later.add(text)
    k = 0
    while k < len(blocks):
        end = k
        while end < len(blocks) and repeats[end]:
            end += 1
        # "Part II", "1812", "I" may be headings of one chapter that all come again
        headed = any(block.kind == "heading" for block in blocks[k:end])
        least = 2 if all(paged[k:end]) else 5 if headed else 3
        if end - k >= least or (end > k and "\n" in blocks[k].text):
            kinds[k:end] = ["contents"] * (end - k)
        k = max(end, k + 1)
    for k in range(len(blocks) - 1):
        if kinds[k : k + 2] == [None, "contents"] and _named(blocks[k]) == "contents":
            kinds[k] = "contents"


def _without_page(line: str) -> str:
    """A line without the number of a page at its end, and what leads the eye there."""
    page = _PAGE.search(line, max(0, len(line) - 5))
    return line[: page.start()].rstrip(_LEADERS) if page else line


def _title_page(blocks: Sequence[Block], kinds: list[str | None], title: str) -> None:
    """A title page: few short lines before the first heading, one as only title pages have."""
    first = next(
        (k for k, b in enumerate(blocks) if kinds[k] is None and b.kind == "heading"), None
    )
    if first is None:
        return
    before = [k for k in range(first) if kinds[k] is None and blocks[k].kind != "title"]
    if len(before) > _TITLE_PAGE_BLOCKS:
        return
    words = sum(len(blocks[k].text.split()) for k in before)
    telling = any(
        _TITLE_PAGE.fullmatch(" ".join(plain(blocks[k]).split()))
        or plain(blocks[k]).strip().casefold() == title.casefold()
        for k in before
    )
    if telling and words <= _TITLE_PAGE_WORDS:
        for k in before:
            kinds[k] = "title page"
