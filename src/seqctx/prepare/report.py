"""The report of a run of prepare: a page for a writer, and its lines for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from seqctx.artifacts.dataset_stats import BookStats, DatasetStats
from seqctx.artifacts.manifest import Manifest
from seqctx.report.page import Part, page
from seqctx.report.plots import by_length, histogram, manuscript, together

_BOOKS = 12  # a page with more pictures than that is not read
_THREADS = 40
_ARCS = 30
_PIECES = 600  # a picture with more cuts than that shows none
OVERLAP_CANNOT = (
    "Overlap joins what lies less than one chunk apart. What lies a chunk or more apart is never "
    "in one example, whatever the overlap: only a longer sequence_len puts it there."
)


def report_page(manifest: Manifest, stats: DatasetStats) -> str:
    """The whole page as HTML."""
    parts = [*_summary(manifest, stats), *_examples(manifest, stats)]
    for book in stats.books[:_BOOKS]:
        parts += _book(book, stats)
    if len(stats.books) > _BOOKS:
        parts.append(Part(text=[f"{len(stats.books) - _BOOKS} more books are in report.json."]))
    return page("What the training text became", parts)


def report_lines(stats: DatasetStats) -> Iterator[str]:
    """What the terminal says of the stats, after the manifest's lines."""
    books = stats.books
    yield (
        f"cut: {_of(books, 'chapters_cut', 'chapters')} chapters, "
        f"{_of(books, 'scenes_cut', 'scenes')} scenes, "
        f"{sum(b.dialogues_cut for b in books)} exchanges of speech, "
        f"{sum(b.paragraphs_cut for b in books)} paragraphs"
    )
    threads = [t for b in books for t in b.threads]
    if threads:
        whole = sum(t.whole > 0 for t in threads)
        yield (
            f"threads: {whole} of {len(threads)} are whole in some example "
            f"at sequence_len {stats.sequence_len}"
        )
        for book in books[:3] if len(books) < 4 else ():
            yield f"  {book.title}: {_needs(book.needed[_way(stats)])} would be ({_way(stats)})"
            seen = _needs(book.needed_returns[_way(stats)])
            yield f"  from one place to the next, {seen} would be seen"
    plain, packed = stats.unpacked, stats.packed
    yield (
        f"steps an epoch: {plain.steps_per_epoch} unpacked ({1 - plain.efficiency:.0%} padding "
        f"where rows are padded to sequence_len), about {packed.steps_per_epoch} packed "
        f"({packed.efficiency:.1%} full)"
    )
    if stats.trained_twice_tokens:
        yield f"trained twice: {stats.trained_twice_tokens:,} tokens (overlap_loss: train)"
    for pair in stats.near_duplicates[:5]:
        yield f"alike ({pair.likeness:.0%}): {pair.first} and {pair.second}"


def _needs(lengths: Mapping[str, int | None]) -> str:
    """The lengths for each share, in one line."""
    return ", ".join(f"{share} at {n:,}" for share, n in lengths.items() if n)


def _of(books: tuple[BookStats, ...], some: str, all_: str) -> str:
    """Some of all, over all books."""
    counts = [getattr(b, all_) for b in books]
    total = sum(c if isinstance(c, int) else len(c) for c in counts)
    return f"{sum(getattr(b, some) for b in books)} of {total}"


def _way(stats: DatasetStats) -> str:
    """The compared strategy that is nearest the file's."""
    return {"scenes": "scenes", "overlap": "overlap 25 %"}.get(stats.strategy, "sequential")


def _summary(manifest: Manifest, stats: DatasetStats) -> list[Part]:
    """What went in."""
    rows = [
        (s.title, s.path, f"{s.words:,}", f"{s.tokens:,}", s.chapters,
         ", ".join(s.held_out_chapters) or "–")
        for s in manifest.sources
    ]  # fmt: skip
    out = [
        (s.title, skipped.kind, skipped.title, f"{skipped.words:,}")
        for s in manifest.sources
        for skipped in s.left_out
    ]
    parts = [
        Part(
            heading="Read",
            text=[
                f"Counted in the tokens of {manifest.base_model}. Held-out chapters are not "
                "trained on: the evaluation reads them, so its loss says what the model learned "
                "rather than what it knows by heart."
            ],
            columns=("book", "file", "words", "tokens", "chapters", "held out"),
            rows=rows,
        )
    ]
    if out:
        columns = ("book", "what", "begins", "words")
        keep = "Front and back matter. seqctx.prepare.keep_matter: true keeps it."
        parts.append(Part("Left out", 3, [keep], columns=columns, rows=out))
    if stats.near_duplicates:
        rows2 = [(t.first, t.second, f"{t.likeness:.0%}") for t in stats.near_duplicates[:50]]
        text = ["Drafts of the same text weigh twice in training. Leave one of each pair out."]
        parts.append(Part("Alike", 3, text, columns=("one", "the other", "alike"), rows=rows2))
    return parts


def _examples(manifest: Manifest, stats: DatasetStats) -> list[Part]:
    """What came out."""
    rows = [
        (name, s.examples, f"{s.tokens:,}", f"{s.loss_tokens:,}", s.longest, 0)
        for name, s in (("trained on", manifest.train), ("held out", manifest.held_out))
    ]
    plain, packed = stats.unpacked, stats.packed
    lengths = dict(manifest.train.lengths)
    for length, count in manifest.held_out.lengths.items():
        lengths[length] = lengths.get(length, 0) + count
    return [
        Part(
            heading="Examples",
            text=[
                f"Strategy {stats.strategy}, sequence_len {stats.sequence_len:,}: up to "
                f"{manifest.max_tokens:,} tokens of text an example. None is longer than "
                "sequence_len, so Axolotl drops and cuts none. The loss is taken over the new "
                "text only; the end of the turn is trained only where a chapter ends, so that "
                "the model does not learn to stop where a chunk did."
            ],
            columns=("", "examples", "tokens", "of them in the loss", "longest", "dropped"),
            rows=rows,
        ),
        Part(svg=histogram(lengths, stats.sequence_len), caption="How long the examples are."),
        Part(
            heading="One pass over it",
            level=3,
            text=[
                f"{stats.repeated_tokens:,} tokens are shown more than once, "
                f"{stats.trained_twice_tokens:,} are trained on more than once. "
                "Packing puts several examples in one row; with attention isolated they do not "
                "see each other, so it changes the speed and the batch, not what is seen together."
            ],
            columns=("", "rows", "full", "optimizer steps"),
            rows=[
                ("one example a row, padded to sequence_len", plain.rows,
                 f"{plain.efficiency:.1%}", plain.steps_per_epoch),
                ("sample_packing: true", packed.rows, f"{packed.efficiency:.1%}",
                 packed.steps_per_epoch),
            ],
        ),
    ]  # fmt: skip


def _book(book: BookStats, stats: DatasetStats) -> list[Part]:
    """One book: picture, cuts, coverage, threads."""
    far = sorted(book.threads, key=lambda t: -t.surprise)[:_ARCS]
    parts = [
        Part(
            heading=book.title,
            text=[
                f"{book.tokens:,} tokens. Cut through: {book.chapters_cut} of "
                f"{len(book.chapters)} chapters, {book.scenes_cut} of {book.scenes} scenes, "
                f"{book.dialogues_cut} exchanges of speech, {book.paragraphs_cut} paragraphs."
            ],
        )
    ]
    if len(book.pieces) <= _PIECES:
        picture = manuscript(
            book.tokens,
            book.chapters,
            [(p.start, p.fresh, p.end, p.cut, p.held_out) for p in book.pieces],
            [(t.text, t.mentions[0], t.mentions[-1], t.whole > 0) for t in far],
        )
        caption = "Arcs go from a thread's first to its last mention; the most telling are named."
        parts.append(Part(svg=picture, caption=caption))
    parts.append(
        Part(
            heading="What is seen together",
            level=3,
            text=[OVERLAP_CANNOT],
            svg=together(book.pairs),
            caption="Of two tokens so far apart, how often does one example hold both? Lines are "
            f"measured on this book at sequence_len {stats.sequence_len:,}; dotted ones are "
            "what a text without chapters would give.",
        )
    )
    if book.threads:
        parts += _threads(book, stats)
    return parts


def _threads(book: BookStats, stats: DatasetStats) -> list[Part]:
    """The threads and what would hold them."""
    shares: dict[str, dict[int, float]] = {}
    returns: dict[str, dict[int, float]] = {}
    for way in book.ways:
        shares.setdefault(way.strategy, {})[way.sequence_len] = way.share
        returns.setdefault(way.strategy, {})[way.sequence_len] = way.returns
    whole = sum(t.whole > 0 for t in book.threads)
    needed = [
        (name, *(f"{n:,}" if n else "–" for some in (whole_at, book.needed_returns[name])
                 for n in some.values()))
        for name, whole_at in book.needed.items()
    ]  # fmt: skip
    rows = [
        (t.text, t.kind, f"{t.mentions[0]:,}", f"{t.mentions[-1]:,}", f"{t.distance:,}",
         len(t.mentions), t.whole or "–")
        for t in book.threads[:_THREADS]
    ]  # fmt: skip
    return [
        Part(
            heading="Threads",
            level=3,
            text=[
                f"{len(book.threads)} names, rare terms and phrases come back far from where they "
                f"were; {whole} are whole in some example. A thread that several examples hold "
                "whole is learned by repetition; one that none does is not learned as a thread, "
                "though the model can still follow it when the text stands in its context."
            ],
            svg=by_length(shares, stats.sequence_len, "share of threads held whole"),
            caption="Share of the threads that some example holds from first to last mention.",
        ),
        Part(
            text=[
                "Most threads of a book span most of it. So look at their returns, too: from one "
                "place where a thread is mentioned to the next one."
            ],
            svg=by_length(returns, stats.sequence_len, "share of returns seen"),
            caption="Share of the returns that some example sees both ends of.",
        ),
        Part(
            text=[
                "The shortest sequence_len that would hold so many threads whole, or see so "
                "many returns:"
            ],
            columns=("strategy", "threads 50 %", "80 %", "95 %", "returns 50 %", "80 %", "95 %"),
            rows=needed,
        ),
        Part(
            columns=("thread", "kind", "first at token", "last", "apart", "mentions", "examples"),
            rows=rows,
        ),
    ]
