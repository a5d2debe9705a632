"""Files and folders: written whole or not at all, hashed, and explained when they fail."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from seqctx.errors import InputError


@contextmanager
def explain_os_errors(place: Path | str) -> Iterator[None]:
    """Turn the operating system's refusals around ``place`` into one line with a remedy.

    Raises:
        InputError: for any OSError inside the block; a full disk says how much is free.
    """
    try:
        yield
    except OSError as error:
        place = error.filename or place
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise InputError(
                f"{place}: the disk is full ({free_bytes(Path(place)) / 1e6:.1f} MB free). "
                "Make room and run again; nothing half-written was kept."
            ) from error
        if isinstance(error, FileNotFoundError):
            raise InputError(f"{place}: no such file. Check the path.") from error
        raise InputError(
            f"{place}: {error.strerror or error}. Check the path and its permissions."
        ) from error


def free_bytes(path: Path) -> int:
    """Bytes free on the disk that holds ``path``, which need not exist yet."""
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


@contextmanager
def replaced_folder(folder: Path) -> Iterator[Path]:
    """A new folder to fill, which takes the place of ``folder`` when the block ends well.

    Yields:
        ``<folder>.partial``, empty; removed with all that is in it when the block fails.
    """
    partial = folder.with_name(folder.name + ".partial")
    old = folder.with_name(folder.name + ".old")
    with explain_os_errors(folder):
        if old.exists() and not folder.exists():  # killed between the two renames below
            old.rename(folder)
        for rest in (partial, old):
            shutil.rmtree(rest, ignore_errors=True)
        partial.mkdir(parents=True)
    try:
        yield partial
        with explain_os_errors(folder):
            if folder.exists():
                folder.rename(old)
            partial.rename(folder)
    finally:
        for rest in (partial, old):
            shutil.rmtree(rest, ignore_errors=True)


@contextmanager
def atomic_write(path: Path) -> Iterator[IO[str]]:
    """A text file that appears whole or not at all.

    Raises:
        InputError: when it cannot be written, a full disk included.
    """
    temporary = None
    try:
        with explain_os_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(
                "w", encoding="utf-8", newline="\n", dir=path.parent,
                prefix=f".{path.name}.", delete=False,
            ) as f:  # fmt: skip
                temporary = Path(f.name)
                yield f
                f.flush()
                os.fsync(f.fileno())
            temporary.chmod(0o644)
            temporary.replace(path)
            temporary = None
    finally:
        if temporary:
            temporary.unlink(missing_ok=True)


def hash_file(path: Path) -> str:
    """sha256 of a file's bytes, in hex."""
    with explain_os_errors(path), path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def hash_text(*texts: str) -> str:
    """sha256 of texts in order, in hex; where one ends and the next begins counts."""
    digest = hashlib.sha256()
    for text in texts:
        raw = text.encode("utf-8", "surrogatepass")
        digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.hexdigest()


def fingerprint_model(base_model: str) -> str:
    """Tells one checkpoint from another without reading all of it.

    Of a folder: its config.json and, of every weight file, the size and 64 blocks of 64 KiB spread
    evenly over it: another training run, dtype or quantization changes nearly every block. Of a
    hub id: the id.
    """
    folder = Path(base_model)
    if not folder.is_dir():
        return hash_text(base_model)
    blocks, size = 64, 65536
    digest = hashlib.sha256()
    with explain_os_errors(folder):
        for path in sorted([folder / "config.json", *folder.glob("*.safetensors")]):
            total = path.stat().st_size
            digest.update(f"{path.name} {total} ".encode())
            with path.open("rb") as f:
                for i in range(blocks):
                    f.seek(max(0, (total - size)) * i // (blocks - 1))
                    digest.update(f.read(size))
    return digest.hexdigest()
