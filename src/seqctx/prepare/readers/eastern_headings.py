"""Headings in Chinese, Japanese and Korean: "第一章 雨夜", "プロローグ", "제2장"."""

from __future__ import annotations

import re

from seqctx.prepare.readers.lines import SENTENCE_WITHIN, HeadingLine, Unit
from seqctx.prepare.readers.numerals import CHINESE, numeral

_COUNT = rf"[0-9０-９{CHINESE}]{{1,7}}"
_EAST_UNITS: dict[str, Unit] = {
    **dict.fromkeys("部卷巻篇編集册冊辑輯季부권편", "part"),
    **dict.fromkeys("章回囘话話节節夜日幕折장화회막절", "chapter"),
    **dict.fromkeys("场場", "scene"),
}
_EAST = re.compile(
    rf"第\s?(?P<no>{_COUNT})\s?(?P<unit>[章回囘节節卷巻部集话話篇編幕场場夜日季册冊辑輯折])(?P<rest>.*)"
    rf"|(?P<unit2>[卷巻])[のノ之]?(?P<no2>{_COUNT})(?P<rest2>.*)"
    r"|(?P<unit3>(?P<upper>[上中下前后後])[卷巻篇編部集册冊])(?P<rest3>.*)"
)
_EAST_ALONE = re.compile(
    r"(?:序章|序幕|序曲|楔子|引子|序言|序文|前言|尾[声聲]|[终終]章|[终終]幕|[后後][记記]|あとがき"
    r"|まえがき|プロローグ|エピローグ|間奏|间奏|幕[間间]|番外[編编篇]?|外[伝传]|閑話|[间間]章|最[终終][章话話回]"
    r"|結び|[序跋](?!\w)|프롤로그|에필로그|서장|종장|막간|서문|머리말|후기|외전)(?P<rest>.*)"
)
_BODY = re.compile(r"(?:正文|本文)[\s\u3000]*(?=第)")
_ANY_WORD = re.compile(
    rf"第(?P<no>{_COUNT})(?P<name>の?[^\W\d_]{{1,4}})|(?P<no2>{_COUNT})(?P<name2>[日夜年週周話]目)"
)
_KOREAN = re.compile(
    r"(?:제\s?)?(?P<no>\d{1,3}|[일이삼사오육칠팔구십백]{1,5})\s?(?P<unit>[장부화권막회편절])(?P<rest>(?:[\s.:：-].*)?)"
)
_KOREAN_ORDINAL = re.compile(
    r"(?P<no>첫|두|세|네|다섯|여섯|일곱|여덟|아홉|열)\s?번?째\s?(?P<unit>장|부|화|권|막|이야기)"
    r"(?P<rest>(?:[\s.:：-].*)?)"
)
_KOREAN_DIGITS = {c: n for n, c in enumerate("일이삼사오육칠팔구", 1)}
_KOREAN_COUNT = "첫 두 세 네 다섯 여섯 일곱 여덟 아홉 열".split()
_PARTICLES = tuple("のはがをにでとも的是里裡中")  # a sentence goes on


def eastern_heading(text: str) -> HeadingLine | None:
    """A heading in Chinese, Japanese or Korean."""
    text = _BODY.sub("", text)
    if found := _EAST.fullmatch(text):
        word = found["unit"] or found["unit2"] or found["unit3"][-1]
        rest = found["rest"] or found["rest2"] or found["rest3"] or ""
        number = numeral(found["no"] or found["no2"] or "")
        value = number.value if number else "上中下".find(found["upper"] or "") + 1
    elif found := _EAST_ALONE.fullmatch(text):
        title = _eastern_title(found["rest"], is_divided=True)
        alone = HeadingLine(("alone",), None, title or "", True, "chapter")
        return alone if title is not None else None
    elif found := _KOREAN.fullmatch(text) or _KOREAN_ORDINAL.fullmatch(text):
        word, rest, count = found["unit"], found["rest"], found["no"]
        if count.isdecimal():
            value = int(count)
        elif count in _KOREAN_COUNT:
            value = _KOREAN_COUNT.index(count) + 1
        else:
            value = _korean(count)
    elif found := _ANY_WORD.fullmatch(text):
        number, name = numeral(found["no"] or found["no2"]), found["name"] or found["name2"]
        return HeadingLine(("word", name), number.value, word=name) if number else None
    else:
        return None
    title = _eastern_title(rest)
    unit = _EAST_UNITS.get(word, "chapter")
    return None if title is None else HeadingLine((unit, word), value, title, True, unit, word)


def _korean(text: str) -> int:
    total = figure = 0
    for c in text:
        if c in "십백":
            total, figure = total + max(figure, 1) * (10 if c == "십" else 100), 0
        else:
            figure = _KOREAN_DIGITS[c]
    return total + figure


def _eastern_title(rest: str, *, is_divided: bool = False) -> str | None:
    """The title after a number; None where the line goes on as a sentence does."""
    title = rest.lstrip(" \t\u3000.:：、．・—–―-「『【（(《")
    divided = title != rest
    if not rest or not title:
        return ""
    if len(title) > 40 or (is_divided and not divided):
        return None
    ends = "。，；、" if divided else "。！？!?，；、"
    if (
        title[-1] in ends
        or (not divided and title.startswith(_PARTICLES))
        or SENTENCE_WITHIN.search(title)
    ):
        return None
    return title.rstrip("」』】）)》")
