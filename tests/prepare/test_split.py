from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqctx import CheckError, InputError
from seqctx.prepare.split import NGRAM, Held, Leaks, _hashes, outline
from seqctx.prepare.split import split as split_outlines
from seqctx.prepare.structure import Book
from tests.prepare.test_chunking import book_of


def split(books: list[Book], share: float, how: str = "auto") -> list[Held]:
    return split_outlines([outline(book) for book in books], share, how)


WORDS = st.lists(st.sampled_from(["the", "swan", "clock", "Hero", "brine"]), max_size=160)


@settings(deadline=None)
@given(WORDS, WORDS)
def test_a_hash_is_equal_where_and_only_where_fifty_words_are(a: list[str], b: list[str]) -> None:
    def runs(words: list[str]) -> list[tuple[str, ...]]:
        return [tuple(words[i : i + NGRAM]) for i in range(len(words) - NGRAM + 1)]

    left, right = _hashes(" ".join(a)), _hashes(" ".join(b))
    assert len(left) == len([*runs([w.casefold() for w in a])])
    known = dict(zip(runs(a), left.tolist(), strict=True))
    known |= dict(zip(runs(b), right.tolist(), strict=True))
    assert len(set(known.values())) == len(known)
    for run, code in zip(runs(a), left.tolist(), strict=True):
        assert known[run] == code


def test_a_held_out_passage_in_the_training_text_fails() -> None:
    passage = " ".join(f"word{i}" for i in range(NGRAM))
    leaks = Leaks(["Before it. " + passage.upper() + "!"])
    leaks.refuse("Other. " + passage[:-1], "a.md")  # 49 words and a half
    with pytest.raises(CheckError, match=r"b.md: One: 50 words in a row"):
        leaks.refuse("Other, then. " + passage + ", and on.", "b.md: One")


def test_a_single_book_holds_out_its_closing_chapters() -> None:
    book = book_of([["a" * 100]] * 10)
    (held,) = split([book], 0.25)
    assert [c.span.start for c in book.chapters].index(held.start) == 7
    assert len(held.chapters) == 3


def test_one_chapter_is_split_between_paragraphs() -> None:
    book = book_of([["a" * 100] * 10])
    (held,) = split([book], 0.05)
    assert held.start == book.paragraphs[9].start


def test_several_documents_hold_out_whole_ones() -> None:
    books = [book_of([["a" * 1000]] * 2) for _ in range(10)]
    held = split(books, 0.2)
    assert [h.start for h in held] == [len(b.text) for b in books[:8]] + [0, 0]
    assert [h.start for h in split(books, 0.2, "chapters")][:9] == [len(b.text) for b in books[:9]]


def test_two_novels_hold_out_closing_chapters_unless_told() -> None:
    books = [book_of([["a" * 1000]] * 10) for _ in range(2)]
    first, last = split(books, 0.1)
    assert first.start == len(books[0].text)
    assert 0 < last.start < len(books[1].text)
    assert [h.start for h in split(books, 0.1, "documents")] == [0, len(books[1].text)]
    with pytest.raises(InputError, match="leaves none to train on"):
        split(books[:1], 0.1, "documents")
