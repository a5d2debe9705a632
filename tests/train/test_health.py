from __future__ import annotations

import pytest

from seqctx.artifacts.run_record import Point
from seqctx.train.health import HealthMonitor, diverged


def run(*points: dict[str, float], total: int = 10, planned: float | None = None) -> list[str]:
    monitor = HealthMonitor(planned)
    said: list[str] = []
    for step, fields in enumerate(points, 1):
        point = Point.model_validate({"step": step, "epoch": 0.0, "loss": 2.0, **fields})
        said += monitor.warnings(point, total)
    return said


GOOD = [
    {"learning_rate": rate, "grad_norm": 1.0, "trained_tokens": 100 * (k + 1)}
    for k, rate in enumerate([0.0, 2e-4, 4e-4, 3e-4, 3e-4, 2e-4, 2e-4, 1e-4, 1e-4, 0.0])
]


def test_a_good_run_is_left_alone() -> None:
    assert run(*GOOD) == []
    assert run(*GOOD, planned=10.0) == []


@pytest.mark.parametrize(
    "bad, cause",
    [
        ({"loss": 0.0}, "step 4: the loss is 0, so no token is trained"),
        ({"grad_norm": 0.0}, "step 4: the gradient is 0"),
        ({"trained_tokens": 300}, "step 4: no token was trained since the last line"),
        ({"learning_rate": 0.0}, "step 4: the learning rate is 0"),
        ({"eval_loss": float("nan")}, "step 4: the held-out loss is not a number"),
        ({"reserved_gib": 12.0}, "step 4: the GPU uses 12.0 GiB, more than the planned 10.0"),
    ],
)
def test_each_trouble_is_said_at_once_and_once(bad: dict[str, float], cause: str) -> None:
    points = [dict(p) for p in GOOD]
    points[3] |= bad
    said = run(*points, planned=10.0)
    assert len(said) == 1
    assert said[0].startswith(cause)


def test_a_warm_up_that_never_ends_is_said_at_half() -> None:
    said = run(*({"learning_rate": k * 1e-5} for k in range(10)))
    assert [line[:48] for line in said] == ["step 6: the learning rate is still in warm-up af"]


def test_a_run_that_goes_on_is_not_taken_for_one_that_rises() -> None:
    monitor = HealthMonitor()
    point = Point(step=8, epoch=0, loss=2.0, learning_rate=1e-4)
    assert list(monitor.warnings(point, 10)) == []


@pytest.mark.parametrize(
    "loss, grad_norm, gone",
    [
        (2.0, 1.0, False),
        (0.0, 0.0, False),
        (2.0, float("inf"), False),  # a step that a loss scaler skips
        (float("nan"), 1.0, True),
        (0.0, float("nan"), True),  # what transformers logs of a NaN
        (None, None, False),
    ],
)
def test_a_loss_that_is_no_number_any_more(
    loss: float | None, grad_norm: float | None, gone: bool
) -> None:
    assert diverged(Point(step=1, epoch=0, loss=loss, grad_norm=grad_norm)) == gone


def test_a_loss_that_is_no_number_is_not_taken_for_masked_labels() -> None:
    point = Point(step=1, epoch=0, loss=0.0, grad_norm=float("nan"))
    assert diverged(point)
    assert not any("no token is trained" in said for said in HealthMonitor().warnings(point, 10))
