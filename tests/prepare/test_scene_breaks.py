"""Scene breaks: marks of all signs, space beyond the usual, and what is neither."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqctx import read_manuscript
from seqctx.prepare.readers.blocks import Block, Look
from seqctx.prepare.readers.marks import mark_of
from seqctx.prepare.readers.scene_breaks import between_scenes, with_scene_breaks
from seqctx.prepare.readers.scene_marks import with_marks
from seqctx.prepare.structure import Span
from tests.prepare.scene_files import FORMATS, SCENES, scenes_in, sentence, story, write

SURE = (
    "***", "* * *", "*", "#", "# # #", "###", "~", "~ ~ ~", "~~~", "~*~", "❦", "☙ ❧", "⁂", "◇◇◇",
    "◆ ◇ ◆", "＊＊＊", "※", "★ ★ ★", "☆", "✦", "❖", "†", "‡", "§", "¶", "•", "• • •", "···", "∴",
    "---", "- - -", "———", "— — —", "───", "___", "===", "+++", "+ + +", "+", "=", "//", "///",
    "\\", "|", "||", "^", "^^^", "%%%", "&", "@", "<>", "<<<>>>", "><", "°", "°°°", "·",
    ".", ". . .", "。", "～～～", "◯", "●", "■", "□ □ □", "▲", "▼△▼", "→", "♦", "♪", "☀", "☾", "⚔",
    "⚜", "✂ - - - -", "-*-", "--*--", "*~*~*", "~~*~~", "*-*-*", "_.-*-._", "* * * * *", "*\n*\n*",
    "⠀", "\uf09a", "::", ":::", "[scene break]", "<scene break>", "~ scene break ~", "(Time skip)",
    "*** Szenenwechsel ***", "—Scene Break—", "＊　＊　＊", "🌙", "🐉 🐉 🐉", "-" * 300, ". " * 12,
)  # fmt: skip
RECURRING = (
    "oOo", "o0o", "xxx", "x x x", "xXx", "XXX", "x", "o", "-oOo-", "~o~", "-x-", "--oo00oo--",
    ".oOo.", "oOoOo", "X x X", "0 0 0", "000", "〇〇〇", "ㅡㅡㅡ", "ーーー", "жжж", "ღ ღ ღ", "øøø",
    "Scene Break", "SCENE BREAK", "line break", "場面転換", "👍", "😂", "$$$", "¤", "❤", "( * )",
    "^_^", "-.-.-", "~S~", "~ s ~", "O", "=w=", "--8<--",
)  # fmt: skip
GLYPHS = ("Ω", "Δ Δ Δ", "龍", "ა")
SPEECH = (
    "…", "...", "……", "“…”", "“. . .”", "?!", "?", "!", "!!!", "“—”", "「……」", "—No.", "O.",
    "Yes.", "* The old word.", "+ one for the pot", "xxx, Maud", "Later", "I", "IV", "12", "7.",
    "* 1 *", "(…)", "[...]", "—…", "… —", ";-)", ":(", ":-)", ":)", "Oh", "ox", "Ox",
    "xoxo", "XOXO", "0", "- 1 -", "~ IV ~", "Anna", "* Anna *", "~Anna~", "No", "zzz",
    "«…»", "« — »", "・・・", "'", "\"",
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


def shape(blocks: Sequence[Block]) -> str:
    """Blocks as letters: a heading, a paragraph, a break."""
    marked, _ = with_marks(blocks)
    found, _ = with_scene_breaks(marked)
    return "".join({"heading": "h", "paragraph": "p", "break": "-"}[b.kind] for b in found)


def gaps(*numbers: int) -> list[Block]:
    return [p(f"Paragraph {k}.", gap=number) for k, number in enumerate(numbers)]


BREAK = Block("break", "* * *")
A, B, C = p("A came."), p("B came."), p("C came.")


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        ([h("One"), BREAK, A, BREAK, h("Two"), B, BREAK, C, BREAK], "hphp-p"),
        ([BREAK, A, p("*"), p("*"), BREAK, B], "p-p"),
        ([h("One"), BREAK, h("The Storm"), A], "hhp"),
        ([h("One"), A, BREAK, B, BREAK, p("THE END"), BREAK], "hp-pp"),
        ([A, p("xxx"), B], "ppp"),  # once only: it can be a word
        ([A, p("xxx"), B, p("xxx"), C], "p-p-p"),
        ([h("IX"), A, p("XXX"), B, p("XXX"), C], "hppppp"),  # a number
        ([h("One"), A, h("XXX"), B, h("XXX"), C], "hp-p-p"),
        ([h("One"), A, h("# #"), B, h("Two"), C], "hp-php"),
        ([A, p("—"), B, p("—"), C], "p-p-p"),
        ([p("— A came."), p("—"), p("— B came."), p("—"), p("— C came.")], "ppppp"),  # speeches
        ([A, p("Ω"), B, p("Ω"), C], "p-p-p"),
        ([p("A Ω came."), p("Ω"), B, p("Ω"), C], "ppppp"),
        ([A, p("…", centred=True), B, p("…", centred=True), C], "p-p-p"),
        ([p(f"{sentence(1)}\n***\n{sentence(2)}")], "p-p"),
        ([p(f"{sentence(1)}\n***")], "p"),
        ([p("A verse,\n*\na verse.")], "p"),
        ([A, p("xxx", centred=True), B], "p-p"),
        ([p(cell) for cell in "n 50 o 60 p 70 n 80 o 90 p".split()], "p" * 11),  # of a table
        ([p(cell) for cell in "Debit £. s. d. 3 4 Cash £. s. d. 5 6".split()], "p" * 12),
        ([A, p("xxx"), p(" "), B, p("xxx"), C], "p-p-p"),
        ([*gaps(0, 0, 0, 0), p(""), *gaps(0, 0, 0, 0)], "pppp-pppp"),
        ([A, p("q", style="scene break"), B], "p-p"),
        ([A, p("x", style="scene break"), B], "p-p"),
        ([p("A Tale", centred=True), p("*"), p("by me"), h("One"), A], "pphp"),
    ],
)  # fmt: skip
def test_which_marks_part_scenes(blocks: list[Block], expected: str) -> None:
    assert shape(blocks) == expected


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
        ([*gaps(0, 0, 0, 0, 0), p("Credit"), p("1 Pork kidney.", gap=1)], "ppppppp"),
        ([*gaps(0, 0, 0, 0, 0), p("Dear Ann,"), p("I am well.", gap=1)], "ppppppp"),
        ([h("One"), *gaps(3, 0, 0, 0, 0), Block("heading", "Two", gap=4), A], "hppppphp"),
        ([*gaps(0, 0, 0, 0), p("After.", space_above=2.0)] * 2, "pppp-ppppp-p"),
        ([*gaps(0, 0, 0, 0), p("After.", space_above=2.0)], "ppppp"),  # once is no habit
        ([*gaps(0, 0, 0, 0), p("A sign", space_above=2.0, centred=True)] * 2, "pppppppppp"),
        ([*gaps(0, 0, 0, 0), p("A verse.", space_above=2.0, style="poem")] * 2, "pppppppppp"),
        ([p(f"A {k}.", space_above=1.0) for k in range(8)], "pppppppp"),
        ([*gaps(0, 0, 0), p("After.", new_page=True)], "pppp"),  # a page ends anywhere
        ([*gaps(0, 0, 0), p("After.", new_page=True)] * 2, "ppp-pppp-p"),
        ([*gaps(0, 0), BREAK, *gaps(0, 0), *[p("After.", new_page=True)] * 2], "pp-pppp"),
        ([x for k in range(6) for x in (p(f"A {k}."), Block("break", ""))], "pppppp"),
        ([*gaps(0, 0, 0, 0, 0), Block("break", ""), p("After.")], "ppppp-p"),
        # of two texts with so many gaps, the one with a few marks parts its scenes by these
        ([*gaps(*[0, 0, 0, 0, 0, 0, 0, 1] * 40)], "p" * 7 + "-pppppppp" * 39 + "-p"),
        ([*gaps(*[0, 0, 0, 0, 0, 0, 0, 1] * 40), *[BREAK, p("Last.")] * 3], "p" * 320 + "-p" * 3),
    ],
)  # fmt: skip
def test_which_space_parts_scenes(blocks: list[Block], expected: str) -> None:
    assert shape(blocks) == expected


def test_what_is_left_out_parts_no_scenes() -> None:
    note = Block("paragraph", "A note.", left_out="endnotes")
    kept = between_scenes([A, BREAK, note, B, note, BREAK])
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


@pytest.mark.parametrize("kind", FORMATS)
def test_marks_in_every_format(tmp_path: Path, kind: str) -> None:
    wrong = []
    for sign in (*SURE, *RECURRING, *GLYPHS):
        book = read_manuscript(write(tmp_path / f"story.{kind}", story(sign)))
        if scenes_in(book) != SCENES or sentence(9) not in book.text or len(book.chapters) != 2:
            wrong.append(sign)
    assert wrong == []


@pytest.mark.parametrize("kind", FORMATS)
def test_what_is_no_mark_in_any_format(tmp_path: Path, kind: str) -> None:
    wrong = []
    for sign in ("…", "“…”", "?!", "“—”", "—No.", "O.", "xxx, Maud", "* The old word.", "; )"):
        book = read_manuscript(write(tmp_path / f"story.{kind}", story(sign)))
        if len(book.scenes) != 2 or sign.strip("* ") not in book.text:
            wrong.append(sign)
    assert not wrong


_SIGNS = st.sampled_from(
    ("***", "#", "❦", "xxx", "oOo", "…", "—", "?!", "~", "Yes.", "", "🐉", "Ω")
)
_LOOKS = st.builds(
    Look, centred=st.booleans(), new_page=st.booleans(), space_above=st.floats(0, 4),
    style=st.sampled_from(("", "scene break", "body")),
)  # fmt: skip
_LEFT_OUT = st.sampled_from((None, None, None, "endnotes"))
_BLOCKS = st.lists(
    st.one_of(
        st.builds(
            Block, st.sampled_from(("paragraph", "paragraph", "paragraph", "heading")),
            st.one_of(_SIGNS, st.integers(1, 99).map(sentence)), gap=st.integers(0, 4),
            left_out=_LEFT_OUT, look=_LOOKS,
        ),
        st.builds(Block, st.just("break"), st.sampled_from(("* * *", "")), left_out=_LEFT_OUT),
    ),
    max_size=30,
)  # fmt: skip


def words(blocks: Sequence[Block]) -> list[tuple[str, str | None]]:
    return [(b.text, b.left_out) for b in blocks if b.kind != "break"]


@given(_BLOCKS)
def test_nothing_but_marks_is_taken_out_of_the_text(blocks: list[Block]) -> None:
    marked, _ = with_marks(blocks)
    full = [b for b in blocks if b.text or b.kind == "break"]
    for before, after in zip(full, marked, strict=True):
        if after.kind == "break":
            assert before.kind == "break" or after.mark == before.text
        else:
            assert after == replace(before, gap=after.gap)
    assert sum(b.gap for b in marked) <= sum(b.gap + 1 for b in blocks)
    found, _ = with_scene_breaks(marked)
    assert words(found) == words(marked)
    assert all(b.text for b in found if b.kind == "break" and not b.left_out)


@given(_BLOCKS)
def test_every_break_parts_two_paragraphs(blocks: list[Block]) -> None:
    found, _ = with_scene_breaks(with_marks(blocks)[0])
    kinds = ["edge", *(b.kind for b in found if not b.left_out), "edge"]
    for before, kind, after in zip(kinds, kinds[1:], kinds[2:], strict=False):
        assert kind != "break" or before == after == "paragraph"
    assert between_scenes(found) == found


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from(("***", "❦", "# # #", "oOo", "—", "x x x", "◇◇◇")),
    st.lists(st.sampled_from("pppppmmh"), min_size=8, max_size=40),
)
def test_the_same_text_has_the_same_scenes_in_every_format(sign: str, kinds: list[str]) -> None:
    roles = {"p": "paragraph", "m": "mark", "h": "heading"}
    parts = [
        (roles[kind], {"p": sentence(k), "m": sign, "h": f"Chapter {k}"}[kind])
        for k, kind in enumerate([*"hppp", *kinds, *"php"], 1)
    ]
    with TemporaryDirectory() as folder:
        found = [
            scenes_in(read_manuscript(write(Path(folder) / f"story.{kind}", parts)))
            for kind in FORMATS
        ]
    assert all(scenes == found[0] for scenes in found)


def test_emphasis_stays_where_a_line_is_a_mark() -> None:
    first, second = f"*Then* {sentence(1)}", f"{sentence(2)} *Now.*"
    at = len(first) + 5 + len(second) - 5
    text = f"{first}\n***\n{second}"
    marked, _ = with_marks([Block("paragraph", text, (Span(1, 5), Span(at, at + 4)), gap=3)])
    assert [(b.kind, b.text, b.gap) for b in marked] == [
        ("paragraph", first, 3), ("break", "* * *", 0), ("paragraph", second, 0),
    ]  # fmt: skip
    assert [b.text[e.start : e.end] for b in marked for e in b.emphasis] == ["Then", "Now."]
