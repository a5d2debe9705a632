from __future__ import annotations

import sys
from pathlib import Path

import pytest

from seqctx.artifacts.layout import RunDir
from seqctx.artifacts.run_record import ChosenCheckpoint, Point, TrainingRun
from seqctx.train.page import can_draw, write_curve


@pytest.fixture
def run() -> TrainingRun:
    points = tuple(Point(step=n, epoch=n / 3, loss=3 - n / 9) for n in (1, 2, 3))
    return TrainingRun(
        fingerprint="",
        base_model="base",
        base_fingerprint="",
        data={},
        versions={},
        command=(),
        seconds=1,
        steps=3,
        points=(*points, Point(step=3, epoch=1, eval_loss=2.9)),
        chosen=ChosenCheckpoint(step=3, eval_loss=2.9, reason="the lowest"),
    )


def test_losses_as_data_and_as_a_picture(run: TrainingRun, tmp_path: Path) -> None:
    write_curve(run, RunDir(tmp_path))
    folder = tmp_path / "run"
    assert sorted(p.name for p in folder.iterdir()) == ["losses.csv", "losses.png", "losses.svg"]
    rows = (folder / "losses.csv").read_text().splitlines()
    assert rows[0].startswith("step,epoch,loss,eval_loss")
    assert [row.split(",")[0] for row in rows[1:]] == ["1", "2", "3", "3"]
    assert (folder / "losses.png").read_bytes().startswith(b"\x89PNG")
    assert "kept: step 3" in (folder / "losses.svg").read_text()


def test_a_bare_install_has_the_data_alone(
    run: TrainingRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr("seqctx.train.page.find_spec", lambda name: sys.modules.get(name))
    assert not can_draw()
    write_curve(run, RunDir(tmp_path))
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["losses.csv"]
