"""train and merge replace no file of the user's, no other file's run, and lose no finished run."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from seqctx.config.config import load_config
from seqctx.errors import CheckError
from seqctx.train.run import train
from tests.conftest import seqctx
from tests.train.test_run import run_of
from tests.users_files import refusal, snapshot

Faked = Callable[..., None]
OUT = Path("outputs/c")


@pytest.fixture
def trained(runnable: Path) -> Path:
    answer = seqctx("train", "c.yaml", "--no-page", cwd=runnable)
    assert answer.returncode == 0, answer.stderr
    return runnable


AGAIN = ("train", "c.yaml", "--force", "--no-page")


def test_the_record_lists_what_axolotl_left(trained: Path) -> None:
    record = run_of(trained)
    assert record["config"] == "../c.yaml"
    assert {"adapter_model.safetensors", "adapter_config.json", "run/train.log", "run/axolotl.yaml",
            "checkpoint-6/optimizer.pt"} <= set(record["files"])  # fmt: skip
    assert seqctx(*AGAIN, cwd=trained).returncode == 0  # and all of it may be replaced


@pytest.mark.parametrize(
    "name", ["notes.txt", "run/notes.txt", ".git/HEAD", "checkpoint-best/adapter.bin",
             "adapter_model.safetensors.bak", "checkpoint-6/why.txt", "merged/model.gguf"],
)  # fmt: skip
def test_a_file_of_the_users_keeps_the_folder(trained: Path, name: str) -> None:
    own = trained / OUT / name
    own.parent.mkdir(parents=True, exist_ok=True)
    own.write_text("years of work")
    before = snapshot(trained)
    assert "up to date" in seqctx("train", "c.yaml", "--no-page", cwd=trained).stdout
    for arguments in (AGAIN, ("train", "c.yaml", "--set", "seed=7"),
                      ("train", "c.yaml", "--set", "seed=7", "--dry-run")):  # fmt: skip
        line = refusal(seqctx(*arguments, cwd=trained))
        assert f"outputs/c: holds your files: {name}. seqctx never removes them. Move" in line
        assert snapshot(trained) == before


def test_weights_that_were_changed_are_kept(trained: Path) -> None:
    weights = trained / OUT / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"9")  # such as trained on with another tool
    before = snapshot(trained)
    line = refusal(seqctx(*AGAIN, cwd=trained))
    assert "adapter_model.safetensors (changed after seqctx wrote it)" in line
    assert snapshot(trained) == before


def test_a_copied_run_may_be_replaced(trained: Path) -> None:
    shutil.copytree(trained, trained.parent / "copy")  # other times, the same bytes
    answer = seqctx(*AGAIN, cwd=trained.parent / "copy")
    assert answer.returncode == 0, answer.stderr


def test_a_run_of_an_earlier_version_may_be_replaced(trained: Path) -> None:
    record = trained / OUT / "run/run.json"
    data = json.loads(record.read_text())
    del data["files"], data["config"]
    record.write_text(json.dumps(data))
    (trained / OUT / "novel.md").write_text("years of work")
    assert "holds your files: novel.md." in refusal(seqctx(*AGAIN, cwd=trained))
    (trained / OUT / "novel.md").unlink()
    assert seqctx(*AGAIN, cwd=trained).returncode == 0


def test_a_file_that_comes_while_it_trains_loses_neither(
    trained: Path, monkeypatch: pytest.MonkeyPatch, faked: Faked
) -> None:
    monkeypatch.chdir(trained)

    def put(event: object) -> None:
        (OUT / "notes.txt").write_text("just now")

    cfg = load_config("c.yaml", {"seed": 7})
    with pytest.raises(CheckError, match="notes.txt") as error:
        train(cfg, config=Path("c.yaml"), on_event=put)
    assert "The new version is kept in outputs/c.seqctx-partial." in str(error.value)
    assert (OUT / "notes.txt").read_text() == "just now"
    (OUT / "notes.txt").unlink()
    faked(fail_at=1)  # it is not trained again
    record, new = train(cfg, config=Path("c.yaml"))
    assert new and record.steps == 6
    assert train(cfg, config=Path("c.yaml")) == (record, False)
    assert sorted(p.name for p in OUT.parent.iterdir()) == ["c"]
    assert (OUT / "run/losses.csv").is_file() and not (OUT / "run/begun.json").exists()


def test_users_files_in_an_unfinished_run(runnable: Path, faked: Faked) -> None:
    faked(fail_at=5)
    assert seqctx("train", "c.yaml", cwd=runnable).returncode == 3
    partial = runnable / "outputs/c.seqctx-partial"
    for name in ("notes.txt", "checkpoint-best/a.bin"):
        (partial / name).parent.mkdir(exist_ok=True)
        (partial / name).write_text("years of work")
    line = refusal(seqctx("train", "c.yaml", "--force", cwd=runnable))
    assert line.startswith("outputs/c.seqctx-partial: holds your files: checkpoint-best/a.bin, not")
    faked()
    (partial / "checkpoint-4/why.txt").write_text("a note")
    (partial / "checkpoint-4/trainer_state.json").unlink()
    line = refusal(seqctx("train", "c.yaml", "--resume", cwd=runnable))
    assert "checkpoint-4/why.txt: is in an incomplete checkpoint" in line
    (partial / "checkpoint-4/why.txt").unlink()
    done = seqctx("train", "c.yaml", "--resume", "--no-page", cwd=runnable)
    assert done.returncode == 0, done.stderr
    for name in ("notes.txt", "checkpoint-best/a.bin"):
        assert (runnable / OUT / name).read_text() == "years of work"
        assert name not in run_of(runnable)["files"]
    assert "checkpoint-best/a.bin, notes.txt." in refusal(seqctx(*AGAIN, cwd=runnable))


def test_a_run_that_fails_at_once_leaves_users_files(runnable: Path, faked: Faked) -> None:
    partial = runnable / "outputs/c.seqctx-partial"
    partial.mkdir(parents=True)
    (partial / "notes.txt").write_text("years of work")
    faked(fail_at=1)
    assert "notes.txt" in refusal(seqctx("train", "c.yaml", cwd=runnable))
    assert (partial / "notes.txt").read_text() == "years of work"


def copy_config(folder: Path, name: str, **changes: object) -> None:
    data = yaml.safe_load((folder / "c.yaml").read_text()) | changes
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(yaml.safe_dump(data))


def test_two_files_do_not_share_an_output_dir(trained: Path) -> None:
    copy_config(trained, "b.yaml", learning_rate=1e-5)
    before = snapshot(trained)
    for arguments in ([], ["--force"], ["--dry-run"]):
        answer = seqctx("train", "b.yaml", *arguments, cwd=trained)
        assert answer.returncode == 1
        assert (
            "output_dir: outputs/c: holds what was trained from c.yaml. In b.yaml, set output_dir "
            "to another folder.\n"
        ) in answer.stderr
        assert snapshot(trained) == before
    problems = json.loads(seqctx("check", "b.yaml", "--json", cwd=trained).stdout)
    (found,) = [p for p in problems if p["rule"] == "shared-output-dir"]
    assert (found["key"], found["severity"]) == ("output_dir", "error")
    own = json.loads(seqctx("check", "c.yaml", "--json", cwd=trained).stdout)
    assert "shared-output-dir" not in {p["rule"] for p in own}
    (trained / "c.yaml").unlink()  # renamed: the run goes with the file
    answer = seqctx("train", "b.yaml", "--no-page", cwd=trained)
    assert answer.returncode == 0, answer.stderr


def test_the_interrupted_run_of_another_file_is_kept(runnable: Path, faked: Faked) -> None:
    faked(fail_at=5)
    assert seqctx("train", "c.yaml", cwd=runnable).returncode == 3
    copy_config(runnable, "b.yaml")
    before = snapshot(runnable)
    line = refusal(seqctx("train", "b.yaml", "--force", cwd=runnable))
    assert "holds what was trained from c.yaml" in line
    assert snapshot(runnable) == before


def test_honest_runs_go_on(trained: Path) -> None:
    """The file edited, moved, linked; other values on the command line."""
    copy_config(trained, "c.yaml", learning_rate=1e-5)
    assert seqctx("train", "c.yaml", "--no-page", cwd=trained).returncode == 0
    (trained / "configs").mkdir()
    (trained / "c.yaml").rename(trained / "configs/c.yaml")
    assert "up to date" in seqctx("train", "configs/c.yaml", "--no-page", cwd=trained).stdout
    for changes in (["--set", "seed=7"], ["--set", "output_dir=outputs/d"]):
        answer = seqctx("train", "configs/c.yaml", *changes, "--no-page", cwd=trained)
        assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize("base", ["outputs/c/merged", "outputs/c"])
def test_a_base_model_in_output_dir_is_refused(runnable: Path, base: str) -> None:
    shutil.copytree(runnable / "base", runnable / base)
    copy_config(runnable, "c.yaml", base_model=base)
    os.makedirs(runnable / "outputs/c/run", exist_ok=True)
    (runnable / "outputs/c/run/run.json").write_text("{}")
    if base.endswith("merged"):
        (runnable / "outputs/c/merged/seqctx.json").write_text('{"fingerprint": "f"}')
    before = snapshot(runnable)
    line = refusal(seqctx(*AGAIN, cwd=runnable))
    assert line.startswith("base_model: outputs/c") or "outputs/c: holds" in line
    assert snapshot(runnable) == before


@pytest.mark.parametrize("name", ["notes.txt", "model-q4.gguf", "model.safetensors"])
def test_a_merged_model_with_users_files_is_kept(trained: Path, name: str) -> None:
    assert seqctx("merge", "c.yaml", "--no-evaluate", cwd=trained).returncode == 0
    (trained / OUT / "merged" / name).write_text("years of work")
    before = snapshot(trained / OUT / "merged")
    for verb in ("merge", "merge --dry-run"):
        line = refusal(seqctx(*verb.split(), "c.yaml", "--force", cwd=trained))
        assert f"outputs/c/merged: holds your files: {name}" in line
    assert f"outputs/c: holds your files: merged/{name}" in refusal(seqctx(*AGAIN, cwd=trained))
    assert snapshot(trained / OUT / "merged") == before
    (trained / OUT / "merged" / name).unlink()
    assert seqctx("merge", "c.yaml", "--force", "--no-evaluate", cwd=trained).returncode == 0


@pytest.mark.parametrize("place", ["..", "outputs/..", "c.yaml", "texts.txt/out", "x.seqctx-old"])
def test_places_that_are_no_output_folder(runnable: Path, place: str) -> None:
    (runnable / "outputs").mkdir()
    (runnable / "texts.txt").write_text("my text")
    before = snapshot(runnable)
    for arguments in ((), ("--dry-run",), ("--force",)):
        answer = seqctx("train", "c.yaml", "--set", f"output_dir={place}", *arguments, cwd=runnable)
        assert "ame" in refusal(answer)  # Name, or rename
        assert snapshot(runnable) == before
