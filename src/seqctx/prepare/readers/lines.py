"""Recognizes lines of plain text by their looks: headings, page numbers."""

from __future__ import annotations

import re
from itertools import pairwise

_TEEN = "(?:thir|four|fif|six|seven|eigh|nine)teen"
_TEN = "(?:twen|thir|for|fif|six|seven|eigh|nine)t"
_ENGLISH = (
    f"one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|{_TEEN}|{_TEN}y(?:-[a-z]+)?"
)
_TH = "first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|last"
_BEHIND = (  # "Chapter the First", "Chapitre premier", "Parte prima", "Глава первая"
    rf"the (?:{_TH}|{_TEEN}th|{_TEN}ieth)|premi[eè]re?|prim[aeo]|primer[ao]|second[aeo]"
    r"|segund[ao]|terz[ao]|tercer[ao]?|quart[ao]|cuart[ao]|quint[ao]|[a-zéè]+i[eè]me"
    r"|перв(?:ая|ый)|втор(?:ая|ой)|трет(?:ья|ий)|[а-яё]{4,12}(?:тая|тый|мая|мой|вятый|вятая)"
)
_BEFORE = (  # "Erstes Kapitel", "Première partie", "The First Part", "Primera parte"
    r"(?:erst|zweit|dritt|viert|fünft|sechst|siebt|siebent|acht|neunt|zehnt|elft|zwölft"
    r"|[a-zäöüß]+zehnt|[a-zäöüß]+zigst|letzt)e[rs]?|premi[eè]re?|second[ae]?|[a-zéè]+i[eè]me"
    rf"|primer[ao]?|segund[ao]|tercer[ao]?|prim[ao]|terz[ao]|quart[ao]|(?:the )?(?:{_TH})"
    r"|перв(?:ая|ый)|втор(?:ая|ой)|трет(?:ья|ий)|последняя"
)
_PART = (
    "chapter|part|book|volume|kapitel|teil|buch|band|chapitre|partie|livre|tome|cap[ií]tulo"
    "|parte|libro|capitolo|глава|часть|книга|том"
)
_NUMBER = rf"(?:\d+|[IVXLC]+|(?i:{_ENGLISH}|{_BEHIND}))"
_NUMBERED = rf"(?:(?i:{_PART}) {_NUMBER}|(?i:(?:{_BEFORE}) (?:{_PART})))"
_CHINESE = r"第[0-9０-９〇一二三四五六七八九十百千零两]{1,7}[章回节節卷部集话話篇幕]"
# "Chapter Two: The End", "PART IV", "Book 3 The Storm", "Epilogue", "XII.", "第一章 雨夜";
# not "Part of me ran.", nor "Chapter 7 of the manual lay open on the"
_HEADING = re.compile(
    rf"{_NUMBERED}\b(?:\s*[.:–—-].{{0,80}}|(?P<rest>.{{0,60}}(?<![.!?,;])))?"
    rf"|{_CHINESE}(?:.{{0,30}}(?<![。！？，；、]))?"
    r"|(?i:prolog(?:ue|o)?|[eé]p[ií]log(?:ue|o)?|pr[óo]logo|interlude|пролог|эпилог)"
    r"(?:\s*[.:–—-].{0,80})?|序章|序幕|楔子|尾[声聲]|[终終]章|プロローグ|エピローグ"
    r"|[IVXLC]{1,7}\.?|\d{1,3}\.?"
)
_ORDINAL = re.compile(rf"(?i)(?:{_NUMBERED}|{_NUMBER}|{_CHINESE})\.?")
_DIGITS = re.compile(r"\d{1,3}\.?")
_SENTENCE_END = re.compile(r"[.!?…:。！？：][\"'”’»)\]」』*_]*$|[\"”»」』]$")
_WIDE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uff9f]")  # Korean has spaces, too


_LONGEST = 500  # characters of a line that can be a heading; patterns read no more of it


def is_heading(text: str) -> bool:
    """Whether a line of plain text looks like a chapter's heading."""
    found = _HEADING.fullmatch(text) if len(text) <= _LONGEST else None
    return found is not None and not (found["rest"] or "").lstrip()[:1].islower()


def is_ordinal(text: str) -> bool:
    """Whether a heading is only a number, such as "Chapter 7" or "XII", without a title."""
    return len(text) <= _LONGEST and bool(_ORDINAL.fullmatch(text))


def is_digits(text: str) -> bool:
    """Whether a line is digits only: a chapter's number, or a page's."""
    return bool(_DIGITS.fullmatch(text))


def ends_sentence(text: str) -> bool:
    """Whether a line or paragraph ends with the end of a sentence."""
    return bool(_SENTENCE_END.search(text.rstrip()[-8:]))


def space_between(left: str, right: str) -> str:
    """What replaces a line's end: a space, but nothing between Chinese or Japanese characters."""
    return "" if _WIDE.match(left[-1:]) and _WIDE.match(right) else " "


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
