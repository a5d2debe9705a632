"""Lines that are only a date, as in a diary: "12 May 1911", "Montag, den 3. Mai"."""

from __future__ import annotations

import re

from seqctx.prepare.readers.numerals import CHINESE, folded, number_words, numeral

# Months by how they begin, in the languages of heading_words.toml; some mean several months.
_MONTHS = tuple(
    folded("""
    jan feb febr mar mär mars mai may maj mei apr avr abr jun juin jul juil aug aou ago août sep set
    oct okt ott out nov dec dez dic déc fév fev janv ene gen gennaio mag giu lug
    ian iun iul noi dec stycz lut marz kwie czerw lip sierp wrze paźdz listop grud led únor břez dub
    květ červ srp září říj pros янв фев мар апр мая май июн июл авг сен окт ноя дек січ лют берез
    квіт трав черв лип серп верес жовт листоп груд яну юни юли ное sij sijec velj ožuj trav svib
    kolov ruj stud tammi helmi maalis huhti touko kesä heinä elo syys loka marras joulu márc ápr máj
    jún júl szept ιαν φεβ μαρ απρ μαι ιουν ιουλ αυγ σεπ οκτ νοε δεκ ocak şubat nisan mayıs haziran
    temmuz ağustos eylül ekim kasım aralık
    """).split()
)
_DAYS = tuple(
    folded("""
    monday tuesday wednesday thursday friday saturday sunday montag dienstag mittwoch donnerstag
    freitag samstag sonnabend sonntag maandag dinsdag woensdag donderdag vrijdag zaterdag zondag
    lundi mardi mercredi jeudi vendredi samedi dimanche lunes martes miércoles jueves viernes sábado
    domingo segunda terça quarta quinta sexta lunedì martedì mercoledì giovedì venerdì sabato
    domenica dilluns dimarts dimecres dijous divendres dissabte diumenge luni marți miercuri joi
    vineri sâmbătă duminică poniedziałek wtorek środa czwartek piątek sobota niedziela pondělí úterý
    středa čtvrtek pátek neděle pondelok utorok streda štvrtok piatok nedeľa понедельник вторник
    среда четверг пятница суббота воскресенье понеділок вівторок середа пятниця субота неділя
    måndag tisdag onsdag torsdag fredag lördag söndag mandag tirsdag lørdag søndag maanantai tiistai
    keskiviikko torstai perjantai lauantai sunnuntai hétfő kedd szerda csütörtök péntek szombat
    vasárnap δευτέρα τρίτη τετάρτη πέμπτη παρασκευή σάββατο κυριακή pazartesi salı çarşamba perşembe
    cuma cumartesi pazar ponedjeljak utorak srijeda četvrtak petak subota nedjelja
    """).split()
)
_SEASONS = frozenset(
    folded("""
    spring summer autumn fall winter frühling frühjahr sommer herbst printemps été automne hiver
    primavera verano otoño invierno estate autunno inverno verão outono весна лето осень зима wiosna
    lato jesień zima lente zomer herfst vår höst
    """).split()
)
_FILLERS = frozenset(
    "the of den der am de del le la el il di of year st nd rd th o do da r г год года feira "
    "morning evening night noon midnight afternoon anno a d ce bc no on in im en".split()
)
_EASTERN = re.compile(
    rf"(?:[0-9０-９{CHINESE}元]{{1,6}}年)?\s?(?:[0-9０-９{CHINESE}正腊臘]{{1,3}}月)?\s?(?:[初]?[0-9０-９{CHINESE}]{{1,3}}[日号號])?"
    r"(?:[\s（(、,]*(?:[月火水木金土日][曜]日?|(?:星期|周|週|礼拜|禮拜)[一二三四五六日天])[)）]?)?"
)
_TOKEN = re.compile(r"[^\W_]+(?:['’-][^\W\d_]+)*")
_NUMERIC = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\.?")
_CLOCK = re.compile(r"\d{1,2}[:.h]\d{2}(?:\s?[ap]\.?m\.?)?")
_LONGEST = 60


def is_date(text: str) -> bool:
    """Whether a line is only a date or a day, perhaps after the name of a place."""
    text = text.strip().rstrip(".:")
    if not text or len(text) > _LONGEST:
        return False
    if text[0] > "\u2e80" or (text[0].isdigit() and text[-1] in "日月年号曜)）"):
        return bool(_EASTERN.fullmatch(text)) and len(text) > 1
    if _NUMERIC.fullmatch(text):
        return True
    place, comma, rest = text.partition(",")
    if comma and place.istitle() and not _says(place) and _says(rest) > 1:
        text = rest
    return _says(text) > 0


def _says(text: str) -> int:
    """How many words name a day, month, season or year; 0 where others are among them."""
    named = 0
    tokens = _TOKEN.findall(_CLOCK.sub(" ", text))
    if len(tokens) > 8:
        return 0
    for n, token in enumerate(tokens):
        word = folded(token)
        if word.isdecimal():
            number = int(word) if len(word) < 5 else 9999
            if not (number < 32 or 1000 <= number < 2200):
                return 0
            named += number >= 1000
        elif token[0].isupper() or n or _is_number(token):
            month = word.startswith(_MONTHS) and len(word) < 13
            if month or word.startswith(_DAYS) or word in _SEASONS:
                named += 1
            elif word not in _FILLERS and not _is_number(token):
                return 0
        elif word not in _FILLERS:
            return 0
    return named


def _is_number(token: str) -> bool:
    ordinal = re.fullmatch(r"\d{1,2}[^\W\d_]{1,3}", token)
    return bool(ordinal or numeral(token) or number_words(token))
