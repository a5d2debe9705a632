"""One file of any kind to blocks: which reader reads which kind, and what to do with the others."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from seqctx.prepare.readers.blocks import MOST_CHARACTERS, Block, bounded
from seqctx.prepare.readers.refused_kinds import refusal
from seqctx.prepare.readers.ruby import blocks_without_readings
from seqctx.system.regular_file import read_file

_MARKDOWN = (".md", ".markdown", ".mdown", ".mkd", ".mkdn", ".mdx", ".qmd", ".rmd")
_PAGES = (".html", ".htm", ".xhtml")
_WORD = (".docx", ".docm", ".dotx")
UNPACKED = (".txt", ".text", *_MARKDOWN, ".nwd", ".fountain", ".spmd")
"""Files of characters without a packing."""
KINDS = (*UNPACKED, *_PAGES, *_WORD, ".epub", ".odt", ".ott", ".fodt", ".rtf")
"""Suffixes of the files that can be read."""


def file_blocks(path: Path) -> tuple[list[Block], str]:
    """The blocks of one file, and the encoding of its characters.

    Raises:
        InputError: when it cannot be read, is of another kind, damaged, locked or binary.
    """
    blocks, encoding = _blocks_of(path)
    return blocks if path.suffix.lower() in UNPACKED else blocks_without_readings(blocks), encoding


def _blocks_of(path: Path) -> tuple[list[Block], str]:
    """The blocks of one file, with readings of characters in its text.

    The library of a kind is imported when a file of it is read.

    Raises:
        InputError: when it cannot be read, is of another kind, damaged, locked or binary.
    """
    kind = path.suffix.lower()
    if kind in UNPACKED:
        return _plain(path, kind)
    if kind in _WORD:
        from seqctx.prepare.readers.word import word_blocks

        return word_blocks(path), ""
    if kind in (".odt", ".ott"):
        from seqctx.prepare.readers.opendocument import odt_blocks

        return odt_blocks(path), ""
    if kind == ".fodt":
        from seqctx.prepare.readers.opendocument import fodt_blocks

        return fodt_blocks(path), ""
    if kind == ".rtf":
        from seqctx.prepare.readers.rtf import rtf_blocks

        return rtf_blocks(path), ""
    if kind == ".epub":
        from seqctx.prepare.readers.epub import epub_blocks

        return epub_blocks(path), ""
    if kind in _PAGES:
        from seqctx.prepare.readers.webpage import webpage_blocks

        return webpage_blocks(path)
    raise refusal(path)


def _plain(path: Path, kind: str) -> tuple[list[Block], str]:
    """Blocks of a file of characters, and its encoding."""
    from seqctx.prepare.readers.encodings import decoded

    text, encoding = decoded(path, read_file(path, most=MOST_CHARACTERS))
    if text.startswith("{\\rtf"):  # whatever its name says
        from seqctx.prepare.readers.rtf import rtf_blocks

        return rtf_blocks(path), ""
    return list(bounded(text_blocks_of(text, kind), path)), encoding


def text_blocks_of(text: str, kind: str) -> Iterable[Block]:
    """Blocks of a text of some kind."""
    if kind in _MARKDOWN:
        from seqctx.prepare.readers.markdown import markdown_blocks

        return markdown_blocks(text)
    if kind == ".nwd":
        from seqctx.prepare.readers.novelwriter import novelwriter_blocks

        return novelwriter_blocks(text)
    if kind in (".fountain", ".spmd"):
        from seqctx.prepare.readers.fountain import fountain_blocks

        return fountain_blocks(text)
    from seqctx.prepare.readers.text import text_blocks

    return text_blocks(text)
