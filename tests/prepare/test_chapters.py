"""Which headings open parts, chapters and scenes, and which open nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqctx import Book, InputError, load_config, read_manuscript
from seqctx.prepare.parts import Boundary
from seqctx.prepare.readers.assembly import assemble
from seqctx.prepare.readers.blocks import PLAIN, Block, Look
from seqctx.prepare.readers.chapters import with_headings_found
from seqctx.prepare.readers.front_matter import leave_out
from seqctx.prepare.segments import segments_of
from seqctx.prepare.structure import Span
from seqctx.prepare.tokenizer import Tokenizer

WEIR, MILL, QUAY, HOME, HOUSE = "The Weir", "The Mill", "The Quay", "Home", "The Ferry House"
_SENTENCE = "Nobody said a word until she came back with the broken oar and a coil of wet rope."


def h(text: str, level: int = 1) -> Block:
    return Block("heading", text, level=level)


def p(text: str, **look: object) -> Block:
    """A paragraph, as bold as its look says."""
    if look.get("bold"):
        span = Span(2, 2 + len(text))
        return Block("paragraph", f"**{text}**", (span,), look=Look(**look))  # type: ignore[arg-type]
    return Block("paragraph", text, look=Look(**look) if look else PLAIN)  # type: ignore[arg-type]


def blocks_of(*items: Block | int) -> list[Block]:
    """Blocks; a number stands for as many paragraphs of 34 words."""
    found: list[Block] = []
    for item in items:
        if isinstance(item, int):
            found += [p(f"{_SENTENCE} {_SENTENCE} {len(found) + k}.") for k in range(item)]
        else:
            found.append(item)
    return found


def book_of(*items: Block | int) -> Book:
    found = with_headings_found(blocks_of(*items))
    title = next((b.text for b in found if b.kind == "title"), "file")
    kept, left_out = leave_out([b for b in found if b.kind != "title"], title)
    return assemble("f.md", title, kept, left_out)


def titles(*items: Block | int) -> list[str]:
    return [chapter.title for chapter in book_of(*items).chapters]


# --- levels ---


@pytest.mark.parametrize(
    ("items", "chapters", "scenes"),
    [
        ((h("Chapter One", 2), h("At the weir", 3), 2, h("On the stairs", 3), 2,
          h("Chapter Two", 2), h("Rain", 3), 2, h("Fog", 3), 2), ["Chapter One", "Chapter Two"], 4),
        ((h(WEIR), h("Scene 1", 2), 2, h("Scene 2", 2), 2, h(MILL), h("Scene 1", 2), 2,
          h("Scene 2", 2), 2), [WEIR, MILL], 4),
        ((h(WEIR, 2), 2, h("Noon", 3), 2, h(MILL, 2), 2, h("Noon", 3), 2, h("Dusk", 3), 2),
         [WEIR, MILL], 5),
        ((h("Chapter 1"), h("At the weir", 2), 3, h("At the mill", 2), 3), ["Chapter 1"], 2),
        ((h("Chapter 1"), 3, h("LETTER", 3), 2, h("Chapter 2"), 4, h("Chapter 3"), 3),
         ["Chapter 1", "Chapter 2", "Chapter 3"], 4),
        ((h("1"), h("i", 2), 2, h("ii", 2), 2, h("2"), h("i", 2), 2, h("ii", 2), 2), ["1", "2"], 4),
        ((h("I"), h("1", 2), 2, h("2", 2), 2, h("II"), h("1", 2), 2, h("2", 2), 2),
         ["1", "2", "1", "2"], 4),
        ((h("Chapter 1"), 2, h("Noon", 2), 2, h("A letter", 3), 2, h("Chapter 2"), 2,
          h("Dusk", 2), 2), ["Chapter 1", "Chapter 2"], 4),
    ],
)  # fmt: skip
def test_headings_below_chapters_open_scenes(
    items: tuple[Block | int, ...], chapters: list[str], scenes: int
) -> None:
    book = book_of(*items)
    assert [c.title for c in book.chapters] == chapters
    assert len(book.scenes) == scenes
    starts = {chapter.span.start for chapter in book.chapters}
    assert all(s.start not in starts for s in book.scene_headings)
    assert len(book.headings) == sum(b.kind == "heading" for b in items if isinstance(b, Block))


@pytest.mark.parametrize(
    ("items", "chapters", "parts"),
    [
        ((h("Part One"), h(WEIR, 2), 4, h(MILL, 2), 4, h("Part Two"), h(QUAY, 2), 4, h(HOME, 2), 4),
         [WEIR, MILL, QUAY, HOME], {"Part One": 2, "Part Two": 2}),
        ((h("North"), h(WEIR, 2), 4, h(MILL, 2), 4, h("South"), h(QUAY, 2), 4, h(HOME, 2), 4),
         [WEIR, MILL, QUAY, HOME], {"North": 2, "South": 2}),
        ((h("Part One"), p("A line of verse."), h(WEIR, 2), 4, h(MILL, 2), 4,
          h("Part Two"), p("Another."), h(QUAY, 2), 4), [WEIR, MILL, QUAY],
         {"Part One": 2, "Part Two": 1}),
        ((h("Part One"), p("A line."), h("Chapter 1"), 4, h("Chapter 2"), 4, h("Part Two"),
          h("Chapter 3"), 4), ["Chapter 1", "Chapter 2", "Chapter 3"],
         {"Part One": 2, "Part Two": 1}),
        ((h("Part One"), 4, h("Part Two"), 4), ["Part One", "Part Two"], {}),
        ((h("Prologue"), 4, h("Part One"), h("Chapter 1", 2), 4, h("Chapter 2", 2), 4,
          h("Epilogue"), 4), ["Prologue", "Chapter 1", "Chapter 2", "Epilogue"], {"Part One": 2}),
        ((h("Prologue"), 4, h("One", 2), 4, h("Two", 2), 4, h("Epilogue"), 4),
         ["Prologue", "One", "Two", "Epilogue"], {}),
        ((h("Book I"), h("I", 2), 4, h("II", 2), 4, h("Epilogue"), h("I", 2), 4, h("II", 2), 4),
         ["I", "II", "I", "II"], {"Book I": 2, "Epilogue": 2}),
        ((h("Book I"), h("The Coming"), h("I", 2), h("The Eve", 2), 4, h("II", 2),
          h("The Star", 2), 4, h("Book II"), h("The Earth"), h("I", 2), h("Under Foot", 2), 4),
         ["I: The Eve", "II: The Star", "I: Under Foot"],
         {"Book I: The Coming": 2, "Book II: The Earth": 1}),
    ],
)  # fmt: skip
def test_headings_above_chapters_name_parts(
    items: tuple[Block | int, ...], chapters: list[str], parts: dict[str, int]
) -> None:
    book = book_of(*items)
    assert [c.title for c in book.chapters] == chapters
    assert [part.title for part in book.parts] == list(parts)
    inside = [sum(c.part == part.title for c in book.chapters) for part in book.parts]
    assert inside == list(parts.values())


@pytest.mark.parametrize("of_part", [1, 2])
def test_parts_have_parts(of_part: int) -> None:
    chapter = of_part + 1
    book = book_of(
        h("BOOK I"), h("PART I", of_part), h("Chapter 1", chapter), 4, h("Chapter 2", chapter), 4,
        h("PART II", of_part), h("Chapter 3", chapter), 4,
        h("BOOK II"), h("PART I", of_part), h("Chapter 1", chapter), 4,
    )  # fmt: skip
    assert [(part.title, part.depth) for part in book.parts] == [
        ("BOOK I", 1), ("PART I", 2), ("PART II", 2), ("BOOK II", 1), ("PART I", 2),
    ]  # fmt: skip
    assert [c.part for c in book.chapters] == ["PART I", "PART I", "PART II", "PART I"]
    first, second = (part for part in book.parts if part.depth == 1)
    assert (first.span.start, first.span.end + 2) == (0, second.span.start)
    assert second.span.end == len(book.text)


def test_sizes_tell_chapters_from_parts() -> None:
    chapters = [
        item for k in range(6) for item in (h(f"Noon {'abcdef'[k]}"), *[h("Dusk", 2), 12] * 4)
    ]
    book = book_of(*chapters)
    assert len(book.chapters) == 6 and len(book.scenes) == 24
    assert "400 words" in book.chapter_reason or "words from one" in book.chapter_reason


@pytest.mark.parametrize(
    ("items", "found"),
    [
        ((h("1", 2), h(WEIR, 3), 4, h("2", 2), h(MILL, 3), 4), [f"1: {WEIR}", f"2: {MILL}"]),
        ((h(WEIR, 2), h("a tale of water", 3), 4, h(MILL, 2), h("a tale of wind", 3), 4,
          h(QUAY, 2), 4), [WEIR, MILL, QUAY]),
        ((h("Preface"), 3, h("I", 2), p("Her Diary"), 4, h("II", 2), p("His Diary"), 4,
          h("III", 2), p("Their Diary"), 4),
         ["Preface", "I: Her Diary", "II: His Diary", "III: Their Diary"]),
        ((h("I"), 4, h("Interlude"), h("May, 1917"), 4, h("II"), 4),
         ["I", "Interlude: May, 1917", "II"]),
        ((h("I"), h("I"), 4, h("II"), 4, h("II"), h("III"), 4), ["I", "II", "III"]),
        ((h("CHAPTER I"), h(WEIR), 4, h("CHAPTER II"), h(MILL), 4),
         [f"CHAPTER I: {WEIR}", f"CHAPTER II: {MILL}"]),
    ],
)  # fmt: skip
def test_titles_of_chapters(items: tuple[Block | int, ...], found: list[str]) -> None:
    assert titles(*items) == found


def test_a_cut_before_a_scenes_heading_lies_between_scenes(tokenizer: Tokenizer) -> None:
    book = book_of(h(WEIR), 2, h("Noon", 2), 2, h(MILL), 2, h("Dusk", 2), 2)
    segments = segments_of(book, tokenizer, 10_000).items
    opening = [book.text[s.start : s.start + 8] for s in segments if s.before == Boundary.scene]
    assert opening == ["Noon\n\nNo", "Dusk\n\nNo"]
    assert sum(s.before == Boundary.chapter for s in segments) == 2
    assert len({s.scene for s in segments}) == len(book.scenes) == 4


def test_the_reason_is_said() -> None:
    book = book_of(h("Part One"), h(WEIR, 2), 4, h(MILL, 2), 4, h("Part Two"), h(QUAY, 2), 4)
    assert book.chapter_level == 2
    assert book.chapter_reason == (
        "Headings of level 2 open the chapters: those of level 1 name parts."
    )
    assert book_of(3).chapter_level is None
    assert book_of(3).chapter_reason == "The file has no headings: all of its text is one chapter."


def test_headings_that_the_file_does_not_declare_are_said() -> None:
    some = book_of(h("Chapter 1"), 4, p("Chapter 2"), 4, h("Chapter 3"), 4)
    assert some.chapter_reason == (
        "Headings of level 1 open the chapters: there are no others. "
        "One of them is not declared as a heading: words, look or regularity tell."
    )
    none = book_of(p("Chapter 1"), 4, p("Chapter 2"), 4)
    assert none.chapter_reason == (
        "2 lines are headings of a chapter by words, look or regularity; the file declares none."
    )


# --- what is no chapter ---


@pytest.mark.parametrize(
    "front",
    [
        (h(HOUSE), h("by Mara Quillon", 2)),
        (h(HOUSE), h("by Mara Quillon", 2), p("For Ottoline.")),
        (h(HOUSE), h("Mara Quillon", 2), p("For Ottoline.")),
        (h(HOUSE), h("A Novel of the Lower River", 2), h("Mara Quillon", 2)),
        (h(HOUSE), h("A Novel of the Lower River", 2), p("2031")),
        (h(HOUSE), h("Dedication", 2), p("For Ottoline, who kept the boat.")),
        (h(HOUSE), h("Widmung", 2), p("Für Ottilie.")),
        (h(HOUSE), h("Epigraph", 2), p("A line of verse.")),
        (h(HOUSE), p("a novel", bold=True)),
        (h(HOUSE, 2), h("Mara Quillon", 2), p("For Ottoline.")),
        (h(HOUSE), h("[Illustration: The ferry]", 2)),
    ],
)  # fmt: skip
def test_lines_of_a_title_page_open_no_chapter(front: tuple[Block, ...]) -> None:
    chapters = (h(WEIR, 2), 4, h(MILL, 2), 4, h(QUAY, 2), 4)
    assert titles(*front, *chapters) == [WEIR, MILL, QUAY]


@pytest.mark.parametrize(
    "end",
    [
        "THE END", "The End.", "— Ende —", "FIN", "Fine", "* Koniec *", "Конец", "完", "終わり",
        "[Illustration]", "Author’s Note", "A Note from the Author", "Acknowledgments",
        "Nota del autor", "End of Book One", "To be continued …",
    ],
)  # fmt: skip
def test_the_end_opens_no_chapter(end: str) -> None:
    assert titles(h(WEIR), 4, h(MILL), 4, h(end)) == [WEIR, MILL]


def test_pictures_do_not_divide_a_chapters_headings() -> None:
    picture = h("[Illustration: The ferry]")
    assert titles(picture, h("I"), picture, h(WEIR), 2, picture, 2, h("II"), h(MILL), 4) == [
        f"I: {WEIR}", f"II: {MILL}",
    ]  # fmt: skip


# --- looks ---

_LOOKS: list[dict[str, object]] = [
    {"bold": True, "centred": True, "size": 1.5, "new_page": True},
    {"bold": True, "centred": True, "size": 1.5},
    {"bold": True, "centred": True}, {"bold": True}, {"centred": True}, {"size": 1.5},
    {"new_page": True}, {"style": "chapter title"}, {"style": "ct"}, {"style": "chap"},
    {"style": "kapitelüberschrift"}, {"style": "titre chapitre"}, {"style": "my heading"},
]  # fmt: skip


@pytest.mark.parametrize("look", _LOOKS)
@pytest.mark.parametrize("front", [(), (h(HOUSE),)])
def test_headings_by_look(look: dict[str, object], front: tuple[Block, ...]) -> None:
    book = book_of(*front, p(WEIR, **look), 4, p(MILL, **look), 4, p(QUAY, **look), 4)
    assert [c.title for c in book.chapters] == [WEIR, MILL, QUAY]
    assert "*" not in book.text
    assert book.title == (HOUSE if front else "file")


def test_the_first_chapter_needs_no_new_page() -> None:
    paged = {"new_page": True}
    assert titles(p(WEIR), 4, p(MILL, **paged), 4, p(QUAY, **paged), 4) == [WEIR, MILL, QUAY]


_BOLD: dict[str, object] = {"bold": True, "centred": True}


def test_headings_by_look_in_a_script_without_spaces() -> None:
    story = [p("她提着断桨和一卷湿绳回来以前，谁也没有说一句话。" * 8) for _ in range(3)]
    names = ("渡口", "磨坊", "雨夜", "归途")
    items = (item for name in names for item in (p(name, bold=True, centred=True), *story))
    assert titles(*items) == list(names)


@pytest.mark.parametrize(
    ("items", "found"),
    [
        ((h("Prologue"), 3, p("Chapter 1", bold=True), 4, p("Chapter 2", bold=True), 4),
         ["Prologue", "Chapter 1", "Chapter 2"]),
        ((h("Prologue"), 3, p(WEIR, **_BOLD), 4, p(MILL, **_BOLD), 4), ["Prologue", WEIR, MILL]),
        ((h("Prologue"), 3, p(WEIR, **_BOLD), 4, p(MILL, **_BOLD), 4, h("Epilogue"), 3),
         ["Prologue", WEIR, MILL, "Epilogue"]),
        ((h(WEIR), 4, p(MILL, **_BOLD), 4, p(QUAY, **_BOLD), 4, p(HOME, **_BOLD), 4),
         [WEIR, MILL, QUAY, HOME]),
        ((h("Chapter 1"), 4, h("Chapter 2"), 4, p("Chapter 3"), 4, h("Chapter 4"), 4),
         ["Chapter 1", "Chapter 2", "Chapter 3", "Chapter 4"]),
        ((p("Part One"), h("Chapter 1"), 4, h("Chapter 2"), 4, p("Part Two"), h("Chapter 3"), 4),
         ["Chapter 1", "Chapter 2", "Chapter 3"]),
        ((p("Chapter One"), h(WEIR), 4, p("Chapter Two"), h(MILL), 4),
         [f"Chapter One: {WEIR}", f"Chapter Two: {MILL}"]),
        ((p("1", centred=True), p(WEIR, **_BOLD), 4, p("2", centred=True), p(MILL, **_BOLD), 4,
          p("3", centred=True), p(QUAY, **_BOLD), 4), [f"1: {WEIR}", f"2: {MILL}", f"3: {QUAY}"]),
        ((p("Ilka"), 4, p("Tove"), 4, p("Ilka"), 4, p("Tove"), 4),
         ["Ilka", "Tove", "Ilka", "Tove"]),
        ((h(HOUSE), p("Ilka"), 4, p("Tove"), 4, p("Ilka"), 4, p("Tove"), 4),
         ["Ilka", "Tove", "Ilka", "Tove"]),
    ],
)  # fmt: skip
def test_a_declared_heading_switches_nothing_off(
    items: tuple[Block | int, ...], found: list[str]
) -> None:
    assert titles(*items) == found


@pytest.mark.parametrize(
    ("items", "found"),
    [
        ((h("One"), 2, p("No.", bold=True), 3, p("NOBODY", bold=True), h("Two"), 4),
         ["One", "Two"]),
        ((h("One"), 2, p("FERRY CLOSED", **_BOLD), p("until the ice is gone", **_BOLD), 4,
          h("Two"), 5), ["One", "Two"]),
        ((h("One"), 2, p("FERRY CLOSED", **_BOLD), 4, h("Two"), 3, p("FERRY OPEN", **_BOLD), 5),
         ["One", "Two"]),
        ((3, p("FERRY CLOSED", **_BOLD), 4, p("FERRY OPEN", **_BOLD), 5), ["file"]),
        ((3, p("NOBODY", bold=True), 4, p("NOW", bold=True), 5, p("STOP", bold=True), 4),
         ["file"]),
        ((h(HOUSE), 4, p("CLOSED", **_BOLD), 4, p("OPEN", **_BOLD), 4), [HOUSE]),
        ((h("One"), 2, p("ILKA"), p("Not that one."), p("TOVE"), p("Which?"), p("ILKA"),
          p("That."), p("TOVE"), p("Ah."), 3, h("Two"), 3), ["One", "Two"]),
        ((p("ILKA"), p("Not that one."), p("TOVE"), p("Which?"), p("ILKA"), p("That."), p("TOVE"),
          p("Ah."), 3), ["file"]),
        ((h("Chapter 1"), 4, p("“Who is there?”", bold=True), 4, h("Chapter 2"), 4),
         ["Chapter 1", "Chapter 2"]),
    ],
)  # fmt: skip
def test_shouts_signs_and_speakers_are_no_headings(
    items: tuple[Block | int, ...], found: list[str]
) -> None:
    assert titles(*items) == found


# --- set by the user ---


def saved(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "novel.md"
    path.write_text(text, "utf-8")
    return path


_NOVEL = "\n\n".join(
    f"# {name}\n\n## Morning\n\n{_SENTENCE}\n\n## Evening\n\n{_SENTENCE}" for name in (WEIR, MILL)
).replace(f"# {MILL}", f"Day two\n\n{_SENTENCE}\n\n# {MILL}")


@pytest.mark.parametrize(
    ("chapters", "found"),
    [
        ({"level": 1}, [WEIR, MILL]),
        ({"level": 2}, ["Morning", "Evening"] * 2),
        ({"pattern": "The .*"}, [WEIR, MILL]),
        ({"pattern": "Even.+"}, ["novel", "Evening", "Evening"]),
        ({"pattern": "(The Weir|Day .*)"}, [WEIR, "Day two"]),
    ],
)  # fmt: skip
def test_the_user_sets_what_opens_a_chapter(
    tmp_path: Path, chapters: dict[str, object], found: list[str]
) -> None:
    path = saved(tmp_path, _NOVEL)
    book = read_manuscript(path, chapters=chapters)
    assert [c.title for c in book.chapters] == found
    assert "seqctx.prepare.chapters sets it" in book.chapter_reason


@pytest.mark.parametrize(
    ("chapters", "says"),
    [
        ({"level": 3}, "level: no heading has this level (got 3; the file has levels 1, 2)"),
        ({"pattern": "Noon"}, "pattern: matches no heading and no paragraph (got 'Noon')"),
        ({"pattern": "(a+)+b|(a|aa)+c"}, "chapters.pattern: "),
        ({}, "chapters: no level and no pattern"),
        ({"level": 1, "pattern": "a"}, "chapters: no level and no pattern"),
        (2, "chapters: must be a"),
    ],
)  # fmt: skip
def test_a_wrong_choice_is_refused_in_one_line(
    tmp_path: Path, chapters: dict[str, object], says: str
) -> None:
    path = saved(tmp_path, f"{_NOVEL}\n\n{'a' * 400}!")
    with pytest.raises(InputError) as error:
        read_manuscript(path, chapters=chapters)
    assert says in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("value", "fact"),
    [
        ("{level: 2}", ""), ("{pattern: 'Kapitel .*'}", ""),
        ("{}", "must have level or pattern, and not both"),
        ("{level: 2, pattern: a}", "must have level or pattern, and not both"),
        ("{level: 0}", "must be at least 1"), ("{pattern: '('}", "must be a regular expression"),
    ],
)  # fmt: skip
def test_the_key_in_a_config_file(tmp_path: Path, value: str, fact: str) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(
        f"base_model: m\nsequence_len: 64\nseqctx: {{prepare: {{chapters: {value}}}}}\n"
    )
    if fact:
        with pytest.raises(InputError, match=fact):
            load_config(path)
    else:
        chosen = load_config(path).seqctx.prepare.chapters
        assert chosen is not None and (chosen.level == 2) != (chosen.pattern is not None)


# --- laws ---

_TEXTS = st.sampled_from(
    ["Part One", "Part Two", "Book I", "Chapter 1", "Chapter 2", "I", "II", "3.", "Prologue", WEIR,
     MILL, "Scene 1", "THE END", "by Mara Quillon", "Dedication", "Ilka", "Tove", "[Illustration]"]
)  # fmt: skip
_LOOK = st.builds(
    Look, style=st.sampled_from(["", "chapter title", "x"]), centred=st.booleans(),
    bold=st.booleans(), size=st.sampled_from([1.0, 1.5]), new_page=st.booleans(),
)  # fmt: skip
_BLOCK = st.one_of(
    st.builds(h, _TEXTS, st.integers(1, 4)),
    st.builds(lambda text, look: Block("paragraph", text, look=look), _TEXTS, _LOOK),
    st.builds(lambda n: p(" ".join([_SENTENCE] * n)), st.integers(1, 8)),
    st.just(Block("break", "* * *")),
)
_FILES = st.lists(_BLOCK, min_size=1, max_size=30)


def assembled(blocks: list[Block]) -> Book:
    """The book of all blocks, with its title in the text."""
    found = with_headings_found(blocks)
    return assemble("f", "f", [b for b in found if b.kind != "title"] or [p("Text.")])


@given(_FILES)
def test_chapters_cover_every_paragraph_in_order(blocks: list[Block]) -> None:
    book = assembled(blocks)
    spans = [chapter.span for chapter in book.chapters]
    assert (spans[0].start, spans[-1].end) == (0, len(book.text))
    assert all(a.end + 2 == b.start for a, b in zip(spans, spans[1:], strict=False))
    for paragraph in book.paragraphs:
        inside = [s for s in spans if s.start <= paragraph.start and paragraph.end <= s.end]
        assert len(inside) == 1
    scenes = book.scenes
    assert all(a.end <= b.start for a, b in zip(scenes, scenes[1:], strict=False))
    assert all(any(s.start <= x.start and x.end <= s.end for s in spans) for x in scenes)


@given(_FILES)
def test_parts_hold_whole_chapters(blocks: list[Block]) -> None:
    book = assembled(blocks)
    for part in book.parts:
        for chapter in book.chapters:
            over = part.span.start < chapter.span.end and chapter.span.start < part.span.end
            assert not over or chapter.span.end <= part.span.end
    for chapter in book.chapters:
        around = [x for x in book.parts if x.span.start < chapter.span.end <= x.span.end]
        assert chapter.part == (around[-1].title if around else "")
    headings = {span.start for span in book.headings}
    assert all(span.start in headings for span in book.scene_headings)


def with_levels(blocks: list[Block], levels: Mapping[int, int]) -> list[Block]:
    """Blocks with other levels of headings."""
    return [replace(b, level=levels[b.level]) if b.kind == "heading" else b for b in blocks]


def assert_same_chapters(book: Book, other: Book) -> None:
    assert (book.text, book.chapters, book.parts) == (other.text, other.chapters, other.parts)
    assert book.scene_headings == other.scene_headings


@given(_FILES, st.integers(1, 3))
def test_levels_may_be_shifted(blocks: list[Block], by: int) -> None:
    shifted = with_levels(blocks, {level: level + by for level in range(1, 5)})
    assert_same_chapters(assembled(blocks), assembled(shifted))


@given(_FILES, st.lists(st.integers(1, 3), min_size=4, max_size=4))
def test_only_the_order_of_declared_levels_counts(blocks: list[Block], steps: list[int]) -> None:
    declared = [b for b in blocks if b.kind != "paragraph" or len(b.text) > 40] or [p("Text.")]
    others = with_levels(declared, {level: sum(steps[:level]) for level in range(1, 5)})
    assert_same_chapters(assembled(declared), assembled(others))


@given(_FILES)
def test_headings_are_found_once(blocks: list[Block]) -> None:
    found = with_headings_found(blocks)
    assert [len(b.text.split()) for b in found] == [len(b.text.split()) for b in blocks]
    assert sum(b.kind == "heading" for b in found) + 1 >= sum(b.kind == "heading" for b in blocks)


@pytest.mark.parametrize(
    "make",
    [
        lambda n: [h("by Mara Quillon") for _ in range(n)],
        lambda n: [b for k in range(n // 2) for b in (h(f"by Mara Q{k}"), p("Text."))],
        lambda n: [p("Ilka", style=f"s{k}", new_page=True) for k in range(n)],
        lambda n: [b for k in range(n // 3) for b in (h(f"Part {k}"), h("1", 2), p("Text."))],
    ],
)
def test_many_headings_take_linear_time(make: Callable[[int], list[Block]]) -> None:
    from time import process_time

    def seconds(n: int) -> float:
        blocks = make(n)
        start = process_time()
        assembled(blocks)
        return process_time() - start

    seconds(100)
    small = max(seconds(2_000), 0.02)
    assert seconds(16_000) < small * 40
