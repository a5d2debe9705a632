"""What a heading's words say: a part, a chapter, a scene, or something that is no chapter."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from seqctx.prepare.readers.lines import is_heading

Unit = Literal["part", "chapter", "scene", ""]

# Each word means one unit in all languages that have it; "act" and "letter" may be any unit.
_PART = """
    part book volume vol teil buch band partie livre tome parte libro livro volumen часть книга том
    частина część księga tom deel boek del bok bog díl část kniha rész könyv osa kirja kısım kitap
    μέρος βιβλίο partea cartea 部 卷 巻 篇 編 부
"""
_CHAPTER = """
    chapter chap kapitel kap chapitre capítulo capitulo capitolo глава розділ rozdział hoofdstuk
    kapittel kapitola fejezet luku bölüm κεφάλαιο capitolul poglavlje bab 章 回 囘 話 话 節 节 장 화
"""
_OUTER = """
    prologue prolog prologo prólogo proloog пролог prologi epilogue epilog epilogo epílogo épilogue
    epiloog эпилог epilogi interlude 序章 終章 终章 尾声 楔子 プロローグ エピローグ
"""
_SCENE = "scene szene scène escena scena cena сцена scéna jelenet sahne 場 场"
_KINDS: tuple[tuple[Unit, str], ...] = (
    ("part", _PART),
    ("chapter", _CHAPTER + _OUTER),
    ("scene", _SCENE),
)
_UNITS: dict[str, Unit] = {word: unit for unit, words in _KINDS for word in words.split()}
_FIRST_WORDS = re.compile(r"\w+")
_CHINESE = re.compile(
    r"第?[0-9０-９〇零一二三四五六七八九十百千两兩]{1,7}([章回囘話话節节部卷巻篇編場场])"
)
_NUMBERED_SCENE = re.compile(
    rf"(?i)(?:{'|'.join(_SCENE.split())})\s+\w{{1,12}}(?:\s*[.:–—-].{{0,80}})?"
)
_NAMES = r"(?:(?:[A-ZÀ-ÞА-Я][\w.’'-]*|and|und|et|y|e|de|la|le|of|van|von|der|&)(?:\s+|$)){1,6}"
_BY = re.compile(
    rf"(?:(?i:an? \w+) )?(?i:by|von|par|por|de|di|da|door|av|af|przez|автор:?)\s+{_NAMES}"
)
_END = (
    "the end|end|fin|ende|fine|finis|fim|koniec|konec|einde|slut|slutt|loppu|vége|son|конец"
    "|кінець|τέλος|sfârșit|完|终|終|終わり|おわり|劇終|全书完|全文完|끝"
    "|end of (?:the )?(?:book|novel|story|part|volume).*|fin (?:du|de la|del) .*"
    "|ende (?:des|der) .*|fine (?:del|della) .*"
)
_NOTE = (
    "author['’]?s? note|note (?:from|by|to) the (?:author|reader)|a/n|acknowledge?ments?"
    "|danksagung|anmerkung(?:en)? (?:des|der) autor(?:in|s)?|nachbemerkung"
    "|note de l['’](?:auteur|autrice)|remerciements|agradecimientos|agradecimentos|ringraziamenti"
    "|nota (?:del|de la|dell['’]|do|da) ?(?:autora?|autor|autore|autrice)|dankwoord"
    "|благодарности|от автора|podziękowania|od autora|作者的话|后记|後記|あとがき"
)
_PICTURE = (
    r"\[(?:illustration|image|picture|figure|plate|abbildung|bild|ilustración|illustrazione)"
    r"\b.*\]?"
)
_DEDICATION = (
    "dedication|dedicated to|widmung|dédicace|dedicatoria|dedica|dedicatória|dedykacja|opdracht"
    "|посвящение|epigraph|epigraphs|motto|épigraphe|epígrafe|epigrafe|эпиграф|献词|題辞"
)
_ANYWHERE = re.compile(rf"(?is)(?:{_END}|{_NOTE}|{_PICTURE})")
_IN_FRONT = re.compile(rf"(?i)(?:{_DEDICATION})")
_LONGEST = 200  # characters of a heading that are read


@lru_cache(4096)
def unit_of(text: str) -> Unit:
    """What a heading numbers by its words, as in "Part Two", "Chapter 7: Rain" or "Scene 1"."""
    text = " ".join(text[:_LONGEST].split())
    if found := _CHINESE.match(text):
        return _UNITS.get(found[1], "")
    if _NUMBERED_SCENE.fullmatch(text):
        return "scene"
    if not is_heading(text):
        return ""
    words = _FIRST_WORDS.findall(text.casefold())[:3]
    return next((_UNITS[word] for word in words if word in _UNITS), "")


def is_outer(text: str) -> bool:
    """Whether a heading names what stands around the chapters, such as a prologue."""
    words = _FIRST_WORDS.findall(text[:_LONGEST].casefold())
    return bool(words) and words[0] in _OUTER.split()


def _bare(text: str) -> str:
    """The words of a heading, without what decorates them."""
    return " ".join(text[: _LONGEST + 1].split()).strip(" *~–—-.:!♦•·_=#")


def heads_no_chapter(text: str) -> bool:
    """Whether a heading's words never open a chapter: THE END, notes of the author, pictures."""
    return bool(_ANYWHERE.fullmatch(_bare(text)))


def is_front_line(text: str) -> bool:
    """Whether a heading before the first chapter is a by-line, a dedication or an epigraph."""
    text = _bare(text)
    return bool(_IN_FRONT.fullmatch(text) or _BY.fullmatch(text))
