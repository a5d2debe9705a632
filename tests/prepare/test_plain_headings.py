"""Headings of plain text: lines that are such by their words, or by what the whole file shows."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

import pytest

from seqctx import Book, read_manuscript
from seqctx.prepare.readers.dates import is_date
from seqctx.prepare.readers.heading_lines import is_heading
from seqctx.prepare.readers.numerals import number_words, numeral, table

ROWS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent.parent / "data" / "heading_lines.json").read_text("utf-8")
)
HEADINGS = [row for row in ROWS if row["heading"]]
TEXTS = [row for row in ROWS if not row["heading"]]
CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
LAYOUTS = ["wrapped", "long lines", "space above", "centred", "indented", "text right below"]
PROSE = (
    "The old ferryman had left his lantern by the water, and now the rain had found it.",
    "Nobody said a word until somebody came back with the ledger and a coil of wet rope.",
    "“You might have asked,” said Ilka, and she looked for a place to put down the kettle.",
    "It was colder in the drying loft than anyone had told them that it would be in spring.",
)
WIDE_PROSE = (
    "渡し守は川べりに提灯を置き忘れていた。三日前から雨が屋根を打ち続けていた。",
    "摆渡的老人把灯笼忘在了河边。雨已经下了三天，屋顶上全是水声。",
    "潮が満ちる前に出なければならないが、潮は待ってくれない。犬は動かなかった。",
)


def paragraphs(row: dict[str, Any], chapter: int) -> list[str]:
    if row.get("lang"):
        return [WIDE_PROSE[(chapter + k) % 3] * 2 for k in range(3)]
    return [" ".join(PROSE[(chapter + k + n) % 4] for n in range(3)) for k in range(3)]


def text_of(parts: list[tuple[str, bool]], layout: str, *, wide: bool) -> str:
    """Headings and paragraphs as a plain text."""
    written = []
    indent = "    " if layout == "indented" else ""
    for text, is_head in parts:
        if not is_head:
            wrap = layout != "long lines" and not wide
            text = textwrap.fill(text, 70, initial_indent=indent) if wrap else indent + text
            written.append(text + ("\n" if indent else "\n\n"))
        elif layout == "centred":
            written.append(textwrap.indent(text, " " * 24) + "\n\n")
        else:
            above = {"space above": "\n\n", "indented": "\n"}.get(layout, "")
            written.append(f"{above}{text}\n" + "\n" * (layout != "text right below"))
    return "".join(written)


def read(path: Path, parts: list[tuple[str, bool]], layout: str, *, wide: bool = False) -> Book:
    path.write_text(text_of(parts, layout, wide=wide), "utf-8")
    return read_manuscript(path)


def letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_lines_that_are_headings(tmp_path: Path, layout: str) -> None:
    wrong = []
    all_rows = layout in ("wrapped", "long lines")
    for row in HEADINGS if all_rows else HEADINGS[::4]:
        lines = row["lines"]
        if layout in ("indented", "text right below") and any("\n" in line for line in lines):
            continue
        parts = [
            part
            for k, line in enumerate(lines)
            for part in ((line, True), *((text, False) for text in paragraphs(row, k)))
        ]
        book = read(tmp_path / "t.txt", parts, layout, wide="lang" in row)
        titles = [letters(chapter.title) for chapter in book.chapters]
        if titles != [letters(line) for line in lines]:
            wrong.append((lines, [chapter.title for chapter in book.chapters]))
    assert wrong == []


@pytest.mark.parametrize("layout", ["wrapped", "long lines"])
@pytest.mark.parametrize("titles", [("", "", ""), ("Chapter One", "Chapter Two", "Chapter Three")])
def test_lines_that_are_no_headings(
    tmp_path: Path, layout: str, titles: tuple[str, str, str]
) -> None:
    wrong = []
    for row in TEXTS:
        if row["lines"] in (["7"], ["NO ENTRY", "NO ENTRY"]) and not titles[0]:
            continue  # in a story without chapters they may be headings
        parts: list[tuple[str, bool]] = []
        for k, title in enumerate(titles):
            parts += [(title, True)] * bool(title)
            for n, text in enumerate(paragraphs(row, k)):
                parts.append((text, False))
                if k == 1 and n < len(row["lines"]):
                    parts.append((row["lines"][n], True))  # as it stands
        book = read(tmp_path / "t.txt", parts, layout, wide="lang" in row)
        missing = [
            x for x in row["lines"] if " ".join(x.split()) not in " ".join(book.text.split())
        ]
        if len(book.chapters) != (3 if titles[0] else 1) or missing:
            wrong.append((row["lines"], [c.title for c in book.chapters], missing))
    assert wrong == []


COUNTED = {  # 1, 2, 3, ... and then some up to 50, in each language
    "en": "one two three four five six seven eight nine ten eleven twelve 21:twenty-one"
        " 32:thirty-two 45:forty-five 50:fiftieth",
    "de": "erstes zweites drittes viertes fünftes sechstes siebtes achtes neuntes zehntes 11:elftes"
        " 17:siebzehntes 24:vierundzwanzigstes 21:einundzwanzigstes"
        " 38:achtunddreißigste 47:siebenundvierzig"
        " 50:fünfzigster",
    "nl": "eerste tweede derde vierde vijfde zesde zevende achtste negende tiende"
        " 21:eenentwintigste 34:vierendertig 50:vijftigste",
    "fr": "premier deuxième troisième quatrième cinquième sixième septième huitième neuvième"
        " dixième 17:dix-septième 21:vingt_et_unième 22:vingt-deux 24:vingt-quatre"
        " 48:quarante-huit 97:quatre-vingt-dix-sept"
        " 50:cinquantième",
    "es": "primero segundo tercero cuarto quinto sexto séptimo octavo noveno décimo 11:undécimo"
        " 12:duodécima 13:decimotercero 21:vigésimo_primero 26:veintiséis 44:cuarenta_y_cuatro"
        " 50:quincuagésima",
    "pt": "primeiro segunda terceiro quarto quinto sexto sétimo oitavo nono décimo"
        " 11:décimo_primeiro 21:vinte_e_um 35:trigésimo_quinto 49:quarenta_e_nove",
    "it": "primo seconda terzo quarto quinto sesto settimo ottavo nono decimo 11:undicesimo"
        " 13:tredicesimo 21:ventunesimo 28:ventotto 33:trentatré 46:quarantaseiesimo",
    "ro": "unu doi trei patru cinci șase șapte opt nouă zece 11:unsprezece 2:al_doilea 3:a_treia"
        " 21:douăzeci_și_unu 45:patruzeci_și_cinci",
    "pl": "pierwszy druga trzeci czwarta piąty szósta siódmy ósma dziewiąty dziesiąta 11:jedenasty"
        " 19:dziewiętnasta 21:dwudziesty_pierwszy 46:czterdziesta_szósta 50:pięćdziesiąty",
    "cs": "první druhá třetí čtvrtá pátá šestá sedmá osmá devátá desátá 11:jedenáctá"
        " 21:dvacátá_první 21:jednadvacátá 44:čtyřicátá_čtvrtá",
    "sk": "prvá druhá tretia štvrtá piata šiesta siedma ôsma deviata desiata 11:jedenásta"
        " 21:dvadsiata_prvá",
    "ru": "первая вторая третья четвёртая пятая шестая седьмая восьмая девятая десятая"
        " 11:одиннадцатая 21:двадцать_первая 40:сороковая 48:сорок_восьмая",
    "uk": "перший друга третій четверта п’ятий шоста сьомий восьма дев’ятий десята 11:одинадцятий"
        " 21:двадцять_перший",
    "bg": "първа втора трета четвърта пета шеста седма осма девета десета 21:двадесет_и_първа",
    "hr": "prvo drugo treće četvrto peto šesto sedmo osmo deveto deseto 21:dvadeset_prvo",
    "sv": "första andra tredje fjärde femte sjätte sjunde åttonde nionde tionde 21:tjugoförsta"
        " 43:fyrtiotre",
    "da": "første andet tredje fjerde femte sjette syvende ottende niende tiende 21:enogtyvende"
        " 35:femogtredive",
    "nb": "første andre tredje fjerde femte sjette sjuende åttende niende tiende 21:tjueførste"
        " 42:førtito",
    "fi": "ensimmäinen toinen kolmas neljäs viides kuudes seitsemäs kahdeksas yhdeksäs kymmenes"
        " 11:yhdestoista 21:kahdeskymmenesensimmäinen 47:neljäkymmentäseitsemän",
    "hu": "első második harmadik negyedik ötödik hatodik hetedik nyolcadik kilencedik tizedik"
        " 11:tizenegyedik 21:huszonegyedik 39:harminckilenc",
    "el": "πρώτο δεύτερο τρίτο τέταρτο πέμπτο έκτο έβδομο όγδοο ένατο δέκατο 11:ενδέκατο"
        " 13:δέκατο_τρίτο 21:εικοστό_πρώτο",
    "tr": "birinci ikinci üçüncü dördüncü beşinci altıncı yedinci sekizinci dokuzuncu onuncu"
        " 11:on_birinci 21:yirmi_birinci 46:kırk_altı",
    "ca": "primer segon tercer quart cinquè sisè setè vuitè novè desè",
    "ar": "الأول الثاني الثالث الرابع الخامس السادس السابع الثامن التاسع العاشر 12:الثاني_عشر"
        " 21:الحادي_والعشرون",
}  # fmt: skip


@pytest.mark.parametrize("code", COUNTED)
def test_numbers_in_words(code: str) -> None:
    next_value = 1
    for word in COUNTED[code].split():
        value, _, text = word.rpartition(":")
        text = text.replace("_", " ")
        wanted = int(value) if value else next_value
        next_value += not value
        for form in (text, text.upper(), text.title()):
            found = number_words(form, code)
            assert found and found.value == wanted, (form, found)


@pytest.mark.parametrize("code", COUNTED)
def test_chapters_counted_in_words(code: str) -> None:
    words = [word.rpartition(":")[2].replace("_", " ") for word in COUNTED[code].split()]
    name = table()[code]["chapter"].split()[0]
    for word in words:
        for line in (f"{name} {word}", f"{name} {word}".upper(), f"{name} {word}: X"):
            assert is_heading(line), line
        assert not is_heading(f"{name} {word} x and y.")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("XLIX", 49), ("xiv", 14), ("IIII", 4), ("１２", 12), ("٣", 3), ("二十一", 21),
        ("一二", 12), ("〇", 0), ("廿三", 23), ("百二", 102),
        ("ⅩⅡ", 12), ("③", 3), ("ІІІ", 3), ("ΙΒ΄", 12),
    ],
)  # fmt: skip
def test_numerals(text: str, value: int) -> None:
    found = numeral(text)
    assert found and found.value == value


@pytest.mark.parametrize("text", ["", "MIX", "Civil", "DIM", "IC", "1984", "12a", "abc", "IXX"])
def test_no_numerals(text: str) -> None:
    assert numeral(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "12 May 1911", "May 12th, 1911", "Monday", "Monday, the 3rd of May", "1911", "Spring 1911",
        "3. Mai", "Montag, den 3. Mai 1911", "le 3 mai 1911", "1er mai", "3 de mayo", "3 maggio",
        "3 maja 1911", "3 мая 1911 г.", "5月3日", "二〇一一年五月三日", "星期一", "月曜日",
        "London, 12 May", "1911-05-12", "12.5.1911", "Monday, 10:30 a.m.", "Mai 1911",
    ],
)  # fmt: skip
def test_dates(text: str) -> None:
    assert is_date(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "12", "Maybe", "May I?", "Marching on Monday", "12 Low Street", "Saturnalia", "日本",
        "Sunday best", "The Second", "June said so", "一日中雨だった", "Summer was over",
    ],
)  # fmt: skip
def test_no_dates(text: str) -> None:
    assert not is_date(text)


def test_a_title_in_the_paragraph_below_a_number(tmp_path: Path) -> None:
    text = "\n\n".join(PROSE)
    numbers = ("I", "The Door"), ("II", "The Stair"), ("III", "Salt")
    chapters = [f"{number}\n\n{title}\n\n{text}" for number, title in numbers]
    (tmp_path / "t.txt").write_text("\n\n\n".join(chapters))
    book = read_manuscript(tmp_path / "t.txt")
    assert [c.title for c in book.chapters] == ["I: The Door", "II: The Stair", "III: Salt"]


def test_numbers_below_chapters_are_no_chapters(tmp_path: Path) -> None:
    text = "\n\n".join(PROSE)
    scenes = "\n\n".join(f"{n}\n\n{text}" for n in (1, 2, 3))
    (tmp_path / "t.txt").write_text(f"CHAPTER ONE\n\n{scenes}\n\nCHAPTER TWO\n\n{scenes}")
    book = read_manuscript(tmp_path / "t.txt")
    assert [c.title for c in book.chapters] == ["CHAPTER ONE", "CHAPTER TWO"]
    assert len(book.scenes) == 6


def test_parts_with_counted_chapters(tmp_path: Path) -> None:
    text = "\n\n".join(PROSE)
    chapters = "\n\n".join(f"{n}\n\n{text}" for n in (1, 2, 3))
    (tmp_path / "t.txt").write_text(f"PART ONE\n\n{chapters}\n\nPART TWO\n\n{chapters}")
    book = read_manuscript(tmp_path / "t.txt")
    assert [c.title for c in book.chapters] == ["1", "2", "3"] * 2
    assert [p.title for p in book.parts] == ["PART ONE", "PART TWO"]


def chapters_of(tmp_path: Path, *lines: str) -> list[str]:
    text = "\n\n".join(PROSE)
    (tmp_path / "t.txt").write_text("\n\n".join(f"{line}\n\n{text}" for line in lines))
    return [chapter.title for chapter in read_manuscript(tmp_path / "t.txt").chapters]


def test_acts_are_chapters_over_scenes_and_parts_over_chapters(tmp_path: Path) -> None:
    acts = ("ACT I\n\nSCENE 1", "SCENE 2", "ACT II\n\nSCENE 1", "SCENE 2")
    assert chapters_of(tmp_path, *acts) == ["ACT I", "ACT II"]
    acts = ("ACT I\n\nChapter 1", "Chapter 2", "ACT II\n\nChapter 3", "Chapter 4")
    assert chapters_of(tmp_path, *acts) == ["Chapter 1", "Chapter 2", "Chapter 3", "Chapter 4"]


def test_days_of_a_diary_need_not_count_up(tmp_path: Path) -> None:
    days = [f"{day} May 1911" for day in (12, 13, 14, 17)]
    assert chapters_of(tmp_path, *days) == days


def test_a_word_among_numbers_that_looks_like_one(tmp_path: Path) -> None:
    assert chapters_of(tmp_path, "I", "II", "III", "I", "IV", "V") == ["I", "II", "III", "IV", "V"]


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the novels are not here")
@pytest.mark.parametrize("width", [0, 72])
def test_the_novels_keep_their_headings_as_plain_text(tmp_path: Path, width: int) -> None:
    for path in sorted(CORPUS.glob("the-*.epub")):  # the third is long
        book = read_manuscript(path)
        heads = {heading.start for heading in book.headings}
        texts = []
        for span in book.paragraphs:
            text = book.text[span.start : span.end]
            wrap = width and span.start not in heads
            texts.append(textwrap.fill(text, width) if wrap else text)
        (tmp_path / "t.txt").write_text("\n\n".join(texts), "utf-8")
        found = read_manuscript(tmp_path / "t.txt")
        known = {letters(book.text[h.start : h.end]) for h in book.headings}
        new = [found.text[h.start : h.end] for h in found.headings]
        assert [text for text in new if letters(text) not in known] == []
        assert len(found.headings) > 0.9 * len(book.headings)


def _story(path: Path, *lines: str) -> Book:
    """A plain text in which each of these lines stands above three paragraphs, but for parts."""
    parts: list[tuple[str, bool]] = []
    for k, line in enumerate(lines):
        parts.append((line, True))
        if not line.startswith(("PART", "Contents", "  ")):
            parts += [(text, False) for text in paragraphs({}, k)]
    return read(path, parts, "wrapped")


def test_names_that_come_again_are_the_chapters_of_parts(tmp_path: Path) -> None:
    names = ["PART ONE", "Anna", "Boris", "PART TWO", "Anna", "Boris"]
    book = _story(tmp_path / "a.txt", *names)
    assert [chapter.title for chapter in book.chapters] == ["Anna", "Boris", "Anna", "Boris"]
    assert [part.title for part in book.parts] == ["PART ONE", "PART TWO"]


def test_dates_are_the_chapters_of_parts(tmp_path: Path) -> None:
    dates = ["3 March 1911", "9 March 1911", "1 April 1912", "8 May 1912"]
    book = _story(tmp_path / "a.txt", "PART ONE", *dates[:2], "PART TWO", *dates[2:])
    assert [chapter.title for chapter in book.chapters] == dates


def test_numbers_within_one_of_many_numbered_titles_are_its_scenes(tmp_path: Path) -> None:
    titles = ["I. A STORM AT THE WEIR", "II. THE RED OAR", "III. A CASE OF ROPE"]
    lines = [titles[0], "I.", "II.", "III.", *titles[1:]]
    contents = ["Contents", "  I.   A Storm at the Weir\n  II.  The Red Oar\n  III. A Case of Rope"]
    for name, top in (("a.txt", []), ("b.txt", contents)):
        book = _story(tmp_path / name, *top, *lines)
        assert [chapter.title for chapter in book.chapters] == titles


def test_numbers_go_on_without_the_word(tmp_path: Path) -> None:
    titles = [
        "TALE I. THE WEIR", "TALE II. THE MILL", "TALE III. THE QUAY", "IV. THE KILN",
        "V. THE BRIDGE", "VI. THE INN",
    ]  # fmt: skip
    book = _story(tmp_path / "a.txt", titles[0], "I.", "II.", "III.", *titles[1:])
    assert [chapter.title for chapter in book.chapters] == titles


def test_contents_end_where_their_first_entry_comes_again(tmp_path: Path) -> None:
    lines = ["CHAPTER I", "THE WEIR", "CHAPTER II", "THE MILL", "CHAPTER III", "THE QUAY"]
    contents = "\n\n".join(
        f"{line}{' ' * 20 + '1' if k % 2 else ''}" for k, line in enumerate(lines)
    )
    prose = "\n\n".join(paragraphs({}, 0))
    pairs = zip(lines[::2], lines[1::2], strict=True)
    story = "\n\n".join(f"{number}\n\n{title}\n\n{prose}" for number, title in pairs)
    (tmp_path / "a.txt").write_text(f"CONTENTS\n\n{contents}\n\n\n{story}\n", "utf-8")
    book = read_manuscript(tmp_path / "a.txt")
    assert [chapter.title for chapter in book.chapters] == [
        "CHAPTER I: THE WEIR", "CHAPTER II: THE MILL", "CHAPTER III: THE QUAY",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "titles",
    [
        ["Chapter One", "Chapter Two", "Final Chapter"],
        ["CHAPTER I", "CHAPTER II", "CHAPTER THE LAST"],
        ["Erstes Kapitel", "Zweites Kapitel", "Letztes Kapitel: Salz"],
        ["Chapter 1 of 3", "Chapter 2 of 3", "Chapter 3 of 3"],
        ["Log Entry 1", "Log Entry 2", "Log Entry 3"],
    ],
)
def test_last_chapters_and_words_in_pairs(tmp_path: Path, titles: list[str]) -> None:
    book = _story(tmp_path / "a.txt", *titles)
    assert [chapter.title for chapter in book.chapters] == titles


@pytest.mark.parametrize(
    "text",
    ["The last act of the play was lost.", "The last chapter.", "His last chapter was long."],
)
def test_sentences_about_last_chapters(text: str) -> None:
    assert not is_heading(text)


def test_plain_titles_divide_a_text_without_other_headings(tmp_path: Path) -> None:
    titles = ["The Weir", "The Long Stair", "Salt"]
    book = _story(tmp_path / "a.txt", *titles)
    assert [chapter.title for chapter in book.chapters] == titles


@pytest.mark.parametrize(
    "lines",
    [
        ["The Ferry House", "Your loving brother,\n\nOsric", "Yours,\n\nMaud Pell"],  # letters
        ["The Ferry House", "The sign said:\n\nThe Green Lion", "And below:\n\nNo Dogs"],
        ["The Ferry House", "The Green Lion"],  # two are no habit
    ],
)
def test_names_and_signs_divide_nothing(tmp_path: Path, lines: list[str]) -> None:
    assert len(_story(tmp_path / "a.txt", *lines).chapters) == 1
