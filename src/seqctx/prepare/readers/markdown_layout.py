"""How a Markdown file lays out its paragraphs, as far as CommonMark would read them otherwise."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain, groupby, islice

from seqctx.prepare.readers.heading_lines import is_heading
from seqctx.prepare.readers.lines import each_line, ends_sentence
from seqctx.prepare.readers.marks import mark_of

_LINES = 20_000  # of a file tell its habits
_ENDS = 0.9  # where so many of the lines end a sentence, each line is a paragraph
_BLANK = 0.1  # of the places between its lines have an empty line where each line is a paragraph
_RATHER_BLANK = 0.25  # of the places, at most, where an empty line may part scenes
_SEVERAL = 0.25  # of the lines hold several sentences, where more empty lines lie between them
_READ = 1_000  # characters of a line, to find a second sentence
_HABIT = 3  # places
_FEW = 4  # lines below each other tell no habit
_INDENTED = 0.3  # of the paragraphs
_LONG = 60  # characters of a line that is no verse
_SENTENCES = re.compile(r"[.!?…][\"”’»*_)]{0,3} {1,2}[\"“‘«*_(—–-]{0,3}[^\W\d_]|[。！？][^」』”]")
_BARE = re.compile(r"#{1,6}[^\W_a-z][^\s#]*")
_INDENTS = ("  ", "\t", "\u3000", "\u2003", "\u00a0", "&emsp;", "&ensp;", "&nbsp;")
_IMAGE = re.compile(
    r"!\[[^\[\]\n]{0,300}\]\(\s*<?([^\s()<>]{1,500})|!\[\[([^\[\]|\n]{1,300})"
    r"|<img\s[^<>]{0,500}?src=[\"']?([^\s\"'<>]{1,500})"
)


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file lays out its paragraphs.

    Attributes:
        each_line: each line is a paragraph: no empty lines divide them.
        indented: paragraphs begin with white space, which means no code.
        usual_blank: how many empty lines between paragraphs mean nothing.
        bare_headings: headings have no space after their ``#``.
        pictures: addresses of pictures, and how often each comes.
    """

    each_line: bool = False
    indented: bool = False
    usual_blank: int = 1
    bare_headings: bool = False
    pictures: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> Layout:
        """The layout of a file's text."""
        counts = _Counts()
        previous = following = ""
        lines = islice(each_line(text), _LINES)
        for following in lines:
            counts.line(previous, following)
            previous = following
        counts.line(previous, "")
        pictures: Counter[str] = Counter()
        if "![" in text or "<img" in text:
            pictures.update(next(filter(None, m.groups())) for m in _IMAGE.finditer(text))
        return cls(
            counts.each_line(), counts.indented(), counts.usual_blank(), counts.bare, pictures
        )


class _Counts:
    """Counts lines of text: below each other, apart, indented."""

    def __init__(self) -> None:
        self._last = ""  # the line of text above, where only empty lines lie between
        self._blank = 1  # empty lines above
        self._twice = 0  # places with two empty lines between paragraphs
        self._headings = self._bare = 0
        self._fenced = False
        self._below = self._apart = self._ends = self._several = 0
        self._starts = self._indented_starts = 0
        self._indents = self._indents_after_sentence = 0

    def line(self, line: str, following: str) -> None:
        """Count one line."""
        words = line.strip()
        if not words:
            self._blank += 1
            return
        if words.startswith("```"):
            self._fenced = not self._fenced
        if self._fenced or words[0] in "#>|:=<`" or not any(map(str.isalnum, words[:200])):
            self._headings += words.startswith(("# ", "## ", "### "))
            self._bare += bool(self._blank and not following.strip() and _BARE.fullmatch(words))
            self._last, self._blank = "", 1
            return
        self._several += bool(_SENTENCES.search(words[:_READ]))
        if self._last and not self._blank:
            self._count_below(line)
        else:
            self._apart += bool(self._last)
            self._twice += bool(self._last) and self._blank == 2
            self._starts += 1
            verse = len(words) < _LONG and following.strip() and following[:1].isspace()
            self._indented_starts += line.startswith(("\t", "    ")) and not verse
        self._last, self._blank = line, 0

    def _count_below(self, line: str) -> None:
        """Count a line right below another."""
        above = self._last.rstrip(" \\")
        ends = ends_sentence(above)
        self._below += 1
        self._ends += ends
        if line.startswith(_INDENTS):
            self._indents += 1
            self._indents_after_sentence += ends

    def each_line(self) -> bool:
        """Whether each line is a paragraph.

        Where empty lines divide paragraphs, lines that end with a sentence are the habit of those
        who write a sentence a line: these lines hold one each.
        """
        if self._below < _FEW or self._ends < _ENDS * self._below:
            return False
        return self._apart_in(_BLANK) or self._several >= _SEVERAL * (self._below + self._starts)

    def _apart_in(self, share: float) -> bool:
        """Whether empty lines divide lines of text in no more than this share of the places."""
        return self._apart <= share * (self._below + self._apart)

    def usual_blank(self) -> int:
        """How many empty lines mean nothing: two do where they come seldom, by chance."""
        if self.each_line() and self._apart_in(_RATHER_BLANK):
            return 0
        return 1 if self._twice >= _HABIT else 2

    @property
    def bare(self) -> bool:
        """Whether headings have no space after their signs; else ``#words`` are tags."""
        return self._bare > 1 and not self._headings

    def indented(self) -> bool:
        """Whether paragraphs begin with white space."""
        inner = self._indents if self._indents_after_sentence >= 0.8 * self._indents else 0
        indented = self._indented_starts + inner
        return indented > 1 and indented >= _INDENTED * (self._starts + inner)


def divided(content: str, layout: Layout) -> list[str]:
    """The paragraphs of what CommonMark reads as one.

    Also a line that is a chapter's heading is one, though its text begins in the next line, and a
    line that is a mark between scenes, where the other lines are prose.
    """
    if "\n" not in content:
        return [content]
    lines = content.split("\n")
    if layout.each_line:
        return [line.strip().removesuffix("\\") for line in lines]
    if len(content) > _LONG * (len(lines) - 1) and any(map(_is_mark, lines)):
        parts = chain.from_iterable(
            part if is_mark else ["\n".join(part)] for is_mark, part in groupby(lines, _is_mark)
        )
        return [paragraph for part in parts for paragraph in divided(part, layout)]
    found = [[lines[0]]]
    indents = [line.startswith(_INDENTS) for line in lines[1:]]
    if layout.indented and (not all(indents) or _mostly_ends(lines)):
        for line, starts in zip(lines[1:], indents, strict=True):
            if starts:
                found.append([line])
            else:
                found[-1].append(line)
    else:
        found[0] += lines[1:]
    first = found[0][0].strip().strip("*_").strip()
    if len(found[0]) > 1 and len(first) <= _LONG and is_heading(first):
        bold = found[0][0].strip().startswith(("**", "__"))
        rest = found[0][1].lstrip("“\"'‘«*_—- ")
        if bold or (not first.isdigit() and not rest[:1].islower()):
            found[:1] = [found[0][:1], found[0][1:]]
    return ["\n".join(part).strip() for part in found]


def _is_mark(line: str) -> bool:
    return mark_of(line) == "sure"


def _mostly_ends(lines: list[str]) -> bool:
    """Whether most lines but the last end a sentence."""
    return sum(map(ends_sentence, lines[:-1])) >= 0.8 * (len(lines) - 1)
