from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqctx import InputError, read_manuscript
from seqctx.prepare.readers.find import find_manuscripts

MARKDOWN = """# The Book

## One

First *paragraph*, hard
wrapped.

Second.

* * *

After the break.

## Two

---

Last.
"""
TEXT = """CHAPTER ONE\r
\r
First paragraph, hard\r
wrapped.\r
\r
* * *\r
\r
After the break.\r
\r
Chapter Two: The End\r
\r
Last.\r
"""


def saved(tmp_path: Path, name: str, text: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_markdown(tmp_path: Path) -> None:
    book = read_manuscript(saved(tmp_path, "b.md", MARKDOWN))
    assert book.title == "The Book"
    assert [c.title for c in book.chapters] == ["One", "Two"]
    assert book.text.startswith("One\n\nFirst *paragraph*, hard wrapped.\n\nSecond.\n\n* * *")
    scenes = [book.text[s.start : s.end].strip() for s in book.scenes]
    assert scenes[1] == "After the break."
    assert scenes[-1] == "Two\n\nLast."  # a rule below a heading parts no scenes


def test_text(tmp_path: Path) -> None:
    book = read_manuscript(saved(tmp_path, "b.txt", TEXT))
    assert [c.title for c in book.chapters] == ["CHAPTER ONE", "Chapter Two: The End"]
    assert "First paragraph, hard wrapped." in book.text
    assert len(book.scene_breaks) == 1


@pytest.mark.parametrize(
    ("line", "heads"),
    [
        ("CHAPTER ONE", True), ("Chapter Two: The End", True), ("Part IV", True),
        ("Book 3 The Storm", True), ("Epilogue", True), ("XII.", True), ("7", True),
        ("Chapter Twenty-One", True),
        ("Part of me wanted to run.", False), ("Book in hand, she left the room.", False),
        ("Chapter and verse, he had it all.", False), ("Civil.", False), ("Ill.", False),
        ("Part one of the plan was simple.", False), ("1984.", False),
        ("第一章", True), ("第12回 雨夜", True), ("Глава 1", True), ("Глава первая", True),
        ("Teil 1", True), ("Erstes Kapitel", True), ("Première partie", True),
        ("Chapitre premier", True), ("Capitolo 1", True), ("Parte prima", True), ("Prolog", True),
        ("Épilogue", True), ("BOOK THE FIRST", True), ("The Second Part", True),
        ("第一部电影很好看。", False), ("Глава семьи", False), ("Part pity, part contempt", False),
        ("First part of it", False), ("Chapter 7 of the manual lay open on the desk", False),
    ],
)  # fmt: skip
def test_what_is_a_heading_in_plain_text(tmp_path: Path, line: str, heads: bool) -> None:
    book = read_manuscript(saved(tmp_path, "b.txt", f"Before.\n\n{line}\n\nAfter.\n"))
    assert (len(book.chapters) == 2) == heads


WRAPPED = "Some text that goes on and on until it comes to the margin of the page,\nand so on.\n"


@pytest.mark.parametrize("line", ["Book Two", "Part IV", "Chapter 7"])
def test_the_first_line_of_a_paragraph_is_no_heading(tmp_path: Path, line: str) -> None:
    rest = "had been lost since the morning of that day when all of it had begun."
    text = f"{WRAPPED}\n{line}\n{rest}\n\n{WRAPPED}"
    book = read_manuscript(saved(tmp_path, "b.txt", text))
    assert len(book.chapters) == 1 and f"{line} had been lost" in book.text


def test_numbers_of_pages_are_no_chapters(tmp_path: Path) -> None:
    page = WRAPPED + "\n{}\n\n"
    ends = "".join(page.format(k) for k in range(1, 31))
    chapters = read_manuscript(saved(tmp_path, "b.txt", ends)).chapters
    assert [c.title for c in chapters][1:] == [str(k) for k in range(2, 31)]
    pages = "".join(page.format(k).replace("on.", "on" if k % 2 else "on.") for k in range(1, 31))
    book = read_manuscript(saved(tmp_path, "b.txt", pages))
    assert len(book.chapters) == 1 and not any(c.isdigit() for c in book.text)
    assert [(x.kind, x.words) for x in book.left_out] == [("page number", 30)]
    one = read_manuscript(saved(tmp_path, "b.txt", ends.replace("on.\n\n7", "on, with\n\n7")))
    named = read_manuscript(saved(tmp_path, "b.txt", "A Novel\n\nof rain\n\n" + ends[:300]))
    assert [c.title for c in named.chapters] == ["1", "2", "3"]  # the title is in the first
    assert "7" not in [c.title for c in one.chapters] and "with\n\n7\n\n" in one.text


@pytest.mark.parametrize("line", ["-" * 60, "———", "– – –", "* " * 12, "=" * 20])
def test_long_breaks(tmp_path: Path, line: str) -> None:
    book = read_manuscript(saved(tmp_path, "b.txt", f"One.\n\n{line}\n\nTwo.\n"))
    assert book.text == "One.\n\n* * *\n\nTwo."


def test_lines_of_chinese(tmp_path: Path) -> None:
    line = "　　那天晚上下着大雨，他一个人坐在窗前。"
    flat = "\n".join(["第一章 雨夜", *[line] * 30, "第二章 清晨", *[line] * 30])
    book = read_manuscript(saved(tmp_path, "b.txt", flat))
    assert [c.title for c in book.chapters] == ["第一章 雨夜", "第二章 清晨"]
    assert len(book.paragraphs) == 62
    hard = "那天晚上下着大雨，\n他一个人坐在窗前，\n听着 rain\nand wind。\n\n" * 9
    for name in ("c.txt", "c.md"):
        text = read_manuscript(saved(tmp_path, name, hard)).text
        assert text.startswith("那天晚上下着大雨，他一个人坐在窗前，听着 rain and wind。\n\n")


def test_front_matter_is_left_out(tmp_path: Path) -> None:
    book = read_manuscript(saved(tmp_path, "b.md", "---\ntitle: x\n---\n# One\n\nText.\n"))
    assert book.text == "One\n\nText."


@pytest.mark.parametrize("first", ["The first scene: all of it.", "\nThe first scene."])
def test_a_rule_at_the_beginning_is_no_front_matter(tmp_path: Path, first: str) -> None:
    book = read_manuscript(saved(tmp_path, "b.md", f"---\n{first}\n\n---\n\nThe second.\n"))
    assert book.text == f"{first.strip()}\n\n* * *\n\nThe second."


@pytest.mark.parametrize(
    ("text", "chapters"),
    [
        # a collection named after one of its stories, and a novel whose title chapter is not first
        ("---\ntitle: Salt\n---\n# Ferry\n\nA.\n\n# Salt\n\nB.\n\n# Well\n\nC.", "Ferry Salt Well"),
        ("---\ntitle: Salt\n---\n# SALT\n\n# Ferry\n\nA.\n\n# Well\n\nC.", "Ferry Well"),
        ("# Salt\n\nA.", "Salt"),  # a file of one chapter is named after it
    ],
)  # fmt: skip
def test_a_repeated_title(tmp_path: Path, text: str, chapters: str) -> None:
    book = read_manuscript(saved(tmp_path, "Salt.md", text))
    assert book.title == "Salt"
    assert " ".join(c.title for c in book.chapters) == chapters
    assert [book.text[h.start : h.end] for h in book.headings] == chapters.split()


def test_chapter_files_are_sorted_as_people_count(tmp_path: Path) -> None:
    names = ["a2.md", "b1.md", "chapter1.txt", "chapter2.md", "chapter10.md", "epilogue.md"]
    for name in names:
        saved(tmp_path, name, "x")
    assert [p.name for p in find_manuscripts((str(tmp_path),))] == names


def test_the_sample_novella(novella: Path) -> None:
    raw = novella.read_text("utf-8")
    book = read_manuscript(novella)
    assert len(book.chapters) == raw.count("\n## ")
    assert len(book.scene_breaks) == raw.count("\n* * *\n")
    assert len(book.scenes) == len(book.chapters) + len(book.scene_breaks)
    text = raw.replace("## ", "").replace("\\\n", "\n").split("\n", 1)[1]
    assert book.text.split() == text.split()


@settings(deadline=None)
@given(st.lists(st.text(alphabet="ab é漢😀\n#*-\t.", max_size=40), max_size=8))
def test_spans_cover_the_text_in_order(parts: list[str]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        for name in ("b.md", "b.txt"):
            try:
                book = read_manuscript(saved(Path(folder), name, "\n\n".join(parts)))
            except InputError as error:
                assert "empty" in str(error)
                continue
            joined = "\n\n".join(book.text[p.start : p.end] for p in book.paragraphs)
            assert joined == book.text
            ends = [c.span for c in book.chapters]
            assert ends[0].start == 0
            assert ends[-1].end == len(book.text)
            for left, right in zip(ends, ends[1:], strict=False):
                assert left.end + 2 == right.start


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.txt", b"", "empty.txt: is empty. Put text in it"),
        ("blank.md", b" \n\n\t\n", "blank.md: is empty. Put text in it"),
        ("binary.txt", b"PK\x03\x04\x00\x00abc", "binary.txt: a binary file, not text."),
        ("novel.pdf", b"%PDF", "novel.pdf: this kind of file cannot be read."),
    ],
)
def test_bad_manuscripts(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    with pytest.raises(InputError) as error:
        read_manuscript(saved(tmp_path, name, content))
    assert message in str(error.value)


def test_no_manuscripts(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"this folder holds no manuscript"):
        find_manuscripts((str(tmp_path),))
    with pytest.raises(InputError, match=r"no such file or folder"):
        find_manuscripts((str(tmp_path / "none"),))
    with pytest.raises(InputError, match=r"names no file"):
        find_manuscripts(())


def test_patterns_that_go_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "run").mkdir()
    saved(tmp_path / "texts", "a.md", "x")
    saved(tmp_path / "texts", ".b.md", "x")
    monkeypatch.chdir(tmp_path / "run")
    assert find_manuscripts(("../texts/*.md",)) == [Path("../texts/a.md")]
    with pytest.raises(InputError, match=r"\.\./texts/\*\*\.md: not a valid pattern .* Correct it"):
        find_manuscripts(("../texts/**.md",))


def test_a_name_that_is_no_utf8(tmp_path: Path) -> None:
    with open(os.fsencode(tmp_path) + b"/na\xefve.md", "wb") as f:
        f.write(b"x")
    with pytest.raises(InputError, match=r"na\\udcefve\.md': the file.s name is not valid UTF-8"):
        find_manuscripts((str(tmp_path),))


def test_a_folder_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(tmp_path, "a.md", "x")
    (tmp_path / "private").mkdir()
    whole = os.scandir

    def scandir(path: object) -> object:  # root may read all, so permissions will not do
        if str(path).endswith("private"):
            raise PermissionError(13, "Permission denied", str(path))
        return whole(path)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(InputError, match="private: Permission denied"):
        find_manuscripts((str(tmp_path),))


@pytest.mark.parametrize("place", ["/", "/**", "/**/*.md", "/*/**", "root/**/*.txt", "root"])
def test_a_search_of_the_whole_machine_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (tmp_path / "root").symlink_to("/")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="is the root of the file system"):
        find_manuscripts((place,))


def test_a_folder_with_too_many_files_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seqctx.system.regular_file._MOST_ENTRIES", 10)
    for k in range(11):
        (tmp_path / f"{k}.md").write_text("x")
    for place in (tmp_path, tmp_path / "*.md", tmp_path / "**"):
        with pytest.raises(InputError, match="holds more than 10 files and folders"):
            find_manuscripts((str(place),))


def test_a_manuscript_that_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.md")
    (tmp_path / "b.docx").symlink_to("/dev/zero")
    for name, kind in (("a.md", "a named pipe"), ("b.docx", "a device")):
        with pytest.raises(InputError, match=kind):
            read_manuscript(tmp_path / name)


def test_line_ends_that_were_converted_twice(tmp_path: Path) -> None:
    lines = WRAPPED.replace("\n", "\r\r\n")
    book = read_manuscript(saved(tmp_path, "b.txt", f"{lines}\r\r\n{lines}\r\r\n" * 8))
    assert len(book.paragraphs) == 16 and not book.scene_breaks
