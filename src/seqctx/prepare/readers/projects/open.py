"""Opens a project: which program made it, and its files in a folder or an archive."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from seqctx.errors import InputError
from seqctx.prepare.readers.files import KINDS
from seqctx.prepare.readers.projects.listed import (
    leanpub_project,
    longform_project,
    quarto_project,
    summary_project,
)
from seqctx.prepare.readers.projects.manuskript import manuskript_project
from seqctx.prepare.readers.projects.novelwriter_project import ORDER, novelwriter_project
from seqctx.prepare.readers.projects.plain import plain_folder
from seqctx.prepare.readers.projects.scrivener import scrivener_project
from seqctx.prepare.readers.projects.tree import ArchiveFiles, Files, FolderFiles, Project
from seqctx.system.archives import open_archive
from seqctx.system.regular_file import open_file

PROJECT_FILES = (".scrivx", ".nwx", ".msk", ".scriv")
"""Suffixes of files that stand for a whole project."""
_PROGRAMS = (
    novelwriter_project, scrivener_project, manuskript_project, summary_project, leanpub_project,
    quarto_project, longform_project,
)  # fmt: skip


_MARKERS = frozenset(
    (ORDER, "book.toml", "SUMMARY.md", "Book.txt", "_quarto.yml", "_bookdown.yml", "MANUSKRIPT")
)


def is_project(path: Path) -> bool:
    """Whether a manuscript is a folder, or a file that stands for a project of many files."""
    if path.is_dir() or path.suffix.lower() in PROJECT_FILES:
        return True
    return path.suffix.lower() == ".zip" and _scrivener_in(path) is not None


@contextmanager
def opened(path: Path) -> Iterator[tuple[Project, Files]]:
    """A project and its files.

    Args:
        path: a folder, a project file in it, or an archive with a project of Scrivener or
            Manuskript.

    Raises:
        InputError: when its project file is damaged, or names files that are not there.
    """
    kind = path.suffix.lower()
    if path.is_dir():
        files: Files = FolderFiles(path)
        project = project_of(files)
        if project is None and (below := _only_project_in(files)):
            files = FolderFiles(path / below)
            project = project_of(files)
        yield project or plain_folder(files), files
    elif kind == ".scrivx" or path.name == ORDER:
        files = FolderFiles(path.parent)
        yield _found(project_of(files), path), files
    elif kind == ".nwx":
        raise InputError(f"{path}: is no project file of novelWriter: that is named {ORDER}.")
    elif kind == ".msk" and not _is_zip(path):
        files = FolderFiles(path.with_suffix(""))
        yield _found(manuskript_project(files), path), files
    else:
        with open_archive(path, kind) as archive:
            names = archive.names()
            top = _scrivener_in(path, names) if kind != ".msk" else ""
            members = ArchiveFiles(archive, top or "", names)
            project = manuskript_project(members) if kind == ".msk" else scrivener_project(members)
            yield _found(project, path), members


def project_of(files: Files) -> Project | None:
    """The project in a folder; None where no program's file is there."""
    return next(filter(None, (program(files) for program in _PROGRAMS)), None)


def _only_project_in(files: Files) -> str:
    """The folder of a project below, where all texts lie in it; empty where there is none."""
    folders = {
        str(PurePosixPath(name).parent)
        for name in files.names()
        if PurePosixPath(name).name in _MARKERS or name.lower().endswith(".scrivx")
    }
    top = min(folders, key=lambda folder: (folder.count("/"), folder), default="")
    texts = [name for name in files.names() if PurePosixPath(name).suffix.lower() in KINDS]
    return top if top and all(name.startswith(f"{top}/") for name in texts) else ""


def _found(project: Project | None, path: Path) -> Project:
    if project is None:
        raise InputError(f"{path}: its project is not whole. Export the text as .docx or .md.")
    return project


def _is_zip(path: Path) -> bool:
    with open_file(path) as f:
        return f.read(2) == b"PK"


def _scrivener_in(path: Path, names: list[str] | None = None) -> str | None:
    """The folder of a Scrivener project in an archive, with a slash; None without one."""
    if names is None:
        try:
            with open_archive(path, ".zip") as archive:
                names = archive.names()
        except InputError:
            return None
    binders = sorted(
        (n for n in names if n.lower().endswith(".scrivx")), key=lambda n: (n.count("/"), n)
    )
    return binders[0].rpartition("/")[0] + "/" * ("/" in binders[0]) if binders else None
