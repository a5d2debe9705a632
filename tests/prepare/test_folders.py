"""prepare with folders: one book or many, all bad files named at once, --skip-bad."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from seqctx.prepare.readers.find import find_manuscripts, look_for_manuscripts
from tests.conftest import seqctx
from tests.prepare.project_files import STORIES, nwx, scrivener, write

LONG = "\n\n".join(f"{text} It was so in year {k}." for k in range(8) for text in STORIES.values())
NOVEL = "\n\n".join(f"Chapter {k}\n\n{LONG}" for k in range(1, 9))


@pytest.mark.parametrize(
    ("files", "is_one_book", "reason"),
    [
        (["01 The Gate.md", "02 The Weir.md", "03 The Kiln.md"], True, "numbered"),
        (["Chapter One.docx.md", "Chapter Two.docx.md"], True, "numbered"),
        (["Prologue.txt", "1.txt", "2.txt", "Epilogue.txt", "README.md"], True, "numbered"),
        (["Part 1/1.md", "Part 1/2.md", "Part 2/1.md", "Part 2/2.md"], True, "numbered"),
        (["src/SUMMARY.md", "src/1.md", "book.toml"], True, "mdBook"),
        (["Emma.txt", "Persuasion.txt"], False, "no order"),
        (["Arrival.md", "The Weir.md", "01 Kiln.md"], False, "no order"),
        (["Book 1.txt", "Book 2.txt"], False, "named as books"),
        (["1 Emma.txt", "2 Persuasion.txt"], False, "many chapters"),
        (["Part 1.txt", "Part 2.txt"], True, "numbered"),
        (["01 a.md", "02 b.epub"], False, ".epub"),
        (["chapter1.md", "chapter2.md", "chapter10.md"], True, "numbered"),
        (["2024-01-05.md", "2024-02-11.md"], True, "numbered"),
    ],
)  # fmt: skip
def test_what_a_folder_is_follows_from_its_files(
    tmp_path: Path, files: list[str], is_one_book: bool, reason: str
) -> None:
    folder = tmp_path / "texts"
    contents = {name: f"{STORIES['gate']}\n" for name in files}
    for name in files:
        if name.endswith(("Emma.txt", "Persuasion.txt")) or name.startswith(
            ("Book", "Part 1.", "Part 2.")
        ):
            contents[name] = NOVEL
    contents |= {"src/SUMMARY.md": "- [One](1.md)\n"} if "book.toml" in files else {}
    contents |= {"book.toml": "[book]\n"} if "book.toml" in files else {}
    write(folder, contents)
    found = look_for_manuscripts((str(folder),))
    (reading,) = found.folders
    assert reading.is_one_book == is_one_book and reason in reading.reason
    if is_one_book:
        assert found.paths == [folder]
    else:
        assert found.paths == sorted(folder / name for name in files)
    assert find_manuscripts((str(folder),), "one book") == [folder]
    many = find_manuscripts((str(folder),), "many books")
    assert len(many) == sum(name.endswith((".md", ".txt", ".epub")) for name in files)


def test_drafts_with_the_title_of_the_book_are_books(tmp_path: Path) -> None:
    for k in range(3):
        text = f"# Short Weight\n\n## {k}. The scale\n\n{LONG}\n\n## {k + 1}. Rain\n\n{LONG}\n"
        write(tmp_path, {f"{k}.md": text})
    (reading,) = look_for_manuscripts((str(tmp_path),)).folders
    assert not reading.is_one_book and "titles and chapters of their own" in reading.reason


def test_books_of_chapters_and_projects_beside_novels(tmp_path: Path) -> None:
    files = {
        "Emma.txt": NOVEL, "Ferry/01.md": STORIES["gate"], "Ferry/02.md": STORIES["weir"],
        "old.pages": "x", "House/nwProject.nwx": nwx(
            ("a", "", "ROOT", "NOVEL", "", "N"), ("1", "a", "FILE", "NOVEL", "DOCUMENT", "One")),
        f"House/content/{'1':0>13}.nwd": "## One\n\nIt rained.\n", ".git/x.md": "x",
    }  # fmt: skip
    write(tmp_path, files)
    scrivener(tmp_path / "ferry.scriv")
    found = look_for_manuscripts((str(tmp_path),))
    assert [path.name for path in found.paths] == ["Emma.txt", "Ferry", "House", "ferry.scriv"]
    assert found.not_read == [tmp_path / "old.pages"]
    assert [Path(each.path).name for each in found.folders if each.is_one_book] == [
        "Ferry", "House", "ferry.scriv",
    ]  # fmt: skip
    glob = find_manuscripts((str(tmp_path / "*"),))
    assert [path.name for path in glob] == ["Emma.txt", "ferry.scriv"]


# --- seqctx prepare ---------------------------------------------------------------------------


def project(folder: Path, model: Path, files: Mapping[str, str | bytes], **prepare: object) -> Path:
    """A folder with texts and a config file."""
    for name, text in files.items():
        path = folder / "texts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    data = {
        "base_model": str(model), "sequence_len": 512, "output_dir": "outputs/c",
        "seqctx": {"prepare": {"manuscripts": ["texts"], **prepare}},
    }  # fmt: skip
    (folder / "c.yaml").write_text(yaml.safe_dump(data))
    return folder


def test_a_folder_of_chapters_makes_one_book(tmp_path: Path, model_folder: Path) -> None:
    files = {f"{k} {name}.md": f"{LONG}\n" for k, name in enumerate(("Gate", "Weir", "Kiln"), 1)}
    files = {name: f"{text}\nThe end of {name}.\n" for name, text in files.items()}
    folder = project(tmp_path, model_folder, {**files, "3 Mill.pages": "x", "README.md": "Hello."})
    args = ("prepare", "c.yaml", "--set", "seqctx.prepare.split=chapters")
    answer = seqctx(*args, cwd=folder)
    if "words in a row" in answer.stderr:  # the same story three times
        (folder / "texts" / "3 Kiln.md").write_text(f"{STORIES['home']} {STORIES['mill']}\n" * 20)
        answer = seqctx(*args, cwd=folder)
    assert answer.returncode == 0, answer.stderr
    assert "texts: read as one book, because its files are numbered" in answer.stdout
    assert "set seqctx.prepare.folders: many books." in answer.stdout
    assert "3 Mill.pages" in answer.stdout and "README.md" in answer.stdout
    manifest = json.loads((folder / "prepare/out/c/manifest.json").read_text())
    (source,) = manifest["sources"]
    assert source["chapters"] == 3
    assert sorted(source["files"]) == [
        "texts/1 Gate.md", "texts/2 Weir.md", "texts/3 Kiln.md", "texts/README.md",
    ]  # fmt: skip
    assert manifest["folders"][0]["is_one_book"] is True
    assert "read as one book" in (folder / "prepare/out/c/report.html").read_text()
    assert "up to date" in seqctx(*args, cwd=folder).stdout
    with (folder / "texts" / "2 Weir.md").open("a") as f:
        f.write("\nA new last line.\n")
    assert "written to" in seqctx(*args, cwd=folder).stdout
    many = seqctx(*args, "--set", "seqctx.prepare.folders=many books", "--dry-run", cwd=folder)
    assert many.stdout.count("read texts/") == 4
    one = seqctx(*args, "--dry-run", cwd=folder)
    assert "read texts (4 files, one book)" in one.stdout


def test_all_bad_files_are_named_and_nothing_is_written(tmp_path: Path, model_folder: Path) -> None:
    files: dict[str, str | bytes] = {
        "Emma.md": f"{LONG}\n", "Persuasion.md": STORIES["home"], "blank.md": "",
        "zero.txt": b"a\0b",
        "torn.docx": b"PK\3\4no", "cover.jpg": b"x",
    }  # fmt: skip
    folder = project(tmp_path, model_folder, files)
    answer = seqctx("prepare", "c.yaml", cwd=folder)
    assert answer.returncode == 1, answer.stdout
    lines = answer.stderr.splitlines()[-4:]
    assert [line.split(": ")[0] for line in lines[:3]] == [
        "texts/blank.md", "texts/torn.docx", "texts/zero.txt",
    ]  # fmt: skip
    assert lines[3].startswith("3 of 5 files cannot be read, so nothing was written.")
    assert "--skip-bad" in lines[3]
    assert not (folder / "prepare").exists()
    good = seqctx("prepare", "c.yaml", "--skip-bad", cwd=folder)
    assert good.returncode == 0, good.stderr
    for name in ("blank.md: is empty", "torn.docx: ", "zero.txt: a binary file"):
        assert f"skipped: texts/{name}" in good.stdout
        assert name.split(":")[0] in (folder / "prepare/out/c/report.html").read_text()
    assert "texts/cover.jpg" in good.stdout
    manifest = json.loads((folder / "prepare/out/c/manifest.json").read_text())
    assert [source["path"] for source in manifest["sources"]] == [
        "texts/Emma.md",
        "texts/Persuasion.md",
    ]
    assert len(manifest["skipped"]) == 3
    assert "up to date" in seqctx("prepare", "c.yaml", "--skip-bad", cwd=folder).stdout
    again = seqctx("prepare", "c.yaml", cwd=folder)
    assert again.returncode == 1 and "3 of 5 files" in again.stderr
    assert (folder / "prepare/out/c/manifest.json").exists()


def test_a_bad_chapter_of_a_folder_is_named_or_skipped(tmp_path: Path, model_folder: Path) -> None:
    files: dict[str, str | bytes] = {
        "1.md": f"{LONG}\n", "2.md": b"a\0b", "3.md": f"{STORIES['home']}\n", "4.docx": b"no",
    }  # fmt: skip
    folder = project(tmp_path, model_folder, files)
    answer = seqctx("prepare", "c.yaml", cwd=folder)
    assert answer.returncode == 1
    assert "2 of 4 files cannot be read" in answer.stderr.splitlines()[-1]
    good = seqctx("prepare", "c.yaml", "--skip-bad", cwd=folder)
    assert good.returncode == 0, good.stderr
    assert "skipped: texts/2.md: a binary file" in good.stdout and "texts/4.docx" in good.stdout
    (source,) = json.loads((folder / "prepare/out/c/manifest.json").read_text())["sources"]
    assert source["chapters"] == 2


def test_only_bad_files_write_nothing(tmp_path: Path, model_folder: Path) -> None:
    folder = project(tmp_path, model_folder, {"a.md": "", "b.md": b"\0"})
    for switch in ((), ("--skip-bad",)):
        answer = seqctx("prepare", "c.yaml", *switch, cwd=folder)
        assert answer.returncode == 1 and "2 of 2 files cannot be read" in answer.stderr
    assert not (folder / "prepare").exists()
