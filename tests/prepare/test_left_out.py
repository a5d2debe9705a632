"""What is left out is listed; where much of it is uncertain, prepare asks first."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqctx import read_manuscript
from seqctx.artifacts.manifest import Account, LeftOut, Manifest
from seqctx.prepare.left_out import account_line, left_out_lines, unclear_parts
from tests.conftest import seqctx

KEY = "seqctx.prepare.keep_front_and_back_matter"
RIGHTS = "Copyright 2031 Mara Quillon. All rights reserved; " + "no part may be copied. " * 5


def sentence(number: int) -> str:
    return (
        f"Boat {number} left the quay before noon, and nobody who stood there waved to it at all."
    )


def story(first: str = "", number: int = 0, chapters: int = 8, paragraphs: int = 12) -> str:
    """Chapters of paragraphs, none of which comes twice, below some front matter."""
    parts = [first] if first else []
    for chapter in range(chapters):
        parts.append(f"# Chapter {chapter + 1}")
        parts += [sentence(number + chapter * paragraphs + k) for k in range(paragraphs)]
    return "\n\n".join(parts) + "\n"


@pytest.fixture
def project(tmp_path: Path, model_folder: Path) -> Path:
    (tmp_path / "texts").mkdir()
    (tmp_path / "c.yaml").write_text(
        f"base_model: {model_folder}\nsequence_len: 1024\n"
        "seqctx: {prepare: {manuscripts: [texts]}}\n"
    )
    return tmp_path


def test_prepare_refuses_with_a_list_and_the_setting(project: Path) -> None:
    front = "# Copyright\n\n" + "\n\n".join(f"{RIGHTS} {k}" for k in range(5))
    (project / "texts/a.md").write_text(story(front))
    (project / "texts/b.md").write_text(story("# Copyright\n\nAll rights reserved.", 500))
    answer = seqctx("prepare", "c.yaml", cwd=project)
    assert answer.returncode == 1 and not (project / "prepare").exists()
    (line,) = [line for line in answer.stderr.splitlines() if KEY in line]
    assert "a.md: " in line and "imprint “Copyright” (" in line and "b.md" not in line
    assert f"set {KEY}: true" in line and line.endswith("set it to false.")

    answer = seqctx("prepare", "c.yaml", "--set", f"{KEY}=false", cwd=project)
    assert answer.returncode == 0, answer.stderr
    assert "  left out: imprint “Copyright” (" in answer.stdout
    manifest = Manifest.read(project / "prepare/out/c/manifest.json")
    assert manifest is not None
    (part,) = manifest.sources[0].left_out
    assert part.share > 0.05 and not part.is_certain
    account = manifest.sources[0].account
    assert account.words == account.in_text + part.words
    assert "What was left out" in (project / "prepare/out/c/report.html").read_text("utf-8")

    answer = seqctx("prepare", "c.yaml", "--set", f"{KEY}=true", cwd=project)
    assert answer.returncode == 0 and "left out:" not in answer.stdout


def test_small_parts_are_listed_only(project: Path) -> None:
    (project / "texts/a.md").write_text(story("# Copyright\n\nAll rights reserved."))
    answer = seqctx("prepare", "c.yaml", cwd=project)
    assert answer.returncode == 0, answer.stderr
    assert "  left out: imprint “Copyright” (4 words, 0.2%)" in answer.stdout
    assert "words of the file: " in answer.stdout


def part(words: int, share: float, *, certain: bool = False, kind: str = "imprint") -> LeftOut:
    return LeftOut(kind=kind, title="A title", words=words, share=share, is_certain=certain)


@pytest.mark.parametrize(
    ("parts", "refused"),
    [
        ([part(30, 0.05)], False),
        ([part(30, 0.0501)], True),
        ([part(30, 0.03), part(30, 0.03, kind="index")], True),
        ([part(2_000, 0.01)], False),
        ([part(2_001, 0.01)], True),
        ([part(90_000, 0.6, certain=True)], False),
        ([part(90_000, 0.6, certain=True), part(10, 0.001)], False),
    ],
)
def test_when_prepare_asks(tmp_path: Path, parts: list[LeftOut], refused: bool) -> None:
    from dataclasses import replace

    (tmp_path / "a.md").write_text(story())
    book = replace(read_manuscript(tmp_path / "a.md"), left_out=tuple(parts))
    messages = list(unclear_parts(book))
    assert bool(messages) == refused
    assert all(KEY in message and str(tmp_path / "a.md") in message for message in messages)


def test_many_parts_make_a_message_of_a_length_that_is_read(tmp_path: Path) -> None:
    from dataclasses import replace

    (tmp_path / "a.md").write_text(story())
    parts = tuple(part(100 + k, 0.01, kind=f"kind {k}") for k in range(60))
    book = replace(read_manuscript(tmp_path / "a.md"), left_out=parts)
    (message,) = unclear_parts(book)
    assert "; and 52 more. To keep them" in message and len(message) < 1_400


def test_characters_are_counted_where_no_white_space_parts_words(tmp_path: Path) -> None:
    paragraphs = "\n\n".join(f"渡し守は川べりに提灯を{k}つ置き忘れていた。" for k in range(40))
    notes = "注\n\n[1] 一升は十合である。\n\n[2] 村の帳面による。"
    (tmp_path / "a.txt").write_text(f"第一章\n\n{paragraphs}\n\n{notes}\n", "utf-8")
    (found,) = read_manuscript(tmp_path / "a.txt").left_out
    assert (found.kind, found.characters, found.size) == ("endnotes", 24, "24 characters")
    assert 0.02 < found.share < 0.05
    (line,) = left_out_lines([found])
    assert line == "left out: endnotes “注” (24 characters, 2.7%), not certain"


def test_an_account_in_one_line() -> None:
    account = Account(
        words=130, in_text=100, left_out={"imprint": 20, "index": 4}, marks={"scene mark": 6}
    )
    assert account_line(account) == (
        "words of the file: 130 = 100 in the text, 24 left out, 6 in scene marks"
    )
    assert account_line(Account()) == ""
