"""Files in the shapes in which programs for writers export .docx and .odt."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqctx import Book, InputError, read_manuscript
from tests.prepare.office_files import docx, odt

LINES = (
    "Ilka had left the lantern by the weir, and now the rain had found it.",
    "“You might have asked,” said Maud, and looked for a place to put down the ledger.",
    "All morning the wind had pushed at the shutters on the quay.",
    "The dog would not go any further, so Abel carried the kettle alone.",
    "By then the whole street had heard, and half of it believed.",
    "It took Tove the rest of the day to admit that the clock was right.",
)
STORY = (("One", LINES[:2], LINES[2:3]), ("Two", LINES[3:5], LINES[5:]))


def r(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def p(runs: str = "", properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr>{runs}</w:p>"


def style(key: str, name: str, inner: str = "", base: str = "") -> str:
    on = f'<w:basedOn w:val="{base}"/>' if base else ""
    inner = f'<w:name w:val="{name}"/>{on}{inner}'
    return f'<w:style w:type="paragraph" w:styleId="{key}">{inner}</w:style>'


def used(key: str) -> str:
    return f'<w:pStyle w:val="{key}"/>'


def body(head: str, text: str, between: str, after: str = "") -> str:
    """The story; ``{}`` stands for words, ``after`` comes after each paragraph."""
    parts = []
    for title, *scenes in STORY:
        parts.append(head.format(title))
        for k, lines in enumerate(scenes):
            parts += [between] * bool(k)
            parts += [text.format(line) + after for line in lines]
    return "".join(parts)


def assert_story(book: Book) -> None:
    assert [chapter.title for chapter in book.chapters] == [title for title, *_ in STORY]
    assert len(book.scenes) == 4
    text = "\n\n".join(
        f"{title}\n\n" + "\n\n* * *\n\n".join("\n\n".join(lines) for lines in scenes)
        for title, *scenes in STORY
    )
    assert book.text == text


CENTRE = '<w:jc w:val="center"/>'
PAGE = '<w:r><w:br w:type="page"/></w:r>'
NIL = '<w:pBdr><w:top w:val="nil"/><w:bottom w:val="nil"/><w:between w:val="nil"/></w:pBdr>'
HEADING = style("Heading1", "heading 1", '<w:pPr><w:outlineLvl w:val="0"/></w:pPr>', "Normal")
NORMAL = style("Normal", "Normal").replace("<w:style ", '<w:style w:default="1" ')
LEVEL = '<w:pPr><w:outlineLvl w:val="0"/></w:pPr>'
RULE = (
    '<w:r><w:pict><v:rect xmlns:v="urn:schemas-microsoft-com:vml" '
    'xmlns:o="urn:schemas-microsoft-com:office:office" o:hr="t"/></w:pict></w:r>'
)
SHAPES = {
    "Word": (HEADING, body(p(r("{}"), used("Heading1")), p(r("{}")), p(r("***"), CENTRE))),
    "Google Docs, blank lines between all": (
        HEADING, body(p(r("{}"), used("Heading1") + NIL), p(r("{}", '<w:rtl w:val="0"/>'), NIL),
                      p(RULE, NIL), p("", NIL)),
    ),
    "Scrivener": (
        "", body(p(PAGE) + p("") * 6 + p(r("{}", '<w:b/><w:sz w:val="36"/>'), CENTRE) + p("") * 2,
                 p(r("{}", '<w:sz w:val="24"/>'), '<w:ind w:firstLine="720"/>'),
                 p(r("#", '<w:sz w:val="24"/>'), CENTRE)),
    ),
    "Pages": (
        style("Heading", "Heading", LEVEL) + style("Body", "Body"),
        body(p(r("{}"), used("Heading")), p(r("{}"), used("Body")),
             p(r("~"), used("Body") + CENTRE)),
    ),
    "Atticus": (
        HEADING, body(p(PAGE) + p(r("{}"), used("Heading1")), p(r("{}")), p(r("⁂"), CENTRE)),
    ),
    "Reedsy": (
        HEADING, body(p(r("{}"), used("Heading1") + "<w:pageBreakBefore/>"), p(r("{}")),
                      p(r("* * *"), CENTRE)),
    ),
    "LibreOffice": (
        NORMAL + style("berschrift1", "heading 1", '<w:pPr><w:outlineLvl w:val="0"/></w:pPr>')
        + style("HorizontalLine", "Horizontal Line",
                '<w:pPr><w:pBdr><w:bottom w:val="double"/></w:pBdr></w:pPr>'),
        body(p(r("{}"), used("berschrift1")), p(r("{}")), p("", used("HorizontalLine"))),
    ),
    "WPS Office": (
        style("2", "heading 1", base="1") + style("1", "Normal"),
        body(p(r("{}"), used("2")), p(r("{}"), used("1")), p(r("◇◇◇"), used("1") + CENTRE)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_word_files(tmp_path: Path, shape: str) -> None:
    styles, text = SHAPES[shape]
    assert_story(read_manuscript(docx(tmp_path / "a.docx", text, styles)))


@pytest.mark.parametrize(
    ("text", "between"),
    [
        ('<text:p text:style-name="Standard">{}</text:p>', "<text:p>***</text:p>"),
        ('<text:p text:style-name="Standard">{}</text:p>', "<text:p/><text:p/>"),
        ('<text:p text:style-name="P3"><text:span text:style-name="T1">{}</text:span></text:p>',
         '<text:p text:style-name="Horizontal_20_Line"/>'),
    ],
)  # fmt: skip
def test_files_of_libreoffice_and_google(tmp_path: Path, text: str, between: str) -> None:
    head = '<text:h text:style-name="Heading_20_1" text:outline-level="1">{}</text:h>'
    assert_story(read_manuscript(odt(tmp_path / "a.odt", body(head, text, between))))


def test_a_heading_that_is_a_picture_has_its_description(tmp_path: Path) -> None:
    picture = '<w:r><w:drawing><docPr xmlns="wp" descr="Chapter One"/></w:drawing></w:r>'
    head = p(picture, used("Heading1"))
    path = docx(tmp_path / "a.docx", head + p(r(LINES[0])), NORMAL + HEADING)
    book = read_manuscript(path)
    assert [chapter.title for chapter in book.chapters] == ["Chapter One"] and not book.left_out


@pytest.mark.parametrize("element", ["altChunk", "subDoc"])
def test_text_that_stands_in_another_file_is_not_dropped_unseen(
    tmp_path: Path, element: str
) -> None:
    path = docx(tmp_path / "a.docx", p(r(LINES[0])) + f'<w:{element} w:id="a"/>')
    with pytest.raises(InputError, match="text of another file is linked into it"):
        read_manuscript(path)


def test_a_template_and_a_file_with_macros(tmp_path: Path) -> None:
    for name in ("a.docm", "a.dotx"):
        assert read_manuscript(docx(tmp_path / name, p(r(LINES[0])))).text == LINES[0]
    assert read_manuscript(odt(tmp_path / "a.ott", "<text:p>Text.</text:p>")).text == "Text."
