"""Rich text in the shapes in which programs for writers save it."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqctx import Book, InputError, read_manuscript
from seqctx.prepare.readers.rtf import rtf_blocks
from tests.prepare.test_linear_time import assert_linear

DATA = Path(__file__).parents[1] / "data" / "rtf"


def read(folder: Path, text: str) -> Book:
    path = folder / "Tale.rtf"
    path.write_bytes(text.encode("latin-1"))
    return read_manuscript(path)


def test_a_file_of_word() -> None:
    book = read_manuscript(DATA / "word.rtf")
    assert book.title == "The Weir"
    assert [chapter.title for chapter in book.chapters] == ["One", "Two"]
    assert "He said ‘so’ and *wondered* — **loudly**." in book.text
    assert "Added words. A link." in book.text
    for words in ("REWRITE", "Cut words", "A note below", "Check this", "Running head", "Times"):
        assert words not in book.text
    blocks = rtf_blocks(DATA / "word.rtf")
    left_out = {block.left_out: block.text for block in blocks if block.left_out}
    assert left_out == {
        "contents": "One 3", "hidden text": "REWRITE this", "endnotes": "A note below.",
        "comment": "Check this.",
    }  # fmt: skip
    ornament = next(block for block in blocks if block.text == "❖")
    assert ornament.look.centred
    heads = [block for block in blocks if block.kind == "heading" and block.level == 1]
    assert [head.look.new_page for head in heads] == [False, True]
    assert heads[0].look.size == round(32 / 24, 2) and heads[0].look.bold


def test_a_file_of_textedit_ends_its_paragraphs_with_backslashes() -> None:
    book = read_manuscript(DATA / "textedit.rtf")
    assert [chapter.title for chapter in book.chapters] == ["Chapter One", "Chapter Two"]
    assert "It was café time, and *nobody* came.\n\nHe said “no” and left." in book.text


def test_a_file_of_wordpad_in_a_code_page() -> None:
    assert read_manuscript(DATA / "wordpad.rtf").text == "Глава 1\n\nБыла *ночь*."


def test_a_file_of_libreoffice() -> None:
    book = read_manuscript(DATA / "libreoffice.rtf")
    assert book.text == "One\n\nHe said „no“ to *them*, 🙂 and 🙂 went."
    assert book.title == "libreoffice"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (r"One\line two.", "One\ntwo."),
        (r"One.\line\line Two.", "One.\n\nTwo."),
        (r"A soft\-hyphen, no\_break, a{\~}space.", "A softhyphen, no-break, a space."),
        (r"\uc2\u233\'3f\'3ft\uc0\u233 t\uc1\u233 ?.", "étété."),
        (r"\trowd\cellx1\intbl One.\cell Two.\cell\row\pard Three.", "One.\n\nTwo.\n\nThree."),
        (r"{\upr{\*\bkmkstart a}plain{\*\ud Read.}}", "Read."),
        (r"Anchor.{\shp{\*\shpinst\shpleft0{\sp{\sn fFlipH}{\sv 0}}{\shptxt\pard Box.\par}}"
         r"{\shprslt Again.}}\par", "Box.\n\nAnchor."),
        (r"{\pard\dropcapli2\dropcapt1 T\par}\pard he end.\par", "The end."),
        (r"{\bin4 }}}}It goes on.", "It goes on."),
        (r"{\pict\pngblip\bin4 }}{}}It goes on.", "It goes on."),
        (r"Bold {\b\i both} and {\b0\i0 none}.", "Bold **both** and none."),
        (r"{\outlinelevel9 Text.\par}", "Text."),
    ],
)  # fmt: skip
def test_what_words_mean(tmp_path: Path, body: str, text: str) -> None:
    assert read(tmp_path, rf"{{\rtf1\ansi\deff0 {body}}}").text == text


def test_a_heading_that_is_only_a_number_that_word_counts(tmp_path: Path) -> None:
    style = r"{\stylesheet{\s1\outlinelevel0 heading 1;}}"
    heads = "".join(
        rf"\pard\s1{{\listtext\pard\plain Chapter {k}\tab}}\par\pard It was late.\par"
        for k in (1, 2)
    )
    assert [c.title for c in read(tmp_path, rf"{{\rtf1{style}{heads}}}").chapters] == [
        "Chapter 1", "Chapter 2",
    ]  # fmt: skip


@pytest.mark.parametrize("number", ["9" * 9, "-5", "", "65537", "99999"])
@pytest.mark.parametrize("word", ["u", "uc", "bin", "ansicpg", "f", "fcharset", "s", "fs", "sb"])
def test_odd_numbers(tmp_path: Path, word: str, number: str) -> None:
    text = rf"{{\rtf1{{\fonttbl{{\f0\{word}{number} A;}}}}One.\par\{word}{number} Two.\par}}"
    assert read(tmp_path, text).text.startswith("One.")


def test_notes_that_scrivener_writes_as_text(tmp_path: Path) -> None:
    annotation = (
        r"\{\\Scrv_annot \\color=\{\\R=0.99\\G=0.08\\B=0.0\} \\text=Check this.\\end_Scrv_annot\}"
    )
    note = r"\{\\Scrv_fn=A note.\\end_Scrv_fn\}"
    book = read(tmp_path, rf"{{\rtf1 One{annotation} two{note}.\par}}")
    assert book.text == "One two." and book.account.left_out == {"comment": 2, "endnotes": 2}
    book = read(tmp_path, r"{\rtf1 One \{\\Scrv_fn=never closed.\par}")
    assert "never closed" in book.text


def test_a_note_as_pandoc_writes_it_is_counted(tmp_path: Path) -> None:
    note = r"{\super\chftn}{\*\footnote\chftn\~\plain\pard A note.}"
    book = read(tmp_path, rf"{{\rtf1 {{\pard Text{note}.\par}}}}")
    assert book.text == "Text." and book.account.left_out == {"endnotes": 2}


def test_damaged_files_are_read_or_refused_in_one_line(tmp_path: Path) -> None:
    for text, fact in (
        ("Plain words.", "damaged, or not a .rtf file"), ("PK\3\4", "damaged"), ("", "damaged"),
        (r"{\rtf1 " + "{" * 2000 + "a", "more than 1,000 groups lie in one another"),
        (r"{\rtf1 {\fonttbl never closed", "is empty"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=fact) as found:
            read(tmp_path, text)
        line = str(found.value)
        assert line.startswith(str(tmp_path)) and "\n" not in line and len(line) < 300
    for text in (
        r"{\rtf1 Text.",
        r"{\rtf1 Text.}}}}",
        "{\\rtf1 Text.\\",
        r"{\rtf1 Text.}{\par more",
    ):
        assert read(tmp_path, text).text == "Text."


UNITS = [
    "{", "}", "{}", "\\", "\\par ", "\\'e9", "\\'83A", "\\u8220?", "\\u8220 ", "\\*", "{\\*\\x a}",
    "{\\pict 0}", "{\\pict", "{\\b a}", "\\b ", "\\line ", "\\page ", "a", "a\n", "{\\footnote a}",
    "{\\shptxt a}", "{\\shptxt a\\par", "{\\field{\\*\\fldinst TOC}}", "\\bin1 a", "\\s1 ", "\\f1 ",
    "{\\stylesheet{\\s1 a;}}", "{\\fonttbl{\\f1 a;}}", "\\f1 a;", "{\\listtext 1}", "\\v a\\v0 ",
]  # fmt: skip


@pytest.mark.parametrize("unit", UNITS, ids=ascii)
def test_time_grows_with_the_length_and_no_faster(tmp_path: Path, unit: str) -> None:
    paths = []
    for k, size in enumerate((5_000, 20_000)):
        paths.append(tmp_path / f"{k}.rtf")
        paths[k].write_bytes((r"{\rtf1\ansi Text.\par " + unit * (size // len(unit))).encode())
    assert_linear(*paths)
