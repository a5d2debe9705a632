"""What a heading's words say: a part, a chapter, a scene, or something that is no chapter."""

from __future__ import annotations

import re
from functools import lru_cache

from seqctx.prepare.readers.heading_lines import begins_alone, heading_line
from seqctx.prepare.readers.lines import Unit

_NAMES = r"(?:(?:[A-ZÀ-ÞА-Я][\w.’'-]*|and|und|et|y|e|de|la|le|of|van|von|der|&)(?:\s+|$)){1,6}"
_BY = re.compile(
    rf"(?:(?i:an? \w+) )?(?i:by|von|par|por|de|di|da|door|av|af|przez|автор:?)\s+{_NAMES}"
)
_END = (
    "the end|end|fin|ende|fine|finis|fim|koniec|konec|einde|slut|slutt|loppu|vége|son|конец"
    "|кінець|τέλος|sfârșit|完|终|終|終わり|おわり|劇終|全书完|全文完|끝"
    "|to be continued|fortsetzung folgt|à suivre|continuará|continua|continuação no próximo.*"
    "|wordt vervolgd|ciąg dalszy nastąpi|продолжение следует|未完待续|つづく|続く"
    "|end of (?:the )?(?:book|novel|story|part|volume).*|fin (?:du|de la|del) .*"
    "|ende (?:des|der) .*|fine (?:del|della) .*"
)
_NOTE = (
    "(?:an? |the )?(?:author['’]?s? notes?|notes? (?:from|by|to) the (?:author|reader))|a/n"
    "|acknowledge?ments?"
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
_SAYS_END = re.compile(rf"(?is)(?:{_END})")
_ANYWHERE = re.compile(rf"(?is)(?:{_END}|{_NOTE}|{_PICTURE})")
_IN_FRONT = re.compile(rf"(?i)(?:{_DEDICATION})")
_LONGEST = 200  # characters of a heading that are read


@lru_cache(4096)
def unit_of(text: str) -> Unit:
    """What a heading numbers by its words, as in "Part Two", "Chapter 7: Rain" or "Scene 1"."""
    found = heading_line(" ".join(text[:_LONGEST].split()))
    return found.unit if found and found.is_certain else ""


def is_outer(text: str) -> bool:
    """Whether a heading names what stands around the chapters, such as a prologue."""
    return begins_alone(text[:_LONGEST])


def _undecorated(text: str) -> str:
    """The words of a heading, without what decorates them."""
    return " ".join(text[: _LONGEST + 1].split()).strip(" *~–—-.…:!♦•·_=#()")


def heads_no_chapter(text: str) -> bool:
    """Whether a heading's words never open a chapter: THE END, notes of the author, pictures."""
    return bool(_ANYWHERE.fullmatch(_undecorated(text)))


def says_end(text: str) -> bool:
    """Whether a line says only that the story ends here: THE END, "to be continued"."""
    return bool(_SAYS_END.fullmatch(_undecorated(text)))


def is_front_line(text: str) -> bool:
    """Whether a heading before the first chapter is a by-line, a dedication or an epigraph."""
    text = _undecorated(text)
    return bool(_IN_FRONT.fullmatch(text) or _BY.fullmatch(text))
