"""Replaces a folder as a whole: the new one grows beside it, and the user's files stay."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import partial as bind
from pathlib import Path

from seqctx.errors import CheckError, InputError, SeqctxError
from seqctx.system.atomic import explain_os_errors, locked
from seqctx.system.forced_exit import removed_at_forced_exit
from seqctx.system.users_files import FolderKind, refuse_users_files, users_files

_PARTIAL, _OLD = ".seqctx-partial", ".seqctx-old"


def real_folder(folder: Path) -> Path:
    """Where a folder that seqctx may replace really is: where it is a link, its target.

    Raises:
        CheckError: when it is or holds the root, the home or the working folder, or when there is
            a file in its place.
        InputError: when it is not a valid path, or has the name of an unfinished folder.
    """
    if folder.name.endswith((_PARTIAL, _OLD)):
        raise InputError(
            f"{folder}: names that end in {_PARTIAL} or {_OLD} are for folders that seqctx has not "
            "finished. Choose another name."
        )
    try:
        real = Path(os.path.realpath(folder))
    except (ValueError, OSError):
        raise InputError(
            f"{ascii(str(folder))}: is not a valid path. Name another folder."
        ) from None
    for what, place in _protected():
        if real == place or real in place.parents:
            raise CheckError(
                f"{folder}: is {what}, or holds it, and seqctx replaces its folders as a whole. "
                "Name a new folder of its own."
            )
    with explain_os_errors(folder):
        there = next(place for place in (real, *real.parents) if place.exists())
    if not there.is_dir():
        raise CheckError(
            f"{folder if there == real else there}: is a file, where seqctx needs a folder. Move "
            "the file away, or name another folder."
        )
    return real if folder.is_symlink() or not folder.name.strip(".") else folder


def _protected() -> Iterator[tuple[str, Path]]:
    """Folders that are never replaced, each with what it is."""
    yield "the root of the file system", Path("/")
    with suppress(RuntimeError, OSError):  # a home that is not known, a folder that was deleted
        yield "your home folder", Path(os.path.realpath(Path.home()))
    with suppress(OSError):
        yield "the working folder", Path(os.path.realpath(Path.cwd()))


def partial_of(folder: Path) -> Path:
    """The folder in which `replaced_folder` prepares the new version of ``folder``."""
    return folder.with_name(folder.name + _PARTIAL)


def _old_of(folder: Path) -> Path:
    """The folder that holds the earlier version of ``folder`` while it is replaced."""
    return folder.with_name(folder.name + _OLD)


def check_replaceable(folder: Path, kind: FolderKind, *, resume: bool = False) -> Path:
    """Check that replacing a folder would remove no file of the user's.

    Args:
        folder: what would be replaced.
        kind: what seqctx writes there.
        resume: whether what an earlier run left in the new folder stays.

    Returns:
        `real_folder` of it.

    Raises:
        CheckError: when it would, when the folder is a mount point, or as `real_folder`.
        InputError: when a folder cannot be read.
    """
    folder = real_folder(folder)
    with explain_os_errors(folder):
        if folder.is_mount():
            raise CheckError(f"{folder}: is a mount point. Name a folder below it.")
    refuse_users_files(folder, kind)
    refuse_users_files(_old_of(folder), kind)
    if not resume:
        refuse_users_files(partial_of(folder), kind, complete=False)
    return folder


@contextmanager
def replaced_folder(
    folder: Path,
    *,
    kind: FolderKind,
    resume: bool = False,
    keep: Callable[[Path], bool] = lambda partial: False,
) -> Iterator[Path]:
    """A new folder to fill; it replaces ``folder`` when the block ends without an error.

    A folder with files of the user's is not replaced; that is checked before the block, and again
    after it.

    Args:
        folder: what is replaced. If it is a link, the link stays and its target is replaced.
        kind: what seqctx writes there.
        resume: keep what an earlier run left in the new folder.
        keep: called with the new folder when the block fails; true keeps it for a later run.

    Yields:
        `partial_of` the folder: empty, or with what is resumed. When the block fails and ``keep``
        is false, it is removed, with the parent folders that were made for it.

    Raises:
        CheckError: as `check_replaceable`, or when another run is writing the folder.
        InputError: when ``folder`` cannot be replaced; the new folder is kept then.
    """
    folder = real_folder(folder)
    with explain_os_errors(folder):
        partial, old = partial_of(folder), _old_of(folder)
        made = [parent for parent in partial.parents if not parent.exists()]  # innermost first
        partial.parent.mkdir(parents=True, exist_ok=True)
    discard = bind(_remove, partial, kind, complete=False)
    whole, kept = False, True
    try:
        with locked(partial), nullcontext() if resume else removed_at_forced_exit(discard):
            check_replaceable(folder, kind, resume=resume)
            with explain_os_errors(folder):
                _clear_leftovers(folder, partial, old, keep_partial=resume)
                partial.mkdir(exist_ok=resume)
            try:
                yield partial
                whole = True
                _refuse_new_files(folder, kind, partial)
                with explain_os_errors(folder):
                    if folder.exists() and not any(folder.iterdir()):
                        folder.rmdir()  # it may be a container's own, which cannot be renamed
                    elif folder.exists():
                        folder.rename(old)
                    partial.rename(folder)
            finally:
                if not folder.exists() and (whole or old.exists()):
                    (partial if whole else old).rename(folder)
                kept = whole or keep(partial)
                if not kept:
                    discard()
                if folder.exists():
                    _remove(old, kind)
    finally:
        if not kept:
            with suppress(OSError):  # a folder that another program uses by now stays
                for parent in made:
                    parent.rmdir()


def _refuse_new_files(folder: Path, kind: FolderKind, partial: Path) -> None:
    """Check that no file of the user's has come to ``folder`` while its new version was made.

    Raises:
        CheckError: when one has; the new version stays where it is.
    """
    try:
        refuse_users_files(folder, kind)
    except SeqctxError as error:
        raise type(error)(f"{error} The new version is kept in {partial}.") from None


def _remove(folder: Path, kind: FolderKind, *, complete: bool = True) -> None:
    """Remove a folder, unless it holds files of the user's or cannot be read."""
    with suppress(OSError, SeqctxError):
        if folder.exists() and not users_files(folder, kind, complete=complete):
            shutil.rmtree(folder, ignore_errors=True)


def _clear_leftovers(folder: Path, partial: Path, old: Path, *, keep_partial: bool) -> None:
    """Repair what a killed run left. Afterwards ``old`` does not exist."""
    if old.exists() and not folder.exists():  # killed between the two renames
        old.rename(folder)
    if old.exists():  # killed after them
        shutil.rmtree(old)
    if not keep_partial:
        shutil.rmtree(partial, ignore_errors=True)
