"""Manuscripts to examples: read, chunk by exact token count, split, write."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from seqctx.files import atomic_write, hash_file, hash_text, replaced_folder
from seqctx.prepare.examples import CONTINUATION, OPENING, Example, build_examples
from seqctx.prepare.readers import find_manuscripts, read_manuscript
from seqctx.prepare.split import split
from seqctx.prepare.structure import Book
from seqctx.prepare.tokens import load_tokenizer
from seqctx.schema.config import Config
from seqctx.schema.manifest import MANIFEST, Manifest, Source, Split, data_file

OUT = Path("prepare/out")
FORMAT = "1"  # goes into the fingerprint; raise it when the same text gives other examples


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
        out: folder for ``{train,held_out}-{continues,ends}.jsonl`` and ``manifest.json``. It is
            replaced as a whole: a run that fails leaves the last good one.
        force: write again though nothing changed.
        on_step: called with a line before each step.

    Returns:
        The manifest, and whether it is new.

    Raises:
        InputError: for manuscripts that are missing, empty, binary or too short, a tokenizer that
            cannot be had, a disk that is full.
    """
    prep = cfg.seqctx.prepare
    paths = find_manuscripts(prep.manuscripts)
    on_step(f"loading the tokenizer of {cfg.base_model}")
    tokenizer = load_tokenizer(cfg.base_model)
    hashes = {path: hash_file(path) for path in paths}
    fingerprint = hash_text(
        FORMAT, OPENING, CONTINUATION, tokenizer.fingerprint, str(cfg.sequence_len),
        prep.model_dump_json(), *(f"{path} {digest}" for path, digest in hashes.items()),
    )  # fmt: skip
    last = Manifest.read(out / MANIFEST)
    if last and not force and last.fingerprint == fingerprint and _whole(last, out):
        return last, False

    books: list[Book] = []
    for path in paths:
        on_step(f"reading {path}")
        books.append(read_manuscript(path))
    on_step("chunking")
    examples, max_tokens = build_examples(books, tokenizer, cfg)
    train, held_out, chapters = split(examples, prep.held_out)
    sources = tuple(
        Source(
            path=book.path,
            title=book.title,
            sha256=hashes[path],
            words=book.words,
            tokens=tokenizer.count(book.text),
            chapters=len(book.chapters),
        )
        for path, book in zip(paths, books, strict=True)
    )
    on_step("writing")
    with replaced_folder(out, made_by=MANIFEST) as partial:
        manifest = Manifest(
            fingerprint=fingerprint,
            sources=sources,
            base_model=cfg.base_model,
            sequence_len=cfg.sequence_len,
            max_tokens=max_tokens,
            train=_write(partial, "train", train),
            held_out=_write(partial, "held_out", held_out),
            held_out_chapters=chapters,
        )
        manifest.write(partial / MANIFEST)
    return manifest, True


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
    )


def _whole(manifest: Manifest, out: Path) -> bool:
    """Whether the files that a manifest names are there, unchanged."""
    return all(
        (out / name).is_file() and hash_file(out / name) == digest
        for name, digest in manifest.files.items()
    )
