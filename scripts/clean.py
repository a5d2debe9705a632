"""Removes what prepare, train and merge wrote; asks before it removes trained weights.

    scripts/clean.py [--force]

is what ``make clean`` runs, in the folder of the project. Prepared examples can be made again, so
they go without a question. Trained and merged weights go when a person at a terminal says yes, or
with --force (make clean FORCE=1). A folder that holds files of the user's stays in any case.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from seqctx.artifacts.folder_kinds import DATASET, RUN
from seqctx.artifacts.layout import OUT, OUTPUTS
from seqctx.errors import SeqctxError
from seqctx.system.users_files import FolderKind, named, users_files
from seqctx.system.visible import visible_line

_SUFFIX = re.compile(r"\.seqctx-(partial|old)$")
_OUR_FILES = re.compile(
    r".*\.train(\.node-\d+)?\.(log|yaml)|.*\.seqctx-partial\.lock|\.serve\.lock"
    r"|serve-\d+\.(json|log|out)"
)
_WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".distcp")


@dataclass(frozen=True, slots=True)
class Found:
    """One file or folder in prepare/out or outputs.

    Attributes:
        path: where it is.
        bytes: of all files in it.
        kind: what seqctx writes there; None for a single file.
        has_weights: whether it holds trained or merged weights.
        kept: why it is not removed; empty if it may be.
    """

    path: Path
    bytes: int
    kind: FolderKind | None
    has_weights: bool
    kept: str

    def __str__(self) -> str:
        """Its size and name."""
        what = " (trained weights)" if self.has_weights else ""
        return f"{self.bytes / 1e6:10,.1f} MB  {visible_line(str(self.path))}{what}"


def find() -> list[Found]:
    """Everything in prepare/out and outputs, which are looked for in the working folder."""
    return [*_below(OUT, DATASET), *_below(OUTPUTS, RUN)]


def _below(folder: Path, kind: FolderKind) -> Iterator[Found]:
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        is_folder = path.is_dir() and not path.is_symlink()
        files = [p for p in path.rglob("*") if not p.is_dir()] if is_folder else [path]
        with suppress(OSError):  # a file that another program removes at this moment
            yield Found(
                path,
                sum(p.lstat().st_size for p in files),
                kind if is_folder else None,
                kind is RUN and is_folder and any(p.suffix in _WEIGHTS for p in files),
                _why_kept(path, kind if is_folder else None),
            )


def _why_kept(path: Path, kind: FolderKind | None) -> str:
    """Why a file or folder is not removed; empty if nothing speaks against it."""
    if path.is_symlink():
        return "is a link"
    if _is_locked(path):
        return "a run is writing it"
    if kind is None:
        if not _OUR_FILES.fullmatch(path.name):
            return "was not made by seqctx"
        return "the server runs" if _serves(path) else ""
    # without a record: not finished, or trained with Axolotl alone
    complete = kind is DATASET or (path / kind.record).is_file()
    try:
        found = users_files(
            path, kind, complete=complete and not path.name.endswith(".seqctx-partial")
        )
    except (OSError, SeqctxError) as error:
        return str(error)
    return f"holds your files: {named(found)}" if found else ""


def _is_locked(path: Path) -> bool:
    """Whether a run holds the lock of a folder, or of the folder that it is the new version of."""
    name = _SUFFIX.sub("", path.name.removesuffix(".lock"))
    lock = path.with_name(f"{name}.seqctx-partial.lock")
    if not lock.is_file():
        return False
    try:
        with lock.open("rb") as f:
            fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def _serves(path: Path) -> bool:
    """Whether a file is of a server whose process exists."""
    try:
        pid = int(json.loads(path.with_suffix(".json").read_bytes())["pid"])
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return False
    return True


def remove(found: Found) -> bool:
    """Remove a file or folder, if still nothing speaks against it; whether it was removed."""
    if _why_kept(found.path, found.kind):
        return False
    if found.kind is None:
        found.path.unlink(missing_ok=True)
    else:
        shutil.rmtree(found.path)
    return True


def may_remove_weights(weights: list[Found], *, force: bool) -> bool:
    """Ask whether weights may go; without a terminal they stay, unless forced."""
    if force:
        return True
    if not sys.stdin.isatty():
        print(
            "make clean: no trained weights were removed: without a terminal you cannot be asked. "
            "To remove them, run: make clean FORCE=1",
            file=sys.stderr,
        )
        return False
    size = sum(found.bytes for found in weights) / 1e6
    question = f"Remove the trained weights too ({size:,.1f} MB; only training makes them again)?"
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def main(force: bool) -> int:
    """Remove; the exit status is 1 if weights were to be removed and are still there."""
    found = find()
    for each in found:
        if each.kept:
            print(visible_line(f"kept: {each.path}: {each.kept}"))
    removable = [each for each in found if not each.kept]
    if removable:
        print("to be removed:", *removable, sep="\n")
    weights = [each for each in removable if each.has_weights]
    done = [each for each in removable if not each.has_weights and remove(each)]
    refused = bool(weights) and not may_remove_weights(weights, force=force)
    if not refused:
        done += [each for each in weights if remove(each)]
    for folder in (OUT, OUTPUTS):
        with suppress(OSError):  # it is not empty, or not there
            folder.rmdir()
    print(f"removed: {sum(each.bytes for each in done) / 1e6:,.1f} MB")
    return 1 if refused else 0


if __name__ == "__main__":
    try:
        sys.exit(main("--force" in sys.argv[1:]))
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}. Check the path and its permissions.")
    except (KeyboardInterrupt, EOFError):
        sys.exit(130)
