"""Recognizes lines by their looks: ends of sentences, titles, wide characters.

What their words say stands in ``heading_lines``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Unit = Literal["part", "chapter", "scene", ""]
"""What a heading numbers by its words; empty where it does not say."""


@dataclass(frozen=True, slots=True)
class HeadingLine:
    """A line that is a heading, or may be one.

    Attributes:
        form: how it is written. Lines of one form are headings together, or none is one.
        number: that it counts; None without.
        title: what follows the number, or the word.
        is_certain: whether the line alone tells; else others of its form must.
        unit: what it opens.
        word: by which it calls what it opens, for comparisons; empty without.
    """

    form: tuple[str, ...]
    number: int | None
    title: str = ""
    is_certain: bool = False
    unit: Unit = ""
    word: str = ""


LONGEST_TITLE = 80  # characters
OPENS_SPEECH = tuple("\"“”„«»‹'‘「『—–-")
WORD = re.compile(r"[^\W\d_]+(?:['’ʼ‐-][^\W\d_]+)*")
SENTENCE_WITHIN = re.compile(r"[^\W\d_]{3,}[.!?…][\"'”’»)]*\s+[\"'“„«‘(¿¡—–-]*[^\W\d_]|[。！？]+.")
_SENTENCE_END = re.compile(r"[.!?…:。！？：][\"'”’»)\]」』*_]*$|[\"”»」』]$")
_SIGNS = re.compile(r"[\W_]+")
_WIDE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uff9f]")  # Korean has spaces, too


def is_title(text: str, *, longest: int = LONGEST_TITLE) -> bool:
    """Whether a text may be a title: short, one sentence at most, no speech."""
    text = text.strip()
    if not text or len(text) > longest or text.startswith(OPENS_SPEECH):
        return False
    if first_letter(text).islower() or text[-1] in ",;:，；、。" or SENTENCE_WITHIN.search(text):
        return False
    if _WIDE.match(text) and "，" in text:
        return False
    return text[-1] != "." or is_in_title_case(text)


def is_in_title_case(text: str) -> bool:
    """Whether a text is in capitals, or all its longer words and most others begin with one."""
    words = WORD.findall(text)
    small = [word for word in words if word[0].islower()]
    return bool(words) and len(small) * 2 < len(words) and all(len(word) < 4 for word in small)


def is_wide(text: str) -> bool:
    """Whether a text begins with a Chinese or Japanese character."""
    return bool(_WIDE.match(text))


def first_letter(text: str) -> str:
    """The first letter near the beginning of a text; nothing where there is none."""
    return next((c for c in text[:5] if c.isalpha()), "")


def letters_and_digits(text: str) -> str:
    """A text's letters and digits alone, in small letters, for comparisons."""
    return _SIGNS.sub("", text).casefold()


def ends_sentence(text: str) -> bool:
    """Whether a line or paragraph ends with the end of a sentence."""
    return bool(_SENTENCE_END.search(text.rstrip()[-8:]))


def space_between(left: str, right: str) -> str:
    """What replaces a line's end: a space, but nothing between Chinese or Japanese characters."""
    return "" if _WIDE.match(left[-1:]) and _WIDE.match(right) else " "


def each_line(text: str) -> Iterator[str]:
    """The lines of a text one by one; a list of all would take much more memory than the text."""
    at = 0
    while at <= len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        yield text[at:end]
        at = end + 1


def joined(lines: list[str]) -> str:
    """The lines of one paragraph as one text."""
    return lines[0] + "".join(space_between(a, b) + b for a, b in pairwise(lines))


def without_comments(text: str) -> str:
    """Mark-up without its comments; one that is never closed stays, as text."""
    kept, at = [], 0
    while (start := text.find("<!--", at)) >= 0 and (end := text.find("-->", start + 4)) >= 0:
        kept.append(text[at:start])
        at = end + 3
    return "".join([*kept, text[at:]])
