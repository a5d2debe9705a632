"""prepare keeps what a user put into its folder, reads none of its own output, shares no folder."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import yaml

from tests.conftest import few_fast, seqctx
from tests.users_files import STORY, refusal, small_project, snapshot

OUT = Path("prepare/out/c")


@pytest.fixture
def prepared(tmp_path: Path, model_folder: Path) -> Path:
    """A small project with prepared examples."""
    folder = small_project(tmp_path / "project", model_folder)
    answer = seqctx("prepare", "c.yaml", cwd=folder)
    assert answer.returncode == 0, answer.stderr
    return folder


@pytest.mark.parametrize(
    "name",
    few_fast(["notes.txt", ".git/HEAD", "drafts/two/a.md", "train.jsonl", "tokenized/notes.txt",
              "manifest.json.bak"], "train.jsonl"),
)  # fmt: skip
def test_a_file_of_the_users_keeps_the_folder(prepared: Path, name: str) -> None:
    own = prepared / OUT / name
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text("years of work")
    before = snapshot(prepared)
    assert "up to date" in seqctx("prepare", "c.yaml", cwd=prepared).stdout  # it replaces nothing
    for arguments in (["--force"], ["--force", "--dry-run"], ["--set", "sequence_len=400"]):
        line = refusal(seqctx("prepare", "c.yaml", *arguments, cwd=prepared))
        assert line == (
            f"prepare/out/c: holds your files: {name}. seqctx never removes them. Move or delete "
            "them, then run the command again."
        )
        assert snapshot(prepared) == before
    own.unlink()
    assert seqctx("prepare", "c.yaml", "--force", cwd=prepared).returncode == 0


@pytest.mark.parametrize("name", ["train-ends.jsonl", "report.html", "report.json"])
def test_a_file_that_was_corrected_by_hand_is_kept(prepared: Path, name: str) -> None:
    (prepared / OUT / name).write_text("corrected by hand")
    before = snapshot(prepared)
    line = refusal(seqctx("prepare", "c.yaml", "--force", cwd=prepared))
    assert f"holds your files: {name} (changed after seqctx wrote it). seqctx never" in line
    assert snapshot(prepared) == before


@pytest.mark.parametrize("name", [".DS_Store", "Thumbs.db"])
def test_what_file_managers_leave_is_nobodys(prepared: Path, name: str) -> None:
    (prepared / OUT / name).write_text("")
    assert seqctx("prepare", "c.yaml", "--force", cwd=prepared).returncode == 0


def test_what_axolotl_keeps_beside_the_examples_goes(prepared: Path) -> None:
    for name in (
        "a1/train/data-00000-of-00001.arrow",
        "a1/dataset_dict.json",
        "datasets_prep.lock",
    ):
        path = prepared / OUT / "tokenized" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    assert seqctx("prepare", "c.yaml", "--force", cwd=prepared).returncode == 0
    assert not (prepared / OUT / "tokenized").exists()


@pytest.mark.parametrize("suffix", ["partial", "old"])
def test_users_files_beside_the_folder(prepared: Path, suffix: str) -> None:
    beside = prepared / f"prepare/out/c.seqctx-{suffix}"
    beside.mkdir()
    (beside / "novel.md").write_text("years of work")
    line = refusal(seqctx("prepare", "c.yaml", "--force", cwd=prepared))
    assert line.startswith(f"prepare/out/c.seqctx-{suffix}: holds ") and "novel.md" in line
    assert (beside / "novel.md").read_text() == "years of work"


def test_a_file_that_comes_while_it_runs_is_kept(
    prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from seqctx.config.config import load_config
    from seqctx.errors import CheckError
    from seqctx.prepare.pipeline import prepare

    monkeypatch.chdir(prepared)

    def put(step: str) -> None:
        if step == "writing":
            (OUT / "notes.txt").write_text("just now")

    with pytest.raises(CheckError, match="notes.txt") as error:
        prepare(load_config("c.yaml"), OUT, force=True, on_step=put)
    assert "The new version is kept in prepare/out/c.seqctx-partial." in str(error.value)
    assert (OUT / "notes.txt").read_text() == "just now"
    (OUT / "notes.txt").unlink()
    assert seqctx("prepare", "c.yaml", "--force", cwd=prepared).returncode == 0
    assert [p.name for p in OUT.parent.iterdir()] == ["c"]


def test_a_damaged_manifest_is_no_reason_to_replace(prepared: Path) -> None:
    (prepared / OUT / "manifest.json").write_text("{")
    before = snapshot(prepared)
    for arguments in ([], ["--force"]):
        line = refusal(seqctx("prepare", "c.yaml", *arguments, cwd=prepared))
        assert "prepare/out/c/manifest.json: cannot be read" in line and "Move that folder" in line
        assert snapshot(prepared) == before


def test_a_folder_that_is_a_file_or_a_link_to_home(
    prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = prepared.parent / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    shutil.rmtree(prepared / OUT)
    (prepared / OUT).write_text("my file")
    line = refusal(seqctx("prepare", "c.yaml", cwd=prepared))
    assert line.startswith("prepare/out/c: is a file, where seqctx needs a folder. Move the file")
    (prepared / OUT).unlink()
    for target, what in ((prepared, "the working folder"), (home, "your home folder"),
                         (Path("/"), "the root of the file system")):  # fmt: skip
        (prepared / OUT).symlink_to(target)
        line = refusal(seqctx("prepare", "c.yaml", cwd=prepared))
        assert line.startswith(f"prepare/out/c: is {what}, or holds it"), line
        (prepared / OUT).unlink()
    (prepared / OUT).symlink_to("c")  # to itself
    assert "prepare/out/c" in refusal(seqctx("prepare", "c.yaml", cwd=prepared))


def set_manuscripts(project: Path, *places: str, **changes: object) -> None:
    data = yaml.safe_load((project / "c.yaml").read_text())
    data["seqctx"]["prepare"]["manuscripts"] = list(places)
    (project / "c.yaml").write_text(yaml.safe_dump(data | changes))


@pytest.mark.parametrize(
    "how", few_fast(["file", "folder", "pattern", "link", "hard link", "linked folder"], "file")
)
def test_a_manuscript_in_the_output_folder_is_refused(prepared: Path, how: str) -> None:
    inside = prepared / OUT / "novel.md"
    inside.write_text(STORY)
    outside, place = prepared / "novel.md", "novel.md"
    if how == "link":
        outside.symlink_to(inside)
    elif how == "hard link":
        os.link(inside, outside)
    elif how == "linked folder":
        (prepared / "linked").symlink_to(inside.parent)
        place = "linked/novel.md"
    else:
        place = {"file": str(OUT / "novel.md"), "folder": str(OUT), "pattern": "prepare/**/*.md"}[
            how
        ]
    set_manuscripts(prepared, place)
    before = snapshot(prepared)
    for arguments in ([], ["--force"], ["--dry-run"]):
        line = refusal(seqctx("prepare", "c.yaml", *arguments, cwd=prepared))
        assert "novel.md: lies in prepare/out/c, which seqctx prepare replaces" in line
        assert "Move your text to another folder" in line
    assert snapshot(prepared) == before


def test_a_manuscript_in_the_unfinished_folder_is_refused(prepared: Path) -> None:
    inside = prepared / "prepare/out/c.seqctx-partial"
    inside.mkdir()
    (inside / "novel.md").write_text(STORY)
    set_manuscripts(prepared, str(inside))
    assert "novel.md: lies in prepare/out/c" in refusal(seqctx("prepare", "c.yaml", cwd=prepared))
    assert (inside / "novel.md").read_text() == STORY


def test_an_output_dir_among_the_manuscripts_is_refused(prepared: Path) -> None:
    set_manuscripts(prepared, "texts", output_dir="texts/out")
    line = refusal(seqctx("prepare", "c.yaml", cwd=prepared))
    assert line.startswith("output_dir: texts/out: is in texts, the folder of your manuscripts")
    set_manuscripts(prepared, "texts", output_dir="texts/.out")  # hidden: not read
    assert seqctx("prepare", "c.yaml", cwd=prepared).returncode == 0
    set_manuscripts(prepared, "texts/*.md", output_dir="texts/out")  # a pattern: not matched
    assert seqctx("prepare", "c.yaml", cwd=prepared).returncode == 0
    (prepared / "texts/out").mkdir()
    (prepared / "texts/out/README.md").write_text(STORY)  # Axolotl's
    set_manuscripts(prepared, "texts/**/*.md", output_dir="texts/out")
    line = refusal(seqctx("prepare", "c.yaml", cwd=prepared))
    assert "texts/out/README.md: lies in texts/out, which seqctx train replaces" in line


def test_our_folders_beside_the_manuscripts_are_no_problem(prepared: Path) -> None:
    shutil.copytree(prepared / "texts", prepared / "prepare" / "texts")
    set_manuscripts(prepared, "prepare")  # holds prepare/out, too, where no manuscript is written
    assert seqctx("prepare", "c.yaml", cwd=prepared).returncode == 0


@pytest.fixture
def two(prepared: Path, model_folder: Path) -> Path:
    """A second file of the same name in another folder, with another text."""
    small_project(prepared / "other", model_folder)
    (prepared / "other/texts/a.md").write_text(STORY.replace("story", "saga"))
    data = yaml.safe_load((prepared / "other/c.yaml").read_text())
    data["seqctx"]["prepare"]["manuscripts"] = ["other/texts"]
    data["datasets"] = [{"path": "prepare/out/c/train-ends.jsonl", "type": "chat_template"}]
    (prepared / "other/c.yaml").write_text(yaml.safe_dump(data))
    return prepared


@pytest.mark.parametrize("arguments", [[], ["--force"], ["--dry-run"]])
def test_two_files_of_one_name_do_not_share_data(two: Path, arguments: list[str]) -> None:
    before = snapshot(two)
    line = refusal(seqctx("prepare", "other/c.yaml", *arguments, cwd=two))
    assert line == (
        "prepare/out/c: holds the examples of c.yaml, and other/c.yaml has the same name. Give one "
        "of the two files another name."
    )
    assert snapshot(two) == before


def test_check_and_train_report_the_data_of_another_file(two: Path) -> None:
    problems = json.loads(seqctx("check", "other/c.yaml", "--json", cwd=two).stdout)
    (found,) = [p for p in problems if p["rule"] == "shared-data-folder"]
    assert (found["key"], found["severity"]) == ("datasets", "error")
    assert "prepare/out/c holds the examples of c.yaml" in found["message"]
    own = json.loads(seqctx("check", "c.yaml", "--json", cwd=two).stdout)
    assert "shared-data-folder" not in {p["rule"] for p in own}
    answer = seqctx("train", "other/c.yaml", cwd=two, SEQCTX_AXOLOTL="true")
    assert answer.returncode == 1 and "[shared-data-folder]" in answer.stderr


def test_honest_runs_go_on(two: Path) -> None:
    """The file edited, moved, renamed in place; the project copied; a link to the file."""
    set_manuscripts(two, "texts", learning_rate=1e-5)
    assert "up to date" in seqctx("prepare", "c.yaml", cwd=two).stdout
    assert "up to date" in seqctx("prepare", two / "c.yaml", cwd=two).stdout
    (two / "links").mkdir()
    (two / "links/c.yaml").symlink_to(two / "c.yaml")
    assert "up to date" in seqctx("prepare", "links/c.yaml", cwd=two).stdout
    shutil.copytree(two, two.parent / "copy", symlinks=True)
    copy = two.parent / "copy"
    assert "up to date" in seqctx("prepare", "c.yaml", cwd=copy).stdout
    (copy / "configs").mkdir()
    (copy / "c.yaml").rename(copy / "configs/c.yaml")
    assert "up to date" in seqctx("prepare", "configs/c.yaml", cwd=copy).stdout
    manifest = json.loads((copy / OUT / "manifest.json").read_text())
    assert manifest["config"] == "../../configs/c.yaml"
    answer = seqctx("prepare", "configs/c.yaml", "--set", "sequence_len=400", cwd=copy)
    assert answer.returncode == 0, answer.stderr
    (copy / "configs/c.yaml").unlink()  # its file is gone: whoever has its name takes over
    assert seqctx("prepare", "other/c.yaml", cwd=copy).returncode == 0


def test_data_of_an_earlier_version_has_no_owner(two: Path) -> None:
    manifest = json.loads((two / OUT / "manifest.json").read_text())
    del manifest["config"], manifest["pages"]
    (two / OUT / "manifest.json").write_text(json.dumps(manifest))
    assert "up to date" in seqctx("prepare", "c.yaml", cwd=two).stdout
    assert json.loads((two / OUT / "manifest.json").read_text())["config"] == "../../c.yaml"
