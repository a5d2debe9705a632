"""Counting and comparing text takes little memory beside the text, and gives the same results."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from seqctx import read_manuscript
from seqctx.prepare import split
from seqctx.prepare import tokenizer as tokenizer_module
from seqctx.prepare.analysis import near_duplicates
from seqctx.prepare.analysis.motifs import find_motifs
from seqctx.prepare.segments import paragraph_tokens, segments_of
from seqctx.prepare.structure import Book, Span, Spans
from seqctx.prepare.tokenizer import Tokenizer


@pytest.fixture
def long_book(tmp_path: Path) -> Book:
    """20,000 paragraphs of four words, most of them different; 0.5 MB."""
    path = tmp_path / "long.txt"
    path.write_text("".join(f"The {k} man{k % 97} walked.\n\n" for k in range(20_000)))
    return read_manuscript(path)


def peak(function: Callable[[Book], Any], book: Book) -> int:
    """The most memory that a call holds beside what was there before it [B]."""
    tracemalloc.start()
    function(book)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def test_near_duplicates_need_no_row_of_hashes_for_each_word(long_book: Book) -> None:
    near_duplicates.sketches(long_book)  # imports
    assert peak(near_duplicates.sketches, long_book) < 30_000_000


def kept(function: Callable[[], Any]) -> int:
    """The memory that a result keeps [B]."""
    tracemalloc.start()
    result = function()
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del result
    return size


def test_a_paragraph_and_its_segment_take_few_bytes(long_book: Book, tokenizer: Tokenizer) -> None:
    counts = paragraph_tokens(long_book, tokenizer)
    number = len(long_book.paragraphs)
    assert number == 20_000
    segments_of(long_book, tokenizer, 500, counts=counts)  # what it remembers is there already
    assert kept(lambda: segments_of(long_book, tokenizer, 500, counts=counts)) < 80 * number
    assert kept(lambda: Spans(long_book.paragraphs)) < 12 * number


def test_motifs_take_few_bytes_for_each_word(long_book: Book) -> None:
    def motifs(book: Book) -> object:
        return find_motifs(book, lambda places: list(places))

    motifs(long_book)  # loads the frequencies of words
    assert peak(motifs, long_book) < 250 * long_book.words  # an object for each took 321


def test_spans_are_like_a_tuple_of_them() -> None:
    listed = (Span(0, 4), Span(6, 9), Span(11, 30))
    spans = Spans(listed)
    assert spans == listed and hash(spans) == hash(listed) and repr(spans) == repr(listed)
    assert spans[-1] == listed[-1] and spans[1:] == list(listed[1:]) and spans != listed[:2]


def test_words_are_counted_without_a_list_of_them(long_book: Book) -> None:
    assert long_book.words == len(long_book.text.split())
    long_book.__dict__.pop("words")
    assert peak(lambda book: book.words, long_book) < 100_000


def test_held_out_text_is_compared_some_words_at_a_time(
    long_book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = [n for hashes in split._hashes(long_book.text) for n in hashes.tolist()]
    monkeypatch.setattr(split, "_AT_ONCE", 1000)
    parts = [hashes.tolist() for hashes in split._hashes(long_book.text)]
    assert [n for part in parts for n in part] == whole
    assert max(map(len, parts)) == 1000


def test_sketches_are_the_same_however_many_runs_are_hashed_together(
    long_book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    (whole,) = near_duplicates.sketches(long_book)
    monkeypatch.setattr(near_duplicates, "_AT_ONCE", 777)
    (parts,) = near_duplicates.sketches(long_book)
    assert (whole.minhash.hashvalues == parts.minhash.hashvalues).all()
    assert whole.sha256 == parts.sha256


class _Encodes:
    """A tokenizer's backend that remembers how many characters it was given at once."""

    def no_truncation(self) -> None:
        pass

    def no_padding(self) -> None:
        pass

    def __init__(self) -> None:
        self.backend_tokenizer, self.most = self, 0

    def encode_batch_fast(self, texts: Sequence[str], **_: bool) -> list[list[str]]:
        self.most = max(self.most, sum(map(len, texts)))
        return [text.split() for text in texts]


def test_texts_are_encoded_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizer_module, "_AT_ONCE", 100)
    backend = _Encodes()
    texts = ["a b c", "", *(f"{'word ' * (k % 7)}" for k in range(200)), "x" * 300, "a b"]
    assert Tokenizer(backend, "t").count_all(texts) == [len(text.split()) for text in texts]
    assert backend.most <= 100 + 300
    assert Tokenizer(backend, "t").count_all([]) == []
