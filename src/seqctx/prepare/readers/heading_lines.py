"""Headings by their words, in the languages of ``heading_words.toml``.

What one line says. What the lines of a whole file say together stands in ``heading_evidence``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache, lru_cache

from seqctx.prepare.readers.eastern_headings import eastern_heading
from seqctx.prepare.readers.lines import (
    LONGEST_TITLE,
    OPENS_SPEECH,
    SENTENCE_WITHIN,
    WORD,
    HeadingLine,
    Unit,
    first_letter,
    is_title,
    is_wide,
)
from seqctx.prepare.readers.numerals import CHINESE, Number, folded, number_words, numeral, table

_LONGEST = 300  # characters of a line that can be a heading
_LONGEST_UNCERTAIN = 120
_LONGEST_BARE_TITLE = 60  # of one that nothing divides from its number
_UNITS: dict[str, Unit] = {"part": "part", "chapter": "chapter", "act": "", "scene": "scene"}
EDGES = (
    " \t\u3000-–—―‐~*_=#＊〜～◆◇■□●○★☆※·•.:|<>[](){}（）【】〔〕［］〈〉…"  # stand around a number
)
_DASHES = "-–—―‐"
_DIGITS = re.compile(r"\d{1,3}\.?")
_TOKEN = re.compile(r"[^\W_]+(?:['’ʼ‐-][^\W_]+)*['΄’ʹ´]?")
_NUMBER_SIGN = re.compile(r"(?i)(?:no|nr|num|núm|n|č|αρ)\s?[.º°]\s?|[№#§]\s?|n[º°]\s?|[そ其]の|其")
_SEPARATOR = re.compile(r"\s*[.:：．)）、/]\s*[-–—―]*\s*|\s*[–—―]+\s*|\s+[-|·•/~]\s+")
_ORDINAL = re.compile(  # "1er", "2nd", "Ier"
    r"(\d{1,3})[^\W\d_]{1,3}|([IVXLC]+)(?:er|re|e|[eè]me|nde?|os?|as?|st|rd|th|ste|de)"
)
_LAST = frozenset(
    "last final letzte letztes letzter dernier derniere ultimo ultima ultim последняя последнии"
    " последний остання ostatni ostatnia posledni posledna posledno laatste sista sidste siste"
    " viimeinen utolso son τελευταιο".split()
)
_OF_ALL = re.compile(r"\A\s*(?:of|von|sur|de|di|van|из)\s+\d{1,3}\b")  # "Chapter 1 of 30"
_ARTICLES = frozenset("the der die das le la les il lo el los o a os de het den det a az".split())


@cache
def _unit_words() -> dict[str, tuple[tuple[str, Unit], ...]]:
    """Words for parts, chapters and scenes, with the languages that have them."""
    found: dict[str, list[tuple[str, Unit]]] = defaultdict(list)
    for code, language in table().items():
        for field, unit in _UNITS.items():
            for word in language.get(field, "").split():
                found[folded(word)].append((code, unit))
    return {word: tuple(of) for word, of in found.items()}


@cache
def _alone_words() -> frozenset[str]:
    """Headings without a number."""
    words = (word for language in table().values() for word in language.get("alone", "").split())
    return frozenset(folded(word.replace("_", " ")) for word in words)


def heading_line(text: str) -> HeadingLine | None:
    """What a line says as a heading; None where it cannot be one."""
    return None if len(text) > _LONGEST or "\n" in text else _heading_line(text)


@lru_cache(16_384)  # of short lines only: it would keep a whole text
def _heading_line(text: str) -> HeadingLine | None:
    text = text.strip()
    bare = text.strip(EDGES)
    if not bare or text.startswith(("“", "”", "„", "«", '"', "‘", "「", "『")):
        return None
    if text[0] in _DASHES and text[-1] not in _DASHES:
        return None  # speech, or an entry of a list
    if any(c > "\u2e80" for c in bare[:12]) and (
        found := eastern_heading(text.lstrip(EDGES).rstrip())
    ):
        return found
    plain = text.lstrip(EDGES)
    certain = _named(plain) or _counted_before(plain) or _alone(plain) or _last(plain)
    if certain or len(text) > _LONGEST_UNCERTAIN or (bare[-1] in ",;"):
        return certain
    return _numbered(text, bare) or _counting_word(bare) or _ordinal_before_word(bare)


def is_heading(text: str) -> bool:
    """Whether a line is a heading, whatever stands around it."""
    found = heading_line(text)
    return found is not None and (found.is_certain or _is_plain_number(text))


def _is_plain_number(text: str) -> bool:
    """Whether a line is only a number, in figures or Roman numerals; but "I" is a word, too."""
    text = text.removesuffix(".")
    number = numeral(text)
    is_letter = len(text) == 1 and text.isalpha()  # "I" is a word, too
    return number is not None and number.kind in ("digits", "roman") and not is_letter


def is_ordinal(text: str) -> bool:
    """Whether a heading is only a number, such as "Chapter 7" or "XII", without a title."""
    found = heading_line(text)
    return found is not None and found.number is not None and not found.title


def begins_alone(text: str) -> bool:
    """Whether the first words of a heading are such as need no number, as "Prologue" does."""
    tokens = _first_tokens(text.lstrip(EDGES))
    words = (folded(text.lstrip(EDGES)[: token.end()]) for token in tokens[:3])
    is_latin = any(word in _alone_words() for word in words)
    return is_latin or (found := heading_line(text)) is not None and found.form == ("alone",)


def is_digits(text: str) -> bool:
    """Whether a line is digits only: a chapter's number, or a page's."""
    return bool(_DIGITS.fullmatch(text))


def _named(text: str) -> HeadingLine | None:
    """A word for what is counted, then the number: "Chapter 7", "Part the Second: Fog"."""
    name, after = _word_before(text)
    for code, unit in _unit_words().get(name, ()):
        for number, rest in _numbers_at(after.lstrip("[(<"), code):
            is_word = number.kind == "word" and code == "de"
            title = _title_after(_OF_ALL.sub("", rest, count=1), must_be_divided=is_word)
            if title is not None:
                return HeadingLine((unit, name), number.value, title, True, unit, name)
    return None


def _word_before(text: str) -> tuple[str, str]:
    """The first word of a text but for articles, folded, and what follows it and a "No.".

    Both are empty where nothing divides the word from what follows.
    """
    word = WORD.match(text)
    if word and folded(word[0]) in _ARTICLES:
        word = WORD.match(text, word.end() + 1)
    if not word:
        return "", ""
    rest = text[word.end() :]
    after = rest.removeprefix(".").lstrip()
    sign = _NUMBER_SIGN.match(after)
    if after == rest and not sign:
        return "", ""
    return folded(word[0]), after[sign.end() :] if sign else after


def _numbers_at(text: str, code: str) -> list[tuple[Number, str]]:
    """The numbers with which a text may begin, and what follows each; the longest first."""
    tokens = list(_first_tokens(text))
    if not tokens:
        return []
    found = []
    for count in range(len(tokens), 0, -1):
        end = tokens[count - 1].end()
        number = number_words(text[:end], code)
        if number:
            found.append((number, text[end:]))
    first = tokens[0]
    ordinal = _ORDINAL.fullmatch(first[0])  # "1er", "2nd"
    ends = (first.end(), first.end() - (not first[0][-1].isalnum()))
    for end in ends:
        number = numeral(ordinal[1] or ordinal[2] if ordinal else text[first.start() : end])
        if number:
            found.append((number, text[end:]))
            break
    else:
        letter = first[0]
        if len(letter) == 1 and (letter.isupper() or not letter.islower()) and letter.isalpha():
            rest = text[first.end() :]
            if not rest or _SEPARATOR.match(rest):
                found.append((Number(ord(folded(letter)[0]) % 32, "letter"), rest))
    return found


def _first_tokens(text: str) -> list[re.Match[str]]:
    """The first words of a text that only white space divides; a number has no more than five."""
    found: list[re.Match[str]] = []
    at = 0
    while len(found) < 5 and (token := _TOKEN.match(text, at)):
        found.append(token)
        at = token.end()
        if text[at : at + 1].isspace():
            at += len(text[at:]) - len(text[at:].lstrip())
        else:
            break
    return found


def _counted_before(text: str) -> HeadingLine | None:
    """The number, then the word for what is counted: "1. Kapitel", "The Second Part"."""
    tokens = [m for m, _ in zip(_TOKEN.finditer(text), range(6), strict=False)]
    words = _unit_words()
    for k, token in enumerate(tokens):
        units = words.get(folded(token[0]))
        if k == 0 or not units:
            continue
        before = text[: token.start()].strip()
        is_small = token[0].islower()
        is_sentence = is_small and text.endswith(".") and not before[:1].isdigit()
        title = _title_after(text[token.end() :])
        if title is None:
            return None
        for code, unit in units:
            if is_sentence or (is_small and code == "en" and not before[:1].isdigit()):
                continue  # "the first part", "The first scene."
            number = _before(before, code, is_whole=not text[token.end() :].strip(" .:"))
            if number:
                name = folded(token[0])
                return HeadingLine((unit, name), number.value, title, True, unit, name)
    return None


def _before(text: str, code: str, *, is_whole: bool) -> Number | None:
    """The number that stands before what it counts."""
    number = number_words(text, code)
    if number:
        return number if number.ordinal else None
    first = _TOKEN.match(text)
    if first and folded(first[0]) in _ARTICLES:
        text = text[first.end() :].strip()
    marked = re.fullmatch(r"(\d{1,3}|[IVXLCІХ]+)(\.?[ºª°]|\.|[-:.]?[^\W\d_]{1,3})?\.?", text)
    if not marked or not (marked[2] or is_whole):
        return None
    return numeral(marked[1])


def _last(text: str) -> HeadingLine | None:
    """A heading that calls itself the last: "Final Chapter", "CHAPTER THE LAST: Home"."""
    tokens = _first_tokens(text)
    first = bool(tokens) and folded(tokens[0][0]) in _ARTICLES
    words = [folded(token[0]) for token in tokens[first:4] if folded(token[0]) not in _ARTICLES]
    for name, last in (words[:2], words[1::-1]) if len(words) > 1 else ():
        if last not in _LAST:
            continue
        unit = next((unit for _, unit in _unit_words().get(name, ()) if unit != "scene"), None)
        end = next(t.end() for t in tokens[1:] if folded(t[0]) in (name, last))
        title = _title_after(text[end:], must_be_divided=True)
        if unit is not None and title is not None and not text.endswith("."):
            return HeadingLine((unit, name), None, title, True, unit, name)
    return None


def _alone(text: str) -> HeadingLine | None:
    """A heading that needs no number: "Prologue", "Epilogue: Ashes", "Interlude 2"."""
    words = _alone_words()
    tokens = _first_tokens(text)
    for count in range(min(3, len(tokens)), 0, -1):
        end = tokens[count - 1].end()
        if folded(text[:end]) not in words:
            continue
        rest = text[end:]
        for number, after in _numbers_at(rest.strip(), "en"):
            if not after.strip(" ."):
                return HeadingLine(
                    ("alone",), number.value, "", True, "chapter", folded(text[:end])
                )
        title = _title_after(rest, must_be_divided=True)
        if title is not None:
            return HeadingLine(("alone",), None, title, True, "chapter", folded(text[:end]))
    return None


def _title_after(rest: str, *, must_be_divided: bool = False) -> str | None:
    """The title that follows a number; None where the line goes on as a sentence does."""
    rest = rest.rstrip()
    if not rest.strip(EDGES):
        return ""
    divided = _SEPARATOR.match(rest)
    if divided and divided[0].strip():
        title = rest[divided.end() :]
        return title if len(title) <= LONGEST_TITLE or _is_one_sentence(title) else None
    if rest.startswith(","):
        title = rest[1:].strip()
        is_title = len(title) <= LONGEST_TITLE and title[:1].isupper() and not title.endswith(".")
        return title if is_title and not SENTENCE_WITHIN.search(title) else None
    title = rest.strip()
    if must_be_divided or not rest[0].isspace() or len(title) > _LONGEST_BARE_TITLE:
        return None
    if first_letter(title).islower() or title[-1] in ".,;:" or SENTENCE_WITHIN.search(title):
        return None
    return title if first_letter(title) and not title.startswith(OPENS_SPEECH) else None


def _is_one_sentence(text: str) -> bool:
    return len(text) <= 2 * LONGEST_TITLE and not SENTENCE_WITHIN.search(text)


# --- lines that need others of their form -------------------------------------------------------


def _numbered(text: str, bare: str) -> HeadingLine | None:
    """A number alone, or before a title: "7", "— 7 —", "One", "1. The Door", "一、雨夜"."""
    edges = "".join(text.partition(bare)[::2]).replace(" ", "")[:8]
    sign = _NUMBER_SIGN.match(bare)
    body = bare[sign.end() :] if sign else bare
    if not body:
        return None
    edges += "no" * bool(sign)
    if number := numeral(body) or (_may_be_words(body) and number_words(body)) or None:
        form = ("number", number.kind, edges, "ordinal" * number.ordinal)
        return HeadingLine(form, number.value)
    token = _TOKEN.match(text)  # at the very beginning: nothing stands around such a number
    if not token or token.end() == len(text):
        return None
    divided = _SEPARATOR.match(text, token.end())
    number = numeral(token[0])
    if number is None and is_wide(text) and (cut := re.match(rf"[{CHINESE}]+", text)):
        number, divided = numeral(cut[0]), re.compile(r"[、．.\s：:]+").match(text, cut.end())
    if number is None:
        number, divided = _words_before_separator(text)
    if number is None:
        return None
    end = divided.end() if divided else token.end()
    mark = divided[0].strip() if divided else ""
    if not mark and (number.kind == "word" or not text[token.end() : token.end() + 1].isspace()):
        return None
    title = text[end:].strip()
    return (
        HeadingLine(("title", number.kind, mark), number.value, title) if is_title(title) else None
    )


def _may_be_words(text: str) -> bool:
    return len(text) <= 40 and text[:1].isalpha() and len(text.split()) <= 4


def _words_before_separator(text: str) -> tuple[Number | None, re.Match[str] | None]:
    """A number in words that a sign divides from a title."""
    divided = re.compile(r"\s*[.:：–—―]+\s*").search(text, 0, 40)
    if not divided or not _may_be_words(text[: divided.start()]):
        return None, None
    return number_words(text[: divided.start()]), divided


def _counting_word(text: str) -> HeadingLine | None:
    """Any word that is counted, or two: "Letter 1", "DAY ONE", "Log Entry 7: Fog"."""
    name, after = _word_before(text)
    tokens = _first_tokens(after)
    if len(tokens) > 1 and tokens[0][0][0].isupper() and not _may_begin_number(tokens[0][0]):
        name, after = f"{name} {folded(tokens[0][0])}", after[tokens[0].end() :].lstrip()
        tokens = _first_tokens(after)
    if len(name) < 3 or text[0].islower() or not tokens or not _may_begin_number(tokens[0][0]):
        return None
    for count in range(len(tokens), 0, -1):
        end = tokens[count - 1].end()
        number = numeral(after[:end]) or number_words(after[:end])
        title = _title_after(after[end:]) if number else None
        if number and title is not None and (not title or is_title(title)):
            return HeadingLine(("word", name), number.value, title, word=name)
    return None


@lru_cache(8_192)
def _may_begin_number(word: str) -> bool:
    """Whether a number may begin with a word: it is one, or a small word as in "the first"."""
    small = len(word) < 4 or folded(word) in _ARTICLES
    return small or word[0].isdigit() or bool(numeral(word) or number_words(word))


def _ordinal_before_word(text: str) -> HeadingLine | None:
    """An ordinal before any word: "First Night", "The Third Day", "2. Tag"."""
    tokens = [m for m, _ in zip(_TOKEN.finditer(text), range(4), strict=False)]
    if not tokens or not _may_begin_number(tokens[0][0]):
        return None
    for count in range(1, len(tokens)):
        before = text[: tokens[count].start()].strip()
        number = _before(before, "", is_whole=False)
        if number and (number.kind == "word" or not text[tokens[count].end() :].strip()):
            title = _title_after(text[tokens[count].end() :])
            name = folded(tokens[count][0])
            if title is not None and len(name) > 2 and not text[0].islower():
                return HeadingLine(("word", name), number.value, title, word=name)
    return None


def goes_on_as_title(whole: str, below: str) -> bool:
    """Whether a heading goes on in the lines below it: "Chapter V. In which ... / and ..."."""
    found = heading_line(whole)
    if not (found and found.is_certain and found.title):
        return False
    return below.isupper() or not SENTENCE_WITHIN.search(found.title)
