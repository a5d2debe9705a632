"""What is left out of a book, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqctx import read_manuscript


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
