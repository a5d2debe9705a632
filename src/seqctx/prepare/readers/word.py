"""Word's .docx: the text and its styles; pictures, notes and all else are not read."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seqctx.errors import InputError
from seqctx.prepare.readers.blocks import (
    SCENE_BREAK,
    TITLE,
    Block,
    Run,
    block_of,
    written,
)
from seqctx.prepare.readers.markup import pieces
from seqctx.prepare.readers.scene_breaks import with_gaps
from seqctx.system.archives import Archive, damaged, open_archive

_SPACES = (
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "http://purl.oclc.org/ooxml/wordprocessingml/main",  # "Strict Open XML"
)
_PARAGRAPHS = {f"{{{space}}}p" for space in _SPACES}
_DOCUMENTS = {f"{{{space}}}document" for space in _SPACES}
_UNREAD = ("moveFrom", "rt", "Fallback")  # moved, pronunciations, repeated for older programs
_BOX = "txbxContent"
_TEXT = 10  # this level of the outline means that a paragraph is no heading
_CHARACTERS = {"br": "\n", "cr": "\n", "noBreakHyphen": "-", "ptab": " ", "tab": " "}


@dataclass(slots=True)
class _Style:
    """What one style says itself."""

    name: str = ""
    base: str | None = None
    level: int | None = None


@dataclass
class _Styles:
    """The styles of a file, of paragraphs and of characters."""

    known: dict[tuple[str, str], _Style] = field(default_factory=dict)
    default: dict[str, str] = field(default_factory=dict)

    def find(self, family: str, name: str | None) -> _Style | None:
        """A style by its id; the default style where there is none of this id."""
        found = self.known.get((family, name)) if name else None
        return found or self.known.get((family, self.default.get(family, "")))

    def level(self, style: _Style | None) -> int | None:
        """The heading's level that a style or the ones that it builds on give."""
        seen: set[int] = set()
        while style is not None and id(style) not in seen:
            seen.add(id(style))
            name = style.name
            if name == "title":
                return TITLE
            number = name.removeprefix("heading ")
            if number != name and number.isdecimal() and len(number) < 3 and int(number):
                return int(number)
            if style.level is not None and style.level < _TEXT:
                return style.level
            families = ("paragraph", "character")
            style = next(
                (s for f in families if (s := self.known.get((f, style.base or "")))), None
            )
        return None


def word_blocks(path: Path) -> list[Block]:
    """Body paragraphs in order, with those of tables; without notes, comments and headers.

    Raises:
        InputError: when the file is damaged or not a .docx.
    """
    with open_archive(path, ".docx") as archive:
        parts = _related(archive, "")
        body = parts.get("officeDocument")
        if body is None:
            raise InputError(damaged(path, ".docx"))
        styles = _styles(archive, _related(archive, body).get("styles"))
        blocks = list(with_gaps(_blocks(archive, body, styles), path))
        title = _declared_title(archive, parts.get("core-properties"))
    titles = [Block("title", title)] if title else []
    return [*titles, *blocks]


def _local(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


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


def _styles(archive: Archive, name: str | None) -> _Styles:
    """The styles of a file; a file without any has Word's headings."""
    styles = _Styles()
    if name is None or name not in archive:
        names = {f"Heading{k}": f"heading {k}" for k in range(1, 10)}
        names |= {"Title": "title", "TOCHeading": "heading 1"}
        styles.known = {("paragraph", key): _Style(value) for key, value in names.items()}
        for mark in ("Strong", "Emphasis"):
            styles.known["character", mark] = _Style(mark.lower())
        return styles
    with archive.stream(name) as stream:
        for event, node in pieces(stream, archive.place(name), lambda tag: tag.endswith("}style")):
            if event != "whole":
                continue
            w = node.tag.removesuffix("style")
            family, key = node.get(f"{w}type") or "paragraph", node.get(f"{w}styleId") or ""
            style = _Style(
                _value(node, f"{w}name", w, "").lower(), _value(node, f"{w}basedOn", w, None),
                _outline(node, w),
            )  # fmt: skip
            styles.known.setdefault((family, key), style)
            if node.get(f"{w}default") in ("1", "true", "on"):
                styles.default[family] = key
    return styles


def _value(node: Any, path: str, w: str, otherwise: Any) -> Any:
    """The value of an element below a node."""
    found = node.find(path)
    return otherwise if found is None else found.get(f"{w}val", otherwise)


def _outline(node: Any, w: str) -> int | None:
    """The level that a paragraph or a style gives itself, from 1; None where it is no number."""
    value = str(_value(node, f"{w}pPr/{w}outlineLvl", w, ""))
    return int(value) + 1 if value.isdecimal() and len(value) < 4 else None


def _declared_title(archive: Archive, name: str | None) -> str:
    """The title in the file's properties; empty where there are none."""
    if name is None or name not in archive:
        return ""
    with archive.stream(name) as stream:
        for event, element in pieces(stream, archive.place(name), lambda tag: False):
            if event == "close" and _local(element) == "title":
                return element.text or ""
    return ""


def _blocks(archive: Archive, name: str, styles: _Styles) -> Iterator[Block | None]:
    """The body's paragraphs; None for an empty one."""
    with archive.stream(name) as stream:
        known = False
        for event, node in pieces(stream, archive.place(name), _PARAGRAPHS.__contains__):
            known = known or node.tag in _DOCUMENTS
            if event == "whole" and _is_text(node, w := node.tag.removesuffix("p")):
                for paragraph in _paragraphs(node, w):
                    yield _block(paragraph, w, styles)
    if not known:
        raise InputError(damaged(archive.path, ".docx"))


def _is_text(node: Any, w: str) -> bool:
    """Whether a paragraph is part of the body, and not of what is moved or merged."""
    above = list(node.iterancestors())
    inside = any(element.tag == f"{w}body" for element in above)
    return inside and not any(_local(e) in _UNREAD or _goes_on(e, w) for e in above)


def _goes_on(element: Any, w: str) -> bool:
    """Whether this is a table's cell that is merged with the one above."""
    merge = element.find(f"{w}tcPr/{w}vMerge")
    return merge is not None and merge.get(f"{w}val", "continue") == "continue"


def _paragraphs(paragraph: Any, w: str) -> Iterator[Any]:
    """A paragraph, then those of the text boxes that it anchors, unless it was taken away."""
    if not _taken_away(paragraph, w):
        yield paragraph
    for box in _below(paragraph, f"{w}{_BOX}"):
        for inner in _outermost(box, w):
            yield from _paragraphs(inner, w)


def _outermost(element: Any, w: str) -> Iterator[Any]:
    """The paragraphs below an element that lie in no other paragraph."""
    for child in element.iterchildren():
        if child.tag == f"{w}p":
            yield child
        elif _local(child) not in _UNREAD and not _goes_on(child, w):
            yield from _outermost(child, w)


def _below(node: Any, tag: str) -> Iterator[Any]:
    """Elements of a paragraph, without those of text boxes in it."""
    for child in node.iterchildren():
        if child.tag == tag:
            yield child
        if _local(child) not in (_BOX, *_UNREAD):
            yield from _below(child, tag)


def _taken_away(paragraph: Any, w: str) -> bool:
    """Whether a tracked change removed a whole paragraph, which is then not an empty one."""
    mark = f"{w}pPr/{w}rPr/{w}"
    marked = any(paragraph.find(mark + name) is not None for name in ("del", "moveFrom"))
    return marked and not any(_text(r, w).strip() for r in _below(paragraph, f"{w}r"))


def _block(paragraph: Any, w: str, styles: _Styles) -> Block | None:
    """One paragraph; None where it is empty."""
    style = styles.find("paragraph", _value(paragraph, f"{w}pPr/{w}pStyle", w, None))
    runs = _runs(paragraph, w, styles)
    if style is not None and style.name.startswith("toc "):
        return block_of(runs, "contents")
    own = _outline(paragraph, w)
    level = styles.level(style) if own is None else own if own < _TEXT else None
    if level is not None:
        text, _ = written((text, "") for text, _ in runs)
        return Block("heading", " ".join(text.split()), level=level) if text else None
    block = block_of(runs)
    if block is None and paragraph.find(f"{w}pPr/{w}pBdr") is not None:
        return Block("break", SCENE_BREAK)  # an empty paragraph with a rule
    return block


def _runs(paragraph: Any, w: str, styles: _Styles) -> Iterator[Run]:
    """Characters with their emphasis; text that a tracked change deleted is no w:t element."""
    for run in _below(paragraph, f"{w}r"):
        properties = run.find(f"{w}rPr")
        mark = ""
        name = None if properties is None else _value(properties, f"{w}rStyle", w, None)
        style = styles.find("character", name)
        label = "" if style is None else style.name
        if _is_on(properties, f"{w}b", w) or label == "strong":
            mark = "**"
        elif _is_on(properties, f"{w}i", w) or label == "emphasis":
            mark = "*"
        yield _text(run, w), mark


def _is_on(properties: Any, name: str, w: str) -> bool:
    """Whether a run's own properties switch something on."""
    found = None if properties is None else properties.find(name)
    return found is not None and found.get(f"{w}val", "1") in ("1", "true", "on")


def _text(run: Any, w: str) -> str:
    """The characters of one run; breaks of pages and columns are none."""
    parts = []
    for child in run.iterchildren():
        space, _, name = str(child.tag).rpartition("}")
        if f"{space}}}" != w:
            continue
        if name == "t":
            parts.append(child.text or "")
        elif name in _CHARACTERS and child.get(f"{w}type", "textWrapping") == "textWrapping":
            parts.append(_CHARACTERS[name])
    return "".join(parts)
