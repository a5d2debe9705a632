"""The report of a run of prepare: a page for a writer, and its lines for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from seqctx.artifacts.dataset_stats import BookStats, DatasetStats, Packing
from seqctx.artifacts.manifest import Manifest, ReadFolder, SkippedFile
from seqctx.prepare.left_out import KEY, account_line
from seqctx.report.page import Section, page
from seqctx.report.plots import histogram, manuscript, pairs_by_distance, share_by_length

_BOOKS = 12  # a page with more pictures than that is not read
_MOTIFS = 40
_ARCS = 30
_NOT_READ = 20  # names in one line
_CHUNKS = 600  # a picture with more cuts than that shows none
OVERLAP_LIMIT = (
    "Overlap joins text that lies less than one chunk apart. Text that lies a chunk or more apart "
    "is never in one example, however large the overlap. Only a longer sequence_len puts it into "
    "one example."
)


def report_page(manifest: Manifest, stats: DatasetStats) -> str:
    """The whole page as HTML."""
    sections = [*_sources(manifest, stats), *_examples(manifest, stats)]
    for book in stats.books[:_BOOKS]:
        sections += _book(book, stats)
    if len(stats.books) > _BOOKS:
        more = len(stats.books) - _BOOKS
        sections.append(Section(text=[f"The stats of {more} more books are in report.json."]))
    return page("Training examples made from your text", sections)


def report_lines(stats: DatasetStats) -> Iterator[str]:
    """The stats as lines for the terminal."""
    books = stats.books
    yield (
        f"chunks cut through {_of(books, 'chapters_cut', 'chapters')} chapters, "
        f"{_of(books, 'scenes_cut', 'scenes')} scenes, "
        f"{sum(b.dialogues_cut for b in books)} exchanges of speech, "
        f"{sum(b.paragraphs_cut for b in books)} paragraphs"
    )
    motifs = [m for b in books for m in b.motifs]
    if motifs:
        whole = sum(m.whole_in > 0 for m in motifs)
        yield (
            f"motifs: {whole} of {len(motifs)} are whole in some example "
            f"at sequence_len {stats.sequence_len}"
        )
        for book in books[:3] if len(books) < 4 else ():
            yield from _lengths_of(book, stats.strategy)
    plain, packed = stats.unpacked, stats.packed
    yield (
        f"optimizer steps in one epoch: {plain.steps_per_epoch} without packing "
        f"({plain.rows} rows, {1 - plain.efficiency:.0%} padding), about "
        f"{packed.steps_per_epoch} with sample_packing ({packed.rows} rows, "
        f"{1 - packed.efficiency:.0%} padding)" + _a_step(plain)
    )
    if stats.trained_twice_tokens:
        yield f"trained twice: {stats.trained_twice_tokens:,} tokens (overlap_loss: train)"
    for pair in stats.near_duplicates[:5]:
        yield f"near duplicates ({pair.likeness:.0%} alike): {pair.first} and {pair.second}"


def _lengths_of(book: BookStats, strategy: str) -> Iterator[str]:
    """The lengths from which on one book's motifs are whole, and its recurrences shown."""
    for what, lengths in (
        ("of the motifs are whole", book.length_for_motifs.get(strategy, {})),
        ("of the recurrences are in one example", book.length_for_recurrences.get(strategy, {})),
    ):
        known = [(share, n) for share, n in lengths.items() if n]
        if known:
            (share, n), *rest = known
            more = "".join(f", {other} from {length:,}" for other, length in rest)
            yield f"  {book.title} ({strategy}): {share} {what} from sequence_len {n:,}{more}"


def _a_step(packing: Packing) -> str:
    """How many rows one step takes, where the record has it."""
    return f"; one step takes {_rows(packing.rows_per_step)}" if packing.rows_per_step else ""


def _rows(number: int) -> str:
    return f"{number} row{'s' * (number != 1)}"


def _of(books: tuple[BookStats, ...], some: str, all_: str) -> str:
    """Some of all, over all books."""
    counts = [getattr(b, all_) for b in books]
    total = sum(c if isinstance(c, int) else len(c) for c in counts)
    return f"{sum(getattr(b, some) for b in books)} of {total}"


def _chapters_found(manifest: Manifest) -> Iterator[Section]:
    """Which headings open chapters."""
    rows = [
        (s.title, s.chapters, ", ".join(s.parts) or "–", s.chapter_reason)
        for s in manifest.sources
        if s.chapter_reason
    ]
    if rows:
        text = [
            "An answer that goes to the end of a chapter ends with the end-of-turn token. Where "
            "other headings open your chapters, set seqctx.prepare.chapters to {level: 2} or "
            "{pattern: REGEX}."
        ]
        columns = ("book", "chapters", "parts", "which headings open chapters")
        yield Section("How chapters were found", 3, text, columns=columns, rows=rows)


def reading_lines(
    folders: Sequence[ReadFolder], not_read: Sequence[str], skipped: Sequence[SkippedFile] = ()
) -> Iterator[str]:
    """How folders were read, and which files were not."""
    for folder in folders:
        how, other = (
            ("one book", "many books") if folder.is_one_book else ("many books", "one book")
        )
        yield (
            f"{folder.path}: read as {how}, because {folder.reason}. To read it as {other}, set "
            f"seqctx.prepare.folders: {other}."
        )
    if not_read:
        more = len(not_read) - _NOT_READ
        names = ", ".join(not_read[:_NOT_READ]) + (f" and {more} more" if more > 0 else "")
        yield (
            f"not read, because files of this kind cannot be: {names}. If they hold your text, "
            "export them as .docx or .md."
        )
    for file in skipped:
        yield f"skipped: {file.problem}"


def _reading(manifest: Manifest) -> Iterator[Section]:
    """How folders were read, and which files were not, as a section."""
    if lines := list(reading_lines(manifest.folders, manifest.not_read, manifest.skipped)):
        yield Section("Folders and files that were not read", 3, lines)


def _sources(manifest: Manifest, stats: DatasetStats) -> list[Section]:
    """What was read."""
    rows = [
        (s.title, s.path, f"{s.words:,}", f"{s.tokens:,}", s.chapters,
         ", ".join(s.held_out_chapters) or "–")
        for s in manifest.sources
    ]  # fmt: skip
    left_out = [
        (s.title, part.kind, part.title, part.size, f"{part.share:.1%}", part.places,
         "yes" if part.is_certain else "no")
        for s in manifest.sources
        for part in s.left_out
    ]  # fmt: skip
    sections = [
        Section(
            heading="What was read",
            text=[
                f"Tokens are counted with the tokenizer of {manifest.base_model}. Held-out "
                "chapters are not trained on. The evaluation uses them, so its loss shows what "
                "the model learned for new text, and not what it learned by heart."
            ],
            columns=("book", "file", "words", "tokens", "chapters", "held-out chapters"),
            rows=rows,
        )
    ]
    sections += _reading(manifest)
    sections += _chapters_found(manifest)
    if left_out:
        columns = ("book", "kind", "begins with", "size", "share of the file", "places", "certain")
        text = [
            "These parts of the files are not your story, as far as their place, their form and "
            "their words show. They are in no example. Certain are parts that the file itself "
            "declares, that a licence's own markers enclose, or that list the headings. To keep "
            f"all parts, set {KEY}: true.",
            *(f"{s.title}: {account_line(s.account)}." for s in manifest.sources if s.left_out),
        ]
        sections.append(Section("What was left out", 3, text, columns=columns, rows=left_out))
    if stats.near_duplicates:
        pairs = [(t.first, t.second, f"{t.likeness:.0%}") for t in stats.near_duplicates[:50]]
        text = [
            "These chapters have the same text, or nearly the same. A text that is there twice "
            "counts twice in training. Leave one chapter of each pair out."
        ]
        columns3 = ("chapter", "other chapter", "alike")
        sections.append(Section("Near duplicates", 3, text, columns=columns3, rows=pairs))
    return sections


def _examples(manifest: Manifest, stats: DatasetStats) -> list[Section]:
    """What came out."""
    rows = [
        (name, s.examples, f"{s.tokens:,}", f"{s.loss_tokens:,}", f"{s.longest:,}")
        for name, s in (("to train on", manifest.train), ("held out", manifest.held_out))
    ]
    lengths = dict(manifest.train.lengths)
    for length, count in manifest.held_out.lengths.items():
        lengths[length] = lengths.get(length, 0) + count
    trained = "The model learns the new text of each example, not the text before it."
    if stats.trained_twice_tokens:
        trained = (
            "The model also learns the text that an example repeats (overlap_loss: train), so "
            f"{stats.trained_twice_tokens:,} tokens are learned more than once."
        )
    return [
        Section(
            heading="The examples",
            text=[
                f"The text was cut with the strategy {stats.strategy} for sequence_len "
                f"{stats.sequence_len:,}. An example has up to {manifest.max_tokens:,} tokens of "
                "text, and the chat template around them. No example is longer than sequence_len, "
                "so Axolotl drops none and cuts none.",
                f"{trained} The token that ends an answer is trained only where a chapter ends, "
                "so the model does not learn to stop where a chunk stops.",
            ],
            columns=("", "examples", "tokens", "tokens that are learned", "longest example"),
            rows=rows,
        ),
        Section(
            svg=histogram(lengths, stats.sequence_len),
            caption="How long the examples are. The line is sequence_len.",
        ),
        _epoch(stats),
    ]  # fmt: skip


def _epoch(stats: DatasetStats) -> Section:
    """Rows and steps, with and without packing, so that a reader can follow the arithmetic."""
    plain, packed = stats.unpacked, stats.packed
    text = [
        "One epoch goes over all examples once. "
        f"{stats.repeated_tokens:,} tokens are shown more than once in it.",
        "Without packing, each example is a row of its own, and short rows are padded. With "
        "sample_packing: true, one row holds several examples. Where attention is isolated, the "
        "examples of a row do not see each other: packing changes the speed and the size of a "
        "step, and not what the model sees together.",
    ]
    if plain.rows_per_step:
        text.append(
            f"One optimizer step takes {_rows(plain.rows_per_step)} (micro_batch_size times "
            "gradient_accumulation_steps)."
        )
    return Section(
        heading="Rows and steps of one epoch",
        level=3,
        text=text,
        columns=("", "rows", "filled with text", "optimizer steps", "how the steps are counted"),
        rows=[
            ("without packing", plain.rows, f"{plain.efficiency:.1%}", plain.steps_per_epoch,
             _arithmetic(plain, "the last step has fewer rows")),
            ("sample_packing: true", packed.rows, f"{packed.efficiency:.1%}",
             packed.steps_per_epoch,
             _arithmetic(packed, "Axolotl leaves out a last step that is not full")),
        ],
    )  # fmt: skip


def _arithmetic(packing: Packing, rest: str) -> str:
    """Steps from rows; ``rest`` says what happens with rows that fill no step."""
    rows, each = packing.rows, packing.rows_per_step
    if not each:
        return "–"
    whole, left = divmod(rows, each)
    if not left:
        return f"{rows} / {each} = {whole}"
    return f"{rows} / {each} = {whole}, and {_rows(left)} left: {rest}"


def _book(book: BookStats, stats: DatasetStats) -> list[Section]:
    """One book: picture, cuts, coverage, motifs."""
    far = sorted(book.motifs, key=lambda m: -m.surprise)[:_ARCS]
    sections = [
        Section(
            heading=book.title,
            text=[
                f"The book has {book.tokens:,} tokens. The ends of chunks cut through "
                f"{book.chapters_cut} of its {len(book.chapters)} chapters, {book.scenes_cut} of "
                f"its {book.scenes} scenes, {book.dialogues_cut} exchanges of speech and "
                f"{book.paragraphs_cut} paragraphs."
            ],
        )
    ]
    if len(book.chunks) <= _CHUNKS:
        picture = manuscript(
            book.tokens,
            book.chapters,
            [(c.start, c.fresh, c.end, c.cut, c.held_out) for c in book.chunks],
            [(m.text, m.mentions[0], m.mentions[-1], m.whole_in > 0) for m in far],
        )
        caption = (
            "The book from left to right. The band shows its chapters; below it are the chunks, "
            "in two rows, and where they are cut. Each arc is a motif, from its first to its last "
            f"mention: the {len(far)} most surprising ones, with names where there is room."
        )
        sections.append(Section(svg=picture, caption=caption))
    sections.append(
        Section(
            heading="What one example holds",
            level=3,
            text=[OVERLAP_LIMIT],
            svg=pairs_by_distance(book.pairs),
            caption="Take two tokens at some distance: how often does one example hold both? The "
            "thick lines are measured on this book, at sequence_len "
            f"{stats.sequence_len:,}. The thin dotted lines are computed for a long text without "
            "chapters.",
        )
    )
    if book.motifs:
        sections += _motifs(book, stats)
    return sections


def _motifs(book: BookStats, stats: DatasetStats) -> list[Section]:
    """The motifs, and the lengths that would hold them."""
    motifs: dict[str, dict[int, float]] = {}
    recurrences: dict[str, dict[int, float]] = {}
    for each in book.compared:
        motifs.setdefault(each.strategy, {})[each.sequence_len] = each.motif_share
        recurrences.setdefault(each.strategy, {})[each.sequence_len] = each.recurrence_share
    whole = sum(m.whole_in > 0 for m in book.motifs)
    return [
        Section(
            heading="Motifs",
            level=3,
            text=[
                "A motif is a name, a rare term or a phrase that comes back far from where it "
                f"stood first. This book has {len(book.motifs)}. Some example holds {whole} of "
                "them whole, from the first to the last mention. The model learns a motif by "
                "repetition where several examples hold it whole. Where none does, it does not "
                "learn the motif as a whole, but it can still follow it when the text is in its "
                "context."
            ],
            svg=share_by_length(motifs, stats.sequence_len, "share of motifs in one example"),
            caption="The share of the motifs that some example holds whole. The dashed line is "
            "your sequence_len.",
        ),
        Section(
            text=[
                "Most motifs of a book span most of it. So look at their recurrences, too: the "
                "way from one place where a motif is mentioned to the next such place."
            ],
            svg=share_by_length(recurrences, stats.sequence_len, "share of recurrences shown"),
            caption="The share of the recurrences of which one example shows both ends. The "
            "dashed line is your sequence_len.",
        ),
        _lengths(book),
        _motif_table(book),
    ]


def _lengths(book: BookStats) -> Section:
    """The shortest lengths that would hold shares of the motifs and recurrences."""
    shares = [list(lengths) for lengths in book.length_for_motifs.values()][:1]
    columns = [f"{share[:-1]} %" for each in shares for share in each]
    rows = [
        (label, *_numbers(lengths), *_numbers(book.length_for_recurrences[label]))
        for label, lengths in book.length_for_motifs.items()
    ]
    return Section(
        text=[
            "This table shows the shortest sequence_len at which examples would hold so many of "
            "the motifs whole, or show so many of the recurrences."
        ],
        columns=(
            "strategy",
            *(f"{c} of motifs" for c in columns),
            *(f"{c} of recurrences" for c in columns),
        ),
        rows=rows,
    )


def _numbers(lengths: Mapping[str, int | None]) -> list[str]:
    return [f"{n:,}" if n else "–" for n in lengths.values()]


def _motif_table(book: BookStats) -> Section:
    """The most surprising motifs."""
    shown = book.motifs[:_MOTIFS]
    some = len(shown) < len(book.motifs)
    text = [f"These are the {len(shown)} most surprising of the {len(book.motifs)} motifs."]
    return Section(
        text=text if some else (),
        columns=("motif", "kind", "first at token", "last at token", "tokens apart", "mentions",
                 "examples that hold it whole"),
        rows=[
            (m.text, m.kind, f"{m.mentions[0]:,}", f"{m.mentions[-1]:,}", f"{m.distance:,}",
             len(m.mentions), m.whole_in or "–")
            for m in shown
        ],
    )  # fmt: skip
