"""Lines that are only a date, as in a diary: "12 May 1911", "Montag, den 3. Mai"."""

from __future__ import annotations

import re

from seqctx.prepare.readers.numerals import CHINESE, folded, number_words, numeral

_MONTHS = frozenset(
    folded("""
    jan feb mar apr jun jul aug sep sept oct okt ott nov dec dez dic janv avr juil ene abr ago set
    january february march april may june july august september october november december
    januar februar märz mai juni juli oktober dezember januari februari maart mei augustus
    janvier février mars avril juin juillet août septembre octobre novembre décembre
    enero febrero marzo abril mayo junio julio agosto septiembre setiembre octubre noviembre
    diciembre janeiro fevereiro março maio junho julho setembro outubro novembro dezembro
    gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre gener febrer març maig
    juny juliol agost setembre desembre ianuarie februarie martie aprilie iunie iulie septembrie
    octombrie noiembrie decembrie maj augusti marts styczeń stycznia luty lutego marzec marca
    kwiecień kwietnia maja czerwiec czerwca lipiec lipca sierpień sierpnia wrzesień września
    październik października listopad listopada grudzień grudnia leden ledna únor února březen
    března duben dubna květen května červen června červenec července srpen srpna září říjen října
    listopadu prosinec prosince január januára február februára apríl apríla máj mája jún júna júl
    júla októbra novembra decembra septembra augusta siječanj siječnja veljača veljače ožujak ožujka
    travanj travnja svibanj svibnja lipanj lipnja srpanj srpnja kolovoz kolovoza rujan rujna studeni
    studenoga prosinac prosinca январь января февраль февраля март марта апрель апреля май мая июнь
    июня июль июля август августа сентябрь сентября октябрь октября ноябрь ноября декабрь декабря
    січень січня лютий лютого березень березня квітень квітня травень травня червень червня липень
    липня серпень серпня вересень вересня жовтень жовтня грудень грудня януари февруари април юни
    юли септември октомври ноември декември március április május június július augusztus szeptember
    október ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık
    """).split()
)
_MONTH_STEMS = tuple(  # with many endings
    folded("""
    tammiku helmiku maalisku huhtiku toukoku kesäku heinäku eloku syysku lokaku marrasku jouluku
    ιανουαρ φεβρουαρ μαρτι απριλι ιουνι ιουλι αυγουστ σεπτεμβρ οκτωβρ νοεμβρ δεκεμβρ μαΐου μάιος
    """).split()
)
_DAYS = frozenset(
    folded("""
    mon tue tues wed thu thur thurs fri sat
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
_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)*")
_NUMERIC = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\.?")
_CLOCK = re.compile(r"\d{1,2}[:.h]\d{2}(?:\s?[ap]\.?m\.?)?")
_LONGEST = 60


def is_date(text: str) -> bool:
    """Whether a line is only a date or a day, perhaps after the name of a place."""
    text = text.strip().rstrip(".:")
    if not text or len(text) > _LONGEST or text[-1] in "?!,;":
        return False
    if text[0] > "\u2e80" or (text[0].isdigit() and text[-1] in "日月年号曜)）"):
        return bool(_EASTERN.fullmatch(text)) and len(text) > 1
    if _NUMERIC.fullmatch(text):
        return True
    place, comma, rest = text.partition(",")
    if comma and place.istitle() and not _says(place) and any(map(str.isdigit, rest)):
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
            if (
                word in _MONTHS
                or word.startswith(_MONTH_STEMS)
                or word in _DAYS
                or word in _SEASONS
            ):
                named += 1
            elif word not in _FILLERS and not _is_number(token):
                return 0
        elif word not in _FILLERS:
            return 0
    return named


def _is_number(token: str) -> bool:
    ordinal = re.fullmatch(r"\d{1,2}[^\W\d_]{1,3}", token)
    return bool(ordinal or numeral(token) or number_words(token))
