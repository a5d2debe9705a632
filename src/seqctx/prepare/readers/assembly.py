"""How blocks become one normalized text with parts, chapters and scenes.

Normalized means: paragraphs without their hard wraps, one blank line between any two, no mark-up
of headings, every scene break as ``* * *``, emphasis in Markdown's asterisks, no invisible signs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from seqctx.artifacts.manifest import Account, LeftOut
from seqctx.config.blocks import Chapters
from seqctx.prepare.readers.account import amount
from seqctx.prepare.readers.blocks import Block
from seqctx.prepare.readers.heading_lines import is_heading, is_ordinal
from seqctx.prepare.readers.heading_roles import EPIGRAPH_WORDS, Role, heading_roles
from seqctx.prepare.readers.heading_words import is_outer, unit_of
from seqctx.prepare.structure import Book, Chapter, Doubt, Part, Span, Spans


@dataclass(slots=True)
class _Opening:
    """Where a chapter begins: its headings, and those of the parts that begin with it."""

    start: int
    heads: list[Block] = field(default_factory=list)
    part_heads: list[tuple[Block, int]] = field(default_factory=list)  # with where each lies
    level: int = 0  # the highest of its headings


def assemble(
    path: str,
    title: str,
    blocks: Sequence[Block],
    left_out: Sequence[LeftOut] = (),
    encoding: str = "",
    account: Account | None = None,
    doubts: Sequence[Doubt] = (),
    choice: Chapters | None = None,
) -> Book:
    """Join blocks with blank lines and record where each lies.

    Args:
        path: where they were read from.
        title: the book's.
        blocks: of the whole text.
        left_out: what the text does not hold.
        encoding: of the file's characters.
        account: where the words of the file went.
        doubts: places that can be read in two ways.
        choice: which headings open chapters, where the user set it.
    """
    blocks = [block for block in blocks if block.kind != "title"]
    roles = heading_roles(blocks, choice, path)
    spans = Spans(_placed(blocks))
    text = "\n\n".join(block.text for block in blocks)
    openings = _openings(blocks, spans, roles.of)
    _start_at_front(openings, text)
    ends = [opening.start - 2 for opening in openings[1:]] + [len(text)]
    parts = _parts(openings, roles.level or 0, len(text))
    chapters = tuple(
        Chapter(_title(_own_heads(opening.heads)) or title, Span(opening.start, end), part)
        for opening, end, part in zip(openings, ends, _innermost(parts, ends), strict=True)
    )
    return Book(
        path,
        title,
        text,
        chapters,
        spans,
        scene_breaks=tuple(spans[k] for k, b in enumerate(blocks) if b.kind == "break"),
        headings=tuple(spans[k] for k, b in enumerate(blocks) if b.kind == "heading"),
        emphasis=tuple(
            Span(span.start + e.start, span.start + e.end)
            for block, span in zip(blocks, spans, strict=True)
            for e in block.emphasis
        ),
        left_out=tuple(left_out),
        encoding=encoding,
        account=account or Account(),
        doubts=tuple(doubts),
        parts=parts,
        scene_headings=tuple(spans[k] for k in _scene_headings(blocks, roles.of)),
        chapter_level=roles.level,
        chapter_reason=roles.reason,
    )


def _placed(blocks: Iterable[Block]) -> Iterator[Span]:
    """Where each block lies in the text of all, joined with blank lines."""
    at = 0
    for block in blocks:
        yield Span(at, at + len(block.text))
        at += len(block.text) + 2


def _openings(
    blocks: Sequence[Block], spans: Sequence[Span], roles: Mapping[int, Role]
) -> list[_Opening]:
    """Where chapters begin: at the first of the headings in a row that open one.

    A part's heading, and the few words below it, go with the part's first chapter.
    """
    found: list[_Opening] = []
    pending: _Opening | None = None  # has headings of parts, and none of a chapter yet
    last: Role | None = None
    for k, block in enumerate(blocks):
        role = roles.get(k)
        if role == "text":
            continue  # a picture between a chapter's headings
        if role == "part":
            pending = pending or _Opening(spans[k].start)
            pending.part_heads.append((block, spans[k].start))
        elif role == "chapter" and last == "chapter":
            found[-1].heads.append(block)
        elif role == "chapter":
            found.append(pending or _Opening(spans[k].start))
            found[-1].heads.append(block)
            found[-1].level = block.level
            pending = None
        last = role
    return found


def _start_at_front(openings: list[_Opening], text: str) -> None:
    """Let the first chapter begin with the text: an epigraph before it is no chapter."""
    if openings and openings[0].start:
        before = _words(text[: openings[0].start])
        sizes = [
            _words(text[a.start : b.start]) for a, b in pairwise([*openings, _Opening(len(text))])
        ]
        few = before < EPIGRAPH_WORDS and (len(openings) > 2 or before * 20 < median(sizes))
        if few:
            openings[0].start = 0
    if not openings or openings[0].start:
        openings.insert(0, _Opening(0))


def _words(text: str) -> int:
    """The words of several paragraphs."""
    return sum(map(amount, text.split("\n\n")))


def _scene_headings(blocks: Sequence[Block], roles: Mapping[int, Role]) -> Iterator[int]:
    """The headings that open a scene; the first scene of a chapter is open already."""
    for k, role in roles.items():
        if role == "scene" and (k == 0 or blocks[k - 1].kind != "heading"):
            yield k


def _parts(openings: Sequence[_Opening], chapter: int, end: int) -> tuple[Part, ...]:
    """The parts of a book, in order, each to where the next of its depth or above begins.

    Args:
        openings: where chapters begin.
        chapter: level of the headings of chapters; a chapter with one above that is in no part of
            its heading's level.
        end: of the text.
    """
    ranks = _ranks(openings)
    edges: list[tuple[int, int, list[str]]] = []  # start, depth, headings; none where parts end
    for opening in openings:
        if not opening.part_heads and opening.level and opening.level < chapter:
            above = sum(level < opening.level for level, _ in ranks)
            edges.append((opening.start, above + 1, []))
        above = 0
        for block, start in opening.part_heads:
            depth = ranks[_rank(block, ranks)]
            if depth > above:
                edges.append((start, depth, [block.text]))
                above = depth
            else:
                edges[-1][2].append(block.text)
    found: list[Part] = []
    stops: dict[int, int] = {}  # depth: where the next part of it, or of one above, begins
    for start, depth, heads in reversed(edges):
        stop = min((at for d, at in stops.items() if d <= depth), default=end + 2)
        if heads:
            found.append(Part(_title(heads), Span(start, stop - 2), depth))
        stops[depth] = start
    return tuple(reversed(found))


def _ranks(openings: Sequence[_Opening]) -> dict[tuple[int, str], int]:
    """The depth of each level of parts; of two words in one level, as in "Book I, Part I", too."""
    nested: dict[tuple[int, str], None] = {}
    levels: set[int] = set()
    for opening in openings:
        levels |= {block.level for block, _ in opening.part_heads}
        named = [block for block, _ in opening.part_heads if unit_of(block.text) == "part"]
        for upper, lower in pairwise(named):
            if upper.level == lower.level:
                nested |= dict.fromkeys((block.level, _word(block)) for block in (upper, lower))
    of_levels = [(level, "") for level in levels if level not in {at for at, _ in nested}]
    keys = sorted([*of_levels, *nested], key=lambda key: key[0])
    return {key: depth for depth, key in enumerate(keys, 1)}


def _rank(block: Block, ranks: Mapping[tuple[int, str], int]) -> tuple[int, str]:
    """The key of a part's heading."""
    key = (block.level, _word(block))
    if key in ranks:
        return key
    return next(each for each in ranks if each[0] == block.level)


def _word(block: Block) -> str:
    """The word by which a part's heading calls the part, such as ``book``."""
    return next((w for w in block.text.casefold().split()[:2] if w.isalpha()), "")


def _innermost(parts: Sequence[Part], ends: Sequence[int]) -> Iterator[str]:
    """The title of the innermost part in which each chapter lies, by the chapters' ends."""
    open_parts: list[Part] = []
    at = 0
    for end in ends:
        while at < len(parts) and parts[at].span.start < end:
            open_parts.append(parts[at])
            at += 1
        while open_parts and open_parts[-1].span.end < end:
            open_parts.pop()
        yield open_parts[-1].title if open_parts else ""


def _title(headings: Sequence[str]) -> str:
    """A chapter's or part's title: a number and its title, or else the last heading."""
    if not headings:
        return ""
    is_title = not is_heading(headings[-1]) and not is_ordinal(headings[-1])
    if len(headings) > 1 and is_title and (is_ordinal(headings[-2]) or is_outer(headings[-2])):
        return " ".join(f"{headings[-2].rstrip('.')}: {headings[-1]}".split())
    return " ".join(headings[-1].split())


def _own_heads(heads: Sequence[Block]) -> list[str]:
    """A chapter's headings without subtitles: lower ones count only below a number."""
    top = min((block.level for block in heads), default=0)
    own = [block for block in heads if block.level == top]
    lower = [block for block in heads if block.level > top]
    if own and is_ordinal(own[-1].text):
        own += lower[:1]
    return [block.text for block in own]
