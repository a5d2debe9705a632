"""Paragraphs that look like headings: by their style's name, their looks and their regularity."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice, pairwise
from statistics import median

from seqctx.prepare.readers.account import amount
from seqctx.prepare.readers.blocks import Block, plain
from seqctx.prepare.readers.heading_words import heads_no_chapter, is_front_line, is_outer

_LONGEST = 120  # characters of a heading
_LARGE, _VERY_LARGE = 1.15, 1.4  # beside the usual size of characters
_NEAR_WORDS, _NEAR_SHARE = 60, 0.03  # so much text at most stands before the first heading,
_FRONT_WORDS = 600  # and in long books, too
_MOST_WORDS = 15_000  # from one heading to the next, on average
_FRONT_BLOCKS = 50  # among which the first chapter begins
_LEAST_WORDS = 40  # from one heading to the next, usually
_TITLES = (
    r"chap(?:ter)?s?|chap\w*(?:title|num(?:ber)?|head\w*)|heading|head|title|ct|cn|h[1-6]|titre"
    r"|titel|t[ií]tulo|titolo|kapitel\w*|chapitre|cap[ií]tulo|capitolo|rozdzia[lł]\w*|hoofdstuk\w*"
    r"|глава|заголовок|\w*überschrift\w*|kop|nag[lł]ówek"
)
_PARTS, _SCENES = (
    r"part|partie|teil|part\w*(?:title|head\w*)",
    r"scene|szene|scene\w*(?:title|head\w*)",
)
# "chapter title", "kapitelüberschrift", "ct", "h2": not "subtitle", "header"
_STYLE = re.compile(rf"(?:^|[\W_\d])(?:{_TITLES}|{_PARTS}|{_SCENES})(?:$|[\W_\d])")
_PART_STYLE = re.compile(rf"(?:^|[\W_\d])(?:{_PARTS})(?:$|[\W_\d])")
_SCENE_STYLE = re.compile(rf"(?:^|[\W_\d])(?:{_SCENES})(?:$|[\W_\d])")
_CHAPTER_STYLE = re.compile(r"chap|kapitel|cap[ií]t|глава|rozdzia|hoofdstuk")
_OTHER_STYLE = re.compile(
    r"sub-?ti|untertitel|sous-titre|author|autor|running|caption|legende|toc|first|text|body"
)
_STOP = re.compile(r"[.,;:…。，；：、\"”»’'」』)\]*~–—-]$")
_CRY = re.compile(r"[!?！？]$")
_WORD = re.compile(r"\w")

Depth = int
"""0 for a part, 1 for a chapter, 2 for a scene."""


def _could_be_heading(block: Block) -> bool:
    """Whether a paragraph is short, part of the story and no link."""
    return (
        block.kind == "paragraph"
        and not block.left_out
        and not block.is_linked
        and len(block.text) <= _LONGEST
        and block.text.count("\n") < 3
    )


def headings_by_look(
    blocks: Sequence[Block], declared: Collection[int], by_words: Collection[int]
) -> dict[int, Depth]:
    """The paragraphs that look like headings.

    Args:
        blocks: of a whole file.
        declared: the numbers of the headings of chapters that the file declares.
        by_words: the numbers of the paragraphs that are headings by their words.

    Returns:
        The number of each, and its depth.
    """
    book = _Book(blocks, declared, by_words)
    found: dict[int, Depth] = {}
    for kind in book.kinds():
        if book.is_heading_kind(kind):
            found |= dict.fromkeys(kind.members, kind.depth)
    return found


@dataclass(frozen=True, slots=True)
class _Kind:
    """Short paragraphs that look alike.

    Attributes:
        members: their numbers.
        style: what the name of their style says: nothing, that they are headings (1), or that they
            are headings of chapters (2).
        score: how many signs of a heading they show.
        depth: of the headings that they are.
    """

    members: list[int]
    style: int
    score: int
    depth: Depth


class _Book:
    """The paragraphs of a file, to find headings among them."""

    def __init__(
        self, blocks: Sequence[Block], declared: Collection[int], by_words: Collection[int]
    ) -> None:
        self.blocks, self.declared, self.by_words = blocks, set(declared), set(by_words)
        known = ((k, plain(blocks[k])) for k in self.declared | self.by_words)
        self.known = {k for k, text in known if not is_outer(text)}
        self.before = [0, *accumulate(amount(block.text) for block in blocks)]
        headings = (k for k, b in enumerate(blocks) if b.kind == "heading" and not b.left_out)
        self.first = min([*self.known, *islice(headings, 1)], default=len(blocks))
        self.declared_looks = {_shape(blocks[k]) for k in declared}

    def kinds(self) -> list[_Kind]:
        """Short paragraphs by their look."""
        longer: Counter[tuple[object, ...]] = Counter()
        short: dict[tuple[object, ...], list[int]] = defaultdict(list)
        for k, block in enumerate(self.blocks):
            if block.kind != "paragraph" or block.left_out:
                continue
            look = (block.look.style, *_shape(block))
            if _could_be_heading(block) and not block.is_quoted:
                short[look].append(k)
            else:
                longer[look] += 1
        return [self._kind(members, longer[look]) for look, members in short.items()]

    def _kind(self, members: list[int], longer: int) -> _Kind:
        """What paragraphs that look alike show.

        Where longer paragraphs look so, too, only those on new pages count.
        """
        style = self.blocks[members[0]].look.style
        as_body = longer * 5 > len(members)
        if as_body:
            members = [k for k in members if self.blocks[k].look.new_page]
        members = [k for k in members if _may_be_title(plain(self.blocks[k]))]
        if not members:
            return _Kind([], 0, 0, 1)
        blocks = [self.blocks[k] for k in members]
        if as_body and members:
            members = [*self._first_line(members), *members]
        styled = not as_body and bool(_STYLE.search(style)) and not _OTHER_STYLE.search(style)
        score = 2 * _most(block.look.new_page for block in blocks)
        score += _most(b.gap > 2 or b.look.space_above >= 2 for b in blocks)
        if not as_body:
            look = blocks[0].look
            score += look.centred + look.bold + (look.size >= _LARGE) + (look.size >= _VERY_LARGE)
        return _Kind(
            members,
            styled * (2 if _CHAPTER_STYLE.search(style) else 1),
            score,
            (0 if _PART_STYLE.search(style) else 2 if _SCENE_STYLE.search(style) else 1)
            if styled
            else 1,
        )

    def _first_line(self, members: Sequence[int]) -> list[int]:
        """The first chapter's heading, which no new page precedes: the line before the text."""
        shape = _shape(self.blocks[members[0]])
        above: list[int] = []
        for k, block in enumerate(self.blocks[: min(members[0], _FRONT_BLOCKS)]):
            if not _could_be_heading(block) or _STOP.search(plain(block).strip()):
                alike = above and _shape(self.blocks[above[0]]) == shape
                far = self.before[members[0]] - self.before[k] >= _LEAST_WORDS
                return above if alike and far and self._is_near_start(above[0]) else []
            above = [k]
        return []

    def is_heading_kind(self, kind: _Kind) -> bool:
        """Whether paragraphs that look alike are headings."""
        members = kind.members
        if not members:
            return False
        texts = [plain(self.blocks[k]).strip() for k in members]
        stops = sum(bool(_STOP.search(text)) for text in texts)
        if kind.style:
            beside = sum(k - 1 in self.known or k + 1 in self.known for k in members)
            if len(self.known) > 1 and kind.style == 1 and beside * 2 < len(members):
                return False  # a title of something inside a chapter
            return stops * 3 <= len(members) and (kind.style == 2 or len(members) > 1)
        if stops * 5 > len(members) or not kind.score:
            return False
        named = sum(k in self.by_words for k in members)
        if named > 1 and named * 2 >= len(members):
            return True
        alike = _shape(self.blocks[members[0]]) in self.declared_looks
        return self._are_regular(kind, alike)

    def _are_regular(self, kind: _Kind, as_declared: bool) -> bool:
        """Whether paragraphs without a heading's style come as regularly as headings do.

        Args:
            kind: the paragraphs.
            as_declared: whether the headings that the file declares look like them.
        """
        members = kind.members
        opening = self._opening(members)
        sizes = self._sizes(opening)
        if median(sizes) < _LEAST_WORDS:
            return False
        cries = any(_CRY.search(plain(self.blocks[k]).strip()) for k in members)
        near = self._is_near_start(min(opening[0], self.first))
        if len(self.known) > 1:
            return len(opening) > 1 and kind.score > (1 if as_declared else 2) and not cries
        if kind.score > 2:
            return len(opening) > 1 and (near or len(opening) > 2)
        if cries or not near or sum(sizes) > _MOST_WORDS * len(sizes):
            return False
        if kind.score == 2 and (self.declared or self._is_near_start(opening[0])):
            return len(opening) > 1
        return len(opening) > 2 and min(sizes) * 2 >= _LEAST_WORDS

    def _opening(self, members: Sequence[int]) -> list[int]:
        """The first of each run of paragraphs in a row, which make one heading."""
        return [members[0], *(b for a, b in pairwise(members) if b - a > 1)]

    def _sizes(self, opening: Sequence[int]) -> list[int]:
        """Words from each heading to the next."""
        edges = [*opening, len(self.blocks)]
        return [self.before[b] - self.before[a] for a, b in pairwise(edges)]

    def _is_near_start(self, k: int) -> bool:
        """Whether hardly any text stands before a block."""
        words = min(_FRONT_WORDS, _NEAR_SHARE * self.before[-1])
        return self.before[k] <= max(_NEAR_WORDS, words)


def _shape(block: Block) -> tuple[bool, bool, float]:
    """How a paragraph looks, whatever its style is called."""
    return block.look.centred, block.look.bold, round(block.look.size, 1)


def _most(flags: Iterable[bool]) -> bool:
    """Whether most of some flags are set; of two, one may be that of the first page."""
    found = list(flags)
    return sum(found) * 2 > len(found) or sum(found) * 2 == len(found) > 1


def _may_be_title(text: str) -> bool:
    """Whether a line's words may be those of a heading."""
    return bool(_WORD.search(text)) and not heads_no_chapter(text) and not is_front_line(text)
