"""Time to read a text grows with its length and no faster, whatever signs it repeats."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from seqctx import InputError, read_manuscript
from seqctx.prepare.readers.blocks import Block
from seqctx.prepare.readers.chapters import with_headings_found
from seqctx.prepare.readers.markdown_source import source_of
from tests.conftest import few_fast
from tests.prepare.office_files import docx, epub, odt, xhtml

STEP = 4  # times as long; quadratic time grows to its square
ALLOWED = 2.5  # times as much as linear time, for caches and chance
UNITS = [
    ". ", "…", "·", "_ ", "a_b ", "*", "* ", "**a ", "*a", "_a_", "<", "<a ", "<!--", "<!-- a ",
    "<a b='", "<?", "[", "[a](", "![", "](", "[a]", "(", "`", "`a", "``a`", "\\", "\\[", '"', "“",
    "'", "-", "- ", "—", "— ", "#", "# ", "&", "&a", "&amp;", "\t", " ", "  a", "\u00a0", "\r",
    "\r\n", "\n", " \n", "\n\n", "a\n", "a.\n", "1", "1\n", "12. ", "II\n", "XX", "Chapter 1 ",
    "chapter ", "ieme", "Zwanzigst", "Notes\n\n", "Notes:\n\n", "Contents\n\n", "Chapter 1\n\n",
    "*** START OF THE PROJECT GUTENBERG\n\n", "* * *\n\n", "---\n", "---\n\n", "title: ",
    "> ", "> a\n", "- a\n", "- a\n\n", "  - a\n", "1. a\n", "```\n", "~~~\n\n", "<div>\n",
    "<pre>\n",
    "[a]: b\n", "[a]:\n", "[a]: <\n", "[a]: b 'c\n", "[a\n", "a\n===\n", "|a|\n", "    a\n",
    "by A B C ", "Copyright ", "©", "第", "第一", "一", "\u200b", "é", "1812 ", "a@b ",
    "http://a ",
    "%% ", "%% a\n\n", "%%\na\n\n", "{--", "{++a++}", "{~~a~>", "[[a", "[[a|b]]", "==a==", "++a",
    ":::\n", "::: a\n\n", "<div>\n\n", "<div hidden>\n\n", "<i>", "<p>a", "<style>", "<td>a",
    "<br>",
    "^[a", "[^a]", "[^a]: b\n\n", "a\n: b\n\n", "{.a}\n", "[a]{.b}", "\\newpage\n", "{{<",
    "<ruby>a<rt>b",
    "> [!note] a\n\n", "```\na\n\n", "![a](b)\n\n", "a ^b", "|a\n", "**a**\nb\n",
    "漢《あ》", "［＃", "#a\n\n",
    "# C\n\nText.\n\n---\n\n", "title:\n", "---\ntitle: a  ", "*a* b ",
]  # fmt: skip
ELEMENTS = [
    ("docx", "<w:p/>"),
    ("docx", "<w:p><w:r><w:t>. </w:t></w:r></w:p>"),
    ("docx", "<w:r><w:t>a </w:t></w:r>"),
    ("docx", "<w:r><w:rPr><w:i/></w:rPr><w:t>a </w:t></w:r>"),
    ("docx", "<w:tbl><w:tr><w:tc><w:tcPr/><w:p/></w:tc></w:tr></w:tbl>"), ("docx", "<w:pPr/>"),
    ("docx", "<w:p><w:pPr><w:pStyle w:val='Title'/></w:pPr><w:r><w:t>Notes</w:t></w:r></w:p>"),
    ("docx", "<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr><w:r><w:t>a</w:t></w:r></w:p>"),
    ("docx", "<w:r><w:fldChar w:fldCharType='begin'/><w:instrText>TOC </w:instrText></w:r>"),
    ("docx", "<w:r><w:br w:type='page'/><w:br/><w:t>a</w:t></w:r>"),
    ("docx", "<w:r><w:sym w:font='Wingdings' w:char='F09A'/></w:r>"),
    ("docx", "<w:p><w:r><w:pict><w:txbxContent><w:p/></w:txbxContent></w:pict></w:r></w:p>"),
    ("docx", "<w:sdt><w:sdtPr/><w:sdtContent><w:p/></w:sdtContent></w:sdt>"),
    ("odt", "<text:p>a<text:note><text:p>a</text:p></text:note></text:p>"),
    ("odt", "<text:p>a<text:line-break/>a<text:line-break/><text:line-break/></text:p>"),
    ("odt", "<text:p><draw:frame><draw:image/></draw:frame></text:p>"),
    ("odt", "<text:section text:display='none'><text:p>a</text:p></text:section>"),
    ("odt", "<text:p/>"), ("odt", "<text:p>Notes</text:p>"), ("odt", "<text:h>Notes</text:h>"),
    ("odt", "<text:p><text:span>a</text:span><text:s/></text:p>"), ("odt", "<text:list/>"),
    ("epub", "<p>Text.</p>"), ("epub", "<br/>"), ("epub", "a <i>b</i>"), ("epub", "<!-- -->a"),
    ("epub", "<span><p>a</p></span>"), ("epub", "</div>"), ("epub", "<p>"), ("epub", "&"),
    ("epub", "<!--"), ("epub", "&nbsp;"), ("epub", "</body>"), ("epub", "<a/>"), ("epub", "<"),
    ("epub", "<h2>Notes</h2>"), ("epub", "<li>a</li>"), ("epub", "]]>"), ("epub", "a=b "),
    ("epub", "<img alt='T'/>"), ("epub", "<br/><img src='a.png' alt='T'/>a"),
    ("epub", "<p id='a'>Text.<a href='#a'><sup>1</sup></a></p>"),
    ("epub", "<p class='caption illus_illus_' style='margin: 2em' id='page_1'>1</p>"),
    ("epub", "<span style='display: block; font-style: italic'>a</span>\n"),
]  # fmt: skip
FAST_ELEMENTS = [("docx", "<w:p/>"), ("odt", "<text:p/>"), ("epub", "<p>Text.</p>")]


@pytest.fixture(autouse=True)
def own_heap() -> Iterator[None]:
    """What other tests left in memory is not searched for garbage in the time that is measured."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def seconds(path: Path) -> float:
    """What this process computes to read a file; the best of three, where it is short."""
    best = 1e9
    for _ in range(3):
        start = time.process_time()
        try:
            _ = read_manuscript(path).scenes
        except InputError as error:
            assert "\n" not in str(error)
        best = min(best, time.process_time() - start)
        if best > 1:
            break
    return best


def assert_linear(short: Path, long: Path) -> None:
    """Other processes can slow down one measurement, and not each of five."""
    found = []
    for _ in range(5):
        before, after = seconds(short), seconds(long)
        # Below a tenth of a second, chance says more than the text.
        if after <= 0.1 or after < max(before, 0.01) * STEP * ALLOWED:
            return
        found.append((before, after))
    raise AssertionError(found)


@pytest.mark.parametrize("unit", few_fast(UNITS, ". ", "*a"), ids=ascii)
@pytest.mark.parametrize("kind", ["md", "txt"])
def test_a_repeated_sign(tmp_path: Path, kind: str, unit: str) -> None:
    paths = []
    for k, size in enumerate((5_000, 5_000 * STEP)):
        paths.append(tmp_path / f"{k}.{kind}")
        text = unit * (size // len(unit)) + "x\n\nThe old man walked to the shore."
        paths[k].write_bytes(text.encode())
    assert_linear(*paths)


@pytest.mark.parametrize(
    ("kind", "unit"),
    few_fast(ELEMENTS, *FAST_ELEMENTS),
)
def test_a_repeated_element(tmp_path: Path, kind: str, unit: str) -> None:
    paths = []
    for k, number in enumerate((1_000, 1_000 * STEP)):
        path, body = tmp_path / f"{k}.{kind}", unit * number
        if kind == "docx":
            docx(path, f"<w:p>{body}</w:p>" if unit.startswith(("<w:r>", "<w:pPr")) else body)
        elif kind == "odt":
            odt(path, body)
        else:
            epub(path, xhtml(body))
        paths.append(path)
    assert_linear(*paths)


@pytest.mark.parametrize(("opening", "closing"), [("<!-- a\n\n", "-->"), ("{~~ a\n\n", "~~}")])
def test_signs_that_only_the_end_closes(opening: str, closing: str) -> None:
    start = time.process_time()
    assert source_of(opening * 40_000 + closing).text
    assert time.process_time() - start < 2  # a search from each sign to the end takes 4 to 10 s


def test_lines_of_many_forms_that_count() -> None:
    letters = str.maketrans("0123456789", "ghijklmnop")
    words = [f"X{number:x}".translate(letters) for number in range(20_000)]
    blocks = [Block("paragraph", f"{word} {number}") for number in (1, 2) for word in words]
    start = time.process_time()
    with_headings_found(blocks)
    assert time.process_time() - start < 10  # to compare each form with each takes 20 s and more
