"""Writes a page where the user says, and never over a file that is not such a page."""

from __future__ import annotations

import os
import re
from pathlib import Path

from seqctx.errors import InputError
from seqctx.system.atomic import atomic_write
from seqctx.system.hashing import hash_text
from seqctx.system.regular_file import open_file

_MARK = re.compile(r"<!-- written by seqctx: ([0-9a-f]{64}) -->\n\Z")
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
