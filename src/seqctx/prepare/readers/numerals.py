"""Numbers as headings write them: figures, Roman and Chinese numerals, words of many languages.

The words stand in ``heading_words.toml``. They are compared without accents and capitals.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal

Kind = Literal["digits", "roman", "small roman", "chinese", "letter", "word"]
VALUES = (*range(1, 21), *range(30, 101, 10))  # of the table's cardinals and ordinals
CHINESE = "〇零一二三四五六七八九十百千两兩廿卅壱弐参壹贰貳叁肆伍"
_FIGURES = (0, 0, *range(1, 10), 2, 2, 1, 2, 3, 1, 2, 2, 3, 4, 5)
_DIGITS = dict(zip("〇零一二三四五六七八九两兩壱弐参壹贰貳叁肆伍", _FIGURES, strict=True))
_UNITS = {"十": 10, "百": 100, "千": 1000, "廿": 20, "卅": 30}
_ROMAN = re.compile(r"(?=.)C{0,3}(?:XC|XL|L?X{0,4})(?:IX|IV|V?I{0,4})")
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
_LOOK_ALIKES = str.maketrans("ІХСЈⅼ", "IXCJl")  # Cyrillic letters in Roman numerals
_GREEK = {c: n for n, c in enumerate("αβγδεϛζηθ", 1)} | {
    c: 10 * n for n, c in enumerate("ικλμν", 1)
}
_KERAIA = "΄'’ʹ´ʹ"
_FOLDED = str.maketrans({"ı": "i", "’": None, "'": None, "ʼ": None, "\u0640": None})
_GAP = re.compile(r"[\s\u2010-]+")
_LONGEST = 60  # characters of a number in words


@dataclass(frozen=True, slots=True)
class Number:
    """A number, and how it is written."""

    value: int
    kind: Kind
    ordinal: bool = False


@lru_cache(4096)
def folded(text: str) -> str:
    """A text in small letters without accents and apostrophes, for comparisons."""
    if text.isascii():
        return text.lower().replace("'", "")
    text = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
    kept = "".join(c for c in text if unicodedata.category(c) != "Mn")
    return unicodedata.normalize("NFC", kept).translate(_FOLDED)


@cache
def table() -> dict[str, dict[str, str]]:
    """Words of headings and numbers, by language."""
    return tomllib.loads(Path(__file__).with_name("heading_words.toml").read_text("utf-8"))


def numeral(text: str) -> Number | None:
    """A number of up to three figures, or a Roman, Chinese or Greek numeral."""
    if 1 < len(text) < 5 and text[-1] in _KERAIA:
        letters = folded(text[:-1])
        if letters and all(c in _GREEK for c in letters):
            return Number(sum(_GREEK[c] for c in letters), "letter")
    text = unicodedata.normalize("NFKC", text)
    if text.isdecimal():
        return Number(int(text), "digits") if len(text) <= 3 else None
    roman = text.translate(_LOOK_ALIKES)
    if _ROMAN.fullmatch(roman):
        return Number(_roman(roman), "roman")
    if roman.islower() and _ROMAN.fullmatch(roman.upper()):
        return Number(_roman(roman.upper()), "small roman")
    if text and all(c in CHINESE for c in text):
        return Number(_chinese(text), "chinese")
    return None


def _roman(text: str) -> int:
    values = [_ROMAN_VALUES[c] for c in text]
    return sum(-a if a < b else a for a, b in zip(values, [*values[1:], 0], strict=True))


def _chinese(text: str) -> int:
    if not any(c in _UNITS for c in text):  # figures one after another, as in 一二 for 12
        return int("".join(str(_DIGITS[c]) for c in text[:6]))
    total = figure = 0
    for c in text:
        if c not in _UNITS:
            figure = _DIGITS[c]
        elif c in "廿卅":
            total += _UNITS[c]
        else:
            total, figure = total + max(figure, 1) * _UNITS[c], 0
    return total + figure


@dataclass(frozen=True, slots=True)
class _Words:
    """The number words of one language, by their first letter, the longest first."""

    stems: dict[str, list[tuple[str, int, bool]]]
    endings: tuple[str, ...]
    fillers: tuple[str, ...]
    counts_in_twenties: bool  # quatre-vingts


@cache
def _words_of(code: str) -> _Words:
    language = table()[code]
    stems: dict[str, list[tuple[str, int, bool]]] = defaultdict(list)
    for field, ordinal in (("ordinals", True), ("cardinals", False)):
        for value, words in zip(VALUES, language.get(field, "").split(), strict=False):
            for word in map(folded, words.split("/")):
                if word != "-":
                    stems[word[0]].append((word, value, ordinal))
    for found in stems.values():
        found.sort(key=lambda stem: -len(stem[0]))
    parts = (language.get(field, "").split() for field in ("endings", "fillers"))
    endings, fillers = (tuple(map(folded, words)) for words in parts)
    return _Words(dict(stems), endings, fillers, code == "fr")


@cache
def _codes_by_letters() -> dict[str, tuple[str, ...]]:
    """Languages of which a number word, or a word before it, begins with two letters."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for code in table():
        words = _words_of(code)
        first = [stem for stems in words.stems.values() for stem, _, _ in stems]
        for word in (*first, *words.fillers):
            found[word[:2]][code] = None
    return {letters: tuple(codes) for letters, codes in found.items()}


@lru_cache(4096)
def number_words(text: str, code: str = "") -> Number | None:
    """A number in words, such as "Twenty-First" or "einundzwanzigstes".

    Args:
        text: nothing but the number.
        code: of the language; any where it is empty.
    """
    if len(text) > _LONGEST:
        return None
    text = _GAP.sub(" ", folded(text))
    by_letters = _codes_by_letters()
    codes = (code,) if code else (*by_letters.get(text[:2], ()), *by_letters.get(text[:1], ()))
    return next((n for n in (_read(text, _words_of(c)) for c in codes) if n), None)


def _read(text: str, words: _Words) -> Number | None:
    """Divide a text into words of numbers; of several ways, that with the longest words."""
    ways: list[tuple[tuple[int, ...], bool] | None] = [None] * (len(text) + 1)
    ways[0] = ((), False)
    for at in range(len(text)):
        way = ways[at]
        if way is None:
            continue
        for stem, value, ordinal in words.stems.get(text[at], ()):
            if not text.startswith(stem, at):
                continue
            end = at + len(stem)
            found = ((*way[0], value), way[1] or ordinal)
            ways[end] = ways[end] or found
            for ending in words.endings:
                if text.startswith(ending, end):
                    ways[end + len(ending)] = ways[end + len(ending)] or (found[0], True)
        if text[at] == " ":
            ways[at + 1] = ways[at + 1] or way
        for filler in words.fillers:
            if text.startswith(filler, at):
                ways[at + len(filler)] = ways[at + len(filler)] or way
    last = ways[-1]
    if last is None or not last[0]:
        return None
    total = 0
    for value in last[0]:
        if value == 100 or (value == 20 and total == 4 and words.counts_in_twenties):
            total = max(total, 1) * value
        else:
            total += value
    return Number(total, "word", last[1])
