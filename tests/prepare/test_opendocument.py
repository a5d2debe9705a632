"""What LibreOffice's files say of characters and paragraphs beside their words."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqctx import InputError, read_manuscript
from seqctx.prepare.readers.blocks import Block
from seqctx.prepare.readers.opendocument import fodt_blocks, odt_blocks
from tests.prepare.office_files import ODF, Members, odt

_PREFIXES = {"drawing": "draw", "xsl-fo-compatible": "fo"}
SPACES = " ".join(f'xmlns:{_PREFIXES.get(name, name)}="{space}"' for name, space in ODF.items())
SPACES += (
    ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xlink="http://www.w3.org/1999/xlink"'
    ' xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0"'
)


def p(content: str, style: str = "") -> str:
    return f'<text:p text:style-name="{style}">{content}</text:p>'


def span(content: str, style: str) -> str:
    return f'<text:span text:style-name="{style}">{content}</text:span>'


def style(name: str, text: str = "", paragraph: str = "", more: str = "") -> str:
    family = "paragraph" if name[0] in "PH" or paragraph else "text"
    return (
        f'<style:style style:name="{name}" style:family="{family}" {more}>'
        f"<style:paragraph-properties {paragraph}/><style:text-properties {text}/></style:style>"
    )


STYLES = (
    '<style:default-style style:family="paragraph"><style:text-properties fo:font-size="12pt"/>'
    "</style:default-style>"
    + style("Thought", 'fo:font-style="italic"', more='style:display-name="Thought"')
    + style("T1", more='style:parent-style-name="Thought"')
    + style("T2", 'fo:font-weight="bold"')
    + style("T3", 'fo:font-style="normal"')
    + style("T4", 'text:display="none"')
    + style("P1", 'fo:font-style="italic"', more='style:parent-style-name="Standard"')
    + style("P2", paragraph='fo:break-before="page" fo:text-align="center"')
    + style("P3", paragraph='fo:margin-top="0.4in"')
    + style("P4", 'fo:font-size="150%" fo:font-weight="bold"')
    + style("P5", 'text:display="none"')
    + style("P6", paragraph='fo:border-bottom="0.5pt solid #000000"')
    + style("P7", paragraph='fo:border="none"')
    + style("P8", more='style:parent-style-name="Heading_20_2"')
    + style("Heading_20_2")
)


def blocks(folder: Path, *text: str, more: Members | None = None) -> list[Block]:
    body = f"<text:section {SPACES}>{''.join(text)}</text:section>"
    return odt_blocks(odt(folder / "a.odt", body, STYLES, more))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (span("never", "T1"), "*never*"), (span("never", "T2"), "**never**"),
        (span(span("never", "T3"), "T1"), "never"), (span("never", "Unknown"), "never"),
        ("one<text:line-break/>two", "one\ntwo"), ("one<text:tab/>two", "one two"),
        ("one<text:soft-page-break/>two", "onetwo"),
        ('<text:hidden-text text:is-hidden="false">shown</text:hidden-text>', "shown"),
        ("<text:number>3.</text:number>words", "words"),
        ("cut<text:change text:change-id='c'/>", "cut"),
    ],
)  # fmt: skip
def test_characters(tmp_path: Path, content: str, text: str) -> None:
    (block,) = blocks(tmp_path, p(content))
    assert block.text == text


def test_a_paragraph_that_is_italic_by_hand(tmp_path: Path) -> None:
    found = blocks(tmp_path, p("All of it, but " + span("not", "T3") + " this.", "P1"))
    assert [block.text for block in found] == ["*All of it, but* not *this.*"]


def test_hidden_text_notes_and_comments_are_left_out_and_counted(tmp_path: Path) -> None:
    note = (
        "<text:note><text:note-citation>1</text:note-citation><text:note-body>"
        f"{p('A note.')}</text:note-body></text:note>"
    )
    comment = (
        f"<office:annotation><dc:creator>M Q</dc:creator>{p('Check this.')}</office:annotation>"
    )
    hidden = '<text:hidden-text text:is-hidden="true">Never.</text:hidden-text>'
    found = blocks(
        tmp_path, p("One" + note + comment + span(" REWRITE", "T4") + hidden + "."),
        f'<text:section text:display="none">{p("A section.")}</text:section>',
        p("All of it.", "P5"),
        p("A paragraph.<text:hidden-paragraph text:is-hidden='true'/>"), p("Two."),
    )  # fmt: skip
    assert [(block.text, block.left_out) for block in found] == [
        ("One.", None), ("A note.", "endnotes"), ("Check this.", "comment"),
        ("REWRITENever.", "hidden text"), ("A section.", "hidden text"),
        ("All of it.", "hidden text"), ("A paragraph.", "hidden text"), ("Two.", None),
    ]  # fmt: skip
    book = read_manuscript(tmp_path / "a.odt")
    assert book.text == "One.\n\nTwo." and sum(part.words for part in book.left_out) == 12


def test_what_a_tracked_change_removed_is_no_text(tmp_path: Path) -> None:
    gone = f"<text:tracked-changes><text:changed-region>{p('Cut.')}</text:changed-region>"
    assert [b.text for b in blocks(tmp_path, gone + "</text:tracked-changes>", p("Kept."))] == [
        "Kept."
    ]


def test_contents_are_left_out_and_counted(tmp_path: Path) -> None:
    link = '<text:a xlink:href="#One">One</text:a>'
    contents = f"<text:table-of-content><text:index-body>{p(link)}</text:index-body>"
    found = blocks(tmp_path, contents + "</text:table-of-content>", p(link), p("Text."))
    assert [(block.left_out, block.is_linked) for block in found] == [
        ("contents", True), (None, True), (None, False),
    ]  # fmt: skip


def test_the_looks_of_paragraphs(tmp_path: Path) -> None:
    found = blocks(
        tmp_path, p("Opening.", "P2"), p("One."), p("Space.", "P3"), p("Large.", "P4"), p("Two."),
        p("", "P7"), p("Three."), p("", "P6"), p("Four."), p("Styled", "P8"),
    )  # fmt: skip
    opening, _, space, large, *_ = (block.look for block in found)
    assert opening.centred and opening.new_page
    assert space.space_above == 2.0
    assert (large.size, large.bold) == (1.5, True)
    assert [(b.kind, b.gap) for b in found[5:8]] == [
        ("paragraph", 1), ("break", 0), ("paragraph", 0),
    ]  # fmt: skip
    assert (found[-1].kind, found[-1].level, found[-1].look.style) == ("heading", 2, "heading 2")


def test_headings_that_are_only_numbers(tmp_path: Path) -> None:
    level = '<text:outline-level-style text:level="1" style:num-format="I" '
    level += 'style:num-prefix="Chapter "/>'
    sheet = f"<office:document-styles {SPACES}><office:styles><text:outline-style>{level}"
    sheet += "</text:outline-style></office:styles></office:document-styles>"
    head = '<text:h text:outline-level="1"/>'
    found = blocks(tmp_path, head, p("Text."), head, p("Text."), more={"styles.xml": sheet})
    assert [block.text for block in found if block.kind == "heading"] == ["Chapter I", "Chapter II"]


def test_headings_that_a_list_numbers(tmp_path: Path) -> None:
    level = '<text:list-level-style-number text:level="1" style:num-format="1" '
    level += 'style:num-prefix="Chapter "/>'
    sheet = f"<office:document-styles {SPACES}><office:automatic-styles><text:list-style "
    sheet += f'style:name="L1">{level}</text:list-style></office:automatic-styles>'
    head = '<text:list text:style-name="L1"><text:list-item>{}</text:list-item></text:list>'
    heads = (head.format('<text:h text:outline-level="1"/>'), head.format("<text:p/>"))
    found = blocks(
        tmp_path, *(f"{head}{p('Text.')}" for head in heads), head.format(p("An item.")),
        more={"styles.xml": f"{sheet}</office:document-styles>"},
    )  # fmt: skip
    assert [(block.kind, block.text) for block in found] == [
        ("heading", "Chapter 1"), ("paragraph", "Text."), ("paragraph", "Chapter 2"),
        ("paragraph", "Text."), ("paragraph", "An item."),
    ]  # fmt: skip


def test_a_drawn_line_parts_scenes(tmp_path: Path) -> None:
    found = blocks(tmp_path, p("One."), p("<draw:line/>"), p("Two."), p("Three.<draw:line/>"))
    assert [block.text for block in found] == ["One.", "* * *", "Two.", "Three."]


def test_a_picture_that_recurs_alone_is_an_ornament(tmp_path: Path) -> None:
    def picture(name: str, title: str = "") -> str:
        image = f'<draw:image xlink:href="{name}"/><svg:title>{title}</svg:title>'
        return p(f"<draw:frame>{image}</draw:frame>")

    found = blocks(
        tmp_path, p("One."), picture("a"), p("Two."), picture("a"), p("Three."),
        picture("b", "Map"),
    )  # fmt: skip
    assert [(b.text, b.left_out) for b in found] == [
        ("One.", None), ("* * *", None), ("Two.", None), ("* * *", None), ("Three.", None),
        ("Map", "illustration"),
    ]  # fmt: skip


def test_text_boxes_ruby_and_merged_cells(tmp_path: Path) -> None:
    box = f"<draw:frame><draw:text-box>{p('In the box.')}</draw:text-box></draw:frame>"
    ruby = "<text:ruby-base>渡</text:ruby-base><text:ruby-text>わた</text:ruby-text>"
    ruby = f"<text:ruby>{ruby}</text:ruby>"
    cell = f"<table:covered-table-cell>{p('Merged.')}</table:covered-table-cell>"
    found = blocks(tmp_path, p("Anchor." + box), p(ruby + "し守"), cell)
    assert [(block.text, block.left_out) for block in found] == [
        ("Anchor.", None), ("In the box.", None), ("渡し守", None), ("わた", "reading"),
        ("Merged.", "hidden text"),
    ]  # fmt: skip


FLAT = (
    f'<office:document {SPACES} office:mimetype="application/vnd.oasis.opendocument.text">'
    "<office:meta><dc:title>The Weir</dc:title></office:meta>"
    f"<office:automatic-styles>{STYLES}</office:automatic-styles>"
    f"<office:master-styles>{p('Running head')}</office:master-styles>"
    "<office:body><office:text>{}</office:text></office:body></office:document>"
)


def test_a_flat_file(tmp_path: Path) -> None:
    head = '<text:h text:outline-level="1">One</text:h>'
    path = tmp_path / "a.fodt"
    path.write_text(FLAT.replace("{}", head + p("It was " + span("late", "T1") + ".")))
    assert [(b.kind, b.text) for b in fodt_blocks(path)] == [
        ("title", "The Weir"), ("heading", "One"), ("paragraph", "It was *late*."),
    ]  # fmt: skip
    assert read_manuscript(path).title == "The Weir"


@pytest.mark.parametrize("text", ["", "<a", "<a/>", "Plain words.", FLAT, FLAT[:-20]])
def test_a_damaged_flat_file_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.fodt"
    path.write_text(text.replace("{}", ""))
    with pytest.raises(InputError) as found:
        read_manuscript(path)
    assert str(found.value).startswith(str(path)) and "\n" not in str(found.value)


def test_a_deep_flat_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.fodt"
    deep = "<text:section>" * 230 + p("Text.") + "</text:section>" * 230
    path.write_text(FLAT.replace("{}", deep))
    with pytest.raises(InputError, match="more than 200 elements lie in one another"):
        read_manuscript(path)
