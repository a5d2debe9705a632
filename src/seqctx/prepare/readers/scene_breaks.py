"""Which paragraphs and gaps part scenes: one place for all formats.

It goes by the text's own habits: a mark that stands alone between paragraphs, one that recurs, and
space beyond what is usual in the file.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from seqctx.prepare.readers.blocks import SCENE_BREAK, Block, bounded, plain
from seqctx.prepare.readers.lines import ends_sentence
from seqctx.prepare.readers.marks import LONGEST_WITH_LETTERS, Mark, mark_of
from seqctx.prepare.structure import Doubt, Span

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
_PROSE = 60  # characters of a line, or more; verse and tables have fewer
_ORNAMENT = 3  # letters of a font of ornaments
_MANY_GAPS = 6  # empty paragraphs may stand for something that is lost
_FEW_WORDS = 100  # before the first heading: a title page, a motto
_SPEAKING = 1 / 10  # of the paragraphs begin with a dash: so does all speech
_MOST_DOUBTS = 1_000
_STYLE = re.compile(
    r"(?:scene|section|line|thought|text|asterisk|star)[\s_-]*(?:break|sep(?:arator)?|divider|ornament)"
    r"|scene[\s_-]*(?:change|mark|end)|ornament|fleuron|asterism|dinkus|separator|divider"
    r"|transition|\btb\b|szenen(?:trenner|wechsel)"
)
_ASIDE = re.compile(  # styles of paragraphs that have space around them for their own sake
    r"letter|poem|verse|stanza|quot|signature|salutation|telegram|list|caption|epigraph|note|song"
    r"|hymn|diary|address|byline|dedication|illustration|image|figure|table"
)
_ONE = ("—", "–", "―", "〜", "〰")  # dashes that may be a speech of silence


def with_gaps(found: Iterable[Block | None], path: Path) -> Iterator[Block]:
    """Blocks that know how many empty paragraphs come before them; None is an empty paragraph.

    Raises:
        InputError: when there are too many blocks.
    """

    def full() -> Iterator[Block]:
        gap = 0
        for block in found:
            if block is None:
                gap += 1
            else:
                yield replace(block, gap=block.gap + gap) if gap else block
                gap = 0

    return bounded(full(), path)


def with_marks(blocks: Sequence[Block]) -> tuple[list[Block], list[Doubt]]:
    """The blocks, with a break for each paragraph that is a mark between scenes.

    This comes before headings are looked for: ``XXX`` may be a mark or a number, ``# # #`` is no
    heading.

    A mark in a line of its own parts a paragraph, too.

    Returns:
        The blocks, and the places where a mark can also be speech.
    """
    blocks = [part for block in blocks for part in _lines_apart(block)]
    marks = {k: mark for k, block in enumerate(blocks) if (mark := _mark(block))}
    if not marks:
        return blocks, []
    times = Counter(_signs(blocks[k]) for k in marks)
    habits = _Habits(blocks, marks)
    found, doubts = list(blocks), list[Doubt]()
    for k, mark in marks.items():
        block, signs = blocks[k], _signs(blocks[k])
        if habits.parts_scenes(block, mark, signs, times[signs]):
            found[k] = replace(
                block, kind="break", text=SCENE_BREAK, emphasis=(), level=1, mark=plain(block)
            )
        elif mark != "glyph" and block.kind == "paragraph":
            doubts.append(Doubt(block.place, f"{_shown(block)} stands alone and was read as text."))
    return found, doubts[:_MOST_DOUBTS]


def _lines_apart(block: Block) -> list[Block]:
    """A paragraph, or its parts where a line of it is a mark between lines of prose."""
    text = block.text
    if block.kind != "paragraph" or "\n" not in text or len(text) < _PROSE * text.count("\n"):
        return [block]
    marks: list[Span] = []
    at = 0
    for line in text.split("\n"):
        if mark_of(line) == "sure":
            marks.append(Span(at, at + len(line)))
        at += len(line) + 1
    starts = [span.start for span in block.emphasis]
    for mark in marks:
        k = bisect_left(starts, mark.start)
        if k and block.emphasis[k - 1].end > mark.start:
            return [block]  # the mark is emphasized together with words
    found, start = list[Block](), 0
    for mark in [*marks, Span(len(text) + 1, len(text) + 1)]:
        found.append(_part(block, starts, start, mark.start - 1))
        found.append(_part(block, starts, mark.start, mark.end))
        start = mark.end + 1
    return [part for part in found if part.text]


def _part(block: Block, starts: Sequence[int], start: int, end: int) -> Block:
    """The block that some characters of another make; ``starts`` are its emphasis's."""
    spans = block.emphasis[bisect_left(starts, start) : bisect_left(starts, max(start, end))]
    return replace(
        block, text=block.text[start : max(start, end)], gap=0 if start else block.gap,
        emphasis=tuple(Span(e.start - start, e.end - start) for e in spans),
    )  # fmt: skip


def _mark(block: Block) -> Mark | None:
    """What a block's signs say, where it is one that can be a mark."""
    if block.kind not in ("paragraph", "heading"):
        return None
    start = block.text[: 2 * LONGEST_WITH_LETTERS]
    if len(block.text) > len(start) and any(map(str.isalnum, start)):
        return None  # most paragraphs
    mark = mark_of(plain(block))
    ornament = mark is None and len(start) <= _ORNAMENT and start.isalnum()
    return "recurring" if ornament and _is_styled(block) else mark


def _is_styled(block: Block) -> bool:
    """Whether the name of a paragraph's style says that it parts scenes."""
    return bool(_STYLE.search(block.look.style[:_LONGEST_STYLE]))


def _signs(block: Block) -> str:
    return "".join(plain(block).split())


def _shown(block: Block) -> str:
    return f"“{' '.join(plain(block).split())[:30]}”"


class _Habits:
    """What the whole of a text says of its marks."""

    def __init__(self, blocks: Sequence[Block], marks: dict[int, Mark]) -> None:
        texts = [b.text for k, b in enumerate(blocks) if b.kind == "paragraph" and k not in marks]
        spoken = sum(text[:1] in ("—", "–", "―", "-") for text in texts)
        self._dashes_speak = spoken > len(texts) * _SPEAKING
        self._letters: set[str] = set()
        for text in texts if "glyph" in marks.values() else ():
            self._letters.update(text)
        short = {text.strip(" .") for text in texts if len(text) < 10}
        short |= {b.text.strip(" .") for b in blocks if b.kind == "heading"}
        self._counts = bool(short & {"I", "II", "V", "IX", "XI", "XIX", "XXI", "XXIX", "XXXI"})
        self._heads = any(b.kind == "heading" and mark_of(b.text) is None for b in blocks)

    def parts_scenes(self, block: Block, mark: Mark, signs: str, times: int) -> bool:
        """Whether a block with these signs parts scenes."""
        styled = mark != "glyph" and _is_styled(block)
        if block.kind == "heading":
            if any(map(str.isalnum, signs)) and set(signs) not in ({"X"}, {"0"}):
                return False
            if not (self._heads or times > 1 or "#" in signs):
                return False
        is_ten = set(signs.strip(".-–—")) == {"X"}
        if is_ten and self._counts:
            return False  # a number of a chapter
        shown = styled or (block.look.centred and not is_ten)
        if mark == "dash":
            return not self._dashes_speak and (times > 1 or shown or signs not in _ONE)
        if mark == "soft":
            return times > 1 and shown
        if mark == "glyph":
            return times > 1 and not self._letters & set(signs)
        return mark == "sure" or times > 1 or shown


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
    found, doubts = list[Block](), list[Doubt]()
    breaks: set[int] = set()
    for before, k, gap in pairs:
        block = blocks[k]
        space = _space(blocks[before], block) >= by_space
        parts = (gap >= by_gap or space or block.look.new_page) and _may_part(blocks[before], block)
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
    end, start = plain(before).rstrip()[-1:], plain(after).lstrip()[:1]
    return not (
        end in ",:;，：；、"
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
    if parts and block.look.new_page:
        return Doubt(
            block.place, f"a new page begins with {_begins(block)}: read as a scene break."
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
    found, gap = list[Block](), 0
    for block in blocks:
        if block.kind == "break" and not block.text:
            gap += 1 + block.gap
        else:
            found.append(replace(block, gap=block.gap + gap) if gap else block)
            gap = 0
    return found


def between_scenes(blocks: Sequence[Block]) -> list[Block]:
    """The blocks without breaks that part no scenes.

    A break parts scenes between two paragraphs: not beside a heading, not at the start or end, not
    below another break, and not on a title page.
    """
    first = next((k for k, block in enumerate(blocks) if _is_heading(block)), 0)
    few = sum(len(b.text.split()) for b in blocks[:first] if not b.left_out) < _FEW_WORDS
    found: list[Block] = []
    waiting: Block | None = None
    last = ""
    for k, block in enumerate(blocks):
        if block.kind == "break" and not block.left_out:
            waiting = waiting or block
            continue
        if not block.left_out:
            if waiting and last == block.kind == "paragraph" and not (k < first and few):
                found.append(waiting if waiting.text else replace(waiting, text=SCENE_BREAK))
            waiting, last = None, block.kind
        found.append(block)
    return found


def _is_heading(block: Block) -> bool:
    return block.kind == "heading" and not block.left_out
