from __future__ import annotations

import sys
from pathlib import Path

import pytest

from seqctx.artifacts.layout import RunDir
from seqctx.artifacts.run_record import ChosenCheckpoint, Point, TrainingRun
from seqctx.config.config import Config, load_config
from seqctx.train.evaluate import Evaluation, Variant, VariantResult
from seqctx.train.page import (
    can_draw,
    comparison_is_due,
    comparison_obstacle,
    summary_lines,
    write_comparison,
    write_curve,
)
from tests.conftest import CONFIG


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


def evaluated(*losses: float, copied: float = 0.0) -> Evaluation:
    results = [
        VariantResult(name, loss, 8, ("A text.",), (share,))
        for name, loss, share in zip(
            ("base", "adapter, step 2"), losses, (0.0, copied), strict=True
        )
    ]
    return Evaluation(tuple(results), ("user\nGo on.assistant\n",), ("It rained.",), (0.1,))


def test_the_page_says_whether_training_helped() -> None:
    (helped,) = summary_lines(evaluated(3.0, 2.0))
    assert helped.startswith("Training helped: on text by the author that the model was not")
    assert "fell from 3.000 to 2.000" in helped and "2.72 times as likely" in helped
    (did_not,) = summary_lines(evaluated(2.0, 2.0))
    assert did_not.startswith("Training did not help: ")
    assert "40% of the words are copied" in summary_lines(evaluated(3.0, 2.0, copied=0.4))[1]
    assert summary_lines(Evaluation())[0].startswith("No text was held out")


def test_the_page_is_written_once_and_old_pages_count(
    run: TrainingRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cfg = load_config(CONFIG, {"output_dir": str(tmp_path)})
    names: list[str] = []

    def evaluate(cfg: Config, variants: list[Variant], **more: object) -> Evaluation:
        names.extend(variant.name for variant in variants)
        return evaluated(3.0, 2.0)

    monkeypatch.setattr("seqctx.train.page.evaluate", evaluate)
    assert comparison_is_due(cfg, new=False)
    RunDir(tmp_path).last_weights.mkdir()
    (RunDir(tmp_path).last_weights / "adapter_model.safetensors").touch()
    earlier = run.model_copy(
        update={
            "chosen": ChosenCheckpoint(step=2, reason="it has the lowest held-out loss"),
            "warnings": ("step 3: the learning rate is 0.",),
        }
    )
    comparison = write_comparison(cfg, earlier)
    assert names == ["base", "adapter, step 2", "last step, 3"]
    assert comparison.path == tmp_path / "run" / "comparison.html"
    text = comparison.path.read_text()
    for part in (
        "Before and after training", "The weights of step 2 were kept: it has the lowest",
        "Warning during training: step 3: the learning rate is 0.", "Go on.", "It rained.",
    ):  # fmt: skip
        assert part in text
    assert not comparison_is_due(cfg, new=False)
    assert comparison_is_due(cfg, new=True)
    comparison.path.rename(RunDir(tmp_path).earlier_comparison)
    assert not comparison_is_due(cfg, new=False)


def test_why_there_is_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    cfg = load_config(CONFIG)
    assert comparison_obstacle(cfg) is None
    reward = cfg.model_copy(update={"reward_model": True})
    assert "with reward_model there is no loss on held-out text" in (
        comparison_obstacle(reward) or ""
    )
    monkeypatch.setattr("seqctx.train.page.find_spec", lambda name: None)
    assert "Run: pip install 'seqctx[prepare]'" in (comparison_obstacle(cfg) or "")
