from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqctx.errors import ToolError
from seqctx.system.scripts import run_inside
from seqctx.train.evaluate import copied_shares

WORDS = st.lists(st.sampled_from("ab cd ef gh ij kl mn op".split()), max_size=40)


def test_words_in_a_run_of_six_count_and_case_and_marks_do_not() -> None:
    training = ["He said: it was a dark and stormy night, and the rain fell."]
    texts = ["It was a dark AND stormy 'night' in May", "a dark and stormy day", "", "one two"]
    assert copied_shares(texts, training) == [pytest.approx(7 / 9), 0.0, 0.0, 0.0]


@given(WORDS, WORDS)
def test_a_share_equals_a_slow_count(written: list[str], trained: list[str]) -> None:
    run = 3
    grams = {tuple(trained[k : k + run]) for k in range(len(trained) - run + 1)}
    copied: set[int] = set()
    for k in range(len(written) - run + 1):
        if tuple(written[k : k + run]) in grams:
            copied |= {k, k + 1, k + 2}
    expected = len(copied) / len(written) if written else 0.0
    found = copied_shares([" ".join(written)], [" ".join(trained)], run)
    assert found == [pytest.approx(expected)]


@given(WORDS)
def test_a_text_that_was_trained_on_is_copied_whole(words: list[str]) -> None:
    (share,) = copied_shares([" ".join(words)], ["before", " ".join(words)], 6)
    assert share == (1.0 if len(words) >= 6 else 0.0)


def test_an_axolotl_environment_without_seqctx_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("axolotl", "python3"):  # a Python outside our environment
        (tmp_path / name).symlink_to(Path(sys.executable).resolve())
    monkeypatch.setenv("SEQCTX_AXOLOTL", str(tmp_path / "axolotl"))
    with pytest.raises(ToolError, match=r"No module named '?seqctx'?.* install seqctx in"):
        run_inside("evaluate", lambda folder: {}, offline=True)
