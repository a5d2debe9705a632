"""Word's .docx."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqctx.errors import InputError
from seqctx.prepare.readers.blocks import (
    SCENE_BREAK,
    Block,
    Run,
    block_of,
    with_headings_found,
    written,
)

if TYPE_CHECKING:
    from docx.text.paragraph import Paragraph

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_RARE = 5  # one empty paragraph in so many full ones still means something


def word_blocks(path: Path) -> list[Block]:
    """Body paragraphs in order, those of tables' cells included; no notes, comments or headers.

    Raises:
        InputError: when the file is damaged or no .docx.
    """
    import docx

    try:
        document = docx.Document(str(path))
        paragraphs = list(_paragraphs(document))
        title = document.core_properties.title
    except Exception:  # zipfile's, lxml's, python-docx's own and KeyError, for a damaged file
        raise InputError(f"{path}: no whole .docx file. Open it and save it again.") from None
    found: list[Block] = [Block("title", title)] if title else []
    full = sum(bool(p.text.strip()) for p in paragraphs)
    telling = 1 if (len(paragraphs) - full) * _RARE <= full else 2
    empty = 0
    for paragraph in paragraphs:
        block = _block(paragraph)
        if block is None:
            empty += 1
            continue
        if empty >= telling and found and found[-1].kind == "paragraph" == block.kind:
            found.append(Block("break", SCENE_BREAK))
        empty = 0
        found.append(block)
    return with_headings_found(found)


def _paragraphs(container: Any) -> Iterator[Paragraph]:
    """Paragraphs of a document or a cell, in order."""
    from docx.table import Table

    for item in container.iter_inner_content():
        if isinstance(item, Table):
            for row in item.rows:
                for cell in dict.fromkeys(row.cells):
                    yield from _paragraphs(cell)
        else:
            yield item


def _block(paragraph: Paragraph) -> Block | None:
    """One paragraph; None where it is empty."""
    level = _level(paragraph)
    if level is not None:
        text, _ = written((text, "") for text, _ in _runs(paragraph))
        kind: Any = "title" if level == 0 else "heading"
        return Block(kind, " ".join(text.split()), level=max(1, level)) if text else None
    block = block_of(_runs(paragraph))
    if block is None and paragraph._p.find(f"{_W}pPr/{_W}pBdr") is not None:
        return Block("break", SCENE_BREAK)  # an empty paragraph with a rule
    return block


def _level(paragraph: Paragraph) -> int | None:
    """A heading's level, 0 for the book's title, None for text; styles inherit it."""
    style: Any = paragraph.style
    while style is not None:
        name = (style.name or "").lower()
        if name == "title":
            return 0
        if name.startswith("heading ") and name[8:].isdigit():
            return int(name[8:])
        outline = style.element.find(f"{_W}pPr/{_W}outlineLvl")
        if outline is not None and int(outline.get(f"{_W}val", "9")) < 9:
            return int(outline.get(f"{_W}val")) + 1
        style = style.base_style
    return None


def _runs(paragraph: Paragraph) -> Iterator[Run]:
    """Characters with their emphasis; what a tracked change deleted is no w:t and not there."""
    from docx.text.run import Run as WordRun

    for element in paragraph._p.iter(f"{_W}r"):
        run = WordRun(element, paragraph)
        style = (run.style.name or "").lower() if run.style is not None else ""
        bold, italic = run.bold or style == "strong", run.italic or style == "emphasis"
        yield run.text.replace("\t", " "), "**" if bold else "*" if italic else ""
