from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from seqctx.artifacts.dataset_stats import DatasetStats, Packing
from seqctx.artifacts.manifest import Manifest
from seqctx.prepare.analysis.near_duplicates import find_near_duplicates, sketches
from seqctx.prepare.report import report_page
from tests.conftest import ROOT, seqctx
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
    (folder / "output.txt").write_text(answer.stdout)
    return folder


def test_the_page_stands_alone(prepared: Path) -> None:
    page = (prepared / "prepare/out/c/report.html").read_text("utf-8")
    assert page.count("<svg") == 5
    assert "<b>.md" not in page  # texts are escaped
    assert "Overlap joins text that lies less than one chunk apart." in page
    assert not re.search(r"(?:src|href)=[\"']https?:", page)


def test_the_stats_add_up(prepared: Path) -> None:
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


def test_which_headings_open_chapters_is_said(prepared: Path) -> None:
    page = (prepared / "prepare/out/c/report.html").read_text("utf-8")
    reason = "Headings of level 2 open the chapters"
    assert "How chapters were found" in page and reason in page
    assert reason in (prepared / "output.txt").read_text()
    source = json.loads((prepared / "prepare/out/c/manifest.json").read_text())["sources"][0]
    assert source["chapter_reason"].startswith(reason) and source["parts"] == []


def test_the_chapters_key_is_followed(prepared: Path) -> None:
    config = (prepared / "c.yaml").read_text()
    (prepared / "d.yaml").write_text(config.replace("strategy:", "chapters: {level: 5}, strategy:"))
    answer = seqctx("prepare", "d.yaml", cwd=prepared)
    assert answer.returncode == 2
    assert "seqctx.prepare.chapters.level: no heading has this level (got 5; the file has" in (
        answer.stderr
    )


def test_lines_for_the_terminal(prepared: Path) -> None:
    printed = (prepared / "output.txt").read_text()
    assert re.search(r"chunks cut through \d+ of 10 chapters, \d+ of 30 scenes", printed)
    assert re.search(r"motifs: \d+ of \d+ are whole in some example at sequence_len 2048", printed)
    assert "report: prepare/out/c/report.html" in printed


def test_another_batch_is_another_report(prepared: Path) -> None:
    answer = seqctx("prepare", "c.yaml", "--set", "gradient_accumulation_steps=7", cwd=prepared)
    stats = DatasetStats.read(prepared / "prepare/out/c/report.json")
    assert stats and "up to date" not in answer.stdout + answer.stderr
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


@pytest.fixture(scope="module")
def records() -> tuple[Manifest, DatasetStats]:
    folder = ROOT / "tests" / "data" / "records"
    manifest = Manifest.read(folder / "manifest-0.1.json")
    stats = DatasetStats.read(folder / "report-0.1.json")
    assert manifest and stats
    return manifest, stats


def test_steps_follow_from_rows(records: tuple[Manifest, DatasetStats]) -> None:
    """27 rows stood beside 14 and 13 steps, without a word on how they follow."""
    manifest, stats = records
    packing = {"rows": 27, "efficiency": 0.9, "rows_per_step": 2}
    plain = Packing(**packing, steps_per_epoch=14)
    packed = Packing(**packing, steps_per_epoch=13)
    page = report_page(manifest, stats.model_copy(update={"unpacked": plain, "packed": packed}))
    assert "One optimizer step takes 2 rows" in page
    assert "27 / 2 = 13, and 1 row left: the last step has fewer rows" in page
    assert "27 / 2 = 13, and 1 row left: Axolotl leaves out a last step that is not full" in page
    whole = plain.model_copy(update={"rows": 28})
    page = report_page(manifest, stats.model_copy(update={"unpacked": whole, "packed": packed}))
    assert "28 / 2 = 14<" in page


def test_text_that_is_learned_twice_is_told(records: tuple[Manifest, DatasetStats]) -> None:
    """The page said that only new text is learned, with overlap_loss: train as well."""
    manifest, stats = records
    assert "The model learns the new text of each example" in report_page(manifest, stats)
    page = report_page(manifest, stats.model_copy(update={"trained_twice_tokens": 1234}))
    assert "1,234 tokens are learned more than once" in page
    assert "The model learns the new text of each example" not in page
