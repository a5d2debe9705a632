"""Finds the manuscripts that files, folders and globs name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from seqctx.errors import InputError
from seqctx.prepare.readers.files import KINDS
from seqctx.system.atomic import explain_os_errors
from seqctx.system.regular_file import entries_below

_GLOB = re.compile(r"[*?\[]")


def find_manuscripts(places: tuple[str, ...]) -> list[Path]:
    """The manuscripts that files, folders and globs name, each once, sorted within a place.

    Hidden files, and lock files of office programs, are not manuscripts.

    Raises:
        InputError: when a place is not there, cannot be read or holds none, or when a file's name
            is not valid UTF-8.
    """
    found: dict[Path, None] = {}
    for place in places:
        with explain_os_errors(place):
            found |= dict.fromkeys(_named(place))
    if not found:
        raise InputError(
            "seqctx.prepare.manuscripts: names no file. List a file or a folder with your text."
        )
    for path in map(str, found):
        if any("\udc80" <= c <= "\udcff" for c in path):  # how Python writes such a byte
            raise InputError(f"{ascii(path)}: the file's name is not valid UTF-8. Rename the file.")
    return list(found)


def _named(place: str) -> list[Path]:
    """The manuscripts that one file, folder or glob names."""
    path = Path(place)
    if path.is_dir():
        inside = _manuscripts(_files(path), path)
        if not inside:
            raise InputError(
                f"{place}: this folder holds no manuscript. Put a .txt, .md, .docx, .epub or .odt "
                "file in it."
            )
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
        inside = _manuscripts(top.glob(str(path.relative_to(path.anchor))), top)
    except ValueError as error:  # pathlib's, when ** is only a part of a name
        raise InputError(f"{place}: not a valid pattern ({error}). Correct it.") from None
    if not inside:
        raise InputError(f"{place}: the pattern matches no manuscript. Correct it.")
    return inside


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


def _files(folder: Path) -> Iterator[Path]:
    """All files below a folder.

    Raises:
        InputError: when there are more than 100,000.
        OSError: when a folder cannot be read.
    """
    for below, folders, names in entries_below(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (below / name for name in names)


def _manuscripts(paths: Iterable[Path], top: Path) -> list[Path]:
    """Files of a kind that can be read, in the order in which people count them."""
    return sorted(
        (
            p
            for p in paths
            if p.suffix.lower() in KINDS
            and p.is_file()
            and not any(
                part.startswith((".", "~$")) and part != ".." for part in p.relative_to(top).parts
            )
        ),
        key=_natural,
    )


def _natural(path: Path) -> list[tuple[str, int]]:
    """Sorts ``chapter2`` before ``chapter10``, and both before ``epilogue``."""
    return [(text, int(d or 0)) for text, d in re.findall(r"(\D*)(\d*)", str(path))]
