from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqctx.artifacts.layout import RunDir
from seqctx.artifacts.run_record import Point
from seqctx.catalog.model_folder import safetensors_header
from seqctx.train.checkpoints import (
    choose_checkpoint,
    complete_checkpoints,
    install_weights,
    logged_metrics,
    merge_points,
    remove_incomplete,
    resumable_checkpoints,
    weight_files,
)


def tensors(path: Path, rows: int = 4) -> None:
    """A safetensors file of one tensor."""
    header = {"a.weight": {"dtype": "F32", "shape": [rows, 1], "data_offsets": [0, 4 * rows]}}
    raw = json.dumps(header).encode()
    path.write_bytes(len(raw).to_bytes(8, "little") + raw + bytes(4 * rows))


def checkpoint(output: Path, step: int) -> Path:
    folder = output / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    tensors(folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text("{}")
    for name in ("optimizer.pt", "rng_state.pth"):
        with zipfile.ZipFile(folder / name, "w") as f:
            f.writestr("data", "0" * 100)
    history = [{"step": step, "epoch": 1.0, "loss": 2.5, "tokens/trainable": 30}]
    state = {"global_step": step, "log_history": history}
    (folder / "trainer_state.json").write_text(json.dumps(state))
    return folder


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    "name",
    ["adapter_model.safetensors", "optimizer.pt", "rng_state.pth", "trainer_state.json"],
)
def test_a_file_cut_short_makes_a_checkpoint_incomplete(tmp_path: Path, name: str) -> None:
    checkpoint(tmp_path, 2)
    broken = checkpoint(tmp_path, 10)
    assert [c.step for c in complete_checkpoints(tmp_path)] == [2, 10]
    cut(broken / name)
    assert [c.step for c in complete_checkpoints(tmp_path)] == [2]
    remove_incomplete(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint-2"]


def test_a_checkpoint_needs_its_state_weights_and_own_step(tmp_path: Path) -> None:
    (checkpoint(tmp_path, 1) / "trainer_state.json").unlink()
    (checkpoint(tmp_path, 2) / "adapter_model.safetensors").unlink()
    checkpoint(tmp_path, 3).rename(tmp_path / "checkpoint-4")
    (tmp_path / "checkpoint-old").mkdir()
    assert complete_checkpoints(tmp_path) == []


def test_points_come_from_the_state_in_full_precision(tmp_path: Path) -> None:
    checkpoint(tmp_path, 7)
    (point,) = logged_metrics(complete_checkpoints(tmp_path)[0])
    assert (point.step, point.loss, point.trained_tokens) == (7, 2.5, 30)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reading_of_a_header(raw: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.safetensors"
        path.write_bytes(raw)
        assert safetensors_header(path) in (None, {})


def points(*losses: tuple[int, float]) -> list[Point]:
    return [Point(step=step, epoch=0, eval_loss=loss) for step, loss in losses]


def test_the_lowest_held_out_loss_wins_and_overfitting_is_named() -> None:
    chosen = choose_checkpoint(points((0, 4.0), (5, 3.0), (10, 2.5), (15, 2.8)), [5, 10, 15], 15)
    assert chosen.step == 10
    assert "rose to 2.800 by step 15" in chosen.reason
    assert "overfitting" in chosen.reason


def test_a_lower_loss_that_was_not_saved_is_named() -> None:
    chosen = choose_checkpoint(points((5, 2.0), (10, 2.5)), [10], 10)
    assert chosen.step == 10
    assert "step 5 had a lower held-out loss (2.000) but was not saved" in chosen.reason


def test_a_base_model_that_was_not_improved_is_named() -> None:
    assert (
        "so training did not improve it"
        in choose_checkpoint(points((0, 2.0), (9, 2.1)), [9], 9).reason
    )


@pytest.mark.parametrize(
    "given, saved, why",
    [
        ([], [], "no held-out loss was measured"),
        (points((0, 4.0)), [9], "no held-out loss was measured"),
        (points((3, float("nan"))), [3, 9], "no held-out loss was measured"),
        (points((3, 2.0)), [9], "no checkpoint was saved at a step"),
    ],
)
def test_without_a_loss_the_last_step_is_chosen(
    given: list[Point], saved: list[int], why: str
) -> None:
    chosen = choose_checkpoint(given, saved, 9)
    assert (chosen.step, chosen.eval_loss) == (9, None)
    assert why in chosen.reason


def test_weights_are_linked_and_other_files_stay(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path, 2)
    for name in ("adapter_model.safetensors", "adapter_config.json", "tokenizer.json"):
        (tmp_path / name).write_text("last")
    install_weights(folder, tmp_path, keep_last=False)
    best = (folder / "adapter_model.safetensors").read_bytes()
    assert (tmp_path / "adapter_model.safetensors").read_bytes() == best
    assert (tmp_path / "adapter_config.json").read_text() == "{}"
    assert (tmp_path / "tokenizer.json").read_text() == "last"
    assert not (tmp_path / "optimizer.pt").exists()
    assert not (RunDir(tmp_path).last_weights).exists()


def test_weights_are_copied_where_the_disk_has_no_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    folder = checkpoint(tmp_path, 2)
    (tmp_path / "adapter_model.safetensors").write_text("last")
    monkeypatch.setattr("os.link", refuse)
    install_weights(folder, tmp_path, keep_last=False)
    best = (folder / "adapter_model.safetensors").read_bytes()
    assert (tmp_path / "adapter_model.safetensors").read_bytes() == best
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "adapter_config.json", "adapter_model.safetensors", "checkpoint-2",
    ]  # fmt: skip


def test_shards_that_only_the_trainer_loads_are_not_installed(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path, 2)
    assert len(weight_files(folder)) == 2
    (folder / "adapter_model.safetensors").unlink()
    (folder / "pytorch_model_fsdp_0").mkdir()
    assert [c.step for c in complete_checkpoints(tmp_path)] == [2]
    assert weight_files(folder) == []


def test_weights_alone_are_complete_but_not_resumable(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path, 2)
    checkpoint(tmp_path, 1)
    (folder / "rng_state.pth").unlink()
    (folder / "optimizer.pt").unlink()
    assert [c.step for c in complete_checkpoints(tmp_path)] == [1, 2]
    assert [c.step for c in resumable_checkpoints(tmp_path)] == [1]


def test_last_weights_that_no_checkpoint_has_are_kept(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path, 2)
    (tmp_path / "adapter_model.safetensors").write_text("last")
    install_weights(folder, tmp_path, keep_last=True)
    best = (folder / "adapter_model.safetensors").read_bytes()
    assert (tmp_path / "adapter_model.safetensors").read_bytes() == best
    assert (RunDir(tmp_path).last_weights / "adapter_model.safetensors").read_text() == "last"


def test_points_before_and_after_resuming_are_merged() -> None:
    earlier = [Point(step=1, epoch=0, loss=3.0), Point(step=2, epoch=0, loss=2.0)]
    later = [Point(step=2, epoch=0, eval_loss=9.0), Point(step=2, epoch=0, loss=2.1)]
    both = merge_points(earlier, [*later, Point(step=3, epoch=0, loss=1.0)])
    assert [(p.step, p.loss, p.eval_loss) for p in both] == [
        (1, 3.0, None), (2, 2.0, None), (2, None, 9.0), (3, 1.0, None),
    ]  # fmt: skip
