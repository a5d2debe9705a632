"""What word processors' formats share: how their paragraphs become blocks, whatever the format."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from seqctx.prepare.readers.blocks import (
    PLAIN,
    SCENE_BREAK,
    TITLE,
    Block,
    Look,
    block_of,
    bounded,
    with_gaps,
    written,
)
from seqctx.prepare.readers.lines import ends_sentence

NEW_PAGE = "\f"
"""A run of this text: what follows it stands on a new page, or in a new column."""
HIDDEN_TEXT = "hidden text"
COMMENTS = "comment"
NOTES = "endnotes"
DESCRIPTION = "illustration"
READING = "reading"
_LINE_HEIGHT = 1.2  # times the size of the characters
_LONG_LINE = 80  # characters; a line of verse, or of an address, is shorter
_LETTERS_OF_ITEM = 3  # at most, in the number of a list's item: "iii."
_LONGEST_NAME = 100  # characters of a font's name that are looked at
_UNITS = {"pt": 1.0, "pc": 12.0, "in": 72.0, "cm": 72 / 2.54, "mm": 7.2 / 2.54}
_SYMBOLS = {  # Wingdings' signs that stand in text: Word writes them for :) and -->
    "J": "☺", "K": "😐", "L": "☹", "\xdf": "←", "\xe0": "→", "\xe1": "↑", "\xe2": "↓",
    "\xe7": "⇐", "\xe8": "➔", "\xf3": "⇔", "\xfc": "✓",
}  # fmt: skip
_GREEK = dict(
    zip(
        "ABCDEFGHIKLMNOPQRSTUWXYZabcdefghiklmnopqrstuwxyz",
        "ΑΒΧΔΕΦΓΗΙΚΛΜΝΟΠΘΡΣΤΥΩΞΨΖαβχδεφγηικλμνοπθρστυωξψζ",
        strict=True,
    )
)
_ORNAMENT = "❖"
_PICTURE = "\ufffc"  # text of a break that may be one, until all pictures of the file are known
_CONTENTS_STYLE = re.compile(
    r"(?:toc|contents|inhaltsverzeichnis) (?:\d{1,2}|heading)|table of figures"
)
_QUOTATION_STYLES = ("quote", "intense quote", "quotations", "block text", "block quotation")
_CAPTION_STYLES = ("caption", "illustration", "figure", "beschriftung")
_PICTURES = re.compile(r"(?i)wingdings|webdings|bookshelf|.{0,60}(?:dingbats|ornaments)")
_FEW_SIGNS = 3  # in a font of pictures; more may be words that a story hides in it


class Stretch(NamedTuple):
    """Characters of a paragraph that look alike.

    Attributes:
        text: the characters; `NEW_PAGE` where a page or a column ends.
        mark: what emphasizes them: nothing, ``*`` or ``**``.
        left_out: what they are, if not the story: hidden text, a description, a comment.
        size: of the characters [points]; 0 where it is not known.
        is_linked: whether they lead to a place in this file.
    """

    text: str
    mark: str = ""
    left_out: str | None = None
    size: float = 0.0
    is_linked: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """What a file says of a whole paragraph.

    Attributes:
        style: the name of its style, in lower case.
        level: of a heading; None for other paragraphs.
        left_out: what it is, if not the story.
        centred: whether it stands in the middle of the line.
        bold: whether its style is bold.
        size: of its style's characters [points]; 0 where it is not known.
        new_page: whether a new page begins before it.
        space_above: the space between it and the paragraph before it [points].
        is_ruled: whether a line is drawn above or below it.
        label: the number that the program counts and shows before it, such as ``Chapter 1``. A
            heading that is only a picture takes the picture's description.
        is_rule: whether it holds a line across the page that was inserted.
        goes_on: whether its characters belong to the next paragraph: a large first letter, or a
            paragraph whose end a tracked change took away.
        is_indented: whether it is set in from both sides, as a letter in a story may be.
    """

    style: str = ""
    level: int | None = None
    left_out: str | None = None
    centred: bool = False
    bold: bool = False
    size: float = 0.0
    new_page: bool = False
    space_above: float = 0.0
    is_ruled: bool = False
    label: str = ""
    is_rule: bool = False
    goes_on: bool = False
    is_indented: bool = False


ORDINARY = Form()
"""Of a paragraph of which the file says nothing."""


def level_of(name: str) -> int | None:
    """A heading's level by the name of its style, in lower case."""
    if name == "title":
        return TITLE
    number = name.removeprefix("heading ")
    is_level = number != name and number.isdecimal() and len(number) < 3 and int(number) > 0
    return int(number) if is_level else None


def styled_as(name: str) -> str | None:
    """What a paragraph is by the name of its style, if not the story."""
    if _CONTENTS_STYLE.fullmatch(name):
        return "contents"
    return "caption" if name in _CAPTION_STYLES else None


def points(value: str | None, parts: int = 1) -> float | None:
    """A length in points: a number without a unit counts parts of a point."""
    text = (value or "")[:20]
    unit = _UNITS.get(text[-2:])
    try:
        number = float(text[:-2]) * unit if unit else float(text) / parts
    except ValueError:
        return None
    return number if 0 <= number < 10_000 else None


def symbol(font: str, code: int) -> str:
    """The character that a sign of a symbol font stands for; an ornament where none does."""
    if not 0xF000 <= code <= 0xF0FF and code > 0xFF:
        return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else _ORNAMENT
    sign, font = chr(code & 0xFF), font[:_LONGEST_NAME]
    if font.lower() == "symbol":
        return _GREEK.get(sign, sign if sign.isascii() and sign.isprintable() else _ORNAMENT)
    if re.match(r"(?i)wingdings|webdings|zapf|bookshelf|.*(?:ornament|dingbat|symbol)", font):
        return _SYMBOLS.get(sign, _ORNAMENT) if font.lower() == "wingdings" else _ORNAMENT
    return sign if code <= 0xFF and sign.isprintable() else _ORNAMENT


def in_font(font: str, text: str) -> str:
    """Characters as a font shows them: in one of pictures, a few letters stand for ornaments."""
    if not _PICTURES.match(font) or len("".join(text.split())) > _FEW_SIGNS:
        return text
    return "".join(c if c.isspace() else symbol(font, ord(c)) for c in text)


class Paragraphs:
    """Turns the paragraphs of one file into blocks, in order.

    Attributes:
        new_page: whether the next paragraph begins on a new page.
    """

    new_page = False

    def __init__(self) -> None:
        """Nothing is read yet."""
        self._number = 0
        self._held: list[Stretch] = []  # they belong to the next paragraph

    def add(
        self, runs: Iterable[Stretch], form: Form = ORDINARY, picture: str = ""
    ) -> Iterator[Block | None]:
        """The blocks of one paragraph; None for an empty one.

        Args:
            runs: its characters.
            form: what the file says of it as a whole.
            picture: the name of the last picture in it.
        """
        self._number += 1
        runs = list(runs)
        shown = runs
        hidden: dict[str, list[str]] = {}
        if any(run.left_out for run in runs):
            shown = [run for run in runs if not run.left_out]
            for run in runs:
                if run.left_out:
                    hidden.setdefault(run.left_out, []).append(run.text)
        if form.level is not None and not form.label and not _has_words(shown):
            form = replace(form, label=" ".join("".join(hidden.pop(DESCRIPTION, [])).split()))
        if form.goes_on:
            self._held += shown
        else:
            if self._held:
                shown, self._held = [*self._held, *shown], []
            empty = yield from self._shown(shown, form, picture)
            if empty and not hidden:
                yield None
        for kind, texts in hidden.items():
            text, _ = written((part.replace(NEW_PAGE, "\n"), "") for part in texts)
            if text.strip():
                yield Block("paragraph", text, left_out=kind, place=self._number)

    def end(self) -> Iterator[Block | None]:
        """What is left at the end of the file: characters that no paragraph follows."""
        runs, self._held = self._held, []
        if runs:
            yield from self.add(runs)

    def _shown(self, runs: list[Stretch], form: Form, picture: str) -> Generator[Block, None, bool]:
        """The blocks of what a paragraph shows.

        Returns:
            Whether it is an empty line. The end of a page is none.
        """
        new_page = self.new_page or form.new_page
        empty = True
        for part, gap, is_next_page in _parts(runs, form.level is not None):
            new_page = new_page or is_next_page
            empty = empty and not is_next_page
            block = _block(part, form)
            if block is not None:
                look = _look(part, form, new_page)
                is_linked = all(run.is_linked or not run.text.strip() for run in part)
                quoted = form.is_indented or form.style in _QUOTATION_STYLES
                yield replace(
                    block, gap=gap, look=look, is_linked=is_linked, is_quoted=quoted,
                    place=self._number,
                )  # fmt: skip
                empty = new_page = False
        self.new_page = new_page
        if not empty:
            return False
        if form.label and _tells(form):
            look = _look((), form, new_page)
            block = Block("paragraph", form.label, look=look, place=self._number)
            if form.level is not None:
                block = replace(block, kind="heading", level=form.level)
            yield block
        elif form.is_rule:
            yield Block("break", SCENE_BREAK, place=self._number)
        elif form.is_ruled:
            yield Block("break", "", place=self._number)
        elif picture:
            yield Block("break", _PICTURE, look=Look(style=picture), place=self._number)
        else:
            return True
        self.new_page = False
        return False


def _tells(form: Form) -> bool:
    """Whether the number before an empty paragraph is more than that of a list's item."""
    letters = sum(map(str.isalpha, form.label))
    return form.level is not None or form.centred or letters > _LETTERS_OF_ITEM


def _has_words(runs: Iterable[Stretch]) -> bool:
    return any(run.text.strip() for run in runs)


def _block(runs: Sequence[Stretch], form: Form) -> Block | None:
    """A paragraph or a heading without its look; None where it is empty."""
    if form.level is not None:
        text, _ = written((run.text, "") for run in runs)
        text = " ".join(text.split())
        return Block("heading", text, level=form.level, left_out=form.left_out) if text else None
    return block_of(((run.text, run.mark) for run in runs), form.left_out)


def _parts(runs: list[Stretch], is_heading: bool) -> Iterator[tuple[list[Stretch], int, bool]]:
    """A paragraph's runs, parted at new pages, and at line breaks that part paragraphs.

    Two line breaks in a row do. A single one does where the lines are too long for verse, and
    mostly end sentences. Nothing parts a heading but a new page.

    Returns:
        Of each part: its runs, the empty lines before it beyond the usual, whether it is the first
        after a page's end.
    """
    text = "".join(run.text for run in runs)
    signs = text.count("\n")
    if not signs and NEW_PAGE not in text:
        yield runs, 0, False
        return
    single = not is_heading and signs > 1 and _are_paragraphs(text.replace(NEW_PAGE, "\n"))
    enough = 1 if single else 2
    part: list[Stretch] = []
    lines, is_next_page = 0, False
    for run in runs:
        for piece in re.split(rf"(\n|{NEW_PAGE})", run.text):
            if piece == NEW_PAGE:
                yield part, 0, is_next_page
                part, lines, is_next_page = [], 0, True
            elif piece == "\n":
                lines += 1
            elif piece.strip():
                if lines >= enough and not is_heading:
                    yield part, 0, is_next_page
                    part, is_next_page = [], False
                elif lines and part:
                    part.append(
                        Stretch("\n", part[-1].mark, None, part[-1].size, part[-1].is_linked)
                    )
                part.append(run._replace(text=piece))
                lines = 0
            elif piece and not lines:
                part.append(run._replace(text=piece))
    yield part, 0, is_next_page


def _are_paragraphs(text: str) -> bool:
    """Whether the lines of a paragraph are paragraphs themselves: long, and ending sentences."""
    lines = [line for line in text.split("\n") if line.strip()]
    long = sum(len(line) >= _LONG_LINE for line in lines)
    ended = sum(ends_sentence(line) for line in lines)
    return len(lines) > 2 and long * 2 > len(lines) and ended * 10 > len(lines) * 7


def _look(runs: Sequence[Stretch], form: Form, new_page: bool) -> Look:
    """A paragraph's look, with its size and the space above it in points."""
    sizes: Counter[float] = Counter()
    bold = True
    for run in runs:
        if run.text and not run.text.isspace():
            sizes[run.size or form.size] += len(run.text)
            bold = bold and run.mark == "**"
    size = max(sizes, key=sizes.__getitem__) if sizes else form.size
    return Look(
        form.style, form.centred, form.bold or (bold and bool(sizes)), size, new_page,
        form.space_above,
    )  # fmt: skip


def finished(found: Iterable[Block | None], path: Path) -> list[Block]:
    """The blocks of a whole file, with each look compared with the usual one of the file.

    A picture that stands alone in several paragraphs is an ornament, which parts scenes; another
    picture is none.

    Raises:
        InputError: when there are too many blocks.
    """
    looks = {PLAIN: PLAIN}
    shared = (  # one object for all looks that are alike
        replace(block, look=looks.setdefault(block.look, block.look))
        for block in bounded(with_gaps(found), path)
    )
    blocks = list(shared)
    pictures = Counter(b.look.style for b in blocks if b.kind == "break" and b.text == _PICTURE)
    sizes: Counter[float] = Counter()
    spaces: Counter[float] = Counter()
    for block in blocks:
        if block.kind == "paragraph" and not block.left_out:
            sizes[block.look.size] += len(block.text)
            spaces[block.look.space_above] += 1
    size = max(sizes, key=sizes.__getitem__, default=0.0)
    space = max(spaces, key=spaces.__getitem__, default=0.0)
    beside = {look: _beside(look, size, space) for look in looks} | {PLAIN: PLAIN}
    kept: list[Block] = []
    gap = 0  # before pictures that are gone
    for block in blocks:
        if block.kind == "break" and block.text == _PICTURE:
            if pictures[block.look.style] < 2:
                gap += block.gap
                continue
            block = replace(block, text=SCENE_BREAK, look=PLAIN)
        if gap or block.look is not PLAIN:
            block = replace(block, gap=block.gap + gap, look=beside[block.look])
        gap = 0
        kept.append(block)
    return kept


def _beside(look: Look, size: float, space: float) -> Look:
    """A look in points, beside the usual size and the usual space above a paragraph."""
    times = round(look.size / size, 2) if look.size and size else 1.0
    lines = (look.space_above - space) / ((size or 12.0) * _LINE_HEIGHT)
    found = replace(look, size=times, space_above=max(0.0, round(lines, 1)))
    return PLAIN if found == PLAIN else found
