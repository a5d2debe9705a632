"""What was understood of a manuscript, for its writer to check: a tree, and odd places."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from seqctx.prepare.structure import Book, Doubt, Span

_SHORT, _LONG = 1 / 10, 6  # of the usual length of a chapter
_FEW = 6  # chapters have no usual length below so many
_NUMBER = re.compile(r"\D{0,20}?(\d{1,4})\b")


@dataclass(frozen=True, slots=True)
class ChapterSummary:
    """One chapter.

    Attributes:
        title: of its heading.
        parts: titles of the parts that it lies in, the outermost first.
        words: of its text.
        scenes: words of each scene.
        start: its first character in the book's text.
        end: one past its last.
    """

    title: str
    parts: tuple[str, ...]
    words: int
    scenes: tuple[int, ...]
    start: int
    end: int


def chapter_summaries(book: Book) -> list[ChapterSummary]:
    """The chapters of a book, in order, with the words of their scenes."""
    scenes = book.scenes
    starts = [scene.start for scene in scenes]
    headings = [heading.start for heading in book.headings]
    found = []
    for chapter in book.chapters:
        start, end = chapter.span.start, chapter.span.end
        inside = scenes[bisect_left(starts, start) : bisect_left(starts, end)]
        words = tuple(_words(book, scene) for scene in inside)
        # what stands before a chapter's headings, such as a motto, may stand before its part
        at = headings[min(bisect_left(headings, start), len(headings) - 1)] if headings else start
        at = at if at < end else start
        above = [part for part in book.parts if part.span.start <= at < part.span.end]
        titles = tuple(part.title for part in sorted(above, key=lambda part: part.depth))
        found.append(
            ChapterSummary(chapter.title, titles, _words(book, chapter.span), words, start, end)
        )
    return found


def odd_places(book: Book, chapters: Sequence[ChapterSummary]) -> list[Doubt]:
    """Places to look at: those that the readers doubt, and chapters unlike the others."""
    return [*book.doubts, *_odd_chapters(chapters)]


def book_data(book: Book) -> dict[str, Any]:
    """What was understood, as JSON: spans count the characters of ``Book.text``."""
    chapters = chapter_summaries(book)
    return {
        "path": book.path,
        "title": book.title,
        "words": book.words,
        "encoding": book.encoding,
        "chapter_level": book.chapter_level,
        "chapter_reason": book.chapter_reason,
        "parts": [
            {"title": p.title, "depth": p.depth, "start": p.span.start, "end": p.span.end}
            for p in book.parts
        ],
        "chapters": [asdict(chapter) for chapter in chapters],
        "scene_breaks": [{"start": b.start, "end": b.end} for b in book.scene_breaks],
        "left_out": [part.model_dump() for part in book.left_out],
        "account": book.account.model_dump(),
        "odd_places": [asdict(doubt) for doubt in odd_places(book, chapters)],
        "skipped": [file.model_dump() for file in book.skipped],
    }


def _words(book: Book, span: Span) -> int:
    return len(book.text[span.start : span.end].split())


def _odd_chapters(chapters: Sequence[ChapterSummary]) -> Iterator[Doubt]:
    """Chapters of unusual length, of one title, or with a number that follows none."""
    if len(chapters) >= _FEW:
        usual = median(chapter.words for chapter in chapters)
        for chapter in chapters:
            if chapter.words < usual * _SHORT or chapter.words > usual * _LONG:
                yield Doubt(
                    0,
                    f"chapter “{chapter.title}” has {chapter.words:,} words; "
                    f"half of the chapters have {usual:,.0f} or more.",
                )
    for (parts, title), times in Counter((c.parts, c.title) for c in chapters).items():
        if times > 1:
            where = f" in “{parts[-1]}”" if parts else ""
            yield Doubt(0, f"{times} chapters{where} have the title “{title}”.")
    last: tuple[tuple[str, ...], int, str] | None = None
    for chapter in chapters:
        match = _NUMBER.match(chapter.title)
        if not match:
            continue
        number = int(match[1])
        # in a new part, numbers may begin with 1 again
        if last and last[0] == chapter.parts and number not in (last[1], last[1] + 1, 1):
            yield Doubt(0, f"“{last[2]}” is followed by “{chapter.title}”.")
        last = (chapter.parts, number, chapter.title)
