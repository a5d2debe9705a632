"""Writes a page where the user says, and never over a file that is not such a page."""

from __future__ import annotations

import os
import re
from pathlib import Path

from seqctx.artifacts.layout import DatasetDir, RunDir
from seqctx.errors import InputError
from seqctx.system.atomic import atomic_write
from seqctx.system.hashing import hash_text
from seqctx.system.regular_file import open_file

_MARK = re.compile(r"<!-- written by seqctx: ([0-9a-f]{64}) -->\n\Z")
_MARK_SIZE = 200  # bytes, and a little more
_MOST = 50_000_000  # bytes; larger files are no page of ours


def write_page(path: Path, page: str) -> None:
    """Write a page; only a page that this function wrote, unchanged since, is replaced.

    Where ``path`` is a link, the link stays.

    Raises:
        InputError: when there is another file, or the page cannot be written.
    """
    path = Path(os.path.realpath(path))
    if os.path.lexists(path) and not _is_own_page(path):
        raise InputError(
            f"{path}: exists already and is not an unchanged page of seqctx. "
            "Choose another name, or move the file away."
        )
    with atomic_write(path) as f:
        f.write(f"{page}<!-- written by seqctx: {hash_text(page)} -->\n")


def is_report(path: Path) -> bool:
    """Whether a file is a page of seqctx, changed or not: none of them is a manuscript.

    The report of ``prepare`` has no mark; it lies beside the records of its data.
    """
    data, run = DatasetDir(path.parent), RunDir(path.parent.parent)
    if path.suffix.lower() != ".html":
        return False
    if path.name == data.report.name and data.manifest.is_file():
        return True
    if path.parent.name == run.run.name and (run.record.is_file() or run.begun.is_file()):
        return True
    try:
        with open_file(path) as f:
            f.seek(max(0, os.fstat(f.fileno()).st_size - _MARK_SIZE))
            return _MARK.search(f.read().decode("utf-8", "replace")) is not None
    except (InputError, OSError):
        return False


def _is_own_page(path: Path) -> bool:
    """Whether a file is as `write_page` wrote it.

    Raises:
        InputError: when it is no regular file, or cannot be read.
    """
    with open_file(path) as f:
        raw = f.read(_MOST)
    text = raw.decode("utf-8", "replace")
    mark = _MARK.search(text)
    return mark is not None and mark[1] == hash_text(text[: mark.start()])
