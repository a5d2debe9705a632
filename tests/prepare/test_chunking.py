from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seqctx import Book, Span, chunk, read_manuscript
from seqctx.prepare.structure import Chapter
from seqctx.prepare.tokens import Tokenizer, TokenMap

PARAGRAPHS = st.lists(
    st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\n\r"), min_size=1)
    .map(str.strip)
    .filter(bool),
    min_size=1,
    max_size=12,
)


def book_of(chapters: list[list[str]]) -> Book:
    spans, parts, marks, at = [], [], [], 0
    for paragraphs in chapters:
        start = at
        for paragraph in paragraphs:
            spans.append(Span(at, at + len(paragraph)))
            parts.append(paragraph)
            at += len(paragraph) + 2
        marks.append(Chapter(f"c{start}", Span(start, at - 2)))
    return Book("b.md", "B", "\n\n".join(parts), tuple(marks), tuple(spans), ())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(chapters=st.lists(PARAGRAPHS, min_size=1, max_size=4), limit=st.integers(16, 90))
def test_laws(tokenizer: Tokenizer, chapters: list[list[str]], limit: int) -> None:
    book = book_of(chapters)
    chunks = chunk(book, tokenizer, max_tokens=limit)
    at = 0
    for piece in chunks:
        assert book.text[piece.start : piece.end] == piece.text
        assert piece.tokens == tokenizer.count(piece.text) <= limit
        assert not book.text[at : piece.start].strip()  # only white space is left out
        span = book.chapters[piece.chapter].span
        assert span.start <= piece.start < piece.end <= span.end
        assert piece.opens == (piece.chapter not in {c.chapter for c in chunks if c.start < at})
        at = piece.end
    assert not book.text[at:].strip()
    assert sum(c.closes for c in chunks) == len(book.chapters)


def test_a_chapter_is_cut_evenly_at_paragraphs(tokenizer: Tokenizer, novella: Path) -> None:
    book = read_manuscript(novella)
    chunks = chunk(book, tokenizer, max_tokens=800)
    starts = {p.start for p in book.paragraphs}
    assert all(c.start in starts for c in chunks)
    positions = TokenMap(book.text, tokenizer)
    for number, chapter in enumerate(book.chapters):
        tokens = [c.tokens for c in chunks if c.chapter == number]
        longest = max(positions.between(p.start, p.end) for p in book.paragraphs)
        fewest = -(-positions.between(chapter.span.start, chapter.span.end) // 800)
        assert fewest <= len(tokens) <= fewest + 1
        assert max(tokens) - min(tokens) <= 2 * longest


def test_long_paragraphs_are_cut_at_sentences_then_words(tokenizer: Tokenizer) -> None:
    text = "One two three four. " * 12 + "word " * 40 + "x" * 300
    book = book_of([[text]])
    chunks = chunk(book, tokenizer, max_tokens=30)
    assert chunks[0].text.endswith("four.")
    assert all(c.tokens <= 30 for c in chunks)
    assert "".join("".join(c.text.split()) for c in chunks) == "".join(text.split())
