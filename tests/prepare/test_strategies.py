"""A strategy is a value with behaviour: a new one is registered, and everything else takes it."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from seqctx import InputError, chunk, coverage, read_manuscript
from seqctx.artifacts.dataset_stats import DatasetStats
from seqctx.catalog.lookup import find_model
from seqctx.config.config import load_config, parse_config
from seqctx.config.source import Document
from seqctx.config.strategies import STRATEGY_NAMES, StrategyName
from seqctx.plan.options import compare_options
from seqctx.prepare.pipeline import prepare
from seqctx.prepare.segments import Segments, segments_of
from seqctx.prepare.strategies import STRATEGIES, Cut, Strategy, compared_strategies, find_strategy
from seqctx.prepare.tokenizer import Tokenizer
from tests.conftest import ROOT


def single_segments(segments: Segments, max_tokens: int, min_tokens: int) -> list[Cut]:
    """A toy: every segment is a chunk."""
    return [(k, k + 1) for k in range(len(segments))]


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Strategy:
    strategy = Strategy("paragraphs", single_segments, even=False)
    monkeypatch.setitem(STRATEGIES, "paragraphs", strategy)
    monkeypatch.setitem(
        STRATEGY_NAMES, "paragraphs", StrategyName("paragraphs", "cuts at every paragraph")
    )
    return strategy


def test_names_and_behaviours_are_registered_alike() -> None:
    """The file's schema is below the code that cuts: it has the names, and they agree."""
    assert list(STRATEGIES) == list(STRATEGY_NAMES)
    for name, strategy in STRATEGIES.items():
        assert strategy.name == name
        assert bool(strategy.overlap) == STRATEGY_NAMES[name].repeats


def test_a_registered_strategy_cuts_and_is_compared(
    toy: Strategy, novella: Path, tokenizer: Tokenizer
) -> None:
    book = read_manuscript(novella)
    chunks = chunk(book, tokenizer, max_tokens=2000, strategy="paragraphs")
    assert len(chunks) > len(book.paragraphs) * 0.8
    found = coverage(book, tokenizer, sequence_len=2048, strategy="paragraphs", lengths=[2048])
    seen = {each.strategy: each for each in found.compared}
    assert list(seen) == ["sequential", "overlap 25 %", "overlap 50 %", "scenes", "paragraphs"]
    assert seen["paragraphs"].examples > seen["sequential"].examples
    assert all(closed is None for closed, _ in found.pairs["paragraphs"].values())
    assert set(found.length_for_motifs) == set(seen)


def test_a_registered_strategy_is_prepared_reported_and_planned(
    toy: Strategy, novella: Path, model_folder: Path, tmp_path: Path
) -> None:
    data = {
        "base_model": str(model_folder), "sequence_len": 2048,
        "seqctx": {"prepare": {"manuscripts": [str(novella)], "strategy": "paragraphs"}},
    }  # fmt: skip
    prepare(parse_config(Document("c.yaml", data, {})), tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "cut with the strategy paragraphs" in page
    # a line in the table of lengths, and a curve in each of the three plots
    assert page.count(">paragraphs<") >= 4
    stats = DatasetStats.read(tmp_path / "out" / "report.json")
    assert stats is not None and stats.strategy == "paragraphs"
    mission = load_config(ROOT / "axolotl_configs" / "llama-3.1-8b-qlora-32gb.yaml")
    model = find_model(mission.base_model)
    assert model is not None
    names = [
        option.name for option in compare_options(mission, stats, goal="voice", model=model).options
    ]
    assert {"cut at scenes", "cut at paragraphs"} < set(names)


@pytest.mark.slow
def test_reports_name_the_overlap_that_the_file_asks_for(
    novella: Path, model_folder: Path, tmp_path: Path
) -> None:
    """Reports named 25 %, whatever share the file had."""
    prep = {"manuscripts": [str(novella)], "strategy": "overlap", "overlap": 0.4}
    data = {"base_model": str(model_folder), "sequence_len": 2048, "seqctx": {"prepare": prep}}
    prepare(parse_config(Document("c.yaml", data, {})), tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "cut with the strategy overlap 40 %" in page
    stats = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    asked = [c for c in stats["books"][0]["compared"] if c["strategy"] == "overlap 40 %"]
    assert asked and all(each["overlap"] == 0.4 for each in asked)
    assert "overlap 40 %" in stats["books"][0]["length_for_motifs"]
    assert page.count(">overlap 40 %<") >= 4


@pytest.mark.parametrize(
    ("overlap", "label"),
    [(0.25, "overlap 25 %"), (0.29, "overlap 29 %"), (0.5, "overlap 50 %"),
     (0.333, "overlap 33.3 %"), (300, "overlap 300 tokens")],
)  # fmt: skip
def test_labels(overlap: float, label: str) -> None:
    assert find_strategy("overlap", overlap).label == label


def test_the_asked_strategy_is_compared_once() -> None:
    assert len(compared_strategies(find_strategy("overlap", 0.5))) == len(compared_strategies())
    assert len(compared_strategies(find_strategy("overlap", 0.4))) == len(compared_strategies()) + 1


def test_an_unknown_strategy_in_a_file_names_the_known_ones() -> None:
    prep = {"strategy": "paragraphs"}
    document = Document("c.yaml", {"base_model": "m", "seqctx": {"prepare": prep}}, {})
    with pytest.raises(InputError, match="'sequential', 'overlap' or 'scenes' .got 'paragraphs'"):
        parse_config(document)


def test_thinned_cuts_still_cover_all_and_fit(
    novella: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a chunk may begin at thousands of places, only some are compared."""
    book = read_manuscript(novella)
    exact = chunk(book, tokenizer, max_tokens=2000, strategy="scenes")
    monkeypatch.setattr("seqctx.prepare.strategies._STARTS", 3)
    thinned = chunk(book, tokenizer, max_tokens=2000, strategy="scenes")
    assert (thinned[0].start, thinned[-1].end) == (exact[0].start, exact[-1].end)
    assert all(left.end <= right.start for left, right in pairwise(thinned))
    assert all(c.tokens <= 2000 for c in thinned)
    assert abs(len(thinned) - len(exact)) <= 0.2 * len(exact)


@pytest.mark.parametrize("sign", [". ", "? ", "a. "])
def test_a_paragraph_of_tiny_sentences_has_few_places_to_be_cut_at(
    sign: str, tmp_path: Path, tokenizer: Tokenizer
) -> None:
    manuscript = tmp_path / "dots.md"
    manuscript.write_text("The old man walked. " + sign * 30_000 + "x\n")
    book = read_manuscript(manuscript)
    for max_tokens in (2048, 8192):
        segments = segments_of(book, tokenizer, max_tokens)
        assert len(segments) < 300 * (1 + tokenizer.count(book.text) / max_tokens)
        assert max(segment.tokens for segment in segments.items) <= max_tokens
        for segment in segments.items[::50]:
            assert segment.tokens == tokenizer.count(book.text[segment.start : segment.end])
