from __future__ import annotations

import pytest

from seqctx.artifacts.run_record import Point
from seqctx.train.health import HealthMonitor, diverged


def run(*points: dict[str, float], total: int = 10, planned: float | None = None) -> list[str]:
    monitor = HealthMonitor(planned)
    lines: list[str] = []
    for step, fields in enumerate(points, 1):
        point = Point.model_validate({"step": step, "epoch": 0.0, "loss": 2.0, **fields})
        lines += monitor.warnings(point, total)
    return lines


GOOD = [
    {"learning_rate": rate, "grad_norm": 1.0, "trained_tokens": 100 * (k + 1)}
    for k, rate in enumerate([0.0, 2e-4, 4e-4, 3e-4, 3e-4, 2e-4, 2e-4, 1e-4, 1e-4, 0.0])
]


def test_a_good_run_has_no_warnings() -> None:
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
def test_each_kind_of_problem_is_warned_of_once(bad: dict[str, float], cause: str) -> None:
    points = [dict(p) for p in GOOD]
    points[3] |= bad
    lines = run(*points, planned=10.0)
    assert len(lines) == 1
    assert lines[0].startswith(cause)


def test_a_warm_up_beyond_half_of_the_run_is_warned_of() -> None:
    lines = run(*({"learning_rate": k * 1e-5} for k in range(10)))
    assert [line[:48] for line in lines] == ["step 6: the learning rate is still in warm-up af"]


def test_a_resumed_run_is_not_in_warm_up() -> None:
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
def test_when_a_run_has_diverged(loss: float | None, grad_norm: float | None, gone: bool) -> None:
    assert diverged(Point(step=1, epoch=0, loss=loss, grad_norm=grad_norm)) == gone


def test_a_diverged_loss_is_not_taken_for_masked_labels() -> None:
    point = Point(step=1, epoch=0, loss=0.0, grad_norm=float("nan"))
    assert diverged(point)
    assert not any("no token is trained" in lines for lines in HealthMonitor().warnings(point, 10))
