"""SHA-256 of files, folders and texts, in hex."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from seqctx.system.atomic import explain_os_errors
from seqctx.system.regular_file import entries_below, open_file

_BLOCKS, _BLOCK = 64, 65536  # of a sample; [bytes]


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with open_file(path) as f, explain_os_errors(path):
        return hashlib.file_digest(f, "sha256").hexdigest()


def samples(path: Path) -> Iterator[bytes]:
    """A file's bytes; of one above 4 MiB 64 blocks of 64 KiB, spread evenly over it."""
    total = path.stat().st_size
    with open_file(path) as f:
        if total <= _BLOCKS * _BLOCK:
            yield f.read()
            return
        for i in range(_BLOCKS):
            f.seek((total - _BLOCK) * i // (_BLOCKS - 1))
            yield f.read(_BLOCK)


def hash_samples(path: Path) -> str:
    """SHA-256 of a file's size and `samples`, in hex: tells weights apart without reading all."""
    with explain_os_errors(path):
        digest = hashlib.sha256(f"{path.stat().st_size} ".encode())
        for block in samples(path):
            digest.update(block)
    return digest.hexdigest()


def hash_tree(path: Path) -> str:
    """SHA-256 of a file, or of the names and bytes of all files below a folder, in hex."""
    if not path.is_dir():
        return hash_file(path)
    with explain_os_errors(path):
        below = [folder / name for folder, _, names in entries_below(path) for name in names]
    files = sorted(p for p in below if p.is_file())
    return hash_text(*(f"{p.relative_to(path)} {hash_file(p)}" for p in files))


def hash_text(*texts: str) -> str:
    """SHA-256 of texts in order, in hex; ("ab", "c") and ("a", "bc") have different ones."""
    digest = hashlib.sha256()
    for text in texts:
        raw = text.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.hexdigest()
