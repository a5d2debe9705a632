"""Scene breaks: marks of all signs, space beyond the usual, and what is neither."""

from __future__ import annotations

import pytest

from seqctx.prepare.readers.blocks import Block, Look
from seqctx.prepare.readers.marks import mark_of
from seqctx.prepare.readers.scene_breaks import between_scenes, with_marks, with_scene_breaks

SURE = (
    "***", "* * *", "*", "#", "# # #", "###", "~", "~ ~ ~", "~~~", "~*~", "❦", "☙ ❧", "⁂", "◇◇◇",
    "◆ ◇ ◆", "＊＊＊", "※", "★ ★ ★", "☆", "✦", "❖", "†", "‡", "§", "¶", "•", "• • •", "···", "∴",
    "---", "- - -", "———", "— — —", "───", "___", "===", "+++", "+ + +", "+", "=", "//", "///",
    "\\", "|", "||", "^", "^^^", "%%%", "$$$", "&", "@", "<>", "<<<>>>", "><", "°", "°°°", "¤", "·",
    ".", ". . .", "。", "～～～", "◯", "●", "■", "□ □ □", "▲", "▼△▼", "→", "♦", "♪", "☀", "☾", "⚔",
    "⚜", "✂ - - - -", "-*-", "--*--", "*~*~*", "~~*~~", "*-*-*", "_.-*-._", "* * * * *", "*\n*\n*",
    "⠀", "\uf09a", "::", ":::", "[scene break]", "<scene break>", "~ scene break ~", "(Time skip)",
    "*** Szenenwechsel ***", "—Scene Break—", "＊　＊　＊", "-" * 300, ". " * 12,
)  # fmt: skip
RECURRING = (
    "oOo", "o0o", "xxx", "x x x", "xXx", "XXX", "x", "o", "-oOo-", "~o~", "-x-", "--oo00oo--",
    ".oOo.", "oOoOo", "X x X", "0 0 0", "000", "〇〇〇", "ㅡㅡㅡ", "ーーー", "жжж", "ღ ღ ღ", "øøø",
    "Scene Break", "SCENE BREAK", "line break", "場面転換", "🌙", "🐉 🐉 🐉", "❤", "( * )", "^_^",
    "-.-.-", "~S~", "~ s ~", "O", "=w=", "--8<--",
)  # fmt: skip
GLYPHS = ("Ω", "Δ Δ Δ", "龍", "ა")
SPEECH = (
    "…", "...", "……", "“…”", "“. . .”", "?!", "?", "!", "!!!", "“—”", "「……」", "—No.", "O.",
    "Yes.", "* The old word.", "+ one for the pot", "xxx, Maud", "Later", "I", "IV", "12", "7.",
    "* 1 *",
    "(…)", "[...]", "—…", "… —", ";-)", ":)", "Oh", "ox", "Ox", "xoxo", "XOXO", "0", "- 1 -",
    "~ IV ~", "Anna", "* Anna *", "~Anna~", "No", "zzz", "«…»", "« — »", "・・・", "'", "\"",
    "One\n*", "Chapter 1", "1812", "a", "-Anna-", "①", "Ⅻ",
)  # fmt: skip


@pytest.mark.parametrize("sign", SURE)
def test_a_mark_parts_scenes_wherever_it_stands_alone(sign: str) -> None:
    assert mark_of(sign) == "sure"


@pytest.mark.parametrize("sign", RECURRING)
def test_a_sign_that_can_be_a_word_parts_scenes_where_it_recurs(sign: str) -> None:
    assert mark_of(sign) == "recurring"


@pytest.mark.parametrize("sign", GLYPHS)
def test_a_letter_of_another_script(sign: str) -> None:
    assert mark_of(sign) == "glyph"


@pytest.mark.parametrize("sign", SPEECH)
def test_speech_and_words_are_no_marks(sign: str) -> None:
    assert mark_of(sign) in (None, "soft", "glyph")
    story = [p("One came."), p(sign), p("Two came."), p(sign), p("Three came.")]
    assert with_marks(story)[0] == story


def p(text: str, gap: int = 0, **how: object) -> Block:
    look = Look(**how) if how else Look()  # type: ignore[arg-type]
    return Block("paragraph", text, gap=gap, look=look)


def h(text: str, level: int = 1) -> Block:
    return Block("heading", text, level=level)


def shape(blocks: list[Block]) -> str:
    """Blocks as letters: a heading, a paragraph, a break."""
    marked, _ = with_marks(blocks)
    found, _ = with_scene_breaks(marked)
    return "".join({"heading": "h", "paragraph": "p", "break": "-"}[b.kind] for b in found)


BREAK = Block("break", "* * *")


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        ([h("One"), BREAK, p("A."), BREAK, h("Two"), p("B."), BREAK, p("C."), BREAK], "hphp-p"),
        ([BREAK, p("A."), p("*"), p("*"), BREAK, p("B.")], "p-p"),
        ([h("One"), BREAK, h("The Storm"), p("A.")], "hhp"),
        ([p("A."), p("xxx"), p("B.")], "ppp"),  # once only: it can be a word
        ([p("A."), p("xxx"), p("B."), p("xxx"), p("C.")], "p-p-p"),
        ([h("IX"), p("A."), p("XXX"), p("B."), p("XXX"), p("C.")], "hppppp"),  # a number
        ([h("One"), p("A."), h("XXX"), p("B."), h("XXX"), p("C.")], "hp-p-p"),
        ([h("One"), p("A."), h("# #"), p("B."), h("Two"), p("C.")], "hp-php"),
        ([p("A."), p("—"), p("B."), p("—"), p("C.")], "p-p-p"),
        ([p("— A."), p("—"), p("— B."), p("—"), p("— C.")], "ppppp"),  # dashes open speeches
        ([p("A."), p("Ω"), p("B."), p("Ω"), p("C.")], "p-p-p"),
        ([p("A Ω."), p("Ω"), p("B."), p("Ω"), p("C.")], "ppppp"),
        ([p("A."), p("…", centred=True), p("B."), p("…", centred=True), p("C.")], "p-p-p"),
        ([p("A."), p("q", style="scene break"), p("B.")], "p-p"),
        ([p("A."), p("x", style="scene break"), p("B.")], "p-p"),
        ([p("A Tale", centred=True), p("*"), p("by me"), h("One"), p("A.")], "pphp"),
    ],
)  # fmt: skip
def test_which_marks_part_scenes(blocks: list[Block], expected: str) -> None:
    assert shape(blocks) == expected


def gaps(*numbers: int) -> list[Block]:
    return [p(f"Paragraph {k}.", gap=number) for k, number in enumerate(numbers)]


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        (gaps(0, 0, 0, 0, 1, 0, 0, 0), "pppp-pppp"),
        (gaps(0, 1, 1, 1, 1, 1, 1, 1), "pppppppp"),  # one after each
        (gaps(0, 1, 1, 1, 2, 1, 1, 1), "pppp-pppp"),
        (gaps(0, 1, 1, 1, 3, 1, 3, 1), "pppp-pp-pp"),
        (gaps(0, 0, 2, 0, 2, 0, 2, 0), "pp-pp-pp-pp"),  # scenes of two paragraphs
        (gaps(0, 0, 1, 0, 1, 0, 1, 0), "pppppppp"),  # too many for so little
        (gaps(0, 2, 2, 2, 2, 2, 2, 5), "ppppppp-p"),
        ([*gaps(0, 0, 0, 0, 0, 0), p("and on.", gap=1)], "ppppppp"),
        ([*gaps(0, 0, 0, 0, 0), p("Dear Ann,"), p("I am well.", gap=1)], "ppppppp"),
        ([h("One"), *gaps(3, 0, 0, 0, 0), Block("heading", "Two", gap=4), p("A.")], "hppppphp"),
        ([*gaps(0, 0, 0, 0), p("After.", space_above=2.0)], "pppp-p"),
        ([*gaps(0, 0, 0, 0), p("A sign", space_above=2.0, centred=True)], "ppppp"),
        ([p(f"A {k}.", space_above=1.0) for k in range(8)], "pppppppp"),
        ([*gaps(0, 0, 0), p("After.", new_page=True)], "ppp-p"),
        ([x for k in range(6) for x in (p(f"A {k}."), Block("break", ""))], "pppppp"),
        ([*gaps(0, 0, 0, 0, 0), Block("break", ""), p("After.")], "ppppp-p"),
        # of two texts with so many gaps, the one with a few marks parts its scenes by these
        ([*gaps(*[0, 0, 0, 0, 0, 0, 0, 1] * 40)], "p" * 7 + "-pppppppp" * 39 + "-p"),
        ([*gaps(*[0, 0, 0, 0, 0, 0, 0, 1] * 40), *[BREAK, p("End.")] * 3], "p" * 320 + "-p" * 3),
    ],
)  # fmt: skip
def test_which_space_parts_scenes(blocks: list[Block], expected: str) -> None:
    assert shape(blocks) == expected


def test_what_is_left_out_parts_no_scenes() -> None:
    note = Block("paragraph", "A note.", left_out="endnotes")
    kept = between_scenes([p("A."), BREAK, note, p("B."), note, BREAK])
    assert [b.kind for b in kept if not b.left_out] == ["paragraph", "break", "paragraph"]
    assert sum(b.left_out is not None for b in kept) == 2


def test_doubtful_places_are_told() -> None:
    blocks = [*gaps(0, 0, 0, 0, 0, 0, 12), p("…"), p("xxx")]
    blocks = [Block(b.kind, b.text, gap=b.gap, place=k) for k, b in enumerate(blocks)]
    marked, marks = with_marks(blocks)
    _, spaces = with_scene_breaks(marked)
    assert [(d.place, d.fact) for d in [*marks, *spaces]] == [
        (7, "“…” stands alone and was read as text."),
        (8, "“xxx” stands alone and was read as text."),
        (6, "12 empty lines come before “Paragraph 6.”: read as a scene break."),
    ]
