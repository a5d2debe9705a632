"""Book > chapter > scene > paragraph, as spans over one normalized text."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property

from seqctx.artifacts.manifest import LeftOut

_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Span:
    """Characters ``text[start:end]`` of a book."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter: its heading, if it has one, its scene breaks and all that follows."""

    title: str
    span: Span


@dataclass(frozen=True)
class Book:
    """One manuscript.

    Attributes:
        path: where it was read from.
        title: its first top-level heading, the title that the file declares, or the file's name.
        text: the normalized text; every span counts its characters. Emphasis is written with
            Markdown's asterisks, whatever the file's format.
        chapters: in order; together they cover every paragraph. A text without headings is one.
        paragraphs: headings and scene breaks are paragraphs too.
        scene_breaks: the paragraphs that only separate two scenes.
        headings: the paragraphs that are headings.
        emphasis: emphasized words, without their asterisks.
        left_out: front and back matter that is not in the text.
        encoding: of the file's characters; empty where the file's format fixes it.
    """

    path: str
    title: str
    text: str
    chapters: tuple[Chapter, ...]
    paragraphs: tuple[Span, ...]
    scene_breaks: tuple[Span, ...]
    headings: tuple[Span, ...] = ()
    emphasis: tuple[Span, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    encoding: str = ""

    @cached_property
    def words(self) -> int:
        """Words, as white space separates them."""
        return sum(1 for _ in _WORD.finditer(self.text))

    @property
    def scenes(self) -> tuple[Span, ...]:
        """The stretches between scene breaks and chapter ends."""
        scenes = []
        starts = [mark.start for mark in self.scene_breaks]
        for chapter in self.chapters:
            start, end = chapter.span.start, chapter.span.end
            marks = slice(bisect_left(starts, start), bisect_left(starts, end))
            for mark in self.scene_breaks[marks]:
                scenes.append(Span(start, mark.start))
                start = mark.end
            scenes.append(Span(start, end))
        return tuple(s for s in scenes if self.text[s.start : s.end].strip())
