"""Regular expressions of users: wrong ones, slow ones, and those that match as ``re`` does."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqctx import InputError
from seqctx.system.patterns import user_pattern

NAMES = ["model.layers.0.self_attn.q_proj", "model.layers.11.mlp.down_proj", "lm_head"]


@pytest.mark.parametrize(
    "text", ["((", "[a", "a**", "(?P<n", "*", "(?<=a+)b", r"\p{L}", "a{2}{3}{", "(" * 5000, "\\"]
)
def test_a_broken_pattern_is_one_line(text: str) -> None:
    try:
        re.compile(text)
    except (re.error, RecursionError):
        with pytest.raises(InputError, match="^key: is not a regular expression") as error:
            user_pattern("key", text)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "text", [r"(\w+\s?)+!", "(x+x+)+y", "((a*)*)*b", "(a|aa)+$", "(.*)*=(.*)*"]
)
def test_a_slow_pattern_is_given_up_within_seconds(text: str) -> None:
    began = time.monotonic()
    try:
        user_pattern("key", text).full_matches(["x" * 60 + "a" * 60 + "!="] * 50)
    except InputError as error:
        assert "takes too long" in str(error)
    assert time.monotonic() - began < 10


def test_a_pattern_of_megabytes_is_not_compiled() -> None:
    with pytest.raises(InputError, match="too long"):
        user_pattern("key", "|".join("a" * k for k in range(3000)))


PIECES = st.sampled_from(
    ["model", "layers", "mlp", "q_proj", "down", r"\.", ".", r"\d+", ".*", "[a-z_]+",
     "(q|k|v)_proj", "(?!lm)", "(?:self_attn|mlp)", "^", "$", "?", "+", "*", "{1,2}",
     "|", "[^.]+", r"\w*?", "0"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=8).map("".join))
def test_a_pattern_matches_what_re_matches(text: str) -> None:
    try:
        compiled = re.compile(text)
    except re.error:
        return
    pattern = user_pattern("key", text)
    assert pattern.full_matches(NAMES) == [n for n in NAMES if compiled.fullmatch(n)]
