"""A project: its documents in the order of the book, and its files that are not the story."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from seqctx.errors import InputError
from seqctx.prepare.readers.blocks import MOST_CHARACTERS
from seqctx.report.write_page import is_report
from seqctx.system.archives import Archive
from seqctx.system.regular_file import entries_below, open_file, read_file

_HEAD = 100_000  # bytes


@dataclass(frozen=True, slots=True)
class Node:
    """A document or folder of a project.

    Attributes:
        title: heads its text where the document has no heading of its own.
        file: its text, as a path in the project with slashes; empty for a folder without text.
        children: the documents below it.
        name: of the folder, where the title is only a part of it.
    """

    title: str
    file: str = ""
    children: tuple[Node, ...] = ()
    name: str = ""


@dataclass(frozen=True, slots=True)
class Aside:
    """Files of a project that are not the story.

    Attributes:
        kind: such as ``notes`` or ``trash``.
        name: of the file or folder, for people.
        files: those whose words are counted, as paths in the project.
    """

    kind: str
    name: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Project:
    """A book of many files.

    Attributes:
        program: what made it, such as ``Scrivener``; empty for a folder without a project file.
        order: the file that says in which order the documents come; empty: their names do.
        title: of the book; empty where no file tells.
        nodes: the documents.
        asides: what is not the story.
        leaves_are_scenes: whether documents in a folder are scenes where nothing tells.
        goes_on: whether a document without a heading goes on with the chapter before it.
        chapter_level: of headings in the documents, where the program defines it; else 0.
    """

    program: str
    order: str
    title: str
    nodes: tuple[Node, ...]
    asides: tuple[Aside, ...] = ()
    leaves_are_scenes: bool = False
    goes_on: bool = False
    chapter_level: int = 0

    @property
    def files(self) -> tuple[str, ...]:
        """The files that hold the text, in order."""
        return tuple(node.file for node in all_nodes(self.nodes) if node.file)


def all_nodes(nodes: tuple[Node, ...]) -> Iterator[Node]:
    """All nodes, each before those below it."""
    for node in nodes:
        yield node
        yield from all_nodes(node.children)


class Files(Protocol):
    """The files of a project: those of a folder, or the members of an archive."""

    path: Path

    def __contains__(self, name: str) -> bool:
        """Whether there is a file of this name."""

    def names(self) -> list[str]:
        """All names."""

    def read(self, name: str) -> bytes:
        """The bytes of a file."""

    def head(self, name: str) -> bytes:
        """The first bytes of a file; none where it cannot be read."""

    def place(self, name: str) -> Path:
        """How errors call a file."""


class FolderFiles:
    """The files of a folder; those that links outside of it lead to are refused."""

    def __init__(self, path: Path) -> None:
        """``path`` is the folder."""
        self.path = path
        self._real = os.path.realpath(path)
        self._names: list[str] = []

    def __contains__(self, name: str) -> bool:
        """Whether there is a file of this name."""
        return bool(name) and self.place(name).is_file()

    def names(self) -> list[str]:
        """All names, without hidden folders and reports of seqctx."""
        if self._names:
            return self._names
        found = self._names
        for below, folders, names in entries_below(self.path):
            folders[:] = [name for name in folders if not name.startswith(".")]
            inside = below.relative_to(self.path)
            found += [(inside / n).as_posix() for n in names if not is_report(below / n)]
        return found

    def read(self, name: str) -> bytes:
        """The bytes of a file.

        Raises:
            InputError: when it cannot be read, is too large, or lies outside of the folder.
        """
        return read_file(self.checked(name), most=MOST_CHARACTERS)

    def head(self, name: str) -> bytes:
        """The first bytes of a file; none where it cannot be read."""
        try:
            with open_file(self.checked(name)) as f:
                return f.read(_HEAD)
        except (InputError, OSError):
            return b""

    def place(self, name: str) -> Path:
        """The path of a file."""
        return self.path / name

    def checked(self, name: str) -> Path:
        """The path of a file in the folder.

        Raises:
            InputError: when a link leads out of the folder.
        """
        path = self.place(name)
        real = os.path.realpath(path)
        if os.path.commonpath([self._real, real]) != self._real:
            raise InputError(
                f"{path}: is a link to a file outside of {self.path}. Copy that file into the "
                "folder."
            )
        return path


class ArchiveFiles:
    """The members of an archive, below a folder in it."""

    def __init__(self, archive: Archive, top: str, names: list[str]) -> None:
        """``top`` is the folder, which ends with a slash or is empty."""
        self.path, self._archive, self._top = archive.path, archive, top
        self._names = {name.removeprefix(top) for name in names if name.startswith(top)}

    def __contains__(self, name: str) -> bool:
        """Whether there is a member of this name."""
        return name in self._names

    def names(self) -> list[str]:
        """All names."""
        return sorted(self._names)

    def read(self, name: str) -> bytes:
        """The bytes of a member, within the limits of archives."""
        return self._archive.read(self._top + name)

    def head(self, name: str) -> bytes:
        """The first bytes of a member."""
        with self._archive.stream(self._top + name) as stream:
            return stream.read(_HEAD)

    def place(self, name: str) -> Path:
        """How errors call a member."""
        return self.path / self._top / name


def inside(project: Path, place: str, name: str, folder: str = "") -> str:
    """A path that a project's file names, from the project's folder on.

    Args:
        project: its folder.
        place: the file that names it, for the error.
        name: the path, relative to ``folder``.
        folder: in the project.

    Raises:
        InputError: when it leads out of the project.
    """
    found = posixpath.normpath(posixpath.join(folder, name.replace("\\", "/")))
    if found.startswith(("../", "/")) or found == ".." or "\0" in found:
        raise InputError(
            f"{project / place}: names {ascii(name)[1:-1]}, which lies outside of the project. "
            "Move that file into the project."
        )
    return found
