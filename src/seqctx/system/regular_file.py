"""Opens files that a user, a model's folder or a record names: regular files only, without waiting.

A named pipe without a writer, a terminal or a device would block or never end, and so would some
files of /proc and /sys. Each is refused by its kind, in one line. Use these functions wherever a
file is opened that seqctx did not write itself a moment ago.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator
from functools import cache
from io import BufferedReader
from pathlib import Path
from typing import Any

from seqctx.errors import InputError
from seqctx.system.atomic import explain_os_errors

MOST_BYTES = 500_000_000
"""How large a file may be that is read into memory whole, unless a caller sets less [B]."""

_MOST_JSON = 100_000_000  # bytes; the largest tokenizer.json has 40 million
_MOST_ENTRIES = 100_000  # files and folders below one that a user names

_KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
# File systems of the kernel: their files have no length, change while they are read, or never end.
_KERNEL = frozenset(
    ("proc", "sysfs", "debugfs", "tracefs", "cgroup", "cgroup2", "securityfs", "configfs", "bpf",
     "pstore", "efivarfs", "binfmt_misc", "mqueue", "devpts", "selinuxfs", "nfsd", "rpc_pipefs")
)  # fmt: skip


def open_file(path: Path) -> BufferedReader:
    """Open a regular file to read its bytes; a link to one is one.

    Raises:
        InputError: when it is not there, cannot be read, or is another kind of file.
    """
    with explain_os_errors(path):
        try:
            found = os.stat(path)
        except ValueError:  # a NUL, or half of a surrogate pair
            raise InputError(f"{ascii(str(path))}: is not a path. Correct it.") from None
        _refuse_other_kinds(path, found)  # before it is opened, which some devices act upon
        flags = os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0)
        handle = os.open(path, flags | getattr(os, "O_NOCTTY", 0))
        try:
            _refuse_other_kinds(path, os.fstat(handle))  # it may have been exchanged in between
            return os.fdopen(handle, "rb")
        except BaseException:
            os.close(handle)
            raise


def read_file(path: Path, *, most: int = MOST_BYTES) -> bytes:
    """The bytes of a regular file.

    Args:
        path: the file.
        most: how large it may be [B].

    Raises:
        InputError: as `open_file`; also when it is larger.
    """
    with open_file(path) as f, explain_os_errors(path):
        is_larger = os.fstat(f.fileno()).st_size > most
        raw = b"" if is_larger else f.read(most + 1)  # it may grow while it is read
        if is_larger or len(raw) > most:
            raise InputError(
                f"{path}: is larger than {most / 1e6:,.0f} MB, too large for a file of this kind. "
                "Check that it is the right file."
            )
        return raw


def read_file_text(path: Path, *, most: int = MOST_BYTES) -> str:
    """The text of a regular file in UTF-8, its lines ended by line feeds.

    Raises:
        InputError: as `read_file`.
        UnicodeDecodeError: when it is not UTF-8.
    """
    return read_file(path, most=most).decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a regular file.

    Raises:
        InputError: as `read_file`; also when it holds something else.
    """
    try:
        data = json.loads(read_file_text(path, most=_MOST_JSON))
    except (ValueError, RecursionError):  # wrong bytes or JSON; hundreds of levels
        data = None
    if not isinstance(data, dict):
        raise InputError(f"{path}: does not hold a JSON object. Restore the file.")
    return data


def entries_below(
    folder: Path, *, levels: int | None = None, on_error: Callable[[OSError], None] | None = None
) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Walk through a folder as ``os.walk`` does; links to folders are not followed.

    Names of folders that the caller removes from the list are not entered.

    Args:
        folder: where to begin.
        levels: how deep to go; 1 looks into no folder below. None goes all the way.
        on_error: called for a folder that cannot be read; unset, that is an error.

    Raises:
        InputError: when there are more than 100,000 files and folders, as below ``/``.
        OSError: when a folder cannot be read.
    """

    def refuse(error: OSError) -> None:
        raise error

    count = 0
    for below, folders, names in os.walk(folder, onerror=on_error or refuse):
        count += len(folders) + len(names)
        if levels is not None and len(Path(below).relative_to(folder).parts) >= levels - 1:
            folders.clear()
        if levels is None and os.path.realpath(below) == "/":
            raise InputError(f"{folder}: is the root of the file system. Name a folder below it.")
        if count > _MOST_ENTRIES:
            raise InputError(
                f"{folder}: holds more than {_MOST_ENTRIES:,} files and folders. Name a folder "
                "with fewer."
            )
        yield Path(below), folders, names


def _refuse_other_kinds(path: Path, found: os.stat_result) -> None:
    """Refuse what is no regular file on a disk.

    Raises:
        InputError: in one line that names the kind.
    """
    kind = next((name for is_kind, name in _KINDS if is_kind(found.st_mode)), None)
    if stat.S_ISDIR(found.st_mode):
        raise InputError(f"{path}: is a folder, not a file. Name a file in it.")
    if not kind and found.st_dev in _kernel_devices():
        kind = "a file of the kernel"
    if kind or not stat.S_ISREG(found.st_mode):
        raise InputError(
            f"{path}: is {kind or 'no regular file'}, which may never end. Save its content to a "
            "file, and name that."
        )


@cache
def _kernel_devices() -> frozenset[int]:
    """The device numbers of the kernel's own file systems, such as /proc; none but on Linux."""
    found = set()
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as f:
            for line in f:  # proc(5): "36 35 98:0 /mnt1 /mnt2 rw - ext3 /dev/root rw"
                mount, _, source = line.partition(" - ")
                if source.split(" ", 1)[0] in _KERNEL:
                    major, _, minor = mount.split()[2].partition(":")
                    found.add(os.makedev(int(major), int(minor)))
    except (OSError, ValueError, IndexError):
        pass
    return frozenset(found)
