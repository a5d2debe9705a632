"""The plot of a training run: losses by step, and the step whose weights were kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from seqctx.report.plots import BLUE, GREEN, GREY, ORANGE, figure


def loss_curve(
    trained: Sequence[tuple[int, float]],
    held_out: Sequence[tuple[int, float]],
    chosen: int,
    png: Path | None = None,
) -> str:
    """Losses by optimizer step, as SVG.

    Args:
        trained: step and training loss.
        held_out: step and held-out loss; at step 0 it is the base model's.
        chosen: the step whose weights were kept.
        png: a file that the same plot is written to.
    """
    with figure(8, 3.2) as (axis, result):
        if trained:
            axis.plot(*zip(*trained, strict=True), color=BLUE, linewidth=0.7, alpha=0.45)
            axis.plot(*zip(*_smooth(trained), strict=True), color=BLUE, label="training text")
        if held_out:
            axis.plot(*zip(*held_out, strict=True), color=ORANGE, marker="o", markersize=4,
                      label="held-out text")  # fmt: skip
            if held_out[0][0] == 0:
                axis.axhline(held_out[0][1], color=GREY, linewidth=1, linestyle="--",
                             label="held-out text, base model")  # fmt: skip
        axis.axvline(chosen, color=GREEN, linewidth=1.2, label=f"kept: step {chosen}")
        axis.set_xlabel("optimizer steps")
        axis.set_ylabel("loss [nats a token]")
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.legend(frameon=False)
        if png:
            axis.figure.savefig(png, format="png", dpi=150, metadata={"Software": None})
    return result[0]


def _smooth(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Each loss as the mean of those before it, over a twentieth of the run."""
    width = max(1, len(points) // 20)
    smooth = []
    for k, (step, _) in enumerate(points):
        near = [loss for _, loss in points[max(0, k - width + 1) : k + 1]]
        smooth.append((step, sum(near) / len(near)))
    return smooth
