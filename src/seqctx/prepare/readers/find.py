"""Finds the manuscripts that files, folders and globs name; a folder of chapters is one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from seqctx.artifacts.manifest import ReadFolder
from seqctx.errors import InputError
from seqctx.prepare.readers.files import KINDS
from seqctx.prepare.readers.projects.one_book import folder_reading
from seqctx.prepare.readers.projects.open import is_project
from seqctx.prepare.readers.projects.tree import FolderFiles
from seqctx.prepare.readers.refused_kinds import PUT_A_FILE
from seqctx.report.write_page import is_report
from seqctx.system.atomic import explain_os_errors
from seqctx.system.regular_file import entries_below

_GLOB = re.compile(r"[*?\[]")
FolderChoice = Literal["auto", "one book", "many books"]


@dataclass
class FoundManuscripts:
    """The manuscripts of some places.

    Attributes:
        paths: files, and folders that are one book.
        folders: how each folder was read, and why.
        not_read: files in folders of many books that cannot be read.
    """

    paths: list[Path] = field(default_factory=list)
    folders: list[ReadFolder] = field(default_factory=list)
    not_read: list[Path] = field(default_factory=list)


def find_manuscripts(places: tuple[str, ...], folders: FolderChoice = "auto") -> list[Path]:
    """The manuscripts that files, folders and globs name; see `look_for_manuscripts`."""
    return look_for_manuscripts(places, folders).paths


def look_for_manuscripts(
    places: tuple[str, ...], folders: FolderChoice = "auto"
) -> FoundManuscripts:
    """The manuscripts that files, folders and globs name, each once, sorted within a place.

    Hidden files, and lock files of office programs, are not manuscripts.

    Args:
        places: files, folders and globs.
        folders: whether a folder is one book; ``auto``: where its files show that.

    Raises:
        InputError: when a place is not there, cannot be read or holds none, or when a file's name
            is not valid UTF-8.
    """
    all_found = FoundManuscripts()
    paths: dict[Path, None] = {}
    for place in places:
        with explain_os_errors(place):
            paths |= dict.fromkeys(_named(place, folders, all_found))
    if not paths:
        raise InputError(
            "seqctx.prepare.manuscripts: names no file. List a file or a folder with your text."
        )
    for path in map(str, paths):
        if any("\udc80" <= c <= "\udcff" for c in path):  # how Python writes such a byte
            raise InputError(f"{ascii(path)}: the file's name is not valid UTF-8. Rename the file.")
    all_found.paths = list(paths)
    return all_found


def _named(place: str, folders: FolderChoice, found: FoundManuscripts) -> list[Path]:
    """The manuscripts that one file, folder or glob names."""
    path = Path(place)
    if path.is_dir():
        try:
            inside = sorted(_in_folder(path, folders, found), key=_natural)
        except RecursionError:
            raise InputError(
                f"{place}: its folders lie too deep in one another. Name the folder with your text."
            ) from None
        if not inside:
            raise InputError(f"{place}: this folder holds no manuscript. {PUT_A_FILE}")
        return inside
    if path.exists():
        return [path]
    if not _GLOB.search(place):
        raise InputError(
            f"{place}: no such file or folder. Correct the path in seqctx.prepare.manuscripts."
        )
    _refuse_endless(path)
    top = Path(path.anchor or ".")
    try:
        matches = top.glob(str(path.relative_to(path.anchor)))
        inside = [match for match in matches if _is_manuscript(match, top)]
    except ValueError as error:  # pathlib's, when ** is only a part of a name
        raise InputError(f"{place}: not a valid pattern ({error}). Correct it.") from None
    if not inside:
        raise InputError(f"{place}: the pattern matches no manuscript. Correct it.")
    return sorted(inside, key=_natural)


def _refuse_endless(pattern: Path) -> None:
    """Refuse a glob that would search the whole machine, or more than 100,000 files and folders.

    Raises:
        InputError: when it would.
    """
    parts = pattern.parts
    first = next(k for k, part in enumerate(parts) if _GLOB.search(part))
    levels = None if "**" in parts else len(parts) - first
    for _ in entries_below(Path(*parts[:first]), levels=levels, on_error=lambda error: None):
        pass


def _in_folder(folder: Path, choice: FolderChoice, found: FoundManuscripts) -> Iterator[Path]:
    """The manuscripts in a folder: itself, where it is one book, else its files and folders.

    Raises:
        InputError: when there are more than 100,000 files and folders.
        OSError: when a folder cannot be read.
    """
    files = FolderFiles(folder)
    reading = folder_reading(files, choice)
    if reading and reading.is_one_book:
        found.folders.append(reading)
        yield folder
        return
    books = 0
    here = {name.partition("/")[0]: "/" in name for name in files.names()}
    for name, is_folder in sorted(here.items()):
        path = folder / name
        if is_folder:
            below = "many books" if choice == "one book" else choice
            yield from _in_folder(path, below, found)
        elif _is_manuscript(path, folder):
            books += 1
            yield path
        elif not name.startswith((".", "~$")):
            found.not_read.append(path)
    if reading and books > 1:
        found.folders.append(reading)


def _is_manuscript(path: Path, top: Path) -> bool:
    """Whether a file can be read, or a folder or file is a project of Scrivener."""
    hidden = any(
        part.startswith((".", "~$")) and part != ".." for part in path.relative_to(top).parts
    )
    kind = path.suffix.lower()
    if hidden or (kind not in KINDS and kind not in (".scriv", ".msk", ".zip")):
        return False
    if is_report(path):
        return False
    return path.is_file() and kind in KINDS or (path.exists() and is_project(path))


def _natural(path: Path) -> list[tuple[str, int]]:
    """Sorts ``chapter2`` before ``chapter10``, and both before ``epilogue``."""
    return [(text, int(d or 0)) for text, d in re.findall(r"(\D*)(\d*)", str(path))]
