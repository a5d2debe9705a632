"""What names of files and folders tell: an order, a chapter's title, or that it is no story."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"(?P<date>\d{4}[-_.]\d\d[-_.]\d\d)|(?:ch(?:ap)?[ ._-]?)?(?P<number>\d{1,6})"
                     r"(?P<rest>(?:[.]\d{1,4})*(?![\d])[\s._)\]–—-]*)", re.I)  # fmt: skip
_ID = re.compile(r" \[\d{1,6}\]$")  # Scrivener's, in files that it keeps in step
_DIGITS = re.compile(r"(\D*)(\d*)")
_ROMAN = re.compile(r"(?=[mdclxvi])m{0,3}(?:cm|cd|d?c{0,3})(?:xc|xl|l?x{0,3})(?:ix|iv|v?i{0,3})")
_UNIT = re.compile(
    r"(?i)(chapter|chap|part|book|scene|act|section|kapitel|teil|szene|akt|buch|chapitre|partie"
    r"|scène|acte|livre|cap[ií]tulo|parte|escena|acto|libro|capitolo|scena|atto|hoofdstuk|deel"
    r"|rozdział|część|kapitola|část|kapittel|del|глава|часть|сцена|книга)[ ._-]+(\w[\w-]{0,20})"
)
_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_OTHERS = (  # from one on, in other languages
    "eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn "
    "sechzehn siebzehn achtzehn neunzehn zwanzig",
    "un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize "
    "dix-sept dix-huit dix-neuf vingt",
    "uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince "
    "dieciséis diecisiete dieciocho diecinueve veinte",
    "uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici "
    "quindici sedici diciassette diciotto diciannove venti",
    "um dois três quatro cinco seis sete oito nove dez onze doze treze catorze quinze dezesseis "
    "dezessete dezoito dezenove vinte",
    "première deuxième troisième quatrième cinquième sixième septième huitième neuvième dixième",
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth",
    "один два три четыре пять шесть семь восемь девять десять",
    "первая вторая третья четвертая пятая шестая седьмая восьмая девятая десятая",
)
_WORDS = {word: k for k, word in enumerate(_ONES)}
_WORDS |= {word: 20 + 10 * k for k, word in enumerate(_TENS)}
_WORDS |= {word: k for words in _OTHERS for k, word in enumerate(words.split(), 1)}
_FRONT = re.compile(
    r"(?i)(?:title(?: ?page)?|cover|half ?title|copyright|dedication|epigraph|foreword|preface"
    r"|introduction|prologue?|prologo|prólogo|vorwort|widmung|avant-propos|préface|prefacio"
    r"|пролог|front ?matter|index|序章|楔子)"
)
_BACK = re.compile(
    r"(?i)(?:[eé]pilogue?|epilog|ep[ií]logo|afterword|nachwort|postface|coda|postscript"
    r"|acknowledge?ments|danksagung|about the author|appendix.{0,20}|glossary|эпилог"
    r"|back ?matter|終章|终章|尾声)"
)
_NO_STORY = {
    "readme": "read ?me(?: first)?|lies ?mich|lisez ?moi|leeme|licen[cs]e|copying|changelog|changes"
    "|contributing|authors|todo|to do|to-do|makefile|todos",
    "notes": "notes?|notizen|notizbuch|notas|appunti|my notes|notes? to self|ideas?|ideen|idées"
    "|brainstorm(?:ing)?|inbox|journal|diary|log|progress|planning|plan|meta|заметки|notatki|notities",
    "outline": "outlines?|synops[ie]s|summary|beats?|beat sheet|plot|plots|plotting|plot lines"
    "|timeline|gliederung|exposé|expose|handlung|zeitleiste|escaleta|scaletta|plan de l'histoire",
    "characters": "characters?|character sheets?|cast|people|figuren|personen|charaktere"
    "|personnages|personajes|personaggi|personagens|персонажи|postacie|personages",
    "research": "research|recherchen?|investigación|ricerca|pesquisa|sources|references"
    "|reference|world|world ?building|weltenbau|worldbuilding notes|places|locations|settings"
    "|setting|orte|lieux|lugares|luoghi|maps|lore|wiki|glossary notes|style ?sheet|style ?guide"
    "|материалы|objects|items",
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
    "zeitleiste index beats beat trash wiki".split()
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
    name = name[:_LONGEST]
    rank = 0 if _FRONT.fullmatch(name.strip()) else 2 if _BACK.fullmatch(name.strip()) else 1
    spelled = _UNIT.sub(_with_digits, name)
    alone = value_of(name) if numerals else None
    text = spelled if alone is None else str(alone)
    return rank, [(t.casefold(), int(d or 0)) for t, d in _DIGITS.findall(text)]


def _with_digits(match: re.Match[str]) -> str:
    value = value_of(match[2])
    return match[0] if value is None else f"{match[1]} {value}"


def value_of(word: str) -> int | None:
    """The number that a numeral means: digits, Roman, or in words; None for other words."""
    word = word.strip().casefold()
    if word.isdecimal():
        return int(word)
    if word in _WORDS:
        return _WORDS[word]
    tens, _, ones = word.replace(" ", "-").partition("-")
    if tens in _TENS and _WORDS.get(ones, 10) < 10:
        return _WORDS[tens] + _WORDS[ones]
    return _roman(word) if len(word) < 16 and _ROMAN.fullmatch(word) else None


def _roman(word: str) -> int:
    """The value of a Roman numeral in lower case."""
    values = [{"i": 1, "v": 5, "x": 10, "l": 50, "c": 100, "d": 500, "m": 1000}[c] for c in word]
    return sum(-v if v < after else v for v, after in zip(values, [*values[1:], 0], strict=True))


def has_order(name: str) -> bool:
    """Whether a name says where its file stands among others: by a number, or as a prologue."""
    name = name[:_LONGEST].strip()
    if _NUMBER.match(name) or _FRONT.fullmatch(name) or _BACK.fullmatch(name):
        return True
    unit = _UNIT.match(name)
    if unit and (value_of(unit[2]) is not None or unit[2][:1].isdigit()):
        return True
    return value_of(name) is not None or bool(_UNIT.match(re.sub(r"(\d)", r" \1", name, count=1)))


def title_of(name: str) -> str:
    """A chapter's title from the name of its file: ``03 The Kiln`` is ``The Kiln``."""
    name = _ID.sub("", name[:_LONGEST]).strip() or name.strip()
    number = _NUMBER.match(name)
    if number and number["number"] and (rest := name[number.end() :].strip(" _-–—.")):
        name = rest
    if " " not in name:
        name = re.sub(r"(?<=\w)[_-]+(?=\w)", " ", name)
    return name.strip() or "Untitled"
