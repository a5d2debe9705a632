"""Sections of a file, from one heading to the next, and the form of the text in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from seqctx.prepare.readers.account import amount
from seqctx.prepare.readers.blocks import Block, plain, plain_line
from seqctx.prepare.readers.front_matter_words import ASIDE, HINTS, KIND_NAMES
from seqctx.prepare.readers.lines import ends_sentence

_LONGEST_NAME = 80  # characters of a heading that names front matter
_LIST_LINE, _SHORT_LINE = 14, 6  # words
_PAGE = re.compile(r"(?:\b\d{1,4}|[.·…_] ?[ivxlc]{1,7})\.?$")  # "The Storm ........ 3"
_SPEECH = re.compile(r"[\"“”„«»‹‘'「『—–-]")
_NOTE = re.compile(
    r"(?:\[(?:\w{1,3}|\*|†|‡|[Ff]oot[ -]?note[^\]]{0,20}|[Nn]ote[^\]]{0,20})\]|\(\d{1,3}\)"
    r"|\d{1,3}[.):]?\s|[*†‡§¹²³⁴⁵⁶⁷⁸⁹]|\[\^\w{1,10}\]|\^\d|〔\d|注?[①-⑳]|（\d{1,3}）|注\d"
    r"|p(?:age|\.) ?\d)"
)
Place = frozenset[str]
"""``front`` if little or no story comes before, ``back`` if little or none comes after."""
_PROSE, _LONG_PROSE = 12, 40  # words of a paragraph of prose that ends a sentence, or does not


@dataclass(frozen=True, slots=True)
class HeadedPart:
    """Some blocks in a row: a heading, or a line that names front matter, and what is below it.

    Attributes:
        start: the heading's place among the blocks, or the first block's.
        body: place of the first block below the heading.
        end: place after the last block.
        names: kinds of front matter and back matter that the heading may name.
        level: of the heading; 0 where the line is no heading, or there is none.
    """

    start: int
    body: int
    end: int
    names: frozenset[str] = frozenset()
    level: int = 0


class Verdicts:
    """What each block of a file is, as far as it is known: a kind, or nothing, which is story."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        """Begin with what the file declares."""
        self.blocks = blocks
        self.kinds: list[str | None] = [block.left_out for block in blocks]
        self.certain = [kind is not None for kind in self.kinds]

    def give(self, start: int, end: int, kind: str, *, certain: bool = False) -> None:
        """Give a kind to the blocks of a range that have none."""
        for k in range(start, end):
            if self.kinds[k] is None:
                self.kinds[k], self.certain[k] = kind, certain

    def unknown(self, start: int, end: int) -> list[int]:
        """The paragraphs and headings of a range that have no kind."""
        return [
            k for k in range(start, end) if self.kinds[k] is None and self.blocks[k].kind != "break"
        ]

    @property
    def sections(self) -> list[HeadedPart]:
        """The sections of the file."""
        return _sections_of(self.blocks, self.kinds)


def _sections_of(blocks: Sequence[Block], taken: Sequence[str | None]) -> list[HeadedPart]:
    """The sections of a file. Each block is in one of them; blocks that are taken begin none."""
    starts: list[tuple[int, int, frozenset[str]]] = []
    for k, block in enumerate(blocks):
        if taken[k] is not None:
            continue
        heading, names = block.kind == "heading", kinds_named(block)
        if heading or names:
            starts.append((k, block.level if heading else 0, names))
    if not blocks:
        return []
    if not starts or starts[0][0] > 0:
        starts.insert(0, (-1, 0, frozenset()))
    ends = [start for start, _, _ in starts[1:]] + [len(blocks)]
    return [
        HeadedPart(max(start, 0), start + 1, end, names, level)
        for (start, level, names), end in zip(starts, ends, strict=True)
    ]


def kinds_named(block: Block) -> frozenset[str]:
    """The kinds of front matter and back matter that a line may name as their heading."""
    if block.kind not in ("heading", "paragraph") or len(block.text) > _LONGEST_NAME:
        return frozenset()
    text = plain_line(block)
    return frozenset(kind for kind, words in KIND_NAMES.items() if words.fullmatch(text))


def lines_of(block: Block) -> Iterator[str]:
    """The lines of a block, each with single spaces."""
    for line in plain(block).split("\n"):
        if line := " ".join(line.split()):
            yield line


def ends_with_page(line: str) -> bool:
    """Whether a line ends with the number of a page."""
    return bool(_PAGE.search(line[-12:])) and any(c.isalpha() for c in line[:-1])


def is_list_line(line: str) -> bool:
    """Whether a line looks like an entry of a list, and not like a sentence of a story."""
    words = amount(line)
    if ends_with_page(line) and words <= 2 * _LIST_LINE:
        return True
    if words > _LIST_LINE or is_speech(line) or line[-1:] in '!?！？”"»」':
        return False
    return words <= _SHORT_LINE or not ends_sentence(line)


def is_list(block: Block) -> bool:
    """Whether a block is entries of a list."""
    return block.is_linked or all(map(is_list_line, lines_of(block)))


def is_speech(line: str) -> bool:
    """Whether a line begins as speech does, with a quotation mark or a dash."""
    return bool(_SPEECH.match(line))


def is_note(block: Block) -> bool:
    """Whether a block begins as notes do: with a number in brackets, an asterisk."""
    return bool(_NOTE.match(plain(block)[:40].lstrip()))


def is_prose(block: Block) -> bool:
    """Whether a block is a paragraph of sentences."""
    if block.kind != "paragraph":
        return False
    words = amount(block.text)
    return words >= _LONG_PROSE or (words >= _PROSE and ends_sentence(block.text))


def story_words(blocks: Iterable[Block]) -> int:
    """Words of paragraphs of sentences that say nothing as an imprint does."""
    return sum(
        amount(block.text)
        for block in blocks
        if is_prose(block) and not HINTS["imprint"].search(block.text)
    )


_EDGE, _EDGE_SHARE, _EDGE_LEAST = 300, 0.05, 40  # words before the story, or after it; a share
_LONGEST_ASIDE = 1_500  # words of a preface, of thanks: they may stand between front matter


def places_of(verdicts: Verdicts) -> list[Place]:
    """Of each section, whether it stands before the story (``front``) or after it (``back``).

    Prose counts as story. That of sections whose heading names front matter, back matter or the
    author's own words does not, unless it is long.
    """
    sections = verdicts.sections
    prose = [_prose_of(verdicts, section) for section in sections]
    most = min(_EDGE, max(_EDGE_LEAST, _EDGE_SHARE * sum(prose)))
    story = [
        0 if words <= _LONGEST_ASIDE and _is_aside(verdicts, section) else words
        for words, section in zip(prose, sections, strict=True)
    ]
    places: list[Place] = []
    before, after = 0, sum(story)
    for words in story:  # in a short file, a section may stand at both edges
        after -= words
        edges = {"front": before, "back": after}
        places.append(frozenset(edge for edge, other in edges.items() if other <= most))
        before += words
    return places


def _prose_of(verdicts: Verdicts, section: HeadedPart) -> int:
    """The words of a section's paragraphs that end a sentence, or are long."""
    blocks = (verdicts.blocks[k] for k in verdicts.unknown(section.start, section.end))
    return sum(
        amount(block.text)
        for block in blocks
        if block.kind == "paragraph" and (ends_sentence(block.text) or is_prose(block))
    )


def _is_aside(verdicts: Verdicts, section: HeadedPart) -> bool:
    if section.names or section.level == 0:
        return bool(section.names)
    block = verdicts.blocks[section.start]
    return bool(ASIDE.fullmatch(plain(block)[:_LONGEST_NAME].strip()))
