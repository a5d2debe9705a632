"""What was understood of manuscripts, as a tree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text
from rich.tree import Tree

from seqctx.prepare.book_summary import ChapterSummary, odd_places
from seqctx.prepare.left_out import account_line, left_out_lines
from seqctx.prepare.structure import Book, Doubt
from seqctx.system.visible import visible_line

_SHOWN = 20  # odd places of one book; --json has all


def book_tree(book: Book, chapters: Sequence[ChapterSummary]) -> Tree:
    """Parts, chapters and scenes with their words."""
    tree = Tree(_line(f"{book.title}: {book.words:,} words"))
    branches: dict[tuple[str, ...], Tree] = {(): tree}
    for chapter in chapters:
        for depth in range(1, len(chapter.parts) + 1):
            if chapter.parts[:depth] not in branches:
                above = branches[chapter.parts[: depth - 1]]
                branches[chapter.parts[:depth]] = above.add(_line(chapter.parts[depth - 1]))
        branches[chapter.parts].add(_line(_chapter(chapter)))
    return tree


def book_lines(book: Book, chapters: Sequence[ChapterSummary]) -> Iterator[str]:
    """How chapters were found, what was left out, and where to look."""
    if book.chapter_reason:
        yield book.chapter_reason
    yield from left_out_lines(book.left_out)
    if line := account_line(book.account):
        yield line
    yield from _odd(odd_places(book, chapters))


def _chapter(chapter: ChapterSummary) -> str:
    scenes = chapter.scenes
    inside = f", {len(scenes)} scenes ({', '.join(f'{n:,}' for n in scenes[:6])}"
    inside += ", ...)" if len(scenes) > 6 else ")"
    return f"{chapter.title}: {chapter.words:,} words{inside if len(scenes) > 1 else ''}"


def _odd(places: Sequence[Doubt]) -> Iterator[str]:
    for doubt in places[:_SHOWN]:
        where = f"{doubt.place:,}: " if doubt.place else ""
        yield f"look at {where}{doubt.fact}"
    if len(places) > _SHOWN:
        yield f"{len(places) - _SHOWN:,} more places to look at: see --json or --html"


def _line(text: str) -> Text:
    return Text(visible_line(text), overflow="ellipsis", no_wrap=True)
