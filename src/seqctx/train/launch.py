"""Axolotl as a subprocess: watched while it trains, stopped at a checkpoint."""

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
from seqctx.system.process import failure, lines, resident_bytes, running
from seqctx.system.scripts import WITHOUT_SEQCTX
from seqctx.train.checkpoints import whole_checkpoints
from seqctx.train.health import Watch, lost
from seqctx.train.progress import Progress, read_progress

_TRIGGER = "axolotl_checkpoint.save"  # axolotl 0.19: utils/callbacks/dynamic_checkpoint.py
_TICK = 0.5  # seconds between two looks at memory
_REMEDIES = {
    r"Found a sequence with length|exceeds the maximum sequence length": (
        "Run 'seqctx prepare' again, or raise sequence_len"
    ),
    r"PytorchStreamWriter failed|file write failed|I/O error: No space left": (
        "Make room on the disk of output_dir"
    ),
    r"ValidationError|Input should be": "Mend the key",
    **WITHOUT_SEQCTX,
}


@dataclass
class Trained:
    """What a run said while it went: its steps, losses, warnings and memory [B]."""

    steps: int = 0
    points: list[Point] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    resident: int = 0


def train_command(
    axolotl: Path, resolved: Path, launcher: tuple[str, ...] = (), *, ray: bool = False
) -> list[str]:
    """The command that trains; without a GPU, Axolotl's launchers only get in the way.

    Args:
        axolotl: the program.
        resolved: the YAML it is given.
        launcher: options for torchrun, such as ``--nnodes 2 --nproc_per_node 8``; or, beginning
            with ``--launcher``, for another one.
        ray: whether Ray starts the processes; a launcher would start it once a card, as Axolotl
            looks for it on its command line alone (0.19: cli/main.py).
    """
    command = [str(axolotl), "train", str(resolved)]
    if launcher and launcher[0] == "--launcher":
        return [*command, *launcher[:2], *(["--", *launcher[2:]] if launcher[2:] else [])]
    if launcher:
        return [*command, "--launcher", "torchrun", "--", *launcher]
    return command if has_gpu() and not ray else [*command, "--launcher", "python"]


def node_rank(launcher: tuple[str, ...]) -> int:
    """Which machine of several this is, by torchrun's or accelerate's option; 0 leads."""
    found = re.search(r"--(?:node|machine)[_-]rank[= ](\d+)", " ".join(launcher))
    return int(found[1]) if found else 0


def stoppable(mapping: dict[str, Any]) -> dict[str, Any]:
    """An Axolotl YAML that saves a checkpoint when it is asked to; training stays as it is."""
    ours = {"enabled": True, "check_interval": 1, "trigger_file_path": _TRIGGER}
    return {**mapping, "dynamic_checkpoint": {**(mapping.get("dynamic_checkpoint") or {}), **ours}}


def refuse_orphans(resolved: Path) -> None:
    """That no earlier run's processes still write where this one will.

    Raises:
        CheckError: when one does; its launcher was killed and left it behind.
    """
    import psutil

    for process in psutil.process_iter(["cmdline"]):
        if str(resolved) not in (process.info["cmdline"] or ()):
            continue
        with suppress(psutil.Error):  # it ended, or is somebody else's
            if Path(process.cwd(), resolved) == resolved.absolute():
                raise CheckError(
                    f"{resolved}: process {process.pid} of an earlier run still trains. Wait for "
                    f"it, or stop it: kill {process.pid}"
                )


def run_axolotl(
    command: list[str],
    env: dict[str, str],
    partial: Path,
    log: Path,
    *,
    first: int = 0,
    planned_gib: float | None = None,
    on_event: Callable[[Progress], None],
) -> Trained:
    """Run it to its end; interrupted, it stops at a checkpoint of the step that it is in.

    Args:
        command: see `train_command`.
        env: its environment.
        partial: where it writes.
        log: file to which all that it prints is added.
        first: the step that it goes on from.
        planned_gib: memory of one card by the plan [GiB].
        on_event: called with what it says, and twice a second.

    Raises:
        ToolError: when it fails, or its loss is no number any more.
    """
    said, watch = Trained(first), Watch(planned_gib)
    before = log.stat().st_size if log.exists() else 0  # by a run that is gone on with
    with (
        explain_os_errors(log),
        log.open("ab") as f,
        running(command, env) as process,
    ):
        with _stopped_at_a_checkpoint(process, f, partial, on_event, said):
            measured = 0.0
            for event in read_progress(lines(process, f, quiet=_TICK), first):
                if time.monotonic() - measured > _TICK:
                    measured = time.monotonic()
                    said.resident = max(said.resident, resident_bytes(process.pid))
                said.steps = event.step
                on_event(replace(event, resident=said.resident))
                if event.point:
                    said.points.append(event.point)
                    for warning in watch.look(event.point, event.total):
                        said.warnings.append(warning)
                        on_event(replace(event, warning=warning))
                    if lost(event.point):
                        raise ToolError(
                            f"axolotl: the loss is no number at step {event.step}; stopped. "
                            f"Lower learning_rate; the log is {log}."
                        )
        code = process.wait()
    if code:
        raise failure("axolotl", code, log, _REMEDIES, start=before)
    return said


@contextmanager
def _stopped_at_a_checkpoint(
    process: Any, log: Any, partial: Path, on_event: Callable[[Progress], None], said: Trained
) -> Iterator[None]:
    """Ctrl-C or SIGTERM in the block waits for a checkpoint; a second one does not.

    Before the first step there is nothing to save.
    """
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        if process.poll() is None and said.steps:
            before = {c.step for c in whole_checkpoints(partial)}
            (partial / _TRIGGER).touch()
            stage = "saving at this step's end, then stopping (Ctrl-C: at once)"
            on_event(Progress(stage, said.steps, None))
            for _ in lines(process, log, quiet=_TICK):
                if {c.step for c in whole_checkpoints(partial)} - before:
                    break
        raise
