"""Plain text: its paragraphs; lines that may be headings or marks are paragraphs of their own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, groupby, islice, repeat, takewhile

from seqctx.prepare.readers.blocks import TITLE, Block, Run, written
from seqctx.prepare.readers.dates import is_date
from seqctx.prepare.readers.heading_lines import goes_on_as_title, heading_line
from seqctx.prepare.readers.lines import (
    each_line,
    ends_sentence,
    is_in_title_case,
    is_title,
    joined,
)
from seqctx.prepare.readers.marks import mark_of
from seqctx.prepare.readers.ruby import read_aozora

_UNDERSCORED = re.compile(r"(?<![\w_])_([^\s_](?:[^_]{0,400}?[^\s_])?)_(?![\w_])")
_ENDS = 0.9  # where so many of the lines end a sentence, each line is a paragraph
_TITLE_LINES = 4  # below a number
_LONGEST_TITLE = 250  # characters in several lines
_SHORT = 0.75  # of the width at which lines are wrapped; shorter lines were broken by hand


def text_blocks(text: str) -> list[Block]:
    """The paragraphs of a text, hard-wrapped or not; nothing in it declares headings or breaks.

    Readings beside Japanese characters, and remarks for the typesetter, are blocks of their own at
    the end.
    """
    if "《" not in text and "［＃" not in text:
        return list(_blocks(text))
    found = read_aozora(text)
    blocks = [_declared(block, found.levels) for block in _blocks(found.body)]
    heads = [Block("heading", line, level=TITLE) for line in found.top[:1]]
    heads += [Block("paragraph", line, left_out="title page") for line in found.top[1:]]
    rest = (
        (found.explanation, "explanation of signs"), (found.imprint, "imprint"),
        (" ".join(found.readings), "reading"), ("\n".join(found.remarks), "typesetter's remarks"),
    )  # fmt: skip
    return [
        *heads,
        *blocks,
        *(Block("paragraph", text, left_out=kind) for text, kind in rest if text),
    ]


def _declared(block: Block, levels: Mapping[str, int]) -> Block:
    """A paragraph, or the heading that a remark declares it to be."""
    if block.kind == "break" or block.text not in levels:
        return block
    return replace(block, kind="heading", level=levels[block.text])


@dataclass(frozen=True, slots=True)
class _Layout:
    """How the lines of a file are laid out.

    Attributes:
        width: of its lines, but for the longest of them [characters].
        wrapped: whether a paragraph goes on over several lines; else each line is one.
        spaced: whether blank lines divide paragraphs.
        usual: how many blank lines most often divide them.
    """

    width: int
    wrapped: bool
    spaced: bool
    usual: int

    @classmethod
    def of(cls, text: str) -> _Layout | None:
        """The layout of a text; None where it has no line with text."""
        lengths: Counter[int] = Counter()
        ended: Counter[int] = Counter()
        gaps: Counter[int] = Counter()
        blank = 0
        for line in _lines(text):
            if not line or any(map(str.isalnum, line)):  # rules may be of any length
                lengths[len(line)] += 1
                ended[len(line)] += ends_sentence(line)
            if line and blank:
                gaps[blank] += 1
            blank = 0 if line else blank + 1
        empty, full = lengths.pop(0, 0), lengths.total()
        if not full:
            return None
        longest = islice(_counted(lengths), int(full * 0.95), None)
        width = next(longest)
        # shorter lines are headings, or the last of a paragraph
        long = sum(count for length, count in lengths.items() if length * 4 > width)
        ends = sum(count for length, count in ended.items() if length * 4 > width)
        wrapped = width <= 100 and ends < long * _ENDS
        spaced = empty * 4 >= full
        return cls(width, wrapped, spaced, max(gaps, key=gaps.__getitem__, default=0) * spaced)


def _counted(lengths: Counter[int]) -> Iterator[int]:
    """The counted numbers, smallest first, each as often as it was counted."""
    for length in sorted(lengths):
        yield from repeat(length, lengths[length])


def _lines(text: str) -> Iterator[str]:
    """The lines of a text one by one, without blanks at their ends."""
    return map(str.rstrip, each_line(text))


def _blocks(text: str) -> Iterator[Block]:
    layout = _Layout.of(text)
    if layout is None:
        return
    lines: list[str] = []
    empty = gap = 0
    for number, line in enumerate(chain(_lines(text), [""]), 1):
        if line:
            if not lines:
                gap, empty = max(0, empty - layout.usual), 0
            lines.append(line)
            if layout.wrapped or layout.spaced:
                continue
        else:
            empty += 1
        for found in _paragraphs(lines, layout):
            yield replace(found, gap=gap, place=max(1, number - len(lines)))
            gap = 0
        lines = []


def _paragraphs(lines: list[str], layout: _Layout) -> Iterator[Block]:
    """The paragraphs of lines without a blank one between them."""
    stands_alone = (_stands_alone(lines, k, layout) for k in range(len(lines)))
    first = next((k for k, alone in enumerate(stands_alone) if not alone), len(lines))
    if first:
        yield from (_block(line) for line in lines[: first - 1])
        headed, lines = _headed(lines[first - 1 :], layout)
        yield from headed
    if not layout.wrapped:
        yield from (_block(line) for line in lines)
        return
    indented = [line[:1].isspace() for line in lines]
    longest = max((len(line.strip()) for line in lines), default=0)
    if longest >= layout.width * _SHORT and any(map(_is_mark, lines)):
        for is_mark, group in groupby(lines, _is_mark):
            part = list(group)
            yield from map(_block, part) if is_mark else _paragraphs(part, layout)
        return
    if len(lines) > 1 and (longest < layout.width * _SHORT or all(indented)):
        yield _block("\n".join(line.strip() for line in lines))  # verse, an address, a list
        return
    paragraph: list[str] = []
    for line, starts in zip(lines, indented, strict=True):
        if starts and paragraph and not layout.spaced:
            yield _block(joined(paragraph))
            paragraph = []
        paragraph.append(line.strip())
    if paragraph:
        yield _block(joined(paragraph))


def _headed(lines: list[str], layout: _Layout) -> tuple[list[Block], list[str]]:
    """What a line that stands alone begins: it, and its title in the lines below; then the rest.

    Lines without a blank one between them are a heading where all of them are short.
    """
    head, below = lines[0].strip(), [line.strip() for line in lines[1:]]
    line = heading_line(head)
    capitals = list(takewhile(str.isupper, below)) if head.isupper() else []
    if line and line.is_certain and 0 < len(capitals) < min(len(below), _TITLE_LINES + 1):
        title = joined(capitals)
        whole = joined([head, title]) if line.title else f"{head}\n{title}"
        return [_block(whole)], lines[1 + len(capitals) :]
    is_short = len(below) > 1 and len(below[0]) + below[1].find(" ") < layout.width * _SHORT
    if line and line.is_certain and not line.title and is_short and is_title(below[0]):
        if len(below[1]) > layout.width * _SHORT:
            return [_block(f"{head}\n{below[0]}")], lines[2:]
    title = joined(below) if below else ""
    if not (line and line.is_certain and 0 < len(below) <= _TITLE_LINES):
        return [_block(head)], lines[1:]
    if not line.title and is_title(title, longest=_LONGEST_TITLE):
        return [_block(f"{head}\n{title}")], []
    whole = joined([head, title])
    if line.title and goes_on_as_title(whole, title):
        return [_block(whole)], []
    return [_block(head)], lines[1:]


def _stands_alone(lines: list[str], k: int, layout: _Layout) -> bool:
    """Whether a line is a heading or a scene's mark, though no blank line follows."""
    line = lines[k].strip()
    below = lines[k + 1].strip() if k + 1 < len(lines) else ""
    if _is_mark(line):
        return True
    found = heading_line(line)
    above = heading_line(lines[0].strip()) if k else None
    if k > 1 or (above and above.is_certain and not (found and found.is_certain)):
        return bool(found and found.is_certain)
    if found is None or not found.is_certain:
        return layout.wrapped and _is_broken_off(lines[k:], layout.width, is_first=not k)
    if below[:1].islower() and not found.title:
        return False
    return not below[:1].islower() or goes_on_as_title(joined([line, below]), below)


def _is_broken_off(lines: list[str], width: int, *, is_first: bool) -> bool:
    """Whether a line that may be a heading has room for words of the full line below it.

    A title may stand between a number and the text.

    Args:
        lines: from this line on.
        width: of the file's lines.
        is_first: whether it begins a stretch of lines, as no title below a number does.
    """
    line, below, after = (x.strip() for x in (*lines[:3], "", "")[:3])
    found = heading_line(line)
    if len(below) < width * _SHORT:
        is_number = is_first and found is not None and not found.title
        return is_number and bool(after) and _is_broken_off(lines[1:], width, is_first=False)
    if len(line) + below.find(" ") > width * _SHORT:
        return False
    is_name = is_in_title_case(line) and is_title(line.rstrip(".:"))
    return (found is not None or is_date(line) or is_name) and not below[:1].islower()


def _is_mark(line: str) -> bool:
    return mark_of(line.strip()) == "sure"


def _block(text: str) -> Block:
    """One paragraph; ``_words_`` are emphasis."""
    content, emphasis = written(_runs(text.strip()))
    return Block("paragraph", content, emphasis)


def _runs(text: str) -> Iterator[Run]:
    """The runs of a text; words between underscores are emphasized."""
    at = 0
    for match in _UNDERSCORED.finditer(text):
        yield text[at : match.start()], ""
        yield match[1], "*"
        at = match.end()
    yield text[at:], ""
