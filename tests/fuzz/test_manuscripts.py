"""Mutated manuscripts of all formats: each is read, or refused in one line."""

from __future__ import annotations

import io
import random
import re
import resource
import tempfile
import warnings
import zipfile
from collections import Counter
from functools import cache
from pathlib import Path

from seqctx import Book, InputError, read_manuscript
from seqctx.system.visible import visible_line
from tests.fuzz.seeds import MANUSCRIPTS_EACH, input_of, seeds
from tests.prepare.office_files import docx, epub, odt, xhtml
from tests.prepare.test_formats import WRITERS

LONGEST_LINE = 500
SIGNS = [
    "\0", "\x1b[2J", "\x85", "\u2028", "\ufeff", "\u202e", "\ud800", "é", "第", "😀", "\r", "\t",
    "\v", " ", "\u00a0", "<", ">", "&", "&amp;", "&#0;", "&#xD800;", "&#x110000;", "&nope;",
    "&nbsp;", "<!--", "-->", "<![CDATA[", "]]>", "<?x", "<!DOCTYPE x [<!ENTITY a 'b'>]>", "</body>",
    "</html>", "</p>", "<p>", "<em>", "<div>", "</w:p>", "<w:p>", "<w:r>", "<text:p>", "</text:p>",
    "[", "](", "*", "**", "_", "`", "```\n", "> ", "- ", "1. ", "#", "# ", "\\", "---\n", "***\n",
    "|", "[a]: b", "\n", "\n\n", "\n\n\n", "    ", ". ", "Chapter 1\n\n", "II\n", "Notes\n\n", "“",
    '"', "'", "%00",
]  # fmt: skip
VALUES = [
    "", "-1", "0", "x", "9" * 5000, "2000000000", "true", "A", "Title", "heading 1", "Heading1",
    "../../etc/passwd", "/etc/passwd", "%ff%00", "c.opf", "http://a/b", "\u202e", "é#x", "toc",
    "footnote", "titlepage", "no", "nav", "utf-16", "continue", "\t\n",
]  # fmt: skip
ENCODINGS = ["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252", "koi8-r", "shift_jis", "utf-7"]
TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?")
TAG = re.compile(r"<[^<>]*>")
VALUE = re.compile(r'="([^"<>]*)"')


TEXTS = {
    "own.html": (
        "<!doctype html><html><head><meta charset='utf-8'><title>T</title><style>.b{margin:3em}"
        ".i{font-style:italic}</style></head><body><h1>T</h1><h2>One</h2><p class='i'>It <i>is</i>"
        " late.</p><p class='b'>So.</p><hr><p>End.<sup><a href='#n1'>1</a></sup></p><h2>Two</h2>"
        "<blockquote><p>Dear Maud,</p></blockquote><p id='n1'>1. A note.</p></body></html>"
    ),
    "own.rtf": (
        r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Times;}}{\stylesheet{\s1\outlinelevel0 heading 1;}}"
        r"{\info{\title T}}\pard\s1 Chapter One\par\pard It was caf\'e9 time, and {\i nobody} "
        r"came.\u8212?\line So.\par * * *\par{\v hidden}{\*\generator x;}End.{\footnote N.}\par"
        r"\page\pard\s1 Chapter Two\par\pard Two.\par}"
    ),
    "own.fodt": (
        "<?xml version='1.0'?><office:document xmlns:office='urn:oasis:names:tc:opendocument:xmlns:"
        "office:1.0' xmlns:text='urn:oasis:names:tc:opendocument:xmlns:text:1.0'><office:body>"
        "<office:text><text:h text:outline-level='1'>One</text:h><text:p>It is late.</text:p>"
        "<text:p/><text:p>So.</text:p></office:text></office:body></office:document>"
    ),
    "own.nwd": (
        "%%~name: Arrival\n%%~path: a/b\n%%~kind: NOVEL/DOCUMENT\n## Arrival\n\n@pov: Maud\n\n"
        "% synopsis: She waits.\n\n### Scene\n\nIt _is_ late.\n\n### Scene\n\nSo.\n"
    ),
    "own.fountain": (
        "Title: T\nAuthor: A\n\n# One\n\nINT. QUAY - DAY\n\nMAUD\n(low)\nNot that one.\n\n"
        "[[a note]] /* cut */\n\nCUT TO:\n\nEXT. MILL - NIGHT\n\nIt rains.\n"
    ),
}
RTF_SIGNS = [
    "{",
    "}",
    "\\",
    r"\'e",
    r"\u-1?",
    r"\uc9 ",
    r"\bin99999 ",
    r"\par ",
    r"{\*\x ",
    r"\v ",
    r"\s9 ",
]


@cache
def sources() -> dict[str, bytes]:
    """A whole manuscript of each format, and some of our own hand."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, write in WRITERS.items():
            write(folder / f"Tale.{kind}")
        table = "<w:tbl><w:tr><w:tc><w:tcPr><w:vMerge/></w:tcPr><w:p/></w:tc></w:tr></w:tbl>"
        docx(
            folder / "own.docx",
            "<w:p><w:pPr><w:pStyle w:val='A'/></w:pPr><w:r><w:t>One</w:t></w:r></w:p>"
            "<w:p><w:ins><w:r><w:rPr><w:b/></w:rPr><w:t>Bold.</w:t><w:br/></w:r></w:ins></w:p>"
            + table,
            "<w:style w:type='paragraph' w:styleId='A'><w:name w:val='heading 1'/>"
            "<w:basedOn w:val='A'/><w:pPr><w:outlineLvl w:val='0'/></w:pPr></w:style>",
        )
        odt(
            folder / "own.odt",
            "<text:h text:outline-level='1'>One</text:h><text:p text:style-name='A'>It "
            "<text:span text:style-name='B'>is</text:span><text:s text:c='3'/>late.<text:note>"
            "<text:p>N.</text:p></text:note></text:p><table:table><table:table-row "
            "table:number-rows-repeated='3'><table:table-cell><text:p>C.</text:p>"
            "</table:table-cell></table:table-row></table:table>",
            "<style:style style:name='B' style:family='text' style:parent-style-name='A'>"
            "<style:text-properties fo:font-style='italic'/></style:style>",
        )
        epub(
            folder / "own.epub",
            xhtml("<section epub:type='chapter'><header><h1>I</h1><p>One</p></header><p>It <em>is"
                  "</em> late.<br/>So.</p><ul><li>a</li><li><p>b</p></li></ul></section>"),
            xhtml("<h2>Two</h2>loose <span>text<p>inside</p></span><table><tr><td>c</td></tr>"
                  "</table><pre> x\n y</pre><hr/><p>End.</p>"),
        )  # fmt: skip
        for name, text in TEXTS.items():
            (folder / name).write_text(text, "utf-8")
        return {path.name: same(path.read_bytes()) for path in sorted(folder.iterdir())}


def same(raw: bytes) -> bytes:
    """A file without the time when it was written, so that a seed gives the same file again."""
    if not raw.startswith(b"PK"):
        return raw
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    return packed([(name, TIME.sub(b"2026-01-01T00:00:00", data)) for name, data in members])


def packed(members: list[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of these members."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that two members have one name
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return made.getvalue()


def of_bytes(raw: bytes, chance: random.Random) -> bytes:
    """Bytes that a disk, a network or an editor damaged."""
    at, size = chance.randrange(len(raw) + 1), chance.choice([1, 1, 4, 40, 4000])
    match chance.randrange(6):
        case 0:
            return raw[:at] + bytes([chance.randrange(256)]) + raw[at + 1 :]
        case 1:
            changed = bytearray(raw or b" ")
            changed[at % len(changed)] ^= 1 << chance.randrange(8)
            return bytes(changed)
        case 2:
            return raw[:at]
        case 3:
            return raw[:at] + raw[at + size :]
        case 4:
            return raw[:at] + raw[at : at + size] * chance.randint(2, 20) + raw[at + size :]
        case _:
            return raw[:at] + chance.randbytes(size) + raw[at:]


def of_text(text: str, chance: random.Random) -> str:
    """A text with a sign that means something, once or many times."""
    at = chance.randrange(len(text) + 1)
    number = chance.choice([1, 1, 2, 30, 3000])
    if chance.random() < 0.2:
        end = chance.randrange(len(text) + 1)
        return text[: min(at, end)] + text[max(at, end) :]
    signs = RTF_SIGNS if text.startswith("{\\rtf") and chance.random() < 0.7 else SIGNS
    return text[:at] + chance.choice(signs) * number + text[at:]


def of_markup(text: str, chance: random.Random) -> str:
    """Mark-up with one tag or attribute changed."""
    tags = list(TAG.finditer(text))
    if not tags:
        return of_text(text, chance)
    tag = chance.choice(tags)
    number = chance.choice([1, 2, 30, 300, 3000])
    before, after = text[: tag.start()], text[tag.end() :]
    match chance.randrange(8):
        case 0:
            return before + after
        case 1:
            return before + tag[0] * number + after
        case 2:
            other = chance.choice(tags)
            return before + other[0] + after
        case 3:
            name = (tag[0].strip("</>").split() or ["x"])[0]
            return before + tag[0] + f"<{name}>" * number + f"</{name}>" * number + after
        case 4:
            values = list(VALUE.finditer(text))
            if not values:
                return before + after
            value = chance.choice(values)
            return text[: value.start(1)] + chance.choice(VALUES) + text[value.end(1) :]
        case 5:
            end = chance.choice(tags).end()
            return text[:end] + text[min(end, tag.start()) : max(end, tag.start())] + text[end:]
        case 6:
            return (
                before + f"<{chance.choice(['p', 'w:p', 'text:p', 'x', 'div', 'title'])}/>" + after
            )
        case _:
            return of_text(text, chance)


def encoded(text: str, chance: random.Random) -> bytes:
    """A text in UTF-8, mostly."""
    name = chance.choice(ENCODINGS) if chance.random() < 0.15 else "utf-8"
    errors = "surrogatepass" if name.startswith("utf-") and name != "utf-7" else "replace"
    return text.encode(name, errors)


def of_archive(raw: bytes, chance: random.Random) -> bytes:
    """An archive with one member changed, gone, twice, renamed, locked or packed in another way."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    marked = [k for k, (name, data) in enumerate(members) if b"<" in data[:200]]
    k = chance.choice(marked if chance.random() < 0.9 else range(len(members)))
    name, data = members[k]
    method = zipfile.ZIP_DEFLATED
    match chance.randrange(12):
        case 0:
            del members[k]
        case 1:
            members.append((name, chance.choice(members)[1]))
        case 2:
            members[k] = (chance.choice(["../", "/", "é", "\\", ""]) + name, data)
        case 3:
            members[k] = (name, b"")
        case 4:
            method = chance.choice([zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
        case 5:
            members[k] = (name, of_bytes(data, chance))
        case _:
            text = data.decode("utf-8", "replace")
            for _ in range(chance.randint(1, 3)):
                text = of_markup(text, chance)
            members[k] = (name, encoded(text, chance))
    found = packed(members, method)
    if chance.random() < 0.05:  # all members locked, or packed in a way that nobody knows
        field, value = chance.choice([(6, 1), (8, 99), (8, 12)])
        changed = bytearray(found)
        for sign, offset in ((b"PK\3\4", field), (b"PK\1\2", field + 2)):
            for match in re.finditer(re.escape(sign), found):
                if match.start() + offset < len(changed):
                    changed[match.start() + offset] = value
        found = bytes(changed)
    return found


def mutated(chance: random.Random) -> tuple[str, bytes]:
    """A file's name and its bytes."""
    name, raw = chance.choice(list(sources().items()))
    kind = name.rpartition(".")[2]
    if chance.random() < 0.1:
        raw = of_bytes(raw, chance)
    elif not raw.startswith(b"PK"):
        text, change = raw.decode(), of_markup if kind in ("html", "fodt") else of_text
        for _ in range(chance.randint(1, 4)):
            text = change(text, chance)
        raw = encoded(text, chance)
    else:
        raw = of_archive(raw, chance)
        raw = of_bytes(raw, chance) if chance.random() < 0.1 else raw
    if chance.random() < 0.03:
        kind = chance.choice(["md", "txt", "docx", "odt", "epub", "markdown", "html", "rtf"])
    return f"f.{kind}", raw


def assert_whole(book: Book) -> None:
    """That a book's spans lie in its text, in order, and that it can be written as UTF-8."""
    book.text.encode("utf-8")
    assert book.text.strip() and "\0" not in book.text
    for spans in (book.paragraphs, book.headings, book.scene_breaks, book.scenes):
        ends = [end for span in spans for end in (span.start, span.end)]
        assert ends == sorted(ends) and (not ends or 0 <= ends[0] <= ends[-1] <= len(book.text))
    assert book.chapters[0].span.start == 0 and book.chapters[-1].span.end == len(book.text)
    for span in book.emphasis:
        assert book.text[span.start - 1] == "*" == book.text[span.end]


def test_a_mutated_manuscript_is_read_or_refused_in_one_line(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    results: Counter[str] = Counter()
    for seed in seeds(MANUSCRIPTS_EACH):
        chance = random.Random(seed)
        name, raw = mutated(chance)
        path = tmp_path / name
        path.write_bytes(raw)
        with input_of(seed, __file__):
            try:
                book = read_manuscript(path, keep_front_and_back_matter=chance.random() < 0.3)
            except InputError as error:
                line = str(error)
                assert line.startswith(str(path)) and visible_line(line) == line, line
                assert len(line) < LONGEST_LINE + len(str(path)), line
                results[f"{path.suffix} refused"] += 1
            else:
                assert_whole(book)
                results[f"{path.suffix} read"] += 1
    print(dict(sorted(results.items())))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 300_000, f"{grown} kB more than before"  # [kB]
