"""Plain text: its encoding, its paragraphs, and lines that look like headings or scene breaks."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, groupby, islice, repeat
from pathlib import Path

from seqctx.errors import InputError
from seqctx.prepare.readers.blocks import TITLE, Block, Run, written
from seqctx.prepare.readers.dates import is_date
from seqctx.prepare.readers.heading_lines import goes_on_as_title, heading_line
from seqctx.prepare.readers.lines import ends_sentence, is_in_title_case, is_title, joined
from seqctx.prepare.readers.marks import mark_of
from seqctx.prepare.readers.ruby import read_aozora
from seqctx.system.extras import needs_extra

_BOMS = (  # the longer first: UTF-32's begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_WESTERN = re.compile(  # what prose in a Western language uses of one-byte encodings
    r"[\x00-\x7f\xa0¡£§«°·»¿À-ÏÑ-ÖØ-ÜßŠŽŒŸà-ïñ-öø-üÿšžœ‘’“”‚„‹›–—…•€™©®]*"
)
_ODD = re.compile(r"[a-zà-ÿ][À-ßŠŽŒŸ‚„]")  # in no Western word: a sign of another encoding
_SURROGATE = re.compile(r"[\ud800-\udfff]")  # half a character, which UTF-7 can hold
_NEW_LINE = re.compile(r"\r{0,2}\n|[\r\u0085\u2028\u2029\v\f]")  # \r\r\n: converted twice
_UNDERSCORED = re.compile(r"(?<![\w_])_([^\s_](?:[^_]{0,400}?[^\s_])?)_(?![\w_])")
_ENDS = 0.9  # where so many of the lines end a sentence, each line is a paragraph
_TITLE_LINES = 4  # below a number
_LONGEST_TITLE = 250  # characters in several lines
_SHORT = 0.75  # of the width at which lines are wrapped; shorter lines were broken by hand


def decoded(path: Path, raw: bytes) -> tuple[str, str]:
    """A file's text, with line feeds, and the encoding that it was in.

    Raises:
        InputError: when it is binary, or its encoding is unknown.
    """
    encoding = next((name for bom, name in _BOMS if raw.startswith(bom)), "utf-8")
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        text, encoding = _guessed(path, raw)
    if "\0" in text:
        raise InputError(f"{path}: a binary file, not text. Export the manuscript as .md or .txt.")
    if _SURROGATE.search(text):
        raise InputError(f"{path}: its encoding is unknown. Save it as UTF-8.")
    return _NEW_LINE.sub("\n", text), encoding.removesuffix("-sig")


def _guessed(path: Path, raw: bytes) -> tuple[str, str]:
    """Text and encoding that bytes which are not UTF-8 most likely are."""
    with needs_extra("prepare", "reading text that is not UTF-8"):
        from charset_normalizer import from_bytes

    if b"\0" in raw:
        raise InputError(f"{path}: a binary file, not text. Export the manuscript as .md or .txt.")
    _refuse_wrong_bytes(path, raw)
    for encoding in ("cp1252", "mac_roman"):
        if western := _western(raw, encoding):
            return western, encoding
    found = from_bytes(raw)
    best = found.best()
    # most old manuscripts are in a Windows encoding, which looks much like its neighbours
    for match in found:
        beside = match.encoding == "cp1251" and best and best.encoding == "mac_cyrillic"
        if best and (match.encoding == "cp1252" or beside) and match.chaos <= best.chaos:
            best = match
    if best is None or best.chaos > 0.2:
        raise InputError(f"{path}: its encoding is unknown. Save it as UTF-8.")
    return str(best), best.encoding


def _refuse_wrong_bytes(path: Path, raw: bytes) -> None:
    """Refuse UTF-8 with a few wrong bytes: it is damaged, and garbled in any other encoding.

    Raises:
        InputError: with the place of the first wrong byte.
    """
    text = raw.decode("utf-8", "surrogateescape")
    undecoded = [k for k, c in enumerate(text) if "\udc80" <= c <= "\udcff"]
    if len(undecoded) <= sum(c > "\x7f" for c in text) - len(undecoded):
        before = text[: undecoded[0]]
        at, line = len(before.encode()) + 1, len(_NEW_LINE.sub("\n", before).split("\n"))
        raise InputError(
            f"{path}: byte {at} (line {line}) is not valid UTF-8. Correct the text there."
        )


def _western(raw: bytes, encoding: str) -> str | None:
    """The bytes as Western text, where characters beyond ASCII are rare and usual in such text."""
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        return None
    if not _WESTERN.fullmatch(text) or _ODD.search(text):
        return None
    letters = sum(c.isalpha() for c in text)
    return text if sum(c > "\x7f" and c.isalpha() for c in text) * 8 <= letters else None


def text_blocks(text: str) -> list[Block]:
    """Paragraphs, hard-wrapped or not; lines that look like headings or breaks are such.

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
        (" ".join(found.readings), "ruby"), ("\n".join(found.remarks), "typesetter's remarks"),
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
    at = 0
    while at <= len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        yield text[at:end].rstrip()
        at = end + 1


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
    title = joined(below) if below else ""
    if not (line and line.is_certain and 0 < len(below) <= _TITLE_LINES and layout.spaced):
        return [_block(head)], lines[1:]
    if not line.title and is_title(title, longest=_LONGEST_TITLE):
        return [_block(head), Block("heading", title)], []
    whole = joined([head, title])
    if line.title and goes_on_as_title(whole, title):
        return [Block("heading", whole)], []
    return [_block(head)], lines[1:]


def _stands_alone(lines: list[str], k: int, layout: _Layout) -> bool:
    """Whether a line is a heading or a scene's mark, though no blank line follows."""
    line = lines[k].strip()
    below = lines[k + 1].strip() if k + 1 < len(lines) else ""
    if _is_mark(line):
        return True
    found = heading_line(line)
    if found is None or not found.is_certain:
        return layout.wrapped and _is_broken_off(line, below, layout.width)
    if below[:1].islower() and not found.title:
        return False
    return not below[:1].islower() or goes_on_as_title(joined([line, below]), below)


def _is_broken_off(line: str, below: str, width: int) -> bool:
    """Whether a line that may be a heading has room for words of the full line below it."""
    if len(line) + below.find(" ") > width * _SHORT or len(below) < width * _SHORT:
        return False
    is_name = is_in_title_case(line) and is_title(line.rstrip(".:"))
    may_head = heading_line(line) is not None or is_date(line) or is_name
    return may_head and not below[:1].islower()


def _is_mark(line: str) -> bool:
    return mark_of(line.strip()) == "sure"


def _block(text: str) -> Block:
    """One paragraph or heading; ``_words_`` are emphasis."""
    content, emphasis = written(_runs(text.strip()))
    line = heading_line(content)
    if line and line.is_certain:
        return Block("heading", content)
    return Block("paragraph", content, emphasis)


def _runs(text: str) -> Iterator[Run]:
    """The runs of a text; words between underscores are emphasized."""
    at = 0
    for match in _UNDERSCORED.finditer(text):
        yield text[at : match.start()], ""
        yield match[1], "*"
        at = match.end()
    yield text[at:], ""
