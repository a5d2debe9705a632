"""OpenDocument's .odt files: the text and its styles; pictures and all else are not read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
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

_SPACES = {
    f"urn:oasis:names:tc:opendocument:xmlns:{name}:1.0": prefix
    for name, prefix in (
        ("text", "text"), ("office", "office"), ("style", "style"), ("table", "table"),
        ("drawing", "draw"), ("xsl-fo-compatible", "fo"),
    )
} | {"http://purl.org/dc/elements/1.1/": "dc"}  # fmt: skip
_SKIPPED = (
    "text:note", "office:annotation", "text:tracked-changes", "text:table-of-content",
    "text:ruby-text", "table:covered-table-cell",
)  # fmt: skip
_PROPERTIES = (
    "fo:font-weight", "fo:font-style", "fo:border", "fo:border-top", "fo:border-bottom",
    "fo:border-left", "fo:border-right",
)  # fmt: skip
_PARAGRAPHS = ("text:p", "text:h")
_DEEPEST_LEVEL = 10  # of an outline, by OpenDocument 1.3, 19.856


def odt_blocks(path: Path) -> list[Block]:
    """Paragraphs and headings in order; no notes, comments or tables of contents.

    Raises:
        InputError: when the file is damaged or not an .odt.
    """
    with open_archive(path, ".odt") as archive:
        _refuse_locked(archive)
        if "content.xml" not in archive:
            raise InputError(damaged(path, ".odt"))
        reading = _Reading(archive)
        blocks = list(with_gaps(reading.blocks(), path))
        title = _declared_title(archive)
    return [*([Block("title", title)] if title else []), *blocks]


def _refuse_locked(archive: Archive) -> None:
    """Refuse a file whose members are encrypted one by one, or as one package."""
    manifest = "META-INF/manifest.xml"
    locked = "encrypted-package" in archive
    if not locked and manifest in archive:
        locked = b"encryption-data" in archive.read(manifest)
    if locked:
        raise InputError(f"{archive.path}: locked by a password. Save it without one.")


@lru_cache(1000)
def _name(qualified: str) -> str:
    """An element's or an attribute's name with the prefix that everybody writes."""
    space, _, name = str(qualified).removeprefix("{").rpartition("}")
    return f"{_SPACES.get(space, space)}:{name}"


@lru_cache(100)
def _qualified(name: str) -> str:
    """The name in full of one with the usual prefix."""
    prefix, _, local = name.partition(":")
    return next(f"{{{space}}}{local}" for space, short in _SPACES.items() if short == prefix)


def _get(element: Any, name: str) -> str | None:
    """An attribute's value, by its name with the usual prefix."""
    value = element.get(_qualified(name))
    return None if value is None else str(value)


def _pieces(archive: Archive, member: str, *whole: str) -> Iterator[tuple[str, Any]]:
    with archive.stream(member) as stream:
        yield from pieces(stream, archive.place(member), lambda t: _name(t) in whole)


def _declared_title(archive: Archive) -> str:
    """The title in the file's properties; empty where there are none."""
    if "meta.xml" not in archive:
        return ""
    found = _pieces(archive, "meta.xml", "dc:title")
    return next((element.text or "" for event, element in found if event == "whole"), "")


@dataclass
class _Styles:
    """The styles of a file by family and name, with what they say themselves."""

    known: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    _parents: dict[tuple[str, str], str] = field(default_factory=dict)
    _inherited: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)

    def add(self, style: Any) -> None:
        """Take a style of the file, unless there is one of its name already."""
        name = _get(style, "style:name") or ""
        key = (_get(style, "style:family") or "", name)
        if key in self.known:
            return
        found: dict[str, str] = {}
        for area in ("style:text-properties", "style:paragraph-properties"):
            of_area = next((child for child in style if _name(child.tag) == area), None)
            if of_area is not None:
                values = {name: _get(of_area, name) for name in _PROPERTIES}
                found |= {name: value for name, value in values.items() if value is not None}
        found["name"] = _get(style, "style:display-name") or name
        self.known[key] = found
        self._parents[key] = _get(style, "style:parent-style-name") or ""

    def properties(self, family: str, name: str | None) -> dict[str, str]:
        """Text and paragraph properties of a style, inherited ones included."""
        key = (family, name or "")
        line: dict[tuple[str, str], None] = {}  # the style, and the ones that it inherits from
        while key in self.known and key not in line and key not in self._inherited:
            line[key] = None
            key = (family, self._parents[key])
        found = self._inherited.get(key, {})
        for key in reversed(line):
            found = self._inherited[key] = found | self.known[key]
        return found

    def mark(self, name: str | None) -> str:
        """The asterisks that a span's style is written with."""
        found = self.properties("text", name)
        label = (found.get("name") or name or "").replace("_20_", " ").lower()
        weight, style = found.get("fo:font-weight"), found.get("fo:font-style")
        if weight in ("bold", "700", "800", "900") or label == "strong emphasis":
            return "**"
        return "*" if style in ("italic", "oblique") or label == "emphasis" else ""


class _Reading:
    """Reads one file's text."""

    def __init__(self, archive: Archive) -> None:
        self._archive, self._styles = archive, _Styles()

    def blocks(self) -> Iterator[Block | None]:
        """The paragraphs; None for an empty one."""
        inside = False
        for event, node in _pieces(self._archive, "content.xml", "style:style", *_PARAGRAPHS):
            if _name(node.tag) == "office:text":
                if event == "open" and not inside:
                    self._common_styles()
                inside = event == "open"
            elif event == "whole" and _name(node.tag) == "style:style":
                self._styles.add(node)
            elif event == "whole" and inside:
                for element in node.iter():
                    if _name(element.tag) in _PARAGRAPHS and _in_text(element):
                        yield _block(element, self._styles)

    def _common_styles(self) -> None:
        """Read the styles that stand outside the text; the text's own come first."""
        if "styles.xml" in self._archive:
            for event, node in _pieces(self._archive, "styles.xml", "style:style"):
                if event == "whole":
                    self._styles.add(node)


def _in_text(element: Any) -> bool:
    """Whether an element is part of the text itself."""
    return not any(_name(above.tag) in _SKIPPED for above in element.iterancestors())


def _block(element: Any, styles: _Styles) -> Block | None:
    """One paragraph; None where it is empty."""
    name = _get(element, "text:style-name")
    if _name(element.tag) == "text:h":
        text, _ = written((text, "") for text, _ in _runs(element, styles, ""))
        level = _level(_get(element, "text:outline-level"))
        return Block("heading", " ".join(text.split()), level=level) if text else None
    found = styles.properties("paragraph", name)
    if name == "Title" or found.get("name") == "Title":
        text, _ = written((text, "") for text, _ in _runs(element, styles, ""))
        return Block("heading", " ".join(text.split()), level=TITLE) if text else None
    block = block_of(_runs(element, styles, ""))
    ruled = any(key.startswith("fo:border") and value != "none" for key, value in found.items())
    if block is None and (ruled or name == "Horizontal_20_Line"):
        return Block("break", SCENE_BREAK)
    return block


def _level(value: str | None) -> int:
    """A heading's level in the outline; 1 where it is no number from 1 to 10."""
    known = {str(level): level for level in range(1, _DEEPEST_LEVEL + 1)}
    return known.get(value or "", 1)


def _runs(element: Any, styles: _Styles, mark: str) -> Iterator[Run]:
    """Characters with their emphasis; without those of text boxes and pictures within."""
    tag = _name(element.tag)
    if tag in _SKIPPED or tag.startswith("draw:"):
        return
    if element.text:
        yield element.text, mark
    for child in element:
        tag = _name(child.tag)
        if tag == "text:line-break":
            yield "\n", mark
        elif tag in ("text:s", "text:tab"):
            yield " ", mark  # of several spaces one stays anyway, however many text:c says
        else:
            inner = styles.mark(_get(child, "text:style-name"))
            yield from _runs(child, styles, max(inner, mark, key=len))
        if child.tail:
            yield child.tail, mark
