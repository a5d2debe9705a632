"""Titles that the contents of an EPUB give to places in it, for chapters without a heading."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from seqctx.prepare.readers.account import amount
from seqctx.prepare.readers.blocks import Block, plain, plain_line
from seqctx.prepare.readers.elements import Picture
from seqctx.prepare.readers.heading_lines import is_heading
from seqctx.prepare.readers.lines import letters_and_digits

_NEAR = 4  # blocks in which a heading may come, from the place that a title names
_FEW_WORDS = 60  # a dedication or motto; a chapter has more
_LINES = 3  # that one title may take: a number, a title, a subtitle
_NO_CHAPTER = re.compile(  # names of pages, and what programs call a part that has no name
    r"(?i)(?:the )?(?:front |back )?(?:cover|title ?page|half ?title(?: page)?|start|begin(?:ning)?"
    r"|begin reading|start reading|unknown|untitled|body|text|main|table of contents|contents"
    r"|copyright(?: page)?|imprint|landmarks"
    r"|umschlag|titelseite|inhalt(?:sverzeichnis)?|impressum|couverture|page de titre|sommaire"
    r"|table des matières|portada|cubierta|índice|copertina|frontespizio|indice|capa|omslag"
    r"|okładka|обложка|титульный лист|содержание|оглавление|表紙|目次|封面|目录|版权页)"
    r"|(?:part|index|text|section|split|chapter|file|page)?[-_]?\d{3,}(?:[-_]\w{1,20})?"
    r"|\S{1,60}\.x?html?"
)


class Label(NamedTuple):
    """A title in the contents, how deep it stands there (1 the highest), and where it leads."""

    text: str
    depth: int
    document: str
    fragment: str = ""


Items = list["Block | Picture"]


@dataclass
class Labels:
    """The contents of a book.

    Attributes:
        all: every title, in order.
        title: of the book.
    """

    all: Sequence[Label] = ()
    title: str = ""
    _of: dict[str, list[Label]] = field(default_factory=lambda: defaultdict(list))
    _levels: dict[int, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))

    def __post_init__(self) -> None:
        """Sort the titles by document."""
        for label in self.all:
            self._of[label.document].append(label)

    def wanted(self, document: str) -> frozenset[str]:
        """The ids in a document to which titles lead."""
        return frozenset(label.fragment for label in self._of.get(document, ()) if label.fragment)

    def headed(self, items: Items, document: str, places: dict[str, int]) -> Items:
        """The blocks of a document with a heading at each place that has a title and no heading.

        The words of headings stay as they are, however the contents word them. A paragraph that
        says the title becomes the heading.

        Args:
            items: the blocks.
            document: its name.
            places: how many blocks come before the element of an id.
        """
        labels = self._of.get(document)
        if not labels:
            return items
        starts = [(places.get(x.fragment, -1) if x.fragment else 0, x) for x in labels]
        found = sorted((x for x in starts if x[0] >= 0), key=lambda x: x[0])
        last, added = len(items), dict[int, Block]()
        for at, label in reversed(found):
            heading = self._heading(items, at, last, label) if at < last else None
            if heading:
                added[at] = heading
            last = at
        if not added:
            return items
        return [x for k, item in enumerate(items) for x in (added.get(k), item) if x is not None]

    def _heading(self, items: Items, at: int, end: int, label: Label) -> Block | None:
        """The heading that is missing where a title leads, if one is."""
        wanted = letters_and_digits(label.text)
        story = [k for k in range(at, end) if _is_story(items[k])]
        near = [k for k in story[:_NEAR] if items[k].kind == "heading"]  # type: ignore[union-attr]
        before = at - 1 if at and items[at - 1].text and _kind(items[at - 1]) == "heading" else None
        above = "" if before is None else letters_and_digits(items[before].text)
        if before is not None and not near and above and above in wanted:
            near = [before]
        if near or any(
            _kind(items[k]) == "heading" and letters_and_digits(items[k].text) == wanted
            for k in story
        ):
            block = items[near[0]] if near else None
            if isinstance(block, Block):
                self._levels[label.depth][block.level] += 1
            return None
        lines = _lines_that_say(items, story, wanted)
        for k in lines:
            block = items[k]
            if isinstance(block, Block):
                items[k] = replace(
                    block, kind="heading", text=plain_line(block), emphasis=(),
                    level=-label.depth,
                )  # fmt: skip
        if lines or not wanted or _NO_CHAPTER.fullmatch(label.text.strip()):
            return None
        words = sum(amount(items[k].text) for k in story)
        if words < _FEW_WORDS and not is_heading(label.text):
            return None
        if wanted == letters_and_digits(self.title):
            return None
        return Block("heading", label.text, level=-label.depth)

    def levelled(self, items: Items) -> Items:
        """Blocks in which headings from the contents have the level that others like them have."""
        levels = {depth: count.most_common(1)[0][0] for depth, count in self._levels.items()}
        for k, item in enumerate(items):
            if isinstance(item, Block) and item.level < 0:
                items[k] = replace(item, level=levels.get(-item.level, -item.level))
        return items


def _kind(item: Block | Picture) -> str:
    return item.kind if isinstance(item, Block) else "picture"


def _is_story(item: Block | Picture) -> bool:
    return isinstance(item, Block) and not item.left_out and item.kind != "break"


def _lines_that_say(items: Items, story: Sequence[int], wanted: str) -> list[int]:
    """The first paragraphs, where they are nothing but the words of a title."""
    rest, lines = wanted, list[int]()
    for k in story[:_LINES]:
        block = items[k]
        words = letters_and_digits(plain(block)) if isinstance(block, Block) else ""
        if not words or not rest.startswith(words):
            break
        rest, lines = rest[len(words) :], [*lines, k]
    if not lines or rest and len(rest) * 2 > len(wanted):
        return []
    return lines
