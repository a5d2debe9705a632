"""Book > chapter > scene > paragraph, as spans over one normalized text."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import overload

from seqctx.artifacts.manifest import Account, LeftOut, SkippedFile

_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Span:
    """Characters ``text[start:end]`` of a book."""

    start: int
    end: int


class Spans(Sequence[Span]):
    """Spans as two columns: 8 bytes for each, where an object takes ten times as many."""

    def __init__(self, spans: Iterable[Span]) -> None:
        """Keep what an iterable gives."""
        self._starts, self._ends = array("i"), array("i")
        for span in spans:
            self._starts.append(span.start)
            self._ends.append(span.end)

    def __len__(self) -> int:
        """How many spans."""
        return len(self._starts)

    @overload
    def __getitem__(self, at: int) -> Span: ...
    @overload
    def __getitem__(self, at: slice) -> list[Span]: ...
    def __getitem__(self, at: int | slice) -> Span | list[Span]:
        """A span, or some."""
        if isinstance(at, slice):
            return list(map(Span, self._starts[at], self._ends[at]))
        return Span(self._starts[at], self._ends[at])

    def __eq__(self, other: object) -> bool:
        """Whether the spans are the same, in the same order."""
        return (
            isinstance(other, Sequence)
            and len(self) == len(other)
            and all(a == b for a, b in zip(self, other, strict=True))
        )

    def __hash__(self) -> int:
        """As that of a tuple of the spans."""
        return hash(tuple(self))

    def __repr__(self) -> str:
        """As a tuple of the spans is shown."""
        return repr(tuple(self))


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter: its heading, if it has one, its scene breaks and all that follows.

    Attributes:
        title: of its heading.
        span: its text.
        part: title of the innermost part that it lies in; empty where the book has none.
    """

    title: str
    span: Span
    part: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a book, with its heading and all its chapters.

    Attributes:
        title: of its heading.
        span: its text, to the next part of its depth or above.
        depth: 1 for the parts of the book, 2 for the parts of those, and so on.
    """

    title: str
    span: Span
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Doubt:
    """A place of a manuscript that can be read in two ways: a writer should look at it.

    Attributes:
        place: its line or its paragraph's number in the file; 0 where that is unknown.
        fact: what stands there, and how it was read.
    """

    place: int
    fact: str


@dataclass(frozen=True)
class Book:
    """One manuscript.

    Attributes:
        path: where it was read from.
        title: its first top-level heading, the title that the file declares, or the file's name.
        text: the normalized text; every span counts its characters. Emphasis is written with
            Markdown's asterisks, whatever the file's format.
        chapters: in order; together they cover every paragraph. A text without headings is one.
            An answer that goes to a chapter's end is trained to end there.
        paragraphs: headings and scene breaks are paragraphs too.
        scene_breaks: the paragraphs that only separate two scenes.
        headings: the paragraphs that are headings, of whatever level.
        emphasis: emphasized words, without their asterisks.
        left_out: what is not the story and not in the text.
        account: where the words of the file went.
        encoding: of the file's characters; empty where the file's format fixes it.
        doubts: places that can be read in two ways.
        parts: what several chapters form, in order; parts may have parts themselves.
        scene_headings: the headings below the chapters' level that open a scene.
        chapter_level: level of the headings that open the chapters, 1 the highest; None where the
            file has no headings.
        chapter_reason: why these headings open the chapters, as a sentence.
        skipped: files of a project that could not be read, where the caller allowed that.
    """

    path: str
    title: str
    text: str
    chapters: tuple[Chapter, ...]
    paragraphs: Sequence[Span]
    scene_breaks: tuple[Span, ...]
    headings: tuple[Span, ...] = ()
    emphasis: tuple[Span, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    encoding: str = ""
    account: Account = Account()
    doubts: tuple[Doubt, ...] = ()
    parts: tuple[Part, ...] = ()
    scene_headings: tuple[Span, ...] = ()
    chapter_level: int | None = None
    chapter_reason: str = ""
    skipped: tuple[SkippedFile, ...] = ()

    @cached_property
    def words(self) -> int:
        """Words, as white space separates them."""
        return sum(1 for _ in _WORD.finditer(self.text))

    @property
    def scenes(self) -> tuple[Span, ...]:
        """The stretches between scene breaks, headings of scenes and chapter ends."""
        scenes = []
        # a scene ends at a break, which is no part of it, and at a heading, which is of the next
        edges = sorted(
            [(mark.start, mark.end) for mark in self.scene_breaks]
            + [(heading.start, heading.start) for heading in self.scene_headings]
        )
        for chapter in self.chapters:
            start, end = chapter.span.start, chapter.span.end
            for stop, next_start in edges[
                bisect_left(edges, (start,)) : bisect_left(edges, (end,))
            ]:
                scenes.append(Span(start, stop))
                start = next_start
            scenes.append(Span(start, end))
        return tuple(s for s in scenes if self.text[s.start : s.end].strip())
