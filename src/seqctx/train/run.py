"""Run Axolotl on a file: preflight, a resolved YAML, the run itself, a record of it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from seqctx.artifacts.run_record import BEGUN, RUN_RECORD, Begun, Memory, Point, Run
from seqctx.catalog.gpus import machine_gpu
from seqctx.catalog.model_folder import fingerprint_model
from seqctx.config.config import Config
from seqctx.errors import CheckError, InputError, ToolError
from seqctx.plan.memory import GIB, MemoryPlan
from seqctx.system.atomic import explain_os_errors, locked, partial_of, replaced_folder
from seqctx.system.environments import find_tool, tool_environment, versions
from seqctx.system.hashing import hash_file, hash_text
from seqctx.train.checkpoints import (
    Checkpoint,
    choose,
    forget_incomplete,
    joined,
    points_of,
    resumable,
    take_weights,
    weight_files,
    whole_checkpoints,
)
from seqctx.train.launch import (
    Trained,
    node_rank,
    refuse_orphans,
    run_axolotl,
    stoppable,
    train_command,
)
from seqctx.train.page import write_curve
from seqctx.train.preflight import planned, preflight
from seqctx.train.progress import Progress
from seqctx.train.resolved import data_hashes, fingerprint_of, needs_hub, resolve, write_resolved

__all__ = [
    "follow",
    "kept_step",
    "node_rank",
    "resolve",
    "train",
    "train_command",
    "write_resolved",
]
_RECORDED = ("axolotl", "torch", "transformers", "peft", "bitsandbytes", "seqctx")
_TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "tokenizer.model", "chat_template.jinja")


@dataclass(frozen=True, slots=True)
class _Job:
    """What one run needs to know."""

    cfg: Config
    output: Path
    fingerprint: str
    launcher: tuple[str, ...]
    plan: MemoryPlan | None
    log: Path
    on_event: Callable[[Progress], None]


def train(
    cfg: Config,
    *,
    path: Path | None = None,
    force: bool = False,
    resume: bool = False,
    launcher: tuple[str, ...] = (),
    on_event: Callable[[Progress], None] = lambda event: None,
) -> tuple[Run, bool]:
    """Train what a file says, unless that was done and nothing changed.

    Axolotl writes to `system.atomic.partial_of` ``output_dir``, which takes its place when it ended
    well. Its YAML, its log and the record are in ``run/``. A run that fails or is interrupted
    after its first checkpoint is kept there, for ``resume``.

    Args:
        cfg: the file, with what is laid over it.
        path: where it is: its rules are looked at first.
        force: train again though nothing changed, though the plan says that it does not fit, and
            though an interrupted run is there, which is thrown away.
        resume: go on from the newest whole checkpoint of an interrupted run, if there is one.
        launcher: options for torchrun; see `launch.train_command`.
        on_event: called with each thing that Axolotl says, and twice a second.

    Returns:
        The record, and whether it is new.

    Raises:
        CheckError: when data, base model, memory or disk are wanting, or an interrupted run
            stands in the way.
        ToolError: when Axolotl is not there, or failed; with its reason and the log.
    """
    output = Path(cfg.output_dir)
    mapping = resolve(cfg, output)
    fingerprint = fingerprint_of(cfg, mapping)
    last = None if force else Run.read(output / RUN_RECORD)
    if last and last.fingerprint == fingerprint and _trained(cfg, output):
        return last, False
    axolotl = find_tool("axolotl")
    plan = planned(cfg, machine_gpu()) if force else preflight(cfg, path, output)
    partial = partial_of(output.resolve() if output.is_symlink() else output)
    refuse_orphans(partial / "run" / "axolotl.yaml")
    start = None if force else _to_go_on_from(partial, fingerprint, resume)
    with (
        _log_of(output, partial, fresh=start is None) as log,
        replaced_folder(
            output,
            made_by=RUN_RECORD,
            resume=start is not None,
            keep=holds_something,
        ) as partial,
    ):
        job = _Job(cfg, output, fingerprint, launcher, plan, log, on_event)
        record = _train(job, axolotl, partial, start)
        with explain_os_errors(log):
            shutil.move(log, partial / "run" / "train.log")
        record.write(partial / RUN_RECORD)
    (output / BEGUN).unlink()
    write_curve(record, output / "run")
    return record, True


def follow(
    cfg: Config,
    launcher: tuple[str, ...],
    *,
    resume: bool = False,
    on_event: Callable[[Progress], None] = lambda event: None,
) -> Path:
    """Take part in a run that another machine leads: the same Axolotl, and no record of it.

    Args:
        cfg: the file, the same as there.
        launcher: options for torchrun, with ``--node_rank`` above 0.
        resume: as there; the checkpoints must be on a disk that both see.
        on_event: as in `train`.

    Returns:
        The log.

    Raises:
        ToolError: when Axolotl is not there, or failed.
    """
    output, axolotl = Path(cfg.output_dir), find_tool("axolotl")
    partial = partial_of(output.resolve() if output.is_symlink() else output)
    name = f"node-{node_rank(launcher)}"
    mapping = stoppable(resolve(cfg, partial))
    if resume and (found := resumable(partial)):
        mapping["resume_from_checkpoint"] = str(found[-1].folder)
    log = output.with_name(f"{output.name}.train.{name}.log")
    # not in partial, which the first one empties
    resolved = write_resolved(mapping, log.with_suffix(".yaml"), output)
    env = tool_environment(axolotl, offline=not needs_hub(mapping))
    run_axolotl(train_command(axolotl, resolved, launcher), env, partial, log, on_event=on_event)
    return log


def kept_step(cfg: Config) -> int | None:
    """The step at which an interrupted run can be gone on with; None where there is none."""
    output = Path(cfg.output_dir)
    found = resumable(partial_of(output.resolve() if output.is_symlink() else output))
    return found[-1].step if found else None


def holds_something(partial: Path) -> bool:
    """Whether a run left what is worth to be kept: checkpoints, or all that it was to make."""
    begun = Begun.read(partial / BEGUN)
    return bool(whole_checkpoints(partial)) or (begun is not None and begun.ended)


def _to_go_on_from(partial: Path, fingerprint: str, resume: bool) -> Checkpoint | None:
    """The newest whole checkpoint of an interrupted run; None where there is none.

    Raises:
        CheckError: when there is one and it may not be gone on from.
    """
    if not partial.is_dir():
        return None
    with locked(partial):
        if not holds_something(partial):
            return None
        found = resumable(partial)
        begun = Begun.read(partial / BEGUN)
    if not found or begun is None:
        what = "weights stand here of a run that saved no optimizer to go on with"
        if begun and begun.ended:
            what = "a finished run stands here, which could not take its place"
        raise CheckError(f"{partial}: {what}. Move it away, or throw it away with --force.")
    newest = found[-1]
    if begun.fingerprint != fingerprint:
        raise CheckError(
            f"{partial}: an interrupted run stands at step {newest.step}, but the file, the data "
            "or the base model changed since. Restore them and add --resume, or begin anew with "
            "--force."
        )
    if not resume:
        raise CheckError(
            f"{partial}: an interrupted run stands at step {newest.step}. Go on with --resume, or "
            "begin anew with --force."
        )
    return newest


def _train(job: _Job, axolotl: Path, partial: Path, start: Checkpoint | None) -> Run:
    """Run Axolotl, take the best checkpoint, and say what was made."""
    cfg, run = job.cfg, partial / "run"
    mapping, earlier = stoppable(resolve(cfg, partial)), []
    begun = Begun(fingerprint=job.fingerprint, started=time.time())
    if start:
        forget_incomplete(partial)
        mapping["resume_from_checkpoint"] = str(start.folder)
        earlier = points_of(start)
        begun = _gone_on(Begun.read(partial / BEGUN) or begun, start)
    begun.write(partial / BEGUN)
    resolved = write_resolved(mapping, run / "axolotl.yaml", job.output)
    ray = bool(cfg.get("use_ray"))
    command = train_command(axolotl, resolved, job.launcher, ray=ray)
    said = run_axolotl(
        command,
        tool_environment(axolotl, offline=not needs_hub(mapping)),
        partial,
        job.log,
        first=start.step if start else 0,
        planned_gib=job.plan.reserved / GIB if job.plan and job.plan.gpu else None,
        on_event=job.on_event,
    )
    begun.model_copy(update={"ended": True}).write(partial / BEGUN)
    if not _trained(cfg, partial):
        raise ToolError(f"axolotl: ended without weights in {partial}. See the log: {job.log}.")
    there = whole_checkpoints(partial)
    exact = points_of(there[-1]) if there else []
    points = joined([*exact, *earlier], said.points)
    said.steps = max(said.steps, there[-1].step if there else 0)
    saved = {c.step: c.folder for c in there if weight_files(c.folder)}
    chosen = choose(points, saved, said.steps)
    if chosen.step != said.steps:
        take_weights(saved[chosen.step], partial, keep=said.steps not in saved)
    return Run(
        fingerprint=job.fingerprint,
        base_model=cfg.base_model,
        base_fingerprint=fingerprint_model(cfg.base_model),
        data=data_hashes(mapping),
        tokenizer=hash_text(*(hash_file(p) for n in _TOKENIZER if (p := partial / n).is_file())),
        versions=versions(axolotl, _RECORDED),
        command=tuple(command),
        seconds=round(begun.seconds + time.time() - begun.started, 1),
        steps=said.steps,
        trained_tokens=max((p.trained_tokens or 0 for p in points), default=0) or None,
        memory=_memory(job.plan, said, points),
        points=points,
        chosen=chosen,
        resumed_at=begun.resumed_at,
        warnings=tuple(said.warnings),
    )


def _gone_on(begun: Begun, start: Checkpoint) -> Begun:
    """The same run, going on now."""
    spent = (start.folder / "trainer_state.json").stat().st_mtime - begun.started
    return Begun(
        fingerprint=begun.fingerprint,
        started=time.time(),
        seconds=begun.seconds + max(0.0, spent),
        resumed_at=(*begun.resumed_at, start.step),
    )


def _memory(plan: MemoryPlan | None, said: Trained, points: tuple[Point, ...]) -> Memory:
    """What was planned beside what was measured."""

    def highest(values: list[float | None]) -> int | None:
        given = [value for value in values if value]
        return int(max(given) * GIB) if given else None

    return Memory(
        planned_allocated=plan.allocated if plan else None,
        planned_device=plan.device if plan else None,
        allocated=highest([p.allocated_gib for p in points]),
        reserved=highest([p.reserved_gib for p in points]),
        resident=said.resident,
    )


@contextmanager
def _log_of(output: Path, partial: Path, *, fresh: bool) -> Iterator[Path]:
    """``<output_dir>.train.log``: stays where a run fails or is kept, goes where one is not."""
    log = output.with_name(output.name + ".train.log")
    with explain_os_errors(log):
        log.parent.mkdir(parents=True, exist_ok=True)
        if fresh:
            log.unlink(missing_ok=True)
    try:
        yield log
    except (KeyboardInterrupt, SystemExit):
        if not holds_something(partial):
            log.unlink(missing_ok=True)
        raise
    except (ToolError, InputError) as error:  # a disk that fills is an InputError
        if kept := resumable(partial):
            text = f"{error} Step {kept[-1].step} is kept; --resume goes on."
            raise type(error)(text) from None
        raise


def _trained(cfg: Config, folder: Path) -> bool:
    """Whether a folder holds what this file trains."""
    is_adapter = cfg.adapter and not cfg.get("relora")  # which Axolotl merges at the end
    return any(folder.glob("adapter_model*" if is_adapter else "model*.safetensors"))
