"""Whether the files of a folder are the chapters of one book, or a book each: by evidence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from statistics import median
from typing import Literal

from seqctx.artifacts.manifest import ReadFolder
from seqctx.errors import InputError
from seqctx.prepare.readers.account import words_in
from seqctx.prepare.readers.blocks import Block
from seqctx.prepare.readers.chapters import with_headings_found
from seqctx.prepare.readers.files import KINDS
from seqctx.prepare.readers.front_matter import leave_out
from seqctx.prepare.readers.heading_words import unit_of
from seqctx.prepare.readers.projects.names import has_order
from seqctx.prepare.readers.projects.open import project_of
from seqctx.prepare.readers.projects.plain import plain_folder
from seqctx.prepare.readers.projects.reading import document_blocks, names_chapter
from seqctx.prepare.readers.projects.tree import FolderFiles, Node, all_nodes

_SAMPLE = 8  # documents that are read to decide
_WHOLE_BOOK = 40_000  # words; chapters have fewer
_MANY_CHAPTERS = 5
_MOST_BYTES = 20_000_000  # of a document that is read to decide; no chapter has more
_BOOKS = re.compile(
    r"(?i)\W*\d*\W*(?:book|buch|livre|libro|livro|volume|vol|band|tome|tom|книга|том)\b"
)
_OWN_PAGES = frozenset(("title page", "imprint", "licence", "contents"))


def folder_reading(
    files: FolderFiles, choice: Literal["auto", "one book", "many books"]
) -> ReadFolder | None:
    """How a folder is read, and why; None where it holds fewer than two texts.

    Args:
        files: of the folder.
        choice: what the user set.

    Raises:
        InputError: when the file of a project is damaged.
    """
    path = str(files.path)
    if choice == "one book":
        return ReadFolder(path=path, is_one_book=True, reason="seqctx.prepare.folders says so")
    if _holds_program(files) or choice == "auto":
        if project := project_of(files):
            reason = f"it is a project of {project.program} ({project.order})"
            return ReadFolder(path=path, is_one_book=True, reason=reason)
    texts = [name for name in files.names() if _is_text(name)]
    if len(texts) < 2:
        return None
    if choice == "many books":
        return ReadFolder(path=path, is_one_book=False, reason="seqctx.prepare.folders says so")
    against = _against_one_book(files, texts)
    reason = against or "its files are numbered or named as chapters"
    return ReadFolder(path=path, is_one_book=not against, reason=reason)


def _holds_program(files: FolderFiles) -> bool:
    """Whether the folder's files are no books in any case: those of Scrivener and novelWriter."""
    names = (name.lower() for name in files.names() if "/" not in name)
    return any(name.endswith((".scrivx", ".nwx")) for name in names)


def _is_text(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix.lower() in KINDS and not path.name.startswith((".", "~$"))


def _against_one_book(files: FolderFiles, texts: Sequence[str]) -> str:
    """Why the files of a folder are books of their own; empty where they are chapters."""
    if any(name.lower().endswith(".epub") for name in texts):
        return "it holds .epub files, which are whole books"
    nodes = plain_folder(files).nodes
    if not _is_ordered(nodes):
        return "the names of its files say no order"
    names = [node.file for node in all_nodes(nodes) if node.file]
    if all(_BOOKS.match(PurePosixPath(name).stem) for name in names):
        return "its files are named as books"
    step = max(1, len(names) // _SAMPLE)
    sample = [_blocks(files, name) for name in names[::step][:_SAMPLE]]
    found = [blocks for blocks in sample if blocks is not None]
    parts = sum(unit_of(node.title) == "part" for node in all_nodes(nodes) if node.file)
    if found and median(map(words_in, found)) > _WHOLE_BOOK * (1 + (parts * 2 > len(names))):
        return "its files are as long as whole books"
    if found and median(map(_chapters, found)) >= _MANY_CHAPTERS and parts * 2 <= len(names):
        return "its files have many chapters each"
    if _have_own_titles(found):
        return "its files have titles and chapters of their own"
    if found and sum(map(_has_own_pages, found)) * 2 > len(found):
        return "its files have title pages of their own"
    return ""


def _is_ordered(nodes: Sequence[Node]) -> bool:
    """Whether the names of files and folders, at each level, say in which order they come."""
    if not nodes:
        return False
    names = [PurePosixPath(node.file).stem if node.file else node.name for node in nodes]
    ordered = sum(map(has_order, names))
    if ordered * 5 < len(names) * 4 or ordered < min(2, len(names)):
        return False
    return all(_is_ordered(node.children) for node in nodes if node.children)


def _blocks(files: FolderFiles, name: str) -> list[Block] | None:
    """The blocks of a document; None where it cannot be read."""
    try:
        if files.place(name).stat().st_size > _MOST_BYTES:
            return None
        return with_headings_found(document_blocks(files, name)[0])
    except (InputError, OSError):
        return None


def _chapters(blocks: Sequence[Block]) -> int:
    """How many headings may open chapters: those of the level that has several, or named so."""
    heads = [b for b in blocks if b.kind == "heading" and not b.left_out]
    named = sum(unit_of(head.text) == "chapter" for head in heads)
    top = min((head.level for head in heads), default=0)
    return max(named, sum(head.level == top for head in heads))


def _have_own_titles(documents: Sequence[Sequence[Block]]) -> bool:
    """Whether most documents are headed by a book's title, with several chapters below it.

    A book's title is one that other documents have, too, or one over headings such as "Chapter 3".
    """
    titles = [next((b.text for b in blocks if b.kind == "title"), "") for blocks in documents]
    count = 0
    for title, blocks in zip(titles, documents, strict=True):
        heads = [b.text for b in blocks if b.kind == "heading" and not b.left_out]
        named = sum(map(names_chapter, heads))
        is_book = titles.count(title) > 1 or named * 2 > len(heads)
        count += bool(title) and unit_of(title) == "" and len(heads) > 1 and is_book
    return count * 2 > len(documents)


def _has_own_pages(blocks: Sequence[Block]) -> bool:
    """Whether a document has a title page, an imprint or contents."""
    _, parts = leave_out(blocks)
    return any(part.kind in _OWN_PAGES for part in parts)
