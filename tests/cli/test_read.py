"""``seqctx read``: the tree, the text, JSON and the page, from small books."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from seqctx import read_manuscript
from seqctx.cli.main import cli

PARAGRAPH = "The light went early that autumn, and nobody on the quay said a word about it.\n\n"
NOVEL = (
    "# The Ferry\n\n"
    f"## Part One\n\n### Arrival\n\n{PARAGRAPH * 4}* * *\n\n{PARAGRAPH * 3}"
    f"### The Bridge\n\n{PARAGRAPH * 5}"
    f"## Part Two\n\n### Departure\n\n{PARAGRAPH * 4}### Home\n\n{PARAGRAPH * 6}"
)


def read(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["read", *arguments])


@pytest.fixture
def novel(tmp_path: Path) -> Path:
    path = tmp_path / "novel.md"
    path.write_text(NOVEL)
    return path


def test_parts_chapters_and_scenes_are_a_tree(novel: Path) -> None:
    answer = read(str(novel))
    assert answer.exit_code == 0, answer.output
    lines = [line.rstrip() for line in answer.stdout.splitlines()]
    assert re.fullmatch(r"The Ferry: \d+ words", lines[0])
    shapes = [re.sub(r"\d+", "N", line) for line in lines[1:7]]
    assert shapes == [
        "├── Part One",
        "│   ├── Arrival: N words, N scenes (N, N)",
        "│   └── The Bridge: N words",
        "└── Part Two",
        "    ├── Departure: N words",
        "    └── Home: N words",
    ]
    assert any("open the chapters" in line for line in lines)


def test_text_is_what_the_book_holds_and_nothing_else(novel: Path) -> None:
    assert read(str(novel), "--text").stdout == read_manuscript(novel).text + "\n"


def test_json_holds_spans_of_the_text(novel: Path) -> None:
    book = read_manuscript(novel)
    (data,) = json.loads(read(str(novel), "--json").stdout)
    assert data["title"] == "The Ferry" and data["words"] == book.words
    assert [part["title"] for part in data["parts"]] == ["Part One", "Part Two"]
    chapters = data["chapters"]
    assert [chapter["title"] for chapter in chapters] == [c.title for c in book.chapters]
    assert [chapter["parts"] for chapter in chapters] == [["Part One"]] * 2 + [["Part Two"]] * 2
    for chapter in chapters:
        text = book.text[chapter["start"] : chapter["end"]]
        assert chapter["words"] == len(text.split()) and chapter["title"] in text
    assert len(chapters[0]["scenes"]) == 2
    (mark,) = data["scene_breaks"]
    assert book.text[mark["start"] : mark["end"]] == "* * *"
    assert data["account"]["words"] == len(re.findall(r"[^\s#*]\S*", NOVEL))


def test_a_motto_above_the_first_part_is_of_its_first_chapter(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text(NOVEL.replace("## Part One", "*To my brother.*\n\n## Part One", 1))
    (data,) = json.loads(read(str(path), "--json").stdout)
    assert data["chapters"][0]["parts"] == ["Part One"]


def test_chapters_unlike_the_others_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    lengths = {1: 10, 2: 10, 3: 90, 5: 10, 6: 11, 7: 12, 8: 10}
    path.write_text("".join(f"## Chapter {k}\n\n{PARAGRAPH * n}" for k, n in lengths.items()))
    answer = read(str(path))
    assert "look at chapter “Chapter 3” has 1,442 words" in answer.stdout
    assert "look at “Chapter 3” is followed by “Chapter 5”." in answer.stdout
    assert answer.stdout.count("look at") == 2


def test_what_prepare_would_refuse_is_status_1(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    notes = "".join(f"{k}. A note on line {k}.\n\n" for k in range(1, 60))
    path.write_text(f"## One\n\n{PARAGRAPH * 9}## Two\n\n{PARAGRAPH * 9}## Notes\n\n{notes}")
    answer = read(str(path))
    assert (answer.exit_code, answer.stderr.count("keep_front_and_back_matter")) == (1, 1)
    assert "not certain" in answer.stdout
    config = tmp_path / "c.yaml"
    config.write_text(
        f"base_model: m\nseqctx:\n  prepare:\n    manuscripts: [{path}]\n"
        "    keep_front_and_back_matter: false\n"
    )
    assert read("--config", str(config)).exit_code == 0


def test_bad_files_are_named_and_the_others_shown(novel: Path, tmp_path: Path) -> None:
    bad = [tmp_path / "a.docx", tmp_path / "b.epub"]
    for path in bad:
        path.write_bytes(b"no zip")
    answer = read(*map(str, bad), str(novel))
    assert answer.exit_code == 2
    assert "The Ferry: " in answer.stdout
    for path in bad:
        assert f"{path}: " in answer.stderr


def test_a_hostile_text_commands_neither_terminal_nor_browser(tmp_path: Path) -> None:
    path, page = tmp_path / "a.md", tmp_path / "a.html"
    hostile = "\x1b[31m <script>document.title='x'</script>"
    path.write_text(f"## One {hostile}\n\n{PARAGRAPH} {hostile}\n\n## Two\n\n{PARAGRAPH}")
    answer = read(str(path), "--html", str(page))
    assert answer.exit_code == 0, answer.output
    assert "\x1b" not in answer.output
    written = page.read_text()
    assert "<script" not in written and "\x1b" not in written
    assert "\x1b" not in read(str(path), "--text").output
    assert read(str(path), "--html", str(page)).exit_code == 0  # its own page is replaced
    page.write_text("mine")
    assert read(str(path), "--html", str(page)).exit_code == 2
    assert page.read_text() == "mine"


@pytest.mark.parametrize(
    "arguments",
    [(), ("a.md", "--text", "--json"), ("a.md", "--set", "seqctx.prepare.held_out=0.2")],
)
def test_wrong_usage_is_one_line(arguments: tuple[str, ...]) -> None:
    answer = read(*arguments)
    assert answer.exit_code == 2 and answer.stderr.count("Error: ") == 1


def test_a_page_that_read_wrote_is_no_manuscript(novel: Path, tmp_path: Path) -> None:
    read(str(novel), "--html", str(tmp_path / "page.html"))
    answer = read(str(tmp_path))
    assert answer.exit_code == 0 and "page.html" not in answer.stdout
