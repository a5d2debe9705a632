"""The numbers that Word counts and shows before paragraphs, such as ``Chapter 1``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from seqctx.prepare.readers.markup import pieces
from seqctx.prepare.readers.word_styles import Properties, element_name
from seqctx.system.archives import Archive

_ROMAN = (
    (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"),
    (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
)  # fmt: skip
_ONES = (
    "Zero One Two Three Four Five Six Seven Eight Nine Ten Eleven Twelve Thirteen Fourteen Fifteen "
    "Sixteen Seventeen Eighteen Nineteen"
).split()
_TENS = "Twenty Thirty Forty Fifty Sixty Seventy Eighty Ninety".split()
_ORDINALS = {
    "One": "First", "Two": "Second", "Three": "Third", "Five": "Fifth", "Eight": "Eighth",
    "Nine": "Ninth", "Twelve": "Twelfth",
}  # fmt: skip
_DIGITS = "〇一二三四五六七八九"
_MOST = 4_000  # higher numbers are written in digits
_MOST_IN_LETTERS = 26 * 5
_PLACE = re.compile(r"%([1-9])")


class _Level(NamedTuple):
    start: int = 1
    form: str = "decimal"
    text: str = ""
    style: str = ""  # the id of the style that it counts


def number_as(number: int, form: str) -> str:
    """A number as one of Word's formats writes it; in digits where the format is not known."""
    if not 0 < number < _MOST:
        return str(number)
    if form in ("upperRoman", "lowerRoman"):
        found = ""
        for value, signs in _ROMAN:
            found += signs * (number // value)
            number %= value
        return found if form == "upperRoman" else found.lower()
    if form in ("upperLetter", "lowerLetter") and number <= _MOST_IN_LETTERS:
        letter = chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)
        return letter.upper() if form == "upperLetter" else letter
    if form in ("cardinalText", "ordinalText") and number < 100:
        return _in_words(number, form == "ordinalText")
    if form.startswith(("chinese", "japanese", "ideographDigital", "taiwanese")) and number < 100:
        tens, ones = divmod(number, 10)
        ten = ("" if tens == 1 else _DIGITS[tens]) + "十" if tens else ""
        return ten + (_DIGITS[ones] if ones else "")
    if form == "decimalZero":
        return f"{number:02}"
    return str(number)


def _in_words(number: int, is_ordinal: bool) -> str:
    tens, ones = divmod(number, 10)
    words = [_ONES[number]] if number < 20 else [_TENS[tens - 2], *([_ONES[ones]] if ones else [])]
    if is_ordinal:
        last = words[-1]
        words[-1] = _ORDINALS.get(last, f"{last.removesuffix('y')}{'ie' * last.endswith('y')}th")
    return "-".join([words[0], *(word.lower() for word in words[1:])])


@dataclass
class Numbers:
    """The numberings of a file, and how far each has counted."""

    _levels: dict[str, dict[int, _Level]] = field(default_factory=dict)
    _kinds: dict[str, str] = field(default_factory=dict)  # of a numbering: which levels it has
    _counts: dict[str, dict[int, int]] = field(default_factory=dict)

    def label(self, own: Properties, style: str) -> str:
        """The number that a paragraph shows, after it is counted; empty where it shows none."""
        if own.numbers in (None, "0"):
            return ""
        kind = self._kinds.get(own.numbers or "", "")
        levels = self._levels.get(kind)
        if not levels:
            return ""
        counted = next((k for k, level in levels.items() if level.style == style and style), 0)
        k = counted if own.number_level is None else own.number_level
        counts = self._counts.setdefault(kind, {})
        level = levels.get(k, _Level())
        counts[k] = counts.get(k, level.start - 1) + 1
        for deeper in [d for d in counts if d > k]:
            del counts[deeper]
        if level.form in ("bullet", "none"):
            return ""

        def shown(found: re.Match[str]) -> str:
            above = levels.get(int(found[1]) - 1, _Level())
            return number_as(counts.get(int(found[1]) - 1, above.start), above.form)

        return " ".join(_PLACE.sub(shown, level.text).split())


def numbers_of(archive: Archive, name: str | None) -> Numbers:
    """The numberings of a file."""
    numbers = Numbers()
    if name is None or name not in archive:
        return numbers
    with archive.stream(name) as stream:
        wanted = ("abstractNum", "num")
        for event, node in pieces(
            stream, archive.place(name), lambda tag: element_name(tag) in wanted
        ):
            if event != "whole":
                continue
            w = node.tag.removesuffix(element_name(node.tag))
            if element_name(node.tag) == "abstractNum":
                found = {k: level for lvl in node.iter(f"{w}lvl") for k, level in [_level(lvl, w)]}
                numbers._levels[node.get(f"{w}abstractNumId") or ""] = found
            else:
                kind = next((e.get(f"{w}val") for e in node.iter(f"{w}abstractNumId")), None)
                numbers._kinds[node.get(f"{w}numId") or ""] = kind or ""
    return numbers


def _level(node: Any, w: str) -> tuple[int, _Level]:
    """A level of a numbering, and which one it is."""

    def value(name: str, otherwise: str) -> str:
        found = node.find(f"{w}{name}")
        return otherwise if found is None else found.get(f"{w}val") or otherwise

    which, start = node.get(f"{w}ilvl") or "", value("start", "1")
    return (
        int(which) if which in list("012345678") else 0,
        _Level(
            int(start) if start.isascii() and start.isdigit() and len(start) < 6 else 1,
            value("numFmt", "decimal"), value("lvlText", "")[:200], value("pStyle", ""),
        ),
    )  # fmt: skip
