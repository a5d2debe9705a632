"""Readings beside Japanese characters, and remarks for the typesetter, as Aozora Bunko writes them.

``漢字《かんじ》`` and ``｜川縁《かわべり》`` hold a reading, ``［＃…］`` a remark. Neither is the
story. Chinese titles stand in the same brackets, ``《红楼梦》``; but only readings are in kana.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from seqctx.prepare.readers.blocks import Block

_KANA = r"[\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f・･＝‐\s]"
_IDEOGRAPH = r"[\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
_READING = re.compile(
    r"[｜|](?P<base>[^《》｜|\n]{1,40})《(?P<marked>[^《》\n]{1,60})》"
    rf"|(?<={_IDEOGRAPH}|[A-Za-zＡ-Ｚａ-ｚヶ※］])《(?P<bare>{_KANA}{{1,40}})》"
    r"|《《(?P<dotted>[^《》\n]{1,200})》》"  # emphasis dots, as Kakuyomu writes them
    rf"|\{{(?P<braced>(?=[^{{}}|\n]*{_IDEOGRAPH})[^{{}}|\n]{{1,40}})"
    rf"\|(?P<parts>{_KANA}{{1,40}}(?:\|{_KANA}{{1,40}}){{0,20}})\}}"  # Denden Markdown
    r"|｜(?=《)"  # a bracket that is meant to be read
)
_REMARK = re.compile(r"(?P<sign>※)?［＃(?P<remark>(?:[^［］\n]|［[^［］\n]{0,200}］){0,400})］")
_UNICODE = re.compile(r"U\+([0-9A-Fa-f]{4,6})")
_JIS = re.compile(r"水準(\d)-(\d{1,2})-(\d{1,2})")  # plane, row and cell of JIS X 0213
_MISSING = "〓"  # what printers set for a sign that they do not have


@dataclass(frozen=True, slots=True)
class Plain:
    """A text without readings and remarks.

    Attributes:
        text: what stays.
        readings: that were left out, in order.
        remarks: that were left out, in order.
    """

    text: str
    readings: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def without_readings(text: str) -> Plain:
    """A text without the readings of its characters, and without remarks for the typesetter.

    It may be one line or a whole file. Characters that Aozora Bunko describes in a remark become
    themselves, where the remark names their place in Unicode or JIS X 0213.
    """
    readings: list[str] = []
    remarks: list[str] = []

    def remark(found: re.Match[str]) -> str:
        remarks.append(found["remark"])
        return _described(found["remark"]) if found["sign"] else ""

    def reading(found: re.Match[str]) -> str:
        words = found["marked"] or found["bare"] or (found["parts"] or "").replace("|", "")
        if words:
            readings.append(words)
        return found["base"] or found["dotted"] or found["braced"] or ""

    if "［＃" in text:
        text = _REMARK.sub(remark, text)
    if "《" in text or "{" in text:
        text = _READING.sub(reading, text)
    return Plain(text, tuple(readings), tuple(remarks))


def blocks_without_readings(blocks: list[Block]) -> list[Block]:
    """The blocks of a file, with readings that stand in its text as blocks of their own.

    Paragraphs with emphasis stay as they are.
    """
    found: list[Block] = []
    for block in blocks:
        if "《" not in block.text or block.left_out or block.emphasis:
            found.append(block)
            continue
        bare = without_readings(block.text)
        found.append(replace(block, text=bare.text) if bare.text != block.text else block)
        if bare.readings:
            found.append(
                Block("paragraph", " ".join(bare.readings), left_out="reading", place=block.place)
            )
    return found


def _described(remark: str) -> str:
    """The character that a remark describes."""
    if found := _UNICODE.search(remark):
        code = int(found[1], 16)
        return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else _MISSING
    found = _JIS.search(remark)
    return _jis(*map(int, found.groups())) if found else _MISSING


def _jis(plane: int, row: int, cell: int) -> str:
    """A character of JIS X 0213."""
    if not (1 <= plane <= 2 and 1 <= row <= 94 and 1 <= cell <= 94):
        return _MISSING
    code = bytes([0xA0 + row, 0xA0 + cell])
    try:
        return (b"\x8f" * (plane - 1) + code).decode("euc_jis_2004")
    except UnicodeDecodeError:
        return _MISSING


# --- whole files --------------------------------------------------------------------------------

_RULE = re.compile(r"(?m)^[-‐―─]{10,}[^\S\n]*$")
_EXPLAINS = re.compile(r"記号について|《》：ルビ|［＃］：")
_TOP = 3_000  # characters, in which the explanation of the signs ends
_SOURCE = re.compile(r"(?m)^[^\S\n]*底本(?:の親本)?：")  # "source text:" begins the imprint
_LEVELS = {"大": 1, "中": 2, "小": 3}
_HEADED = re.compile(
    r"［＃「(?P<after>[^「」\n]{1,100})」は(?:同行|窓)?(?P<a>[大中小])見出し］"
    r"|［＃(?:ここから)?(?P<b>[大中小])見出し］\s?(?P<around>[^［］\n]{1,100})\s?"
    r"［＃(?:ここで)?[大中小]見出し終わり］"
)


@dataclass(frozen=True, slots=True)
class Aozora:
    """A file of Aozora Bunko, or one with readings written as there.

    Attributes:
        top: what stands above the explanation of the signs: the title, then names.
        explanation: of the signs.
        body: the text, without readings and remarks.
        imprint: what follows the text: its source, and who typed it.
        levels: of the headings that remarks declare, by their text.
        readings: that were left out, in order.
        remarks: that were left out, in order.
    """

    top: tuple[str, ...]
    explanation: str
    body: str
    imprint: str
    levels: dict[str, int]
    readings: tuple[str, ...]
    remarks: tuple[str, ...]


def read_aozora(text: str) -> Aozora:
    """Take a text apart into what is the story and what is not."""
    top: list[str] = []
    explanation = imprint = ""
    rules = list(_RULE.finditer(text, 0, min(len(text), _TOP)))[:2]
    if len(rules) == 2 and _EXPLAINS.search(text, rules[0].end(), rules[1].start()):
        above = without_readings(text[: rules[0].start()]).text.split("\n")
        top = [line.strip() for line in above if line.strip()]
        explanation = text[rules[0].start() : rules[1].end()].strip()
        source = _SOURCE.search(text, rules[1].end())
        end = source.start() if source else len(text)
        text, imprint = text[rules[1].end() : end], text[end:].strip()
    levels = {
        without_readings(m["after"] or m["around"]).text.strip(): _LEVELS[m["a"] or m["b"]]
        for m in _HEADED.finditer(text)
    }
    lines: list[str] = []
    readings: list[str] = []
    remarks: list[str] = []
    for line in text.split("\n"):
        plain = without_readings(line)
        readings += plain.readings
        remarks += plain.remarks
        if plain.text.strip() or not plain.remarks:  # a line of remarks only is no blank line
            lines.append(plain.text)
    return Aozora(
        tuple(top), explanation, "\n".join(lines), imprint, levels, tuple(readings), tuple(remarks)
    )
