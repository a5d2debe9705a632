"""Pages of HTML that programs and sites save: one file each."""

from __future__ import annotations

import codecs
import posixpath
import re
from pathlib import Path

from seqctx.errors import InputError
from seqctx.prepare.readers.blocks import MOST_CHARACTERS, Block, below_title, bounded
from seqctx.prepare.readers.document import page_blocks
from seqctx.prepare.readers.elements import Links
from seqctx.prepare.readers.encodings import decoded
from seqctx.prepare.readers.html import Page
from seqctx.prepare.readers.looks import with_usual_looks
from seqctx.prepare.readers.pictures import PICTURE_START, size_of_picture
from seqctx.prepare.readers.sheets import LARGEST_SHEET, Sheets
from seqctx.system.regular_file import open_file, read_file

_START = 4096  # bytes in which a page names its encoding
_CHARSET = re.compile(rb"<(?:meta\b[^>]{0,500}?\bcharset|\?xml\b[^>]{0,200}?\bencoding)"
                      rb"\s*=\s*[\"']?\s*([\w:.-]{1,40})", re.I)  # fmt: skip
_LATIN = {"iso8859-1", "ascii"}  # what browsers read as Windows' encoding
_TAG = re.compile(r"<[a-z!?/]", re.I)


def webpage_blocks(path: Path) -> tuple[list[Block], str]:
    """The blocks of a page of HTML, and its encoding.

    Style sheets and pictures are looked at where they lie in the page's folder or below it.

    Raises:
        InputError: when it is binary, in an unknown encoding, holds no mark-up, or is nested too
            deep.
    """
    text, encoding = _decoded(path, read_file(path, most=MOST_CHARACTERS))
    if not _TAG.search(text):
        raise InputError(f"{path}: holds no HTML. Rename it to .txt if it is plain text.")
    sheets = Sheets(lambda name: _beside(path, name).decode("utf-8", "replace"))
    page = Page(Links(path.name), sheets, lines=True)
    found = page_blocks(text.encode(), str(path), page, as_web_page=True)
    blocks = with_usual_looks(
        list(bounded(found, path)), lambda name: size_of_picture(_beside(path, name))
    )
    return below_title(page.title, blocks), encoding


def _decoded(path: Path, raw: bytes) -> tuple[str, str]:
    """The text of a page, in the encoding that it names, or that its bytes are in."""
    named = _CHARSET.search(raw[:_START])
    if named and not raw.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            name = codecs.lookup(named[1].decode("ascii", "replace")).name
            name = "cp1252" if name in _LATIN else name
            if not name.startswith(("utf-16", "utf-32", "utf-7")):
                text = raw.decode(name)
                if "\0" not in text:
                    return text.replace("\r\n", "\n"), name
        except (LookupError, UnicodeError):
            pass
    return decoded(path, raw)


def _beside(path: Path, name: str) -> bytes:
    """The start of a file beside a page; nothing where it is not there, or elsewhere."""
    if name.startswith(("/", "..")) or ":" in name or posixpath.isabs(name):
        return b""
    beside = path.parent / name
    try:
        if beside.is_symlink() or not beside.is_file():
            return b""
        with open_file(beside) as stream:
            return stream.read(LARGEST_SHEET if name.endswith(".css") else PICTURE_START)
    except (OSError, ValueError, InputError):
        return b""
