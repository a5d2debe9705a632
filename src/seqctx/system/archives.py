"""Zip archives from strangers: only the members that are needed, within one limit.

The limit is held against the bytes that really come out, not against the sizes that the archive
claims, and nothing is ever written to the disk.
"""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from seqctx.errors import InputError
from seqctx.system.regular_file import open_file
from seqctx.system.visible import visible_line

MOST_MEMBERS = 100_000
MOST_UNPACKED = 1_000_000_000  # of all members that are read; 50 times the text of a long saga
MOST_RATIO = 250  # times its packed size; mark-up of books packs to about a tenth
_SMALL = 100_000_000  # bytes; below it, the ratio does not count
_ENTRY = b"PK\1\2"  # each member has one in the archive's directory
_DAMAGES = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError,
    NotImplementedError, RuntimeError, ValueError, OverflowError, OSError, MemoryError,
)  # fmt: skip
_OTHER_KINDS = {
    b"%PDF": "it is a PDF", b"{\\rtf": "it is an .rtf file",
    b"\xd0\xcf\x11\xe0": "it is an old .doc file, or locked by a password",
}  # fmt: skip


@dataclass
class Archive:
    """An open archive.

    Attributes:
        path: of the archive, for messages.
        kind: what the file should be, such as ``.docx``.
        unpacked: bytes that came out of it so far.
    """

    path: Path
    kind: str
    _zip: zipfile.ZipFile
    unpacked: int = 0
    _names: set[str] = field(default_factory=set)

    def __contains__(self, name: str) -> bool:
        """Whether it has a member of this name."""
        self._names = self._names or set(self._zip.namelist())
        return name in self._names

    def names(self) -> list[str]:
        """The names of all members."""
        return self._zip.namelist()

    def stream(self, name: str) -> io.BufferedReader:
        """One member as a stream of bytes, which is unpacked while it is read.

        Raises:
            InputError: when the member is not there, locked or packed in an unknown way; while it
                is read, also when it is damaged or beyond the limit.
        """
        if name not in self:
            raise InputError(f"{self.path}: {in_one_line(name)} is not in it. {self.remedy}")
        member = self._zip.getinfo(name)
        if member.flag_bits & 1:
            raise InputError(f"{self.path}: locked by a password. Export it without one.")
        with self._explained(name):
            packed = self._zip.open(member)
        return io.BufferedReader(_Member(self, member, packed), 1 << 16)

    def read(self, name: str) -> bytes:
        """One member's bytes; see `stream`."""
        with self.stream(name) as stream:
            return stream.read()

    def place(self, name: str) -> str:
        """How errors call a member."""
        return f"{self.path}: {in_one_line(name)} in it"

    @property
    def remedy(self) -> str:
        """What to do with a damaged file of this kind."""
        return damaged(self.path, self.kind).partition(". ")[2]

    @contextmanager
    def _explained(self, name: str) -> Iterator[None]:
        try:
            yield
        except _DAMAGES as error:
            why = f" ({in_one_line(name)} in it: {in_one_line(str(error))})"
            raise InputError(damaged(self.path, self.kind, why)) from None


class _Member(io.RawIOBase):
    """The bytes of a member, counted while they come out."""

    def __init__(self, archive: Archive, member: zipfile.ZipInfo, packed: IO[bytes]) -> None:
        self._archive, self._member, self._packed, self._size = archive, member, packed, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        archive, name = self._archive, self._member.filename
        with archive._explained(name):
            chunk = self._packed.read(len(buffer))
        self._size += len(chunk)
        archive.unpacked += len(chunk)
        ratio = self._size > max(_SMALL, self._member.compress_size * MOST_RATIO)
        if ratio or archive.unpacked > MOST_UNPACKED:
            size = f"over {self._size // 10**6} MB, which no book needs"
            raise InputError(f"{archive.place(name)} unpacks to {size}. {archive.remedy}")
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        self._packed.close()
        super().close()


@contextmanager
def open_archive(path: Path, kind: str) -> Iterator[Archive]:
    """A zip archive to read members of.

    Args:
        path: the file.
        kind: what it should be, such as ``.docx``, for messages.

    Raises:
        InputError: when it is no zip archive, damaged, or has too many members.
    """
    with open_file(path) as f:
        start = f.read(8)
        for signature, fact in _OTHER_KINDS.items():
            if start.startswith(signature):
                raise InputError(damaged(path, kind, f" ({fact})"))
        if path.stat().st_size > MOST_MEMBERS * 46 and _entries(f) > MOST_MEMBERS:
            raise InputError(f"{path}: holds more than {MOST_MEMBERS:,} members. Export it again.")
        try:
            archive = zipfile.ZipFile(f)
        except _DAMAGES:
            raise InputError(damaged(path, kind)) from None
        with archive:
            yield Archive(path, kind, archive)


def _entries(f: IO[bytes]) -> int:
    """Members that an archive has, at most, counted before all their records are made."""
    f.seek(0)
    found, last = 0, b""
    while chunk := f.read(1 << 20):
        found += (last + chunk).count(_ENTRY)
        last = chunk[1 - len(_ENTRY) :]
    return found


def in_one_line(text: str) -> str:
    """A name from an archive, or an error with one, fit for a message of one line."""
    text = visible_line(text)
    return text if len(text) <= 100 else f"{text[:100]}…"


def damaged(path: Path, kind: str, why: str = "") -> str:
    """The line for a file that is not what its name says."""
    program = {".docx": "Open it in Word", ".odt": "Open it in LibreOffice"}.get(kind)
    again = f"{program} and save it again." if program else "Export it again."
    article = "an" if kind in (".odt", ".epub") else "a"
    return f"{path}: damaged, or not {article} {kind} file{why}. {again}"
