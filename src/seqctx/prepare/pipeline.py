"""Manuscripts to examples: read, split, cut by exact token counts, measure, write."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from seqctx.artifacts.dataset_stats import DatasetStats
from seqctx.artifacts.folder_config import config_name
from seqctx.artifacts.folder_kinds import DATASET
from seqctx.artifacts.layout import DatasetDir, data_file
from seqctx.artifacts.manifest import Manifest, SplitSide
from seqctx.config.blocks import Prepare
from seqctx.config.config import Config
from seqctx.config.effective import Effective
from seqctx.errors import CheckError, InputError
from seqctx.prepare.analysis.near_duplicates import find_near_duplicates
from seqctx.prepare.left_out import unclear_parts
from seqctx.prepare.output import refuse_data_of_other_config, refuse_own_output
from seqctx.prepare.packing import Batches, packings
from seqctx.prepare.prompts import load_prompts
from seqctx.prepare.readers.find import look_for_manuscripts
from seqctx.prepare.readers.manuscripts import read_as_configured
from seqctx.prepare.report import report_page
from seqctx.prepare.sources import BadFiles, Digests, digests_of
from seqctx.prepare.split import HeldOutPart, HeldOutText, Outline, outline, split
from seqctx.prepare.strategies import strategy_of
from seqctx.prepare.structure import Book
from seqctx.prepare.tokenizer import Tokenizer, load_tokenizer
from seqctx.prepare.worker import BookJob, BookResult, BookWorker, SideCounts, process_books
from seqctx.system.atomic import atomic_write, explain_os_errors
from seqctx.system.hashing import hash_file, hash_text
from seqctx.system.regular_file import open_file
from seqctx.system.replaced_folder import replaced_folder

_IN_MEMORY = 4_000_000  # bytes of manuscripts; more are read again, and several at a time
FORMAT = "8"  # part of the fingerprint; raise it when the same text gives other examples or stats


def prepare(
    cfg: Config,
    out: Path,
    *,
    config: Path | None = None,
    force: bool = False,
    skip_bad: bool = False,
    on_step: Callable[[str], None] = lambda step: None,
) -> tuple[Manifest, bool]:
    """Write a project's examples, unless they are there already and nothing changed.

    Args:
        cfg: the file.
        out: folder for ``{train,held_out}-{continues,ends}.jsonl``, ``report.html``,
            ``report.json`` and ``manifest.json``. It is replaced as a whole: a run that fails
            leaves the last good one, and one with files of the user's is not replaced.
        config: where the file is; another file's examples are not replaced then.
        force: write again though nothing changed.
        skip_bad: leave out files that cannot be read; by default they are an error.
        on_step: called with a line before each step.

    Returns:
        The manifest, and whether it is new.

    Raises:
        InputError: for manuscripts that are missing or too short, a single one that is empty,
            binary or damaged, a tokenizer that cannot be loaded, a package that is missing, a disk
            that is full; for manuscripts in a folder that seqctx writes.
        CheckError: when some of several manuscripts cannot be read; when much of a manuscript
            would be left out without certain evidence that it is not the story; when held-out
            text is in the training text too, when Axolotl would not train the token that ends an
            answer, when ``out`` holds files of the user's or the examples of another file, or
            when another run is writing it.
    """
    prep = cfg.seqctx.prepare
    found = look_for_manuscripts(prep.manuscripts, prep.folders)
    refuse_own_output(cfg, found.paths, out)
    if config:
        refuse_data_of_other_config(config, out)
    previous = None if force else Manifest.read(DatasetDir(out).manifest)
    on_step(f"loading the tokenizer of {cfg.base_model}")
    tokenizer = load_tokenizer(cfg.base_model)
    if prep.format == "chat" and tokenizer.has_chat_template:
        _check_end_of_turn(cfg, tokenizer)
    bad = BadFiles()
    digests = digests_of(found.paths, bad)
    fingerprint = _fingerprint(cfg, tokenizer, digests)
    is_same = previous and previous.fingerprint == fingerprint and _files_are_whole(previous, out)
    if previous and is_same and (skip_bad or not previous.skipped):
        return _of_config(previous, config, out), False

    small = sum(each.size for each in digests.values()) < _IN_MEMORY
    jobs, books = _planned(cfg, digests, small, bad, on_step, skip_bad=skip_bad)
    on_step("comparing training text with held-out text")
    held_out = HeldOutText(_held_out_texts(jobs, books, prep))
    with (
        replaced_folder(out, kind=DATASET) as partial,
        explain_os_errors(partial),
    ):
        worker = BookWorker(cfg, tokenizer, held_out, partial)
        on_step("cutting and measuring the text")
        results = list(
            process_books(
                jobs, worker, books, 1 if small else available_cores(),
                lambda job: on_step(f"done {job.path} ({job.number + 1} of {len(jobs)})"),
            )
        )  # fmt: skip
        _check_both_sides(results)
        on_step("writing")
        manifest = _written(
            cfg, DatasetDir(partial), fingerprint, jobs, results,
            folders=tuple(found.folders), not_read=tuple(map(str, found.not_read)),
            skipped=tuple(bad.skipped),
        )  # fmt: skip
        if config:
            manifest = manifest.model_copy(update={"config": config_name(config, out)})
        manifest.write(DatasetDir(partial).manifest)
    return manifest, True


def _of_config(manifest: Manifest, config: Path | None, out: Path) -> Manifest:
    """The manifest of data that is up to date, with the file's name if that has changed."""
    if config is None or manifest.config == config_name(config, out):
        return manifest
    manifest = manifest.model_copy(update={"config": config_name(config, out)})
    with suppress(InputError):  # the folder may be read-only
        manifest.write(DatasetDir(out).manifest)
    return manifest


def _fingerprint(cfg: Config, tokenizer: Tokenizer, digests: Mapping[Path, Digests]) -> str:
    """Hash of all that the examples and their stats depend on."""
    prep = cfg.seqctx.prepare
    return hash_text(
        FORMAT, load_prompts(prep.prompts).fingerprint, tokenizer.fingerprint,
        str(cfg.sequence_len), prep.model_dump_json(), str(Batches.of(cfg)),
        *(f"{path} {each.sha256}" for path, each in digests.items()),
    )  # fmt: skip


def _planned(
    cfg: Config, digests: Mapping[Path, Digests], small: bool, bad: BadFiles,
    on_step: Callable[[str], None], *, skip_bad: bool,
) -> tuple[list[BookJob], dict[Path, Book]]:  # fmt: skip
    """A job for each manuscript, with its held-out part; small manuscripts are kept as books.

    All are read before an error is raised, so that it names all that are bad.
    """
    prep = cfg.seqctx.prepare
    outlines, books, unclear = dict[Path, Outline](), {}, list[str]()
    for k, path in enumerate(digests):
        on_step(f"reading {path} ({k + 1} of {len(digests)})")
        try:
            book = read_as_configured(path, prep, skip_bad=True)
        except InputError as error:
            bad.add(path, error)
            continue
        bad.skipped += book.skipped
        outlines[path] = outline(book)
        unclear += unclear_parts(book)
        if small:
            books[path] = book
    unclear = [] if prep.keep_front_and_back_matter is not None else unclear
    if unclear or not skip_bad or not outlines:
        bad.refuse(unclear)
    parts = split(list(outlines.values()), prep.held_out, prep.split)
    jobs = [
        BookJob(k, path, digests[path], part, found.size)
        for k, ((path, found), part) in enumerate(zip(outlines.items(), parts, strict=True))
    ]
    return jobs, books


def _written(
    cfg: Config, folder: DatasetDir, fingerprint: str, jobs: Sequence[BookJob],
    results: Sequence[BookResult], **read: Any,
) -> Manifest:  # fmt: skip
    """Write the rows joined, the stats and the report; the manifest is written after them.

    ``read`` tells what was read beside the books: fields of the manifest.
    """
    parts: list[HeldOutPart] = [job.held_out for job in jobs]
    stats = _dataset_stats(cfg, results)
    manifest = Manifest(
        fingerprint=fingerprint,
        sources=tuple(r.source for r in results),
        base_model=cfg.base_model,
        sequence_len=cfg.sequence_len,
        max_tokens=min(r.max_tokens for r in results),
        train=_side(folder.path, "train", results),
        held_out=_side(folder.path, "held_out", results),
        held_out_chapters=tuple(dict.fromkeys(title for p in parts for title in p.chapters)),
        **read,
    )
    stats.write(folder.stats)
    with atomic_write(folder.report) as f:
        f.write(report_page(manifest, stats))
    pages = {path.name: hash_file(path) for path in (folder.stats, folder.report)}
    return manifest.model_copy(update={"pages": pages})


def _check_end_of_turn(cfg: Config, tokenizer: Tokenizer) -> None:
    """That Axolotl trains the token which ends an answer.

    Raises:
        CheckError: when it trains another.
    """
    file = Effective.of(cfg)
    trained = file.eot_tokens or (file.special_tokens.get("eos_token") or tokenizer.eos,)
    end = tokenizer.end_of_turn
    if end and end not in trained:
        raise CheckError(
            f"eot_tokens: the chat template of {cfg.base_model} ends an answer with {end}, and "
            f"Axolotl would train {', '.join(map(str, trained))} only: the model would not learn "
            f"to end an answer. Set eot_tokens: ['{end}']."
        )


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _held_out_texts(
    jobs: Sequence[BookJob], books: Mapping[Path, Book], settings: Prepare
) -> Iterator[str]:
    """The held-out part of every book that has one."""
    for job in jobs:
        if job.held_out.start < job.size:
            book = books.get(job.path) or read_as_configured(job.path, settings, skip_bad=True)
            yield book.text[job.held_out.start :]


def _check_both_sides(results: Sequence[BookResult]) -> None:
    """That there is an example to train on, and one that is held out.

    Raises:
        InputError: otherwise.
    """
    train, held_out = (
        sum(len(r.sides[side].lengths) for r in results) for side in ("train", "held_out")
    )
    if not train or not held_out:
        tokens = sum(r.source.tokens for r in results)
        raise InputError(
            f"manuscripts: {tokens} tokens make {train} training examples and {held_out} "
            "held-out ones, and there must be at least one of each. Add text."
        )


def _dataset_stats(cfg: Config, results: Sequence[BookResult]) -> DatasetStats:
    """The stats of all books together."""
    lengths = [n for r in results for n in r.sides["train"].lengths]
    unpacked, packed = packings(lengths, cfg)
    sketches = (sketch for r in results for sketch in r.sketches)
    return DatasetStats(
        strategy=strategy_of(cfg.seqctx.prepare).label,
        sequence_len=cfg.sequence_len,
        template_tokens=max(r.template_tokens for r in results),
        repeated_tokens=sum(r.repeated_tokens for r in results),
        trained_twice_tokens=sum(r.trained_twice_tokens for r in results),
        unpacked=unpacked,
        packed=packed,
        books=tuple(r.stats for r in results),
        near_duplicates=tuple(find_near_duplicates(sketches)),
    )


def _side(
    folder: Path, side: Literal["train", "held_out"], results: Sequence[BookResult]
) -> SplitSide:
    """One side of the split, its books' rows joined in order."""
    files = {}
    for ends in (False, True):
        name = data_file(side, ends=ends)
        parts = [r.row_files[name] for r in results if name in r.row_files]
        if parts:  # Axolotl refuses an empty file
            with (folder / name).open("wb") as joined:
                for part in parts:
                    with open_file(part) as f:
                        shutil.copyfileobj(f, joined)
                    part.unlink()
            files[name] = hash_file(folder / name)
    total = SideCounts()
    for result in results:
        total.add(result.sides[side])
    return SplitSide(
        files=files,
        examples=len(total.lengths),
        tokens=total.tokens,
        loss_tokens=total.loss_tokens,
        longest=max(total.lengths),
        lengths=dict(sorted(Counter(total.lengths).items())),
        cuts=dict(total.cuts),
    )


def _files_are_whole(manifest: Manifest, out: Path) -> bool:
    """Whether the files that a manifest names are there, unchanged."""
    return all(
        (out / name).is_file() and hash_file(out / name) == digest
        for name, digest in manifest.files.items()
    )


def unlisted_files(cfg: Config, manifest: Manifest, out: Path) -> list[tuple[str, Path]]:
    """Files that were prepared but that the config file does not list, each with its key.

    Axolotl reads only what ``datasets:`` and ``test_datasets:`` list.
    """
    listed = {Path(dataset.path) for dataset in (*cfg.datasets, *cfg.test_datasets)}
    sides = {"datasets": manifest.train.files, "test_datasets": manifest.held_out.files}
    return [
        (key, out / name)
        for key, names in sides.items()
        for name in names
        if out / name not in listed
    ]
