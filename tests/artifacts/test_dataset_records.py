"""Records that prepare left before its fields had their names of today."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seqctx.artifacts.dataset_stats import DatasetStats
from seqctx.artifacts.manifest import Manifest
from seqctx.catalog.lookup import find_model
from seqctx.config.config import load_config
from seqctx.errors import InputError
from seqctx.plan.explain import explain
from seqctx.plan.options import compare_options
from seqctx.plan.summary import summarize
from seqctx.prepare.report import report_lines, report_page
from tests.conftest import ROOT

RECORDS = ROOT / "tests" / "data" / "records"


@pytest.fixture(scope="module")
def stats() -> DatasetStats:
    found = DatasetStats.read(RECORDS / "report-0.1.json")
    assert found is not None
    return found


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    found = Manifest.read(RECORDS / "manifest-0.1.json")
    assert found is not None
    return found


def test_an_old_report_is_read_by_the_names_of_today(stats: DatasetStats) -> None:
    (book,) = stats.books
    assert stats.template_tokens == 60
    assert [len(book.chunks), len(book.motifs)] == [3, 2]
    assert all(motif.whole_in == 0 for motif in book.motifs)
    assert [(c.strategy, c.overlap) for c in book.compared] == [
        ("sequential", 0), ("overlap 25 %", 0.25), ("overlap 50 %", 0.5), ("scenes", 0),
    ]  # fmt: skip
    plain = book.compared[0]
    assert (plain.whole_motifs, plain.motif_share, plain.recurrence_share) == (1, 0.0074, 0.073)
    assert book.length_for_motifs["scenes"]["50%"] == 20592
    assert book.length_for_recurrences["sequential"]["50%"] == 5720
    assert stats.near_duplicates[0].likeness == 0.9
    assert stats.packed.rows_per_step == 0


def test_an_old_manifest_is_read(manifest: Manifest) -> None:
    (source,) = manifest.sources
    assert source.left_out[0].kind == "contents"
    assert manifest.train.examples == 43


def test_what_is_written_is_read_back(
    stats: DatasetStats, manifest: Manifest, tmp_path: Path
) -> None:
    stats.write(tmp_path / "r.json")
    manifest.write(tmp_path / "m.json")
    assert DatasetStats.read(tmp_path / "r.json") == stats
    assert Manifest.read(tmp_path / "m.json") == manifest
    assert "threads" not in (tmp_path / "r.json").read_text()


def test_old_records_make_a_report_and_options(stats: DatasetStats, manifest: Manifest) -> None:
    page = report_page(manifest, stats)
    assert "Motifs" in page and "overlap 50 %" in page
    assert any("motifs: 0 of 2" in line for line in report_lines(stats))
    cfg = load_config(ROOT / "axolotl_configs" / "llama-3.1-8b-qlora-32gb.yaml")
    model = find_model(cfg.base_model)
    assert model is not None
    compared = compare_options(cfg.replace(sequence_len=1024), stats, goal="voice", model=model)
    assert [option.name for option in compared.options] == [
        "stay at 1,024", "overlap 25 %", "overlap 50 %", "pack", "cut at scenes",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"unpacked": {"rows": 0, "efficiency": 0.0, "steps_per_epoch": 0}},
        {"books": {"tokens": 0}},
        {"books": {"compared": []}},
    ],
    ids=["no rows", "no tokens", "nothing compared"],
)
def test_a_report_without_rows_or_tokens_is_planned_and_explained(
    stats: DatasetStats, change: dict[str, dict[str, object]]
) -> None:
    data = stats.model_dump(mode="json")
    for key, values in change.items():
        (data[key][0] if key == "books" else data[key]).update(values)
    edited = DatasetStats.model_validate(data)
    cfg = load_config(ROOT / "axolotl_configs/llama-3.1-8b-qlora-32gb.yaml")
    summary = summarize(cfg, stats=edited)
    assert (summary.time is None) == (edited.unpacked.rows == 0)
    assert explain(summary, stats=edited)


@pytest.mark.parametrize(
    ("key", "value"),
    [("rows", -1), ("rows", 10**400), ("efficiency", float("nan")), ("efficiency", 1e308)],
)
def test_impossible_numbers_of_a_report_are_refused_in_one_line(
    stats: DatasetStats, tmp_path: Path, key: str, value: float
) -> None:
    data = stats.model_dump(mode="json")
    data["unpacked"][key] = value
    path = tmp_path / "report.json"
    path.write_text(json.dumps(data))
    with pytest.raises(InputError, match="this version of seqctx cannot read it") as error:
        DatasetStats.read(path)
    assert "\n" not in str(error.value)
