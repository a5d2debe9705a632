"""The words of one paragraph of HTML: with emphasis, without what is not the text itself.

Marks of notes, numbers of pages, readings of Chinese characters, hidden words and words that stand
for a picture are no words of the story; they are kept aside, so that they are counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from seqctx.prepare.readers.blocks import Run
from seqctx.prepare.readers.css import Style, Styles
from seqctx.prepare.readers.elements import (
    CONTROLS,
    EMPHASIS,
    NO_WORDS,
    PICTURES,
    Links,
    NoteMark,
    Picture,
    kind_declared,
    local,
    short_text,
    text_within,
    types_of,
    words_within,
)
from seqctx.prepare.readers.lines import ends_sentence, space_between

_READINGS = {"rt", "rp", "rtc"}
_XLINK = "{http://www.w3.org/1999/xlink}href"
_UNUSUAL_SPACE = re.compile(r"\s\s+|[^\S ]")
_BLANK = re.compile(r"\s+")
_LETTER = re.compile(r"[^\W\d_]")
_PAGE_CLASS = re.compile(
    r"(?i)(?<![a-z])(?:page-?num(?:ber)?s?|page-?no|page-?break|pg-?num|folio)(?![a-z])"
)
_PAGE_ID = re.compile(r"(?i)(?:page|pg|p|seite|pagina)[-_.]*([\divxlc]+)")
_PAGE = re.compile(
    r"(?i)[\[({|]?\s*(?:(?:page|pg|p|seite|s|pág)\b\.?\s*)?([\divxlc]{1,7})\s*[\])}|]?\.?"
)
_MARK = re.compile(
    r"(?i)[\[({]?\s*(?:(?:note|fn|n)?\.?\s*\d{1,4}[a-z]?|[a-z]|[ivxlc]{1,6}|[*†‡§¶#※＊]{1,4}|注\d{0,3})"
    r"\s*[\])}]?\.?"
)
_MARK_CLASS = re.compile(r"(?i)(?<![a-z])(?:note|footnote|endnote|fn|rearnote)[\w-]*|fnanchor")
_INITIAL_CLASS = re.compile(r"(?i)drop|initial|lettrine|first-?letter")
_INITIAL = re.compile(r"[\"“‘'«»„]?[^\W\d_]")
_FEWEST_LINES, _PROSE, _ENDS = 3, 60, 0.9  # lines; characters of each; so many end a sentence
_LARGE = 1.4  # times the usual size: a letter that opens a chapter, not emphasis


def emphasized(mark: str, tag: str, style: Style) -> str:
    """The mark of characters in an element, where those around it have another."""
    if tag in EMPHASIS and mark != "**":
        mark = EMPHASIS[tag]
    if style.bold is not None and style.bold != (mark == "**"):
        mark = "**" if style.bold else ""
    if style.italic is not None and mark != "**":
        mark = "*" if style.italic else ""
    return mark


def page_number(node: Any, types: list[str]) -> bool:
    """Whether an element is the number of a page of a printed book."""
    if "pagebreak" in types or local(node.tag) == "pagenum":
        return True
    classed = _PAGE_CLASS.search(node.get("class") or "")
    named = _PAGE_ID.fullmatch(node.get("id") or node.get("name") or "")
    text = short_text(node) if classed or named else None
    match = _PAGE.fullmatch(text) if text and len(text) <= 20 else None
    if match is None:
        return False
    return bool(classed or (named and named[1].lstrip("0").lower() == match[1].lower()))


def is_centred(node: Any, style: Style, otherwise: bool) -> bool:
    """Whether lines in an element stand in the middle."""
    if style.centred is not None:
        return style.centred
    align = node.get("align") if node is not None else None
    return align.lower() == "center" if align else otherwise


def size_inside(node: Any, styles: Styles, within: int) -> float:
    """The size of characters that one element in a paragraph gives to all of it."""
    size = 1.0
    while len(node) == 1 and not (node.text or "").strip() and not (node[0].tail or "").strip():
        node = node[0]
        size *= styles.of(node, local(node.tag), within).size
    return size


class Line:
    """The words of one paragraph, gathered element by element.

    Attributes:
        runs: its characters with their emphasis.
        aside: words that are not of the text, by their kind.
        pictures: in it.
        has_links: whether words are links to places in the book.
        has_others: whether words are none.
        has_words: whether anything but blanks, new lines and pictures is in it.
    """

    def __init__(self, styles: Styles, links: Links, *, preformatted: bool = False) -> None:
        """Begin with nothing."""
        self.runs: list[Run] = []
        self.aside: dict[str, list[str]] = {}
        self.pictures: list[Picture] = []
        self.has_links = self.has_others = self.has_words = False
        self._ended = False
        self._styles, self._links, self._preformatted = styles, links, preformatted

    def text(self, value: str | None, mark: str = "", linked: bool = False) -> None:
        """Add characters that stand in the paragraph itself."""
        if not value or (not self.runs and value.isspace() and "\u00a0" not in value):
            return
        if not value.isspace():
            self.has_words, self._ended = True, False
        if self._preformatted and "\n" in value:
            for number, line in enumerate(value.split("\n")):
                self.runs += [("\n", mark), (line, mark)] if number else [(line, mark)]
        elif value == "\u00a0":
            self.runs.append((value, mark))
        elif _UNUSUAL_SPACE.search(value):
            self.runs.append((_BLANK.sub(_one_space, value), mark))
        else:
            self.runs.append((value, mark))
        if linked:
            self.has_links = self.has_links or bool(_LETTER.search(value))
        elif not self.has_others:
            self.has_others = bool(_LETTER.search(value))

    def inside(self, node: Any, mark: str, within: int, linked: bool = False) -> None:
        """Add all that an element holds."""
        self.text(node.text, mark, linked)
        if len(node) == 0:
            return
        for child in node:
            tag = local(child.tag)
            if tag:
                self.element(child, tag, mark, within, linked)
            self.text(child.tail, mark, linked)

    def element(self, node: Any, tag: str, mark: str, within: int, linked: bool = False) -> None:
        """Add one element that stands in a line."""
        if tag == "br":
            if not self._ended:
                self.runs.append(("\n", mark))
            self._ended = False
            return
        if tag in NO_WORDS:
            return
        if tag in PICTURES:
            self._picture(node, tag)
            return
        style = self._styles.of(node, tag, within)
        kind = self._kind(node, tag, style)
        if kind:
            self.put_aside(kind, words_within(node) if len(node) else text_within(node))
            return
        if tag == "a":
            href = node.get("href") or ""
            linked = bool(href) and ":" not in href.partition("#")[0]
        if not _is_initial(node, style):
            mark = emphasized(mark, tag, style)
        alone = style.block or tag in ("p", "div", "li")  # the latter within a heading
        if alone:
            self._end()
        self.inside(node, mark, self._styles.context(node, tag, within), linked)
        if alone:
            self._end()

    def _end(self) -> None:
        """End the line, if it has words; a new line in the file itself adds nothing to that."""
        if self.has_words and not self._ended:
            self.runs.append(("\n", ""))
            self._ended = True

    def put_aside(self, kind: str, text: str) -> None:
        """Keep words that are not of the text."""
        if text:
            self.aside.setdefault(kind, []).append(text)

    def _kind(self, node: Any, tag: str, style: Style) -> str | None:
        """What an element in a line is, if its words are not the text's."""
        if tag in _READINGS:
            return "reading"
        if style.hidden or node.get("hidden") is not None:
            return "hidden text"
        if tag in CONTROLS:
            return "page control"
        if tag in ("annotation", "annotation-xml"):
            return "formula"
        types = types_of(node)
        if types and (kind := kind_declared(types)):
            return kind
        if not (types or len(node) or node.attrib):
            return None
        if page_number(node, types):
            return "page number"
        text = short_text(node) if types or tag == "a" or len(node) else None
        if text is None or len(text) > 20:
            return None
        return "note mark" if self._is_note_mark(node, tag, types, style, text) else None

    def _is_note_mark(self, node: Any, tag: str, types: list[str], style: Style, text: str) -> bool:
        link = node if tag == "a" else next((x for x in node.iter() if local(x.tag) == "a"), None)
        href = (link.get("href") or "") if link is not None else ""
        if "noteref" in types:
            self._note(href, text)
            return True
        if "#" not in href or ":" in href.partition("#")[0] or not _MARK.fullmatch(text):
            return False
        raised = style.raised or any(local(x.tag) == "sup" for x in node.iter())
        named = _MARK_CLASS.search(" ".join(x.get("class") or "" for x in node.iter()))
        if not (raised or named or text.startswith(("[", "{"))):
            return False
        self._note(href, text)
        return True

    def _note(self, href: str, text: str) -> None:
        if "#" in href:
            self._links.notes.setdefault(
                self._links.resolved(href), NoteMark(self._links.document, text)
            )

    def _picture(self, node: Any, tag: str) -> None:
        names = [node.get("class") or "", node.get("id") or ""]
        above = node.getparent()
        for _ in range(2):
            if above is not None:
                names.append(above.get("class") or "")
                above = above.getparent()
        words = (node.get(name) for name in ("alt", "aria-label", "title"))
        alt = " ".join((next(filter(None, words), None) or "").split())
        source = node.get("src") or ""
        if tag == "svg":
            alt = alt or text_within(node)
            drawn = next((x for x in node.iter() if local(x.tag) == "image"), None)
            source = (drawn.get(_XLINK) or drawn.get("href") or "") if drawn is not None else ""
        if "emoji" in names[0]:
            self.text(alt)
            return
        height = re.match(r"\d{1,5}", node.get("height") or "")
        picture = Picture(
            self._links.resolved(source) if source else "", alt, " ".join(filter(None, names)),
            int(height[0]) if height else 0,
        )  # fmt: skip
        opens = _INITIAL.fullmatch(alt) and not self.has_words
        if opens and _text_after(node)[:1].isalpha():
            self.text(alt)
        else:
            self.pictures.append(picture)

    def is_empty(self) -> bool:
        """Whether nothing was added."""
        return not (self.runs or self.pictures or self.aside)

    def parts(self) -> Iterator[tuple[list[Run], int]]:
        """The paragraphs that it is: two new lines or more part them.

        Yields:
            Runs of a paragraph, and how many empty lines come before it. At last, where empty lines
            are left, no runs and their number.
        """
        runs: list[Run] = []
        lines, written = 0, False
        for text, mark in joined_runs(self.runs):
            if text == "\n":
                lines += 1
                continue
            if not text.strip() and (lines or not written):
                continue
            if lines and written:
                runs[-1] = (runs[-1][0].rstrip(), runs[-1][1])
            if lines > 1 and written:
                yield runs, 0
                runs = []
            elif lines and written:
                runs.append(("\n", mark))
            if not runs and (lines > 2 or (lines and not written)):
                yield [], lines - 2 if written else lines
            runs.append((text.lstrip() if lines or not written else text, mark))
            lines, written = 0, written or bool(text.strip())
        if written:
            yield runs, 0
        if lines:
            yield [], lines - written


def parted(runs: list[Run]) -> list[list[Run]]:
    """The runs of one paragraph, parted at its new lines where each line is prose, not verse."""
    if sum(text == "\n" for text, _ in runs) < _FEWEST_LINES - 1:
        return [runs]
    lines: list[list[Run]] = [[]]
    for run in runs:
        if run[0] == "\n":
            lines.append([])
        else:
            lines[-1].append(run)
    texts = ["".join(text for text, _ in line).strip() for line in lines]
    if sum(map(len, texts)) < _PROSE * len(lines):
        return [runs]
    return lines if sum(map(ends_sentence, texts)) >= _ENDS * len(lines) else [runs]


def _one_space(match: re.Match[str]) -> str:
    return "\r" if "\n" in match[0] else " "


def joined_runs(runs: list[Run]) -> Iterator[Run]:
    """Runs in which new lines of the file are blanks, but not between Chinese characters."""
    before, waits = "", False
    for text, mark in runs:
        if text == "\n":
            yield text, mark
            before, waits = "", False
            continue
        if waits:
            text = "\r" + text.lstrip("\r ")
        waits = text.endswith("\r")
        text = text[:-1] if waits else text
        if "\r" in text:
            first, *rest = text.split("\r")
            pieces, start = [first], first or before
            for piece in rest:
                pieces += [space_between(start, piece) if piece else " ", piece]
                start = piece or " "
            text = "".join(pieces)
        if text:
            yield text, mark
            before = text[-1]


def _text_after(node: Any) -> str:
    """The characters right after an element."""
    for _ in range(3):
        if node is None or node.tail:
            break
        after = node.getnext()
        if after is not None:
            return next(filter(None, islice(after.itertext(), 3)), "")
        node = node.getparent()
    return (node.tail or "") if node is not None else ""


def _is_initial(node: Any, style: Style) -> bool:
    """Whether an element is the large first letter of a chapter, which is no emphasis."""
    large = style.floats or style.size >= _LARGE or _INITIAL_CLASS.search(node.get("class") or "")
    text = short_text(node) if large else None
    return text is not None and len(text) <= 3
