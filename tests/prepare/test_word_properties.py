"""What Word's files say of characters and paragraphs beside their words."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqctx import read_manuscript
from seqctx.prepare.readers.blocks import Block
from seqctx.prepare.readers.word import word_blocks
from seqctx.prepare.readers.word_numbers import number_as
from tests.prepare.office_files import Members, W, docx

_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_O = 'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office"'


def r(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def p(content: str = "", properties: str = "") -> str:
    runs = content if content.startswith("<") or not content else r(content)
    return f"<w:p><w:pPr>{properties}</w:pPr>{runs}</w:p>"


def style(
    name: str, inner: str = "", kind: str = "paragraph", base: str = "", key: str = ""
) -> str:
    on = f'<w:basedOn w:val="{base}"/>' if base else ""
    key = key or name.replace(" ", "")
    return (
        f'<w:style w:type="{kind}" w:styleId="{key}"><w:name w:val="{name}"/>{on}{inner}</w:style>'
    )


def used(name: str) -> str:
    return f'<w:pStyle w:val="{name}"/>'


STYLES = (
    '<w:docDefaults><w:rPrDefault><w:rPr><w:sz w:val="24"/></w:rPr></w:rPrDefault></w:docDefaults>'
    + '<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/>'
    + "</w:style>"
    + style("heading 1", '<w:pPr><w:outlineLvl w:val="0"/></w:pPr>')
    + style("Thought", "<w:rPr><w:i/></w:rPr>", "character")
    + style("Memory", "", "character", "Thought")
    + style("Loud", "<w:rPr><w:b/></w:rPr>", "character")
    + style("Upright", '<w:rPr><w:i w:val="0"/></w:rPr>', "character", "Thought")
    + style("Note to self", "<w:rPr><w:vanish/></w:rPr>")
    + style("Opening", '<w:pPr><w:pageBreakBefore/><w:jc w:val="center"/></w:pPr>')
)


def blocks(folder: Path, *body: str, more: Members | None = None) -> list[Block]:
    return word_blocks(docx(folder / "a.docx", "".join(body), STYLES, more))


def related(**parts: str) -> Members:
    """Further parts of a file: notes, comments, numberings."""
    links = "".join(
        f'<Relationship Id="{name}" Type="{_R}/{name}" Target="{name}.xml"/>'
        for name in ("styles", *parts)
    )
    space = "http://schemas.openxmlformats.org/package/2006/relationships"
    members: Members = {
        "word/_rels/document.xml.rels": f'<Relationships xmlns="{space}">{links}</Relationships>'
    }
    return members | {
        f"word/{name}.xml": f'<w:{name} xmlns:w="{W}">{inner}</w:{name}>'
        for name, inner in parts.items()
    }


@pytest.mark.parametrize(
    ("properties", "text"),
    [
        ('<w:rStyle w:val="Thought"/>', "*never*"), ('<w:rStyle w:val="Memory"/>', "*never*"),
        ('<w:rStyle w:val="Loud"/>', "**never**"), ('<w:rStyle w:val="Upright"/>', "never"),
        ('<w:rStyle w:val="Memory"/><w:i w:val="0"/>', "never"), ("<w:i/><w:iCs/>", "*never*"),
        ('<w:i w:val="false"/>', "never"), ('<w:rStyle w:val="Unknown"/>', "never"),
    ],
)  # fmt: skip
def test_italics_of_styles(tmp_path: Path, properties: str, text: str) -> None:
    (block,) = blocks(tmp_path, p(r("He would ") + r("never", properties) + r(" say so.")))
    assert block.text == f"He would {text} say so."


def test_hidden_text_is_left_out_and_counted(tmp_path: Path) -> None:
    hidden = "<w:vanish/>"
    found = blocks(
        tmp_path, p(r("One ") + r("REWRITE", hidden) + r("two.")),
        p("All of it.", used("Notetoself")),
        p(r("Shown.", '<w:vanish w:val="0"/>'), used("Notetoself")), p("Three."),
    )  # fmt: skip
    assert [(b.text, b.left_out, b.gap) for b in found] == [
        ("One two.", None, 0), ("REWRITE", "hidden text", 0), ("All of it.", "hidden text", 0),
        ("Shown.", None, 0), ("Three.", None, 0),
    ]  # fmt: skip


def test_tracked_changes(tmp_path: Path) -> None:
    gone = "<w:del><w:r><w:delText>never </w:delText></w:r></w:del>"
    found = blocks(
        tmp_path, p(r("He ") + gone + f"<w:ins>{r('always ')}</w:ins>" + r("came.")),
        p("Her end was ", "<w:rPr><w:del/></w:rPr>") + p("joined."),
        p(f"<w:moveFrom>{r('Moved.')}</w:moveFrom>", "<w:rPr><w:moveFrom/></w:rPr>"), p("Last."),
    )  # fmt: skip
    assert [b.text for b in found] == ["He always came.", "Her end was joined.", "Last."]
    assert all(block.gap == 0 for block in found)


def test_notes_that_no_part_refers_to_are_counted(tmp_path: Path) -> None:
    more = related(footnotes=f'<w:footnote w:id="1">{p("A note.")}</w:footnote>')
    del more["word/_rels/document.xml.rels"]
    found = blocks(tmp_path, p("Text."), more=more)
    assert [(block.text, block.left_out) for block in found] == [
        ("Text.", None), ("A note.", "endnotes"),
    ]  # fmt: skip


def test_notes_and_comments_are_left_out_and_counted(tmp_path: Path) -> None:
    rule = f'<w:footnote w:type="separator" w:id="0">{p("never read")}</w:footnote>'
    more = related(
        footnotes=f'{rule}<w:footnote w:id="1">{p("A note.")}</w:footnote>',
        endnotes=f'<w:endnote w:id="1">{p("An end note.")}</w:endnote>',
        comments=f'<w:comment w:id="1" w:author="A">{p("Check this.")}</w:comment>',
    )
    found = blocks(
        tmp_path, p(r("Text.") + '<w:r><w:footnoteReference w:id="1"/></w:r>'), more=more
    )
    assert [(block.text, block.left_out) for block in found] == [
        ("Text.", None), ("A note.", "endnotes"), ("An end note.", "endnotes"),
        ("Check this.", "comment"),
    ]  # fmt: skip
    book = read_manuscript(tmp_path / "a.docx")
    assert book.text == "Text." and sum(part.words for part in book.left_out) == 7


@pytest.mark.parametrize(
    ("content", "texts", "pages"),
    [
        (r("One.") + "<w:r><w:br/><w:br/></w:r>" + r("Two."), ["One.", "Two."], [False, False]),
        (r("One\n\ntwo."), ["One two."], [False]),
        (r("One,") + "<w:r><w:br/></w:r>" + r("two."), ["One,\ntwo."], [False]),
        ('<w:r><w:br w:type="page"/></w:r>' + r("One."), ["One."], [True]),
        (r("One.") + '<w:r><w:br w:type="page"/></w:r>' + r("Two."),
         ["One.", "Two."], [False, True]),
        (r("One") + "<w:r><w:softHyphen/></w:r>" + r("two\u00ad."), ["Onetwo."], [False]),
        (r("A") + '<w:r><w:sym w:font="Wingdings" w:char="F04A"/></w:r>', ["A☺"], [False]),
        ('<w:r><w:sym w:font="Symbol" w:char="F061"/></w:r>', ["α"], [False]),
        (f'<w:smartTag w:element="place">{r("Bath")}</w:smartTag>', ["Bath"], [False]),
        (f'<w:fldSimple w:instr="DATE">{r("Monday")}</w:fldSimple>', ["Monday"], [False]),
        ('<w:r><w:fldChar w:fldCharType="begin"/><w:instrText>PAGE</w:instrText>'
         '<w:fldChar w:fldCharType="end"/></w:r>' + r("One."), ["One."], [False]),
    ],
)  # fmt: skip
def test_breaks_signs_and_fields(
    tmp_path: Path, content: str, texts: list[str], pages: list[bool]
) -> None:
    found = blocks(tmp_path, p(content))
    assert [block.text for block in found] == texts
    assert [block.look.new_page for block in found] == pages


def test_new_pages(tmp_path: Path) -> None:
    page = p('<w:r><w:br w:type="page"/></w:r>')
    section = p("Two.", "<w:sectPr/>")
    same = p("Three.", '<w:sectPr><w:type w:val="continuous"/></w:sectPr>')
    body = (p("One."), page, section, same, p("Four."), p("Five.", used("Opening")))
    found = blocks(tmp_path, *body)
    assert [block.look.new_page for block in found] == [False, True, True, False, True]
    assert all(block.gap == 0 for block in found)


def test_the_looks_of_paragraphs(tmp_path: Path) -> None:
    found = blocks(
        tmp_path, p(r("The Weir", '<w:b/><w:sz w:val="36"/>'), '<w:jc w:val="center"/>'),
        *(p("It rained and rained.") for _ in range(3)),
        p("Space.", '<w:spacing w:before="576"/>'), p("Opening.", used("Opening")),
    )  # fmt: skip
    title, *_, space, opening = (block.look for block in found)
    assert (title.centred, title.bold, title.size, title.style) == (True, True, 1.5, "normal")
    assert (space.space_above, space.size, space.bold) == (2.0, 1.0, False)
    assert (opening.style, opening.centred, opening.new_page) == ("opening", True, True)


@pytest.mark.parametrize("value", ["nil", "none"])
def test_borders_that_are_none(tmp_path: Path, value: str) -> None:
    borders = f'<w:pBdr><w:top w:val="{value}"/><w:bottom w:val="{value}"/></w:pBdr>'
    found = blocks(tmp_path, p("One."), p("", borders), p("Two."))
    assert [(block.kind, block.gap) for block in found] == [("paragraph", 0), ("paragraph", 1)]


def test_lines_across_the_page(tmp_path: Path) -> None:
    border = '<w:pBdr><w:bottom w:val="single"/></w:pBdr>'
    line = f'<w:r><w:pict><v:rect {_O} o:hr="t"/></w:pict></w:r>'
    drawn = '<w:r><w:drawing><prstGeom xmlns="a" prst="line"/></w:drawing></w:r>'
    found = blocks(
        tmp_path, p("One."), p("", border), p("Two."), p(line), p("Three."), p(drawn), p("Four."),
    )  # fmt: skip
    assert [b.text for b in found if b.kind == "break"] == ["", "* * *", "* * *"]


def picture(name: str, description: str = "") -> str:
    return (
        f'<w:r><w:drawing><docPr xmlns="wp" name="Picture 1" descr="{description}"/>'
        f'<blip xmlns="a" xmlns:r="{_R}" r:embed="{name}"/></w:drawing></w:r>'
    )


def test_a_picture_that_recurs_alone_is_an_ornament(tmp_path: Path) -> None:
    found = blocks(
        tmp_path, p("One."), p(picture("rId7")), p("Two."), p(picture("rId7")), p("Three."),
        p(picture("rId8", "A map of the river")), p("Four."),
    )  # fmt: skip
    assert [(b.text, b.left_out) for b in found] == [
        ("One.", None), ("* * *", None), ("Two.", None), ("* * *", None), ("Three.", None),
        ("A map of the river", "illustration"), ("Four.", None),
    ]  # fmt: skip


def test_contents(tmp_path: Path) -> None:
    gallery = (
        '<w:sdt><w:sdtPr><w:id w:val="1"/><w:docPartObj>'
        '<w:docPartGallery w:val="Table of Contents"/>'
        f"<w:docPartUnique/></w:docPartObj></w:sdtPr><w:sdtContent>{p('Contents')}{p('One')}"
        "</w:sdtContent></w:sdt>"
    )
    begin = (
        '<w:r><w:fldChar w:fldCharType="begin"/><w:instrText> TOC \\o "1-3" </w:instrText>'
        '<w:fldChar w:fldCharType="separate"/></w:r>'
    )
    link = f'<w:hyperlink w:anchor="_Toc1">{r("Three")}</w:hyperlink>'
    found = blocks(
        tmp_path, gallery, p(begin + r("Two\t7")), p(link), p(r("It rained.")),
        p('<w:r><w:fldChar w:fldCharType="end"/></w:r>' + r("After it.")), p(link),
        p(r("Storm") + "<w:r><w:tab/></w:r>" + r("7"), used("toc1")),
    )  # fmt: skip
    assert [(block.text, block.left_out, block.is_linked) for block in found] == [
        ("Contents", "contents", False), ("One", "contents", False), ("Two 7", "contents", False),
        ("Three", "contents", True), ("It rained.", None, False), ("After it.", None, False),
        ("Three", None, True), ("Storm 7", None, False),
    ]  # fmt: skip


NUMBERS = (
    '<w:abstractNum w:abstractNumId="4"><w:lvl w:ilvl="0"><w:start w:val="1"/>'
    '<w:numFmt w:val="{}"/>'
    '<w:lvlText w:val="{}"/></w:lvl></w:abstractNum><w:num w:numId="7"><w:abstractNumId w:val="4"/>'
    "</w:num>"
)
COUNTED = '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="7"/></w:numPr>'


@pytest.mark.parametrize(
    ("form", "text", "labels"),
    [
        ("decimal", "Chapter %1", ["Chapter 1", "Chapter 2"]),
        ("upperRoman", "%1.", ["I.", "II."]), ("cardinalText", "%1", ["One", "Two"]),
        ("bullet", "•", []), ("none", "", []),
    ],
)  # fmt: skip
def test_numbers_that_word_counts(tmp_path: Path, form: str, text: str, labels: list[str]) -> None:
    more = related(numbering=NUMBERS.format(form, text))
    head, item = p("", used("heading1") + COUNTED), p("An item.", COUNTED)
    found = blocks(tmp_path, head, p("Text."), head, p("Text."), item, p("", COUNTED), more=more)
    assert [block.text for block in found if block.kind == "heading"] == labels
    assert "An item." in [block.text for block in found]


def test_numbers_in_words() -> None:
    forms = ("upperRoman", "lowerLetter", "cardinalText", "ordinalText", "chineseCounting")
    assert [number_as(42, form) for form in forms] == [
        "XLII", "pp", "Forty-two", "Forty-second", "四十二",
    ]  # fmt: skip
    assert [number_as(20, form) for form in forms[2:]] == ["Twenty", "Twentieth", "二十"]
    assert number_as(10**9, "upperRoman") == "1000000000"


def test_a_large_first_letter_belongs_to_its_paragraph(tmp_path: Path) -> None:
    frame = '<w:framePr w:dropCap="drop" w:lines="3"/>'
    found = blocks(tmp_path, p("T", frame), p("he rain came."))
    assert [block.text for block in found] == ["The rain came."]


def test_signs_and_how_they_are_read(tmp_path: Path) -> None:
    ruby = f"<w:r><w:ruby><w:rt>{r('わた')}</w:rt><w:rubyBase>{r('渡')}</w:rubyBase></w:ruby></w:r>"
    found = blocks(tmp_path, p(ruby + r("し守")))
    assert [(b.text, b.left_out) for b in found] == [("渡し守", None), ("わた", "reading")]


def test_lines_that_are_paragraphs(tmp_path: Path) -> None:
    line = "The ferryman laughed at the lantern, though he had carried stranger things than it. "
    long = "<w:r><w:br/></w:r>".join(r(line) for _ in range(4))
    verse = "<w:r><w:br/></w:r>".join(r("Row the boat.") for _ in range(4))
    assert [len(block.text.split("\n")) for block in blocks(tmp_path, p(long), p(verse))] == [
        1, 1, 1, 1, 4,
    ]  # fmt: skip
