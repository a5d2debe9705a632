"""What names of files and folders tell: an order, a chapter's title, or that it is no story."""

from __future__ import annotations

import re

from seqctx.prepare.readers.heading_lines import heading_line
from seqctx.prepare.readers.numerals import number_words, numeral

_NUMBER = re.compile(r"(?P<date>\d{4}[-_.]\d\d[-_.]\d\d)|(?:ch(?:ap)?[ ._-]?)?(?P<number>\d{1,6})"
                     r"(?P<rest>(?:[.]\d{1,4})*(?![\d])[\s._)\]–—-]*)", re.I)  # fmt: skip
_ID = re.compile(r" \[\d{1,6}\]$")  # Scrivener's, in files that it keeps in step
_DIGITS = re.compile(r"(\D*)(\d*)")
_LETTERS = re.compile(r"([^\W\d_]{1,12})[ ._-]{0,3}(\d{1,6})")
_SHORT_UNITS = frozenset("c ch chap cap kap k sc pt rozdz гл".split())
_FRONT = re.compile(
    r"(?i)(?:title(?: ?page)?|cover|half ?title|copyright|dedication|epigraph|foreword|preface"
    r"|introduction|prologue?s?|prologo|prólogo|pròlogo|proloog|prologi|prológus|önsöz|vorwort"
    r"|widmung|avant-propos|préface|prefacio|prefazione|front ?matter|index|пролог|предисловие"
    r"|wstęp|úvod|πρόλογος|序章|序幕|序|楔子|引子|プロローグ)"
)
_BACK = re.compile(
    r"(?i)(?:[eé]pilogue?|epilog|ep[ií]logo|epiloog|epilogi|sonsöz|afterword|nachwort|postface"
    r"|coda|postscript|acknowledge?ments|danksagung|about the author|appendix.{0,20}|glossary"
    r"|back ?matter|эпилог|послесловие|zakończenie|επίλογος"
    r"|終章|终章|尾声|尾聲|后记|後記|エピローグ)"
)
_NO_STORY = {
    "readme": "read ?me(?: first)?|lies ?mich|lisez ?moi|leeme|licen[cs]e|copying|changelog|changes"
    "|contributing|authors|todo|to do|to-do|makefile|todos",
    "notes": "notes?|notizen|notizbuch|notas|appunti|my notes|notes? to self|ideas?|ideen|idées"
    "|brainstorm(?:ing)?|inbox|journal|diary|log|progress|planning|plan|meta|заметки|notatki|notities"
    "|daily(?: notes?)?|snippets|fragments|feedback|critiques?|beta readers?|submissions?|query"
    "|query letters?|marketing|blurbs?|inspirations?|mood ?boards?|playlists?|merkzettel",
    "outline": "outlines?|synops[ie]s|summary|beats?|beat sheet|plot|plots|plotting|plot lines"
    "|timeline|gliederung|exposé|expose|handlung|zeitleiste|escaleta|scaletta|plan de l'histoire",
    "characters": "characters?|character sheets?|cast|people|figuren|personen|charaktere"
    "|personnages|personajes|personaggi|personagens|персонажи|postacie|personages",
    "research": "research|recherchen?|investigación|ricerca|pesquisa|sources|references"
    "|reference|world|world ?building|weltenbau|worldbuilding notes|places|locations|settings"
    "|setting|orte|lieux|lugares|luoghi|maps|lore|wiki|glossary notes|style ?sheet|style ?guide"
    "|материалы|objects|items|codex|story bible|series bible|back ?story|back ?stories|concept art",
    "trash": r"trash|bin|recycle bin|papierkorb|corbeille|papelera|cestino|lixeira|корзина|deleted"
    "|deleted scenes|cut|cuts|cut scenes|cuttings|scraps|darlings|graveyard|unused|outtakes"
    "|archived?|archiv|attic|old|old versions?|old drafts?|backups?|snapshots|versions",
    "templates": "templates?|vorlagen|modèles|plantillas|modelli|template sheets",
    "other files of the project": "assets?|images?|pictures|attachments|media|covers?|fonts|css"
    "|styles?|theme|scripts?|tools|build|dist|output|out|export|exports|node_modules|_book|public",
}
_TITLES_TOO = frozenset(
    "people changes journal diary log progress plan planning cast old bin cut cuts places "
    "locations setting settings maps items objects out build public plot plots ideas inbox "
    "meta authors world orte lieux lugares luoghi darlings graveyard attic archive archived "
    "unused deleted snapshots versions covers styles script scripts tools media pictures "
    "output export assets theme summary characters figuren personen personnages personajes "
    "sources references reference lore timeline scraps outtakes backups images handlung "
    "zeitleiste index beats beat trash wiki daily snippets fragments feedback critique query "
    "submission submissions inspiration inspirations playlist playlists codex backstory".split()
)
_KINDS = {kind: re.compile(rf"(?i)(?:{words})") for kind, words in _NO_STORY.items()}
_LONGEST = 200  # characters of a name that are looked at


def no_story(name: str, *, is_surely: bool = False) -> str:
    """What a file or folder is by its name, if that is not the story; else nothing.

    A name with a number in front of it is a chapter's.

    Args:
        name: without its suffix.
        is_surely: names that may also be titles of chapters, such as ``People``, do not count.
    """
    bare = re.sub(r"[\s_-]+", " ", name[:_LONGEST]).strip(" .")
    if name[:1].isdigit():
        return ""
    bare = bare.removeprefix("zz ").removeprefix("z ") if bare[:1] in "zZ" else bare
    if is_surely and bare.casefold() in _TITLES_TOO:
        return ""
    return next((kind for kind, words in _KINDS.items() if words.fullmatch(bare)), "")


def order_of(name: str, *, numerals: bool = False) -> tuple[int, list[tuple[str, int]]]:
    """Sorts names as people do: ``2`` before ``10``, a prologue before both, an epilogue after.

    Args:
        name: without its suffix.
        numerals: a name may be a numeral alone, such as ``IV`` or ``Three``.
    """
    name = name[:_LONGEST].strip()
    rank = 0 if _FRONT.fullmatch(name) else 2 if _BACK.fullmatch(name) else 1
    found = heading_line(name)
    if numerals and (value := value_of(name)) is not None:
        name = str(value)
    elif found and found.is_certain and found.number is not None and not name[:1].isdigit():
        name = f"{found.word} {found.number} {found.title}"
    return rank, [(text.casefold(), int(d or 0)) for text, d in _DIGITS.findall(name)]


def value_of(name: str) -> int | None:
    """The number that a name is: in figures, Roman, or in words; None for another name."""
    found = numeral(name.strip()) or number_words(name.strip())
    return found.value if found else None


def has_order(name: str) -> bool:
    """Whether a name says where its file stands among others: by a number, or as a prologue."""
    name = name[:_LONGEST].strip()
    if _NUMBER.match(name) or _FRONT.fullmatch(name) or _BACK.fullmatch(name):
        return True
    found = heading_line(name)
    if found and (found.is_certain or value_of(name) is not None):
        return True
    joined = _LETTERS.match(name)
    if not joined:
        return False
    spaced = heading_line(f"{joined[1]} {joined[2]}")
    return joined[1].casefold() in _SHORT_UNITS or (spaced is not None and spaced.is_certain)


def title_of(name: str) -> str:
    """A chapter's title from the name of its file: ``03 The Kiln`` is ``The Kiln``."""
    name = _ID.sub("", name[:_LONGEST]).strip() or name.strip()
    number = _NUMBER.match(name)
    if number and number["number"] and (rest := name[number.end() :].strip(" _-–—.")):
        name = rest
    if " " not in name and (name.islower() or "_" in name):  # a name made for a link
        name = re.sub(r"(?<=\w)[_-]+(?=\w)", " ", name)
    return name.strip() or "Untitled"
