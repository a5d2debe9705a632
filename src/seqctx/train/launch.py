"""Axolotl as a subprocess: its command, its output while it trains, its stop at a checkpoint."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from seqctx.artifacts.run_record import Point
from seqctx.errors import CheckError, ToolError
from seqctx.system.atomic import explain_os_errors
from seqctx.system.host import has_gpu
from seqctx.system.process import QUICK, failure, lines, resident_bytes, running, stop
from seqctx.system.scripts import WITHOUT_SEQCTX
from seqctx.train.checkpoints import complete_checkpoints
from seqctx.train.health import HealthMonitor, diverged
from seqctx.train.progress import Progress, read_progress

_TRIGGER = "axolotl_checkpoint.save"  # axolotl 0.19: utils/callbacks/dynamic_checkpoint.py
_TICK = 0.5  # seconds between two measurements of memory
_REMEDIES = {
    r"Found a sequence with length|exceeds the maximum sequence length": (
        "Run 'seqctx prepare' again, or raise sequence_len"
    ),
    r"PytorchStreamWriter failed|file write failed|I/O error: No space left": (
        "Make room on the disk of output_dir"
    ),
    r"ValidationError|Input should be": "Correct the key that it names",
    **WITHOUT_SEQCTX,
}


@dataclass
class TrainingOutput:
    """What was observed of a run: its steps, metrics, warnings and peak memory [B]."""

    steps: int = 0
    points: list[Point] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    resident: int = 0


def train_command(
    axolotl: Path, resolved: Path, launcher: tuple[str, ...] = (), *, ray: bool = False
) -> list[str]:
    """The command that trains; without a GPU it uses none of Axolotl's launchers.

    Args:
        axolotl: the program.
        resolved: the YAML that it is given.
        launcher: options for torchrun, such as ``--nnodes 2 --nproc_per_node 8``; or for another
            launcher, where they begin with ``--launcher NAME``.
        ray: whether Ray starts the processes. A launcher would then start Ray once for every GPU,
            because Axolotl looks for Ray on its command line only (0.19: cli/main.py).
    """
    command = [str(axolotl), "train", str(resolved)]
    if launcher and launcher[0] == "--launcher":
        return [*command, *launcher[:2], *(["--", *launcher[2:]] if launcher[2:] else [])]
    if launcher:
        return [*command, "--launcher", "torchrun", "--", *launcher]
    return command if has_gpu() and not ray else [*command, "--launcher", "python"]


def node_rank(launcher: tuple[str, ...]) -> int:
    """The rank of this machine, by the option of torchrun or accelerate; 0 leads."""
    found = re.search(r"--(?:node|machine)[_-]rank[= ](\d+)", " ".join(launcher))
    return int(found[1]) if found else 0


def save_on_request(mapping: dict[str, Any]) -> dict[str, Any]:
    """An Axolotl YAML that saves a checkpoint on request; training itself does not change."""
    settings = {"enabled": True, "check_interval": 1, "trigger_file_path": _TRIGGER}
    return {
        **mapping,
        "dynamic_checkpoint": {**(mapping.get("dynamic_checkpoint") or {}), **settings},
    }


def refuse_leftover_processes(resolved: Path) -> None:
    """Check that no process of an earlier run still writes where this run will write.

    Raises:
        CheckError: when one does, because its launcher was killed.
    """
    import psutil

    for process in psutil.process_iter(["cmdline"]):
        if str(resolved) not in (process.info["cmdline"] or ()):
            continue
        with suppress(psutil.Error):  # it has ended, or belongs to another user
            if Path(process.cwd(), resolved) == resolved.absolute():
                raise CheckError(
                    f"{resolved}: process {process.pid} of an earlier run is still training. Wait "
                    f"until it ends, or stop it: kill {process.pid}"
                )


def run_axolotl(
    command: list[str],
    env: dict[str, str],
    partial: Path,
    log: Path,
    *,
    hide: Callable[[str], str],
    first: int = 0,
    planned_gib: float | None = None,
    on_event: Callable[[Progress], None],
) -> TrainingOutput:
    """Run Axolotl to its end; interrupted, it first saves a checkpoint of the current step.

    Args:
        command: see `train_command`.
        env: its environment.
        partial: where it writes.
        log: file to which all that it prints is added.
        hide: takes secrets out of that.
        first: the step that it resumes from.
        planned_gib: planned memory of one GPU [GiB].
        on_event: called with each progress event, and twice a second.

    Raises:
        ToolError: when it fails, or its loss becomes NaN.
    """
    output, monitor = TrainingOutput(first), HealthMonitor(planned_gib)
    before = log.stat().st_size if log.exists() else 0  # of the run that is resumed
    with (
        explain_os_errors(log),
        log.open("ab") as f,
        running(command, env, patience=QUICK) as process,
    ):
        with _saved_before_stopping(process, f, partial, on_event, output, hide):
            measured = 0.0
            for event in read_progress(lines(process, f, quiet=_TICK, hide=hide), first):
                if time.monotonic() - measured > _TICK:
                    measured = time.monotonic()
                    output.resident = max(output.resident, resident_bytes(process.pid))
                output.steps = event.step
                on_event(replace(event, resident=output.resident))
                if event.point:
                    output.points.append(event.point)
                    for warning in monitor.warnings(event.point, event.total):
                        output.warnings.append(warning)
                        on_event(replace(event, warning=warning))
                    if diverged(event.point):
                        raise ToolError(
                            f"axolotl: the loss became NaN at step {event.step}, so the run was "
                            f"stopped. Lower learning_rate; the log is {log}."
                        )
        code = process.wait()
    if code:
        raise failure("axolotl", code, log, _REMEDIES, start=before)
    return output


@contextmanager
def _saved_before_stopping(
    process: Any,
    log: Any,
    partial: Path,
    on_event: Callable[[Progress], None],
    output: TrainingOutput,
    hide: Callable[[str], str],
) -> Iterator[None]:
    """On Ctrl-C or SIGTERM in the block, wait for a checkpoint; a second Ctrl-C ends all at once.

    Before the first step of this part of the run there is nothing to save.
    """
    first = output.steps
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        if process.poll() is None:
            try:
                if output.steps > first:
                    stage = "saving a checkpoint after this step, then stopping (Ctrl-C: stop now)"
                    on_event(Progress(stage, output.steps, None))
                    _save_checkpoint(process, log, partial, hide)
                else:
                    on_event(Progress("stopping Axolotl", output.steps, None))
            except (KeyboardInterrupt, SystemExit):
                stop(process, (0.0, 0.0))
                raise
        raise


def _save_checkpoint(process: Any, log: Any, partial: Path, hide: Callable[[str], str]) -> None:
    """Let Axolotl save a checkpoint after the current step, and wait for it."""
    before = {c.step for c in complete_checkpoints(partial)}
    (partial / _TRIGGER).touch()
    for _ in lines(process, log, quiet=_TICK, hide=hide):
        if {c.step for c in complete_checkpoints(partial)} - before:
            break
