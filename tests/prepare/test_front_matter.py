"""What is left out of a book, and what is not."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from seqctx import read_manuscript
from seqctx.prepare.readers.front_matter import leave_out
from seqctx.prepare.readers.markdown import markdown_blocks
from tests.prepare.office_files import epub, xhtml


def novel(insert: str, at: int, level: str = "##") -> str:
    """Ten chapters of twenty paragraphs, with some lines put before one of the paragraphs."""
    lines = ["# Novel"]
    for k in range(200):
        if k % 20 == 0:
            lines.append(f"{level} Chapter {k // 20 + 1}")
        if k == at:
            lines.append(insert)
        lines.append(f"Paragraph {k} of the story goes on.")
    return "\n\n".join(lines)


@pytest.mark.parametrize("line", ["Notes:", "License.", "Index"])
@pytest.mark.parametrize("level", ["#", "##", "####"])
def test_a_lone_line_in_mid_story_is_no_heading(tmp_path: Path, line: str, level: str) -> None:
    (tmp_path / "n.md").write_text(novel(line, 45, level))
    book = read_manuscript(tmp_path / "n.md")
    assert not book.left_out
    assert f"{line}\n\nParagraph 45" in book.text and "Paragraph 199" in book.text


@pytest.mark.parametrize("line", ["NOTES", "Index", "About the Author", "Copyright"])
@pytest.mark.parametrize("at", [0, 195])
def test_a_heading_over_prose_is_the_story_wherever_it_stands(
    tmp_path: Path, line: str, at: int
) -> None:
    (tmp_path / "n.txt").write_text(novel(line, at).replace("#", "").replace(" Ch", "Ch"))
    book = read_manuscript(tmp_path / "n.txt")
    assert not book.left_out
    assert line in book.text and book.text.endswith("Paragraph 199 of the story goes on.")


def test_numbered_notes_at_the_end_are_left_out(tmp_path: Path) -> None:
    notes = "NOTES\n\n[1] A measure.\n\n[2] So the parish book has it."
    (tmp_path / "n.txt").write_text(
        novel("", 200).replace("#", "").replace(" Ch", "Ch") + f"\n\n{notes}"
    )
    book = read_manuscript(tmp_path / "n.txt")
    assert [(x.kind, x.words) for x in book.left_out] == [("endnotes", 11)]
    assert book.text.endswith("Paragraph 199 of the story goes on.")


def test_a_contents_list_with_page_numbers(tmp_path: Path) -> None:
    names = ["CHAPTER I. The Storm", "CHAPTER II. The Calm"]
    entries = "\n".join(f"{name} ........ {k * 20 + 3}" for k, name in enumerate(names))
    chapters = "".join(f"\n\n{name}\n\nIt was late." for name in names)
    (tmp_path / "n.txt").write_text(f"CONTENTS\n\n{entries}{chapters}")
    book = read_manuscript(tmp_path / "n.txt")
    assert [c.title for c in book.chapters] == names
    assert [x.kind for x in book.left_out] == ["contents"]
    assert book.text.startswith("CHAPTER I. The Storm\n\nIt was late.")


@pytest.mark.parametrize(
    ("line", "left_out"),
    [
        ("By morning they had gone.", False), ("By now", False), ("by Ursula K. Le Guin", True),
        ("BY H. G. WELLS", True), ("A novel by Ludwig van Beethoven", True),
    ],
)  # fmt: skip
def test_lines_of_a_title_page(tmp_path: Path, line: str, left_out: bool) -> None:
    (tmp_path / "n.md").write_text(f"# Novel\n\n{line}\n\n## One\n\nA.\n\n## Two\n\nB.")
    book = read_manuscript(tmp_path / "n.md")
    assert [x.kind for x in book.left_out] == ["title page"] * left_out
    assert (line in book.text) != left_out


STORY = novel("", 200).removeprefix("# Novel\n\n")
CONTENTS = "# {}\n\n" + "\n".join(f"- [Chapter {k}](#chapter-{k})" for k in range(1, 11))
IMPRINT = "Copyright © 2031 Mara Quillon\n\nAll rights reserved.\n\nISBN 000-0-00-000000-0"
INDEX = "\n\n".join(f"{word}, {k}, {k + 9}" for k, word in enumerate("abcdefgh", 3))


@pytest.mark.parametrize(
    ("before", "after", "kinds"),
    [
        (CONTENTS.format("Contents"), "", ["contents"]),
        (CONTENTS.format("Index"), "", ["contents"]),
        (CONTENTS.format("目次"), "", ["contents"]),
        ("Contents\n\n" + "\n\n".join(f"Chapter {k}" for k in range(1, 11)), "", ["contents"]),
        (f"# Copyright\n\n{IMPRINT}", "", ["imprint"]),
        ("", f"# Impressum\n\n{IMPRINT}", ["imprint"]),
        ("", IMPRINT, ["imprint"]),
        ("", f"# Index\n\n{INDEX}", ["index"]),
        ("", "# About the Author\n\nMara Quillon lives beside a canal.", ["about the author"]),
        ("", "# Об авторе\n\nМара живёт у канала.", ["about the author"]),
        ("# Also by Mara Quillon\n\nThe Weir\n\nThe Salt Road", "", ["advertisement"]),
        ("", "# Endnotes\n\n1. A measure.\n\n2. So the book has it.", ["endnotes"]),
        ("", "# Transcriber's Notes\n\nErrors were corrected.", ["transcriber's note"]),
        ("Mara Quillon\n\nmara@example.org\n\nabout 420 words", "END", ["title page", "end mark"]),
        ("mara@example.org\n\nThe Ferry House\n\nby Mara Quillon", "THE END",
         ["title page", "end mark"]),
    ],
)  # fmt: skip
def test_what_has_the_form_of_front_or_back_matter_is_left_out(
    tmp_path: Path, before: str, after: str, kinds: list[str]
) -> None:
    (tmp_path / "n.md").write_text("\n\n".join([before, STORY, after]).strip() + "\n", "utf-8")
    book = read_manuscript(tmp_path / "n.md")
    assert [x.kind for x in book.left_out] == kinds
    assert book.text.startswith("Chapter 1\n\nParagraph 0 ")
    assert book.text.endswith("Paragraph 199 of the story goes on.")


@pytest.mark.parametrize(
    "name", ["Contents", "Index", "Notes", "Copyright", "License", "Illustrations", "Anmerkungen"]
)
def test_chapters_below_a_heading_that_names_front_matter_stay(tmp_path: Path, name: str) -> None:
    (tmp_path / "n.md").write_text(f"# {name}\n\n{STORY}\n\n# Answers\n\n## Last\n\nA day went.\n")
    book = read_manuscript(tmp_path / "n.md")
    assert "Paragraph 0 " in book.text and "Paragraph 199 " in book.text
    assert sum(x.words for x in book.left_out) <= 1


def test_notes_in_mid_story_end_at_the_next_heading_of_any_level(tmp_path: Path) -> None:
    notes = "# FOOTNOTES:\n\n[1] A measure of nine bushels.\n\n[2] So the parish book has it."
    (tmp_path / "n.md").write_text(STORY.replace("## Chapter 5", f"{notes}\n\n## Chapter 5"))
    book = read_manuscript(tmp_path / "n.md")
    assert [(x.kind, x.words) for x in book.left_out] == [("endnotes", 14)]
    assert len(book.chapters) == 10 and "Paragraph 199 " in book.text


@pytest.mark.parametrize(
    "kind", ["index", "toc", "endnotes", "footnotes", "imprint", "colophon", "bibliography"]
)
def test_a_declaration_that_holds_the_story_is_not_believed(tmp_path: Path, kind: str) -> None:
    parts = STORY.split("## ")[1:]
    chapters = [
        f"<h2>{head}</h2>" + "".join(f"<p>{line} {line}</p>" for line in lines)
        for head, *lines in (part.strip().split("\n\n") for part in parts)
    ]
    inside = f'<section epub:type="{kind}">{"".join(chapters[3:8])}</section>'
    epub(tmp_path / "n.epub", xhtml("".join([*chapters[:3], inside, *chapters[8:]])))
    book = read_manuscript(tmp_path / "n.epub")
    assert len(book.chapters) == 10 and not book.left_out


def test_several_books_with_licences_in_one_file(tmp_path: Path) -> None:
    start, end = (f"*** {x} OF THE PROJECT GUTENBERG EBOOK NOVEL ***" for x in ("START", "END"))
    one = f"The Project Gutenberg eBook\n\n{start}\n\n{{}}\n\n{end}\n\nTerms of use\n\n"
    text = "".join(one.format(f"CHAPTER {k}\n\nStory {k} went on for a day.") for k in range(1, 4))
    (tmp_path / "n.txt").write_text(text)
    book = read_manuscript(tmp_path / "n.txt")
    assert all(f"Story {k} went on" in book.text for k in range(1, 4))
    assert {x.kind for x in book.left_out} == {"licence"}
    assert "Terms" not in book.text and "***" not in book.text


def test_pictures_are_scattered_and_make_one_entry(tmp_path: Path) -> None:
    text = STORY.replace("Paragraph 50 ", "[Illustration]\n\nParagraph 50 ")
    text = text.replace("Paragraph 90 ", "[Illustration: The ferry at low water]\n\nParagraph 90 ")
    (tmp_path / "n.md").write_text(text)
    (found,) = read_manuscript(tmp_path / "n.md").left_out
    assert (found.kind, found.words, found.places, found.is_certain) == ("illustration", 7, 2, True)


def test_what_an_archive_writes_around_a_story(tmp_path: Path) -> None:
    tags = "Rating: General\n\nArchive Warning: None\n\nFandom: Original Work\n\nWords: 2,114"
    head = f"## Preface\n\n# The Weir\n\nby marsh_lark\n\n{tags}\n\nSummary\n\nA boat is lost."
    notes = "Chapter End Notes\n\nSorry, my cat was ill.\n\n## Chapter 2"
    end = "## Afterword\n\nPlease leave a comment."
    text = STORY.replace("## Chapter 2", notes)
    (tmp_path / "n.md").write_text(f"{head}\n\n{text}\n\n{end}\n")
    book = read_manuscript(tmp_path / "n.md")
    assert len(book.chapters) == 10
    for words in ("Rating", "A boat is lost", "my cat", "a comment", "Preface", "Afterword"):
        assert words not in book.text


def test_contents_with_summaries_between_their_entries(tmp_path: Path) -> None:
    entries = "".join(
        f"CHAPTER {k}.\n\nA storm.--The quay.--Nobody comes.\n\n" for k in range(1, 9)
    )
    chapters = "".join(f"CHAPTER {k}.\n\n{STORY[14:400]}\n\n" for k in range(1, 9))
    (tmp_path / "n.txt").write_text(f"CONTENTS\n\n{entries}{chapters}")
    book = read_manuscript(tmp_path / "n.txt")
    assert [(x.kind, x.is_certain) for x in book.left_out] == [("contents", True)]
    assert len(book.chapters) == 8 and "Nobody comes" not in book.text


@pytest.mark.parametrize(
    "lines",
    [
        ["# Contents"], ["*** START OF THE PROJECT GUTENBERG", "*** END OF THE PROJECT GUTENBERG"],
        ["[Illustration: a"], ["Chapter End Notes"], ["Rating: a", "Fandom: b", "Words: c"],
        ["[A](#a)"], ["# Notes", "[1] A note."], ["A/N: Sorry."], ["# One", "Notes", "a"],
    ],
)  # fmt: skip
def test_lines_without_end_take_linear_time(lines: list[str]) -> None:
    blocks = list(markdown_blocks("\n\n".join(lines)))

    def seconds(number: int) -> float:
        start = time.process_time()
        leave_out(blocks * number, "Novel")
        return time.process_time() - start

    assert any(seconds(8_000) < max(seconds(1_000), 0.01) * 8 * 4 for _ in range(3))
