"""EPUBs of many programs: chapters, scenes, emphasis, and what is no word of the story."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest

from seqctx import Book, InputError, read_manuscript
from seqctx.prepare.readers.blocks import Block
from seqctx.prepare.readers.elements import Picture
from seqctx.prepare.readers.labels import Label, Labels
from tests.prepare.book_files import PROSE, book, paragraphs, png
from tests.prepare.office_files import Members


def titles(read: Book) -> list[str]:
    return [chapter.title for chapter in read.chapters]


def left_out(read: Book) -> dict[str, int]:
    found: Counter[str] = Counter()
    for part in read.left_out:
        found[part.kind] += part.words
    return dict(found)


THREE = [paragraphs(0, 6), paragraphs(3, 9), paragraphs(5, 11)]
NAMED = [("The Weir", "t0.xhtml"), ("The Mill", "t1.xhtml"), ("The Quay", "t2.xhtml")]


@pytest.mark.parametrize("form", ["nav", "ncx"])
def test_contents_name_chapters_without_headings(tmp_path: Path, form: str) -> None:
    path = book(tmp_path / "a.epub", *THREE, **{form: NAMED})  # type: ignore[arg-type]
    assert titles(read_manuscript(path)) == ["The Weir", "The Mill", "The Quay"]


def test_a_paragraph_that_says_the_title_is_the_heading(tmp_path: Path) -> None:
    heads = ['<p class="n">1</p><p class="t">The Weir</p>', "<p><b>THE MILL</b></p>", ""]
    pages = [head + body for head, body in zip(heads, THREE, strict=True)]
    path = book(tmp_path / "a.epub", *pages, ncx=[("1. The Weir", "t0.xhtml"), *NAMED[1:]])
    read = read_manuscript(path)
    assert titles(read) == ["1: The Weir", "THE MILL", "The Quay"]
    assert read.text.count("Weir") == 1 and "**" not in read.text


def test_a_title_with_a_fragment_marks_a_place_inside_a_document(tmp_path: Path) -> None:
    body = (
        f'<p id="a"/>{THREE[0]}<div id="b">{THREE[1]}</div><p><a id="c"/>Low water.</p>{THREE[2]}'
    )
    places = [("One", "t0.xhtml#a"), ("Two", "t0.xhtml#b"), ("Three", "t0.xhtml#c")]
    read = read_manuscript(book(tmp_path / "a.epub", body, nav=places))
    assert titles(read) == ["One", "Two", "Three"]
    assert read.text[read.chapters[2].span.start :].startswith("Three\n\nLow water.")


def test_headings_win_over_the_contents(tmp_path: Path) -> None:
    pages = [f"<h2>{k}</h2>{body}" for k, body in enumerate(THREE, 1)]
    named = [(f"Chapter {k}: {text}", href) for k, (text, href) in enumerate(NAMED, 1)]
    assert titles(read_manuscript(book(tmp_path / "a.epub", *pages, nav=named))) == ["1", "2", "3"]


def test_signs_above_a_place_are_not_its_title() -> None:
    text = Block("paragraph", "Nobody said a word until she came back. " * 10)
    items: list[Block | Picture] = [text, Block("heading", "* * *"), text]
    found = Labels([Label("The Weir", 1, "a", "x")]).headed(items, "a", {"x": 2})
    assert [block.text for block in found if block.text != text.text] == ["* * *", "The Weir"]


def test_pages_without_a_chapter_get_no_heading(tmp_path: Path) -> None:
    pages = ["<p>The Ferry House</p>", "<p>For Maud.</p>", *THREE]
    named = [("Cover", "t0.xhtml"), ("Dedication", "t1.xhtml")]
    named += [(text, f"t{k}.xhtml") for k, (text, _) in enumerate(NAMED, 2)]
    read = read_manuscript(book(tmp_path / "a.epub", *pages, nav=named))
    assert "Cover" not in read.text and "Dedication" not in read.text
    assert titles(read)[-3:] == ["The Weir", "The Mill", "The Quay"]


def test_a_chapter_goes_on_in_the_next_file(tmp_path: Path) -> None:
    pages = [f"<h1>The Weir</h1>{THREE[0]}", THREE[1], f"<h1>The Quay</h1>{THREE[2]}"]
    read = read_manuscript(book(tmp_path / "a.epub", *pages, ncx=[NAMED[0], NAMED[2]]))
    assert titles(read) == ["The Weir", "The Quay"] and not read.scene_breaks


def test_contents_in_the_spine_are_left_out(tmp_path: Path) -> None:
    spine = '<itemref idref="nav"/><itemref idref="t0"/><itemref idref="t1"/>'
    pages = [f"<h1>The Weir</h1>{THREE[0]}", f"<h1>The Mill</h1>{THREE[1]}"]
    read = read_manuscript(book(tmp_path / "a.epub", *pages, nav=NAMED[:2], spine=spine))
    assert titles(read) == ["The Weir", "The Mill"] and left_out(read) == {"contents": 4}


NOTE_MARKS = {
    "pandoc": '<a href="t1.xhtml#fn1" class="footnote-ref" id="fnref1"><sup>17</sup></a>',
    "word": '<a href="t1.xhtml#fn1" name="r1"><span class="MsoFootnoteReference">[17]</span></a>',
    "gutenberg": '<a id="FNanchor_1"></a><a href="t1.xhtml#fn1" class="fnanchor">[17]</a>',
    "calibre": '<sup class="calibre3"><a href="t1.xhtml#fn1" id="r1">17</a></sup>',
    "css": '<a class="up" href="t1.xhtml#fn1">17</a>',
    "css around": '<span class="up"><a href="t1.xhtml#fn1">17</a></span>',
    "epub:type": '<a epub:type="noteref" href="t1.xhtml#fn1">17</a>',
    "aria": '<a role="doc-noteref" href="t1.xhtml#fn1">(17)</a>',
    "star": '<sup><a href="t1.xhtml#fn1">*</a></sup>',
}


@pytest.mark.parametrize("mark", NOTE_MARKS.values(), ids=NOTE_MARKS)
def test_marks_of_notes_are_no_words(tmp_path: Path, mark: str) -> None:
    story = f"<h2>One</h2><p>The bell rang.{mark} Nobody came.</p>{THREE[0]}"
    note = '<p id="fn1"><a href="t0.xhtml#r1">17</a> A remark.</p>'
    read = read_manuscript(book(tmp_path / "a.epub", story, note, css=".up{vertical-align:super}"))
    assert "The bell rang. Nobody came." in read.text and "remark" not in read.text
    assert left_out(read)["note mark"] == 1 and left_out(read)["endnotes"] == 3


def test_links_that_are_no_marks_of_notes_stay(tmp_path: Path) -> None:
    words = (
        'See <a href="t0.xhtml#x">7</a>, <a href="http://example.org/#a">[8]</a>, 9<sup>th</sup>.'
    )
    read = read_manuscript(book(tmp_path / "a.epub", f"<p>{words}</p><p id='x'>Story.</p>"))
    assert read.text.startswith("See 7, [8], 9th.") and read.text.endswith("Story.")


PAGE_NUMBERS = {
    "epub3": '<span epub:type="pagebreak" id="p4" title="412">412</span>',
    "aria": '<span role="doc-pagebreak" aria-label="412">412</span>',
    "class": '<a class="pagenum" id="page_412">[412]</a>',
    "gutenberg": '<span class="pagenum"><a id="Page_412">[Pg 412]</a></span>',
    "ebookmaker": '<span class="x-ebookmaker-pageno" title="412"><a id="Page_412">412</a></span>',
    "id alone": '<a id="page_412">412</a>',
    "name": '<a name="pg412">{412}</a>',
    "roman": '<span class="pageno">xii</span>',
}


@pytest.mark.parametrize("number", PAGE_NUMBERS.values(), ids=PAGE_NUMBERS)
def test_numbers_of_printed_pages_are_no_words(tmp_path: Path, number: str) -> None:
    body = f"<p>The bell {number}rang.</p><p>{number}</p>{THREE[0]}"
    read = read_manuscript(book(tmp_path / "a.epub", body))
    assert read.text.startswith("The bell rang.\n\nThe lantern")
    assert left_out(read)["page number"] in (2, 4) and not read.scene_breaks


def test_emphasis_by_style_sheets(tmp_path: Path) -> None:
    css = """
    /* .none { font-style: italic } */
    .i1, .x { font-style: italic; } em.up { font-style: normal }
    .b { font-weight: 700 } #one { font: italic 1em/1.2 serif }
    .letter p { font-style: italic } p.n span { font-style: normal }
    @media amzn-mobi { .k { font-style: italic } }
    .d { float: left; font-size: 3em; font-weight: bold } .sc { font-variant: small-caps }
    p::first-line { font-weight: bold } i { font-style: normal } p + p { font-style: italic }
    """
    body = (
        '<p><span class="d">T</span>he <span class="i1">very</span> <span class="b">old</span> '
        '<em class="up">upright</em> <span id="one">one</span> <span class="k">on</span> a '
        '<span style="font-style:oblique">slope</span> in <span class="sc">small caps</span>, '
        '<i>still</i>, <span class="none">no</span>.</p>'
        '<div class="letter"><p>Dear Maud.</p></div>'
    )
    read = read_manuscript(book(tmp_path / "a.epub", body, css=css))
    assert read.text == (
        "The *very* **old** upright *one* on a *slope* in small caps, *still*, no.\n\n*Dear Maud.*"
    )


def test_style_sheets_that_import_others_and_sheets_within_documents(tmp_path: Path) -> None:
    more: Members = {"OEBPS/css/more.css": ".a{font-style:italic}"}
    path = book(
        tmp_path / "a.epub", '<p><span class="a">One</span> <span class="b">two</span></p>',
        css='@charset "utf-8"; @import url("more.css");', more=more,
        head="<style>.b{font-style:italic}</style>",
    )  # fmt: skip
    assert read_manuscript(path).text == "*One* *two*"


SPACES = {
    "class": ("p{margin:0} .s{margin-top:2em}", '<p class="s">{}</p>'),
    "long-hand": ("p{margin-top:0;margin-bottom:0} p.s{margin-top:24pt}", '<p class="s">{}</p>'),
    "short-hand of three": ("p{margin:0} .s{margin:30px 0 0}", '<p class="s">{}</p>'),
    "percent": ("p{margin:0} .s{margin-top:6%}", '<p class="s">{}</p>'),
    "style attribute": ("p{margin:0}", '<p style="margin-top:2em">{}</p>'),
    "padding": ("p{margin:0} .s{padding-top:2em}", '<p class="s">{}</p>'),
    "division": ("p{margin:0} .s{margin-top:2em}", '<div class="s"><p>{}</p></div>'),
    "below another": ("p{margin:.5em 0} div p.s{margin-top:3em}", '<p class="s">{}</p>'),
    "beyond the usual": (".s{margin-top:3em}", '<p class="s">{}</p>'),
    "space below": (
        "p{margin:0}",
        '<p class="last" style="margin-bottom:2em">Dusk fell.</p><p>{}</p>',
    ),
}


@pytest.mark.parametrize(("css", "tag"), SPACES.values(), ids=SPACES)
def test_space_by_style_sheets_parts_scenes(tmp_path: Path, css: str, tag: str) -> None:
    scene = tag.replace("{}", "At dawn they left.")
    part = f"{paragraphs(0, 5)}{scene}{paragraphs(6, 12)}"
    read = read_manuscript(
        book(tmp_path / "a.epub", f"<h2>One</h2><div>{part}{part}</div>", css=css)
    )
    assert len(read.scene_breaks) == 2
    assert all(read.text[x.end :].startswith("\n\nAt dawn") for x in read.scene_breaks)


@pytest.mark.parametrize(
    "css",
    [
        "p{margin:1em 0}", "p{margin:0} .letter{margin:2em 3em}",
        "p{margin:0} h2+p{margin-top:3em}",
        "p{margin:0} .letter p{margin:2em 2em 0}", "body{margin:5%} p{margin:0}",
        "p{margin:0} .letter{padding:1em 2em}",
    ],
)  # fmt: skip
def test_other_space_parts_no_scenes(tmp_path: Path, css: str) -> None:
    letter = f'<div class="letter">{paragraphs(2, 4)}</div>'
    body = f"<h2>One</h2>{paragraphs(0, 5)}{letter}{paragraphs(6, 12)}"
    assert not read_manuscript(book(tmp_path / "a.epub", body, css=css)).scene_breaks


BREAKS = {
    "rule": '<hr class="tb"/>', "no-break space": "<p>\u00a0</p>", "named space": "<p>&nbsp;</p>",
    "line break": "<p><br/></p>", "empty paragraph": "<p></p>", "class": '<p class="scene-break"/>',
    "empty span": '<p class="c0"><span class="c1"></span></p>',
    "line break between": "<br/>", "division": "<div>\u00a0</div>",
    "class and signs": '<p class="ornamental-break">§§</p>',
    "calibre": '<p class="calibre2"><span class="calibre5">* * *</span></p>',
    "vellum": '<div class="ornamental-break"><p class="as-text">❧</p></div>',
    "content": '<p class="gen"></p>', "border": '<div class="ruled"></div>',
    "background": '<p class="pic"/>',
    "picture": '<p class="orn"><img src="orn.png" alt=""/></p>',
    "picture in a division": '<div><img src="orn.png" alt="* * *"/></div>',
    "picture in nothing": '<img src="orn.png" alt="scene break"/>',
    "picture in a figure": '<figure><img src="orn.png" alt="ornament"/></figure>',
    "drawing": '<div class="break"><svg viewBox="0 0 200 20"><path d="M0 0"/></svg></div>',
    "flat picture": '<p><img src="flat.png" alt=""/></p>',
    "named picture": '<p><img src="fleuron.jpg" alt="Image"/></p>',
}  # fmt: skip


@pytest.mark.parametrize("mark", BREAKS.values(), ids=BREAKS)
def test_breaks_of_many_programs(tmp_path: Path, mark: str) -> None:
    body = f"<h2>One</h2>{paragraphs(0, 4)}{mark}{paragraphs(4, 8)}{mark}{paragraphs(8, 12)}"
    css = (
        '.gen::before{content:"* * *"} .ruled{border-top:1px solid #000} '
        ".pic{background:url(orn.png)}"
    )
    more: Members = {"OEBPS/orn.png": png(60, 40), "OEBPS/flat.png": png(1200, 90)}
    read = read_manuscript(book(tmp_path / "a.epub", body, css=css, more=more))
    assert len(read.scene_breaks) == 2 and not set(left_out(read)) - {"illustration"}


NO_BREAKS = {
    "illustration": '<p><img src="large.png" alt=""/></p>',
    "picture with words": '<div><img src="orn.png" alt="The ferry at low water"/></div>',
    "place of a page": '<p><a id="page_7"/></p>',
    "empty division": '<div class="calibre3"></div>',
    "hidden rule": '<hr style="display:none"/>',
    "comment": "<!-- the break of day -->",
}


@pytest.mark.parametrize("mark", NO_BREAKS.values(), ids=NO_BREAKS)
def test_what_parts_no_scenes(tmp_path: Path, mark: str) -> None:
    body = f"<h2>One</h2>{paragraphs(0, 4)}{mark}{paragraphs(4, 12)}"
    more: Members = {"OEBPS/orn.png": png(60, 40), "OEBPS/large.png": png(900, 1200)}
    read = read_manuscript(book(tmp_path / "a.epub", body, more=more))
    assert not read.scene_breaks and "ferry" not in read.text


def test_words_of_pictures_and_captions_are_counted(tmp_path: Path) -> None:
    body = (
        f'<h2>One</h2>{THREE[0]}<figure><img src="large.png" alt="A boat in the reeds"/>'
        "<figcaption>The boat, at noon</figcaption></figure>"
        '<div class="figcenter"><img src="large.png" alt=""/><p class="caption">Low water</p>'
        f"</div>{THREE[1]}"
    )
    more: Members = {"OEBPS/large.png": png(900, 1200)}
    read = read_manuscript(book(tmp_path / "a.epub", body, more=more))
    assert left_out(read) == {"illustration": 5, "caption": 6}
    assert "boat" not in read.text and not read.scene_breaks


def test_a_letter_in_a_figure_is_the_story(tmp_path: Path) -> None:
    letter = '<figure class="letter"><p>Dear Maud, come.</p></figure>'
    read = read_manuscript(book(tmp_path / "a.epub", f"<h2>One</h2>{THREE[0]}{letter}{THREE[1]}"))
    assert "Dear Maud, come." in read.text


def test_headings_that_are_pictures(tmp_path: Path) -> None:
    pages = [f'<h2><img src="h.png" alt="Chapter {k}"/></h2>{p}' for k, p in enumerate(THREE, 1)]
    assert titles(read_manuscript(book(tmp_path / "a.epub", *pages))) == [
        "Chapter 1", "Chapter 2", "Chapter 3",
    ]  # fmt: skip


def test_a_first_letter_that_is_a_picture_opens_its_word(tmp_path: Path) -> None:
    body = (
        '<p><span class="dc"><img src="i.png" alt="T"/></span>he bell.</p><p><img alt="T"/> it.</p>'
    )
    assert read_manuscript(book(tmp_path / "a.epub", body)).text == "The bell.\n\nit."


def test_readings_are_counted_and_lines_of_japanese_are_joined(tmp_path: Path) -> None:
    body = (
        "<p>雨が降って\n   いたので、\n <ruby>渡<rp>（</rp><rt>わた</rt></ruby>し守は"
        "<i>来な\n</i>\nかった。</p>"
    )
    read = read_manuscript(book(tmp_path / "a.epub", body + "<p>Two\nwords <b>and\n</b> more.</p>"))
    assert read.text == "雨が降っていたので、渡し守は*来な*かった。\n\nTwo words **and** more."
    assert "reading" in left_out(read)


def test_lines_of_verse(tmp_path: Path) -> None:
    body = (
        "<p>Row the boat,<br/>\n    row <i>the</i> boat, <br/><span>\n nobody</span> "
        "waits.<br/></p>"
    )
    assert read_manuscript(book(tmp_path / "a.epub", body)).text == (
        "Row the boat,\nrow *the* boat,\nnobody waits."
    )


def test_two_line_breaks_part_paragraphs(tmp_path: Path) -> None:
    body = "<div>One.<br/><br/>Two.<br/>\n<br/>Three,<br/>still.</div>"
    assert read_manuscript(book(tmp_path / "a.epub", body)).text == "One.\n\nTwo.\n\nThree,\nstill."


def test_lines_of_prose_are_paragraphs_and_lines_of_verse_are_not(tmp_path: Path) -> None:
    body = "<p>" + "<br/>".join([*PROSE, "“No.”"]) + "</p><p>" + "Row the boat,<br/>" * 4 + "</p>"
    assert len(read_manuscript(book(tmp_path / "a.epub", body)).paragraphs) == len(PROSE) + 2


def test_documents_that_are_not_linear_are_told(tmp_path: Path) -> None:
    spine = '<itemref idref="t0"/><itemref idref="t1" linear="no"/><itemref idref="t2"/>'
    pages = [f"<h2>{k}</h2>{'<p>Some more of it.</p>' * 12}" for k in (1, 2, 3)]
    pages[1] = "<p>A map of the river.</p>"
    read = read_manuscript(book(tmp_path / "a.epub", *pages, spine=spine))
    assert left_out(read) == {"not linear": 5}


def test_hidden_words_are_counted(tmp_path: Path) -> None:
    body = (
        '<p>Seen.<span class="h"> Unseen.</span></p><p class="h">Not seen.</p>'
        "<div hidden='hidden'><p>Nor this.</p></div>"
    )
    read = read_manuscript(book(tmp_path / "a.epub", body + THREE[0], css=".h{display:none}"))
    assert read.text.startswith("Seen.\n\nThe lantern")
    assert left_out(read) == {"hidden text": 5}


@pytest.mark.parametrize(
    "more",
    [
        {"META-INF/encryption.xml": '<e><EncryptedData><EncryptionMethod Algorithm="http://www.w3.org/'
         '2001/04/xmlenc#aes128-cbc"/><CipherReference URI="OEBPS/t0.xhtml"/></EncryptedData></e>'},
        {"META-INF/sinf.xml": "<fairplay/>"}, {"META-INF/license.lcpl": "{}"},
    ],
)  # fmt: skip
def test_copy_protection_is_named(tmp_path: Path, more: Members) -> None:
    with pytest.raises(InputError, match=r"locked by copy protection \(DRM\)"):
        read_manuscript(book(tmp_path / "a.epub", "<p>Text.</p>", more=more))


def test_obfuscated_fonts_of_any_name_are_no_lock(tmp_path: Path) -> None:
    lock = (
        '<e><EncryptionMethod Algorithm="http://www.idpf.org/2008/embedding"/>'
        '<CipherReference URI="OEBPS/font_rsrc1.dat"/></e>'
    )
    path = book(tmp_path / "a.epub", "<p>Text.</p>", more={"META-INF/encryption.xml": lock})
    assert read_manuscript(path).text == "Text."


def test_titles_of_two_lines_and_dots_of_emphasis(tmp_path: Path) -> None:
    css = ".n, .line { display: block } .dots { -epub-text-emphasis-style: filled sesame }"
    body = (
        '<h2><span class="n">1</span><span class="n">Ice</span></h2>'
        '<p>雨<span class="dots">雨</span></p><p><span class="line">Row the boat,</span>\n'
        '<span class="line">nobody waits.</span><br/></p>'
    )
    read = read_manuscript(book(tmp_path / "a.epub", body, css=css))
    assert titles(read) == ["1 Ice"]
    assert read.text.endswith("雨*雨*\n\nRow the boat,\nnobody waits.")


def test_damaged_pictures_and_sheets_stop_nothing(tmp_path: Path) -> None:
    path = book(
        tmp_path / "a.epub", f'{THREE[0]}<p><img src="o.png" alt=""/></p>{THREE[1]}', css=".a{}",
        more={"OEBPS/o.png": b"\x89PNG" + b"x" * 400},
    )  # fmt: skip
    raw = path.read_bytes()
    at = raw.index(b"OEBPS/o.png") + len("OEBPS/o.png")
    path.write_bytes(raw[:at] + b"\xff" * 3 + raw[at + 3 :])
    assert len(read_manuscript(path).paragraphs) == 12


@pytest.mark.parametrize(
    "css",
    [
        "a{" * 50_000, ".a " * 100_000 + "{margin:0}", ".a,p{margin:0}" * 50_000, "}" * 100_000,
        "/*" * 50_000, "@media x{" * 50_000, ".a p{margin:1em}" * 20_000,
        "@import 'style.css';" * 9999,
        "p{margin:" + "1em " * 50_000 + "}", "p{" + "margin:1em;" * 50_000 + "}", "\0" * 1000,
    ],
    ids=lambda css: css[:12],
)  # fmt: skip
def test_odd_style_sheets_take_little_time(tmp_path: Path, css: str) -> None:
    depth = "<div class='a'>" * 50 + paragraphs(0, 400) + "</div>" * 50
    path = book(tmp_path / "a.epub", *[depth] * 3, css=css)
    start = time.process_time()
    assert read_manuscript(path).text.startswith("The lantern")
    assert time.process_time() - start < 8


@pytest.mark.parametrize(
    "heading",
    [
        '<h2><img src="a.png" alt="" title="{}"/></h2>', '<h2 title="{}"><img src="a.png"/></h2>',
        '<div class="head"><img src="a.png" alt="{}"/></div>',
    ],
)  # fmt: skip
def test_headings_in_pictures_by_title_or_without_an_element(tmp_path: Path, heading: str) -> None:
    titles = ["Chapter One", "Chapter Two"]
    pages = [heading.format(title) + paragraphs(0, 5) for title in titles]
    found = read_manuscript(book(tmp_path / "a.epub", *pages))
    assert [chapter.title for chapter in found.chapters] == titles


def test_a_division_that_is_a_page_number(tmp_path: Path) -> None:
    number = '<div epub:type="pagebreak">413</div>'
    found = read_manuscript(book(tmp_path / "a.epub", paragraphs(0, 3) + number + paragraphs(3, 6)))
    assert "413" not in found.text


def test_the_title_above_each_chapter(tmp_path: Path) -> None:
    pages = [
        f"<h1>The Ferry House</h1><h2>{title}</h2>{paragraphs(0, 5)}" for title in ("One", "Two")
    ]
    found = read_manuscript(book(tmp_path / "a.epub", *pages))
    assert [chapter.title for chapter in found.chapters] == ["One", "Two"]
    assert "The Ferry House" not in found.text


@pytest.mark.parametrize("name", ["sb", "sep", "stars", "transition", "spacer", "szenentrenner"])
def test_empty_divisions_between_scenes(tmp_path: Path, name: str) -> None:
    body = f'<h2>One</h2>{paragraphs(0, 4)}<div class="{name}"></div>{paragraphs(4, 8)}'
    found = read_manuscript(book(tmp_path / "a.epub", body))
    assert len(found.scene_breaks) == 1
