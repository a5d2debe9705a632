"""The stats of one book, from what was read and made."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence

from seqctx.artifacts.dataset_stats import LONG_SCENE, BookStats, ChunkSpan, MotifStats
from seqctx.config.config import Config
from seqctx.prepare.analysis.coverage import TokenPositions, coverage
from seqctx.prepare.examples import Example
from seqctx.prepare.strategies import strategy_of
from seqctx.prepare.structure import Book, Span
from seqctx.prepare.tokenizer import Tokenizer

_SPEECH = ("“", '"', "‘", "„", "«", "»", "—", "–", "「", "『")
_SPACE = re.compile(r"\s*")
_MID_SCENE = ("paragraph", "sentence", "word", "token")


def book_stats(
    book: Book,
    tokenizer: Tokenizer,
    cfg: Config,
    counts: list[int],
    train: Sequence[Example],
    held_out: Sequence[Example],
    template_tokens: int,
) -> BookStats:
    """Measure one book: what was cut, and what one example holds together.

    Motifs are those of the whole book; held-out examples count as trained ones do.
    """
    positions = TokenPositions(book, tokenizer, counts)
    examples = [*train, *held_out]
    chunks = _chunk_spans(examples, len(train), positions)
    found = coverage(
        book, tokenizer, sequence_len=cfg.sequence_len, counts=counts,
        template_tokens=template_tokens, strategy=strategy_of(cfg.seqctx.prepare),
        min_tokens=cfg.seqctx.prepare.min_tokens,
        example_spans=[(c.start, c.end) for c in chunks],
    )  # fmt: skip
    edges = positions.at([c for ch in book.chapters for c in (ch.span.start, ch.span.end)])
    scenes = list(_scene_tokens(book, positions))
    return BookStats(
        path=book.path,
        title=book.title,
        tokens=found.tokens,
        chapters=tuple(
            (chapter.title, edges[2 * k], edges[2 * k + 1])
            for k, chapter in enumerate(book.chapters)
        ),
        chunks=tuple(chunks),
        scenes=len(scenes),
        long_scenes=sum(end - start >= LONG_SCENE for start, end in scenes),
        **_cuts(book, examples),
        motifs=tuple(
            MotifStats(
                text=m.text, kind=m.kind, mentions=m.mentions, places=m.places,
                surprise=m.surprise, whole_in=whole_in,
            )
            for m, whole_in in zip(found.motifs, found.whole_in, strict=True)
        ),
        compared=found.compared,
        length_for_motifs=_by_percent(found.length_for_motifs),
        length_for_recurrences=_by_percent(found.length_for_recurrences),
        pairs=found.pairs,
    )  # fmt: skip


def _chunk_spans(
    examples: Sequence[Example], trained: int, positions: TokenPositions
) -> list[ChunkSpan]:
    """Where the chunks lie; all but the first ``trained`` are held out."""
    starts = positions.at([e.context for e in examples])
    fresh = positions.at([e.chunk.fresh for e in examples])
    ends = positions.at([e.chunk.end for e in examples])
    return [
        ChunkSpan(
            start=starts[k], fresh=fresh[k], end=ends[k], cut=example.chunk.cut,
            held_out=k >= trained,
        )
        for k, example in enumerate(examples)
    ]  # fmt: skip


def _scene_tokens(book: Book, positions: TokenPositions) -> Iterator[tuple[int, int]]:
    """Where each scene starts and ends, in tokens."""
    scenes = book.scenes
    starts, ends = positions.at([s.start for s in scenes]), positions.at([s.end for s in scenes])
    return zip(starts, ends, strict=True)


def _by_percent(
    lengths: Mapping[str, Mapping[float, int | None]],
) -> dict[str, dict[str, int | None]]:
    """Shares as JSON's keys."""
    return {
        label: {f"{share:.0%}": length for share, length in shares.items()}
        for label, shares in lengths.items()
    }


def _cuts(book: Book, examples: Sequence[Example]) -> dict[str, int]:
    """How many chapters, scenes, paragraphs and exchanges of speech some cut goes through."""
    ends = sorted(e.chunk.end for e in examples if e.chunk.cut != "chapter")
    inside = sorted(e.chunk.end for e in examples if e.chunk.cut in _MID_SCENE)
    speech = 0
    for example in examples:
        if example.chunk.cut == "paragraph":
            end = example.chunk.end
            space = _SPACE.match(book.text, end)
            after = space.end() if space else end
            last = book.paragraphs[bisect_left(book.paragraphs, end, key=lambda p: p.start) - 1]
            speech += all(book.text.startswith(_SPEECH, at) for at in (after, last.start))
    return {
        "chapters_cut": sum(_holds_one(c.span, ends) for c in book.chapters),
        "scenes_cut": sum(_holds_one(scene, inside) for scene in book.scenes),
        "paragraphs_cut": sum(e.chunk.cut in _MID_SCENE[1:] for e in examples),
        "dialogues_cut": speech,
    }


def _holds_one(span: Span, places: Sequence[int]) -> bool:
    """Whether one of the places, which ascend, lies inside a span and not at its edges."""
    k = bisect_right(places, span.start)
    return k < len(places) and places[k] < span.end
