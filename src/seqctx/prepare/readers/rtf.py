"""Rich text, .rtf: of Word, WordPad, TextEdit, Scrivener, Google Docs and LibreOffice.

Headers and footers are no part of the text and are not read. Read after Microsoft's Rich Text
Format (RTF) Specification, version 1.9.1.
"""

from __future__ import annotations

import copy
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from seqctx.errors import InputError
from seqctx.prepare.readers import rtf_words
from seqctx.prepare.readers.blocks import Block, below_title
from seqctx.prepare.readers.office import (
    COMMENTS,
    HIDDEN_TEXT,
    NOTES,
    Form,
    Paragraphs,
    Stretch,
    finished,
    level_of,
    styled_as,
    symbol,
)
from seqctx.system.archives import damaged
from seqctx.system.regular_file import read_file

_MOST = 500_000_000  # bytes; pictures take most of a large file
_DEEPEST = 1_000  # groups in one another


def rtf_blocks(path: Path) -> list[Block]:
    """The blocks of a file of rich text.

    Raises:
        InputError: when it is no rich text, or nested too deep.
    """
    return blocks_of_rtf(read_file(path, most=_MOST), path)


def blocks_of_rtf(data: bytes, path: Path) -> list[Block]:
    """The blocks of rich text in memory; ``path`` is what an error names."""
    if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{\\rtf"):
        raise InputError(damaged(path, ".rtf"))
    reading = _Reading(rtf_words.with_scrivener_notes(data.decode("latin-1")), path)
    blocks = finished(reading.blocks(), path)
    title = reading.title.strip()
    return below_title(title, blocks)


class _Reading:
    """Reads the text of one file, sign by sign, with a stack of its groups."""

    def __init__(self, text: str, path: Path) -> None:
        self.title = ""
        self._text, self._path = text, path
        self._state = rtf_words.GroupState()
        self._stack: list[rtf_words.GroupState] = []
        self._starred = False  # a word comes next that programs may skip
        self._skips = 0  # signs to skip after a character of Unicode
        self._code_page = "cp1252"
        self._fonts: dict[int, rtf_words.Font] = {}
        self._styles: dict[int, Form] = {}
        self._marks: dict[int, tuple[bool, bool]] = {}  # of styles of characters: bold, italic
        self._style: tuple[str, int] = ("s", 0)  # the one that is being defined
        self._caught: list[str] = []
        self._high = 0  # the first half of a character of Unicode
        self._default_font = -1
        self._pending: list[bytes] = []  # characters that are not decoded yet
        self._runs: list[Stretch] = []
        self._around: list[tuple[int, list[Stretch]]] = []  # paragraphs that text boxes interrupt
        self._picture = self._label = ""
        self._after = 0.0  # space below the last paragraph
        self._paragraphs = Paragraphs()

    def blocks(self) -> Iterator[Block | None]:
        """The paragraphs; None for an empty one."""
        at = 0
        while found := rtf_words.TOKEN.search(self._text, at):
            at = found.end()
            kind = found.lastgroup
            if kind == "text":
                self._add(found["text"].encode("latin-1"))
            elif kind == "byte":
                self._add(bytes.fromhex(found["byte"]))
            elif kind == "brace" and found["brace"] == "{":
                self._open(at)
            elif kind == "brace":
                yield from self._close()
                if not self._stack:
                    break
            elif kind == "sign":
                yield from self._sign(found["sign"])
            elif kind is not None:
                word, number = found["word"], found["number"]
                if word == "bin":
                    at = self._after_bytes(number, at)
                elif self._skips_group(word):
                    at = self._after_group(word, at)
                else:
                    yield from self._word(word, None if number is None else int(number))
        self._flush()
        if any(run.text.strip() for run in self._runs):
            yield from self._end()
        yield from self._paragraphs.end()

    def _add(self, characters: bytes) -> None:
        if self._skips:
            skipped = min(self._skips, len(characters))
            self._skips -= skipped
            characters = characters[skipped:]
        if characters:
            self._pending.append(characters)

    def _flush(self) -> None:
        """Decode the characters that came since the state last changed."""
        self._skips = 0
        if not self._pending:
            return
        raw, self._pending = b"".join(self._pending), []
        font = self._fonts.get(self._state.font)
        if font and font.charset == rtf_words.SYMBOL_FONT and not self._state.catches:
            self._write("".join(symbol(font.name, code) if code > 32 else " " for code in raw))
            return
        encoding = (
            rtf_words.CODE_PAGES.get(font.charset, self._code_page) if font else self._code_page
        )
        self._write(raw.decode(encoding, "replace"))

    def _write(self, text: str) -> None:
        """Add characters to the paragraph, or to what the group defines."""
        state = self._state
        if state.catches:
            self._caught.append(text)
        elif not state.deleted:
            mark = "**" if state.bold else "*" if state.italic else ""
            kind = state.left_out or (HIDDEN_TEXT if state.hidden else None)
            self._runs.append(Stretch(text, mark, kind, state.size, state.linked))

    def _open(self, at: int) -> None:
        self._flush()
        self._starred = False
        self._stack.append(copy.copy(self._state))
        if len(self._stack) > _DEEPEST:
            line = self._text.count("\n", 0, at) + 1
            raise InputError(
                f"{self._path}, line {line:,}: more than {_DEEPEST:,} groups lie in one another, "
                "which no book needs. Export it again."
            )

    def _close(self) -> Iterator[Block | None]:
        self._flush()
        self._starred = False
        inner, outer = self._state, self._stack.pop() if self._stack else rtf_words.GroupState()
        if inner.catches != outer.catches or inner.catches in ("style", "font"):
            self._define(inner, outer)
        if self._around and len(self._stack) < self._around[-1][0]:
            if any(run.text.strip() for run in self._runs):
                yield from self._end()
            _, self._runs = self._around.pop()
        self._state = outer

    def _define(self, inner: rtf_words.GroupState, outer: rtf_words.GroupState) -> None:
        """Take what a group has defined."""
        text, kind = "".join(self._caught).strip(), inner.catches
        self._caught = []
        if kind == "title":
            self.title = text
        elif kind == "font" and inner.font in self._fonts:
            self._fonts[inner.font].name = text.rstrip(";")
        elif kind == "style" and text:
            name = text.rstrip(";").partition(",")[0][:200].lower()
            word, number = self._style
            if word == "cs":
                self._marks[number] = (
                    inner.bold or name == "strong", inner.italic or name == "emphasis",
                )  # fmt: skip
            else:
                level = level_of(name)
                form = inner.form if level is None else replace(inner.form, level=level)
                self._styles[number] = replace(
                    form, style=name, left_out=styled_as(name), size=inner.size
                )
            self._style = ("s", 0)
        elif kind == "label":
            self._label = text
        elif kind == "field":
            field_word = text.lstrip("\\ ").partition(" ")[0].upper()
            outer.linked = field_word == "HYPERLINK" and "\\l" in text
            outer.contents = outer.contents or field_word in ("TOC", "INDEX")

    def _skips_group(self, word: str) -> bool:
        """Whether a group that begins with this word holds nothing to read."""
        starred, self._starred = self._starred, False
        if starred and word not in rtf_words.READ_THOUGH_STARRED:
            return True
        return word in rtf_words.SKIPPED or (
            self._state.catches == "info" and word in ("author", "subject", "keywords", "doccomm")
        )

    def _after_group(self, word: str, at: int) -> int:
        """The place of the brace that ends this group, whose content is not looked at."""
        depth, start = 1, at
        while depth and (found := rtf_words.IN_SKIPPED.search(self._text, at)):
            at = found.end()
            if found[1]:
                at = self._after_bytes(found[1], at)
            elif found[2]:
                depth += 1 if found[2] == "{" else -1
        if depth:
            return len(self._text)
        if word in ("pict", "shppict"):
            self._picture = str(zlib.crc32(self._text[start : at - 1].encode("latin-1")))
        return at - 1

    def _after_bytes(self, number: str | None, at: int) -> int:
        """The place after as many bytes of a picture; the same where the file has fewer."""
        end = at + int(number or 0)
        return end if at < end <= len(self._text) else at

    def _sign(self, sign: str) -> Iterator[Block | None]:
        if sign == "*":
            self._starred = True
            return
        if self._skips:
            self._skips -= 1
            return
        if sign in "\r\n":  # so TextEdit ends its paragraphs
            yield from self._word("par", None)
        elif sign in rtf_words.SIGNS:
            self._flush()
            self._write(rtf_words.SIGNS[sign])

    def _word(self, word: str, number: int | None) -> Iterator[Block | None]:
        """What one control word says."""
        skips = self._skips
        self._flush()
        if word == "u":
            self._unicode(number or 0)
            return
        self._skips = max(0, skips - 1)  # a word may repeat a character
        state = self._state
        if word in rtf_words.ENDS and not state.catches:
            if state.left_out:
                self._write("\n")
            elif word in ("par", "sect") or self._runs:
                yield from self._end()
            if word == "sect":
                self._paragraphs.new_page = True
        elif word in rtf_words.CHARACTERS:
            if not skips:
                self._write(rtf_words.CHARACTERS[word])
        elif word == "shptxt":
            self._around.append((len(self._stack), self._runs))
            self._runs = []
        elif word in _WORDS:
            _WORDS[word](self, 1 if number is None else number)
        elif word in rtf_words.DESTINATIONS or (word == "title" and state.catches == "info"):
            state.catches, self._caught = rtf_words.DESTINATIONS.get(word, word), []
        elif word in ("s", "cs", "ds"):
            self._use_style(word, number or 0)

    def _unicode(self, number: int) -> None:
        """A character by its number, then those that repeat it for older programs."""
        code = number & 0xFFFF if number < 0 else number
        high, self._high = self._high, 0
        if 0xD800 <= code < 0xDC00:
            self._high = code
        elif 0xDC00 <= code < 0xE000:
            if high:
                self._write(chr(0x10000 + ((high - 0xD800) << 10) + code - 0xDC00))
        elif 0xF000 <= code <= 0xF0FF:
            font = self._fonts.get(self._state.font)
            self._write(symbol(font.name if font else "", code))
        elif 31 < code < 0x110000:
            self._write(chr(code))
        self._skips = self._state.after_unicode

    def _use_style(self, word: str, number: int) -> None:
        """Take the form of a style, or begin to define it."""
        state = self._state
        if state.catches == "style":
            self._style, self._caught = (word, number), []
        elif word == "s":
            state.form = self._styles.get(number, state.form)
        elif number in self._marks:
            bold, italic = self._marks[number]
            state.bold, state.italic = state.bold or bold, state.italic or italic

    def _end(self) -> Iterator[Block | None]:
        """End the paragraph."""
        state, runs = self._state, self._runs
        text = "".join(run.text for run in runs if not run.left_out)
        form = replace(state.form, space_above=state.before + self._after, label=self._label)
        if state.contents and (text.strip()[-1:].isdigit() or any(run.is_linked for run in runs)):
            form = replace(form, left_out="contents")
        yield from self._paragraphs.add(runs, form, self._picture)
        self._runs, self._picture, self._label, self._after = [], "", "", state.after

    def _plain(self) -> None:
        state = self._state
        state.bold = state.italic = state.hidden = False
        state.size, state.font = 0.0, self._default_font

    def _new_form(self) -> None:
        self._state.form = Form()
        self._state.before = self._state.after = 0.0

    def _set_code_page(self, number: int) -> None:
        self._code_page = rtf_words.code_page(number) or self._code_page

    def _set_font(self, number: int) -> None:
        state = self._state
        if state.catches == "font":
            if state.font in self._fonts:
                self._fonts[state.font].name = "".join(self._caught).strip("; ")
            self._fonts[number], self._caught = rtf_words.Font(), []
        state.font = number

    def _set_charset(self, number: int) -> None:
        if self._state.catches == "font" and self._state.font in self._fonts:
            self._fonts[self._state.font].charset = number

    def _set_default_font(self, number: int) -> None:
        self._default_font = self._state.font = number

    def _begin_note(self, kind: str) -> None:
        self._state.left_out = kind
        self._runs.append(Stretch("\n", "", kind))

    def _goes_on(self) -> None:
        """The section that begins here stays on its page."""
        if not self._runs:
            self._paragraphs.new_page = False


_Say = Callable[[_Reading, int], None]


def _sets(name: str, value: object = None) -> _Say:
    """What sets a value of the state, or switches it on and off."""
    return lambda reading, number: setattr(
        reading._state, name, number != 0 if value is None else value
    )


def _forms(**values: object) -> _Say:
    """What says something of the paragraph."""
    return lambda reading, number: reading._state.set_form(**values)


_WORDS: dict[str, _Say] = {  # without a number, a word has 1
    "annotation": lambda reading, number: reading._begin_note(COMMENTS),
    "ansicpg": _Reading._set_code_page,
    "b": _sets("bold"),
    "brdrb": _forms(is_ruled=True),
    "brdrnil": _forms(is_ruled=False),
    "brdrnone": _forms(is_ruled=False),
    "brdrt": _forms(is_ruled=True),
    "deff": _Reading._set_default_font,
    "deleted": _sets("deleted"),
    "dropcapt": _forms(goes_on=True),
    "f": _Reading._set_font,
    "fcharset": _Reading._set_charset,
    "footnote": lambda reading, number: reading._begin_note(NOTES),
    "fs": lambda reading, number: setattr(reading._state, "size", number / 2),
    "i": _sets("italic"),
    "mac": lambda reading, number: reading._set_code_page(10_000),
    "outlinelevel": lambda reading, number: reading._state.set_form(
        level=number + 1 if 0 <= number < 9 else None
    ),
    "pagebb": _forms(new_page=True),
    "pard": lambda reading, number: reading._new_form(),
    "pc": lambda reading, number: reading._set_code_page(437),
    "pca": lambda reading, number: reading._set_code_page(850),
    "plain": lambda reading, number: reading._plain(),
    "qc": _forms(centred=True),
    "qj": _forms(centred=False),
    "ql": _forms(centred=False),
    "qr": _forms(centred=False),
    "sa": lambda reading, number: setattr(reading._state, "after", number / 20),
    "sb": lambda reading, number: setattr(reading._state, "before", number / 20),
    "sbknone": lambda reading, number: reading._goes_on(),
    "uc": lambda reading, number: setattr(reading._state, "after_unicode", min(number, 16)),
    "ud": _sets("deleted", False),
    "upr": _sets("deleted", True),
    "v": _sets("hidden"),
}
