"""SHA-256 of files, folders and texts, in hex."""

from __future__ import annotations

import hashlib
from pathlib import Path

from seqctx.system.atomic import explain_os_errors


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with explain_os_errors(path), path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def hash_tree(path: Path) -> str:
    """SHA-256 of a file, or of the names and bytes of all files below a folder, in hex."""
    if path.is_file():
        return hash_file(path)
    files = sorted(p for p in path.rglob("*") if p.is_file())
    return hash_text(*(f"{p.relative_to(path)} {hash_file(p)}" for p in files))


def hash_text(*texts: str) -> str:
    """SHA-256 of texts in order, in hex; ("ab", "c") and ("a", "bc") have different ones."""
    digest = hashlib.sha256()
    for text in texts:
        raw = text.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.hexdigest()
