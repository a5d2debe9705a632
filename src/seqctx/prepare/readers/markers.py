"""What carries its own marker: licences, colophons, and notes of transcribers in brackets."""

from __future__ import annotations

import re

from seqctx.prepare.readers.account import amount
from seqctx.prepare.readers.blocks import plain
from seqctx.prepare.readers.sections import Verdicts

_START = re.compile(
    r"(?i)(?:\*{3} ?start of (?:the|this) project gutenberg.*"
    r"|\*END\*? ?THE SMALL PRINT!.*|\*{2,3} ?start of (?:the|this) .{0,40}e-?book.*)",
    re.S,
)
_END = re.compile(
    r"(?i)(?:\*{3} ?end of (?:the|this) (?:project gutenberg|.{0,40}e-?book).*"
    r"|end of (?:the |this )?project gutenberg.*)",
    re.S,
)
_LONGEST_HEADER, _LONGEST_LICENCE = 3_500, 6_000  # words; those of all texts known are shorter
_COLOPHON = re.compile(r"底本：「|青空文庫作成ファイル：")  # of Aozora Bunko
_BRACKETS = {
    "illustration": re.compile(
        r"(?i)\[(?:\w{1,12} )?(?:illustrations?|image|picture|frontispiece|abbildung|illustrazione"
        r"|ilustraci[óo]n|ilustração|gravure|ilustracja|иллюстрация|рисунок|afbeelding|挿絵|插[图圖])"
        r"\b[^\[\]]{0,2000}(?P<closed>\])?"
    ),
    "endnotes": re.compile(
        r"(?i)\[(?:foot[ -]?note|end[ -]?note|fu(?:ß|ss)note|note)s?\s*(?:\w{1,5}|[*†‡])?\s*:"
        r"[^\[\]]{0,20000}(?P<closed>\])?"
    ),
    "transcriber's note": re.compile(
        r"(?i)\[(?:transcriber[’']?s?[’']? notes?|t/?n)\b\s*:?[^\[\]]{0,20000}(?P<closed>\])?"
    ),
}
_TRANSCRIBER = re.compile(r"(?i)transcriber[’']?s?[’']? notes?\s*:\s*\S")
_GOES_ON = 6  # blocks; a bracket that is not closed by then is no marker


def find_marked(verdicts: Verdicts) -> None:
    """Find all that a licence's markers enclose, or that stands in a transcriber's brackets."""
    _find_licences(verdicts)
    _find_colophon(verdicts)
    _find_brackets(verdicts)


def _find_licences(verdicts: Verdicts) -> None:
    """The text before a licence's first marker and after its last, in each book of a file."""
    blocks = verdicts.blocks
    found: list[tuple[int, bool]] = []  # markers: where, and whether they open a text
    for k, block in enumerate(blocks):
        if "*" in block.text[:4] or block.text[:3].lower() == "end":
            text = plain(block) if len(block.text) < 500 else ""
            if _START.fullmatch(text):
                found.append((k, True))
            elif _END.fullmatch(text):
                found.append((k, False))
    for at, (k, opens) in enumerate(found):
        if opens:
            before = 0 if at == 0 else k if found[at - 1][1] else found[at - 1][0]
            _enclose(verdicts, before, k + 1, _LONGEST_HEADER)
        else:
            after = found[at + 1][0] if at + 1 < len(found) else len(blocks)
            _enclose(verdicts, k, after, _LONGEST_LICENCE)


def _enclose(verdicts: Verdicts, start: int, end: int, longest: int) -> None:
    """Take a licence; one that is longer than any known may hold a story, too."""
    words = 0
    for k in range(start, end):
        words += amount(verdicts.blocks[k].text)
        if words > longest:
            break
    verdicts.give(start, end, "licence", certain=words <= longest)


def _find_colophon(verdicts: Verdicts) -> None:
    """The colophon at the end of a text of Aozora Bunko."""
    blocks = verdicts.blocks
    for k in range(len(blocks) - 1, max(len(blocks) - 60, 0), -1):
        if _COLOPHON.match(plain(blocks[k])):
            verdicts.give(k, len(blocks), "imprint", certain=True)


def _find_brackets(verdicts: Verdicts) -> None:
    """Paragraphs in brackets that say themselves what they are."""
    blocks = verdicts.blocks
    for k, block in enumerate(blocks):
        if verdicts.kinds[k] is not None:
            continue
        if block.text[:5].lower() == "trans" and _TRANSCRIBER.match(block.text):
            verdicts.give(k, k + 1, "transcriber's note")
        if not block.text.lstrip("*")[:1] == "[":
            continue
        text = plain(block).strip()
        for kind, words in _BRACKETS.items():
            found = words.match(text)
            if found is None:
                continue
            end = k + 1 if found["closed"] and found.end() == len(text) else 0
            if not end and not found["closed"] and found.end() == len(text):
                end = _closing(verdicts, k)
            verdicts.give(k, end, kind, certain=True)
            break


def _closing(verdicts: Verdicts, k: int) -> int:
    """The place after the block that closes a bracket; 0 where none nearby does."""
    for end in range(k + 1, min(k + _GOES_ON, len(verdicts.blocks))):
        text = plain(verdicts.blocks[end])
        if "[" in text or verdicts.blocks[end].kind == "heading":
            return 0
        if "]" in text:
            return end + 1 if text.rstrip().endswith("]") else 0
    return 0
