"""Manuscripts to examples: read, chunk by exact token count, split, write."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from seqctx.errors import InputError
from seqctx.files import atomic_write, hash_file, hash_text, replaced_folder
from seqctx.prepare.atoms import paragraph_tokens
from seqctx.prepare.examples import Example, build_examples, frame_tokens
from seqctx.prepare.figures import book_figures, figures
from seqctx.prepare.prompts import load_prompts
from seqctx.prepare.readers import find_manuscripts, read_manuscript
from seqctx.prepare.report import report_page
from seqctx.prepare.split import refuse_leaks, split
from seqctx.prepare.structure import Book
from seqctx.prepare.tokens import Tokenizer, load_tokenizer
from seqctx.schema.config import Config
from seqctx.schema.figures import FIGURES, REPORT
from seqctx.schema.manifest import MANIFEST, Manifest, Skipped, Source, Split, data_file

OUT = Path("prepare/out")
FORMAT = "2"  # goes into the fingerprint; raise it when the same text gives other examples


def prepare(
    cfg: Config,
    out: Path,
    *,
    force: bool = False,
    on_step: Callable[[str], None] = lambda step: None,
) -> tuple[Manifest, bool]:
    """Write a project's examples, unless they are there already and nothing changed.

    Args:
        cfg: the file.
        out: folder for ``{train,held_out}-{continues,ends}.jsonl``, ``report.html``,
            ``report.json`` and ``manifest.json``. It is replaced as a whole: a run that fails
            leaves the last good one.
        force: write again though nothing changed.
        on_step: called with a line before each step.

    Returns:
        The manifest, and whether it is new.

    Raises:
        InputError: for manuscripts that are missing, empty, binary or too short, a tokenizer that
            cannot be had, a disk that is full.
        CheckError: when held-out text is in the training text too.
    """
    prep = cfg.seqctx.prepare
    paths = find_manuscripts(prep.manuscripts)
    prompts = load_prompts(prep.prompts)
    on_step(f"loading the tokenizer of {cfg.base_model}")
    tokenizer = load_tokenizer(cfg.base_model)
    hashes = {path: hash_file(path) for path in paths}
    fingerprint = hash_text(
        FORMAT, prompts.fingerprint, tokenizer.fingerprint, str(cfg.sequence_len),
        prep.model_dump_json(), *(f"{path} {digest}" for path, digest in hashes.items()),
    )  # fmt: skip
    last = Manifest.read(out / MANIFEST)
    if last and not force and last.fingerprint == fingerprint and _whole(last, out):
        return last, False

    books: list[Book] = []
    for path in paths:
        on_step(f"reading {path}")
        books.append(read_manuscript(path, keep_matter=prep.keep_matter))
    train: list[Example] = []
    held_out: list[Example] = []
    sources, limits, measured = [], [], []
    frame = 0
    held = split(books, prep.held_out, prep.split)
    for path, book, kept in zip(paths, books, held, strict=True):
        on_step(f"chunking {path}")
        counts = paragraph_tokens(book, tokenizer)
        sides: list[list[Example]] = [[], []]
        for side, start, end in ((0, 0, kept.start), (1, kept.start, len(book.text))):
            if start < end:
                sides[side], limit = build_examples(
                    book, tokenizer, cfg, prompts, start=start, end=end, counts=counts
                )
                limits.append(limit)
        train += sides[0]
        held_out += sides[1]
        on_step(f"measuring {path}")
        frame = frame_tokens(book, tokenizer, prep, prompts)
        measured.append(book_figures(book, tokenizer, cfg, counts, sides[0], sides[1], frame))
        sources.append(_source(book, hashes[path], tokenizer, kept.chapters))
    _refuse_too_little(train, held_out)
    on_step("looking for held-out text in the training text")
    refuse_leaks(_answers(train), _answers(held_out))
    on_step("drawing the report")
    every = figures(cfg, books, measured, tokenizer, train, held_out, frame)
    with replaced_folder(out, made_by=MANIFEST) as partial:
        manifest = Manifest(
            fingerprint=fingerprint,
            sources=tuple(sources),
            base_model=cfg.base_model,
            sequence_len=cfg.sequence_len,
            max_tokens=min(limits),
            train=_write(partial, "train", train),
            held_out=_write(partial, "held_out", held_out),
            held_out_chapters=tuple(dict.fromkeys(t for h in held for t in h.chapters)),
        )
        every.write(partial / FIGURES)
        with atomic_write(partial / REPORT) as f:
            f.write(report_page(manifest, every))
        manifest.write(partial / MANIFEST)
    return manifest, True


def _source(book: Book, sha256: str, tokenizer: Tokenizer, held_out: tuple[str, ...]) -> Source:
    """What the manifest says of one manuscript."""
    return Source(
        path=book.path,
        title=book.title,
        sha256=sha256,
        words=book.words,
        tokens=tokenizer.count(book.text),
        chapters=len(book.chapters),
        encoding=book.encoding,
        left_out=tuple(Skipped(kind=x.kind, title=x.title, words=x.words) for x in book.left_out),
        held_out_chapters=held_out,
    )


def _refuse_too_little(train: Sequence[Example], held_out: Sequence[Example]) -> None:
    """One example must train and one be held out.

    Raises:
        InputError: otherwise.
    """
    if not train or not held_out:
        tokens = sum(e.tokens for e in (*train, *held_out))
        raise InputError(
            f"manuscripts: {tokens} tokens make {len(train)} training examples and "
            f"{len(held_out)} held-out ones; there must be one of each. Add text."
        )


def _answers(examples: Sequence[Example]) -> Iterator[tuple[str, str]]:
    """What is trained of each example, and where it stands."""
    for e in examples:
        yield e.book.text[e.answer : e.chunk.end], f"{e.book.path}: {_title(e)}"


def _title(example: Example) -> str:
    return example.book.chapters[example.chunk.chapter].title


def out_folder(config_path: Path) -> Path:
    """Where a file's examples go: ``prepare/out/<its stem>``."""
    return OUT / config_path.stem


def _write(folder: Path, side: Literal["train", "held_out"], examples: Sequence[Example]) -> Split:
    """Write one side, a file for texts that go on and one for texts that end."""
    files = {}
    for ends in (False, True):
        name = data_file(side, ends=ends)
        rows = [e.row() for e in examples if e.ends == ends]
        if rows:  # Axolotl refuses an empty file
            with atomic_write(folder / name) as f:
                f.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            files[name] = hash_file(folder / name)
    return Split(
        files=files,
        examples=len(examples),
        tokens=sum(e.tokens for e in examples),
        loss_tokens=sum(e.loss_tokens for e in examples),
        longest=max(e.tokens for e in examples),
        lengths=dict(sorted(Counter(e.tokens for e in examples).items())),
        cuts=dict(Counter(e.chunk.cut for e in examples)),
    )


def _whole(manifest: Manifest, out: Path) -> bool:
    """Whether the files that a manifest names are there, unchanged."""
    return all(
        (out / name).is_file() and hash_file(out / name) == digest
        for name, digest in manifest.files.items()
    )
