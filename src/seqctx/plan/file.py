"""The plan of a file on disk, with what was measured of its text, as ``seqctx plan`` prints it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from seqctx.artifacts.dataset_stats import DatasetStats
from seqctx.artifacts.layout import DatasetDir
from seqctx.config.config import Config
from seqctx.errors import InputError
from seqctx.plan.options import Advice, advise
from seqctx.plan.summary import Planned


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file's plan.

    Attributes:
        planned: training and serving.
        stats: what ``seqctx prepare`` measured; None where it was not run.
        advice: the ways to train, compared; None where that was not asked for.
    """

    planned: Planned
    stats: DatasetStats | None
    advice: Advice | None

    def as_data(self) -> dict[str, Any]:
        """Numbers and strings alone, for JSON; parts that were not planned are left out."""
        planned = self.planned
        data: dict[str, Any] = {"training": asdict(planned.training), "longest": planned.longest}
        if planned.refused:
            data["refused"] = planned.refused
        for name in ("serving", "time", "speed"):
            if part := getattr(planned, name):
                data[name] = asdict(part)
        if self.advice:
            data["advice"] = asdict(self.advice)
        return data


def plan_file(
    path: Path,
    cfg: Config,
    *,
    gpu: str | None = None,
    compare: bool = False,
) -> PlannedFile:
    """Plan a file.

    Args:
        path: where it is; what was prepared for it is found by its name.
        cfg: what it says, with its overrides.
        gpu: the card; what ``seqctx.gpu`` names when None.
        compare: also compare the ways to train; ``seqctx prepare`` must have been run.

    Raises:
        InputError: when the file cannot be planned, or ``compare`` lacks the prepared text.
    """
    dataset = DatasetDir.of(path)
    stats = DatasetStats.read(dataset.stats)
    planned = Planned.of(cfg, gpu, stats)
    if not compare:
        return PlannedFile(planned, stats, None)
    if stats is None:
        raise InputError(
            f"{dataset.path}: not prepared yet, and --options compares the ways to train on the "
            f"prepared text. Run 'seqctx prepare {path}' first."
        )
    advice = advise(cfg, stats, planned.model, goal=cfg.seqctx.goal, gpu=planned.training.gpu)
    return PlannedFile(planned, stats, advice)
