"""Manuscripts to examples: read, chunk by exact token count, split, write."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from seqctx.artifacts.dataset_stats import REPORT, STATS, DatasetStats
from seqctx.artifacts.manifest import MANIFEST, Manifest, Split, data_file
from seqctx.config.config import Config
from seqctx.errors import CheckError, InputError
from seqctx.prepare.analysis.near_duplicates import find_near_duplicates
from seqctx.prepare.packing import Batches, packings
from seqctx.prepare.prompts import load_prompts
from seqctx.prepare.readers.manuscripts import find_manuscripts, read_manuscript
from seqctx.prepare.report import report_page
from seqctx.prepare.split import Leaks, outline, split
from seqctx.prepare.structure import Book
from seqctx.prepare.tokenizer import Tokenizer, load_tokenizer
from seqctx.prepare.worker import Bench, Done, Job, Side, do_all
from seqctx.system.atomic import atomic_write, explain_os_errors, replaced_folder
from seqctx.system.hashing import hash_file, hash_text

OUT = Path("prepare/out")
_IN_MEMORY = 4_000_000  # bytes of manuscripts; more are read again, and several at a time
FORMAT = "6"  # goes into the fingerprint; raise it when the same text gives other examples


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
        CheckError: when held-out text is in the training text too, or no end would be learned.
    """
    prep = cfg.seqctx.prepare
    paths = find_manuscripts(prep.manuscripts)
    prompts = load_prompts(prep.prompts)
    on_step(f"loading the tokenizer of {cfg.base_model}")
    tokenizer = load_tokenizer(cfg.base_model)
    if prep.format == "chat" and tokenizer.has_chat_template:
        _check_turn_end(cfg, tokenizer)
    hashes = {path: hash_file(path) for path in paths}
    fingerprint = hash_text(
        FORMAT, prompts.fingerprint, tokenizer.fingerprint, str(cfg.sequence_len),
        prep.model_dump_json(), str(Batches.of(cfg)),
        *(f"{path} {digest}" for path, digest in hashes.items()),
    )  # fmt: skip
    last = None if force else Manifest.read(out / MANIFEST)
    if last and last.fingerprint == fingerprint and _whole(last, out):
        return last, False

    on_step("reading")
    small = sum(path.stat().st_size for path in paths) < _IN_MEMORY
    outlines, books = [], {}
    for k, path in enumerate(paths):
        on_step(f"reading {path} ({k + 1} of {len(paths)})")
        book = read_manuscript(path, keep_matter=prep.keep_matter)
        outlines.append(outline(book))
        if small:
            books[path] = book
    held = split(outlines, prep.held_out, prep.split)
    jobs = [Job(k, path, hashes[path], held[k]) for k, path in enumerate(paths)]
    sizes = [one.size for one in outlines]
    on_step("looking at the held-out text")
    leaks = Leaks(_held_out_texts(jobs, sizes, books, prep.keep_matter))
    with replaced_folder(out, made_by=MANIFEST) as partial, explain_os_errors(partial):
        bench = Bench(cfg, tokenizer, leaks, partial)
        many = not small and workers_here() > 1
        on_step(f"cutting and measuring {len(jobs)} manuscripts")
        done = list(
            do_all(
                jobs, bench, books, workers_here() if many else 1,
                lambda job: on_step(f"done {job.path} ({job.number + 1} of {len(jobs)})"),
            )
        )  # fmt: skip
        _refuse_too_little(done)
        on_step("writing")
        stats = _stats(cfg, done)
        manifest = Manifest(
            fingerprint=fingerprint,
            sources=tuple(d.source for d in done),
            base_model=cfg.base_model,
            sequence_len=cfg.sequence_len,
            max_tokens=min(d.max_tokens for d in done),
            train=_side(partial, "train", done),
            held_out=_side(partial, "held_out", done),
            held_out_chapters=tuple(dict.fromkeys(t for h in held for t in h.chapters)),
        )
        stats.write(partial / STATS)
        with atomic_write(partial / REPORT) as f:
            f.write(report_page(manifest, stats))
        manifest.write(partial / MANIFEST)
    return manifest, True


def _check_turn_end(cfg: Config, tokenizer: Tokenizer) -> None:
    """That Axolotl trains the token which ends an answer.

    Raises:
        CheckError: when it looks for another.
    """
    special = cfg.get("special_tokens")
    eos = special.get("eos_token") if isinstance(special, dict) else None
    trained = cfg.get("eot_tokens") or [eos or tokenizer.eos]
    end = tokenizer.turn_end
    if end and end not in trained:
        raise CheckError(
            f"eot_tokens: the chat template of {cfg.base_model} ends an answer with {end}, and "
            f"Axolotl would train {', '.join(map(str, trained))} only: no end would be learned. "
            f"Set eot_tokens: ['{end}']."
        )


def workers_here() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _held_out_texts(
    jobs: Sequence[Job], sizes: Sequence[int], books: Mapping[Path, Book], keep_matter: bool
) -> Iterator[str]:
    """The held-out part of every book that has one."""
    for job, size in zip(jobs, sizes, strict=True):
        if job.held.start < size:
            book = books.get(job.path) or read_manuscript(job.path, keep_matter=keep_matter)
            yield book.text[job.held.start :]


def _refuse_too_little(done: Sequence[Done]) -> None:
    """One example must train and one be held out.

    Raises:
        InputError: otherwise.
    """
    train, held_out = (sum(len(d.sides[s].lengths) for d in done) for s in ("train", "held_out"))
    if not train or not held_out:
        tokens = sum(d.source.tokens for d in done)
        raise InputError(
            f"manuscripts: {tokens} tokens make {train} training examples and {held_out} "
            "held-out ones; there must be one of each. Add text."
        )


def _stats(cfg: Config, done: Sequence[Done]) -> DatasetStats:
    """All books' stats together."""
    lengths = [n for d in done for n in d.sides["train"].lengths]
    unpacked, packed = packings(lengths, cfg)
    return DatasetStats(
        strategy=cfg.seqctx.prepare.strategy,
        sequence_len=cfg.sequence_len,
        frame=max(d.frame for d in done),
        repeated_tokens=sum(d.repeated for d in done),
        trained_twice_tokens=sum(d.twice for d in done),
        unpacked=unpacked,
        packed=packed,
        books=tuple(d.stats for d in done),
        near_duplicates=tuple(find_near_duplicates(sketch for d in done for sketch in d.sketches)),
    )


def _side(folder: Path, side: Literal["train", "held_out"], done: Sequence[Done]) -> Split:
    """One side of the split, its books' rows joined in order."""
    files = {}
    for ends in (False, True):
        name = data_file(side, ends=ends)
        parts = [d.parts[name] for d in done if name in d.parts]
        if parts:  # Axolotl refuses an empty file
            with (folder / name).open("wb") as whole:
                for part in parts:
                    with part.open("rb") as f:
                        shutil.copyfileobj(f, whole)
                    part.unlink()
            files[name] = hash_file(folder / name)
    total = Side()
    for d in done:
        total.add(d.sides[side])
    return Split(
        files=files,
        examples=len(total.lengths),
        tokens=total.tokens,
        loss_tokens=total.loss_tokens,
        longest=max(total.lengths),
        lengths=dict(sorted(Counter(total.lengths).items())),
        cuts=dict(total.cuts),
    )


def out_folder(config_path: Path) -> Path:
    """Where a file's examples go: ``prepare/out/<its stem>``."""
    return OUT / config_path.stem


def _whole(manifest: Manifest, out: Path) -> bool:
    """Whether the files that a manifest names are there, unchanged."""
    return all(
        (out / name).is_file() and hash_file(out / name) == digest
        for name, digest in manifest.files.items()
    )
