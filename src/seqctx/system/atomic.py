"""Writes files and folders completely or not at all, and explains errors of the file system."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from seqctx.errors import CheckError, InputError


@contextmanager
def explain_os_errors(place: Path | str) -> Iterator[None]:
    """Turn an error of the operating system into one line with a remedy.

    Args:
        place: what the line names where the error itself names no file.

    Raises:
        InputError: for any OSError inside the block; for a full disk it tells how much is free.
    """
    try:
        yield
    except OSError as error:
        place = error.filename or place
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise InputError(
                f"{place}: the disk is full ({free_bytes(Path(place)) / 1e6:.1f} MB free). "
                "Make room and run it again. No half-written files were kept."
            ) from error
        if isinstance(error, FileNotFoundError):
            raise InputError(f"{place}: no such file. Check the path.") from error
        raise InputError(
            f"{place}: {error.strerror or error}. Check the path and its permissions."
        ) from error


def free_bytes(path: Path) -> int:
    """Bytes free on the disk that holds ``path``, which need not exist yet."""
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def partial_of(folder: Path) -> Path:
    """The folder in which `replaced_folder` prepares the new version of ``folder``."""
    return folder.with_name(folder.name + ".seqctx-partial")


@contextmanager
def replaced_folder(
    folder: Path,
    *,
    made_by: str,
    resume: bool = False,
    keep: Callable[[Path], bool] = lambda partial: False,
) -> Iterator[Path]:
    """A new folder to fill; it replaces ``folder`` when the block ends without an error.

    Args:
        folder: what is replaced. If it is a link, the link stays and its target is replaced.
        made_by: a file that every folder of this kind has; a folder without it is not replaced.
        resume: keep what an earlier run left in the new folder.
        keep: called with the new folder when the block fails; true keeps it for a later run.

    Yields:
        `partial_of` the folder: empty, or with what is resumed. When the block fails and ``keep``
        is false, it is removed, with the parent folders that were made for it.

    Raises:
        CheckError: when ``folder`` was not made by seqctx, or another run is writing it.
        InputError: when ``folder`` cannot be replaced; the new folder is kept then.
    """
    with explain_os_errors(folder):
        folder = folder.resolve() if folder.is_symlink() else folder
        if folder.exists() and not (folder / made_by).exists() and any(folder.iterdir()):
            raise CheckError(
                f"{folder}: is not empty and was not made by seqctx (it has no {made_by}). "
                "Move it away, or name another folder."
            )
        if folder.is_mount():
            raise CheckError(f"{folder}: is a mount point. Name a folder below it.")
        partial, old = partial_of(folder), folder.with_name(folder.name + ".seqctx-old")
        made = [parent for parent in partial.parents if not parent.exists()]  # innermost first
        partial.parent.mkdir(parents=True, exist_ok=True)
    whole, kept = False, True
    try:
        with locked(partial):
            with explain_os_errors(folder):
                _clear_leftovers(folder, partial, old, keep_partial=resume)
                partial.mkdir(exist_ok=resume)
            try:
                yield partial
                whole = True
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
                    shutil.rmtree(partial, ignore_errors=True)
                if folder.exists():
                    shutil.rmtree(old, ignore_errors=True)
    finally:
        if not kept:
            with suppress(OSError):  # a folder that another program uses by now stays
                for parent in made:
                    parent.rmdir()


def _clear_leftovers(folder: Path, partial: Path, old: Path, *, keep_partial: bool) -> None:
    """Repair what a killed run left. Afterwards ``old`` does not exist."""
    if old.exists() and not folder.exists():  # killed between the two renames
        old.rename(folder)
    if old.exists():  # killed after them
        shutil.rmtree(old)
    if not keep_partial:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other runs out of a folder, which need not exist yet, while the block runs.

    The lock is a file beside the folder. It is removed at the end; the system frees the lock of
    a process that was killed, and the next run takes over its file.

    Raises:
        CheckError: when another run holds the lock.
    """
    from filelock import FileLock, Timeout

    path = folder.with_name(folder.name + ".lock")
    lock = FileLock(path, blocking=False)
    with explain_os_errors(folder):
        try:
            lock.acquire()
        except Timeout:
            raise CheckError(
                f"{folder}: another run is writing it. Wait until it ends, or stop it."
            ) from None
    try:
        yield
    finally:
        path.unlink(missing_ok=True)  # while it is held: a run that has opened it tries again
        lock.release()


@contextmanager
def atomic_write(path: Path) -> Iterator[IO[str]]:
    """A text file to write; it replaces ``path`` when the block ends without an error.

    Who may read it follows the umask, as with ``open``, and the file that it replaces: never more
    than either lets in.

    Raises:
        InputError: when it cannot be written, for example because the disk is full.
    """
    temporary = None
    try:
        with explain_os_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            mode = stat.S_IMODE(path.stat().st_mode) & 0o666 if path.is_file() else 0o666
            name = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
            handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
            temporary = name
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as f:
                yield f
                f.flush()
                os.fsync(f.fileno())
            temporary.replace(path)
            temporary = None
    finally:
        if temporary:
            temporary.unlink(missing_ok=True)


def write_new(path: Path, text: str) -> None:
    """Write a new file, completely or not at all.

    Raises:
        InputError: when the file exists already, or cannot be written.
    """
    with explain_os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{os.getpid()}.seqctx-partial")
        try:
            partial.write_text(text, "utf-8")
            os.link(partial, path)  # unlike a rename, it fails where a file is
        except FileExistsError:
            fact = "exists already. Choose another name, or move it away."
            raise InputError(f"{path}: {fact}") from None
        finally:
            partial.unlink(missing_ok=True)
