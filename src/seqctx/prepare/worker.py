"""What prepare does with one book, in a process of its own where there are several large books.

A book's text is dropped when its examples are written, so memory grows with the longest book and
not with all books together.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seqctx.artifacts.dataset_stats import BookStats
from seqctx.artifacts.layout import data_file
from seqctx.artifacts.manifest import Source
from seqctx.config.config import Config
from seqctx.prepare.analysis.near_duplicates import Sketch, sketches
from seqctx.prepare.analysis.stats import book_stats
from seqctx.prepare.examples import Example, build_examples, template_tokens
from seqctx.prepare.prompts import Prompts, load_prompts
from seqctx.prepare.readers.manuscripts import read_as_configured
from seqctx.prepare.segments import paragraph_tokens
from seqctx.prepare.sources import Digests
from seqctx.prepare.split import HeldOutPart, HeldOutText
from seqctx.prepare.structure import Book
from seqctx.prepare.tokenizer import Tokenizer, load_tokenizer


@dataclass(frozen=True, slots=True)
class BookJob:
    """One book to process.

    Attributes:
        number: its place among all.
        path: where it is read from.
        digests: of its files.
        held_out: its held-out part.
        size: characters of its text.
    """

    number: int
    path: Path
    digests: Digests
    held_out: HeldOutPart
    size: int


@dataclass
class SideCounts:
    """Counts of one side of the split; they add up over books."""

    tokens: int = 0
    loss_tokens: int = 0
    lengths: list[int] = field(default_factory=list)
    cuts: Counter[str] = field(default_factory=Counter)

    def add(self, other: SideCounts) -> None:
        """Add another's counts."""
        self.tokens += other.tokens
        self.loss_tokens += other.loss_tokens
        self.lengths += other.lengths
        self.cuts += other.cuts


@dataclass
class BookResult:
    """What one book gave.

    Attributes:
        source: the book, for the manifest.
        sides: counts of what is trained on, and of what is held out.
        stats: what was measured of it.
        sketches: of its chapters, to find near duplicates.
        max_tokens: the longest chunk that was allowed [tokens].
        template_tokens: of the chat template and the longest prompt.
        repeated_tokens: shown more than once.
        trained_twice_tokens: trained more than once.
        row_files: data file to the file that holds this book's rows of it.
    """

    source: Source
    sides: dict[str, SideCounts]
    stats: BookStats
    sketches: list[Sketch]
    max_tokens: int
    template_tokens: int
    repeated_tokens: int
    trained_twice_tokens: int
    row_files: dict[str, Path]


class BookWorker:
    """Processes books, one after the other."""

    def __init__(
        self, cfg: Config, tokenizer: Tokenizer, held_out: HeldOutText, folder: Path
    ) -> None:
        """``folder`` takes the rows: one file for each book and data file."""
        self.cfg, self.tokenizer, self.held_out, self.folder = cfg, tokenizer, held_out, folder
        self.prompts: Prompts = load_prompts(cfg.seqctx.prepare.prompts)

    def process(self, job: BookJob, book: Book | None = None) -> BookResult:
        """Read, count, cut, measure and write one book.

        Raises:
            InputError: see `build_examples`.
            CheckError: when held-out text is in its training part.
        """
        prep, tokenizer = self.cfg.seqctx.prepare, self.tokenizer
        book = book or read_as_configured(job.path, prep, skip_bad=True)
        self.held_out.check_not_trained(book, job.held_out.start)
        counts = paragraph_tokens(book, tokenizer)
        made, max_tokens = self._examples(book, job.held_out.start, counts)
        template = template_tokens(book, tokenizer, prep, self.prompts)
        examples = [*made["train"], *made["held_out"]]
        shown = [book.text[e.context : e.answer] for e in examples if e.context < e.answer]
        twice = [book.text[e.answer : e.chunk.fresh] for e in examples if e.answer < e.chunk.fresh]
        trained_twice = sum(tokenizer.count_all(twice))
        stats = book_stats(
            book, tokenizer, self.cfg, counts, made["train"], made["held_out"], template
        )
        return BookResult(
            source=_source(book, job, stats.tokens),
            sides={side: _counted(found) for side, found in made.items()},
            stats=stats,
            sketches=sketches(book),
            max_tokens=max_tokens,
            template_tokens=template,
            repeated_tokens=trained_twice + sum(tokenizer.count_all(shown)),
            trained_twice_tokens=trained_twice,
            row_files=self._write(job, made),
        )

    def _examples(
        self, book: Book, held_out_start: int, counts: list[int]
    ) -> tuple[dict[str, list[Example]], int]:
        """The examples of both sides, and the longest chunk that was allowed [tokens]."""
        made: dict[str, list[Example]] = {"train": [], "held_out": []}
        limits = []
        edges = {"train": (0, held_out_start), "held_out": (held_out_start, len(book.text))}
        for side, (start, end) in edges.items():
            if start < end:
                made[side], limit = build_examples(
                    book, self.tokenizer, self.cfg, self.prompts,
                    start=start, end=end, counts=counts,
                )  # fmt: skip
                limits.append(limit)
        return made, min(limits)

    def _write(self, job: BookJob, made: dict[str, list[Example]]) -> dict[str, Path]:
        """The rows: a file for texts that go on, and one for texts that end."""
        files: dict[str, Path] = {}
        for side, examples in made.items():
            for ends in (False, True):
                rows = [e.row() for e in examples if e.ends == ends]
                if not rows:
                    continue
                name = data_file("train" if side == "train" else "held_out", ends=ends)
                path = self.folder / f".{job.number}-{name}"
                with path.open("w", encoding="utf-8", newline="\n") as f:
                    f.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
                files[name] = path
        return files


def _source(book: Book, job: BookJob, tokens: int) -> Source:
    """The manifest's entry of one manuscript."""
    return Source(
        path=book.path,
        title=book.title,
        sha256=job.digests.sha256,
        files=dict(job.digests.files) if len(job.digests.files) > 1 else {},
        words=book.words,
        tokens=tokens,
        chapters=len(book.chapters),
        parts=tuple(part.title for part in book.parts),
        chapter_reason=book.chapter_reason,
        encoding=book.encoding,
        left_out=book.left_out,
        account=book.account,
        held_out_chapters=job.held_out.chapters,
    )


def _counted(examples: Sequence[Example]) -> SideCounts:
    return SideCounts(
        tokens=sum(e.tokens for e in examples),
        loss_tokens=sum(e.loss_tokens for e in examples),
        lengths=[e.tokens for e in examples],
        cuts=Counter(e.chunk.cut for e in examples),
    )


def process_books(
    jobs: Sequence[BookJob],
    worker: BookWorker,
    books: dict[Path, Book],
    processes: int,
    on_done: Callable[[BookJob], None],
) -> Iterator[BookResult]:
    """Process every book, in order; several at a time where there are several and more processes.

    Args:
        jobs: the books.
        worker: processes them; other processes make one like it.
        books: those that are in memory already.
        processes: at most; with 1 all is done in this one.
        on_done: called after each book, in order.
    """
    if processes < 2 or len(jobs) < 2:
        for job in jobs:
            yield worker.process(job, books.pop(job.path, None))
            on_done(job)
        return
    from seqctx.system.workers import call_in_workers

    books.clear()  # the other processes read them again
    results = call_in_workers(
        (_start, worker.cfg, worker.held_out, worker.folder), _process, jobs, processes,
        what="prepare", name=lambda job: str(job.path),
        variables={"RAYON_NUM_THREADS": "1"},  # the other cores have books of their own
    )  # fmt: skip
    for job, result in zip(jobs, results, strict=True):
        yield result
        on_done(job)


_worker: Any = None  # of a worker process


def _start(cfg: Config, held_out: HeldOutText, folder: Path) -> None:
    """Set up a worker process."""
    global _worker
    _worker = BookWorker(cfg, load_tokenizer(cfg.base_model), held_out, folder)


def _process(job: BookJob) -> BookResult:
    result: BookResult = _worker.process(job)
    return result
