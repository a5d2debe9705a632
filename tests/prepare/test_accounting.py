"""No word is lost unseen: each is in the text, left out and listed, or part of a mark."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seqctx import Book, read_manuscript
from tests.prepare.accounted_files import FORMATS, Part, words_by_kind, write

_WORDS = (
    "lantern quay ferry water winter ledger barley kettle marsh stairs chapel mill weir rope brass "
    "coat honey map bell nails mare tide salt boat window shutter street clock nettles tar"
).split()
_SENTENCE = st.lists(st.sampled_from(_WORDS), min_size=13, max_size=30).map(
    lambda words: " ".join(["The", *words, "too."])
)
_FEW = st.lists(st.sampled_from(_WORDS), min_size=2, max_size=6).map(" ".join)
_PART = st.one_of(
    st.tuples(st.sampled_from(["paragraph", "paragraph", "emphasized", "hidden"]), _SENTENCE),
    st.tuples(st.sampled_from(["comment", "caption", "deleted"]), _FEW),
    st.tuples(st.just("note"), _SENTENCE, _SENTENCE),
    st.tuples(st.just("table"), _FEW, _FEW, _FEW, _FEW),
)


@st.composite
def stories(draw: st.DrawFn) -> list[Part]:
    """Chapters of scenes; each scene begins and ends with a paragraph."""
    parts: list[Part] = []
    mark = draw(st.sampled_from(["* * *", "***", "* * * * *"]))
    for number in range(1, draw(st.integers(2, 4))):
        parts.append(("heading", f"Chapter {number}"))
        for scene in range(draw(st.integers(1, 3))):
            parts += [("mark", mark)] * (scene > 0)
            inside = draw(st.lists(_PART, max_size=4))
            parts += [
                ("paragraph", draw(_SENTENCE)), *inside, ("paragraph", draw(_SENTENCE)),
            ]  # fmt: skip
    return parts


def text_words(book: Book) -> int:
    """Words of the text, without its scene breaks."""
    breaks = sum(len(book.text[b.start : b.end].split()) for b in book.scene_breaks)
    return len(book.text.split()) - breaks


def check(book: Book, expected: Counter[str]) -> None:
    """Compare a book's account with words that were counted otherwise."""
    account = book.account
    left_out, marks = Counter(account.left_out), Counter(account.marks)
    assert account.words == account.in_text + left_out.total() + marks.total()
    assert account.in_text == text_words(book)
    assert left_out == sum((Counter({x.kind: x.words}) for x in book.left_out), Counter())
    left_out.pop("note mark", 0)
    left_out["comment"] += left_out.pop("note", 0)  # as Fountain calls it
    assert Counter({"text": account.in_text}) + left_out + marks == +expected


@pytest.mark.parametrize("form", FORMATS)
@settings(deadline=None, max_examples=25, suppress_health_check=list(HealthCheck))
@given(story=stories())
def test_all_words_are_accounted_for(form: str, story: list[Part]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        book = read_manuscript(write(Path(folder), form, story))
    check(book, words_by_kind(story, form))
