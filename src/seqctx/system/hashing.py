"""Hashes of files, folders and texts: sha256, in hex."""

from __future__ import annotations

import hashlib
from pathlib import Path

from seqctx.system.atomic import explain_os_errors


def hash_file(path: Path) -> str:
    """sha256 of a file's bytes, in hex."""
    with explain_os_errors(path), path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def hash_tree(path: Path) -> str:
    """sha256 over a file, or over names and bytes of all files below a folder."""
    if path.is_file():
        return hash_file(path)
    files = sorted(p for p in path.rglob("*") if p.is_file())
    return hash_text(*(f"{p.relative_to(path)} {hash_file(p)}" for p in files))


def hash_text(*texts: str) -> str:
    """sha256 of texts in order, in hex; where one ends and the next begins counts."""
    digest = hashlib.sha256()
    for text in texts:
        raw = text.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.hexdigest()
