"""Run Axolotl on a file: preflight, a resolved YAML, the run itself, a record of it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from seqctx.artifacts.folder_config import config_name
from seqctx.artifacts.folder_kinds import RUN, files_of_run, unknown_files
from seqctx.artifacts.layout import RunDir
from seqctx.artifacts.run_record import Memory, Point, TrainingRun, UnfinishedRun
from seqctx.catalog.model_folder import fingerprint_model
from seqctx.config.config import Config
from seqctx.config.effective import Effective
from seqctx.config.render import hiding_secrets
from seqctx.config.source import Document
from seqctx.errors import InputError, ToolError, without_url_secrets
from seqctx.plan.memory import GIB, MemoryPlan
from seqctx.system.arguments import expect_type
from seqctx.system.atomic import explain_os_errors
from seqctx.system.environments import find_tool, tool_environment, versions
from seqctx.system.hashing import hash_file, hash_text
from seqctx.system.replaced_folder import check_replaceable, replaced_folder
from seqctx.train.axolotl_secrets import hide_in_outputs, separate_secrets
from seqctx.train.checkpoints import (
    Checkpoint,
    choose_checkpoint,
    complete_checkpoints,
    install_weights,
    logged_metrics,
    merge_points,
    remove_incomplete,
    resumable_checkpoints,
    weight_files,
)
from seqctx.train.launch import (
    TrainingOutput,
    node_rank,
    refuse_leftover_processes,
    run_axolotl,
    save_on_request,
    train_command,
)
from seqctx.train.output import refuse_inputs_in_output, refuse_run_of_other_config
from seqctx.train.page import write_curve
from seqctx.train.preflight import preflight, training_plan_here
from seqctx.train.progress import Progress
from seqctx.train.resolved import data_hashes, fingerprint_of, needs_hub, resolve, write_resolved
from seqctx.train.resume import resume_point, resumed, worth_keeping

_RECORDED = ("axolotl", "torch", "transformers", "peft", "bitsandbytes", "seqctx")
_TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "tokenizer.model", "chat_template.jinja")


@dataclass(frozen=True, slots=True)
class _Job:
    """One run: what is trained, where it grows, and who listens.

    Attributes:
        cfg: the file.
        run_dir: where the run goes when it has ended well.
        growing: where it grows until then.
        axolotl: the program.
        fingerprint: of the file, the data and the base model.
        launcher: options for torchrun.
        plan: planned memory; None where it cannot be planned.
        log: where Axolotl's output goes.
        on_event: called with each event.
        config: the file's name for the records; empty where it is not known.
    """

    cfg: Config
    run_dir: RunDir
    growing: RunDir
    axolotl: Path
    fingerprint: str
    launcher: tuple[str, ...]
    plan: MemoryPlan | None
    log: Path
    on_event: Callable[[Progress], None]
    config: str


def train(
    cfg: Config,
    *,
    document: Document | None = None,
    config: Path | None = None,
    force: bool = False,
    resume: bool = False,
    launcher: tuple[str, ...] = (),
    on_event: Callable[[Progress], None] = lambda event: None,
) -> tuple[TrainingRun, bool]:
    """Train what a file says, unless that was done and nothing has changed since.

    Axolotl writes to `RunDir.growing`, which takes the place of ``output_dir`` when the run has
    ended well. The YAML that Axolotl was given, its log and the record are in ``run/`` there. A run
    that fails or is interrupted after its first checkpoint is kept for ``resume``.

    Args:
        cfg: the file, with what ``--set`` changed.
        document: the same file with its lines, as `config.source.read_document` reads it; its rules
            are checked first. None: the rules are not checked.
        config: where the file is; another file's run is not replaced then.
        force: train again although nothing has changed, although the plan says that it does not
            fit, and although there is an interrupted run, which is deleted.
        resume: continue from the newest complete checkpoint of an interrupted run, if there is one.
        launcher: options for torchrun; see `launch.train_command`.
        on_event: called with each progress event, and twice a second.

    Returns:
        The record, and whether it is new.

    Raises:
        CheckError: when the file has errors, when data, base model, memory or disk space are
            missing, when there is an interrupted run, or when ``output_dir`` holds files of the
            user's, the run of another file, or the base model.
        InputError: when an argument has another type.
        ToolError: when Axolotl is not installed, or failed; with the reason and the log.
    """
    expect_type("cfg", cfg, Config, "Use seqctx.load_config(path).")
    if document is not None:
        expect_type("document", document, Document, "Use config.source.read_document(path).")
    output = Path(cfg.output_dir)
    run_dir, growing = RunDir(output), RunDir.growing(output)
    if config:
        refuse_run_of_other_config(config, run_dir, growing)
    fingerprint = fingerprint_of(cfg, resolve(cfg, output))
    if not force and (last := finished_run(cfg, fingerprint)):
        return last, False
    check_replaceable(output, RUN, resume=resume)
    refuse_inputs_in_output(cfg)
    if not force and (last := _moved(cfg, run_dir, growing, fingerprint)):
        return last, True
    axolotl = find_tool("axolotl")
    plan = training_plan_here(cfg) if force else preflight(cfg, document, output)
    refuse_leftover_processes(growing.axolotl_yaml)
    start = None if force else resume_point(growing, fingerprint, resume=resume)
    with (
        _training_log(run_dir, growing, fresh=start is None) as log,
        replaced_folder(output, kind=RUN, resume=start is not None, keep=worth_keeping) as partial,
    ):
        name = config_name(config, output) if config else ""
        job = _Job(cfg, run_dir, growing, axolotl, fingerprint, launcher, plan, log, on_event, name)
        with explain_os_errors(partial):
            unknown = unknown_files(partial)
        record = _train(job, start)
        with explain_os_errors(log):
            shutil.move(log, growing.log)
            files = files_of_run(partial, unknown)
        record = record.model_copy(update={"config": name, "files": files})
        record.write(growing.record)
    return _completed(record, run_dir), True


def _completed(record: TrainingRun, run_dir: RunDir) -> TrainingRun:
    """The record of a run that is in ``output_dir`` now, with its losses drawn."""
    run_dir.begun.unlink(missing_ok=True)
    write_curve(record, run_dir)
    return record


def _moved(cfg: Config, run_dir: RunDir, growing: RunDir, fingerprint: str) -> TrainingRun | None:
    """The record of a finished run that could not be moved to ``output_dir``, moved now.

    It stayed where it grew, for example because a file of the user's was in ``output_dir``.
    """
    record = TrainingRun.read(growing.record)
    if not record or record.fingerprint != fingerprint or not _has_weights(cfg, growing.output_dir):
        return None
    with replaced_folder(run_dir.output_dir, kind=RUN, resume=True, keep=lambda partial: True):
        pass
    return _completed(record, run_dir)


def finished_run(cfg: Config, fingerprint: str | None = None) -> TrainingRun | None:
    """The record of a run that need not be repeated; None where there is none.

    Args:
        cfg: the file, with what ``--set`` changed.
        fingerprint: of the run that is to be made; None: it is computed.

    Raises:
        CheckError: when data that the file names is missing.
    """
    output = Path(cfg.output_dir)
    last = TrainingRun.read(RunDir(output).record)
    if not last or not _has_weights(cfg, output):
        return None
    wanted = fingerprint or fingerprint_of(cfg, resolve(cfg, output))
    return last if last.fingerprint == wanted else None


def join_training(
    cfg: Config,
    launcher: tuple[str, ...],
    *,
    resume: bool = False,
    on_event: Callable[[Progress], None] = lambda event: None,
) -> Path:
    """Take part in a run that another machine leads: run the same Axolotl, without a record.

    Args:
        cfg: the file, the same as on the leading machine.
        launcher: options for torchrun, with ``--node_rank`` above 0.
        resume: as on the leading machine; the checkpoints must be on a disk that both see.
        on_event: as in `train`.

    Returns:
        The log.

    Raises:
        ToolError: when Axolotl is not installed, or failed.
    """
    axolotl, rank = find_tool("axolotl"), node_rank(launcher)
    run_dir, growing = RunDir(Path(cfg.output_dir)), RunDir.growing(Path(cfg.output_dir))
    partial = growing.output_dir
    mapping = save_on_request(resolve(cfg, partial))
    if resume and (found := resumable_checkpoints(partial)):
        mapping["resume_from_checkpoint"] = str(found[-1].folder)
    log = run_dir.worker_log(rank)
    # the YAML is not in the growing folder, which the leading machine empties
    clean, variables = separate_secrets(mapping)
    resolved = write_resolved(clean, run_dir.worker_yaml(rank), run_dir.output_dir)
    env = tool_environment(axolotl, offline=not needs_hub(mapping)) | variables
    command, hide = train_command(axolotl, resolved, launcher), hiding_secrets(cfg)
    run_axolotl(command, env, partial, log, hide=hide, on_event=on_event)
    return log


def _train(job: _Job, start: Checkpoint | None) -> TrainingRun:
    """Run Axolotl, install the best checkpoint's weights, and make the record."""
    cfg, growing = job.cfg, job.growing
    partial = growing.output_dir
    mapping = save_on_request(resolve(cfg, partial))
    begun = UnfinishedRun(fingerprint=job.fingerprint, started=time.time(), config=job.config)
    earlier: list[Point] = []
    if start:
        remove_incomplete(partial)
        mapping["resume_from_checkpoint"] = str(start.folder)
        earlier = logged_metrics(start)
        begun = resumed(UnfinishedRun.read(growing.begun) or begun, start)
    begun.write(growing.begun)
    clean, variables = separate_secrets(mapping)
    resolved = write_resolved(clean, growing.axolotl_yaml, job.run_dir.output_dir)
    command = train_command(job.axolotl, resolved, job.launcher, ray=Effective.of(cfg).use_ray)
    hide = hiding_secrets(cfg)
    try:
        output = run_axolotl(
            command,
            tool_environment(job.axolotl, offline=not needs_hub(mapping)) | variables,
            partial,
            job.log,
            hide=hide,
            first=start.step if start else 0,
            planned_gib=job.plan.reserved / GIB if job.plan and job.plan.gpu else None,
            on_event=job.on_event,
        )
    finally:
        hide_in_outputs(partial, hide)
    begun.model_copy(update={"ended": True}).write(growing.begun)
    if not _has_weights(cfg, partial):
        raise ToolError(f"axolotl: left no weights in {partial}. See the log: {job.log}.")
    return _keep_best(job, output, earlier, command, begun, data_hashes(mapping))


def _keep_best(
    job: _Job,
    output: TrainingOutput,
    earlier: list[Point],
    command: list[str],
    begun: UnfinishedRun,
    data: dict[str, str],
) -> TrainingRun:
    """Install the best checkpoint's weights, and make the record of the run.

    Args:
        job: the run.
        output: what Axolotl printed.
        earlier: metrics up to the checkpoint from which the run was resumed.
        command: that was run.
        begun: the record so far.
        data: hashes of the data.
    """
    partial = job.growing.output_dir
    checkpoints = complete_checkpoints(partial)
    exact = logged_metrics(checkpoints[-1]) if checkpoints else []
    points = merge_points([*exact, *earlier], output.points)
    steps = max(output.steps, checkpoints[-1].step if checkpoints else 0)
    saved = {c.step: c.folder for c in checkpoints if weight_files(c.folder)}
    chosen = choose_checkpoint(points, saved, steps)
    if chosen.step != steps:
        install_weights(saved[chosen.step], partial, keep_last=steps not in saved)
    tokenizer_files = [partial / name for name in _TOKENIZER if (partial / name).is_file()]
    return TrainingRun(
        fingerprint=job.fingerprint,
        base_model=job.cfg.base_model,
        base_fingerprint=fingerprint_model(job.cfg.base_model),
        data=data,
        tokenizer=hash_text(*map(hash_file, tokenizer_files)),
        versions=versions(job.axolotl, _RECORDED),
        command=tuple(map(without_url_secrets, command)),
        seconds=round(begun.seconds + time.time() - begun.started, 1),
        steps=steps,
        trained_tokens=max((p.trained_tokens or 0 for p in points), default=0) or None,
        memory=_peak_memory(job.plan, output, points),
        points=points,
        chosen=chosen,
        resumed_at=begun.resumed_at,
        warnings=tuple(output.warnings),
    )


def _peak_memory(
    plan: MemoryPlan | None, output: TrainingOutput, points: tuple[Point, ...]
) -> Memory:
    """Planned and measured memory."""

    def highest(values: list[float | None]) -> int | None:
        given = [value for value in values if value]
        return int(max(given) * GIB) if given else None

    return Memory(
        planned_allocated=plan.allocated if plan else None,
        planned_device=plan.device if plan else None,
        allocated=highest([p.allocated_gib for p in points]),
        reserved=highest([p.reserved_gib for p in points]),
        resident=output.resident,
    )


@contextmanager
def _training_log(run_dir: RunDir, growing: RunDir, *, fresh: bool) -> Iterator[Path]:
    """The log of an unfinished run: kept with the run, removed with a run that left nothing."""
    log = run_dir.unfinished_log
    with explain_os_errors(log):
        log.parent.mkdir(parents=True, exist_ok=True)
        if fresh:
            log.unlink(missing_ok=True)
    try:
        yield log
    except (KeyboardInterrupt, SystemExit):
        if not worth_keeping(growing.output_dir):
            log.unlink(missing_ok=True)
        raise
    except (ToolError, InputError) as error:  # a disk that fills is an InputError
        if kept := resumable_checkpoints(growing.output_dir):
            text = f"{error} Step {kept[-1].step} is kept. Continue with --resume."
            raise type(error)(text) from None
        raise


def _has_weights(cfg: Config, folder: Path) -> bool:
    """Whether a folder holds what this file trains."""
    is_adapter = cfg.adapter and not cfg.get("relora")  # which Axolotl merges at the end
    return any(folder.glob("adapter_model*" if is_adapter else "model*.safetensors"))
