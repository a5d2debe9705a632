"""What each format writes between scenes beside words: rules, empty paragraphs, pictures."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill
from zipfile import ZipFile

import pytest

from seqctx import read_manuscript
from tests.prepare.scene_files import SCENES, scenes_in, sentence, story, write

_RULE = '<w:p><w:pPr><w:pBdr><w:{} w:val="single" w:sz="6" w:space="1"/></w:pBdr></w:pPr></w:p>'
_LINE = (  # what Word inserts as a horizontal line
    '<w:p><w:r><w:pict xmlns:v="urn:schemas-microsoft-com:vml" '
    'xmlns:o="urn:schemas-microsoft-com:office:office"><v:rect style="width:0;height:1.5pt" '
    'o:hralign="center" o:hrstd="t" o:hr="t"/></w:pict></w:r></w:p>'
)
_CENTRED = '<w:p><w:pPr><w:jc w:val="center"/></w:pPr>{}</w:p>'
WORD = [
    "<w:p/>", "<w:p/>" * 2, "<w:p/>" * 3, _RULE.format("bottom"), _RULE.format("top"), _LINE,
    _CENTRED.format('<w:r><w:sym w:font="Wingdings" w:char="F09A"/></w:r>'),
    _CENTRED.format(
        '<w:r><w:rPr><w:rFonts w:ascii="Wingdings"/></w:rPr><w:t>v v</w:t></w:r>'
    ),
    _CENTRED.format("<w:r><w:t>xxx</w:t></w:r>"),
    '<w:p><w:r><w:br w:type="page"/></w:r></w:p>', "<w:p><w:r><w:br/></w:r></w:p>",
    "<w:p><w:r><w:tab/></w:r></w:p>", "<w:p><w:r><w:t>\u00a0</w:t></w:r></w:p>",
    "<w:p><w:r><w:t>*</w:t><w:tab/><w:t>*</w:t></w:r><w:r><w:tab/><w:t>*</w:t></w:r></w:p>",
    "<w:p><w:r><w:rPr><w:b/></w:rPr><w:t>***</w:t></w:r></w:p>",
    "<w:p><w:r><w:rPr><w:i/></w:rPr><w:t>~</w:t></w:r></w:p>",
    '<w:p><w:pPr><w:pStyle w:val="Heading3"/></w:pPr><w:r><w:t>* * *</w:t></w:r></w:p>',
    '<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>***</w:t></w:r></w:p>',
    "<w:p/><w:p><w:r><w:t>***</w:t></w:r></w:p><w:p/>",
    "<w:p><w:r><w:t>*</w:t><w:br/><w:t>*</w:t><w:br/><w:t>*</w:t></w:r></w:p>",
    "<w:p><w:r><w:t>*</w:t></w:r></w:p>" * 3,
]  # fmt: skip
OPEN_DOCUMENT = [
    "<text:p/>", "<text:p/>" * 2, "<text:p/>" * 3,
    '<text:p text:style-name="Horizontal_20_Line"/>', "<text:p><text:s/></text:p>",
    "<text:p><text:line-break/></text:p>", "<text:p><text:tab/></text:p>",
    "<text:p>*<text:tab/>*<text:tab/>*</text:p>", '<text:p>*<text:s text:c="4"/>*</text:p>',
    '<text:h text:outline-level="3">* * *</text:h>', '<text:h text:outline-level="1">***</text:h>',
    "<text:p><text:span>***</text:span></text:p>", "<text:p>***</text:p>" * 3,
    "<text:p>*<text:line-break/>*<text:line-break/>*</text:p>",
]  # fmt: skip
PLAIN = [
    "", "\n", "\n\n", " " * 33 + "*", "\t***", "*       *       *", "_____", "***\n***", "-" * 68,
    "\u3000\u3000◆", "\u3000\u3000\u3000＊＊＊", "[Scene break]", "*\n\n*\n\n*",
]  # fmt: skip
_PICTURE = '<img src="o.png" alt="{}"/>'
BOOK = [
    "<hr/>", '<hr class="tb"/>', "<p> </p>", "<p>&nbsp;</p>", "<p><br/></p>", "<p/>", "<p> </p>",
    "<p>&#8203;</p>", '<p class="blank"></p>', '<p class="c">❦</p>', "<div>***</div>",
    '<div class="center"><p>***</p></div>', f'<div class="break">{_PICTURE.format("")}</div>',
    f"<p>{_PICTURE.format('* * *')}</p>", f'<p class="sb">{_PICTURE.format("ornament")}</p>',
    f"<figure>{_PICTURE.format('')}</figure>", "<center>***</center>", "<h3>* * *</h3>",
    "<h2>***</h2>", "<blockquote><p>***</p></blockquote>", "<br/>", "<p>*<br/>*<br/>*</p>",
    "<p><span>*</span> <span>*</span></p>", "<p><b>***</b></p>", "<p><em>~</em></p>",
    '<div class="scenebreak"><hr/></div>', "<section><hr/></section>", "<p>&#8258;</p>",
    "<div>&#160;</div>", "<p>&#160;</p>" * 2, "<p>***</p><hr/>", "<hr/><p>***</p>",
    '<p class="spacebreak">&#160;</p>', '<p class="asterism">q</p>', "<ul><li>***</li></ul>",
    "<!-- scene break -->", '<div class="sep"/>',
    "<div><svg xmlns='http://www.w3.org/2000/svg'><path d='M0 0'/></svg></div>",
]  # fmt: skip
MARKDOWN = [
    "***", "---", "___", "* * *", "- - -", "****", "*** ***", "* *", "**", "--", "#", "##", "# # #",
    "+", "+++", "+ + +", "===", "```", "> ***", "  ***", "     * * *", "\t* * *", "\\", "\\#",
    "\\* \\* \\*", "\\*\\*\\*", "\\-\\-\\-", "**\\***", "*~*", "`* * *`", "***\n***",
    "* * * {.x}", "[* * *]", "&nbsp;", "&emsp;", "&#8195;", " ", "&#42; &#42;", "&ast;&ast;",
    "&#8258;", "&mdash; &mdash;", "<hr>", '<hr class="x" />', "<br>", "<br><br>", "\n", "\n\n",
    "<center>***</center>", "<center>\n***\n</center>", '<p align="center">~</p>',
    '<div style="text-align:center">* * *</div>', "<p>&nbsp;</p>", "![](ornament.png)",
    '<img src="o.png" alt="">', "\\newpage", "\\pagebreak", "&nbsp;\n\n***\n\n&nbsp;", "%%",
    "<!-- scene break -->", '<div class="sep"/>', '<div class="scene-break" />', "<p></p>",
]  # fmt: skip
PAGE = [
    "<hr>", "<p>&nbsp;</p>", "<p><br></p>", "<br><br>", "<center>***</center>", "<img src=o.png>",
    "<p align=center>* * *</p>", "<p style='text-align:center'>o</p>",
]  # fmt: skip
RICH_TEXT = [
    r"\pard\par", r"\pard\par\pard\par", r"\pard\brdrb\brdrs\brdrw10 \par", r"\pard\qc ***\par",
    r"\page", r"\pard\qc xxx\par", r"{\pard\qc\i ~\par}", r"\pard\line\par",
]  # fmt: skip
NOVEL_WRITER = ["### A scene", "### ***", "[vspace]", "[vspace:2]", ">> * * * <<"]
CASES = {
    "docx": WORD, "odt": OPEN_DOCUMENT, "fodt": OPEN_DOCUMENT, "txt": PLAIN, "epub": BOOK,
    "html": PAGE, "md": MARKDOWN, "rtf": RICH_TEXT, "nwd": NOVEL_WRITER,
}  # fmt: skip


@pytest.mark.parametrize("kind", CASES)
def test_what_parts_scenes(tmp_path: Path, kind: str) -> None:
    wrong = []
    for sign in CASES[kind]:
        book = read_manuscript(write(tmp_path / f"story.{kind}", story(sign), raw=True))
        if scenes_in(book) != SCENES or len(book.scene_breaks) != 2:
            wrong.append(sign)
    assert wrong == []


EMPTY = {
    "docx": "<w:p/>", "odt": "<text:p/>", "epub": "<p>\u00a0</p>", "md": "&nbsp;", "txt": "\n",
}  # fmt: skip


@pytest.mark.parametrize("kind", EMPTY)
def test_an_empty_paragraph_after_each_is_the_usual(tmp_path: Path, kind: str) -> None:
    empty = EMPTY[kind]

    def scenes(mark: str) -> list[list[int]]:
        parts = [
            part for role, text in story(mark) if text for part in ((role, text), ("mark", empty))
        ]
        return scenes_in(read_manuscript(write(tmp_path / f"story.{kind}", parts, raw=True)))

    asterisks = {
        "docx": "<w:p><w:r><w:t>***</w:t></w:r></w:p>", "odt": "<text:p>***</text:p>",
        "epub": "<p>***</p>",
    }.get(kind, "***")  # fmt: skip
    assert scenes(asterisks) == SCENES
    assert scenes(empty) == SCENES  # two more: the usual one, and the one after the mark
    assert scenes("") == [[*SCENES[0], *SCENES[1], *SCENES[2]], SCENES[3]]


@pytest.mark.parametrize("kind", EMPTY)
def test_rules_and_space_beside_headings_part_nothing(tmp_path: Path, kind: str) -> None:
    mark = {"docx": _RULE.format("bottom"), "odt": OPEN_DOCUMENT[3], "epub": "<hr/>"}.get(
        kind, "***"
    )
    parts = []
    for role, text in story(mark):
        beside = [("mark", mark), ("mark", EMPTY[kind])]
        parts += [*beside, (role, text), *reversed(beside)] if role == "heading" else [(role, text)]
    book = read_manuscript(write(tmp_path / f"story.{kind}", [*parts, ("mark", mark)], raw=True))
    assert scenes_in(book) == SCENES and len(book.scene_breaks) == 2


@pytest.mark.parametrize(
    "rule", ["---", "***", "___", "* * *", "- - -", "------", "===", "❦", "# #"]
)
@pytest.mark.parametrize("tight", ["{}\n{}\n\n{}", "{}\n\n{}\n{}", "{}\n{}\n{}"])
def test_a_rule_right_beside_a_paragraph_in_markdown(tmp_path: Path, rule: str, tight: str) -> None:
    path = write(tmp_path / "story.md", story(rule), raw=True)
    text = path.read_text("utf-8")
    path.write_text(text.replace(f"\n\n{rule}\n\n", tight.format("", rule, "")), "utf-8")
    book = read_manuscript(path)
    assert scenes_in(book) == SCENES and len(book.chapters) == 2
    assert sentence(4) in book.text.split("\n\n")


@pytest.mark.parametrize(
    "css",
    [
        "p{margin:0} .next{margin-top:2em}",
        "p{margin:0;text-indent:1em} p.next{margin:30px 0 0 0}",
        "p{margin:1em 0} .next{margin-top:3em}", ".next{padding-top:40pt} p{margin:0}",
        "p{margin:0} div.next > p, p.next{margin:5% 0 0;text-indent:0}",
    ],
)  # fmt: skip
def test_a_margin_in_a_book(tmp_path: Path, css: str) -> None:
    parts = story("<!---->")
    path = write(tmp_path / "story.epub", parts, raw=True, css=css)
    members = {}
    with ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content.replace(b"<!----><p>", b'<p class="next">'))
    assert scenes_in(read_manuscript(path)) == SCENES


@pytest.mark.parametrize("sign", ["***", "* * *", "    *", "❦", "-----", "\u3000\u3000＊＊＊"])
@pytest.mark.parametrize("indent", ["", "    "])
def test_a_mark_between_lines_of_plain_text(tmp_path: Path, sign: str, indent: str) -> None:
    lines = []
    for role, words in story(sign):
        shown = fill(words, 60, initial_indent=indent) if role == "paragraph" else words
        lines.append(f"\n{shown}\n" if role == "heading" else shown)
    path = tmp_path / "story.txt"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    book = read_manuscript(path)
    assert len(book.scene_breaks) == 2 and len(book.scenes) == 4
    if indent:
        assert scenes_in(book) == SCENES


@pytest.mark.parametrize(
    ("kind", "mark"),
    [
        ("docx", '<w:p><w:r><w:br w:type="page"/></w:r></w:p>'), ("md", "\\newpage"),
        ("md", "<!-- pagebreak -->"), ("rtf", r"\page"),
    ],
)  # fmt: skip
def test_new_pages_beside_marks_part_nothing(tmp_path: Path, kind: str, mark: str) -> None:
    parts = story(mark)
    words = {"docx": "<w:p><w:r><w:t>***</w:t></w:r></w:p>", "rtf": r"\pard ***\par"}
    parts.insert(3, ("mark", words.get(kind, "***")))
    book = read_manuscript(write(tmp_path / f"story.{kind}", parts, raw=True))
    assert scenes_in(book) == [[1, 2], [3, 4, 5, 6, 7, 8, 9], [10, 11, 12, 13]]


def test_a_paragraph_set_in_from_both_sides_parts_no_scenes(tmp_path: Path) -> None:
    space = '<w:spacing w:before="240" w:after="240"/><w:ind w:left="720" w:right="720"/>'
    letter = (
        f"<w:p><w:pPr>{space}</w:pPr><w:r><w:t>Boat 40 left, and nobody waved.</w:t></w:r></w:p>"
    )
    book = read_manuscript(write(tmp_path / "story.docx", story(letter), raw=True))
    assert "Boat 40" in book.text
    assert not book.scene_breaks


BOX = (
    '<w:p><w:r><w:pict xmlns:v="urn:schemas-microsoft-com:vml"><v:textbox><w:txbxContent>'
    "<w:p><w:r><w:t>Boat 40 left, and nobody waved.</w:t></w:r></w:p></w:txbxContent></v:textbox>"
    "</w:pict></w:r></w:p>"
)


def test_a_paragraph_that_anchors_a_text_box_is_no_empty_line(tmp_path: Path) -> None:
    parts = story(BOX)
    del parts[7]
    book = read_manuscript(write(tmp_path / "story.docx", parts, raw=True))
    assert "Boat 40" in book.text
    assert len(book.scenes) == 2
