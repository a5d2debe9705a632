"""A page with the text of a manuscript as it was understood, for its writer to check."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from seqctx.prepare.book_summary import ChapterSummary, chapter_summaries, odd_places
from seqctx.prepare.left_out import account_line, left_out_lines
from seqctx.prepare.structure import Book, Doubt, Span


@dataclass(frozen=True, slots=True)
class PageBook:
    """One book of the page.

    Attributes:
        book: the manuscript.
        chapters: what the list at the side and the headings show.
        left_out: a line for each part that was left out.
        account: where the words of the file went.
        odd: places to look at.
        kinds: where a paragraph that is a ``heading`` or a ``break`` starts.
    """

    book: Book
    chapters: Sequence[ChapterSummary]
    left_out: Sequence[str]
    account: str
    odd: Sequence[Doubt]
    kinds: Mapping[int, str]

    @classmethod
    def of(cls, book: Book) -> PageBook:
        """What the page shows of a book."""
        chapters = chapter_summaries(book)
        return cls(
            book, chapters, list(left_out_lines(book.left_out)),
            account_line(book.account), odd_places(book, chapters),
            {b.start: "break" for b in book.scene_breaks}
            | {h.start: "heading" for h in book.headings},
        )  # fmt: skip

    def new_parts(self, k: int) -> list[tuple[int, str]]:
        """The depth and title of each part that begins with chapter k."""
        before = self.chapters[k - 1].parts if k else ()
        found = []
        for depth, title in enumerate(self.chapters[k].parts):
            if before[: depth + 1] != self.chapters[k].parts[: depth + 1]:
                found.append((depth + 1, title))
        return found

    def paragraphs(self, k: int) -> Iterator[tuple[str, str]]:
        """What stands in chapter k: ``heading``, ``break`` or ``p``, and its text."""
        book, chapter = self.book, self.chapters[k]
        first = bisect_left(book.paragraphs, chapter.start, key=_start)
        last = bisect_left(book.paragraphs, chapter.end, key=_start)
        for span in book.paragraphs[first:last]:
            yield self.kinds.get(span.start, "p"), book.text[span.start : span.end]


def book_page(books: Sequence[Book]) -> str:
    """The page of some books as HTML, with no script.

    Raises:
        InputError: without jinja2.
    """
    from seqctx.report.page import rendered

    title = books[0].title if len(books) == 1 else f"{len(books)} manuscripts"
    return rendered("book.html", title=title, books=[PageBook.of(book) for book in books])


def _start(span: Span) -> int:
    return span.start
