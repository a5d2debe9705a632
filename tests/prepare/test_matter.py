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


def test_a_lone_line_at_the_edge_of_a_file_is_one(tmp_path: Path) -> None:
    (tmp_path / "n.txt").write_text(novel("NOTES", 195).replace("#", "").replace(" Ch", "Ch"))
    book = read_manuscript(tmp_path / "n.txt")
    assert [x.kind for x in book.left_out] == ["endnotes"]
    assert book.text.endswith("Paragraph 194 of the story goes on.")
