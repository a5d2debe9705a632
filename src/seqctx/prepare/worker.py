"""One book's way through prepare, in a process of its own where there are several books.

A book's text is gone when its examples are written: memory grows with the longest book, not with
all of them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seqctx.artifacts.dataset_stats import BookStats
from seqctx.artifacts.manifest import Skipped, Source, data_file
from seqctx.config.config import Config
from seqctx.prepare.analysis.near_duplicates import Sketch, sketches
from seqctx.prepare.analysis.stats import book_stats
from seqctx.prepare.examples import Example, build_examples, frame_tokens
from seqctx.prepare.prompts import Prompts, load_prompts
from seqctx.prepare.readers.manuscripts import read_manuscript
from seqctx.prepare.segments import paragraph_tokens
from seqctx.prepare.split import Held, Leaks
from seqctx.prepare.structure import Book
from seqctx.prepare.tokenizer import Tokenizer, load_tokenizer


@dataclass(frozen=True, slots=True)
class Job:
    """One book to do.

    Attributes:
        number: its place among all.
        path: where it is read from.
        sha256: of the file.
        held: where its held-out part begins.
    """

    number: int
    path: Path
    sha256: str
    held: Held


@dataclass
class Side:
    """Counts of one side of the split; they add up over books."""

    tokens: int = 0
    loss_tokens: int = 0
    lengths: list[int] = field(default_factory=list)
    cuts: Counter[str] = field(default_factory=Counter)

    def add(self, other: Side) -> None:
        """Take another's counts."""
        self.tokens += other.tokens
        self.loss_tokens += other.loss_tokens
        self.lengths += other.lengths
        self.cuts += other.cuts


@dataclass
class Done:
    """What one book gave: all but its rows, which are in files by then."""

    source: Source
    sides: dict[str, Side]
    stats: BookStats
    sketches: list[Sketch]
    max_tokens: int
    frame: int
    repeated: int
    twice: int
    parts: dict[str, Path]


class Bench:
    """What every book is done with."""

    def __init__(self, cfg: Config, tokenizer: Tokenizer, leaks: Leaks, folder: Path) -> None:
        """``folder`` takes the rows, a file for each book and data file."""
        self.cfg, self.tokenizer, self.leaks, self.folder = cfg, tokenizer, leaks, folder
        self.prompts: Prompts = load_prompts(cfg.seqctx.prepare.prompts)

    def do(self, job: Job, book: Book | None = None) -> Done:
        """Read, count, cut, measure and write one book.

        Raises:
            InputError: see `build_examples`.
            CheckError: when held-out text is in its training part.
        """
        prep, tokenizer = self.cfg.seqctx.prepare, self.tokenizer
        book = book or read_manuscript(job.path, keep_matter=prep.keep_matter)
        self.leaks.refuse(book, job.held.start)
        counts = paragraph_tokens(book, tokenizer)
        made: dict[str, list[Example]] = {"train": [], "held_out": []}
        limits = []
        edges = {"train": (0, job.held.start), "held_out": (job.held.start, len(book.text))}
        for side, (start, end) in edges.items():
            if start < end:
                made[side], limit = build_examples(
                    book, tokenizer, self.cfg, self.prompts, start=start, end=end, counts=counts
                )
                limits.append(limit)
        frame = frame_tokens(book, tokenizer, prep, self.prompts)
        examples = [*made["train"], *made["held_out"]]
        shown = [book.text[e.context : e.answer] for e in examples if e.context < e.answer]
        twice = [book.text[e.answer : e.chunk.fresh] for e in examples if e.answer < e.chunk.fresh]
        repeated = sum(tokenizer.count_all(twice))
        stats = book_stats(
            book, tokenizer, self.cfg, counts, made["train"], made["held_out"], frame
        )
        return Done(
            source=_source(book, job, stats.tokens),
            sides={side: _counted(found) for side, found in made.items()},
            stats=stats,
            sketches=sketches(book),
            max_tokens=min(limits),
            frame=frame,
            repeated=repeated + sum(tokenizer.count_all(shown)),
            twice=repeated,
            parts=self._write(job, made),
        )

    def _write(self, job: Job, made: dict[str, list[Example]]) -> dict[str, Path]:
        """The rows, a file for texts that go on and one for texts that end."""
        parts: dict[str, Path] = {}
        for side, examples in made.items():
            for ends in (False, True):
                rows = [e.row() for e in examples if e.ends == ends]
                if not rows:
                    continue
                name = data_file("train" if side == "train" else "held_out", ends=ends)
                path = self.folder / f".{job.number}-{name}"
                with path.open("w", encoding="utf-8", newline="\n") as f:
                    f.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
                parts[name] = path
        return parts


def _source(book: Book, job: Job, tokens: int) -> Source:
    """What the manifest says of one manuscript."""
    return Source(
        path=book.path,
        title=book.title,
        sha256=job.sha256,
        words=book.words,
        tokens=tokens,
        chapters=len(book.chapters),
        encoding=book.encoding,
        left_out=tuple(Skipped(kind=x.kind, title=x.title, words=x.words) for x in book.left_out),
        held_out_chapters=job.held.chapters,
    )


def _counted(examples: Sequence[Example]) -> Side:
    return Side(
        tokens=sum(e.tokens for e in examples),
        loss_tokens=sum(e.loss_tokens for e in examples),
        lengths=[e.tokens for e in examples],
        cuts=Counter(e.chunk.cut for e in examples),
    )


def do_all(
    jobs: Sequence[Job],
    bench: Bench,
    books: dict[Path, Book],
    workers: int,
    on_done: Callable[[Job], None],
) -> Iterator[Done]:
    """Every book, in order; several at a time where there are several and workers for them.

    Args:
        jobs: the books.
        bench: what they are done with.
        books: those that are in memory already.
        workers: processes at most; 1 does all in this one.
        on_done: called when one is done, in order.
    """
    if workers < 2 or len(jobs) < 2:
        for job in jobs:
            yield bench.do(job, books.pop(job.path, None))
            on_done(job)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    books.clear()  # they are read where they are needed
    state = (bench.cfg, bench.leaks, bench.folder)
    pool = ProcessPoolExecutor(
        min(workers, len(jobs)), get_context("spawn"), initializer=_start, initargs=state
    )
    try:
        for job, done in zip(jobs, pool.map(_do, jobs), strict=True):
            yield done
            on_done(job)
    finally:
        pool.shutdown(cancel_futures=True)


_bench: Any = None  # of a worker process


def _start(cfg: Config, leaks: Leaks, folder: Path) -> None:
    """What a worker process does once."""
    import os
    import signal

    global _bench
    os.environ["RAYON_NUM_THREADS"] = "1"  # the other cores have books of their own
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that waits
    _bench = Bench(cfg, load_tokenizer(cfg.base_model), leaks, folder)


def _do(job: Job) -> Done:
    done: Done = _bench.do(job)
    return done
