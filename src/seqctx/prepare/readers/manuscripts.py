"""Manuscripts from files: one normalized text with its structure, whatever the format."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from seqctx.errors import InputError
from seqctx.prepare.readers.blocks import MOST_CHARACTERS, Block, assemble, bounded
from seqctx.prepare.readers.chapters import with_headings_found
from seqctx.prepare.readers.front_matter import leave_out
from seqctx.prepare.readers.scene_breaks import with_scene_breaks
from seqctx.prepare.structure import Book
from seqctx.system.arguments import expect_type
from seqctx.system.atomic import explain_os_errors
from seqctx.system.regular_file import entries_below, read_file

KINDS = (".txt", ".md", ".markdown", ".docx", ".epub", ".odt")
_GLOB = re.compile(r"[*?\[]")


def find_manuscripts(places: tuple[str, ...]) -> list[Path]:
    """The manuscripts that files, folders and globs name, each once, sorted within a place.

    Hidden files, and lock files of office programs, are not manuscripts.

    Raises:
        InputError: when a place is not there, cannot be read or holds none, or when a file's name
            is not valid UTF-8.
    """
    found: dict[Path, None] = {}
    for place in places:
        with explain_os_errors(place):
            found |= dict.fromkeys(_named(place))
    if not found:
        raise InputError(
            "seqctx.prepare.manuscripts: names no file. List a file or a folder with your text."
        )
    for path in map(str, found):
        if any("\udc80" <= c <= "\udcff" for c in path):  # how Python writes such a byte
            raise InputError(f"{ascii(path)}: the file's name is not valid UTF-8. Rename the file.")
    return list(found)


def _named(place: str) -> list[Path]:
    """The manuscripts that one file, folder or glob names."""
    path = Path(place)
    if path.is_dir():
        inside = _manuscripts(_files(path), path)
        if not inside:
            raise InputError(
                f"{place}: this folder holds no manuscript. Put a .txt, .md, .docx, .epub or .odt "
                "file in it."
            )
        return inside
    if path.exists():
        return [path]
    if not _GLOB.search(place):
        raise InputError(
            f"{place}: no such file or folder. Correct the path in seqctx.prepare.manuscripts."
        )
    _refuse_endless(path)
    top = Path(path.anchor or ".")
    try:
        inside = _manuscripts(top.glob(str(path.relative_to(path.anchor))), top)
    except ValueError as error:  # pathlib's, when ** is only a part of a name
        raise InputError(f"{place}: not a valid pattern ({error}). Correct it.") from None
    if not inside:
        raise InputError(f"{place}: the pattern matches no manuscript. Correct it.")
    return inside


def _refuse_endless(pattern: Path) -> None:
    """Refuse a glob that would search the whole machine, or more than 100,000 files and folders.

    Raises:
        InputError: when it would.
    """
    parts = pattern.parts
    first = next(k for k, part in enumerate(parts) if _GLOB.search(part))
    levels = None if "**" in parts else len(parts) - first
    for _ in entries_below(Path(*parts[:first]), levels=levels, on_error=lambda error: None):
        pass


def _files(folder: Path) -> Iterator[Path]:
    """All files below a folder.

    Raises:
        InputError: when there are more than 100,000.
        OSError: when a folder cannot be read.
    """
    for below, folders, names in entries_below(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (below / name for name in names)


def _manuscripts(paths: Iterable[Path], top: Path) -> list[Path]:
    """Files of a kind that can be read, in the order in which people count them."""
    return sorted(
        (
            p
            for p in paths
            if p.suffix.lower() in KINDS
            and p.is_file()
            and not any(
                part.startswith((".", "~$")) and part != ".." for part in p.relative_to(top).parts
            )
        ),
        key=_natural,
    )


def _natural(path: Path) -> list[tuple[str, int]]:
    """Sorts ``chapter2`` before ``chapter10``, and both before ``epilogue``."""
    return [(text, int(d or 0)) for text, d in re.findall(r"(\D*)(\d*)", str(path))]


def read_manuscript(path: str | Path, *, keep_front_and_back_matter: bool = False) -> Book:
    """Read one manuscript: .txt, .md, .docx, .epub or .odt.

    Args:
        path: the file.
        keep_front_and_back_matter: keep title pages, contents, imprints, notes, licences.

    Raises:
        InputError: when it cannot be read, is of another kind, damaged, locked, binary or empty;
            when it is plain text in an unknown encoding, or in UTF-8 with a few wrong bytes; when
            ``path`` is no path, or a package is missing.
    """
    expect_type("path", path, (str, Path), "Name a .txt, .md, .docx, .epub or .odt file.")
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in KINDS:
        raise InputError(
            f"{path}: this kind of file cannot be read. Save it as .md, .txt, .docx, .odt or .epub."
        )
    try:
        return _book(path, kind, keep_front_and_back_matter)
    except MemoryError:
        raise InputError(
            f"{path}: this machine has too little memory to read it. Divide it into several files."
        ) from None
    except RecursionError:
        raise InputError(f"{path}: is nested too deep to be read. Save it again.") from None


def _book(path: Path, kind: str, keep_front_and_back_matter: bool) -> Book:
    encoding = ""
    with explain_os_errors(path):
        if kind in (".txt", ".md", ".markdown"):
            blocks, encoding = _plain(path, kind)
        else:
            blocks = _packed(kind)(path)
    blocks = with_headings_found(with_scene_breaks(blocks))
    title = next((b.text for b in blocks if b.kind == "title" and b.text), path.stem)
    blocks = _untitled([b for b in blocks if b.kind != "title"], title)
    kept, left_out = (blocks, ()) if keep_front_and_back_matter else leave_out(blocks, title)
    kept = _untitled(kept, title)  # now that front matter is gone
    if not any(b.text.strip() for b in kept):
        raise InputError(f"{path}: is empty. Put text in it, or move it out of the folder.")
    return assemble(str(path), title, kept, left_out, encoding)


def _untitled(blocks: list[Block], title: str) -> list[Block]:
    """Blocks without headings above the first chapter that repeat the title.

    Further down, a heading with the same words is a chapter's or a story's; so is the only heading.
    """

    def says(block: Block) -> bool:
        return block.kind == "heading" and block.text.casefold() == title.casefold()

    blocks = [b for b in blocks if not (b.left_out and says(b))]  # on a page for it alone
    top = next((k for k, b in enumerate(blocks) if not says(b) and not b.left_out), len(blocks))
    if all(block.kind != "heading" for block in blocks[top:]):
        return blocks
    return [*(b for b in blocks[:top] if not says(b)), *blocks[top:]]


def _plain(path: Path, kind: str) -> tuple[list[Block], str]:
    """Blocks of a text or Markdown file, and its encoding."""
    from seqctx.prepare.readers.markdown import markdown_blocks
    from seqctx.prepare.readers.text import decoded, text_blocks

    text, encoding = decoded(path, read_file(path, most=MOST_CHARACTERS))
    blocks = text_blocks(text) if kind == ".txt" else markdown_blocks(text)
    return list(bounded(blocks, path)), encoding


def _packed(kind: str) -> Callable[[Path], list[Block]]:
    """The reader of a zipped format; its library is imported here."""
    if kind == ".docx":
        from seqctx.prepare.readers.word import word_blocks

        return word_blocks
    if kind == ".odt":
        from seqctx.prepare.readers.opendocument import odt_blocks

        return odt_blocks
    from seqctx.prepare.readers.epub import epub_blocks

    return epub_blocks
