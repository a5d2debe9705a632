"""Pages of HTML that programs and sites save."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from seqctx import Book, InputError, read_manuscript
from tests.prepare.book_files import book, paragraphs, png

STORY = f"<h2>One</h2>{paragraphs(0, 6)}<hr>{paragraphs(2, 8)}<h2>Two</h2>{paragraphs(4, 10)}"


def page(path: Path, body: str, head: str = "<title>The Ferry House</title>") -> Path:
    path.write_text(
        f"<!DOCTYPE html>\n<html><head>{head}</head><body>{body}</body></html>", "utf-8"
    )
    return path


def left_out(read: Book) -> dict[str, int]:
    found: Counter[str] = Counter()
    for part in read.left_out:
        found[part.kind] += part.words
    return dict(found)


def titles(read: Book) -> list[str]:
    return [chapter.title for chapter in read.chapters]


@pytest.mark.parametrize("name", ["a.html", "a.htm", "a.xhtml", "A.HTML"])
def test_a_page(tmp_path: Path, name: str) -> None:
    head = (
        "<title>The Ferry House</title><style>p{margin:0}</style><script>var n = '<p>x';</script>"
    )
    read = read_manuscript(page(tmp_path / name, STORY, head))
    assert read.title == "The Ferry House" and titles(read) == ["One", "Two"]
    assert len(read.scene_breaks) == 1 and not read.left_out
    assert "var n" not in read.text and "margin" not in read.text


def test_pages_are_found_in_a_folder(tmp_path: Path) -> None:
    for k in (1, 2):
        page(tmp_path / f"{k}.html", f"<h2>{k}</h2>{paragraphs(k, k + 5)}")
    assert sorted(x.name for x in tmp_path.iterdir()) == ["1.html", "2.html"]
    assert read_manuscript(tmp_path / "2.html").text.startswith("2\n\nThe kettle")


def test_what_a_site_puts_around_a_story_is_no_word_of_it(tmp_path: Path) -> None:
    body = (
        '<nav><a href="/">Home</a> <a href="/all">All stories</a></nav>' + STORY
        + "<button>Like this</button><select><option>Large</option></select>"
        "<noscript>Turn scripts on</noscript><template><p>Not shown</p></template>"
    )  # fmt: skip
    read = read_manuscript(page(tmp_path / "a.html", body))
    assert left_out(read) == {"contents": 3, "page control": 6}
    assert not any(word in read.text for word in ("Home", "Like", "Large", "scripts", "shown"))


ENCODINGS = [
    ("utf-8", ""), ("utf-8-sig", ""), ("utf-16", ""), ("utf-8", '<meta charset="utf-8">'),
    ("cp1252", '<meta http-equiv=Content-Type content="text/html; charset=windows-1252">'),
    ("cp1252", "<meta charset=iso-8859-1>"), ("utf-8", '<meta charset="nonsense">'),
    ("cp1251", '<META CHARSET="windows-1251">'), ("gb18030", "<meta charset=gb2312>"),
    ("shift_jis", "<meta charset='Shift_JIS'>"), ("utf-8", "<meta charset=utf-16>"),
]  # fmt: skip


@pytest.mark.parametrize(("encoding", "meta"), ENCODINGS)
def test_encodings(tmp_path: Path, encoding: str, meta: str) -> None:
    text = {"cp1251": "Поздно вечером он сидел.", "gb18030": "那天晚上下着大雨。"}.get(encoding, "")
    text = text or ("その夜は大雨が降っていた。" if "jis" in encoding else "“Él”, café – naïve.")
    html = f"<html><head>{meta}</head><body><p>{text}</p><p>{text}</p></body></html>"
    (tmp_path / "a.html").write_bytes(html.encode(encoding))
    read = read_manuscript(tmp_path / "a.html")
    assert read.text == f"{text}\n\n{text}" and read.encoding


@pytest.mark.parametrize(
    ("raw", "fact"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0", "binary"), (b"no mark-up at all", "holds no HTML"),
        (b"<html><body></body></html>", "is empty"), (b"", "holds no HTML"),
        (b"<html>" + b"<div>" * 300, "more than 200 elements"),
    ],
)  # fmt: skip
def test_pages_that_cannot_be_read(tmp_path: Path, raw: bytes, fact: str) -> None:
    (tmp_path / "a.html").write_bytes(raw)
    with pytest.raises(InputError, match=fact):
        read_manuscript(tmp_path / "a.html")


def test_a_page_without_closing_tags(tmp_path: Path) -> None:
    (tmp_path / "a.htm").write_text("<P>One <I>two</I> &amp; three\n<P>Four<BR>\nfive &lt;3 < 4")
    assert read_manuscript(tmp_path / "a.htm").text == "One *two* & three\n\nFour\nfive <3 < 4"


def test_capitals_of_a_script_are_no_lost_text(tmp_path: Path) -> None:
    script = "<script>" + "var n = 1; " * 500 + "</SCRIPT>"
    read = read_manuscript(page(tmp_path / "a.html", f"<p>One</b> two</p></i>{script}<p>Three</p>"))
    assert read.text == "One two\n\nThree"


def test_google_docs(tmp_path: Path) -> None:
    css = (
        ".c0{height:11pt} .c1{font-style:italic} .c3{font-weight:700} .c9{text-align:center}"
        "p{margin:0} ul.lst-kix_1-0{list-style-type:none}"
    )
    blank = '<p class="c0"><span class="c4"></span></p>'
    parts = [
        f'<p class="c2"><span class="c4">{p}</span></p>'
        for p in paragraphs(0, 6, "{}|").split("|")[:-1]
    ]
    body = (
        '<h1 class="c2" id="h.x"><span class="c4">One</span></h1>'
        + blank.join([*parts, '<p class="c9"><span>***</span></p>', *parts])
        + blank + '<p><span class="c4">He </span><span class="c1">never</span><span> left.</span>'
        '<sup><a href="#ftnt1" id="ftnt_ref1">[1]</a></sup><sup><a href="#cmnt1" id="cmnt_ref1">[a]'
        '</a></sup></p><hr style="page-break-before:always;display:none;">'
        '<div><p class="c2"><a href="#ftnt_ref1" id="ftnt1">[1]</a><span>&nbsp;A remark.</span></p>'
        '</div><div class="c8"><p class="c2"><a href="#cmnt_ref1" id="cmnt1">[a]</a><span>Cut this?'
        "</span></p></div>"
    )  # fmt: skip
    read = read_manuscript(page(tmp_path / "a.html", body, f"<style>{css}</style>"))
    assert titles(read) == ["One"] and len(read.scene_breaks) == 1
    assert read.text.endswith("He *never* left.")
    assert left_out(read) == {"note mark": 2, "endnotes": 3, "comment": 3}


def test_word_filtered_html(tmp_path: Path) -> None:
    body = (
        "<div class=WordSection1><p class=MsoTitle>The Ferry House</p><h1>One</h1>"
        + paragraphs(0, 5, "<p class=MsoNormal>{}</p>").replace("by the", "by\nthe")
        + "<p class=MsoNormal align=center style='text-align:center'>* * *</p>"
        + paragraphs(5, 10, "<p class=MsoNormal><span lang=EN-GB>{}</span></p>")
        + '<p class=MsoNormal>He <i>never</i> left.<a href="#_ftn1" name="_ftnref1" title="">'
        '<span class=MsoFootnoteReference>[1]</span></a></p><b><span style="font-size:12.0pt">'
        "<br clear=all style='page-break-before:always'></span></b><h1>Two</h1>"
        + paragraphs(3, 8, "<p class=MsoNormal>{}</p>")
        + '</div><div><br clear=all><hr align=left size=1 width="33%"><div id=ftn1>'
        '<p class=MsoFootnoteText><a href="#_ftnref1" name="_ftn1">[1]</a> A remark.</p>'
        "</div></div>"
    )
    head = "<meta charset=utf-8><style><!-- p.MsoNormal {margin:0cm} --></style>"
    read = read_manuscript(page(tmp_path / "a.htm", body, head))
    assert titles(read) == ["One", "Two"] and len(read.scene_breaks) == 1
    assert "all day" in read.text and "\n" not in read.text.split("\n\n")[1]
    assert left_out(read)["endnotes"] == 3 and left_out(read)["note mark"] == 1
    assert "He *never* left." in read.text and read.text.endswith("whose it was.")


def test_an_archive_of_fan_fiction(tmp_path: Path) -> None:
    body = (
        '<div id="preface"><p class="message"><b>The Ferry House</b><br>Posted originally on the '
        '<a href="http://archive.example/">Archive</a>.</p><div class="meta"><dl class="tags">'
        '<dt>Rating:</dt><dd><a href="http://archive.example/g">General</a></dd></dl>'
        "<h1>The Ferry House</h1></div></div>"
        '<div id="chapters" class="userstuff"><div class="meta group"><h2 class="heading">One</h2>'
        f'</div><div class="userstuff">{paragraphs(0, 6)}<p align="center">~*~</p>'
        f"{paragraphs(6, 12)}</div>"
        '<div class="meta group"><h2 class="heading">Two</h2></div>'
        f'<div class="userstuff">{paragraphs(1, 9)}<p> </p></div></div>'
    )
    read = read_manuscript(page(tmp_path / "a.html", body))
    assert titles(read)[-2:] == ["One", "Two"] and len(read.scene_breaks) == 1
    assert "Rating" not in read.text and left_out(read)["tags"] == 2


def test_a_page_of_gutenberg(tmp_path: Path) -> None:
    body = (
        '<section class="pg-boilerplate" id="pg-header"><p>The Project Gutenberg eBook of Tale</p>'
        "<div>*** START OF THE PROJECT GUTENBERG EBOOK TALE ***</div></section>"
        '<hr class="chap x-ebookmaker-drop"><div class="chapter"><h2 class="nobreak">CHAPTER I.'
        '<br>THE WEIR</h2></div><p><span class="pagenum" id="Page_3">[Pg 3]</span><span '
        f'class="smcap">The bell</span> rang.</p>{paragraphs(0, 5)}<hr class="tb">'
        f"{paragraphs(5, 9)}"
        '<div class="figcenter"><img src="i.jpg" alt="A boat"><div class="caption">The boat</div>'
        f"</div><h2>CHAPTER II.<br>THE MILL</h2>{paragraphs(1, 9)}"
        "<div>*** END OF THE PROJECT GUTENBERG EBOOK TALE ***</div><p>Licence.</p>"
    )
    read = read_manuscript(page(tmp_path / "a.html", body))
    assert titles(read) == ["CHAPTER I. THE WEIR", "CHAPTER II. THE MILL"]
    assert len(read.scene_breaks) == 1 and "The bell rang." in read.text
    assert {"page number", "illustration", "caption", "licence"} <= set(left_out(read))


def test_pictures_and_sheets_beside_a_page(tmp_path: Path) -> None:
    (tmp_path / "a_files").mkdir()
    (tmp_path / "a_files" / "style.css").write_text(".x{font-style:italic}")
    (tmp_path / "a_files" / "o.png").write_bytes(png(80, 30))
    mark = '<p><img src="a_files/o.png" alt=""></p>'
    link = '<link rel=stylesheet href="a_files/style.css"><link rel=stylesheet href="../b.css">'
    body = f'<p>It was <span class="x">hers</span>.</p>{paragraphs(0, 5)}{mark}{paragraphs(5, 9)}'
    read = read_manuscript(page(tmp_path / "a.html", body, link))
    assert read.text.startswith("It was *hers*.") and len(read.scene_breaks) == 1


def test_loose_text_and_old_tags(tmp_path: Path) -> None:
    body = (
        "<center><font size=5>The Weir</font></center>The bell rang.<br><br>Nobody <u>came</u>."
        "<p>“Now,” <tt>said</tt> Maud.<div>Then <strike>he</strike> she left.</div>At last."
    )
    read = read_manuscript(page(tmp_path / "a.html", body))
    assert read.text.split("\n\n") == [
        "The Weir", "The bell rang.", "Nobody came.", "“Now,” said Maud.", "Then he she left.",
        "At last.",
    ]  # fmt: skip


def test_lines_are_told(tmp_path: Path) -> None:
    from seqctx.prepare.readers.webpage import webpage_blocks

    blocks, _ = webpage_blocks(page(tmp_path / "a.html", "<p>One.</p>\n<p>Two.</p>\n\n<h2>X</h2>"))
    assert [(b.text, b.place) for b in blocks if b.kind != "title"] == [
        ("One.", 2), ("Two.", 3), ("X", 5),
    ]  # fmt: skip


def test_classes_that_programs_give_to_other_blocks(tmp_path: Path) -> None:
    body = (
        '<div title="header"><p>The Ferry House / Quillon</p></div><p class=MsoToc1>One</p>' + STORY
        + '<div class="footnotes"><hr><ol><li><p>A remark.</p></li></ol></div>'
        '<p class=MsoCommentText>Cut this?</p><div title="footer"><p>17</p></div>'
    )  # fmt: skip
    read = read_manuscript(page(tmp_path / "a.html", body))
    assert titles(read) == ["One", "Two"] and read.text.endswith("whose it was.")
    assert left_out(read) == {"running head": 6, "contents": 1, "endnotes": 2, "comment": 2}


_INLINE = "em b strong span sup a small ruby u".split()
_BLOCKS = (
    "p div blockquote section li ul h2 h3 pre figure figcaption aside dl dd table header footer "
    "hgroup nav td article button"
).split()
_GIVEN = (
    "", ' class="i"', ' href="#x"', ' id="page_3"', ' class="h"', ' style="display:block"',
    ' epub:type="noteref"', ' class="caption"', ' class="break"', ' epub:type="footnote"',
)  # fmt: skip


def random_markup(chance: Random, depth: int, words: list[str]) -> str:
    """Elements in one another, in which each word is another one."""
    found = ""
    for _ in range(chance.randint(1, 5)):
        kind, word = chance.random(), f"w{len(words)}x"
        if kind < 0.5 or not depth:
            words.append(word)
            picture = f'<img src="a.png" alt="{word}"/>'
            found += picture if kind < 0.05 else f"{chance.choice(' .')}{word}{chance.choice(' .')}"
        elif kind < 0.57:
            found += chance.choice(["<br/>", "<hr/>", "<br/><br/>"])
        else:
            tag = chance.choice(_INLINE if kind < 0.75 else _BLOCKS)
            inner = random_markup(chance, depth - 1, words)
            found += f"<{tag}{chance.choice(_GIVEN)}>{inner}</{tag}>"
    return found


@pytest.mark.parametrize("seed", range(60))
def test_each_word_of_a_file_is_read_once(tmp_path: Path, seed: int) -> None:
    from seqctx.prepare.readers.epub import epub_blocks
    from seqctx.prepare.readers.webpage import webpage_blocks

    words: list[str] = []
    body = random_markup(Random(seed), 5, words)
    of_page, _ = webpage_blocks(page(tmp_path / "a.html", body))
    of_book = epub_blocks(book(tmp_path / "a.epub", body, css=".h{display:none}"))
    for blocks in (of_page, of_book):
        text = " ".join(f"{block.text} {block.mark}" for block in blocks if block.kind != "title")
        assert Counter(re.findall(r"w\d+x", text)) == Counter(words)
