"""What Word writes beside plain paragraphs."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import docx
import pytest
from docx.oxml import parse_xml

from seqctx import Book, read_manuscript

SPACES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
)


def p(text: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def styled(text: str, style: str) -> str:
    return p(text, f'<w:pStyle w:val="{style}"/>')


def read(folder: Path, *parts: str, core: bool = True) -> Book:
    document: Any = docx.Document()
    document.styles.add_style("toc 1", docx.enum.style.WD_STYLE_TYPE.PARAGRAPH)
    for part in parts:
        node = parse_xml(f"<w:x {SPACES}>{part}</w:x>")
        for child in list(node):
            document.element.body.insert(-1, child)
    raw = io.BytesIO()
    document.save(raw)
    with zipfile.ZipFile(raw) as full, zipfile.ZipFile(folder / "Tale.docx", "w") as kept:
        for name in full.namelist():
            data = full.read(name)
            if not core and name == "_rels/.rels":
                start = data.index(b"<Relationship ", data.index(b"core-properties") - 150)
                data = data[:start] + data[data.index(b"/>", start) + 2 :]
            if core or name != "docProps/core.xml":
                kept.writestr(name, data)
    return read_manuscript(folder / "Tale.docx")


BOX = f"<w:txbxContent>{p('In the box.')}</w:txbxContent>"


@pytest.mark.parametrize(
    ("xml", "text"),
    [
        (f"<w:sdt><w:sdtPr/><w:sdtContent>{p('In a control.')}</w:sdtContent></w:sdt>",
         "In a control."),
        ("<w:p><w:moveFrom><w:r><w:t>Moved.</w:t></w:r></w:moveFrom></w:p>" + p("Middle.")
         + "<w:p><w:moveTo><w:r><w:t>Moved.</w:t></w:r></w:moveTo></w:p>", "Middle.\n\nMoved."),
        ("<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr><w:del><w:r><w:delText>Cut.</w:delText></w:r>"
         "</w:del></w:p>" * 2 + p("Kept."), "Kept."),
        ("<w:p><w:r><w:t>Anchor.</w:t></w:r><w:r><mc:AlternateContent><mc:Choice Requires='wps'>"
         f"{BOX}</mc:Choice><mc:Fallback><w:pict>{BOX}</w:pict></mc:Fallback>"
         "</mc:AlternateContent></w:r></w:p>", "Anchor.\n\nIn the box."),
        ("<w:tbl><w:tr><w:tc><w:tcPr><w:vMerge w:val='restart'/></w:tcPr>" + p("Cell.")
         + "</w:tc></w:tr><w:tr><w:tc><w:tcPr><w:vMerge/></w:tcPr>" + p("Hidden.")
         + "</w:tc></w:tr></w:tbl>", "Cell."),
    ],
)  # fmt: skip
def test_each_text_is_read_once(tmp_path: Path, xml: str, text: str) -> None:
    book = read(tmp_path, p("Before it."), xml, p("After it."))
    assert book.text == f"Before it.\n\n{text}\n\nAfter it."


def test_a_file_without_properties_is_named_by_its_file(tmp_path: Path) -> None:
    assert read(tmp_path, p("Text."), core=False).title == "Tale"


def test_an_outline_level_is_a_heading(tmp_path: Path) -> None:
    level = '<w:outlineLvl w:val="{}"/>'
    book = read(
        tmp_path, p("Storm", level.format(0)), p("Text."), p("Calm", level.format(0)), p("Text."),
        p("Text too.", '<w:pStyle w:val="Heading1"/>' + level.format(9)),
    )  # fmt: skip
    assert [c.title for c in book.chapters] == ["Storm", "Calm"]
    assert book.text.endswith("Text.\n\nText too.")


def test_titles(tmp_path: Path) -> None:
    text = p("It was late.")
    several = read(tmp_path, styled("Storm", "Title"), text, styled("Calm", "Title"), text)
    assert [c.title for c in several.chapters] == ["Storm", "Calm"]
    one = read(tmp_path, styled("Weather", "Title"), styled("Storm", "Heading1"), text)
    assert (one.title, [c.title for c in one.chapters]) == ("Weather", ["Storm"])


def test_a_table_of_contents_is_left_out(tmp_path: Path) -> None:
    names = ("Storm", "Calm", "Shore")
    book = read(
        tmp_path, p("Contents"), *(styled(f"{name}\t7", "toc1") for name in names),
        *(styled(name, "Heading1") + p("It was late.") for name in names),
    )  # fmt: skip
    assert {x.kind for x in book.left_out} == {"contents"}
    assert book.text.startswith("Storm\n\nIt was late.")
