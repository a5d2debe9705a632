"""Whether an interrupted run can be resumed, and from which checkpoint."""

from __future__ import annotations

import time
from pathlib import Path

from seqctx.artifacts.layout import RunDir
from seqctx.artifacts.run_record import UnfinishedRun
from seqctx.config.config import Config
from seqctx.errors import CheckError
from seqctx.system.atomic import locked
from seqctx.train.checkpoints import Checkpoint, complete_checkpoints, resumable_checkpoints


def resumable_step(cfg: Config) -> int | None:
    """The step from which an interrupted run can be resumed; None where there is none."""
    found = resumable_checkpoints(RunDir.growing(Path(cfg.output_dir)).output_dir)
    return found[-1].step if found else None


def worth_keeping(partial: Path) -> bool:
    """Whether a run left something that must not be deleted: checkpoints, or finished weights."""
    begun = UnfinishedRun.read(RunDir(partial).begun)
    return bool(complete_checkpoints(partial)) or (begun is not None and begun.ended)


def resume_point(growing: RunDir, fingerprint: str, *, resume: bool) -> Checkpoint | None:
    """The newest complete checkpoint of an interrupted run; None where there is no such run.

    Args:
        growing: the folder of the interrupted run.
        fingerprint: of the run that is to start now.
        resume: whether the caller wants to resume.

    Raises:
        CheckError: when there is an interrupted run and it may not be resumed.
    """
    partial = growing.output_dir
    if not partial.is_dir():
        return None
    with locked(partial):
        if not worth_keeping(partial):
            return None
        found = resumable_checkpoints(partial)
        begun = UnfinishedRun.read(growing.begun)
    if not found or begun is None:
        what = (
            "holds a finished run that could not be moved to output_dir"
            if begun and begun.ended
            else "holds weights of an interrupted run without the optimizer state to resume from"
        )
        raise CheckError(f"{partial}: {what}. Move it away, or delete it with --force.")
    step = found[-1].step
    if begun.fingerprint != fingerprint:
        raise CheckError(
            f"{partial}: holds an interrupted run at step {step}, but the file, the data or the "
            "base model has changed since then. Undo the change and add --resume, or start over "
            "with --force."
        )
    if not resume:
        raise CheckError(
            f"{partial}: holds an interrupted run at step {step}. Continue it with --resume, or "
            "start over with --force."
        )
    return found[-1]


def resumed(begun: UnfinishedRun, start: Checkpoint) -> UnfinishedRun:
    """The record of an unfinished run that continues now from a checkpoint."""
    spent = (start.folder / "trainer_state.json").stat().st_mtime - begun.started
    return UnfinishedRun(
        fingerprint=begun.fingerprint,
        started=time.time(),
        seconds=begun.seconds + max(0.0, spent),
        resumed_at=(*begun.resumed_at, start.step),
        config=begun.config,
    )
