"""Headings that only the whole file shows: numbers that count up, dates, names that come again.

"Chapter 7" is a heading wherever it stands alone. Other lines are headings where the lines of their
form count 1, 2, 3 with text between them, or where they divide a text without other chapters.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from statistics import median

from seqctx.prepare.readers.blocks import Block, plain, plain_line
from seqctx.prepare.readers.dates import is_date
from seqctx.prepare.readers.heading_lines import EDGES, heading_line, is_heading
from seqctx.prepare.readers.lines import (
    LONGEST_TITLE,
    HeadingLine,
    ends_sentence,
    is_in_title_case,
    is_title,
    is_wide,
)
from seqctx.prepare.readers.marks import mark_of
from seqctx.prepare.readers.numerals import folded

_LONGEST = 300  # characters of a paragraph that can be a heading
_WIDE = 2.5  # as many Latin characters say what a Chinese one says
_APART = 250  # characters between two headings, or two paragraphs
_LEAST = 40  # characters between two numbers
_TOP = 1_500  # characters before the first heading: a title page, a motto
_MOTTO = 300  # characters before the first line in capitals
_LONGEST_CHAPTER = 90_000  # characters, on average
_STEP = 2  # numbers that count up may leave out one
_TITLED = 0.75  # of the numbers have a title below them: so have all
_RANKS = {"part": 1, "chapter": 2, "scene": 3, "": 2}
_SECTION = 4
_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")


def headings_by_words(blocks: Sequence[Block]) -> dict[int, int]:
    """The paragraphs of a file that are headings by their words, and by how they count.

    Args:
        blocks: of the whole file, with the headings that it declares.

    Returns:
        The number of each, and its depth: 0 for parts, 1 for chapters, 2 for scenes, 3 below.
    """
    file = _File(blocks)
    file.accept_certain()
    file.accept_counted()
    file.accept_titles_below()
    return file.depths()


def headings_by_regularity(blocks: Sequence[Block]) -> dict[int, int]:
    """The paragraphs that divide a text of which nothing else tells the chapters.

    They are dates, names that come again, lines in capitals, lines with more space above, or titles
    in lines of their own.

    Args:
        blocks: of the whole file, with the headings that are known.

    Returns:
        The number of each, and its depth, which is 1; nothing where other headings open chapters.
    """
    file = _File(blocks)
    file.accept_certain()
    if file.has_chapters():
        return {}
    known = set(file.ranks)
    file.accept_first([file.dates, file.names, file.capitals, file.set_apart, file.plain_titles])
    return {k: depth for k, depth in file.depths().items() if k not in known}


def as_headings(block: Block, level: int) -> Iterator[Block]:
    """A paragraph as headings: one, or a number and the title in the lines below it."""
    first, *below = plain(block).split("\n", 1)
    line = heading_line(first)
    texts = [plain(block)] if line and line.title else [first, *below]
    for n, text in enumerate(texts):
        yield replace(
            block, kind="heading", text=" ".join(text.split()), emphasis=(), level=level,
            gap=block.gap if n == 0 else 0, is_found=True,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Member:
    """A line that is a heading if the others of its form are."""

    at: int
    number: int


def _is_within(runs: Sequence[Sequence[_Member]], opens: Sequence[int]) -> bool:
    """Whether numbers count within a few of the chapters that begin at some blocks."""
    inside = {tuple(bisect_left(opens, member.at) for member in run) for run in runs}
    chapters = {each for of in inside for each in of}
    is_inner = all(len(set(of)) == 1 for of in inside)
    return is_inner and 0 not in chapters and len(chapters) * 2 <= len(opens)


def _ends_statement(text: str) -> bool:
    return ends_sentence(text) and text.rstrip()[-1] not in ":："


class _File:
    """The blocks of a file, and which of them are headings."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self.blocks = blocks
        self.ranks: dict[int, int] = {}  # of headings, by their block
        self.certain: list[int] = []  # blocks of headings of chapters that words or marks declare
        self.lines: dict[int, HeadingLine] = {}
        self.short: dict[int, str] = {}  # paragraphs of one line that may be headings
        story = [b.kind == "paragraph" and not b.left_out for b in blocks]
        sizes = [
            len(b.text) * (_WIDE if is_wide(b.text[:1]) else 1) if s else 0
            for b, s in zip(blocks, story, strict=True)
        ]
        self._sizes = array("d", accumulate(sizes, initial=0))
        self._paragraphs = array("i", accumulate(story, initial=0))
        for k, block in enumerate(blocks):
            if (story[k] or block.kind == "heading") and len(block.text) <= _LONGEST:
                self._read(k, block)

    def _read(self, k: int, block: Block) -> None:
        text, *below = plain(block).split("\n")
        if len(below) > 3:
            return
        line = heading_line(text)
        longest = _LONGEST if line and line.is_certain else LONGEST_TITLE
        title = " ".join(below)
        if below and line and not line.title and is_title(title, longest=longest):
            line = replace(line, form=(*line.form, "below"), title=title)
        elif below:
            goes_on = line and line.title and not any(map(heading_line, below))
            whole = " ".join([line.title, *below]) if line and goes_on else ""
            if not line or not is_title(whole):
                return
            line = replace(line, title=whole)
        if line:
            self.lines[k] = line
        if block.kind == "paragraph" and not below:
            self.short[k] = text.strip()

    def accept_certain(self) -> None:
        """Headings that the file declares, or that words tell alone."""
        found = {
            k: line.unit if line and line.is_certain else "chapter"
            for k, block in enumerate(self.blocks)
            if (line := self.lines.get(k)) and line.is_certain or block.kind == "heading"
        }
        titles = {k for k in found if self._is_title_of(k - 1, found)}
        numbered = {k for k in found if self._form(k) != ("alone",) and k not in titles}
        over = any(found[k] == "chapter" for k in numbered)  # acts, if any
        for k, unit in found.items():
            self.ranks[k] = _RANKS[unit] if unit or not over else _RANKS["part"]
            if k in titles:
                self.ranks[k] = self.ranks[k - 1]
            elif k in numbered and self.ranks[k] == _RANKS["chapter"]:
                self.certain.append(k)

    def _is_title_of(self, number: int, found: Mapping[int, str]) -> bool:
        """Whether a heading without a number stands below one that is only a number."""
        line, title = self.lines.get(number), self.lines.get(number + 1)
        bare = line is not None and line.number is not None and not line.title
        below = self.blocks[number + 1].kind == "heading" and not (title and title.is_certain)
        return number in found and bare and below

    def has_chapters(self) -> bool:
        """Whether there are headings of chapters, beside prologues and the like."""
        numbered = (k for k, rank in self.ranks.items() if rank == _RANKS["chapter"])
        return any(self._form(k) != ("alone",) for k in numbered)

    def _form(self, k: int) -> tuple[str, ...]:
        return self.lines[k].form if k in self.lines else ()

    # --- numbers ---

    def accept_counted(self) -> None:
        """Lines of one form that count up."""
        forms: dict[tuple[str, ...], list[_Member]] = defaultdict(list)
        for k, line in self.lines.items():
            if line.number is None or line.is_certain or k in self.ranks:
                continue
            if not is_date(self.short.get(k, "")):
                forms[line.form].append(_Member(k, line.number))
        letters = ((k, text) for k, text in self.short.items() if text in _LETTERS)
        forms[("letter",)] = [_Member(k, ord(text) - 64) for k, text in letters]
        groups = [
            (form, runs) for form, of in forms.items() if (runs := self._runs(form, of))
        ]  # fmt: skip
        counted = {form for form, runs in groups if self._may_count(form, runs)}
        # "Tale VI. Fog", "VII. Rain": numbers of one form go on where those of another end
        ends = {runs[-1][-1].number + 1: runs[-1][-1].at for f, runs in groups if f in counted}
        groups = [
            (form, runs)
            for form, runs in groups
            if form in counted or ends.get(runs[0][0].number, runs[0][0].at) < runs[0][0].at
        ]
        sizes = [sum(map(len, runs)) for _, runs in groups]
        most = max(
            (n for (_, runs), n in zip(groups, sizes, strict=True) if len(runs) > 1), default=0
        )
        titled = sorted(
            m.at for _, runs in groups for run in runs for m in run if self._has_title(m.at)
        )
        for (form, runs), size in zip(groups, sizes, strict=True):
            rank = _SECTION if len(self.certain) > 1 and not self._is_above(runs) else _RANKS[""]
            if size * 2 <= most and rank == _RANKS[""]:
                rank = _RANKS["part"]  # the largest of those that start again from 1 lies below
            if form[0] == "number" and _is_within(runs, titled):
                rank = _RANKS["scene"]
            self.ranks |= {member.at: rank for run in runs for member in run}
        if not groups and not self.ranks:
            self._accept_lone_number(forms)

    def _has_title(self, k: int) -> bool:
        return k in self.lines and bool(self.lines[k].title)

    def _accept_lone_number(self, forms: dict[tuple[str, ...], list[_Member]]) -> None:
        """One number in a file without other headings."""
        lone = [of[0].at for form, of in forms.items() if form[0] == "number" and len(of) == 1]
        if len(lone) == 1 and is_heading(self.short.get(lone[0], "")):
            self.ranks[lone[0]] = _RANKS[""]

    def _runs(self, form: tuple[str, ...], members: Sequence[_Member]) -> list[list[_Member]]:
        """The runs of members that count up, without lists and tables of contents."""
        runs: list[list[_Member]] = []
        for member in members:
            last = runs[-1][-1].number if runs else 0
            before = runs[-2][-1].number if len(runs) > 1 else 0
            if runs and last < member.number <= last + _STEP:
                runs[-1].append(member)
            elif len(runs) > 1 and len(runs[-1]) == 1 and 0 < member.number - before <= _STEP:
                runs.pop()  # a word that looks like a number
                runs[-1].append(member)
            else:
                runs.append([member])
        loose = form[0] == "number" and form[1] in ("digits", "roman", "chinese")
        good = [
            run
            for run in runs
            if len(run) >= (2 if run[0].number <= 1 and form != ("letter",) else 3)
            and self._are_apart([member.at for member in run], loose=loose)
        ]
        if good:  # a part with one chapter
            good += [run for run in runs if len(run) == 1 and run[0].number == 1]
        return sorted(good, key=lambda run: run[0].at)

    def _may_count(self, form: tuple[str, ...], runs: Sequence[Sequence[_Member]]) -> bool:
        """Whether runs are headings beside the certain ones."""
        if len(self.certain) < 2:
            return form[0] == "number" or self._is_at_top(runs[0][0].at, runs)
        if self._is_above(runs):
            return True
        chapters = {self._chapter_of(member.at) for run in runs for member in run}
        if form[0] == "number" and form[1] != "word":
            return len(chapters) > 1 or any(len(run) > 2 for run in runs)
        if form[0] == "word":
            return len(chapters) > 1
        return len(chapters) > 1 and len({self._chapter_of(run[0].at) for run in runs}) > 1

    def _is_above(self, runs: Sequence[Sequence[_Member]]) -> bool:
        """Whether all runs come before the first certain heading, as letters before chapter 1."""
        return runs[-1][-1].at < self.certain[0]

    def _chapter_of(self, at: int) -> int:
        """How many certain headings come before a block."""
        return bisect_left(self.certain, at)

    def _is_at_top(self, first: int, runs: Sequence[Sequence[_Member]]) -> bool:
        """Whether the text begins with a heading, as far as it is long."""
        between = [self._size(a.at, b.at) for run in runs for a, b in pairwise(run)]
        return self._sizes[first] <= max(_TOP, 2 * max(between, default=0))

    def _size(self, a: int, b: int) -> float:
        """The characters between two blocks."""
        return self._sizes[b] - self._sizes[a + 1]

    def _are_apart(self, at: Sequence[int], *, loose: bool = False) -> bool:
        """Whether there is text between headings, as in no list and no play."""
        paragraphs = [self._paragraphs[b] - self._paragraphs[a + 1] for a, b in pairwise(at)]
        if not paragraphs or sum(not p for p in paragraphs) * 10 > len(paragraphs):
            return False
        sizes = [self._size(a, b) for a, b in pairwise(at)]
        if loose:
            return median(sizes) >= _LEAST
        return median(paragraphs) >= 2 or median(sizes) >= _APART

    # --- what divides a text without numbers ---

    def accept_first(self, kinds: Sequence[Callable[[], list[int]]]) -> None:
        """The first kind of lines that divides the text."""
        for kind in kinds:
            at = kind()
            parts = [k for k, rank in self.ranks.items() if rank == _RANKS["part"]]
            if not {k + 1 for k in parts} <= set(at):
                continue  # each part begins with a chapter
            if len(at) > 1 and self._are_apart(at) and self._divide(at):
                self.ranks |= dict.fromkeys(at, _RANKS["chapter"])
                return

    def _divide(self, at: Sequence[int]) -> bool:
        """Whether lines divide the whole text: from the top on, and into chapters of usual size."""
        first = min([at[0], *self.ranks])
        return self._sizes[first] <= _TOP and self._sizes[-1] <= _LONGEST_CHAPTER * len(at)

    def depths(self) -> dict[int, int]:
        """The headings that the file does not declare, with their depths."""
        own = ((k, rank) for k, rank in self.ranks.items() if self.blocks[k].kind == "paragraph")
        return {k: rank - 1 for k, rank in own}

    def dates(self) -> list[int]:
        """Lines that are only a date, as in a diary."""
        return [k for k, text in self.short.items() if k not in self.ranks and is_date(text)]

    def names(self) -> list[int]:
        """Names that come again, of who tells or sees what follows."""
        found = [k for k in self._alone() if len(self.short[k].split()) < 5]
        for of in ([k for k in found if self.short[k].isupper()], found):
            times = Counter(folded(self.short[k]) for k in of)
            again = sum(count for count in times.values() if count > 1)
            if len(of) > 2 and again * 2 >= len(of):
                return of
        return []

    def capitals(self) -> list[int]:
        """Lines in capitals, the first at the top: cries and signs stand within the story."""
        found = [k for k in self._alone() if self.short[k].isupper() and len(self.short[k]) > 2]
        first = min([*found[:1], *self.ranks], default=0)
        return found if len(found) > 2 and self._sizes[first] <= _MOTTO else []

    def set_apart(self) -> list[int]:
        """Titles with more than the usual space above, if no others have it."""
        found = [k for k in self._alone() if self.blocks[k].gap]
        spaced = sum(bool(self.blocks[k].gap) for k in range(1, len(self.blocks)))
        return found if len(found) > 2 and len(found) * 2 > spaced else []

    def plain_titles(self) -> list[int]:
        """Different titles, the first at the top, each below the end of a sentence and above text.

        A name below a letter, or words of a sign, stand below a comma or a colon.
        """
        found = self._alone()
        texts = {folded(self.short[k]) for k in found}
        if len(found) < 3 or len(texts) < len(found) or self._sizes[found[0]] > _MOTTO:
            return []
        above = (self.blocks[k - 1] for k in found[1:])
        below = (self._size(a, b) for a, b in pairwise([*found[1:], len(self.blocks)]))
        ended = all(b.kind == "break" or _ends_statement(plain(b)) for b in above)
        return found if ended and min(below) >= _APART else []

    def _alone(self) -> list[int]:
        """Short lines that are no sentence, no speech and no mark between scenes."""
        return [
            k
            for k, text in self.short.items()
            if k not in self.ranks
            and text[-1:] not in ".!?…:"
            and is_title(text.strip(EDGES))
            and is_in_title_case(text)
            and mark_of(text) is None
            and self.blocks[k].kind == "paragraph"
        ]

    # --- titles ---

    def accept_titles_below(self) -> None:
        """Titles in the paragraph below a number, where most numbers have one."""
        numbers = [
            k
            for k in self.ranks
            if k in self.lines and self.lines[k].number is not None and not self.lines[k].title
            and k + 1 < len(self.blocks) and k + 1 not in self.ranks
        ]  # fmt: skip
        titles = [k + 1 for k in numbers if self._is_title_below(k + 1)]
        names = set(self.names())
        if len(names) > len(titles) and all(self.ranks[k - 1] == _RANKS["part"] for k in titles):
            titles = [k for k in titles if k not in names]  # they open the chapters of the parts
        titles = [k for k in titles if self.ranks[k - 1] != _RANKS["part"] or not self._dated(k)]
        if len(titles) > 1 and len(titles) >= len(numbers) * _TITLED:
            self.ranks |= {k: self.ranks[k - 1] for k in titles}

    def _dated(self, k: int) -> bool:
        return is_date(self.short.get(k, ""))

    def _is_title_below(self, k: int) -> bool:
        text = plain_line(self.blocks[k]) if len(self.blocks[k].text) < 200 else ""
        follows = k + 1 < len(self.blocks) and self.blocks[k + 1].kind == "paragraph"
        story = self.blocks[k].kind == "paragraph" and not self.blocks[k].left_out
        return story and follows and is_title(text) and mark_of(text) is None
