from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqctx import CheckError, InputError
from seqctx.prepare.split import NGRAM, HeldOutPart, HeldOutText, _hashes, outline
from seqctx.prepare.split import split as split_outlines
from seqctx.prepare.structure import Book
from tests.conftest import seqctx
from tests.prepare.test_chunking import book_of


def split(books: list[Book], share: float, how: str = "auto") -> list[HeldOutPart]:
    return split_outlines([outline(book) for book in books], share, how)


WORDS = st.lists(st.sampled_from(["the", "swan", "clock", "Hero", "brine"]), max_size=160)


@settings(deadline=None)
@given(WORDS, WORDS)
def test_a_hash_is_equal_where_and_only_where_fifty_words_are(a: list[str], b: list[str]) -> None:
    def runs(words: list[str]) -> list[tuple[str, ...]]:
        return [tuple(words[i : i + NGRAM]) for i in range(len(words) - NGRAM + 1)]

    left, right = (
        [n for some in _hashes(" ".join(words)) for n in some.tolist()] for words in (a, b)
    )
    assert len(left) == len([*runs([w.casefold() for w in a])])
    known = dict(zip(runs(a), left, strict=True))
    known |= dict(zip(runs(b), right, strict=True))
    assert len(set(known.values())) == len(known)
    for run, code in zip(runs(a), left, strict=True):
        assert known[run] == code


def test_a_held_out_passage_in_the_training_text_fails() -> None:
    passage = " ".join(f"word{i}" for i in range(NGRAM))
    held_out = HeldOutText(["Before it. " + passage.upper() + "!"])
    book = book_of([["Other. " + passage[:-1]], ["Second.", "Then. " + passage + ", and on."]])
    held_out.check_not_trained(book, book.text.index("Then."))  # 49 words and a half
    with pytest.raises(CheckError, match=r"b.md: c\d\d\d: holds 50 words in a row .*'word0 word1 "):
        held_out.check_not_trained(book, len(book.text))


def test_drafts_of_short_paragraphs_fail(tmp_path: Path, model_folder: Path) -> None:
    for name in ("a.md", "b.md"):  # each example is shorter than the run that is looked for
        words = [f"word{k}{'.' if k % 20 == 19 else ''}" for k in range(400)]
        text = "\n\n".join(" ".join(words[k : k + 20]) for k in range(0, 400, 20))
        (tmp_path / name).write_text(text)
    (tmp_path / "c.yaml").write_text(
        f"base_model: {model_folder}\nsequence_len: 150\nseqctx: {{prepare: {{manuscripts: "
        "[a.md, b.md], split: documents, context_tokens: 0, min_tokens: 1}}\n"
    )
    answer = seqctx("prepare", "c.yaml", cwd=tmp_path)
    assert answer.returncode == 1, answer.stdout
    assert (
        "b.md: b: holds 50 words in a row that are also in the held-out text (351 places"
        in answer.stderr
    )


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


def test_two_novels_hold_out_closing_chapters_by_default() -> None:
    books = [book_of([["a" * 1000]] * 10) for _ in range(2)]
    first, last = split(books, 0.1)
    assert first.start == len(books[0].text)
    assert 0 < last.start < len(books[1].text)
    assert [h.start for h in split(books, 0.1, "documents")] == [0, len(books[1].text)]
    with pytest.raises(InputError, match="none would be left to train on"):
        split(books[:1], 0.1, "documents")


def test_a_short_text_beside_a_novel_is_not_all_that_is_held_out() -> None:
    books = [book_of([["a" * 1000]] * 20), book_of([["A blurb.", "Of two lines."]])]
    for how in ("auto", "chapters"):
        novel, blurb = split(books, 0.1, how)
        assert len(books[0].text) - novel.start >= 2000
        assert blurb.start == len(books[1].text)
    novel, blurb = split(books, 0.1, "documents")  # asked for
    assert (novel.start, blurb.start) == (len(books[0].text), 0)


def test_chapters_of_the_largest_where_none_is_as_large_as_the_share() -> None:
    sizes = [3, 5, 4, 2, 5, 3]
    books = [book_of([["a" * 1000]] * n) for n in sizes]
    starts = [h.start for h in split(books, 0.3, "chapters")]
    assert [k for k, b in enumerate(books) if starts[k] < len(b.text)] == [4]
