"""Axolotl's own output, read as events: pure functions of its lines."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from seqctx.schema.manifest import Point

_TOTAL = re.compile(r"Maximum number of steps set at (\d+)")
_BAR = re.compile(r"\b(\d+)/(\d+) \[\d+:")
_STAGES = {
    "Loading raw datasets": "tokenizing",
    "Loading weights": "loading the base model",
    "Starting trainer": "starting",
    "Running evaluation step": "evaluating",
    "Saving model checkpoint": "saving a checkpoint",
    "Training completed": "saving the adapter",
}


@dataclass(frozen=True, slots=True)
class Progress:
    """One thing that Axolotl said.

    Attributes:
        stage: what it does now.
        step: optimizer steps done.
        total: optimizer steps of the whole run; None until it is known.
        point: losses, where this event carries them.
    """

    stage: str
    step: int
    total: int | None
    point: Point | None = None


def read_progress(lines: Iterable[str]) -> Iterator[Progress]:
    """Events of a training run, from the lines that Axolotl and transformers print."""
    stage, step, total = "starting Axolotl", 0, None
    moved = False  # whether the bar has counted the step that the next losses belong to
    for line in lines:
        if metrics := _metrics(line):
            if "eval_loss" in metrics:
                stage = "training"
                point = Point(step=step, epoch=metrics["epoch"], eval_loss=metrics["eval_loss"])
            elif "loss" in metrics:
                stage, step, moved = "training", step if moved else step + 1, False
                point = Point(step=step, epoch=metrics["epoch"], loss=metrics["loss"])
            else:
                continue
            yield Progress(stage, step, total, point)
        elif match := _TOTAL.search(line):
            total = int(match[1])
            yield Progress(stage, step, total)
        elif new := next((s for mark, s in _STAGES.items() if mark in line), None):
            if new != stage:
                stage = new
                yield Progress(stage, step, total)
        elif stage in ("training", "starting") and (match := _BAR.search(line)):
            if int(match[2]) == total and int(match[1]) > step:
                stage, step, moved = "training", int(match[1]), True
                yield Progress(stage, step, total)


def _metrics(line: str) -> dict[str, float] | None:
    """The numbers of a line such as ``{'loss': '3.1', 'epoch': '0.5'}``, else None."""
    start = line.find("{'")
    if start < 0 or not line.rstrip().endswith("}") or "'epoch'" not in line:
        return None
    try:
        found = ast.literal_eval(line[start:].strip())
        return {key: float(value) for key, value in found.items()}
    except (ValueError, SyntaxError, TypeError, AttributeError):
        return None
