"""Manuscripts that are damaged or made to harm: read within bounds, or refused in one line."""

from __future__ import annotations

import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from seqctx import Book, InputError, read_manuscript
from seqctx.prepare.readers import blocks, markdown, markdown_lines, markup
from tests.prepare.office_files import W, docx, epub, odt, xhtml

P = "<w:p><w:r><w:t>{}</w:t></w:r></w:p>"
STYLED = '<w:p><w:pPr><w:pStyle w:val="{}"/></w:pPr><w:r><w:t>{}</w:t></w:r></w:p>'


def refused(path: Path, fact: str) -> str:
    with pytest.raises(InputError, match=fact) as found:
        read_manuscript(path)
    line = str(found.value)
    assert line.startswith(str(path)) and "\n" not in line and len(line) < 500
    return line


def memory_of(path: Path) -> tuple[float, str]:
    """What a process of its own needs at most to read a file [MB], and what it says."""
    script = (
        "import re, sys; from pathlib import Path; from seqctx import read_manuscript\n"
        "book = read_manuscript(sys.argv[1])\n"  # getrusage would count pytest's memory, too
        "peak = re.search(r'VmHWM:\\s+(\\d+) kB', Path('/proc/self/status').read_text())[1]\n"
        "print(int(peak) / 1000, len(book.paragraphs))"
    )
    run = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    peak, paragraphs = run.stdout.split()
    return float(peak), paragraphs


@pytest.mark.slow
def test_a_picture_is_not_unpacked(tmp_path: Path) -> None:
    path = docx(tmp_path / "a.docx", P.format("Text.") * 200)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("word/media/a.bin", "w") as picture:
            for _ in range(300):
                picture.write(bytes(1_000_000))
    peak, paragraphs = memory_of(path)
    assert peak < 200 and paragraphs == "200"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["md", "txt", "docx", "odt", "epub"])
def test_memory_of_many_paragraphs(tmp_path: Path, kind: str) -> None:
    """Memory grows with their number, by less than 400 B each: under 500 MB for a million."""
    number = 50_000
    path = tmp_path / f"a.{kind}"
    text = [f"Paragraph {k} goes on." for k in range(number)]
    if kind in ("md", "txt"):
        path.write_text("\n\n".join(text))
    elif kind == "docx":
        docx(path, "".join(map(P.format, text)))
    elif kind == "odt":
        odt(path, "".join(f"<text:p>{line}</text:p>" for line in text))
    else:
        epub(path, xhtml("".join(f"<p>{line}</p>" for line in text)))
    peak, paragraphs = memory_of(path)
    assert paragraphs == str(number)
    assert peak < 60 + number * 400 / 1e6


@pytest.mark.parametrize("kind", ["md", "txt", "docx", "odt", "epub"])
def test_too_many_paragraphs_or_characters_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    path = tmp_path / f"a.{kind}"
    lines = ["Some text here."] * 60
    if kind in ("md", "txt"):
        path.write_text("\n\n".join(lines))
    elif kind == "docx":
        docx(path, "".join(map(P.format, lines)))
    elif kind == "odt":
        odt(path, "".join(f"<text:p>{line}</text:p>" for line in lines))
    else:
        epub(path, xhtml("".join(f"<p>{line}</p>" for line in lines)))
    monkeypatch.setattr(blocks, "MOST_BLOCKS", 50)
    refused(path, "paragraph 51: the text has more than 50 paragraphs")
    monkeypatch.setattr(blocks, "MOST_BLOCKS", 100)
    monkeypatch.setattr(blocks, "MOST_CHARACTERS", 300)
    refused(path, "paragraph 21: the text has more than 300 characters")


def nested(around: str, inner: str, depth: int) -> str:
    return f"<{around}>" * depth + inner + f"</{around}>" * depth


@pytest.mark.parametrize("depth", [150, 230, 1500, 20_000])
@pytest.mark.parametrize(
    ("kind", "around", "inner"),
    [
        ("docx", "w:sdt", P.format("Text.")), ("docx", "w:ins", P.format("Text.")),
        ("odt", "text:section", "<text:p>Text.</text:p>"),
        ("odt", "text:span", "Text."), ("epub", "em", "Text."), ("epub", "div", "<p>Text.</p>"),
        ("epub", "blockquote", "Text."), ("epub", "span", "<p>Text.</p>"),
        ("epub", "li", "<p>T</p>"),
    ],
)  # fmt: skip
def test_elements_in_one_another(
    tmp_path: Path, kind: str, around: str, inner: str, depth: int
) -> None:
    path, body = tmp_path / f"a.{kind}", nested(around, inner, depth)
    if kind == "docx":
        docx(path, body)
    elif kind == "odt":
        odt(path, f"<text:p>{body}</text:p>" if around == "text:span" else body)
    else:
        epub(path, xhtml(f"<p>{body}</p>" if around == "em" else body))
    if depth < 200:
        assert read_manuscript(path).text.strip("*") in ("Text.", "T")
    else:
        refused(path, "line 1: more than 200 elements lie in one another")


@pytest.mark.parametrize("unit", ["> ", "- ", "1. ", "* ", "[", "*", "(", "<b>", "`", "_ "])
def test_deep_markdown_is_read(tmp_path: Path, unit: str) -> None:
    (tmp_path / "a.md").write_text("First.\n\n" + unit * 5000 + "Text.\n\nLast.")
    text = read_manuscript(tmp_path / "a.md").text
    assert text.startswith("First.") and "Text." in text and text.endswith("Last.")


@pytest.mark.parametrize("count", ["2000000000", "1", "-3", "x", "9" * 5000, ""])
def test_spaces_that_an_odt_counts(tmp_path: Path, count: str) -> None:
    path = odt(tmp_path / "a.odt", f'<text:p>One<text:s text:c="{count}"/>two.</text:p>')
    assert read_manuscript(path).text == "One two."


def test_repeated_cells_are_read_once(tmp_path: Path) -> None:
    number = 'table:number-{}-repeated="2000000000"'
    cell = f"<table:table-cell {number.format('columns')}><text:p>Cell.</text:p></table:table-cell>"
    row = f"<table:table-row {number.format('rows')}>{cell}</table:table-row>"
    assert read_manuscript(odt(tmp_path / "a.odt", f"<table:table>{row}</table:table>")).text == (
        "Cell."
    )


@pytest.mark.parametrize("level", ["x", "", "-1", "0", "1e9", "9" * 5000, "²"])
def test_levels_that_are_no_number(tmp_path: Path, level: str) -> None:
    heading = f'<text:h text:outline-level="{level}">One</text:h><text:p>Text.</text:p>'
    book = read_manuscript(odt(tmp_path / "a.odt", heading * 3))
    assert len(book.chapters) == 3
    outline = f'<w:pPr><w:outlineLvl w:val="{level}"/></w:pPr>'
    read_manuscript(docx(tmp_path / "a.docx", P.format("One").replace("<w:r>", f"{outline}<w:r>")))
    style = f'<w:style w:type="paragraph" w:styleId="H"><w:name w:val="heading {level}"/></w:style>'
    book = read_manuscript(docx(tmp_path / "b.docx", STYLED.format("H", "One") + P, style))
    assert "One" in book.text


def test_styles_that_inherit_in_a_loop(tmp_path: Path) -> None:
    style = '<style:style style:name="{}" style:family="{}" style:parent-style-name="{}"/>'
    pairs = [style.format(a, f, b) for f in ("text", "paragraph") for a, b in ("AB", "BA", "CC")]
    text = "".join(
        f'<text:p text:style-name="{s}">Some <text:span text:style-name="{s}">text</text:span>.'
        "</text:p>"
        for s in "ABC"
    )
    assert read_manuscript(odt(tmp_path / "a.odt", text, "".join(pairs))).text.count("Some") == 3
    style = '<w:style w:type="paragraph" w:styleId="{}"><w:basedOn w:val="{}"/></w:style>'
    styles = "".join(style.format(a, b) for a, b in ("AB", "BA", "CC"))
    body = "".join(STYLED.format(s, "Text.") for s in "ABC")
    assert read_manuscript(docx(tmp_path / "a.docx", body, styles)).text.count("Text.") == 3


def test_a_long_line_of_styles(tmp_path: Path) -> None:
    number = 20_000
    styles = "".join(
        f'<style:style style:name="S{k}" style:family="text" style:parent-style-name="S{k + 1}">'
        f'<style:text-properties fo:a{k}="x"/></style:style>'
        for k in range(number)
    )
    styles += f'<style:style style:name="S{number}" style:family="text">'
    styles += '<style:text-properties fo:font-style="italic"/></style:style>'
    text = '<text:p>It is <text:span text:style-name="S0">late</text:span>.</text:p>'
    assert read_manuscript(odt(tmp_path / "a.odt", text, styles)).text == "It is *late*."


LAUGHS = "".join(
    f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)
LAUGHS = f'<!DOCTYPE x [<!ENTITY a "ha">{LAUGHS}<!ENTITY file SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("use", ["&i;", "&file;", '<w:x w:a="&i;"/>'])
def test_entities_are_not_expanded(tmp_path: Path, use: str) -> None:
    document = f'{LAUGHS}<w:document xmlns:w="{{}}"><w:body>{{}}</w:body></w:document>'
    raw = document.format(W, P.format(f"Text {use} more."))
    path = docx(tmp_path / "a.docx", "", more={"word/document.xml": raw})
    book = epub(tmp_path / "a.epub", xhtml(f"<p>Text {use.replace('w:', '')} more.</p>", LAUGHS))
    for file in (path, book):
        try:
            text = read_manuscript(file).text
        except InputError as error:
            assert str(error).startswith(str(file)) and "\n" not in str(error)
        else:
            assert "haha" not in text and "root:" not in text


def test_huge_attributes_and_names(tmp_path: Path) -> None:
    huge = "x" * 11_000_000
    for path in (
        docx(tmp_path / "a.docx", f'<w:p w:a="{huge}"/>' + P.format("Text.")),
        odt(tmp_path / "a.odt", f'<text:p text:style-name="{huge}">Text.</text:p>'),
        docx(tmp_path / "b.docx", f"<w:{huge}/>" + P.format("Text.")),
    ):
        refused(path, "in it")
    paragraph = "".join(P.format("x")[5:-6] for _ in range(3))
    assert read_manuscript(docx(tmp_path / "c.docx", f"<w:p>{paragraph}</w:p>")).text == "xxx"


def test_a_paragraph_of_too_many_elements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markup, "_LARGEST", 100)
    path = docx(tmp_path / "a.docx", P.format("Text.") + f"<w:p>{'<w:r/>' * 200}</w:p>")
    refused(path, r"word/document\.xml in it, line 1: a paragraph holds over 100 elements")


@pytest.mark.parametrize(
    "document",
    [
        xhtml("<p>One.</p></body></html><p>Two.</p><p>Three.</p>"),
        xhtml("<p>One.</p>") + xhtml("<p>Two.</p>") + xhtml("<p>Three.</p>"),
        xhtml("<p>One.</p></div></div><p>Two.</p></section><p>Three.</p>"),
        xhtml("<p>One.</p></body><p>Two.</p></body><p>Three.</p></html>"),
        xhtml("<p>One.</p><p>Two.</p><div/>").replace("</html>", "<p>Three.</p></html>"),
        "<html><p>One.</p><a id='x'/><p>Two.</p><title/></html></html><p>Three.</p>",
        xhtml("<p>One.<p class=x>Two.</p></div></body></html><p>Three.</p>"),
    ],
)
def test_text_after_a_closing_tag_too_many_is_read(tmp_path: Path, document: str) -> None:
    text = read_manuscript(epub(tmp_path / "a.epub", document)).text
    assert text == "One.\n\nTwo.\n\nThree."


@pytest.mark.parametrize("hole", ["<!-- never closed", "<![CDATA[ never closed"])
def test_text_that_cannot_be_read_is_not_dropped_in_silence(tmp_path: Path, hole: str) -> None:
    path = epub(tmp_path / "a.epub", xhtml(f"<p>One.</p>\n{hole}\n" + "<p>More text.</p>" * 40))
    refused(path, r"0\.xhtml in it, line \d: .*The text after it cannot be read")


@pytest.mark.parametrize(
    ("more", "fact"),
    [
        ({"META-INF/container.xml": ""}, "is empty or holds no mark-up"),
        ({"META-INF/container.xml": "<container/>"}, "names no package"),
        ({"META-INF/container.xml": "<r><rootfile full-path='../../x'/></r>"}, "x is not in it"),
        ({"META-INF/container.xml": b"\xff\xfe\0\0x"}, "names no package"),
        ({"c.opf": "<package/>"}, "is empty"),
        ({"c.opf": "no mark-up"}, "is empty"),
        ({"c.opf": "<p><item id='a' href='/etc/passwd'/><itemref idref='a'/></p>"}, "is not in it"),
        ({"c.opf": "<p><item id='a' href='%00%ff%'/><itemref idref='a'/></p>"}, "is not in it"),
        ({"c.opf": "<p><item id='a'/><itemref idref='a'/><itemref/></p>"}, "is not in it"),
        ({"0.xhtml": b"\x89PNG\r\n\x1a\n\0\0"}, "is empty or holds no mark-up"),
        ({"0.xhtml": "plain words"}, "is empty or holds no mark-up"),
    ],
)  # fmt: skip
def test_a_book_without_its_parts(tmp_path: Path, more: dict[str, str | bytes], fact: str) -> None:
    refused(epub(tmp_path / "a.epub", xhtml("<p>Text.</p>"), more=more), fact)


def test_a_books_odd_but_right_names(tmp_path: Path) -> None:
    spine = "<itemref idref='a'/><itemref idref='a'/>"
    package = f"<p><item id='a' href='t%C3%A9%20x.xhtml#top'/>{spine}</p>"
    more: dict[str, str | bytes] = {"c.opf": package, "té x.xhtml": xhtml("<p>Text.</p>")}
    assert read_manuscript(epub(tmp_path / "a.epub", more=more)).text == "Text."


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("a.docx", {"word/document.xml": "<w:document"}), ("a.docx", {"word/document.xml": ""}),
        ("a.docx", {"word/document.xml": b"\0\0"}), ("a.docx", {"_rels/.rels": "<x"}),
        ("a.docx", {"word/document.xml": "<html><body><p>x</p></body></html>"}),
        ("a.docx", {"word/document.xml": "<?xml version='1.0' encoding='nonsense'?><a/>"}),
        ("a.odt", {"content.xml": "<a"}), ("a.odt", {"content.xml": ""}),
        ("a.odt", {"content.xml": "<a/>"}), ("a.odt", {"content.xml": b"\xff\xfe\xff"}),
    ],
)  # fmt: skip
def test_wrong_mark_up_of_office_files(
    tmp_path: Path, name: str, raw: dict[str, str | bytes]
) -> None:
    make: Callable[..., Path] = docx if name == "a.docx" else odt
    refused(make(tmp_path / name, "", more=raw), "in it|damaged|is empty")


def test_locked_files(tmp_path: Path) -> None:
    manifest = "<manifest><file-entry><encryption-data/></file-entry></manifest>"
    refused(odt(tmp_path / "a.odt", "", more={"META-INF/manifest.xml": manifest}), "a password")
    refused(odt(tmp_path / "b.odt", "", more={"encrypted-package": b"x"}), "locked by a password")


def test_a_word_file_without_styles_has_words_headings(tmp_path: Path) -> None:
    body = STYLED.format("Heading1", "One") + P.format("Text.") + STYLED.format("Heading1", "Two")
    assert len(read_manuscript(docx(tmp_path / "a.docx", body)).chapters) == 2


def blocks_at_once(path: Path, text: str, lines: int, monkeypatch: pytest.MonkeyPatch) -> Book:
    monkeypatch.setattr(markdown, "_LINES", lines)
    path.write_text(text)
    return read_manuscript(path)


MARKDOWN = """# Tale

[Alpha] and [beta][b] and *one
line* more[^1].

```
code

# no heading
```

- a list

  that goes on

  ```
  and on
  ```

> quoted
lazy

Heading
=======

<div>

text *here*

</div>

<!-- a comment

of several lines -->

## Two

    indented

    more

1. one
2. two

* * *

[b]: http://b
[alpha]:
  http://a
  "title"
"""


@pytest.mark.parametrize("lines", range(1, 12))
def test_markdown_is_the_same_however_many_lines_are_parsed_at_once(
    tmp_path: Path, lines: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = blocks_at_once(tmp_path / "a.md", MARKDOWN * 3, 10_000, monkeypatch)
    assert blocks_at_once(tmp_path / "a.md", MARKDOWN * 3, lines, monkeypatch) == whole
    assert "[Alpha]" not in whole.text


def test_a_paragraph_longer_than_what_is_parsed_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = " ".join(f"word{k} *loud*" if k % 7 == 0 else f"word{k}" for k in range(2000))
    (tmp_path / "a.md").write_text(words)
    whole = read_manuscript(tmp_path / "a.md")
    monkeypatch.setattr(markdown_lines, "_PIECE", 1000)
    assert read_manuscript(tmp_path / "a.md") == whole
    (tmp_path / "a.md").write_text("[" * 5000)
    assert read_manuscript(tmp_path / "a.md").text == "[" * 5000


@pytest.mark.parametrize("encoding", ["utf-7", "utf-16-le", "cp037"])
@pytest.mark.parametrize("text", ["\ud800", "\0", "\ufeff", "", "\x1a", "\udfff half"])
def test_odd_texts(tmp_path: Path, encoding: str, text: str) -> None:
    for kind in ("md", "txt"):
        path = tmp_path / f"a.{kind}"
        path.write_bytes(text.encode(encoding, "surrogatepass" if "16" in encoding else "ignore"))
        try:
            read_manuscript(path).text.encode("utf-8")
        except InputError as error:
            assert str(error).startswith(str(path)) and "\n" not in str(error)


@pytest.mark.parametrize("error", [MemoryError(), RecursionError()])
def test_what_this_machine_cannot_hold_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(text: str) -> list[blocks.Block]:
        raise error

    monkeypatch.setattr("seqctx.prepare.readers.text.text_blocks", fails)
    (tmp_path / "a.txt").write_text("Text.")
    refused(tmp_path / "a.txt", "too little memory|nested too deep")


@pytest.mark.slow
def test_no_more_memory_than_this_process_may_have_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("Some text here. " * 4_000_000)
    script = (
        "import resource, sys; from seqctx import InputError, read_manuscript\n"
        "import seqctx.prepare.readers.markdown, markdown_it\n"
        "resource.setrlimit(resource.RLIMIT_AS, (400_000_000, 400_000_000))\n"
        "try: read_manuscript(sys.argv[1])\n"
        "except InputError as error: print(error)"
    )
    command = [sys.executable, "-c", script, tmp_path / "a.md"]
    run = subprocess.run(command, capture_output=True, text=True)
    assert "too little memory to read it" in run.stdout, run.stderr


@pytest.mark.parametrize("kind", ["docx", "odt", "rtf"])
def test_long_names_of_fonts_and_styles_are_looked_at_once(tmp_path: Path, kind: str) -> None:
    name, number = "toc " + "x" * 1_000_000, 5_000
    if kind == "docx":
        style = f'<w:style w:type="paragraph" w:styleId="S"><w:name w:val="{name}"/></w:style>'
        path = docx(tmp_path / "a.docx", STYLED.format("S", "Text.") * number, style)
    elif kind == "odt":
        style = (
            f'<style:style style:name="S" style:display-name="{name}" style:family="paragraph"/>'
        )
        path = odt(tmp_path / "a.odt", '<text:p text:style-name="S">Text.</text:p>' * number, style)
    else:
        font = f"{{\\fonttbl{{\\f1\\fcharset2 {name};}}}}{{\\stylesheet{{\\s1 {name};}}}}"
        path = tmp_path / "a.rtf"
        path.write_text(f"{{\\rtf1{font}" + "\\s1 Text.{\\f1 aaaa}\\par " * number + "}")
    start = time.process_time()
    assert len(read_manuscript(path).paragraphs) == number
    assert time.process_time() - start < 20


def test_odd_values_of_word(tmp_path: Path) -> None:
    for value in ("", "-1", "x", "9" * 5000, "1e400", "nan", "²"):
        properties = (
            f'<w:jc w:val="{value}"/><w:spacing w:before="{value}" w:afterLines="{value}"/>'
            f'<w:numPr><w:ilvl w:val="{value}"/><w:numId w:val="{value}"/></w:numPr>'
        )
        run = (
            f'<w:r><w:rPr><w:sz w:val="{value}"/><w:b w:val="{value}"/></w:rPr><w:t>Text.</w:t>'
            f'<w:sym w:font="{value}" w:char="{value}"/></w:r>'
        )
        path = docx(tmp_path / "a.docx", f"<w:p><w:pPr>{properties}</w:pPr>{run}</w:p>")
        assert "Text." in read_manuscript(path).text
