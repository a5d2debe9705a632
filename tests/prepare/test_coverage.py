from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from seqctx import Coverage, coverage, read_manuscript
from seqctx.prepare.analysis.coverage import (
    SpanIndex,
    TokenPositions,
    examples_with,
    measured_share,
)
from seqctx.prepare.analysis.motifs import Motif
from seqctx.prepare.strategies import STRATEGIES
from seqctx.prepare.tokenizer import Tokenizer
from tests.conftest import ROOT

SPANS = st.tuples(st.integers(0, 60), st.integers(1, 30)).map(lambda x: (x[0], x[0] + x[1]))


@settings(deadline=None)
@given(st.lists(SPANS, max_size=8), st.integers(1, 70))
def test_measured_share_counts_pairs(spans: list[tuple[int, int]], distance: int) -> None:
    total = 90
    pairs = [
        any(start <= x and x + distance < end for start, end in spans)
        for x in range(total - distance)
    ]
    share = sum(pairs) / len(pairs)
    assert measured_share(distance, spans, total) == pytest.approx(share)


@given(st.lists(SPANS, max_size=8), st.integers(0, 90), st.integers(0, 90))
def test_the_index_looks_at_every_span(
    spans: list[tuple[int, int]], first: int, distance: int
) -> None:
    last = first + distance
    seen = any(start <= first and last < end for start, end in spans)
    assert SpanIndex(spans).holds(first, last) == seen


@settings(deadline=None)
@given(st.integers(2, 60), st.integers(0, 50), st.integers(1, 130))
def test_the_closed_form_is_what_a_long_text_gives(
    length: int, repeated: int, distance: int
) -> None:
    repeated = min(repeated, length - 1)
    step = length - repeated
    spans = [(k * step, k * step + length) for k in range(200)]
    inner = measured_share(distance, spans, 200 * step + repeated)
    assert inner == pytest.approx(pair_share(distance, length, repeated), abs=0.05)


def pair_share(distance: int, length: int, repeated: int = 0) -> float | None:
    overlap = STRATEGIES["overlap"].with_overlap(repeated)
    return overlap.pair_share(distance, length)


def test_nothing_joins_what_lies_a_chunk_apart() -> None:
    assert [pair_share(2000, 2000, r) for r in (0, 500, 1000, 1999)] == [0, 0, 0, 0]
    assert pair_share(1000, 2000) == 0.5
    assert pair_share(1000, 2000, 1000) == 1


@pytest.fixture(scope="module")
def measured(novella: Path, tokenizer: Tokenizer) -> Coverage:
    return coverage(read_manuscript(novella), tokenizer, sequence_len=2048)


def test_longer_examples_hold_more_motifs(measured: Coverage) -> None:
    plain = [s for s in measured.compared if s.strategy == "sequential"]
    shares = {s.sequence_len: s.motif_share for s in plain}
    ordered = [shares[n] for n in sorted(shares)]
    assert ordered == sorted(ordered)
    assert ordered[0] < 0.1
    assert ordered[-1] == 1
    assert all(s.examples >= 1 for s in measured.compared)
    shown = {s.sequence_len: s.recurrence_share for s in plain}
    assert all(shown[n] >= shares[n] for n in shares)
    for lengths in (
        *measured.length_for_motifs.values(),
        *measured.length_for_recurrences.values(),
    ):
        found = [lengths[share] for share in (0.5, 0.8, 0.95)]
        assert found == sorted(n for n in found if n)


def test_scenes_cuts_the_fewest_scenes(measured: Coverage) -> None:
    cut = {s.strategy: s.scenes_cut for s in measured.compared if s.sequence_len == 2048}
    assert cut["scenes"] == min(cut.values())


def test_the_planted_patterns_come_out(
    novella: Path, tokenizer: Tokenizer, measured: Coverage
) -> None:
    """Each is lost at 2,048 tokens, and held by the length of the whole book."""
    book = read_manuscript(novella)
    positions = TokenPositions(book, tokenizer)
    record = yaml.safe_load((ROOT / "prepare" / "patterns.yaml").read_text("utf-8"))
    for pattern in record["patterns"]:
        places = []
        for place in pattern["places"]:
            quote = " ".join(place["quote"].split())
            at = book.text.index(quote)
            places.append(positions.at([at, at + len(quote)]))

        def ties(motif: Motif, places: list[list[int]] = places) -> bool:
            hit = [any(a - 3 <= m <= b + 3 for m in motif.mentions) for a, b in places]
            return sum(hit) >= 2

        found = [k for k, motif in enumerate(measured.motifs) if ties(motif)]
        assert found, pattern["name"]
        assert all(measured.whole_in[k] == 0 for k in found)  # lost at 2,048, sequential
        assert all(examples_with(measured.motifs[k], [(0, measured.tokens)]) for k in found)


def test_the_detector_never_reads_the_record() -> None:
    for path in (ROOT / "src").rglob("*.py"):
        assert "patterns.yaml" not in path.read_text("utf-8")


def test_a_name_and_a_phrase_that_come_back(tmp_path: Path, tokenizer: Tokenizer) -> None:
    filler = "She walked on along the road and thought of the day before it.\n\n" * 60
    first = "Then Orlovsky hid the brass astrolabe of the old harbour master.\n\n"
    last = "It was the brass astrolabe of the old harbour master, and Orlovsky had it.\n\n"
    (tmp_path / "b.md").write_text(filler + first + filler + last + filler)
    found = coverage(read_manuscript(tmp_path / "b.md"), tokenizer, sequence_len=1024)
    kinds = {t.text: t.kind for t in found.motifs}
    assert kinds["Orlovsky"] == "name"
    assert any("astrolabe" in text and kind == "phrase" for text, kind in kinds.items())
    assert not any("walked" in text for text in kinds)  # it is everywhere
