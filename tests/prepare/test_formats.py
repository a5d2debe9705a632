"""The same manuscript in five formats is the same text; and what is special in each format."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

from seqctx import Book, InputError, read_manuscript
from tests.conftest import ROOT

# kind, text; *stars* are emphasis
STORY = [
    ("h", "One"), ("p", "It was *very* late, and “nobody” came."), ("p", "Second — with a dash."),
    ("b", ""), ("p", "After the break; **stop** there."), ("h", "Two"),
    *(("p", f"Paragraph {k} of the *second* chapter, naïve and plain.") for k in range(20)),
    ("b", ""), ("p", "Last."),
]  # fmt: skip


def runs(text: str) -> list[tuple[str, str]]:
    return [
        (m[1] or m[2] or m[3], "**" if m[1] else "*" if m[2] else "")
        for m in re.finditer(r"\*\*(.+?)\*\*|\*(.+?)\*|([^*]+)", text)
    ]


def as_md(path: Path) -> None:
    lines = {"h": "## {}", "p": "{}", "b": "* * *"}
    path.write_text("\n\n".join(["# Tale", *(lines[k].format(t) for k, t in STORY)]), "utf-8")


def as_txt(path: Path) -> None:
    import textwrap

    lines = {"h": "CHAPTER {}", "p": "{}", "b": "* * *"}
    text = [
        textwrap.fill(lines[k].format(t.replace("**", "_").replace("*", "_")), 40) for k, t in STORY
    ]
    path.write_text("\n\n".join(text), "utf-8")


def as_docx(path: Path) -> None:
    import docx

    document = docx.Document()
    document.core_properties.title = "Tale"
    for kind, text in STORY:
        if kind == "h":
            document.add_heading(text, 1)
        else:
            paragraph = document.add_paragraph("" if kind == "p" else "***")
            for part, mark in runs(text):
                run = paragraph.add_run(part)
                run.italic, run.bold = mark == "*", mark == "**"
    document.save(str(path))


def as_odt(path: Path) -> None:
    from odfdo import Document, Header, Paragraph, Style

    document = Document("text")
    document.body.clear()
    document.meta.title = "Tale"
    document.insert_style(Style("text", name="It", italic=True), automatic=True)
    document.insert_style(Style("text", name="Bo", bold=True), automatic=True)
    for kind, text in STORY:
        if kind == "h":
            document.body.append(Header(1, text))
            continue
        paragraph = Paragraph("***" if kind == "b" else text.replace("*", ""))
        for part, mark in runs(text):
            if mark:
                paragraph.set_span("It" if mark == "*" else "Bo", regex=part)
        document.body.append(paragraph)
    document.save(path)


def epub(path: Path, bodies: list[str], extra: str = "") -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "META-INF/container.xml",
            '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="e/c.opf"/></rootfiles></container>',
        )
        items = "".join(f'<item id="i{k}" href="t%20{k}.xhtml"/>' for k in range(len(bodies)))
        spine = "".join(f'<itemref idref="i{k}"/>' for k in range(len(bodies)))
        archive.writestr(
            "e/c.opf",
            '<package xmlns="http://www.idpf.org/2007/opf"><metadata '
            'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Tale</dc:title></metadata>'
            f"<manifest>{items}</manifest><spine>{spine}</spine></package>",
        )
        for k, body in enumerate(bodies):
            archive.writestr(
                f"e/t {k}.xhtml",
                '<html xmlns="http://www.w3.org/1999/xhtml" '
                f'xmlns:epub="http://www.idpf.org/2007/ops"><body>{body}</body></html>',
            )
        if extra:
            archive.writestr("META-INF/encryption.xml", extra)


def as_epub(path: Path) -> None:
    tags = {"": "{}", "*": "<em>{}</em>", "**": "<strong>{}</strong>"}
    parts = []
    for kind, text in STORY:
        inner = "".join(tags[mark].format(part) for part, mark in runs(text))
        parts.append({"h": f"<h2>{text}</h2>", "p": f"<p>{inner}</p>", "b": "<hr/>"}[kind])
    cut = next(k for k, (kind, text) in enumerate(STORY) if text == "Two")
    epub(path, ["".join(parts[:cut]), "<section>" + "".join(parts[cut:]) + "</section>"])


WRITERS = {"md": as_md, "txt": as_txt, "docx": as_docx, "odt": as_odt, "epub": as_epub}


def read(tmp_path: Path, kind: str) -> Book:
    path = tmp_path / f"Tale.{kind}"
    WRITERS[kind](path)
    return read_manuscript(path)


@pytest.mark.parametrize("kind", ["docx", "odt", "epub", "txt"])
def test_one_text_whatever_the_format(tmp_path: Path, kind: str) -> None:
    expected, book = read(tmp_path, "md"), read(tmp_path, kind)
    assert book.title == expected.title == "Tale"
    text = book.text.replace("CHAPTER ", "")
    if kind == "txt":  # it knows one emphasis only
        assert text.replace("*stop*", "**stop**") == expected.text
    else:
        assert text == expected.text
        assert book.emphasis == expected.emphasis
    assert len(book.chapters) == len(expected.chapters) == 2
    assert len(book.scene_breaks) == len(expected.scene_breaks) == 2
    words = [book.text[e.start : e.end] for e in book.emphasis]
    assert words == ["very", "stop", *["second"] * 20]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_known_encodings(tmp_path: Path, encoding: str) -> None:
    text = "Él dijo: «mañana será otro día», y salió al café. " * 20
    (tmp_path / "b.txt").write_bytes(text.encode(encoding))
    book = read_manuscript(tmp_path / "b.txt")
    assert book.text == text.strip()
    assert book.encoding


def test_one_wrong_byte_does_not_garble_a_novel(tmp_path: Path, novella: Path) -> None:
    path = tmp_path / "b.txt"
    path.write_bytes("“Late,” he said.\r\n\r\nShe didn".encode() + b"\x92t reply.")
    with pytest.raises(InputError, match=r"b\.txt: byte 33 \(line 3\) is not valid UTF-8"):
        read_manuscript(path)
    path.write_bytes(novella.read_bytes().decode().encode("ascii", "ignore") + b" He didn\x92t.")
    book = read_manuscript(path)
    assert book.encoding == "cp1252" and book.text.endswith("He didn’t.")


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "It’s “late”. " * 300 + "The señor ate crème brûlée à la carte – €5 – naïvely."),
        ("cp1251", "Поздно вечером он сидел у окна и слушал дождь. " * 20),
        ("cp1251", "Он сказал: «завтра будет другой день», и вышел на улицу. " * 40),
        ("koi8-r", "Он сказал, что завтра будет другой день, и вышел на улицу. " * 40),
        ("gb18030", "那天晚上下着大雨，他一个人坐在窗前，听着雨声。" * 20),
        ("shift_jis", "その夜は大雨が降っていた。彼は一人で窓辺に座っていた。" * 20),
        ("mac_roman", "“I don’t know,” he said, and “it isn’t late”, she said. " * 20),
    ],
)  # fmt: skip
def test_other_encodings(tmp_path: Path, encoding: str, text: str) -> None:
    (tmp_path / "b.txt").write_bytes(text.encode(encoding))
    assert read_manuscript(tmp_path / "b.txt").text == text.strip()


@pytest.mark.parametrize(
    ("text", "paragraphs"),
    [
        ("One line\nand its end.\n\nAnother one\nhere it is.", 2),  # hard-wrapped
        ("A paragraph of one long line. " * 9 + "\n" + "The next one, no blank. " * 9, 2),
        ("    Indented first\nlines only tell\n    where one begins\nand ends, thus.", 2),
        ("Verse is short,\nit keeps its lines,\n\n" + "prose goes on to its margin here\n" * 9, 2),
    ],
)  # fmt: skip
def test_wrapped_or_not(tmp_path: Path, text: str, paragraphs: int) -> None:
    (tmp_path / "b.txt").write_text(text)
    assert len(read_manuscript(tmp_path / "b.txt").paragraphs) == paragraphs


def test_front_and_back_matter_is_left_out_and_listed(tmp_path: Path) -> None:
    pages = [
        '<section epub:type="titlepage"><h1>Tale</h1><p>by Somebody</p></section>',
        '<section epub:type="imprint"><h2>Imprint</h2><p>All rights.</p></section>',
        "<h2>Contents</h2><p>One</p>",
        "<h2>One</h2><p>Story.<a epub:type='noteref' href='#n'>1</a></p>",
        "<h2>Endnotes</h2><p>A note.</p>",
    ]
    epub(tmp_path / "t.epub", pages)
    book = read_manuscript(tmp_path / "t.epub")
    assert book.text == "One\n\nStory."
    kinds = [x.kind for x in book.left_out]
    assert kinds == ["title page", "imprint", "contents", "note mark", "endnotes"]
    whole = read_manuscript(tmp_path / "t.epub", keep_front_and_back_matter=True)
    assert (
        "All rights." in whole.text
        and "A note." in whole.text
        and {x.kind for x in whole.left_out} == {"note mark"}
    )


def test_notes_in_mid_story_are_left_out(tmp_path: Path) -> None:
    notes = [
        f"<p>Story {k}.<a role='doc-noteref' href='#n'>1</a></p>"
        f"<aside {attribute}='{kind}'><p>Note {k}.</p></aside>"
        for k, (attribute, kind) in enumerate([("epub:type", "footnote"), ("role", "doc-endnote")])
    ]
    epub(tmp_path / "t.epub", ["<h2>One</h2>", *notes])
    book = read_manuscript(tmp_path / "t.epub")
    assert book.text == "One\n\nStory 0.\n\nStory 1."
    assert [(x.kind, x.words) for x in book.left_out] == [("note mark", 2), ("endnotes", 4)]


def test_an_epub_without_headings(tmp_path: Path) -> None:
    epub(tmp_path / "t.epub", ["<p>Chapter One</p><p>Text.</p>", "<p>Chapter Two</p><p>Text.</p>"])
    book = read_manuscript(tmp_path / "t.epub")
    assert [c.title for c in book.chapters] == ["Chapter One", "Chapter Two"]


@pytest.mark.parametrize("kind", ["xhtml", "htm", "xml"])
def test_named_characters(tmp_path: Path, kind: str) -> None:
    epub(tmp_path / "a.epub", ["<p>The caf&eacute; was closed&mdash;again &amp; again.</p>"])
    with zipfile.ZipFile(tmp_path / "a.epub") as a, zipfile.ZipFile(tmp_path / "b.epub", "w") as b:
        for name in a.namelist():
            text = a.read(name).decode().replace("xhtml", kind if name == "e/c.opf" else "xhtml")
            b.writestr(name.replace("xhtml", kind), text)
    assert read_manuscript(tmp_path / "b.epub").text == "The café was closed—again & again."


def test_an_odts_boxes_pictures_and_ruby(tmp_path: Path) -> None:
    from odfdo import Document, Element

    document = Document("text")
    document.body.clear()
    for xml in (
        "Anchor.<draw:frame><draw:text-box><text:p>Box.</text:p></draw:text-box></draw:frame>",
        "More.<draw:frame><draw:image/><svg:title>Alt</svg:title></draw:frame>",
        "<text:ruby><text:ruby-base>漢字</text:ruby-base>"
        "<text:ruby-text>かんじ</text:ruby-text></text:ruby>です。",
    ):
        document.body.append(Element.from_tag(f"<text:p>{xml}</text:p>"))
    document.save(tmp_path / "t.odt")
    assert read_manuscript(tmp_path / "t.odt").text == "Anchor.\n\nBox.\n\nMore.\n\n漢字です。"


def test_gutenberg_licence_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text(
        "The Project Gutenberg eBook of Tale\n\n*** START OF THE PROJECT GUTENBERG EBOOK TALE ***"
        "\n\nTale\n\nby Somebody\n\nCHAPTER I\n\nStory.\n\nTHE END\n\n"
        "*** END OF THE PROJECT GUTENBERG EBOOK TALE ***\n\nLicence text."
    )
    book = read_manuscript(tmp_path / "b.txt")
    assert book.text == "CHAPTER I\n\nStory.\n\nTHE END"
    assert [x.kind for x in book.left_out] == ["licence", "title page", "licence"]


@pytest.mark.parametrize("kind", ["docx", "odt", "epub"])
def test_damaged_files(tmp_path: Path, kind: str) -> None:
    read(tmp_path, kind)
    whole = (tmp_path / f"Tale.{kind}").read_bytes()
    (tmp_path / f"bad.{kind}").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=rf"damaged, or not an? \.{kind} file"):
        read_manuscript(tmp_path / f"bad.{kind}")


def test_a_locked_epub(tmp_path: Path) -> None:
    lock = '<e xmlns="x"><CipherReference URI="{}"/></e>'
    epub(tmp_path / "font.epub", ["<p>Text.</p>"], lock.format("e/f.otf"))
    assert read_manuscript(tmp_path / "font.epub").text == "Text."
    epub(tmp_path / "shop.epub", ["<p>Text.</p>"], lock.format("e/t 0.xhtml"))
    with pytest.raises(InputError, match="locked by copy protection"):
        read_manuscript(tmp_path / "shop.epub")


def test_epubs_that_cannot_be_read(tmp_path: Path) -> None:
    epub(tmp_path / "empty.epub", ["<p>Text.</p>", ""])
    with (
        zipfile.ZipFile(tmp_path / "empty.epub") as a,
        zipfile.ZipFile(tmp_path / "hollow.epub", "w") as b,
    ):
        for name in a.namelist():
            b.writestr(name, b"" if "1.xhtml" in name else a.read(name))
    with pytest.raises(InputError, match=r"hollow\.epub: e/t 1\.xhtml in it is empty"):
        read_manuscript(tmp_path / "hollow.epub")
    raw = bytearray((tmp_path / "empty.epub").read_bytes())
    for sign, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # every member encrypted
        for match in re.finditer(re.escape(sign), bytes(raw)):
            raw[match.start() + flags] |= 1
    (tmp_path / "locked.epub").write_bytes(raw)
    with pytest.raises(InputError, match=r"locked\.epub: locked by a password"):
        read_manuscript(tmp_path / "locked.epub")


@pytest.mark.parametrize(
    ("name", "chapters", "last"),
    [
        ("the-time-machine", 13, "Epilogue"),
        ("the-war-of-the-worlds", 27, "X: The Epilogue"),
        ("war-and-peace", 364, "XII"),
    ],
)
def test_chapters_of_real_novels(name: str, chapters: int, last: str) -> None:
    path = ROOT.parent / "shared" / "corpus" / f"{name}.epub"
    if not path.exists():
        pytest.skip(f"no {path.name} here")
    book = read_manuscript(path)
    assert len(book.chapters) == chapters
    assert book.chapters[-1].title == last
    assert {x.kind for x in book.left_out} >= {"imprint", "title page"}
