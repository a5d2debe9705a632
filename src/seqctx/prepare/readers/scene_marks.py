"""Which paragraphs are marks between scenes, by their signs and by the text's own habits."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from seqctx.prepare.readers.blocks import SCENE_BREAK, Block, plain, with_gaps
from seqctx.prepare.readers.lines import ends_sentence
from seqctx.prepare.readers.marks import LONGEST_WITH_LETTERS, Mark, mark_of
from seqctx.prepare.structure import Doubt, Span

_PROSE = 60  # characters of a line, or more; verse and tables have fewer
_LONGEST_CELL, _SHORT_CELL = 20, 5  # characters; only a short one ends as a sentence does
_LONGEST_STYLE = 200  # characters of its name
_ORNAMENT = 3  # letters of a font of ornaments
_SPEAKING = 1 / 10  # of the paragraphs begin with a dash: so does all speech
_MOST_DOUBTS = 1_000
_STYLE = re.compile(
    r"(?:scene|section|line|thought|text|asterisk|star)[\s_-]*(?:break|sep(?:arator)?|divider|ornament)"
    r"|scene[\s_-]*(?:change|mark|end)|ornament|fleuron|asterism|dinkus|separator|divider"
    r"|transition|\bsep\b|\btb\b|szenen(?:trenner|wechsel)"
)
_ONE = ("—", "–", "―", "〜", "〰")  # dashes that may be a speech of silence


def with_marks(blocks: Sequence[Block]) -> tuple[list[Block], list[Doubt]]:
    """The blocks, with a break for each paragraph that is a mark between scenes.

    This comes before headings are looked for: ``XXX`` may be a mark or a number, ``# # #`` is no
    heading.

    A mark in a line of its own parts a paragraph, too.

    Returns:
        The blocks, and the places where a mark can also be speech.
    """
    blocks = [part for block in with_gaps(blocks, _is_blank) for part in _lines_apart(block)]
    marks = {k: mark for k, block in enumerate(blocks) if (mark := _mark(block))}
    if not marks:
        return blocks, []
    cells = _among_cells(blocks, marks)
    times = Counter(_signs(blocks[k]) for k in marks)
    habits = _Habits(blocks, marks)
    found, doubts = list(blocks), list[Doubt]()
    for k, mark in marks.items():
        block, signs = blocks[k], _signs(blocks[k])
        if cells[signs] * 2 > times[signs]:
            continue
        if habits.parts_scenes(block, mark, signs, times[signs]):
            found[k] = replace(
                block, kind="break", text=SCENE_BREAK, emphasis=(), level=1, mark=plain(block)
            )
        elif mark != "glyph" and block.kind == "paragraph":
            doubts.append(Doubt(block.place, f"{_shown(block)} stands alone and was read as text."))
    return found, doubts[:_MOST_DOUBTS]


def _is_blank(block: Block) -> bool:
    """Whether a block holds invisible signs alone."""
    return block.kind in ("paragraph", "heading") and not block.text.strip()


def _among_cells(blocks: Sequence[Block], marks: Mapping[int, Mark]) -> Counter[str]:
    """How often a sign that can be a word stands between cells of a table, as ``x`` may."""
    found: Counter[str] = Counter()
    last = False
    waiting: list[str] = []
    for k, block in enumerate(blocks):
        if k in marks:
            if last and marks[k] != "sure":
                waiting.append(_signs(block))
            continue
        text = plain(block)
        short = len(text) <= _SHORT_CELL or not ends_sentence(text)
        last = block.kind == "paragraph" and len(text) <= _LONGEST_CELL and short
        found.update(waiting if last else ())
        waiting = []
    return found


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
    if block.left_out or block.kind not in ("paragraph", "heading"):
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
