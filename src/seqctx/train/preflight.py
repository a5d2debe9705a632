"""What can be found wrong before the GPU hours: file, data, memory, disk."""

from __future__ import annotations

from pathlib import Path

from seqctx.artifacts.layout import DatasetDir
from seqctx.artifacts.manifest import DATA_FILES, Manifest
from seqctx.catalog.gpus import Gpu, find_gpu, machine_gpu
from seqctx.check.check import check
from seqctx.check.facts import gather_facts
from seqctx.check.rule import RULES
from seqctx.check.rules import serving as serving_rules
from seqctx.config.config import Config
from seqctx.config.effective import Effective
from seqctx.config.source import read_document
from seqctx.errors import CheckError, InputError
from seqctx.plan.memory import GIB, MemoryPlan
from seqctx.plan.training import plan_training
from seqctx.system.atomic import free_bytes
from seqctx.system.hashing import hash_file
from seqctx.system.host import has_gpu

_LOGS = 200_000_000  # bytes: tokenized data, the log, the tokenizer
_IN_THE_SERVER = {r.id for r in RULES if r.look.__module__ == serving_rules.__name__}


def preflight(cfg: Config, path: Path | None, output: Path) -> MemoryPlan | None:
    """Look at all that a run needs.

    Args:
        cfg: the file, with what was laid over it.
        path: where it is; without it the file's rules are not looked at.
        output: where the run will write.

    Returns:
        The plan of its memory; None where it cannot be planned.

    Raises:
        CheckError: for whatever is wanting, all of the file's errors at once.
    """
    if path:
        _check_file(cfg, path)
    _check_data(cfg)
    plan = planned(cfg, machine_gpu())
    if plan and plan.fits is False and plan.margin is not None and plan.gpu:
        raise CheckError(
            f"plan: needs {plan.device / GIB:.1f} GiB, {plan.gpu.name} here has "
            f"{(plan.capacity or 0) / GIB:.1f}; {plan.largest.name} is the largest part "
            f"({plan.largest.bytes / GIB:.1f} GiB). See 'seqctx plan', or train with --force."
        )
    _check_disk(cfg, plan, output)
    return plan


def planned(cfg: Config, gpu: Gpu | None) -> MemoryPlan | None:
    """The plan for the card that is here; None for models and settings that are not covered."""
    try:
        return plan_training(cfg if gpu else cfg.replace(seqctx__gpu="cpu"), gpu=gpu)
    except InputError:
        return None


def _check_file(cfg: Config, path: Path) -> None:
    """That no rule of training finds an error; what concerns the server alone may wait.

    Raises:
        CheckError: with all that is found.
    """
    facts = gather_facts(cfg, path, gpu=None if has_gpu() else find_gpu("cpu"), any_model=True)
    problems = check(read_document(path), cfg, facts)
    found = [p for p in problems if p.severity == "error" and p.rule not in _IN_THE_SERVER]
    if found:
        raise CheckError("\n".join(map(str, found)))


def _check_data(cfg: Config) -> None:
    """That what prepare wrote is as it wrote it.

    Raises:
        CheckError: when a file was changed since.
    """
    for dataset in (*cfg.datasets, *cfg.test_datasets):
        path = Path(dataset.path)
        if path.name not in DATA_FILES or not path.is_file():
            continue
        manifest = Manifest.read(DatasetDir(path.parent).manifest)
        if manifest and manifest.files.get(path.name) != hash_file(path):
            raise CheckError(
                f"{path}: not as its manifest says; it was changed after 'seqctx prepare', or is "
                "another run's. Run 'seqctx prepare' again."
            )


def checkpoints_at_once(cfg: Config) -> int:
    """How many stand side by side at most: the newest beside the oldest until it is whole."""
    file = Effective.of(cfg)
    strategy, limit = file.save_strategy, file.save_total_limit
    if strategy == "no":
        return 0
    if strategy == "epoch":
        limit = min(limit, max(1, round(cfg.num_epochs)))
    return limit + 1


def _check_disk(cfg: Config, plan: MemoryPlan | None, output: Path) -> None:
    """That the disk holds the checkpoints.

    Raises:
        CheckError: when it does not.
    """
    needed = _LOGS
    if plan:
        state = {t.name: t.bytes for t in plan.terms}
        trained = state.get("adapter") or state.get("weights", 0) + state.get("embeddings", 0)
        state_of = 0 if Effective.of(cfg).save_only_model else state.get("optimizer", trained)
        needed += checkpoints_at_once(cfg) * (trained + state_of) + trained
    if (free := free_bytes(output)) < needed:
        raise CheckError(
            f"output_dir: {output}: the disk is full ({free / 1e6:,.0f} MB free, a run wants "
            f"{needed / 1e6:,.0f}). Make room, lower save_total_limit, or set output_dir elsewhere."
        )
