"""What seqctx and uv write into an environment, so that all else is known to be the user's.

Packages that were installed afterwards, with pip or uv, are in no way lost when an environment is
made again: they can be installed again. Files that no package brought are.
"""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path

from seqctx.system.regular_file import read_file_text
from seqctx.system.users_files import FolderKind, Written

_MADE_BY_UV = re.compile(  # uv 0.13: uv venv
    r"pyvenv\.cfg|\.lock|\.gitignore|CACHEDIR\.TAG|\.made-[\w.+-]+|lib64"
    r"|bin/((de)?activate(_this)?(\.\w+)?|pydoc(\.bat)?|(python|pypy)[\d.]*t?)"
)
_UNFINISHED = re.compile(r"(bin|lib|lib64|include|share|etc|man)/.+|__pycache__/.+")


def _packaged_files(folder: Path) -> Written:
    """The files of all packages with their sizes, as each package's RECORD lists them."""
    listed: dict[str, str] = {}
    top = os.path.abspath(folder)
    for record in Path(top).glob("lib/python3*/site-packages/*.dist-info/RECORD"):
        site = record.parent.parent
        for row in csv.reader(read_file_text(record).splitlines()):
            if row:
                path = os.path.relpath(os.path.normpath(site / row[0]), top)
                listed[path] = row[2] if len(row) > 2 else ""
    return listed


def _is_beside_packages(name: str, written: Written | None) -> bool:
    if _MADE_BY_UV.fullmatch(name) or "/__pycache__/" in name:
        return True
    return written is None and bool(_UNFINISHED.fullmatch(name))


ENVIRONMENT = FolderKind(
    "pyvenv.cfg", _packaged_files, _is_beside_packages, lambda path: str(path.stat().st_size)
)
"""An environment that `install.make_environment` makes."""
