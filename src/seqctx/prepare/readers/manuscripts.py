"""Manuscripts from files: one normalized text with its structure, whatever the format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from seqctx.config.blocks import Chapters, Prepare
from seqctx.errors import InputError
from seqctx.prepare.readers.account import account_of
from seqctx.prepare.readers.assembly import assemble
from seqctx.prepare.readers.blocks import Block
from seqctx.prepare.readers.chapters import with_headings_found
from seqctx.prepare.readers.declared import with_plausible_declarations
from seqctx.prepare.readers.files import file_blocks
from seqctx.prepare.readers.front_matter import leave_out
from seqctx.prepare.readers.projects.left_out_files import (
    left_out_of,
    nothing_to_read,
    with_left_out,
)
from seqctx.prepare.readers.projects.open import is_project, opened
from seqctx.prepare.readers.projects.reading import project_text
from seqctx.prepare.readers.scene_breaks import between_scenes, with_scene_breaks
from seqctx.prepare.readers.scene_marks import with_marks
from seqctx.prepare.structure import Book, Doubt
from seqctx.system.arguments import expect_type
from seqctx.system.atomic import explain_os_errors


def read_manuscript(
    path: str | Path,
    *,
    keep_front_and_back_matter: bool = False,
    chapters: Chapters | Mapping[str, Any] | None = None,
    skip_bad: bool = False,
) -> Book:
    """Read one manuscript: a file, a folder of its chapters, or a project of a writer's program.

    Args:
        path: a file of a kind in `files.KINDS`, such as .md, .txt, .docx, .odt, .rtf, .html or
            .epub; a folder with one book; the project of Scrivener, novelWriter, Manuskript,
            mdBook and others.
        keep_front_and_back_matter: keep title pages, contents, imprints, notes, licences.
        chapters: which headings open chapters, ``{"level": 2}`` or ``{"pattern": "Chapter .*"}``,
            as ``seqctx.prepare.chapters`` in a config file; None: it follows from their words,
            levels and sizes.
        skip_bad: leave out the files of a folder that cannot be read, instead of an error.

    Raises:
        InputError: when it cannot be read, is of another kind, damaged, locked, binary or empty;
            when it is plain text in an unknown encoding, or in UTF-8 with a few wrong bytes; when
            ``path`` is no path, a package is missing, or no heading is as ``chapters`` says.
    """
    expect_type("path", path, (str, Path), "Name a file with text, or a folder of its chapters.")
    path = Path(path)
    try:
        return _book(path, keep_front_and_back_matter, _choice(chapters), skip_bad)
    except MemoryError:
        raise InputError(
            f"{path}: this machine has too little memory to read it. Divide it into several files."
        ) from None
    except RecursionError:
        raise InputError(f"{path}: is nested too deep to be read. Save it again.") from None


def read_as_configured(path: Path, settings: Prepare, *, skip_bad: bool = False) -> Book:
    """Read one manuscript as ``seqctx.prepare`` of a config file says.

    Raises:
        InputError: as `read_manuscript`.
    """
    return read_manuscript(
        path,
        keep_front_and_back_matter=bool(settings.keep_front_and_back_matter),
        chapters=settings.chapters,
        skip_bad=skip_bad,
    )


def _choice(chapters: Chapters | Mapping[str, Any] | None) -> Chapters | None:
    """Which headings open chapters, checked.

    Raises:
        InputError: when it is neither a level nor a pattern.
    """
    remedy = 'Pass {"level": 2} or {"pattern": "Chapter .*"}.'
    if chapters is None or isinstance(chapters, Chapters):
        return chapters
    expect_type("chapters", chapters, (Chapters, dict), remedy)
    try:
        return Chapters(**chapters)
    except (ValidationError, TypeError):
        raise InputError(
            f"chapters: no level and no pattern (got {chapters!r}). {remedy}"
        ) from None


def _book(
    path: Path, keep_front_and_back_matter: bool, chapters: Chapters | None, skip_bad: bool
) -> Book:
    if is_project(path):
        return _project_book(path, keep_front_and_back_matter, chapters, skip_bad)
    with explain_os_errors(path):
        read, encoding = file_blocks(path)
    parted, marks = with_marks(with_plausible_declarations(read))
    headed, gaps = with_scene_breaks(with_headings_found(parted, chapters))
    title = _title(headed) or path.stem
    found = _Found(
        path, title, encoding, read, parted, headed, sorted([*marks, *gaps], key=lambda d: d.place)
    )
    return _of_blocks(found, keep_front_and_back_matter, chapters)


def _project_book(
    path: Path, keep_front_and_back_matter: bool, chapters: Chapters | None, skip_bad: bool
) -> Book:
    """A folder, or another project of many files, as one book.

    Raises:
        InputError: with a line for each file that cannot be read.
    """
    with explain_os_errors(path), opened(path) as (project, files):
        if not project.files:
            raise nothing_to_read(path, project)
        text = project_text(project, files)
        if text.bad and not (skip_bad and text.blocks):
            raise InputError(*(file.problem for file in text.bad))
        asides = list(left_out_of(project, files, text))
    # a mark may recur in the book, and not in a file
    parted, _ = with_marks(with_plausible_declarations(text.blocks))
    headed = with_headings_found(parted, chapters) if chapters or project.chapter_level else parted
    name = path.resolve().name if path.is_dir() else path.stem
    title = _title(headed) or project.title or name
    encoding = ", ".join(text.encodings)
    found = _Found(path, title, encoding, text.blocks, parted, headed, text.doubts)
    book = None
    if text.level and not chapters:
        with suppress(InputError):  # no heading of the level stays, as where all are a title page
            book = _of_blocks(found, keep_front_and_back_matter, Chapters(level=text.level))
            book = replace(book, chapter_reason=text.reason)
    book = book or _of_blocks(found, keep_front_and_back_matter, chapters)
    return replace(with_left_out(book, asides), skipped=tuple(text.bad))


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found in a manuscript: its blocks, as read, with scenes parted, with headings."""

    path: Path
    title: str
    encoding: str
    read: list[Block]
    parted: list[Block]
    headed: list[Block]
    doubts: list[Doubt]


def _of_blocks(found: _Found, keep_front_and_back_matter: bool, chapters: Chapters | None) -> Book:
    """The book that the blocks of a manuscript make."""
    path, title = found.path, found.title
    titled = _untitled([b for b in found.headed if b.kind != "title"], title)
    story, left_out = leave_out(titled, title, keep=keep_front_and_back_matter)
    kept = between_scenes(_untitled(story, title))  # now that front matter is gone
    if not any(b.text.strip() for b in kept):
        raise InputError(f"{path}: is empty. Put text in it, or move it out of the folder.")
    account = account_of(found.read, found.parted, titled, story, kept, left_out)
    doubtful = {doubt.place for doubt in found.doubts}
    places = {0, *(block.place for block in kept if block.place in doubtful)}
    doubts = [doubt for doubt in found.doubts if doubt.place in places]
    return assemble(str(path), title, kept, left_out, found.encoding, account, doubts, chapters)


def _title(blocks: Sequence[Block]) -> str:
    """The title that a manuscript declares, in one line; empty where it declares none."""
    titles = (" ".join(block.text.split()) for block in blocks if block.kind == "title")
    return next(filter(None, titles), "")


def _is_above_heading(blocks: Sequence[Block], k: int) -> bool:
    """Whether a lower heading stands right below a heading."""
    below = blocks[k + 1] if k + 1 < len(blocks) else None
    return below is not None and below.kind == "heading" and below.level > blocks[k].level


def _untitled(blocks: list[Block], title: str) -> list[Block]:
    """Blocks without headings above the first chapter that repeat the title.

    Further down, a heading with the same words is a chapter's or a story's; so is the only heading.
    """

    def says(block: Block) -> bool:
        return block.kind == "heading" and block.text.casefold() == title.casefold()

    blocks = [b for b in blocks if not (b.left_out and says(b))]  # on a page for it alone
    running = [k for k, b in enumerate(blocks) if says(b)]
    if len(running) > 1 and all(_is_above_heading(blocks, k) for k in running):
        return [b for b in blocks if not says(b)]  # a program wrote it on each page
    top = next((k for k, b in enumerate(blocks) if not says(b) and not b.left_out), len(blocks))
    if all(block.kind != "heading" for block in blocks[top:]):
        return blocks
    return [*(b for b in blocks[:top] if not says(b)), *blocks[top:]]
