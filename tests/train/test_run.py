"""What a run leaves, keeps and resumes, with a stand-in for Axolotl (tests/e2e: the real one)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqctx.config.config import load_config
from seqctx.train.run import train
from tests.conftest import seqctx

Faked = Callable[..., None]


def run_of(folder: Path) -> Any:
    return json.loads((folder / "outputs/c/run/run.json").read_text())


def weights(path: Path) -> float:
    """The step whose weights a folder holds: the stand-in writes it into them."""
    return float((path / "adapter_model.safetensors").read_bytes()[-16:])


def test_the_checkpoint_with_the_lowest_held_out_loss_is_installed(
    runnable: Path, faked: Faked
) -> None:
    faked(eval={"2": 3.5, "4": 3.1, "6": 3.4})
    answer = seqctx("train", "c.yaml", "--no-page", cwd=runnable)
    assert answer.returncode == 0, answer.stderr
    output = runnable / "outputs" / "c"
    record = run_of(runnable)
    assert record["steps"] == 6
    assert record["chosen"]["step"] == 4 and record["chosen"]["eval_loss"] == 3.1
    assert weights(output) == 4
    assert weights(output / "checkpoint-6") == 6
    assert [p["step"] for p in record["points"] if p["eval_loss"]] == [2, 4, 6]
    assert {p.name for p in (output / "run").iterdir()} >= {
        "axolotl.yaml", "train.log", "losses.csv", "losses.svg", "losses.png",
    }  # fmt: skip
    assert sorted(p.name for p in output.parent.iterdir()) == ["c"]


def test_it_is_trained_again_only_when_something_changed(runnable: Path, faked: Faked) -> None:
    assert seqctx("train", "c.yaml", "--no-page", cwd=runnable).returncode == 0
    faked(fail_at=1)
    again = seqctx("train", "c.yaml", "--no-page", cwd=runnable)
    assert again.returncode == 0
    assert "up to date: outputs/c" in again.stdout
    for change in (["--force"], ["--set", "seed=7"]):
        failed = seqctx("train", "c.yaml", *change, cwd=runnable)
        assert failed.returncode == 3
        assert "told to fail" in failed.stderr.splitlines()[-1]
    assert weights(runnable / "outputs/c") == 6  # the earlier result is as it was


def test_a_run_that_failed_resumes_from_its_last_checkpoint(runnable: Path, faked: Faked) -> None:
    faked(fail_at=5, eval={"2": 3.5, "4": 3.4})
    failed = seqctx("train", "c.yaml", "--no-page", cwd=runnable)
    assert failed.returncode == 3
    assert "told to fail" in failed.stderr and "Step 4 is kept" in failed.stderr
    assert not (runnable / "outputs/c").exists()

    faked(eval={"2": 3.5, "4": 3.4, "6": 3.2})
    for arguments, why in (((), "--resume"), (("--resume", "--set", "seed=7"), "changed since")):
        refused = seqctx("train", "c.yaml", *arguments, cwd=runnable)
        assert refused.returncode == 1
        assert why in refused.stderr and "step 4" in refused.stderr

    done = seqctx("train", "c.yaml", "--resume", "--no-page", cwd=runnable)
    assert done.returncode == 0, done.stderr
    record = run_of(runnable)
    assert record["resumed_at"] == [4]
    assert [p["step"] for p in record["points"] if p["loss"]] == [1, 2, 3, 4, 5, 6]
    assert [p["eval_loss"] for p in record["points"] if p["eval_loss"]] == [3.5, 3.4, 3.2]
    assert not (runnable / "outputs/c/run/begun.json").exists()


def test_an_incomplete_checkpoint_is_not_resumed_from(runnable: Path, faked: Faked) -> None:
    faked(fail_at=5)
    seqctx("train", "c.yaml", cwd=runnable)
    (partial,) = (runnable / "outputs").glob("c.*partial")
    (partial / "checkpoint-4" / "trainer_state.json").unlink()
    faked()
    done = seqctx("train", "c.yaml", "--resume", "--no-page", cwd=runnable)
    assert done.returncode == 0, done.stderr
    assert run_of(runnable)["resumed_at"] == [2]


def test_force_starts_over(runnable: Path, faked: Faked) -> None:
    faked(fail_at=5)
    seqctx("train", "c.yaml", cwd=runnable)
    faked()
    done = seqctx("train", "c.yaml", "--force", "--no-page", cwd=runnable)
    assert done.returncode == 0, done.stderr
    assert run_of(runnable)["resumed_at"] == []


def test_a_run_that_fails_before_its_first_checkpoint_leaves_its_log(
    runnable: Path, faked: Faked
) -> None:
    faked(fail_at=1)
    assert seqctx("train", "c.yaml", cwd=runnable).returncode == 3
    assert [p.name for p in (runnable / "outputs").iterdir()] == ["c.train.log"]


def test_interrupted_it_saves_the_step_that_it_reached(
    runnable: Path, faked: Faked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(runnable)
    faked(seconds=0.05)
    reached = []

    def interrupt(event: Any) -> None:
        if event.step >= 3 and not reached:
            reached.append(event.step)
            raise KeyboardInterrupt

    changes = {"max_steps": 1000, "save_steps": 1000}
    with pytest.raises(KeyboardInterrupt):
        train(load_config("c.yaml", changes), on_event=interrupt)
    (checkpoint,) = Path("outputs").glob("c.*partial/checkpoint-*")
    assert reached[0] <= int(checkpoint.name.removeprefix("checkpoint-")) < 1000
    faked()
    record, new = train(load_config("c.yaml", changes), resume=True)
    assert new and record.steps == 1000
    assert record.resumed_at == (int(checkpoint.name.removeprefix("checkpoint-")),)


def test_a_loss_that_is_not_a_number_stops_the_run(runnable: Path, faked: Faked) -> None:
    faked(loss={"2": "nan"}, seconds=0.02)
    failed = seqctx("train", "c.yaml", "--set", "max_steps=1000", cwd=runnable)
    assert failed.returncode == 3
    assert "at step 2" in failed.stderr and "learning_rate" in failed.stderr


def test_an_end_without_weights_is_a_failure(runnable: Path, faked: Faked) -> None:
    faked(weights=False)
    failed = seqctx("train", "c.yaml", cwd=runnable)
    assert failed.returncode == 3
    assert "weights" in failed.stderr and "See the log" in failed.stderr
    # what it saved before is not thrown away without being asked
    assert seqctx("train", "c.yaml", cwd=runnable).returncode == 1


def test_another_machine_takes_part_without_a_record(runnable: Path, faked: Faked) -> None:
    (runnable / "outputs").mkdir()
    launcher = ("--", "--nnodes", "2", "--node_rank", "1")
    answer = seqctx("train", "c.yaml", *launcher, cwd=runnable)
    assert answer.returncode == 0, answer.stderr
    assert "node-1.log" in answer.stdout
    assert not (runnable / "outputs/c").exists()
    names = {p.name for p in (runnable / "outputs").iterdir() if p.is_file()}
    assert names == {"c.train.node-1.log", "c.train.node-1.yaml"}


def test_the_page_compares_before_and_after(runnable: Path, faked: Faked) -> None:
    faked(eval={"2": 3.5, "4": 3.1, "6": 3.4})
    answer = seqctx("train", "c.yaml", cwd=runnable)
    assert answer.returncode == 0, answer.stderr
    assert "from 4.000 to 3.500" in answer.stdout
    (page,) = (runnable / "outputs/c/run").glob("*.html")
    text = page.read_text("utf-8")
    assert "The lamps were lit one by one at last." in text
    assert "And cold." in text and "last step, 6" in text
    assert "75" in text  # of eight words six stand in the training text in one run
    before = page.stat().st_mtime_ns
    assert seqctx("train", "c.yaml", cwd=runnable).returncode == 0
    assert page.stat().st_mtime_ns == before


@pytest.mark.parametrize("how", [False, "nothing"])
def test_weights_are_complete_where_nothing_can_be_compared(
    runnable: Path, faked: Faked, how: object
) -> None:
    faked(evaluate=how)
    answer = seqctx("train", "c.yaml", cwd=runnable)
    assert answer.returncode == 0, answer.stderr
    assert weights(runnable / "outputs/c") == 6
    printed = answer.stderr if how is False else answer.stdout
    assert ("told not to evaluate" if how is False else "held out") in printed
