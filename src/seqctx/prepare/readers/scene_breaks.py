"""Where scenes part: one place for all formats, which goes by what is usual in the file.

Space beyond the usual parts scenes, and so do the marks that `scene_marks` finds; but nothing does
beside headings, at the edges, or below another break. New pages do only where they come again in a
text without marks: one alone can stand anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from seqctx.prepare.readers.account import amount
from seqctx.prepare.readers.blocks import SCENE_BREAK, Block, plain, with_gaps
from seqctx.prepare.readers.heading_words import heads_no_chapter
from seqctx.prepare.readers.lines import ends_sentence
from seqctx.prepare.structure import Doubt

_USUAL = 1 / 3  # of the places between paragraphs have no more space than what is usual
# More space than usual parts scenes where it stands in no more of the places: one step more, two
# steps more; in a long text, in a short one, which may have few paragraphs to a scene.
_RARE = ((1, 1 / 6, 1 / 4), (2, 1 / 5, 1 / 2))
_SHORT_TEXT = 60  # places
_FEW_SPACES = 2  # of one file; a single one can be anything
_FEW_MARKS, _MORE_GAPS = 3, 4
_TOO_MANY = 1 / 2
_LEAST_SPACE = 0.9  # lines beyond the usual
_LONGEST_STYLE = 200  # characters of its name
_LONGEST_LABEL = 20  # characters
_MANY_GAPS = 6  # empty paragraphs may stand for something that is lost
_FEW_WORDS = 100  # before the first heading: a title page, a motto
_MOST_DOUBTS = 1_000
_ASIDE = re.compile(  # styles of paragraphs that have space around them for their own sake
    r"letter|poem|verse|stanza|quot|signature|salutation|telegram|list|caption|epigraph|note|song"
    r"|hymn|diary|address|byline|dedication|illustration|image|figure|table"
)


def with_scene_breaks(blocks: Sequence[Block]) -> tuple[list[Block], list[Doubt]]:
    """The blocks, with a break where space stands for one, and without those that part nothing.

    This comes after headings are found: white space and rules beside them part no scenes.

    Args:
        blocks: of a whole file.

    Returns:
        The blocks, and the places where space can also mean something else.
    """
    blocks = _without_usual_rules(blocks)
    pairs = list(_pairs(blocks))
    marks = sum(block.kind == "break" for block in blocks)
    by_gap = _beyond([gap for _, _, gap in pairs], 1, marks)
    by_space = _beyond([_space(blocks[i], blocks[k]) for i, k, _ in pairs], _LEAST_SPACE, marks)
    if sum(_space(blocks[i], blocks[k]) >= by_space for i, k, _ in pairs) < _FEW_SPACES:
        by_space = float("inf")
    pages = sum(blocks[k].look.new_page for _, k, _ in pairs)
    pages_part = pages >= _FEW_SPACES and not marks
    found, doubts = list[Block](), list[Doubt]()
    breaks: set[int] = set()
    for before, k, gap in pairs:
        block = blocks[k]
        space = _space(blocks[before], block) >= by_space
        page = pages_part and block.look.new_page
        parts = (gap >= by_gap or space or page) and _may_part(blocks[before], block)
        if parts:
            breaks.add(k)
        if doubt := _doubt(block, gap, by_gap, parts):
            doubts.append(doubt)
    for k, block in enumerate(blocks):
        if k in breaks:
            found.append(Block("break", SCENE_BREAK, place=block.place))
        found.append(block)
    return between_scenes(found), doubts[:_MOST_DOUBTS]


def _pairs(blocks: Sequence[Block]) -> Iterator[tuple[int, int, int]]:
    """Two paragraphs of the story next to each other, and how many empty ones lie between them."""
    last, gap = -1, 0
    for k, block in enumerate(blocks):
        gap += block.gap
        if block.left_out:
            continue
        if last >= 0 and block.kind == blocks[last].kind == "paragraph":
            yield last, k, gap
        last, gap = k, 0


def _space(before: Block, after: Block) -> float:
    """The space between two paragraphs [lines], where it is not the layout's of one of them."""
    if not after.look.space_above:
        return 0.0
    apart = any(
        b.look.centred or b.is_quoted or _ASIDE.search(b.look.style[:_LONGEST_STYLE])
        for b in (before, after)
    )
    return 0.0 if apart or not ends_sentence(plain(before)) else after.look.space_above


def _beyond(values: Sequence[float], least: float, marks: int) -> float:
    """From where on space is more than usual, and seldom enough to part scenes.

    In a text with marks, space that is much more frequent than they are does not.
    """
    if not values:
        return least
    ordered = sorted(values)
    usual = ordered[int(len(ordered) * _USUAL)]
    for steps, of_long, of_short in _RARE:
        enough = usual + steps * least
        times = sum(value >= enough for value in values)
        most = max(len(values) * of_long, min(len(values), _SHORT_TEXT) * of_short)
        if times <= most and not (marks >= _FEW_MARKS and times > marks * _MORE_GAPS):
            return enough
    return float("inf")


def _may_part(before: Block, after: Block) -> bool:
    """Whether the words beside a gap allow a scene to end there."""
    words, start = plain(before).rstrip(), plain(after).lstrip()[:1]
    return not (
        words[-1:] in ",:;，：；、"
        or (len(words) <= _LONGEST_LABEL and not ends_sentence(words))  # or a cell of a table
        or start.islower()
        or (before.look.centred and after.look.centred)  # lines of a title page, or of a sign
    )


def _doubt(block: Block, gap: int, enough: float, parts: bool) -> Doubt | None:
    """What to look at before a paragraph, if anything."""
    empty = "1 empty line comes" if gap == 1 else f"{gap:,} empty lines come"
    if parts and gap >= max(enough, _MANY_GAPS):
        return Doubt(block.place, f"{empty} before {_begins(block)}: read as a scene break.")
    if not parts and gap >= enough:
        return Doubt(block.place, f"{empty} before {_begins(block)}: read as no scene break.")
    if block.look.new_page:
        read = "a" if parts else "no"
        return Doubt(
            block.place, f"a new page begins with {_begins(block)}: read as {read} scene break."
        )
    return None


def _begins(block: Block) -> str:
    """The first words of a paragraph."""
    return f"“{' '.join(plain(block)[:200].split()[:6])}”"


def _without_usual_rules(blocks: Sequence[Block]) -> list[Block]:
    """Blocks in which an empty paragraph with a border is an empty one, where most have one.

    Readers give such a paragraph as a break without text.
    """
    ruled = sum(block.kind == "break" and not block.text for block in blocks)
    full = sum(block.kind == "paragraph" for block in blocks)
    if ruled < 4 or ruled < full * _TOO_MANY:
        return list(blocks)
    return list(with_gaps(blocks, lambda block: block.kind == "break" and not block.text))


def between_scenes(blocks: Sequence[Block]) -> list[Block]:
    """The blocks without breaks that part no scenes.

    A break parts scenes between two paragraphs: not beside a heading, not at the start or end, not
    above THE END, not below another break, and not on a title page.
    """
    ends = len(blocks)
    while ends and (blocks[ends - 1].left_out or _is_end(blocks[ends - 1])):
        ends -= 1
    first = next((k for k, block in enumerate(blocks) if _is_heading(block)), 0)
    few = sum(amount(b.text) for b in blocks[:first] if not b.left_out) < _FEW_WORDS
    found: list[Block] = []
    waiting: Block | None = None
    last = ""
    for k, block in enumerate(blocks):
        if block.kind == "break" and not block.left_out:
            waiting = waiting or block
            continue
        if not block.left_out:
            parts = last == block.kind == "paragraph" and k < ends and not (k < first and few)
            if waiting and parts:
                found.append(waiting if waiting.text else replace(waiting, text=SCENE_BREAK))
            waiting, last = None, block.kind
        found.append(block)
    return found


def _is_end(block: Block) -> bool:
    """Whether a block is no more of the story: THE END, or a break."""
    return block.kind == "break" or (block.kind == "paragraph" and heads_no_chapter(plain(block)))


def _is_heading(block: Block) -> bool:
    return block.kind == "heading" and not block.left_out
