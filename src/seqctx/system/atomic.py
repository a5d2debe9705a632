"""Writes files completely or not at all, locks folders, explains errors of the file system."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
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
