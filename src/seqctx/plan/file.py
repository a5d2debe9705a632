"""The plan of a file on disk, with what was measured of its text, as ``seqctx plan`` prints it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from seqctx.artifacts.dataset_stats import DatasetStats
from seqctx.artifacts.layout import DatasetDir
from seqctx.config.config import Config
from seqctx.errors import InputError
from seqctx.plan.options import ComparedOptions, compare_options
from seqctx.plan.summary import PlanSummary, summarize


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A file's plan.

    Attributes:
        summary: training and serving.
        stats: what ``seqctx prepare`` measured; None where it was not run.
        compared: the ways to train, compared; None where that was not asked for.
    """

    summary: PlanSummary
    stats: DatasetStats | None
    compared: ComparedOptions | None

    def as_data(self) -> dict[str, Any]:
        """Numbers and strings alone, for JSON; parts that were not planned are left out."""
        data = self.summary.as_data()
        if self.compared:
            data["options"] = asdict(self.compared)
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
        gpu: the GPU; ``seqctx.gpu`` when None.
        compare: also compare the ways to train; ``seqctx prepare`` must have been run.

    Raises:
        InputError: when the file cannot be planned, or ``compare`` lacks the prepared text.
    """
    dataset = DatasetDir.of(path)
    stats = DatasetStats.read(dataset.stats)
    summary = summarize(cfg, gpu=gpu, stats=stats)
    if not compare:
        return PlannedFile(summary, stats, None)
    if stats is None:
        raise InputError(
            f"{dataset.path}: not prepared yet, and --options compares the ways to train on the "
            f"prepared text. Run 'seqctx prepare {path}' first."
        )
    compared = compare_options(
        cfg, stats, goal=cfg.seqctx.goal, gpu=summary.training.gpu, model=summary.model
    )
    return PlannedFile(summary, stats, compared)
