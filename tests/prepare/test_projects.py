"""Books of many files: their order, their chapters, and what is not the story."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest

from seqctx.errors import InputError
from seqctx.prepare.readers.manuscripts import read_manuscript
from seqctx.prepare.structure import Book
from tests.prepare.project_files import (
    STORIES,
    binder,
    item,
    nwx,
    rtf,
    scrivener,
    write,
    zipped,
)


def titles(book: Book) -> list[str]:
    return [chapter.title for chapter in book.chapters]


def left_out(book: Book) -> dict[str, str]:
    """What was left out: name to kind."""
    return {part.title: part.kind for part in book.left_out}


def in_order(book: Book, *names: str) -> bool:
    """Whether the stories stand in the text, in this order."""
    places = [book.text.find(STORIES[name][:40]) for name in names]
    return places == sorted(places) and -1 not in places


def md(name: str, heading: str = "") -> str:
    return (f"# {heading}\n\n" if heading else "") + STORIES[name] + "\n"


# --- folders without a project file -----------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("1.txt|2.txt|10.txt", "1|2|10"),
        ("01 The Gate.md|02 The Weir.md|03 The Kiln.md", "The Gate|The Weir|The Kiln"),
        ("1 - The Gate.txt|2 - The Weir.txt|10 - The Kiln.txt", "The Gate|The Weir|The Kiln"),
        ("Chapter One.md|Chapter Two.md|Chapter Three.md", "Chapter One|Chapter Two|Chapter Three"),
        ("Chapter IV.md|Chapter V.md|Chapter IX.md", "Chapter IV|Chapter V|Chapter IX"),
        ("Prologue.md|Chapter 1.md|Epilogue.md", "Prologue|Chapter 1|Epilogue"),
        (
            "Kapitel Eins.txt|Kapitel Zwei.txt|Kapitel Elf.txt",
            "Kapitel Eins|Kapitel Zwei|Kapitel Elf",
        ),
        ("第一章 雨夜.txt|第二章 河.txt|第十章 家.txt", "第一章 雨夜|第二章 河|第十章 家"),
        (
            "Глава первая.md|Глава вторая.md|Глава девятая.md",
            "Глава первая|Глава вторая|Глава девятая",
        ),
        ("One.md|Twenty.md|Twenty-One.md", "One|Twenty|Twenty-One"),
        ("chapter1.md|chapter2.md|chapter10.md", "chapter1|chapter2|chapter10"),
        ("Un.md|Deux.md|Trois.md", "Un|Deux|Trois"),
        ("ch01-the-gate.md|ch02-the-weir.md|ch10-the-kiln.md", "the gate|the weir|the kiln"),
        ("01_gate.markdown|02_weir.markdown|03_kiln.markdown", "gate|weir|kiln"),
    ],
)
def test_names_give_the_order_and_the_titles(tmp_path: Path, names: str, expected: str) -> None:
    stories = dict(zip(names.split("|"), STORIES.values(), strict=False))
    book = read_manuscript(write(tmp_path / "book", stories))
    assert titles(book) == expected.split("|")
    assert in_order(book, *list(STORIES)[: len(stories)])
    assert len(book.scenes) == len(stories) and not book.left_out
    words = [*stories.values(), *expected.split("|")]
    assert book.account.words == sum(len(text.split()) for text in words)


def test_files_with_headings_keep_them(tmp_path: Path) -> None:
    book = read_manuscript(
        write(
            tmp_path,
            {
                "01.md": f"# The Gate\n\n{STORIES['gate']}\n\n## Later\n\n{STORIES['home']}\n",
                "02.md": "---\ntitle: The Weir\n---\n\n" + STORIES["weir"],
                "03.txt": STORIES["kiln"],
            },
        )
    )
    assert titles(book) == ["The Gate", "The Weir", "03"]
    assert len(book.scenes) == 4
    assert book.chapter_reason.startswith("Each document in the folder is a chapter")


def test_numbered_sections_of_a_chapter_are_scenes(tmp_path: Path) -> None:
    text = f"# The {{}}\n\n## 1\n\n{STORIES['gate']}\n\n## 2\n\n{STORIES['weir']}\n"
    files = {"01.md": text.format("Gate"), "02.md": text.format("Weir").replace("night", "day")}
    book = read_manuscript(write(tmp_path, files))
    assert [title.split(": ")[0] for title in titles(book)] == ["The Gate", "The Weir"]
    assert len(book.scenes) == 4
    text = text.replace("## ", "## Chapter ")
    files = {"01.md": text.format("Gate"), "02.md": text.format("Weir").replace("night", "day")}
    assert len(read_manuscript(write(tmp_path, files)).chapters) == 4


def test_folders_are_parts(tmp_path: Path) -> None:
    book = read_manuscript(
        write(
            tmp_path,
            {
                "Part One/1 Arrival.md": md("gate"), "Part One/2 The Weir.md": md("weir"),
                "Part Two/1 The Kiln.md": md("kiln"), "Part Two/2 Home.md": md("home"),
                "Epilogue.md": md("mill"),
            },
        )
    )  # fmt: skip
    assert [part.title for part in book.parts] == ["Part One", "Part Two"]
    assert [t.split(": ")[-1] for t in titles(book)] == [
        "Arrival", "The Weir", "The Kiln", "Home", "Epilogue",
    ]  # fmt: skip


def test_folders_that_are_chapters_hold_scenes(tmp_path: Path) -> None:
    book = read_manuscript(
        write(
            tmp_path / "book",
            {
                "Chapter 1/Scene 1.md": md("gate"), "Chapter 1/Scene 2.md": md("weir"),
                "Chapter 2/Scene 1.md": md("kiln"), "Chapter 2/Scene 2.md": md("home"),
            },
        )
    )  # fmt: skip
    assert titles(book) == ["Chapter 1", "Chapter 2"]
    assert len(book.scenes) == 4


def test_what_is_no_story_is_left_out_and_named(tmp_path: Path) -> None:
    files = {
        "01 The Gate.md": md("gate"), "02 The Weir.md": md("weir"), "README.md": "Read this first.",
        "notes.txt": "Call the editor.", "Characters/Ilka.md": "Forty, left-handed.",
        "Research/salt.txt": "Salt was dear.", "Research/map.png": "x", ".obsidian/app.json": "{}",
        "Trash/old.md": "It was a dark night.", "3 Mill.pages": "x", "cover.jpg": "x",
        ".01 The Gate.md.swp": "x", "~$1.docx": "x", "Notizen/a.md": "Anrufen!",
    }  # fmt: skip
    book = read_manuscript(write(tmp_path / "book", files))
    assert titles(book) == ["The Gate", "The Weir"]
    assert left_out(book) == {
        "3 Mill.pages": "file of a kind that cannot be read",
        "README.md": "readme", "notes.txt": "notes",
        "cover.jpg": "file of a kind that cannot be read",
        "Characters/ (1 file)": "characters", "Notizen/ (1 file)": "notes",
        "Research/ (2 files, 1 of a kind that cannot be read)": "research",
        "Trash/ (1 file)": "trash", ".obsidian/": "hidden folder",
    }  # fmt: skip
    assert book.account.left_out == {
        "readme": 3, "notes": 4, "characters": 2, "research": 3, "trash": 5
    }  # fmt: skip
    assert book.account.words == book.account.in_text + 17
    for word in ("editor", "left-handed", "dear", "dark"):
        assert word not in book.text


def test_a_number_makes_a_chapter_of_notes(tmp_path: Path) -> None:
    """A name alone is no evidence: "People" beside unnumbered chapters may be a chapter."""
    files = {"01 The Gate.md": md("gate"), "02 Ideas.md": md("weir"), "03 Research.md": md("kiln")}
    assert titles(read_manuscript(write(tmp_path / "a", files))) == [
        "The Gate",
        "Ideas",
        "Research",
    ]
    files = {"Arrival.md": md("gate"), "People.md": md("weir"), "The Kiln.md": md("kiln")}
    assert titles(read_manuscript(write(tmp_path / "b", files))) == [
        "Arrival",
        "People",
        "The Kiln",
    ]


def test_a_mark_that_recurs_in_the_book_parts_scenes(tmp_path: Path) -> None:
    files = {f"{k}.txt": f"{a}\n\nqqq\n\n{b}\n" for k, (a, b) in enumerate(
        zip(STORIES.values(), reversed(STORIES.values()), strict=True), 1)}  # fmt: skip
    files = {name: text.replace("qqq", "o0o") for name, text in files.items()}
    assert len(read_manuscript(write(tmp_path / "book", files)).scenes) == 10


def test_empty_files_stop_nothing_and_all_bad_ones_are_named(tmp_path: Path) -> None:
    folder = write(tmp_path / "book", {"1.md": md("gate"), "2.md": "", "3.md": md("weir")})
    book = read_manuscript(folder)
    assert titles(book) == ["1", "3"] and left_out(book) == {"2.md": "empty file"}
    (folder / "4.docx").write_bytes(b"no zip")
    (folder / "5.txt").write_bytes(b"a\0b")
    with pytest.raises(InputError) as found:
        read_manuscript(folder)
    assert [line.split(": ")[0] for line in found.value.lines] == [
        f"{folder}/4.docx", f"{folder}/5.txt",
    ]  # fmt: skip
    book = read_manuscript(folder, skip_bad=True)
    assert [file.path for file in book.skipped] == [f"{folder}/4.docx", f"{folder}/5.txt"]
    with pytest.raises(InputError, match="is empty"):
        read_manuscript(write(tmp_path / "blank", {"1.md": "", "2.md": " \n"}))


def test_links_out_of_the_folder_are_refused_and_loops_end(tmp_path: Path) -> None:
    folder = write(tmp_path / "book", {"1.md": md("gate"), "2.md": md("weir")})
    (folder / "loop").symlink_to(folder)
    book = read_manuscript(folder)
    assert left_out(book) == {"loop/": "link to a folder, which is not followed"}
    write(tmp_path, {"secret.md": "Not yours."})
    (folder / "3.md").symlink_to(tmp_path / "secret.md")
    with pytest.raises(InputError, match=r"3\.md: is a link to a file outside of "):
        read_manuscript(folder)


# --- projects with a list ---------------------------------------------------------------------


def test_mdbook_with_parts(tmp_path: Path) -> None:
    summary = (
        "# Summary\n\n[Before](front.md)\n\n# Part One\n\n- [The Gate](a/gate.md)\n"
        "  - [The Weir](<a/the weir.md>)\n- [Not yet]()\n\n# Part Two\n\n"
        "- [The Kiln](kiln.md#top)\n\n---\n\n[Home](home.md)\n"
    )
    files = {
        "book.toml": '[book]\ntitle = "Ferry"\nsrc = "text"\n', "text/SUMMARY.md": summary,
        "text/front.md": md("mill"), "text/a/gate.md": md("gate"), "text/a/the weir.md": md("weir"),
        "text/kiln.md": md("kiln", "The Kiln"), "text/home.md": md("home"),
        "text/loose.md": "A loose page.", "theme/index.hbs": "x",
    }  # fmt: skip
    book = read_manuscript(write(tmp_path, files))
    assert book.title == "Ferry"
    assert [t.split(": ")[-1] for t in titles(book)] == [
        "Before", "The Gate", "The Weir", "The Kiln", "Home",
    ]  # fmt: skip
    assert [part.title for part in book.parts] == ["Part One", "Part Two"]
    assert left_out(book)["text/loose.md"] == "file that text/SUMMARY.md does not name"
    assert "mdBook" in book.chapter_reason


def test_gitbook(tmp_path: Path) -> None:
    files = {
        "book.json": '{"title": "Ferry", "root": "./docs"}',
        "docs/SUMMARY.md": "# Summary\n\n* [Start](README.md)\n* [Weir](z.md)\n* [Kiln](a.md)\n",
        "docs/README.md": md("gate", "The Gate"), "docs/z.md": md("weir"), "docs/a.md": md("kiln"),
    }  # fmt: skip
    book = read_manuscript(write(tmp_path, files))
    assert (book.title, titles(book)) == ("Ferry", ["The Gate", "Weir", "Kiln"])


def test_leanpub(tmp_path: Path) -> None:
    files = {
        "manuscript/Book.txt": "# the order\nfrontmatter:\nz.md\nmainmatter:\na.md\nmore.md\n",
        "manuscript/Sample.txt": "z.md\n", "manuscript/z.md": md("gate", "The Gate"),
        "manuscript/a.md": md("weir", "The Weir"), "manuscript/more.md": md("kiln"),
    }  # fmt: skip
    book = read_manuscript(write(tmp_path, files))
    assert titles(book) == ["The Gate", "The Weir"] and in_order(book, "gate", "weir", "kiln")
    assert not book.left_out
    files["manuscript/Book.txt"] = (
        f"z.md\n{'# a long remark on the order' * 10_000}\na.md\nmore.md\n"
    )
    assert titles(read_manuscript(write(tmp_path / "long", files))) == ["The Gate", "The Weir"]


def test_quarto_and_bookdown(tmp_path: Path) -> None:
    quarto = (
        "project:\n  type: book\nbook:\n  title: Ferry\n  chapters:\n    - index.qmd\n"
        "    - part: The River\n      chapters: [weir.qmd, kiln.qmd]\n  appendices: [home.qmd]\n"
    )
    files = {
        "_quarto.yml": quarto, "index.qmd": md("gate", "The Gate"),
        "weir.qmd": md("weir", "The Weir"),
        "kiln.qmd": md("kiln", "The Kiln"), "home.qmd": md("home", "Home"),
    }  # fmt: skip
    book = read_manuscript(write(tmp_path / "q", files))
    assert [t.split(": ")[-1] for t in titles(book)] == ["The Gate", "The Weir", "The Kiln", "Home"]
    files = {
        "_bookdown.yml": 'rmd_files: ["index.Rmd", "z.Rmd", "a.Rmd"]\n',
        "index.Rmd": md("gate", "The Gate"), "z.Rmd": md("weir", "The Weir"),
        "a.Rmd": md("kiln", "The Kiln"),
    }  # fmt: skip
    assert titles(read_manuscript(write(tmp_path / "b", files))) == [
        "The Gate", "The Weir", "The Kiln",
    ]  # fmt: skip


def test_longform(tmp_path: Path) -> None:
    index = (
        "---\nlongform:\n  format: scenes\n  title: Ferry\n  sceneFolder: Scenes\n  scenes:\n"
        "    - Zeal\n    - Arrival\n    - - Later\n  ignoredFiles: [Ideas]\n---\nMy plan.\n"
    )
    files = {
        ".obsidian/app.json": "{}", "Novel/Index.md": index, "Novel/Scenes/Zeal.md": md("gate"),
        "Novel/Scenes/Arrival.md": md("weir"), "Novel/Scenes/Later.md": md("kiln"),
        "Novel/Scenes/Ideas.md": "An idea.", "Daily/today.md": "Wrote little.",
    }  # fmt: skip
    book = read_manuscript(write(tmp_path, files))
    assert book.title == "Ferry" and in_order(book, "gate", "weir", "kiln")
    assert titles(book)[:2] == ["Zeal", "Arrival"]
    assert {"Novel/Scenes/Ideas.md", "Daily/today.md"} <= left_out(book).keys()
    assert "idea" not in book.text and "My plan" not in book.text


# --- projects of writers' programs ------------------------------------------------------------


def test_manuskript(tmp_path: Path) -> None:
    def scene(title: str, name: str, compiled: str = "2") -> str:
        return (
            f"title:          {title}\nID:             3\ntype:           md\n"
            f"compile:        {compiled}\nsummaryFull:    A man\n                waits.\n\n\n"
            f"{STORIES[name]}"
        )

    files = {
        "MANUSKRIPT": "1", "infos.txt": "Title:          Ferry\n", "settings.txt": "{}",
        "outline/0-One/folder.txt": "title:          Chapter One\nID: 1\ntype: folder\n",
        "outline/0-One/0-First.md": scene("First", "gate"),
        "outline/0-One/1-Second.md": scene("Second", "weir"),
        "outline/1-Two/folder.txt": "title:          Chapter Two\nID: 2\ntype: folder\n",
        "outline/1-Two/0-Third.md": scene("Third", "kiln"),
        "outline/1-Two/1-Cut.md": scene("Cut", "mill", "0"),
        "characters/0-Ilka.txt": "Name: Ilka\n", "plots.xml": "<root/>",
    }  # fmt: skip
    folder = write(tmp_path / "ferry", files)
    (tmp_path / "ferry.msk").write_text("1")
    archive = zipped(tmp_path / "zipped.msk", folder)
    for place in (folder, tmp_path / "ferry.msk", archive):
        book = read_manuscript(place)
        assert (book.title, titles(book)) == ("Ferry", ["Chapter One", "Chapter Two"])
        assert len(book.scenes) == 3 and in_order(book, "gate", "weir", "kiln")
        assert left_out(book)["outline/1-Two/1-Cut.md"] == "not to be compiled"
        assert "waits" not in book.text and "compile" not in book.text


def test_novelwriter(tmp_path: Path) -> None:
    documents = {
        "1": "#! The Ferry House\n\n>> By Mara Quillon <<\n",
        "2": "# Part One\n",
        "3": f"## The Gate\n\n@pov: Ilka\n\n### Scene\n\n% a comment\n\n{STORIES['gate']}\n",
        "4": f"### Another\n\n{STORIES['weir']}\n",
        "5": f"##! The Kiln\n\n%Synopsis: waits\n\n_{STORIES['kiln']}_\n\n[newpage]\n\n"
        f"> {STORIES['home']} <\n",
        "6": "# Ilka\n\nForty, left-handed.\n",
        "7": "## Cut\n\nNever read.\n",
        "8": "# A note in the novel\n\nRemember.\n",
    }
    project = nwx(
        ("a", "", "ROOT", "NOVEL", "", "Novel"), ("1", "a", "FILE", "NOVEL", "DOCUMENT", "Title"),
        ("2", "a", "FILE", "NOVEL", "DOCUMENT", "Part"), ("b", "a", "FOLDER", "NOVEL", "", "Gate"),
        ("3", "b", "FILE", "NOVEL", "DOCUMENT", "Gate"),
        ("4", "b", "FILE", "NOVEL", "DOCUMENT", "x"),
        ("5", "a", "FILE", "NOVEL", "DOCUMENT", "Kiln"),
        ("7", "a", "FILE", "NOVEL", "DOCUMENT", "off"),
        ("8", "a", "FILE", "NOVEL", "NOTE", "Note"), ("c", "", "ROOT", "CHARACTER", "", "People"),
        ("6", "c", "FILE", "CHARACTER", "NOTE", "Ilka"),
    )  # fmt: skip
    files = {f"content/{handle:0>13}.nwd": text for handle, text in documents.items()}
    files |= {"nwProject.nwx": project, f"content/{'9' * 13}.nwd": "## Lost\n\nAn orphan.\n"}
    folder = write(tmp_path / "ferry", files)
    for place in (folder, folder / "nwProject.nwx"):
        book = read_manuscript(place)
        assert [t.split(": ")[-1] for t in titles(book)] == ["The Gate", "The Kiln"]
        assert book.title == "The Ferry House"
        assert len(book.scenes) == 3 and book.account.marks["book title"] == 3
        kinds = left_out(book)
        assert kinds["off"] == "inactive documents" and kinds["Note, Ilka"] == "notes"
        assert kinds[f"content/{'9' * 13}.nwd"] == "file that nwProject.nwx does not name"
        for word in ("@pov", "comment", "Synopsis", "left-handed", "Never", "orphan", "[newpage]"):
            assert word not in book.text
        assert f"*{STORIES['kiln']}*" in book.text
    (folder / f"content/{'3':0>13}.nwd").unlink()
    with pytest.raises(InputError, match=r"0003\.nwd: is not there, and nwProject\.nwx names it"):
        read_manuscript(folder)


def test_scrivener(tmp_path: Path) -> None:
    folder = scrivener(tmp_path / "ferry.scriv")
    (tmp_path / "zipped").mkdir()
    archives = (
        zipped(tmp_path / "ferry.bak.zip", folder, "ferry.scriv/"),
        zipped(tmp_path / "zipped" / "ferry.scriv", folder),
    )
    for place in (folder, *archives, folder / "ferry.scrivx"):
        book = read_manuscript(place)
        assert [t.split(": ")[-1] for t in titles(book)] == ["The Gate", "The Kiln"]
        assert book.title == "ferry" and [part.title for part in book.parts] == ["Part One"]
        assert len(book.scenes) == 3 and in_order(book, "gate", "weir", "kiln")
        assert left_out(book) == {
            "Cut chapter": "not to be compiled", "Research (1 documents)": "research",
            "Trash (1 documents)": "trash", "2 files": "notes and synopses of documents",
        }  # fmt: skip
        assert "$Scr" not in book.text and "Salt" not in book.text and "dark" not in book.text
        assert book.account.left_out["research"] == 6


def test_scrivener_2_and_texts_that_are_chapters(tmp_path: Path) -> None:
    items = [item(str(k), t, key="ID") for k, t in ((3, "Arrival"), (4, "The Weir"))]
    text = binder(*items).replace('UUID="', 'ID="')
    files = {"old.scrivx": text, "Files/Docs/3.rtf": rtf(STORIES["gate"]),
             "Files/Docs/4.rtf": rtf(STORIES["weir"])}  # fmt: skip
    book = read_manuscript(write(tmp_path / "old.scriv", files))
    assert titles(book) == ["Arrival", "The Weir"]


def test_a_project_in_a_folder_of_its_own(tmp_path: Path) -> None:
    scrivener(tmp_path / "unpacked" / "ferry.scriv")
    assert read_manuscript(tmp_path / "unpacked").title == "ferry"
    write(tmp_path / "m", {"ferry/book.toml": "[book]\n", "ferry/src/SUMMARY.md": "- [A](a.md)\n",
                           "ferry/src/a.md": md("gate", "The Gate")})  # fmt: skip
    assert titles(read_manuscript(tmp_path / "m")) == ["The Gate"]


def test_a_folder_without_text_names_what_it_holds(tmp_path: Path) -> None:
    write(tmp_path, {"1 Gate.pages": "x", "2 Weir.pages": "x"})
    with pytest.raises(InputError, match=r"holds no manuscript \(it holds 1 Gate\.pages, 2 Weir"):
        read_manuscript(tmp_path)


def test_fountain(tmp_path: Path) -> None:
    script = (
        "Title: _The Ferry House_\nCredit: Written by\nAuthor: Mara Quillon\n\n# Act One\n\n"
        "INT. FERRY HOUSE - NIGHT #1#\n\nRain. [[ask about rain]] It is *late*.\n\nILKA (O.S.)\n"
        "(softly)\nNot that one.\n\n/* cut\n\nNever. */\n\n= She waits.\n\n.THE WEIR\n\n~La la\n\n"
        "> CUT TO:\n\n>The End<\n\n===\n\n# Act Two\n\nEXT. MILL\n\n@McAVOY\nHello!\n"
    )
    for name in ("ferry.fountain", "ferry.spmd"):
        (tmp_path / name).write_text(script)
        book = read_manuscript(tmp_path / name)
        assert book.title.strip("_") == "The Ferry House" and titles(book) == ["Act One", "Act Two"]
        assert len(book.scenes) == 3
        assert "ILKA (O.S.)\n(softly)\nNot that one." in book.text and "McAVOY\nHello!" in book.text
        assert "It is *late*." in book.text and "THE WEIR" in book.text and "CUT TO:" in book.text
        for word in ("ask about", "Never", "She waits", "Mara", "#1#", "==="):
            assert word not in book.text
        assert set(left_out(book).values()) == {"title page", "comment", "cut passage", "synopsis"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.pdf", ".docx or .epub"), ("a.mobi", "Calibre"), ("a.azw3", "Calibre"),
        ("a.kfx", "Calibre"), ("a.pages", "from Pages"), ("a.doc", "save it as .docx"),
        ("a.wpd", "save it as .docx"), ("a.indd", ".docx"), ("a.gdoc", "download that document"),
        ("a.lnk", "save that file"), ("a.zip", "Unpack the archive"), ("a.xyz", "Save or export"),
        ("a.AZW", "Calibre"), ("a", "Save or export"), ("a.tex", "pandoc"), ("a.yw7", "yWriter"),
    ],
)  # fmt: skip
def test_other_kinds_are_refused_with_what_to_export(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / name).write_bytes(b"\0\1\2")
    with pytest.raises(InputError) as found:
        read_manuscript(tmp_path / name)
    (line,) = found.value.lines
    assert f"{name}: this kind of file cannot be read." in line and words in line


BOMB = "a: &a0 [x]\n" + "".join(
    f"b{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 9)}]\n" for k in range(1, 12)
) + "book: {chapters: *a11}\n"  # fmt: skip


# --- hostile projects -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "fact"),
    [
        ({"SUMMARY.md": "- [x](../../etc/passwd)\n"}, "lies outside of the project"),
        ({"SUMMARY.md": "- [x](/etc/passwd)\n"}, "lies outside of the project"),
        ({"SUMMARY.md": "- [x](%2e%2e/a.md)\n"}, "lies outside of the project"),
        ({"SUMMARY.md": "- [x](gone.md)\n- [y](far.md)\n"}, "names gone.md, which is not there"),
        ({"book.toml": "[book\n", "a.md": "x"}, "is not valid TOML"),
        ({"book.toml": '[book]\nsrc = "../.."\n', "a.md": "x"}, "lies outside of the project"),
        ({"_quarto.yml": "book: [", "a.md": "x"}, "is not valid YAML"),
        ({"_quarto.yml": "book:\n  chapters: []\n"}, "names no text"),
        ({"_quarto.yml": "book:\n  chapters: &a [{part: x, chapters: *a}]\n"}, "names over 50,000"),
        ({"_quarto.yml": BOMB}, "names over 50,000"),
        ({"_quarto.yml": f"a: {'[' * 100_000}"}, "is not valid YAML"),
        ({"nwProject.nwx": "<item"}, "nwProject.nwx"),
        ({"nwProject.nwx": "<a/>"}, "names no documents"),
        ({"x.scrivx": "<Binder><BinderItem>"}, "x.scrivx"),
        ({"x.scrivx": "<Binder/>"}, "has no folder for the draft"),
        ({"x.scrivx": "<B>" * 300}, "x.scrivx"),
        ({"x.scrivx": '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>'}, "x.scrivx"),
        ({"a.md": "---\nlongform:\n  scenes: &a [*a]\n---\n"}, "names over 50,000"),
    ],
)  # fmt: skip
def test_a_hostile_project_is_refused_in_a_line(
    tmp_path: Path, files: dict[str, str], fact: str
) -> None:
    with pytest.raises(InputError) as found:
        read_manuscript(write(tmp_path / "book", files))
    assert fact in found.value.lines[0]
    assert all(len(line) < 500 and "\n" not in line for line in found.value.lines)


def test_a_pipe_among_the_chapters_is_named(tmp_path: Path) -> None:
    folder = write(tmp_path / "book", {"1.md": md("gate"), "2.md": md("weir")})
    os.mkfifo(folder / "3.md")
    with pytest.raises(InputError, match=r"3\.md: is a named pipe"):
        read_manuscript(folder)


def test_many_files_that_are_no_story_are_named_together(tmp_path: Path) -> None:
    files = {f"pictures {k:03}.jpg": "x" for k in range(300)}
    files |= {"1.md": md("gate"), "2.md": md("weir"), "z lost.pages": "x"}
    parts = read_manuscript(write(tmp_path, files)).left_out
    assert len(parts) == 21 and parts[0].title == "z lost.pages"
    assert parts[-1].title == "281 more, such as pictures 019.jpg"


def test_the_same_words_in_another_file_are_a_copy(tmp_path: Path) -> None:
    text = "\n\n".join(STORIES.values())
    files = {"01.md": text, "01.txt": text.replace("\n\n", "\n\n\n"), "02.md": md("gate")}
    book = read_manuscript(write(tmp_path, files))
    assert titles(book) == ["01", "02"] and left_out(book) == {"01.txt": "copy of 01.md"}


def test_the_whole_book_beside_its_chapters_is_a_copy(tmp_path: Path) -> None:
    parts = {f"{k}.md": f"{s} " * 4 for k, s in enumerate(STORIES.values(), 1)}
    files = {**parts, "All.md": "\n\n".join(f"# {k}\n\n{s}" for k, s in parts.items())}
    book = read_manuscript(write(tmp_path, files))
    assert titles(book) == ["1", "2", "3", "4", "5"]
    assert left_out(book) == {"All.md": "copy of 5 other files"}


def test_a_first_line_that_repeats_the_name_is_the_heading(tmp_path: Path) -> None:
    files = {
        "1 The Gate [4].txt": f"The gate\n\n{STORIES['gate']}\n",
        "2 The Weir [5].txt": f"{STORIES['weir']}\n",
    }
    book = read_manuscript(write(tmp_path, files))
    assert titles(book) == ["The Gate", "The Weir"]
    assert book.text.lower().count("the gate\n") == 1


def test_novelwriter_of_earlier_versions(tmp_path: Path) -> None:
    def entry(handle: str, parent: str, kind: str, layout: str, exported: str, order: int) -> str:
        return (
            f'<item handle="{handle:0>13}" order="{order}" parent="{parent}"><name>N{handle}</name>'
            f"<type>{kind}</type><class>NOVEL</class><layout>{layout}</layout>"
            f"<exported>{exported}</exported></item>"
        )

    project = (
        '<?xml version="1.0"?><novelWriterXML fileVersion="1.2"><project><name>w</name>'
        "<title>Ferry</title></project><content>"
        + entry("1", "None", "ROOT", "NO_LAYOUT", "True", 0)
        + entry("3", f"{'1':0>13}", "FILE", "SCENE", "True", 1)
        + entry("2", f"{'1':0>13}", "FILE", "CHAPTER", "True", 0)
        + entry("4", f"{'1':0>13}", "FILE", "SCENE", "False", 2)
        + "</content></novelWriterXML>"
    )
    files = {
        "nwProject.nwx": project, f"content/{'2':0>13}.nwd": "## The Gate\n",
        f"content/{'3':0>13}.nwd": f"### One\n\n{STORIES['gate']}\n",
        f"content/{'4':0>13}.nwd": "### Two\n\nNever.\n",
    }  # fmt: skip
    book = read_manuscript(write(tmp_path, files))
    assert (book.title, titles(book)) == ("Ferry", ["The Gate"])
    assert left_out(book)["N4"] == "inactive documents"


def test_items_that_are_their_own_parents_end(tmp_path: Path) -> None:
    project = nwx(("a", "b", "FOLDER", "NOVEL", "", "A"), ("b", "a", "FOLDER", "NOVEL", "", "B"))
    with pytest.raises(InputError, match="names no text of a novel"):
        read_manuscript(write(tmp_path, {"nwProject.nwx": project}))


def test_many_files_take_linear_time(tmp_path: Path) -> None:
    files = {f"{k:04} Chapter.txt": STORIES["gate"] for k in range(1_000)}
    book = read_manuscript(write(tmp_path, files))
    assert len(book.chapters) == 1_000


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_project_is_read_or_refused_in_a_line(tmp_path: Path, seed: int) -> None:
    chance = Random(seed)
    scrivener(tmp_path / "a")
    write(tmp_path / "b", {"SUMMARY.md": "# P\n\n- [A](a.md)\n", "a.md": "x", "b.md": "y"})
    project = nwx(("a", "", "ROOT", "NOVEL", "", "N"), ("1", "a", "FILE", "NOVEL", "DOCUMENT", "x"))
    write(tmp_path / "c", {"nwProject.nwx": project, f"content/{'1':0>13}.nwd": md("gate")})
    write(tmp_path / "d", {"_quarto.yml": "book:\n  chapters: [a.qmd]\n", "a.qmd": md("gate")})
    for name in ("a/ferry.scrivx", "b/SUMMARY.md", "c/nwProject.nwx", "d/_quarto.yml"):
        raw = bytearray((tmp_path / name).read_bytes())
        for _ in range(chance.randint(1, 5)):
            at = chance.randrange(len(raw))
            sign = chance.choice([b"<", b"&", b"[", b"\0", b"../", b"\xff", b"*", b": ", b""])
            raw[at : at + chance.randint(0, 9)] = sign
        (tmp_path / name).write_bytes(raw)
        try:
            read_manuscript((tmp_path / name).parent)
        except InputError as error:
            assert all("\n" not in line and len(line) < 1000 for line in error.lines)
