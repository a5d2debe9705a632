from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seqctx import Book, Span, chunk, read_manuscript
from seqctx.prepare.parts import Boundary
from seqctx.prepare.segments import Segment, Segments, paragraph_tokens
from seqctx.prepare.strategies import STRATEGIES
from seqctx.prepare.structure import Chapter
from seqctx.prepare.tokenizer import Tokenizer

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
@given(
    chapters=st.lists(PARAGRAPHS, min_size=1, max_size=4),
    limit=st.integers(16, 90),
    strategy=st.sampled_from(["sequential", "scenes"]),
    overlap=st.sampled_from([0, 0.25, 0.5, 7]),
)
def test_chunks_cover_the_text_within_the_limit(
    tokenizer: Tokenizer,
    chapters: list[list[str]],
    limit: int,
    strategy: str,
    overlap: float,
) -> None:
    book = book_of(chapters)
    chunks = chunk(book, tokenizer, max_tokens=limit, strategy=strategy, overlap=overlap)
    at = start = 0
    for piece in chunks:
        assert book.text[piece.start : piece.end] == piece.text
        assert piece.tokens == tokenizer.count(piece.text) <= limit
        assert not book.text[at : piece.fresh].strip()  # only white space is left out
        assert start < piece.start + (not at) and at < piece.end  # none lies inside another
        assert piece.start <= piece.fresh < piece.end
        span = book.chapters[piece.chapter].span
        assert span.start <= piece.fresh < span.end
        assert piece.opens == (piece.fresh == span.start)
        assert piece.closes == (piece.end in {c.span.end for c in book.chapters})
        assert tokenizer.count(book.text[piece.start : piece.fresh].rstrip()) <= limit * 0.5
        at, start = piece.end, piece.start
    assert not book.text[at:].strip()


def test_a_chapter_is_cut_evenly_at_paragraphs(tokenizer: Tokenizer, novella: Path) -> None:
    book = read_manuscript(novella)
    chunks = chunk(book, tokenizer, max_tokens=800)
    starts = {p.start for p in book.paragraphs}
    assert all(c.start in starts for c in chunks)
    longest = max(paragraph_tokens(book, tokenizer))
    for number, chapter in enumerate(book.chapters):
        tokens = [c.tokens for c in chunks if c.chapter == number]
        fewest = -(-tokenizer.count(book.text[chapter.span.start : chapter.span.end]) // 800)
        assert fewest <= len(tokens) <= fewest + 1
        assert max(tokens) - min(tokens) <= 2 * longest


def test_chapters_that_fit_together_stay_together(tokenizer: Tokenizer, novella: Path) -> None:
    book = read_manuscript(novella)
    sizes = [tokenizer.count(book.text[c.span.start : c.span.end]) for c in book.chapters]
    chunks = chunk(book, tokenizer, max_tokens=3 * max(sizes))
    assert len(chunks) <= len(sizes) / 2
    assert all(c.opens and c.closes and c.cut == "chapter" for c in chunks)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 9), st.sampled_from([3, 3, 3, 4, 5])), min_size=1, max_size=9
    ),
    st.integers(9, 24),
    st.integers(0, 9),
)
def test_the_scene_cuts_are_the_best_of_all(
    tokenizer: Tokenizer, shape: list[tuple[int, int]], limit: int, least: int
) -> None:
    """Against every possible cut: fewest short chunks, then fewest scenes cut, and so on."""
    text, found, scene, chapter = "", [], 0, 0
    for words, before in shape:
        scene, chapter = scene + (before > 3 or not found), chapter + (before > 4)
        part = " ".join(["a"] * words)
        start = len(text) + 2 if text else 0
        text = f"{text}\n\n{part}" if text else part
        found.append(
            Segment(start, len(text), tokenizer.count(part), Boundary(before), chapter, scene)
        )
    segments = Segments(text, found, tokenizer)
    least = min(least, limit // 2)

    def cost(way: list[tuple[int, int]]) -> tuple[int, int, int, float]:
        sizes = [segments.tokens(*cut) for cut in way]
        inner = [j for _, j in way[:-1]]
        inside = [j for j in inner if found[j].before == Boundary.paragraph]
        chapters = {found[j].chapter for j in inner if found[j].before < Boundary.chapter}
        short = sum(size < least for size in sizes) if len(way) > 1 else 0
        uneven = sum(((limit - size) / limit) ** 2 for size in sizes)
        scenes = len({found[j].scene for j in inside})
        return short, scenes, len(inside), round(uneven + len(chapters) / 4, 9)

    n = len(found)
    ways = []
    for bits in range(1 << (n - 1)):
        edges = [0, *(k for k in range(1, n) if bits >> (k - 1) & 1), n]
        way = list(pairwise(edges))
        if all(segments.tokens(*cut) <= limit or cut[1] - cut[0] == 1 for cut in way):
            ways.append(way)
    assert cost(STRATEGIES["scenes"].cut(segments, limit, least)) == min(map(cost, ways))


def test_scenes_cuts_fewer_scenes_than_sequential(tokenizer: Tokenizer, novella: Path) -> None:
    book = read_manuscript(novella)

    def cut(strategy: str) -> int:
        chunks = chunk(book, tokenizer, max_tokens=2000, strategy=strategy)
        return sum(c.cut in ("paragraph", "sentence", "word", "token") for c in chunks)

    assert cut("scenes") < cut("sequential")


def test_a_short_work_stays_whole_and_a_short_tail_joins(tokenizer: Tokenizer) -> None:
    poem = book_of([["Two lines.", "No more."]])
    assert [c.text for c in chunk(poem, tokenizer, max_tokens=400)] == [poem.text]
    tail = book_of([["a " * 90 + "a", "b " * 90 + "b", "c"]])
    assert all(c.tokens > 50 for c in chunk(tail, tokenizer, max_tokens=200, min_tokens=50))


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_what_overlap_repeats(tokenizer: Tokenizer, novella: Path, share: float) -> None:
    book = read_manuscript(novella)
    chunks = chunk(book, tokenizer, max_tokens=1000, overlap=share)
    repeated = [tokenizer.count(book.text[c.start : c.fresh]) for c in chunks[1:]]
    assert max(repeated) <= 1000 * share + 2
    assert sum(repeated) / len(repeated) > 1000 * share * 0.6
    assert all(c.start < before.end for before, c in pairwise(chunks))
    # at a word's beginning, whatever it is cut in
    assert all(book.text[c.start - 1].isspace() for c in chunks[1:])


def test_long_paragraphs_are_cut_at_sentences_then_words(tokenizer: Tokenizer) -> None:
    text = "One two three four. " * 12 + "word " * 40 + "x" * 300
    book = book_of([[text]])
    chunks = chunk(book, tokenizer, max_tokens=30)
    assert chunks[0].text.endswith("four.")
    assert all(c.tokens <= 30 for c in chunks)
    assert "".join("".join(c.text.split()) for c in chunks) == "".join(text.split())
