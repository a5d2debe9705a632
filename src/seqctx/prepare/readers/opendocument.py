"""OpenDocument's .odt files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seqctx.errors import InputError
from seqctx.prepare.readers.blocks import (
    SCENE_BREAK,
    TITLE,
    Block,
    Run,
    block_of,
    with_headings_found,
    with_scene_breaks,
    written,
)
from seqctx.system.extras import needs_extra

_SKIPPED = (
    "text:note", "office:annotation", "text:tracked-changes", "text:table-of-content",
    "text:ruby-text", "table:covered-table-cell",
)  # fmt: skip


def odt_blocks(path: Path) -> list[Block]:
    """Paragraphs and headings in order; no notes, comments or tables of contents.

    Raises:
        InputError: when the file is damaged or not an .odt.
    """
    with needs_extra("prepare", "reading .odt files"):
        from odfdo import Document

    try:
        document: Any = Document(str(path))
        body = document.body
        marks = _Styles(document)
        found_elements = body.xpath("descendant::text:p | descendant::text:h")
        elements = [e for e in found_elements if _in_text(e)]
        title = document.meta.title
    except Exception:  # zipfile's, lxml's and odfdo's own, for a damaged file
        raise InputError(
            f"{path}: damaged, or not an .odt file. Open it in LibreOffice and save it again."
        ) from None
    full = sum(bool(e.text_recursive.strip()) for e in elements)
    blocks = (_block(element, marks) for element in elements)
    found = with_scene_breaks(blocks, empty=len(elements) - full, full=full)
    return with_headings_found([*([Block("title", title)] if title else []), *found])


def _in_text(element: Any) -> bool:
    """Whether an element is part of the text itself."""
    parent = element.parent
    while parent is not None:
        if parent.tag in _SKIPPED:
            return False
        parent = parent.parent
    return True


class _Styles:
    """The emphasis that styles give, by name; each is looked up once."""

    def __init__(self, document: Any) -> None:
        self._document = document
        self._known: dict[tuple[str, str], dict[str, str]] = {}

    def properties(self, family: str, name: str | None) -> dict[str, str]:
        """Text and paragraph properties of a style, inherited ones included."""
        if not name:
            return {}
        key = (family, name)
        if key not in self._known:
            style = self._document.get_style(family, name)
            found: dict[str, str] = {}
            if style is not None:
                found = dict(
                    self.properties(family, style.get_attribute("style:parent-style-name"))
                )
                for area in ("text", "paragraph"):
                    found |= style.get_properties(area) or {}
                found["name"] = str(style.get_attribute("style:display-name") or name)
            self._known[key] = found
        return self._known[key]

    def mark(self, name: str | None) -> str:
        """The asterisks that a span's style is written with."""
        found = self.properties("text", name)
        label = (found.get("name") or name or "").replace("_20_", " ").lower()
        if (
            found.get("fo:font-weight") in ("bold", "700", "800", "900")
            or label == "strong emphasis"
        ):
            return "**"
        return (
            "*"
            if found.get("fo:font-style") in ("italic", "oblique") or label == "emphasis"
            else ""
        )


def _block(element: Any, styles: _Styles) -> Block | None:
    """One paragraph; None where it is empty."""
    name = element.get_attribute("text:style-name")
    if element.tag == "text:h":
        text, _ = written((text, "") for text, _ in _runs(element, styles, ""))
        level = int(element.get_attribute("text:outline-level") or 1)
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


def _runs(element: Any, styles: _Styles, mark: str) -> Iterator[Run]:
    """Characters with their emphasis; without those of text boxes and pictures within."""
    if element.tag in _SKIPPED or element.tag.startswith("draw:"):
        return
    if element.text:
        yield element.text, mark
    for child in element.children:
        if child.tag == "text:line-break":
            yield "\n", mark
        elif child.tag == "text:s":
            yield " " * int(child.get_attribute("text:c") or 1), mark
        elif child.tag == "text:tab":
            yield " ", mark
        else:
            inner = styles.mark(child.get_attribute("text:style-name"))
            yield from _runs(child, styles, max(inner, mark, key=len))
        if child.tail:
            yield child.tail, mark
