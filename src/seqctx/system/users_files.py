"""Which files in a folder that seqctx wrote are the user's: those are never replaced or removed.

A file is the user's if neither seqctx nor a tool that it starts wrote it, or if it was changed
afterwards. Each kind of folder has a record that lists what was written, with digests.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from seqctx.errors import CheckError
from seqctx.system.atomic import explain_os_errors
from seqctx.system.hashing import hash_samples

Written = Mapping[str, str]
"""Path of a file relative to its folder, and its digest; an empty digest is not compared."""

# File managers leave these wherever somebody looks.
_LEFT_BY_FILE_MANAGERS = {".DS_Store", "Thumbs.db", "desktop.ini", ".directory"}
_SHOWN = 3  # names in a message


@dataclass(frozen=True, slots=True)
class FolderKind:
    """One kind of folder that seqctx writes.

    Attributes:
        record: a file that every complete folder of this kind has, relative to the folder.
        written: reads what was written to a complete folder; None where its record has no list, as
            those of earlier versions.
        is_known: whether seqctx or its tools write a file of this name (relative to the folder)
            beside the listed ones. It is also given the list: None where there is none, such as in
            a folder that is not complete.
        digest: of one file, as the list has it.
    """

    record: str
    written: Callable[[Path], Written | None]
    is_known: Callable[[str, Written | None], bool]
    digest: Callable[[Path], str] = hash_samples


def users_files(folder: Path, kind: FolderKind, *, complete: bool = True) -> list[str]:
    """The user's files in a folder, relative to it; empty folders do not count.

    Args:
        folder: it need not exist.
        kind: what seqctx writes there.
        complete: whether a folder without its record is all the user's; False: it is one that a
            run has not finished.

    Raises:
        OSError: when a folder cannot be read.
        InputError: when the record exists but cannot be read.
    """
    has_record = (folder / kind.record).is_file()
    if complete and not has_record:
        return sorted(name for name, _ in _files(folder))
    written = kind.written(folder) if complete else None
    found = []
    for name, path in _files(folder):
        if written is not None and name in written:
            if written[name] and not _is_unchanged(path, written[name], kind):
                found.append(f"{name} (changed after seqctx wrote it)")
        elif not kind.is_known(name, written):
            found.append(name)
    return sorted(found)


def refuse_users_files(folder: Path, kind: FolderKind, *, complete: bool = True) -> None:
    """Check that a folder holds no file of the user's.

    Raises:
        CheckError: when it does; the message names the first ones.
        InputError: when the folder or its record cannot be read.
    """
    with explain_os_errors(folder):
        found = users_files(folder, kind, complete=complete)
        is_ours = not complete or (folder / kind.record).is_file()
    if not found:
        return
    if not is_ours:
        raise CheckError(
            f"{folder}: holds {named(found)} and was not made by seqctx (it has no {kind.record}). "
            "Move it away, or name another folder."
        )
    raise CheckError(
        f"{folder}: holds your files: {named(found)}. seqctx never removes them. Move or delete "
        "them, then run the command again."
    )


def digests_below(folder: Path) -> dict[str, str]:
    """Every file below a folder, relative to it, with its digest by `hash_samples`."""
    return {name: hash_samples(path) for name, path in sorted(_files(folder)) if path.is_file()}


def named(names: list[str]) -> str:
    """The first names, and how many more there are."""
    shown = ", ".join(names[:_SHOWN])
    more = len(names) - _SHOWN
    return shown if more <= 0 else f"{shown} and {more} more file{'s' if more > 1 else ''}"


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """All files and links below a folder, links not followed, with their relative names."""

    def refuse(error: OSError) -> None:
        raise error

    if not folder.is_dir():
        return
    for below, folders, names in os.walk(folder, onerror=refuse):
        links = [name for name in folders if os.path.islink(os.path.join(below, name))]
        for name in (*names, *links):
            if name not in _LEFT_BY_FILE_MANAGERS:
                path = Path(below, name)
                yield path.relative_to(folder).as_posix(), path


def _is_unchanged(path: Path, digest: str, kind: FolderKind) -> bool:
    """Whether a file is as it was written, or empty; a FIFO in its place is not opened."""
    return path.is_file() and (not path.stat().st_size or kind.digest(path) == digest)
