"""OpenDocument's .odt and flat .fodt: the text with its styles, notes, comments and hidden text.

Headers and footers are no part of the text and are not read; nor is what a tracked change removed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from seqctx.errors import InputError
from seqctx.prepare.readers.blocks import Block, below_title
from seqctx.prepare.readers.markup import pieces
from seqctx.prepare.readers.office import (
    COMMENTS,
    DESCRIPTION,
    HIDDEN_TEXT,
    NOTES,
    READING,
    Form,
    Paragraphs,
    Stretch,
    finished,
    styled_as,
)
from seqctx.prepare.readers.opendocument_styles import (
    OUTLINE,
    OpenDocumentStyle,
    Sheet,
    attribute,
    outline_level,
    prefixed,
)
from seqctx.system.archives import Archive, damaged, open_archive
from seqctx.system.regular_file import open_file

_PARAGRAPHS = ("text:p", "text:h")
_STYLES = ("style:style", "style:default-style", "text:outline-style", "text:list-style")
_KINDS = {  # elements around paragraphs that are not the story
    "text:table-of-content": "contents", "text:illustration-index": "contents",
    "text:table-index": "contents", "text:object-index": "contents", "text:user-index": "contents",
    "text:alphabetical-index": "index", "text:bibliography": "bibliography",
    "table:covered-table-cell": HIDDEN_TEXT, "text:note": NOTES, "office:annotation": COMMENTS,
}  # fmt: skip
_UNREAD = (
    "text:tracked-changes", "text:note-citation", "text:script", "text:number", "dc:creator",
    "dc:date", "office:binary-data", "office:event-listeners", "office:forms",
)  # fmt: skip
_CHARACTERS = {"text:line-break": "\n", "text:s": " ", "text:tab": " "}
_RULE = "horizontal line"  # LibreOffice's style of an inserted line


def odt_blocks(path: Path) -> list[Block]:
    """Paragraphs and headings in order, with those of tables and text boxes, notes and comments.

    Raises:
        InputError: when the file is damaged or not an .odt.
    """
    reading = _Reading()
    with open_archive(path, ".odt") as archive:
        _refuse_locked(archive)
        if "content.xml" not in archive:
            raise InputError(damaged(path, ".odt"))
        blocks = finished(reading.packed(archive), path)
        if "meta.xml" in archive:
            with archive.stream("meta.xml") as stream:
                for _ in reading.blocks(stream, archive.place("meta.xml")):
                    pass
    return below_title(reading.title, blocks)


def fodt_blocks(path: Path) -> list[Block]:
    """Paragraphs and headings of a flat file, which is one document of mark-up.

    Raises:
        InputError: when the file is damaged or not a .fodt.
    """
    reading = _Reading()
    with open_file(path) as stream:
        blocks = finished(reading.blocks(stream, str(path)), path)
    return below_title(reading.title, blocks)


def _refuse_locked(archive: Archive) -> None:
    """Refuse a file whose members are encrypted one by one, or as one package."""
    manifest = "META-INF/manifest.xml"
    locked = "encrypted-package" in archive
    if not locked and manifest in archive:
        locked = b"encryption-data" in archive.read(manifest)
    if locked:
        raise InputError(f"{archive.path}: locked by a password. Save it without one.")


def _in_line(text: str) -> str:
    """Text of the mark-up, in which the end of a line is a space."""
    return text.replace("\n", " ") if "\n" in text else text


@dataclass(frozen=True, slots=True)
class _Marks:
    """What holds for characters inside an element of a paragraph."""

    bold: bool = False
    italic: bool = False
    hidden: bool = False
    size: float = 0.0
    is_linked: bool = False
    left_out: str | None = None

    def inside(self, style: OpenDocumentStyle) -> _Marks:
        """What holds inside an element of this style."""
        return replace(
            self,
            bold=self.bold if style.bold is None else style.bold,
            italic=self.italic if style.italic is None else style.italic,
            hidden=self.hidden if style.hidden is None else style.hidden,
            size=style.size or self.size,
        )

    def stretch(self, text: str) -> Stretch:
        """Characters with these marks."""
        mark = "**" if self.bold else "*" if self.italic else ""
        kind = self.left_out or (HIDDEN_TEXT if self.hidden else None)
        return Stretch(text, mark, kind, self.size, self.is_linked)


class _Reading:
    """Reads one file's text."""

    def __init__(self) -> None:
        self.title = ""
        self._sheet = Sheet()
        self._paragraphs = Paragraphs()
        self._above: tuple[float, str] = (0.0, "")  # space below the last paragraph, its style
        self._lists: list[str] = []  # styles of the lists that are open
        self._is_new_item = False
        self._start()

    def _start(self) -> None:
        """Begin a paragraph."""
        self._runs: list[Stretch] = []
        self._boxes: list[Any] = []
        self._picture = self._label = ""
        self._is_hidden = self._has_line = False

    def packed(self, archive: Archive) -> Iterator[Block | None]:
        """The paragraphs of a packed file; None for an empty one."""
        with archive.stream("content.xml") as stream:
            yield from self.blocks(stream, archive.place("content.xml"), archive)

    def blocks(
        self, stream: IO[bytes], place: str, archive: Archive | None = None
    ) -> Iterator[Block | None]:
        """The paragraphs of one document of mark-up, whose styles and title are noted.

        Args:
            stream: the document.
            place: what errors name.
            archive: where further styles are, which stand outside the text.
        """
        whole = (*_PARAGRAPHS, *_STYLES, "dc:title")
        around: list[tuple[str, str | None]] = []  # open elements, and what is in them
        inside = unread = 0
        for event, node in pieces(stream, place, lambda tag: prefixed(tag) in whole):
            name = prefixed(node.tag)
            if event == "open":
                if name == "office:text" and not inside and archive is not None:
                    self._common_styles(archive)
                around.append((name, self._kind(name, node)))
                inside += name == "office:text"
                unread += name in _UNREAD
                self._enter_list(node, name)
            elif event == "close":
                around.pop()
                inside -= name == "office:text"
                unread -= name in _UNREAD
                if name == "text:list":
                    self._lists.pop()
            elif name in _PARAGRAPHS:
                if inside and not unread:
                    kind = next((kind for _, kind in around if kind), None)
                    yield from self._paragraph(node, kind)
            elif name in _STYLES:
                self._style(node, name, any(n == "office:automatic-styles" for n, _ in around))
            elif around and around[-1][0] == "office:meta":
                self.title = self.title or "".join(node.itertext())
        yield from self._paragraphs.end()

    def _enter_list(self, node: Any, name: str) -> None:
        """Note that a list or an item of one begins."""
        if name == "text:list":
            above = self._lists[-1] if self._lists else ""
            self._lists.append(attribute(node, "text:style-name") or above)
        elif name == "text:list-item":
            self._is_new_item = True

    def _number(self, node: Any, level: int | None) -> str:
        """The number that a paragraph shows, after it is counted."""
        label = ""
        is_header = attribute(node, "text:is-list-header") == "true"
        if self._is_new_item and self._lists and not is_header:
            label = self._sheet.number(self._lists[-1], len(self._lists))
        self._is_new_item = False
        if level is not None and not is_header and prefixed(node.tag) == "text:h":
            label = label or self._sheet.number(OUTLINE, level)
        return label

    def _common_styles(self, archive: Archive) -> None:
        """Read the styles that stand outside the text; the text's own come first."""
        if "styles.xml" not in archive:
            return
        automatic = False
        with archive.stream("styles.xml") as stream:
            place = archive.place("styles.xml")
            for event, node in pieces(stream, place, lambda tag: prefixed(tag) in _STYLES):
                name = prefixed(node.tag)
                if event == "whole":
                    self._style(node, name, automatic)
                elif name == "office:automatic-styles":
                    automatic = event == "open"

    def _style(self, node: Any, name: str, is_automatic: bool) -> None:
        if name in ("text:outline-style", "text:list-style"):
            self._sheet.add_numbers(node)
        else:
            self._sheet.add(node, is_automatic=is_automatic)

    def _kind(self, name: str, node: Any) -> str | None:
        """What paragraphs in an element are, if not the story."""
        if name == "text:section" and attribute(node, "text:display") == "none":
            return HIDDEN_TEXT
        return _KINDS.get(name)

    def _paragraph(self, node: Any, left_out: str | None) -> Iterator[Block | None]:
        """The blocks of a paragraph, then those of the text boxes that it anchors."""
        self._start()
        own = self._sheet.find("paragraph", attribute(node, "text:style-name"))
        level = own.level
        if prefixed(node.tag) == "text:h":
            level = outline_level(attribute(node, "text:outline-level"))
        self._label = self._number(node, level)
        bold, italic = own.by_hand
        marks = _Marks(bool(bold), bool(italic), bool(own.hidden))
        self._walk(node, marks)
        runs, boxes, picture = self._runs, self._boxes, self._picture
        if self._is_hidden:
            runs = [run._replace(left_out=run.left_out or HIDDEN_TEXT) for run in runs]
        below, style = self._above
        above = own.before + (0.0 if own.is_tight and style == own.name else below)
        self._above = (own.after, own.name)
        form = Form(
            style=own.name, level=level, left_out=left_out or styled_as(own.name),
            centred=own.centred, bold=bool(own.bold), size=own.size or 0.0,
            new_page=own.new_page, space_above=above, is_ruled=own.is_ruled,
            label=self._label, is_rule=self._has_line or own.name == _RULE,
        )  # fmt: skip
        if runs or picture or not boxes:  # what only anchors a text box is no empty line
            yield from self._paragraphs.add(runs, form, picture)
        if own.new_page_after:
            self._paragraphs.new_page = True
        for box in boxes:
            yield from self._paragraph(box, left_out)

    def _walk(self, node: Any, marks: _Marks) -> None:
        """Read the characters of an element, and of those in it."""
        if node.text:
            self._runs.append(marks.stretch(_in_line(node.text)))
        for child in node:
            self._element(child, prefixed(child.tag), marks)
            if child.tail:
                self._runs.append(marks.stretch(_in_line(child.tail)))

    def _element(self, child: Any, name: str, marks: _Marks) -> None:
        if name in _CHARACTERS:
            self._runs.append(marks.stretch(_CHARACTERS[name]))
        elif name == "text:span":
            style = attribute(child, "text:style-name")
            self._walk(child, marks.inside(self._sheet.find("text", style)))
        elif name == "text:a":
            is_inside = (attribute(child, "xlink:href") or "").startswith("#")
            self._walk(child, replace(marks, is_linked=marks.is_linked or is_inside))
        elif name == "text:number":
            self._label = "".join(child.itertext()).strip() or self._label
        elif name in ("text:note", "office:annotation"):
            self._note(child, replace(marks, left_out=_KINDS[name]))
        elif name == "text:ruby-text":
            self._walk(child, replace(marks, left_out=READING))
        elif name == "text:hidden-text":
            shows = attribute(child, "text:is-hidden") == "false"
            self._walk(child, replace(marks, hidden=marks.hidden or not shows))
        elif name == "text:hidden-paragraph":
            self._is_hidden = self._is_hidden or attribute(child, "text:is-hidden") == "true"
        elif name.startswith("draw:"):
            self._drawing(child, name)
        elif name not in _UNREAD:
            self._walk(child, marks)

    def _note(self, node: Any, marks: _Marks) -> None:
        """The paragraphs of a note or a comment."""
        for child in node:
            name = prefixed(child.tag)
            if name in _PARAGRAPHS:
                self._walk(child, marks)
                self._runs.append(marks.stretch("\n"))
            elif name not in _UNREAD:
                self._note(child, marks)

    def _drawing(self, node: Any, name: str) -> None:
        """Pictures with their descriptions, and paragraphs of text boxes."""
        if name in _PARAGRAPHS:
            self._boxes.append(node)
            return
        if name in ("svg:title", "svg:desc"):
            self._runs.append(Stretch(f"{node.text or ''}\n", left_out=DESCRIPTION))
        elif name == "draw:image":
            data = next((e.text or "" for e in node if prefixed(e.tag) == "office:binary-data"), "")
            self._picture = attribute(node, "xlink:href") or f"{len(data)}{data[:1000]}"
        elif name == "draw:line":
            self._has_line = True
        if name not in _UNREAD:
            for child in node:
                self._drawing(child, prefixed(child.tag))
