"""The marks that writers put between two scenes, recognized by their signs alone."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

Mark = Literal["sure", "recurring", "dash", "glyph", "soft"]
"""What a paragraph's signs say of it.

``sure``: it parts scenes wherever it stands alone. ``recurring``: it does so where it recurs.
``dash``: it does, unless dashes open the speeches of the text. ``glyph``: a letter that the text
itself may use; if it does not, and if it recurs, it is a mark. ``soft``: it is mostly speech, such
as an ellipsis; a mark only where the file shows it as one.
"""

LONGEST_WITH_LETTERS = 40  # characters
_MOST_LINES = 5
_MOST_KINDS = 12  # of signs; a drawing has more
_ASKS = set("?!¿¡‽？！⁇⁈⁉❓❗؟՞՜")
_SOFT = set(",;،；，、")
_DOTS = set(".。．…‥⋯")
_BRACKETS = {"(": ")", "[": "]", "{": "}", "（": "）", "［": "］", "【": "】"}
_QUOTES = set("\"'＂＇„‚「」『』〝〞〟﹁﹂﹃﹄")
_DASHES = set("-−─━⸺⸻﹘")
_LONG_LEADER = 10  # dots in a row: a dotted line
_FACE = re.compile(r"([^\w\s])[_.]\1")  # ^_^
_TICKS = set("✓✔✗✘☐☑☒")  # these and signs of money stand in tables, too
# faces, hands and hearts: what people send one another
_SENT = re.compile(
    "[♥♡❤☺☹\U0001f440-\U0001f450\U0001f48b-\U0001f49f\U0001f4a4-\U0001f4af\U0001f600-\U0001f64f"
    "\U0001f90c-\U0001f93e\U0001f970-\U0001f97a\U0001fae0-\U0001faff]"
)
_JOINERS = set("\ufe0e\ufe0f\u200d")
# x, o and 0 with what looks like them in other scripts, and letters that are drawn as ornaments
_ROUND = set("xo0×хоοχｘｏ０〇øºㅇㅡㅁーღஜஐლ๑ж")
_KISSES = re.compile(r"(?:xo)+x?|(?:XO)+X?|[Oo]x|OX")  # and an ox
_LATE_NUMERALS = set("IVLCDM")
_NAMED = re.compile(
    r"(?:(?:end|start)(?: of)? )?(?:scene|section|line|page|time|chapter)[ -]?"
    r"(?:break|change|skip|cut|jump|end|divider|separator)s?|break|time ?skip|scene|end scene"
    r"|(?:pov|p\.o\.v\.) (?:change|switch|break)|szenen(?:wechsel|trenner)|zeitsprung"
    r"|changement de scène|saut de scène|ellipse|cambio de escena|salto de escena"
    r"|cambio di scena|stacco|mudança de cena|quebra de cena|смена сцены|разрыв сцены"
    r"|zmiana sceny|scènewissel|scenbyte|sceneskift|场景转换|场景切换|場面転換|場面切り替え"
    r"|장면 ?전환"
)


def names_break(words: str) -> bool:
    """Whether words, such as those of a comment, say that scenes part: "scene break"."""
    words = " ".join(words[:LONGEST_WITH_LETTERS].split()).strip("-–—*~ ").casefold()
    return " " in words and bool(_NAMED.fullmatch(words))


def mark_of(text: str) -> Mark | None:
    """What the signs of a paragraph say: a kind of mark, or None where it is words or speech."""
    if len(text) > LONGEST_WITH_LETTERS and any(map(str.isalnum, text)):
        return None  # most paragraphs
    signs = "".join(text.split())
    if not signs:
        return None
    if any(
        c in _ASKS or c in _QUOTES or unicodedata.category(c) in ("Pi", "Pf") for c in set(signs)
    ):
        return None
    if any(map(str.isalnum, signs)):
        return _with_letters(text, signs)
    return _of_signs(text, signs)


def _of_signs(text: str, signs: str) -> Mark | None:
    """The same of a paragraph without letters, digits, quotation marks, "?" and "!"."""
    kinds = set(signs) - _JOINERS
    if not kinds:
        return None
    dashes = {c for c in kinds if c in _DASHES or unicodedata.category(c) == "Pd"}
    if kinds <= _DOTS:
        return _of_dots(text, signs)
    if kinds == dashes:
        return "sure" if len(signs) > 2 else "dash"
    if kinds <= _DOTS | dashes:
        return "soft" if kinds & _DOTS - {"."} else "recurring"
    if kinds <= _DOTS | dashes | _SOFT | {*_BRACKETS, *_BRACKETS.values()}:
        return "soft"
    if kinds & (_SOFT | _DOTS - set(".。．")) or (len(signs) < 4 and not _balanced(signs)):
        return "soft"  # ;-)
    if len(kinds) > _MOST_KINDS or text.strip().count("\n") >= _MOST_LINES:
        return None  # a drawing
    counts = any(c in _TICKS or unicodedata.category(c) == "Sc" for c in kinds)
    if counts or _SENT.search(signs) or kinds & set(_BRACKETS) or _FACE.fullmatch(signs):
        return "recurring"
    if kinds == {"・"} and len(signs) > 1 and not re.search(r"\s", text.strip()):
        return "soft"  # an ellipsis in Japanese
    return "sure"


def _of_dots(text: str, signs: str) -> Mark:
    """The same of dots alone: one alone, and a row with spaces, part scenes; else it is speech."""
    spaced = set(signs) == {"."} and len(text.split()) == len(signs) > 2
    if signs in (".", "。", "．") or spaced or len(signs) >= _LONG_LEADER:
        return "sure"
    return "soft"


def _balanced(signs: str) -> bool:
    """Whether every bracket that opens is closed, and the other way round."""
    return all(signs.count(left) == signs.count(right) for left, right in _BRACKETS.items())


def _with_letters(text: str, signs: str) -> Mark | None:
    """The same of a short paragraph with letters or digits in it."""
    letters = [c for c in signs if c.isalnum()]
    others = [c for c in signs if not c.isalnum()]
    first, last = signs[0].isalnum(), signs[-1].isalnum()
    inner = " ".join(text.split())
    inner = re.sub(r"^[\W_]+|[\W_]+$", "", inner)
    if _NAMED.fullmatch(inner.casefold()):
        return "sure" if not first and not last else "recurring"
    if set(others) & (_SOFT | _DOTS - {"."}) or (first and signs[-1] in _DOTS):
        return None  # "O."
    kinds = {c.casefold() for c in letters}
    if kinds <= _ROUND:
        plain = not others and not text.strip().isascii()
        digits = kinds == {"0"} and len(letters) < 3 and (first or last)
        return None if digits or (not plain and _KISSES.fullmatch(signs)) else "recurring"
    if any(map(str.isdigit, letters)):
        return "recurring" if kinds == {"8"} and set(others) & set("<>✂✄-") - {"-"} else None
    decorated = not first and not last and signs[0] not in _BRACKETS
    if len(kinds) == 1 and decorated and not set(letters) & _LATE_NUMERALS:
        return "recurring"
    foreign = all(c > "\u024f" and c.isalpha() for c in letters)
    return "glyph" if foreign and len(letters) <= 3 else None
