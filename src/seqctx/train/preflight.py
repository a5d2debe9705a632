"""Problems that can be found before the GPU hours: in the file, the data, the memory, the disk."""

from __future__ import annotations

from pathlib import Path

from seqctx.artifacts.layout import DATA_FILES, DatasetDir
from seqctx.artifacts.manifest import Manifest
from seqctx.catalog.gpus import find_gpu, machine_gpu
from seqctx.catalog.models import Model
from seqctx.check.check import SERVING_RULES, check
from seqctx.check.facts import Facts, gather_facts
from seqctx.config.config import Config
from seqctx.config.effective import Effective
from seqctx.config.source import Document
from seqctx.errors import CheckError, InputError
from seqctx.plan.memory import GIB, MemoryPlan
from seqctx.plan.training import plan_training
from seqctx.system.atomic import free_bytes
from seqctx.system.hashing import hash_file
from seqctx.system.host import has_gpu

_OVERHEAD = 200_000_000  # bytes: tokenized data, the log, the tokenizer


def preflight(cfg: Config, document: Document | None, output: Path) -> MemoryPlan | None:
    """Check all that a run needs.

    Args:
        cfg: the file, with what ``--set`` changed.
        document: the same file with its lines; None: its rules are not checked.
        output: where the run will write.

    Returns:
        The plan of its memory; None where it cannot be planned.

    Raises:
        CheckError: for whatever is missing or wrong; all errors of the file at once.
    """
    model = None
    if document:
        path = Path(document.name)
        cpu = None if has_gpu() else find_gpu("cpu")
        facts = gather_facts(cfg, path, gpu=cpu, any_model=True)
        model = facts.model
        _check_file(cfg, document, facts)
    _check_data(cfg)
    plan = training_plan_here(cfg, model)
    if plan and plan.fits is False and plan.margin is not None and plan.gpu:
        raise CheckError(
            f"plan: needs {plan.device / GIB:.1f} GiB, the {plan.gpu.name} here has "
            f"{(plan.capacity or 0) / GIB:.1f} GiB; {plan.largest.name} is the largest part "
            f"({plan.largest.bytes / GIB:.1f} GiB). See 'seqctx plan', or train with --force."
        )
    _check_disk(cfg, plan, output)
    return plan


def training_plan_here(cfg: Config, model: Model | None = None) -> MemoryPlan | None:
    """Planned memory on this machine's GPU or CPU.

    Args:
        cfg: the file.
        model: the base model's row; None: it is looked up.

    Returns:
        The plan; None for models and settings that the planner does not cover.
    """
    gpu = machine_gpu()
    try:
        return plan_training(cfg if gpu else cfg.replace(seqctx__gpu="cpu"), gpu=gpu, model=model)
    except InputError:
        return None


def _check_file(cfg: Config, document: Document, facts: Facts) -> None:
    """Check the rules of training; errors about serving do not stop a training run.

    Raises:
        CheckError: with all errors.
    """
    problems = check(document, cfg, facts)
    found = [p for p in problems if p.severity == "error" and p.rule not in SERVING_RULES]
    if found:
        raise CheckError(*map(str, found))


def _check_data(cfg: Config) -> None:
    """Check that the files which prepare wrote are unchanged.

    Raises:
        CheckError: when a file has changed.
    """
    for dataset in (*cfg.datasets, *cfg.test_datasets):
        path = Path(dataset.path)
        if path.name not in DATA_FILES or not path.is_file():
            continue
        manifest = Manifest.read(DatasetDir(path.parent).manifest)
        if manifest and manifest.files.get(path.name) != hash_file(path):
            raise CheckError(
                f"{path}: differs from what its manifest says: it was changed after 'seqctx "
                "prepare', or is from another run. To train on it, move it to another folder and "
                "list it there in datasets. Else delete it and run 'seqctx prepare' again."
            )


def most_checkpoints(cfg: Config) -> int:
    """How many checkpoints exist at most at the same time.

    The oldest one is deleted only when the newest is complete.
    """
    effective = Effective.of(cfg)
    if effective.save_strategy == "no":
        return 0
    limit = effective.save_total_limit
    if effective.save_strategy == "epoch":
        limit = min(limit, max(1, round(effective.num_epochs)))
    return limit + 1


def _check_disk(cfg: Config, plan: MemoryPlan | None, output: Path) -> None:
    """Check that the disk has room for the checkpoints.

    Raises:
        CheckError: when it has not.
    """
    needed = _OVERHEAD
    if plan:
        terms = {t.name: t.bytes for t in plan.terms}
        weights = terms.get("adapter") or terms.get("weights", 0) + terms.get("embeddings", 0)
        optimizer = 0 if Effective.of(cfg).save_only_model else terms.get("optimizer", weights)
        needed += most_checkpoints(cfg) * (weights + optimizer) + weights
    if (free := free_bytes(output)) < needed:
        raise CheckError(
            f"output_dir: {output}: the disk is too full: {free / 1e6:,.0f} MB are free, the run "
            f"needs {needed / 1e6:,.0f} MB. Make room, lower save_total_limit, or set output_dir "
            "to another disk."
        )
