"""The stats of one book, from what was read and made."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence

from seqctx.artifacts.dataset_stats import LONG_SCENE, BookStats, MotifStats, Piece, Way
from seqctx.config.config import Config
from seqctx.prepare.analysis.coverage import Ruler, coverage
from seqctx.prepare.examples import DEFAULT_OVERLAP, Example
from seqctx.prepare.structure import Book
from seqctx.prepare.tokenizer import Tokenizer

_SPEECH = ("“", '"', "‘", "„", "«", "»", "—", "–", "「", "『")
_MID_SCENE = ("paragraph", "sentence", "word", "token")


def book_stats(
    book: Book,
    tokenizer: Tokenizer,
    cfg: Config,
    counts: list[int],
    train: Sequence[Example],
    held_out: Sequence[Example],
    frame: int,
) -> BookStats:
    """Measure one book: what was cut, and what some example sees together.

    Threads are those of the whole book; an example that is held out sees as one that is trained.
    """
    prep = cfg.seqctx.prepare
    ruler = Ruler(book, tokenizer, counts)
    sides = [(e, False) for e in train] + [(e, True) for e in held_out]
    pieces = []
    for (example, held), start, fresh, end in zip(
        sides,
        ruler.at([e.context for e, _ in sides]),
        ruler.at([e.chunk.fresh for e, _ in sides]),
        ruler.at([e.chunk.end for e, _ in sides]),
        strict=True,
    ):
        cut = example.chunk.cut
        pieces.append(Piece(start=start, fresh=fresh, end=end, cut=cut, held_out=held))
    overlap = (prep.overlap or DEFAULT_OVERLAP) if prep.strategy == "overlap" else 0
    found = coverage(
        book, tokenizer, sequence_len=cfg.sequence_len, counts=counts, frame=frame,
        strategy="scenes" if prep.strategy == "scenes" else "sequential", overlap=overlap,
        min_tokens=prep.min_tokens, windows=[(p.start, p.end) for p in pieces],
    )  # fmt: skip
    edges = ruler.at([c for ch in book.chapters for c in (ch.span.start, ch.span.end)])
    return BookStats(
        path=book.path,
        title=book.title,
        tokens=found.tokens,
        chapters=tuple(
            (chapter.title, edges[2 * k], edges[2 * k + 1])
            for k, chapter in enumerate(book.chapters)
        ),
        pieces=tuple(pieces),
        scenes=len(book.scenes),
        long_scenes=sum(end - start >= LONG_SCENE for start, end in _scene_tokens(book, ruler)),
        **_cuts(book, [e for e, _ in sides]),
        threads=tuple(
            MotifStats(
                text=t.text, kind=t.kind, mentions=t.mentions, places=t.places,
                surprise=t.surprise, whole=whole,
            )
            for t, whole in zip(found.threads, found.whole, strict=True)
        ),
        ways=tuple(
            Way(
                strategy=s.strategy, sequence_len=s.sequence_len, examples=s.examples,
                threads=s.threads, share=s.share, returns=s.returns, scenes_cut=s.scenes_cut,
            )
            for s in found.seen
        ),
        needed=_by_percent(found.needed),
        needed_returns=_by_percent(found.needed_returns),
        pairs=found.pairs,
    )  # fmt: skip


def _scene_tokens(book: Book, ruler: Ruler) -> Iterator[tuple[int, int]]:
    """Where each scene starts and ends, in tokens."""
    starts, ends = (ruler.at([getattr(s, side) for s in book.scenes]) for side in ("start", "end"))
    return zip(starts, ends, strict=True)


def _by_percent(
    needed: Mapping[str, Mapping[float, int | None]],
) -> dict[str, dict[str, int | None]]:
    """Shares as JSON's keys."""
    return {
        name: {f"{share:.0%}": length for share, length in shares.items()}
        for name, shares in needed.items()
    }


def _cuts(book: Book, examples: Sequence[Example]) -> dict[str, int]:
    """How many chapters, scenes, paragraphs and exchanges of speech some cut goes through."""
    ends = [e.chunk.end for e in examples if e.chunk.cut != "chapter"]
    inside = [e.chunk.end for e in examples if e.chunk.cut in _MID_SCENE]
    starts = [p.start for p in book.paragraphs]
    speech = 0
    for example in examples:
        if example.chunk.cut == "paragraph":
            after = book.text[example.chunk.end :].lstrip()
            last = starts[bisect_left(starts, example.chunk.end) - 1]
            speech += after.startswith(_SPEECH) and book.text.startswith(_SPEECH, last)
    return {
        "chapters_cut": sum(
            any(c.span.start < end < c.span.end for end in ends) for c in book.chapters
        ),
        "scenes_cut": sum(any(s.start < end < s.end for end in inside) for s in book.scenes),
        "paragraphs_cut": sum(e.chunk.cut in _MID_SCENE[1:] for e in examples),
        "dialogues_cut": speech,
    }
