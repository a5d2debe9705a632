"""What prepare must not do with its output folder: read from it, or replace another file's data."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from seqctx.artifacts.folder_config import other_config, recorded_config
from seqctx.artifacts.folder_kinds import DATASET
from seqctx.artifacts.layout import DatasetDir
from seqctx.config.config import Config
from seqctx.errors import CheckError, InputError
from seqctx.prepare.readers.find import find_manuscripts
from seqctx.prepare.sources import source_files
from seqctx.system.replaced_folder import check_replaceable, partial_of, real_folder

_REMEDY = "Move your text to another folder, and name that in seqctx.prepare.manuscripts."


def refuse_own_output(cfg: Config, manuscripts: Sequence[Path], out: Path) -> None:
    """Check that no manuscript lies where seqctx or Axolotl writes, or would next time.

    Axolotl writes text files to output_dir, such as README.md, which the next run would read.

    Raises:
        InputError: when one does; by its real place, whatever links lead to it.
        CheckError: when a folder can never be written, see `real_folder`.
    """
    files = [file for path in manuscripts for file in _files_of(path)]
    for folder, verb in ((out, "seqctx prepare"), (Path(cfg.output_dir), "seqctx train")):
        folder = real_folder(folder)
        places = [Path(os.path.realpath(place)) for place in (folder, partial_of(folder))]
        same = _linked_files(places[0])
        for path in files:
            real = Path(os.path.realpath(path))
            if any(place in real.parents for place in places) or _identity(path) in same:
                raise InputError(
                    f"{path}: lies in {folder}, which {verb} replaces as a whole. {_REMEDY}"
                )
    if "output_dir" in cfg.model_fields_set:
        _refuse_output_in_manuscripts(cfg)


def _files_of(path: Path) -> tuple[Path, ...]:
    """The files of a manuscript; the reader says what is wrong with a project."""
    try:
        return source_files(path)
    except InputError:
        return (path,)


def _refuse_output_in_manuscripts(cfg: Config) -> None:
    """Check that output_dir is not in a folder in which manuscripts are looked for.

    Raises:
        InputError: when it is, and is not hidden: hidden folders are not read.
    """
    output = Path(os.path.realpath(cfg.output_dir))
    for place in cfg.seqctx.prepare.manuscripts:
        folder = Path(os.path.realpath(place))
        if not os.path.isdir(folder) or folder not in (output, *output.parents):
            continue
        if not any(part.startswith(".") for part in output.relative_to(folder).parts):
            raise InputError(
                f"output_dir: {cfg.output_dir}: is in {place}, the folder of your manuscripts: "
                "the next run would read what training writes there (such as README.md). "
                f"{_REMEDY}"
            )


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from all others, whatever its names; None where it has one name only."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if status.st_nlink > 1 else None


def _linked_files(folder: Path) -> set[tuple[int, int]]:
    """Files in a folder that have other names (hard links) too."""
    if not folder.is_dir():
        return set()
    found = (_identity(path) for path in folder.rglob("*") if path.is_file())
    return {identity for identity in found if identity}


def refuse_data_of_other_config(config: Path, out: Path) -> None:
    """Check that a folder does not hold the examples of another config file.

    Raises:
        CheckError: when it does, and that file still exists.
    """
    if other := other_config(recorded_config(DatasetDir(out).manifest), config, out):
        raise CheckError(
            f"{out}: holds the examples of {other}, and {config} has the same name. Give one of "
            "the two files another name."
        )


def check_output(cfg: Config, config: Path, out: Path) -> list[Path]:
    """Check what `prepare` checks of its output before it reads a manuscript.

    Returns:
        The manuscripts.

    Raises:
        CheckError, InputError: as `prepare` would.
    """
    prep = cfg.seqctx.prepare
    paths = find_manuscripts(prep.manuscripts, prep.folders)
    refuse_own_output(cfg, paths, out)
    refuse_data_of_other_config(config, out)
    check_replaceable(out, DATASET)
    return paths
