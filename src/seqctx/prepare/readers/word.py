"""Word's .docx: the text with its styles, notes, comments and hidden text.

Headers and footers are no part of the text and are not read; nor is what a tracked change removed.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from seqctx.errors import InputError
from seqctx.prepare.readers.blocks import TITLE, Block, below_title
from seqctx.prepare.readers.markup import pieces
from seqctx.prepare.readers.office import (
    COMMENTS,
    DESCRIPTION,
    HIDDEN_TEXT,
    NEW_PAGE,
    NOTES,
    READING,
    Form,
    Paragraphs,
    Stretch,
    finished,
    in_font,
    styled_as,
    symbol,
)
from seqctx.prepare.readers.word_numbers import Numbers, numbers_of
from seqctx.prepare.readers.word_styles import (
    NO_HEADING,
    SPACES,
    Properties,
    WordStyles,
    element_name,
    is_set_in,
    styles_of,
    take_paragraph,
    take_run,
)
from seqctx.system.archives import Archive, damaged, open_archive

_PARAGRAPHS = {f"{{{space}}}p" for space in SPACES}
_ROOTS = {"document": None, "footnotes": NOTES, "endnotes": NOTES, "comments": COMMENTS}
_BODIES = ("body", "footnote", "endnote", "comment")
_UNREAD = ("moveFrom", "del", "rt", "Fallback", "txbxContent", "pPr", "rPr")
_CHARACTERS = {"cr": "\n", "noBreakHyphen": "-", "ptab": " ", "tab": " "}
_MORE = ("footnotes", "endnotes", "comments", "numbering")  # parts, by their usual names
_LINES = ("line", "straightConnector1")  # shapes
_ELSEWHERE = ("altChunk", "subDoc")  # their text stands in other files
_SIZE = 10.0  # points, where a file says nothing
_GALLERIES = {
    "Table of Contents": "contents", "Table of Figures": "contents", "Cover Pages": "title page",
    "Bibliographies": "bibliography",
}  # fmt: skip
_FIELDS = {"TOC": "contents", "INDEX": "index", "BIBLIOGRAPHY": "bibliography"}


def word_blocks(path: Path) -> list[Block]:
    """Body paragraphs in order, with those of tables and text boxes; then notes and comments.

    Raises:
        InputError: when the file is damaged or not a .docx.
    """
    with open_archive(path, ".docx") as archive:
        parts = _related(archive, "")
        body = parts.get("officeDocument")
        if body is None:
            raise InputError(damaged(path, ".docx"))
        usual = {kind: posixpath.join(posixpath.dirname(body), f"{kind}.xml") for kind in _MORE}
        more = usual | _related(archive, body)
        styles = styles_of(archive, more.get("styles"))
        numbers = numbers_of(archive, more.get("numbering"))
        blocks = finished(_blocks(archive, body, more, _Reading(styles, numbers)), path)
        title = _declared_title(archive, parts.get("core-properties"))
    return below_title(title, blocks)


def _related(archive: Archive, part: str) -> dict[str, str]:
    """Kind to name of the parts that a part of the file, or the file itself, refers to."""
    folder, name = posixpath.split(part)
    relations = posixpath.join(folder, "_rels", f"{name}.rels")
    found: dict[str, str] = {}
    if relations not in archive:
        return found
    with archive.stream(relations) as stream:
        for event, element in pieces(stream, archive.place(relations), lambda tag: False):
            if event == "close" and element.get("TargetMode") != "External":
                target = posixpath.join("/", folder, element.get("Target") or "")
                kind = (element.get("Type") or "").rpartition("/")[2]
                found.setdefault(kind, posixpath.normpath(target).lstrip("/"))
    return found


def _declared_title(archive: Archive, name: str | None) -> str:
    """The title in the file's properties; empty where there are none."""
    if name is None or name not in archive:
        return ""
    with archive.stream(name) as stream:
        for event, element in pieces(stream, archive.place(name), lambda tag: False):
            if event == "close" and element_name(element.tag) == "title":
                return element.text or ""
    return ""


def _blocks(
    archive: Archive, body: str, more: dict[str, str], reading: _Reading
) -> Iterator[Block | None]:
    """The paragraphs of the body, then of notes and comments; None for an empty one."""
    for name in (body, more.get("footnotes"), more.get("endnotes"), more.get("comments")):
        if name is None or (name != body and name not in archive):
            continue
        around = _Around(archive.place(name))
        with archive.stream(name) as stream:
            for event, node in pieces(stream, archive.place(name), _PARAGRAPHS.__contains__):
                if event != "whole":
                    around.note(event, node)
                elif around.is_read:
                    yield from reading.paragraph(node, around.left_out)
        if name == body and not around.is_document:
            raise InputError(damaged(archive.path, ".docx"))
        yield from reading.paragraphs.end()


@dataclass
class _Around:
    """The elements that are open around a paragraph, as far as they say what it is."""

    place: str
    is_document: bool = False
    _kind: str | None = None  # of all paragraphs of this part of the file
    _open: list[tuple[str, str | None]] = field(default_factory=list)  # names and kinds
    _bodies: int = 0
    _unread: int = 0

    @property
    def is_read(self) -> bool:
        """Whether paragraphs here are part of the text, and not of what was moved or repeated."""
        return self._bodies > 0 and not self._unread

    @property
    def left_out(self) -> str | None:
        """What paragraphs here are, if not the story."""
        return self._kind or next((kind for _, kind in self._open if kind), None)

    def note(self, event: str, node: Any) -> None:
        """An element opens or closes."""
        name = element_name(node.tag)
        w = node.tag.removesuffix(name)
        step = 1 if event == "open" else -1
        if name in _BODIES and (name == "body" or node.get(f"{w}type") is None):
            self._bodies += step
        elif name in _UNREAD:
            self._unread += step
        if event == "close":
            self._open.pop()
            return
        if not self._open and w[1:-1] in SPACES and name in _ROOTS:
            self.is_document = name == "document"
            self._kind = _ROOTS[name]
        self._open.append((name, None))
        if name in _ELSEWHERE:
            raise InputError(
                f"{self.place}: text of another file is linked into it ({name}). Open it in Word, "
                "where this text shows, and save it again."
            )
        if name == "docPartGallery":
            self._mark("sdt", _GALLERIES.get(node.get(f"{w}val") or ""))
        elif name == "vMerge" and node.get(f"{w}val", "continue") == "continue":
            self._mark("tc", HIDDEN_TEXT)  # a cell that is merged with the one above

    def _mark(self, name: str, kind: str | None) -> None:
        """Say what the innermost open element of a name is."""
        for k in range(len(self._open) - 1, -1, -1):
            if self._open[k][0] == name:
                self._open[k] = (name, kind)
                break


class _Reading:
    """Turns paragraphs of one file into blocks."""

    def __init__(self, styles: WordStyles, numbers: Numbers) -> None:
        self.paragraphs = Paragraphs()
        self._styles, self._numbers = styles, numbers
        self._fields: list[str] = []  # the instructions of the fields that are open
        self._above: tuple[float, str] = (0.0, "")  # space below the last paragraph, its style
        self._val = ""  # the name of a value's attribute
        self._start()

    def _start(self) -> None:
        """Begin a paragraph."""
        self._runs: list[Stretch] = []
        self._boxes: list[Any] = []
        self._picture = ""
        self._has_rule = False

    def paragraph(self, node: Any, left_out: str | None) -> Iterator[Block | None]:
        """The blocks of a paragraph, then those of the text boxes that it anchors."""
        self._start()
        self._val = f"{node.tag[:-1]}val"
        own, style, marks = self._properties(node)
        field_kind = self._kind_of_fields()
        self._walk(node, style, False)
        runs, boxes = self._runs, self._boxes
        text = "".join(run.text for run in runs if not run.left_out).strip()
        field_kind = field_kind or self._kind_of_fields()
        if field_kind and not (text[-1:].isdigit() or any(run.is_linked for run in runs)):
            field_kind = None
        form = self._form(own, left_out or field_kind)
        if "ind" in marks:
            form = replace(form, is_indented=True)
        if marks & {"del", "moveFrom"}:
            form = Form(goes_on=True)
        if "dropCap" in marks:
            form = Form(goes_on=True)
        if runs or self._picture or not boxes:  # what only anchors a text box is no empty line
            yield from self.paragraphs.add(runs, form, self._picture)
        if "sectPr" in marks:
            self.paragraphs.new_page = True
        for box in boxes:
            for inner in _outermost(box):
                yield from self.paragraph(inner, left_out)

    def _properties(self, node: Any) -> tuple[Properties, Properties, set[str]]:
        """What a paragraph says with its style, the style itself, and marks of its end."""
        own, marks = Properties(), set[str]()
        val = self._val
        properties = node.find(f"{val[:-3]}pPr")
        style_id = None
        if properties is not None:
            take_paragraph(own, properties, val)
            for child in properties:
                name = element_name(child.tag)
                if name == "pStyle":
                    style_id = child.get(val)
                elif name == "rPr":
                    marks |= {element_name(mark.tag) for mark in child} & {"del", "moveFrom"}
                elif name == "framePr" and child.get(f"{val[:-3]}dropCap", "none") != "none":
                    marks.add("dropCap")
                elif name == "ind" and is_set_in(child):
                    marks.add("ind")
                elif name == "sectPr" and _begins_page(child, val):
                    marks.add("sectPr")
        style = self._styles.find("paragraph", style_id)
        return own.over(style), style, marks

    def _form(self, own: Properties, left_out: str | None) -> Form:
        """What the file says of a whole paragraph."""
        name = own.name or ""
        label = self._numbers.label(own, name) if own.numbers else ""
        level = None if own.level == NO_HEADING else own.level
        below, style = self._above
        above = own.before or 0.0
        if not (own.is_tight and style == name):
            above += below
        self._above = ((own.after or 0.0), name)
        if left_out == "title page" and level == TITLE:
            left_out = None
        return Form(
            style=name, level=level, left_out=left_out or styled_as(name),
            centred=bool(own.centred), bold=bool(own.bold), size=own.size or _SIZE,
            new_page=bool(own.new_page), space_above=above, is_ruled=bool(own.is_ruled),
            label=label, is_rule=self._has_rule,
        )  # fmt: skip

    def _walk(self, node: Any, style: Properties, is_linked: bool) -> None:
        """Read the runs below an element of a paragraph."""
        for child in node:
            name = element_name(child.tag)
            if name == "r" and not child.tag.endswith("/math}r"):
                self._run(child, style, is_linked)
            elif name == "hyperlink":
                self._walk(child, style, child.get(f"{self._val[:-3]}anchor") is not None)
            elif name == "t":  # of a formula
                self._runs.append(Stretch(child.text or ""))
            elif name not in _UNREAD:
                self._walk(child, style, is_linked)

    def _run(self, run: Any, style: Properties, is_linked: bool) -> None:
        """Read one run of characters."""
        own = Properties()
        kind, mark = None, ""
        parts: list[str] = []
        val = self._val
        size, font = 0.0, ""
        for child in run:
            name = element_name(child.tag)
            if name == "t":
                parts.append(in_font(font, (child.text or "").replace("\n", " ")))
            elif name == "rPr":
                take_run(own, child, val)
                style_id = next(
                    (e.get(val) for e in child if element_name(e.tag) == "rStyle"), None
                )
                if style_id is not None:
                    own = own.over(self._styles.find("character", style_id))
                fonts = child.find(f"{val[:-3]}rFonts")
                font = "" if fonts is None else fonts.get(f"{val[:-3]}ascii") or ""
            elif name == "br":
                page = child.get(f"{val[:-3]}type", "textWrapping") != "textWrapping"
                parts.append(NEW_PAGE if page else "\n")
            elif name in _CHARACTERS:
                parts.append(_CHARACTERS[name])
            elif name == "sym":
                code = child.get(f"{val[:-3]}char") or ""
                parts.append(symbol(child.get(f"{val[:-3]}font") or "", _hexadecimal(code)))
            elif name == "fldChar":
                self._field(child.get(f"{val[:-3]}fldCharType"))
            elif name == "instrText" and self._fields and len(self._fields[-1]) < 1_000:
                self._fields[-1] += child.text or ""
            elif name == "ruby":
                self._ruby(child, style, is_linked)
            elif name in ("AlternateContent", "drawing", "pict", "object"):
                self._objects(child)
        if parts:
            hidden = style.hidden if own.hidden is None else own.hidden
            kind = HIDDEN_TEXT if hidden else None
            mark = "**" if own.bold else "*" if own.italic else ""
            size = own.size or 0.0
            linked = is_linked or any(_is_link(code) for code in self._fields)
            self._runs.append(Stretch("".join(parts), mark, kind, size, linked))

    def _field(self, event: str | None) -> None:
        """A field begins or ends; what it shows stands in runs of its own."""
        if event == "begin" and len(self._fields) < 100:
            self._fields.append("")
        elif event == "end" and self._fields:
            self._fields.pop()

    def _kind_of_fields(self) -> str | None:
        """What the fields that are open make, if not the story."""
        words = (code.split(None, 1)[:1] for code in self._fields)
        return next((k for word in words if word and (k := _FIELDS.get(word[0].upper()))), None)

    def _ruby(self, node: Any, style: Properties, is_linked: bool) -> None:
        """Characters, and how they are read."""
        for child in node:
            if element_name(child.tag) == "rt":
                reading = "".join(e.text or "" for e in child.iter() if element_name(e.tag) == "t")
                self._runs.append(Stretch(reading, left_out=READING))
            elif element_name(child.tag) == "rubyBase":
                self._walk(child, style, is_linked)

    def _objects(self, node: Any) -> None:
        """Text boxes, pictures with their descriptions, and inserted lines."""
        name = element_name(node.tag)
        if name == "txbxContent":
            self._boxes.append(node)
            return
        if name == "AlternateContent":
            chosen = next((e for e in node if element_name(e.tag) == "Choice"), None)
            node = next(iter(node), None) if chosen is None else chosen
            if node is None:
                return
        description = node.get("descr") or node.get("title") if name == "docPr" else node.get("alt")
        if description:
            self._runs.append(Stretch(f"{description}\n", left_out=DESCRIPTION))
        for key, value in node.attrib.items():
            if name in ("blip", "imagedata") and element_name(key) in ("embed", "id", "link"):
                self._picture = str(value)
            elif element_name(key) == "hr" and value in ("t", "true", "1"):
                self._has_rule = True
        if name == "line" or (name == "prstGeom" and node.get("prst") in _LINES):
            self._has_rule = True
        for child in node:
            self._objects(child)


def _is_link(code: str) -> bool:
    """Whether a field leads to a place in the same file."""
    return "HYPERLINK" in code and "\\l" in code


def _hexadecimal(code: str) -> int:
    try:
        return int(code[:6], 16)
    except ValueError:
        return 0


def _begins_page(section: Any, val: str) -> bool:
    """Whether what follows a section begins on a new page."""
    kinds = [child.get(val) for child in section if element_name(child.tag) == "type"]
    return kinds[:1] != ["continuous"]


def _outermost(element: Any) -> Iterator[Any]:
    """The paragraphs below an element that lie in no other paragraph."""
    for child in element:
        if child.tag in _PARAGRAPHS:
            yield child
        elif element_name(child.tag) not in _UNREAD:
            yield from _outermost(child)
