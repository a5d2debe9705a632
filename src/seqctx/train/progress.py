"""Read Axolotl's output as progress events: pure functions of its lines."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from seqctx.artifacts.run_record import Point
from seqctx.train.checkpoints import parse_metrics

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

_STEPPING = ("starting", "training", "saving a checkpoint")  # their bars count optimizer steps


@dataclass(frozen=True, slots=True)
class Progress:
    """One event of a training run.

    Attributes:
        stage: what Axolotl is doing.
        step: optimizer steps done.
        total: optimizer steps of the whole run; None until it is known.
        point: metrics, where this event has them.
        resident: main memory of Axolotl's processes [B]; 0 until it is measured.
        warning: a problem that Axolotl does not report, with its likely cause; empty where there
            is none.
    """

    stage: str
    step: int
    total: int | None
    point: Point | None = None
    resident: int = 0
    warning: str = ""


def read_progress(lines: Iterable[str], first: int = 0) -> Iterator[Progress]:
    """Events of a training run, from the lines that Axolotl and transformers print.

    Args:
        lines: what they print; an empty line repeats the last event.
        first: the step that the run resumes from.
    """
    stage, step, total = "starting Axolotl", first, None
    moved = False  # whether the bar has counted the step that the next metrics belong to
    for line in lines:
        if not line:
            yield Progress(stage, step, total)
        elif metrics := _metrics(line):
            is_step = "loss" in metrics
            if is_step:
                step, moved = step if moved else step + 1, False
            if point := parse_metrics(metrics, step):
                stage = "training"
                yield Progress(stage, step, total, point)
        elif match := _TOTAL.search(line):
            total = int(match[1])
            yield Progress(stage, step, total)
        elif new := next((s for mark, s in _STAGES.items() if mark in line), None):
            if new != stage:
                stage = new
                yield Progress(stage, step, total)
        elif stage in _STEPPING and (match := _BAR.search(line)):
            total = total or int(match[2])  # Axolotl prints the total for ordinary data only
            if int(match[2]) == total and int(match[1]) > step:
                stage, step, moved = "training", int(match[1]), True
                yield Progress(stage, step, total)


def _metrics(line: str) -> dict[str, Any] | None:
    """The numbers of a line such as ``{'loss': '3.1', 'epoch': '0.5'}``, else None."""
    start = line.find("{'")
    if start < 0 or not line.rstrip().endswith("}") or "'epoch'" not in line:
        return None
    try:
        found = ast.literal_eval(line[start:].strip())
        return {key: float(value) for key, value in found.items()}
    except (ValueError, SyntaxError, TypeError, AttributeError):
        return None
