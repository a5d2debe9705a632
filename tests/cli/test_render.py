from __future__ import annotations

import pytest

from seqctx.artifacts.run_record import Point, TrainingRun
from seqctx.cli.render.train import run_lines

BEFORE, HALF, LAST = ((0, 4.0), (5, 3.0), (10, 2.5))


@pytest.mark.parametrize(
    ("held_out", "line"),
    [
        (
            [BEFORE, HALF, LAST],
            "held-out loss: 4.000 before training (the base model), 2.500 after",
        ),
        ([HALF, LAST], "held-out loss: 3.000 at step 5, 2.500 after"),
        ([BEFORE, HALF], "held-out loss: 4.000 before training (the base model), 3.000 at step 5"),
        ([LAST], "held-out loss: 2.500 after"),
        ([BEFORE], "held-out loss: 4.000 before training (the base model)"),
    ],
)
def test_only_a_loss_before_any_step_is_the_base_models(
    held_out: list[tuple[int, float]], line: str
) -> None:
    points = tuple(Point(step=step, epoch=0, eval_loss=loss) for step, loss in held_out)
    run = TrainingRun(
        fingerprint="", base_model="b", base_fingerprint="", versions={}, seconds=1, steps=10,
        points=points,
    )  # fmt: skip
    assert list(run_lines(run, "out", True)) == [
        line,
        "10 steps in 1 s",
        "adapter and record in out",
    ]


def test_a_loss_that_did_not_fall_is_reported() -> None:
    points = tuple(Point(step=step, epoch=0, eval_loss=2.0) for step in (5, 10))
    run = TrainingRun(
        fingerprint="", base_model="b", base_fingerprint="", versions={}, seconds=1, steps=10,
        points=points,
    )  # fmt: skip
    assert any("did not fall" in line for line in run_lines(run, "out", True))


def test_a_warning_during_training_is_repeated_at_its_end() -> None:
    run = TrainingRun(
        fingerprint="", base_model="b", base_fingerprint="", versions={}, seconds=1, steps=10,
        points=(), warnings=("step 1: the loss is 0",),
    )  # fmt: skip
    assert "warning during training: step 1: the loss is 0" in run_lines(run, "out", True)
