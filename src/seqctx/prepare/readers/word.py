"""Word's .docx: python-docx opens the file and knows its styles; the text is read here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from docx.text.paragraph import Paragraph

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_BOX = f"{_W}txbxContent"
_UNREAD = {  # moved text, pronunciations, and what is repeated for older programs
    f"{_W}moveFrom", f"{_W}rt",
    "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback",
}  # fmt: skip
_TEXT = 10  # this level of the outline means that a paragraph is no heading


def word_blocks(path: Path) -> list[Block]:
    """Body paragraphs in order, with those of tables; without notes, comments and headers.

    Raises:
        InputError: when the file is damaged or not a .docx.
    """
    with needs_extra("prepare", "reading .docx files"):
        import docx

    try:
        document = docx.Document(str(path))
        paragraphs = list(_paragraphs(document.element.body, document))
        blocks = [_block(paragraph) for paragraph in paragraphs]
        title = _declared_title(document)
    except Exception:  # zipfile's, lxml's, python-docx's own and KeyError, for a damaged file
        raise InputError(
            f"{path}: damaged, or not a .docx file. Open it in Word and save it again."
        ) from None
    empty = blocks.count(None)
    found = with_scene_breaks(blocks, empty=empty, full=len(blocks) - empty)
    return with_headings_found([*([Block("title", title)] if title else []), *found])


def _declared_title(document: Any) -> str:
    """The title in the file's properties; empty where there are none."""
    from docx.opc.constants import RELATIONSHIP_TYPE

    try:
        document.part.package.part_related_by(RELATIONSHIP_TYPE.CORE_PROPERTIES)
    except KeyError:
        return ""
    return str(document.core_properties.title)


def _paragraphs(element: Any, document: Any) -> Iterator[Paragraph]:
    """Paragraphs below an element, in order; a text box's come after the one that anchors it."""
    from docx.text.paragraph import Paragraph

    for child in element.iterchildren():
        if child.tag == f"{_W}p":
            paragraph = Paragraph(child, document)
            if not _taken_away(paragraph):
                yield paragraph
            for box in _below(child, _BOX):
                yield from _paragraphs(box, document)
        elif child.tag not in _UNREAD and not _goes_on(child):
            yield from _paragraphs(child, document)


def _below(node: Any, tag: str) -> Iterator[Any]:
    """Elements of a paragraph, without those of text boxes in it."""
    for child in node.iterchildren():
        if child.tag == tag:
            yield child
        if child.tag != _BOX and child.tag not in _UNREAD:
            yield from _below(child, tag)


def _taken_away(paragraph: Paragraph) -> bool:
    """Whether a tracked change removed a whole paragraph, which is then not an empty one."""
    mark = f"{_W}pPr/{_W}rPr/{_W}"
    marked = any(paragraph._p.find(mark + name) is not None for name in ("del", "moveFrom"))
    return marked and not any(text.strip() for text, _ in _runs(paragraph))


def _goes_on(element: Any) -> bool:
    """Whether this is a table's cell that is merged with the one above."""
    merge = element.find(f"{_W}tcPr/{_W}vMerge")
    return merge is not None and merge.get(f"{_W}val", "continue") == "continue"


def _block(paragraph: Paragraph) -> Block | None:
    """One paragraph; None where it is empty."""
    style: Any = paragraph.style
    if style is not None and (style.name or "").lower().startswith("toc "):
        return block_of(_runs(paragraph), "contents")
    level = _level(paragraph)
    if level is not None:
        text, _ = written((text, "") for text, _ in _runs(paragraph))
        return Block("heading", " ".join(text.split()), level=level) if text else None
    block = block_of(_runs(paragraph))
    if block is None and paragraph._p.find(f"{_W}pPr/{_W}pBdr") is not None:
        return Block("break", SCENE_BREAK)  # an empty paragraph with a rule
    return block


def _level(paragraph: Paragraph) -> int | None:
    """A heading's level, `TITLE` for the book's title, None for text; styles inherit it."""
    style: Any = paragraph.style
    own = _outline(paragraph._p)
    if own is not None:
        return own if own < _TEXT else None
    while style is not None:
        name = (style.name or "").lower()
        if name == "title":
            return TITLE
        if name.startswith("heading ") and name[8:].isdigit():
            return int(name[8:])
        outline = _outline(style.element)
        if outline is not None and outline < _TEXT:
            return outline
        style = style.base_style
    return None


def _outline(element: Any) -> int | None:
    """The level that a paragraph or a style gives itself, from 1."""
    outline = element.find(f"{_W}pPr/{_W}outlineLvl")
    return None if outline is None else int(outline.get(f"{_W}val", "9")) + 1


def _runs(paragraph: Paragraph) -> Iterator[Run]:
    """Characters with their emphasis; text that a tracked change deleted is no w:t element."""
    from docx.text.run import Run as WordRun

    for element in _below(paragraph._p, f"{_W}r"):
        run = WordRun(element, paragraph)
        style = (run.style.name or "").lower() if run.style is not None else ""
        bold, italic = run.bold or style == "strong", run.italic or style == "emphasis"
        yield run.text.replace("\t", " "), "**" if bold else "*" if italic else ""
