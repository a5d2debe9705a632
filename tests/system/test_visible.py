"""What a terminal would obey is shown as a sign; what a writer needs is not touched."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seqctx.system.visible import visible, visible_line, visible_pieces

FLAG_OF_WALES = "\U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f"
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
# Any character, half of them dangerous, so that few examples find much.
RISKY = st.sampled_from([*map(chr, range(0xA0)), *BIDI, *"\u2028\u2029\ufeff\ud800\udfff\ufffa",
                         "\U000e0041", "\U000e007f", "\U0001f3f4", FLAG_OF_WALES])  # fmt: skip
ANY = st.lists(st.characters(codec=None) | RISKY).map("".join)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x1b[2Jx", r"\x1b[2Jx"),
        ("\x9b31m", r"\x9b31m"),
        ("a\rb\r\n", "a\\rb\\r\n"),
        ("a\x7f\x08b", r"a\x7f\x08b"),
        ("safe\u202eexe.txt", r"safe\u202eexe.txt"),
        ("\u2067a\u2069", r"\u2067a\u2069"),
        ("one\u2028two\u2029\x85", r"one\u2028two\u2029\x85"),
        ("\ud800 \udcff", r"\ud800 \udcff"),
        ("\ufeffbase_model", r"\ufeffbase_model"),
        ("\U000e0041\U000e007f", r"\U000e0041\U000e007f"),
        ("\U0001f3f4\U000e0041", "\U0001f3f4\\U000e0041"),  # text hidden behind a black flag
    ],
)
def test_what_a_terminal_obeys_or_hides_is_a_sign(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "Plain words,\n\ttabs and new lines.",
        "caf\u0065\u0301, na\u00efve, Ph\u01a1\u0309",  # accents of their own, and in one
        "\U0001f469\u200d\U0001f680 \U0001f44d\U0001f3fd \u2764\ufe0f " + FLAG_OF_WALES,
        "می\u200cخواهم",  # a non-joiner is how Persian is spelled
        "so\u00adlong, Tom\u00a0\u2013 \u201cyes\u201d\u2026 \u00ab\u202fnon\u202f\u00bb",
        "ภาษา\u200bไทย",  # a zero-width space is where a Thai line may end
        "שלום, 你好, Привет",
        r"a backslash: \x1b \n C:\new",
        "\ue0b0",
    ],
)
def test_what_writers_need_is_not_touched(text: str) -> None:
    assert visible(text) == text
    assert "".join(visible_pieces(text)) == text


def test_a_line_stays_one_line() -> None:
    assert visible_line("a\nb\tc\r\n\x1b") == r"a\nb\tc\r\n\x1b"
    assert visible_line(f"no {FLAG_OF_WALES} change") == f"no {FLAG_OF_WALES} change"


@given(ANY)
@example("\x1b" + FLAG_OF_WALES)
def test_what_is_shown_can_be_printed_anywhere(text: str) -> None:
    shown = visible(text)
    shown.encode("utf-8")
    assert visible(shown) == shown
    assert all(
        c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs", "Zl", "Zp") for c in shown
    )
    assert not set(shown) & set(BIDI)
    assert shown.count("\n") == text.count("\n")
    line = visible_line(text)
    assert len((line + "x").splitlines()) == 1
    assert visible(line) == visible_line(line) == line


@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp"))))
def test_a_text_without_such_characters_is_itself(text: str) -> None:
    assert visible(text) is text
    assert visible_line(text) is text


@given(st.lists(ANY))
def test_pieces_are_shown_as_the_whole_is(pieces: list[str]) -> None:
    assert "".join(visible_pieces(pieces)) == visible("".join(pieces))


def test_an_answer_is_shown_as_it_comes() -> None:
    """Only a flag that may go on in the next piece waits for it."""
    shown = visible_pieces(["Once ", "\x1b", "[31m", FLAG_OF_WALES[:3], FLAG_OF_WALES[3:], "."])
    assert [*shown] == ["Once ", r"\x1b", "[31m", "", FLAG_OF_WALES, ".", ""]
