from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from seqctx.artifacts.dataset_stats import DatasetStats
from seqctx.prepare.analysis.near_duplicates import find_near_duplicates, sketches
from tests.conftest import seqctx
from tests.prepare.test_chunking import book_of


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, model_folder: Path, novella: Path) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "texts").mkdir()
    (folder / "texts" / "<b>.md").write_text(novella.read_text("utf-8"))
    (folder / "c.yaml").write_text(
        f"base_model: {model_folder}\nsequence_len: 2048\n"
        "seqctx: {prepare: {manuscripts: [texts], strategy: scenes}}\n"
    )
    answer = seqctx("prepare", "c.yaml", cwd=folder)
    assert answer.returncode == 0, answer.stderr
    (folder / "said.txt").write_text(answer.stdout)
    return folder


def test_the_page_stands_alone(prepared: Path) -> None:
    page = (prepared / "prepare/out/c/report.html").read_text("utf-8")
    assert page.count("<svg") == 5
    assert "<b>.md" not in page  # texts are escaped
    assert "Overlap joins text that lies less than one chunk apart." in page
    assert not re.search(r"(?:src|href)=[\"']https?:", page)


def test_the_figures_add_up(prepared: Path) -> None:
    out = prepared / "prepare/out/c"
    stats = DatasetStats.read(out / "report.json")
    assert stats is not None
    manifest = json.loads((out / "manifest.json").read_text())
    (book,) = stats.books
    assert len(book.chunks) == manifest["train"]["examples"] + manifest["held_out"]["examples"]
    assert stats.unpacked.rows == manifest["train"]["examples"]
    assert stats.packed.rows <= stats.unpacked.rows
    at = 0
    for chunk in book.chunks:
        assert chunk.start <= chunk.fresh < chunk.end
        assert 0 <= chunk.fresh - at <= 3  # what white space between two is
        at = chunk.end
    assert at == book.tokens
    assert sum(manifest["train"]["cuts"].values()) == manifest["train"]["examples"]


def test_the_terminal_says_what_matters(prepared: Path) -> None:
    said = (prepared / "said.txt").read_text()
    assert re.search(r"chunks cut through \d+ of 10 chapters, \d+ of 30 scenes", said)
    assert re.search(r"motifs: \d+ of \d+ are whole in some example at sequence_len 2048", said)
    assert "report: prepare/out/c/report.html" in said


def test_another_batch_is_another_report(prepared: Path) -> None:
    said = seqctx("prepare", "c.yaml", "--set", "gradient_accumulation_steps=7", cwd=prepared)
    stats = DatasetStats.read(prepared / "prepare/out/c/report.json")
    assert stats and "up to date" not in said.stdout + said.stderr
    assert stats.unpacked.steps_per_epoch == -(-stats.unpacked.rows // 7)


def test_drafts_of_a_chapter_are_found() -> None:
    words = [f"word{k}" for k in range(400)]
    draft = [*words[:200], "changed", *words[201:]]
    books = [book_of([[" ".join(words)], ["other " * 200]]), book_of([[" ".join(draft)]])]
    books.append(book_of([[" ".join(words).upper()]]))
    books = [replace(book, path=f"{k}.md") for k, book in enumerate(books)]
    found = find_near_duplicates(s for book in books for s in sketches(book))
    assert found[0].likeness == 1
    assert 0.85 < found[-1].likeness < 1
    assert len(found) == 3
