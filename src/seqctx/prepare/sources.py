"""The files that manuscripts are read from, and their digests; those that cannot be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from seqctx.artifacts.manifest import SkippedFile
from seqctx.errors import CheckError, InputError
from seqctx.prepare.readers.projects.open import is_project, opened
from seqctx.prepare.readers.projects.tree import FolderFiles
from seqctx.system.atomic import explain_os_errors
from seqctx.system.hashing import hash_file, hash_text

SWITCH = "--skip-bad"


def source_files(path: Path) -> tuple[Path, ...]:
    """The files that one manuscript is read from: itself, or those of a project.

    Raises:
        InputError: when a project's file is damaged, or names files that are not there.
    """
    if not is_project(path):
        return (path,)
    with explain_os_errors(path), opened(path) as (project, files):
        if not isinstance(files, FolderFiles):
            return (path,)
        asides = (name for aside in project.asides for name in aside.files)
        names = dict.fromkeys((*project.files, project.order, *asides))
        return tuple(files.place(name) for name in names if name in files)


@dataclass(frozen=True, slots=True)
class Digests:
    """The digests of a manuscript's files.

    Attributes:
        files: path to sha256; empty for a file that cannot be read.
        size: of all files [bytes].
    """

    files: Mapping[str, str]
    size: int

    @property
    def sha256(self) -> str:
        """Of the file, or over the digests of several."""
        digests = [f"{path} {digest}" for path, digest in self.files.items()]
        return next(iter(self.files.values())) if len(digests) == 1 else hash_text(*digests)


@dataclass
class BadFiles:
    """Manuscripts, and files of them, that cannot be read.

    Attributes:
        looked_at: how many files there are, good and bad.
        skipped: the bad ones.
    """

    looked_at: int = 0
    skipped: list[SkippedFile] = field(default_factory=list)

    def add(self, path: Path, error: InputError) -> None:
        """Add a manuscript that cannot be read as a whole."""
        self.skipped += [SkippedFile(path=str(path), problem=line) for line in error.lines]

    def refuse(self, others: Sequence[str] = ()) -> None:
        """Refuse to go on where a file is bad.

        Args:
            others: lines on other problems.

        Raises:
            InputError: when the only file is bad.
            CheckError: when some of several are: each in one line, then what to do.
        """
        lines = [file.problem for file in self.skipped]
        if lines and self.looked_at < 2:
            raise InputError(*lines)
        if lines:
            number = len({file.path for file in self.skipped})
            lines.append(
                f"{number} of {self.looked_at} files cannot be read, so nothing was written. "
                f"Correct them, or run prepare with {SWITCH}, which leaves them out."
            )
        if lines or others:
            raise CheckError(*others, *lines)


def digests_of(paths: Sequence[Path], bad: BadFiles) -> dict[Path, Digests]:
    """The digests of all manuscripts that can be opened; what cannot goes to ``bad``."""
    found: dict[Path, Digests] = {}
    for path in paths:
        try:
            files = source_files(path)
            found[path] = _digests(files, is_project=files != (path,))
            bad.looked_at += len(files)
        except InputError as error:
            bad.looked_at += 1
            bad.add(path, error)
    return found


def _digests(files: Sequence[Path], *, is_project: bool) -> Digests:
    """The digests of one manuscript; the reader of a project says which of its files are bad.

    Raises:
        InputError: when a file that is no project's cannot be read.
    """
    digests, size = {}, 0
    for file in files:
        try:
            with explain_os_errors(file):
                digests[str(file)] = hash_file(file)
                size += file.stat().st_size
        except InputError:
            if not is_project:
                raise
            digests[str(file)] = ""
    return Digests(digests, size)
