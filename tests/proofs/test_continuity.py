"""The lag statistic finds a planted period, and no other."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqctx import InputError
from seqctx.config.config import Config
from seqctx.proofs.continuity import Continuity, prove_continuity, repetition


def noise(seed: int, count: int, words: int = 50) -> list[int]:
    return random.Random(seed).choices(range(words), k=count)


@given(seed=st.integers(0, 10**6), period=st.integers(70, 200), n=st.integers(1, 8))
def test_a_planted_period_is_found(seed: int, period: int, n: int) -> None:
    text = (noise(seed, period) * 4)[: 2 * period + 80]
    found = repetition([text], period, n=n)
    assert found.share == 1
    assert found.excess
    off = repetition([text], period + 20, n=n)
    assert not off.excess


@given(seed=st.integers(0, 10**6))
def test_chance_is_no_excess(seed: int) -> None:
    assert not repetition([noise(seed, 600), noise(seed + 1, 600)], 256, n=8).excess


def test_a_faint_period_is_found() -> None:
    text = noise(1, 600)
    for i in range(256, 600):
        if i % 5 == 0:  # every fifth token is that of 256 before
            text[i] = text[i - 256]
    assert repetition([text], 256, n=1).excess
    assert not repetition([text], 256, n=8).excess


def test_a_short_loop_stands_out_at_no_lag() -> None:
    loop = [1, 2, 3, 4, 5] * 120
    found = repetition([loop], 255)
    assert found.share == 1
    assert not found.excess  # the lags 250 and 260 have it, too


def test_texts_that_are_too_short() -> None:
    with pytest.raises(ValueError, match="no text is longer than 327 tokens"):
        repetition([[1] * 300], 256)


def measured(**changes: object) -> Continuity:
    good = Continuity(
        weights="base", sequence_len=256, changed=128, positions=(127, 256, 257, 512),
        changes=(0.0, 0.2, 0.1, 0.05), changes_with_reset=(0.0,) * 4,
        repetitions=(repetition([noise(3, 600)], 256),),
    )  # fmt: skip
    return replace(good, **changes)  # type: ignore[arg-type]


def test_what_contradicts_the_claim() -> None:
    assert measured().failures == ()
    assert list(measured().lines())[-1].startswith("Confirmed: attention reaches beyond")
    reset = measured(changes=(0.0, 0.0, 0.0, 0.0))
    assert len(reset.failures) == 3
    assert "position 512 does not see position 128" in list(reset.lines())[-1]
    assert "control" in measured(changes_with_reset=(0.0, 0.1, 0.0, 0.0)).failures[0]
    assert "before it" in measured(changes=(0.1, 0.1, 0.1, 0.1)).failures[0]
    loops = repetition([(noise(4, 256) * 3)[:600]], 256)
    assert measured(repetitions=(loops,)).failures == ("8 tokens repeat 256 tokens later: 100.0%",)


def test_what_cannot_be_measured(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a folder. Name a"):
        prove_continuity(Config(base_model="Qwen/Qwen3-8B"))
    (tmp_path / "config.json").write_text(
        '{"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "vocab_size": 9,'
        ' "max_position_embeddings": 4096}'
    )
    with pytest.raises(InputError, match="positions, the model has 4,096. Set a shorter"):
        prove_continuity(Config(base_model=str(tmp_path), sequence_len=2048))
    with pytest.raises(InputError, match="64: too short for this"):
        prove_continuity(Config(base_model=str(tmp_path), sequence_len=64))
