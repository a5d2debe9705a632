r"""Shows characters that a terminal or a page would obey, or hide, as signs such as ``\x1b``.

A manuscript, a model's answer, a server's error and the name of a file may hold any character. A
terminal obeys some of them: it moves the cursor, renames its window, writes to the clipboard, or
shows a line in another order than the one in which it is stored. Whatever is printed or put on a
page goes through `visible` or `visible_line`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

# Shown as signs:
_SIGNS = (
    r"\x00-\x08\x0b-\x1f"  # control characters except tab and newline; escape, carriage return
    r"\x7f-\x9f"  # delete, and the control characters above ASCII (U+009B begins a sequence, too)
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # Unicode's property Bidi_Control
    r"\u2028\u2029"  # line and paragraph separator: one line must stay one line
    r"\u206a-\u206f\ufff9-\ufffb"  # deprecated, or text that is not displayed (annotations)
    r"\ufeff"  # a byte order mark: invisible, and of no use within a text
    r"\ud800-\udfff"  # halves of pairs, which no UTF-8 output can write
    r"\U000e0000-\U000e007f"  # tags: invisible copies of ASCII, except in a flag
)
# Not shown as signs, since writers need them and no terminal obeys them: soft hyphens, zero-width
# spaces and joiners (Thai and Khmer, Persian, emoji), variation selectors, combining accents.
_TAGS = r"[\U000e0030-\U000e0039\U000e0061-\U000e007a]"
_FLAG = rf"\U0001f3f4{_TAGS}{{3,6}}\U000e007f"  # such as the flags of Scotland and Wales
_FOUND = re.compile(rf"(?P<flag>{_FLAG})|[{_SIGNS}]")
_FOUND_IN_LINE = re.compile(rf"(?P<flag>{_FLAG})|[\t\n{_SIGNS}]")
_BEGUN_FLAG = re.compile(rf"\U0001f3f4{_TAGS}{{0,6}}\Z")
_SHORT = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}


def visible(text: str) -> str:
    r"""The text with signs for what a terminal would obey; newlines and tabs stay.

    The result can be written as UTF-8. A text that holds no such character is returned unchanged;
    a backslash is no such character, so ``\x1b`` may also be what the text itself says.
    """
    return _FOUND.sub(_sign, text)


def visible_line(text: str) -> str:
    r"""The text as one line: as `visible`, and newlines and tabs as ``\n`` and ``\t``."""
    return _FOUND_IN_LINE.sub(_sign, text)


def visible_pieces(pieces: Iterable[str]) -> Iterator[str]:
    """A text that comes in pieces, each made visible as soon as it is whole.

    Joined, they are what `visible` makes of the joined text: a flag may be cut by two pieces.
    """
    held = ""
    for piece in pieces:
        text = held + piece
        begun = _BEGUN_FLAG.search(text)
        held = begun[0] if begun else ""
        yield visible(text[: len(text) - len(held)])
    yield visible(held)


def _sign(found: re.Match[str]) -> str:
    """A flag as it is, and any other character as its sign."""
    if found["flag"]:
        return found["flag"]
    character = found[0]
    if short := _SHORT.get(character):
        return short
    number = ord(character)
    return (
        f"\\x{number:02x}"
        if number < 0x100
        else (f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}")
    )
