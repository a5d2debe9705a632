"""Encodings of text files: told by the file's first bytes, or by letters of a language."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from seqctx.errors import InputError
from seqctx.system.extras import needs_extra

_BOMS = (  # the longer first: UTF-32's begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_SURROGATE = re.compile(r"[\ud800-\udfff]")  # half a character, which UTF-7 can hold
_NEW_LINE = re.compile(r"\r{1,2}\n|[\r\u0085\u2028\u2029\v\f]")  # \r\r\n: converted twice
_ESCAPED = b"\x1b$"  # ISO-2022-JP
# Letters beyond a to z of each language, by the encodings that it may be in, the likelier first.
_WEST = "éèêëàâîïôùûüçœæ äöüß áéíóúüñ áâãàçéêíóôõú àèéìíòóù éëïöü åäöé æøåé áéíóúàèòç áéíóúýðþæö"
_EAST = "ąćęłńóśźż áčďéěíňóřšťúůýž áäčďéíĺľňóôŕšťúýž áéíóöőúüű čćđšž ăâîșțşţ čšž äöüßé"
_RUSSIAN = "абвгдежзийклмнопрстуфхцчшщъыьэюяё абвгґдеєжзиіїйклмнопрстуфхцчшщьюя"
_GREEK = "αβγδεζηθικλμνξοπρστυφχψωςάέήίόύώϊϋΐΰ"
_ALPHABETS = {
    "cp1252": _WEST, "mac_roman": _WEST, "cp1250": _EAST, "iso8859_2": _EAST,
    "cp1254": "çğıöşüâîû", "cp1257": "āčēģīķļņšūž ąčęėįšųūž äöõüšž", "cp1251": _RUSSIAN,
    "koi8_r": _RUSSIAN, "koi8_u": _RUSSIAN, "cp866": _RUSSIAN, "iso8859_5": _RUSSIAN,
    "mac_cyrillic": _RUSSIAN, "cp1253": _GREEK, "iso8859_7": _GREEK,
}  # fmt: skip
_MIXED = 0.96  # as good as one alphabet is a text of which all letters are in one of several
_PUNCTUATION = set("\xa0¡¿«»‹›„“”‚‘’–—―…§°·•€£©®™†№")
_FREQUENT = {_RUSSIAN: set("оеаинтсрвлі"), _GREEK: set("αοιετσνηυρςάίό")}  # half of all letters
_HALF = 0.5
_LETTERS = "".join(sorted(set("".join(_ALPHABETS.values())) - {" "}))
_ODD = re.compile(  # a capital in the middle of a word, one of the two beyond ASCII
    rf"[a-z](?=[{_LETTERS.upper()}])|[{_LETTERS}](?=[A-Z{_LETTERS.upper()}])"
    r"|[A-Za-z](?=[Ͱ-ӿ])|[Ͱ-ӿ](?=[A-Za-z])"  # or two scripts in one word
)
_SAMPLE = 300_000  # characters
_SURE = 0.97  # of the characters beyond ASCII
_KANA, _HALF_KANA = re.compile(r"[\u3041-\u3096]"), re.compile(r"[\uff61-\uff9f]")
_LEAST_KANA, _MOST_HALF_KANA = 0.15, 0.05  # of the characters beyond ASCII


def decoded(path: Path, raw: bytes) -> tuple[str, str]:
    """A file's text, with line feeds, and the encoding that it was in.

    Raises:
        InputError: when it is binary, or its encoding is unknown.
    """
    encoding = next((name for bom, name in _BOMS if raw.startswith(bom)), "utf-8")
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        text, encoding = _guessed(path, raw)
    if _ESCAPED in raw:
        text, encoding = _japanese(raw, ["iso2022_jp"]) or (text, encoding)
    if "\0" in text:
        raise InputError(f"{path}: a binary file, not text. Export the manuscript as .md or .txt.")
    if _SURROGATE.search(text):
        raise InputError(f"{path}: its encoding is unknown. Save it as UTF-8.")
    return _NEW_LINE.sub("\n", text), encoding.removesuffix("-sig")


def _guessed(path: Path, raw: bytes) -> tuple[str, str]:
    """Text and encoding that bytes which are not UTF-8 most likely are."""
    if b"\0" in raw:
        raise InputError(f"{path}: a binary file, not text. Export the manuscript as .md or .txt.")
    _refuse_wrong_bytes(path, raw)
    found = _japanese(raw, ("cp932", "euc_jp")) or _alphabetic(raw)
    if found:
        return found
    with needs_extra("prepare", "reading text that is not UTF-8"):
        from charset_normalizer import from_bytes
    matches = from_bytes(raw)
    best = matches.best()
    # most old manuscripts are in a Windows encoding, which looks much like its neighbours
    for match in matches:
        beside = match.encoding == "cp1251" and best and best.encoding == "mac_cyrillic"
        if best and (match.encoding == "cp1252" or beside) and match.chaos <= best.chaos:
            best = match
    if best is None or best.chaos > 0.2:
        raise InputError(f"{path}: its encoding is unknown. Save it as UTF-8.")
    return str(best), best.encoding


def _refuse_wrong_bytes(path: Path, raw: bytes) -> None:
    """Refuse UTF-8 with a few wrong bytes: it is damaged, and garbled in any other encoding.

    Raises:
        InputError: with the place of the first wrong byte.
    """
    text = raw.decode("utf-8", "surrogateescape")
    undecoded = [k for k, c in enumerate(text) if "\udc80" <= c <= "\udcff"]
    if len(undecoded) <= sum(c > "\x7f" for c in text) - len(undecoded):
        before = text[: undecoded[0]]
        at, line = len(before.encode()) + 1, len(_NEW_LINE.sub("\n", before).split("\n"))
        raise InputError(
            f"{path}: byte {at} (line {line}) is not valid UTF-8. Correct the text there."
        )


def _japanese(raw: bytes, encodings: Iterable[str]) -> tuple[str, str] | None:
    """Text and encoding where the bytes are Japanese, in which kana are frequent."""
    for encoding in encodings:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        sample = text[:_SAMPLE]
        beyond = sum(c > "\x7f" for c in sample)
        kana, half_kana = len(_KANA.findall(sample)), len(_HALF_KANA.findall(sample))
        if kana > beyond * _LEAST_KANA and half_kana < beyond * _MOST_HALF_KANA:
            return text, encoding
    return None


def _alphabetic(raw: bytes) -> tuple[str, str] | None:
    """Text and encoding in which most characters beyond ASCII are of one language."""
    best, found = _SURE * _MIXED, None
    for encoding, alphabets in _ALPHABETS.items():
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        share = _share(text[:_SAMPLE], alphabets)
        if share > best:
            best, found = share, (text, encoding)
    return found


def _share(text: str, alphabets: str) -> float:
    """How many of a text's characters beyond ASCII are punctuation, or letters of one language."""
    counted = Counter(c for c in text if c > "\x7f")
    letters, capitals = Counter[str](), 0
    for c, count in counted.items():
        if c not in _PUNCTUATION:
            letters[c.lower()] += count
            capitals += count if c.isupper() else 0
    others = letters.total()
    shares = [sum(letters[c] for c in alphabet) for alphabet in alphabets.split()]
    good = max(*shares, sum(letters[c] for c in set(alphabets)) * _MIXED)
    odd = len(_ODD.findall(text)) + max(0, 2 * capitals - others)
    if frequent := _FREQUENT.get(alphabets):
        odd += others * (sum(letters[c] for c in frequent) < others * _HALF)
    return (good - odd) / others if others else float(bool(counted))
