"""Checkpoints of the trainer: which are complete, what they logged, and which one is best."""

from __future__ import annotations

import os
import re
import shutil
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from seqctx.artifacts.folder_kinds import unknown_files
from seqctx.artifacts.layout import RunDir
from seqctx.artifacts.run_record import ChosenCheckpoint, Point
from seqctx.catalog.model_folder import safetensors_header
from seqctx.errors import CheckError, InputError
from seqctx.system.regular_file import open_file, read_json

_STATE = "trainer_state.json"  # transformers 5.16 writes it last: trainer.py, _save_checkpoint
_WEIGHTS = ("adapter_model*.safetensors", "model*.safetensors", "adapter_model.bin",
            "pytorch_model*.bin", "pytorch_model_fsdp*", "global_step*")  # fmt: skip
_LOADABLE = re.compile(r"(adapter_)?model.*\.safetensors(\.index\.json)?|adapter_model\.bin"
                       r"|adapter_config\.json|pytorch_model.*")  # fmt: skip
_FIELDS = {  # Axolotl's names, in log_history and in what it prints
    "loss": "loss", "eval_loss": "eval_loss", "grad_norm": "grad_norm",
    "learning_rate": "learning_rate", "tokens/train_per_sec_per_gpu": "tokens_per_second",
    "tokens/trainable": "trained_tokens", "memory/max_allocated (GiB)": "allocated_gib",
    "memory/device_reserved (GiB)": "reserved_gib",
}  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class Checkpoint:
    """One complete checkpoint: its optimizer step and folder."""

    step: int
    folder: Path


def complete_checkpoints(output_dir: Path) -> list[Checkpoint]:
    """The checkpoints of a run, oldest first, without those that were cut short."""
    found = []
    for folder in output_dir.glob("checkpoint-*"):
        step = folder.name.removeprefix("checkpoint-")
        if step.isdigit() and _is_complete(folder, int(step)):
            found.append(Checkpoint(int(step), folder))
    return sorted(found)


def resumable_checkpoints(output_dir: Path) -> list[Checkpoint]:
    """Complete checkpoints that the trainer can resume from, oldest first.

    With ``save_only_model`` checkpoints have neither optimizer nor random state; the trainer would
    start both over without a warning (transformers 5.16: trainer.py, _save_checkpoint).
    """
    return [c for c in complete_checkpoints(output_dir) if any(c.folder.glob("rng_state*.pth"))]


def weight_files(folder: Path) -> list[Path]:
    """Weights that programs other than the trainer can load, and the files that describe them."""
    found = [p for p in folder.iterdir() if p.is_file() and _LOADABLE.fullmatch(p.name)]
    return found if any(p.suffix != ".json" for p in found) else []


def _is_complete(folder: Path, step: int) -> bool:
    """Whether all files that the trainer saved are there in full.

    The trainer's state, which is written last, names the step; every tensor file is as long as its
    header says; every file of torch.save has the directory of a zip, which is at its end.
    """
    try:
        state = read_json(folder / _STATE)
        if state["global_step"] != step or not any(any(folder.glob(w)) for w in _WEIGHTS):
            return False
        tensors = all(safetensors_header(p) is not None for p in folder.glob("*.safetensors"))
        return tensors and all(_is_zip(p) for kind in ("*.pt", "*.pth") for p in folder.glob(kind))
    except (InputError, OSError, ValueError, KeyError, TypeError):
        return False


def _is_zip(path: Path) -> bool:
    with open_file(path) as f:
        return zipfile.is_zipfile(f)


def remove_incomplete(output_dir: Path) -> None:
    """Remove incomplete checkpoints: the trainer would take the newest by its name.

    Raises:
        CheckError: when one holds files of the user's.
    """
    complete = {c.folder for c in complete_checkpoints(output_dir)}
    unknown = unknown_files(output_dir)
    for folder in output_dir.glob("checkpoint-*"):
        step = folder.name.removeprefix("checkpoint-")
        if folder in complete or not step.isdigit() or not folder.is_dir():
            continue
        if own := [name for name in unknown if name.startswith(f"{folder.name}/")]:
            raise CheckError(
                f"{output_dir}: {own[0]}: is in an incomplete checkpoint, which must be removed "
                "before the run continues. Move the file to another folder."
            )
        if folder.is_symlink():
            folder.unlink()
        else:
            shutil.rmtree(folder)


def parse_metrics(metrics: dict[str, Any], step: int) -> Point | None:
    """One line of the trainer's metrics as a Point; None where it has no loss."""
    if "loss" not in metrics and "eval_loss" not in metrics:
        return None
    fields = {ours: metrics[theirs] for theirs, ours in _FIELDS.items() if theirs in metrics}
    for name in ("allocated_gib", "reserved_gib"):  # Axolotl logs 0 on a CPU
        if not fields.get(name):
            fields.pop(name, None)
    return Point(step=step, epoch=metrics.get("epoch", 0.0), **fields)


def logged_metrics(checkpoint: Checkpoint) -> list[Point]:
    """All metrics up to a checkpoint, in full precision; what is printed has four digits."""
    state = read_json(checkpoint.folder / _STATE)
    return [p for line in state["log_history"] if (p := parse_metrics(line, int(line["step"])))]


def merge_points(earlier: Iterable[Point], later: Iterable[Point]) -> tuple[Point, ...]:
    """Points of a run and of the run that it resumed; where both have one, the earlier counts."""
    seen: dict[tuple[int, bool], Point] = {}
    for point in (*earlier, *later):
        seen.setdefault((point.step, point.eval_loss is None), point)
    return tuple(sorted(seen.values(), key=lambda p: (p.step, p.eval_loss is not None)))


def choose_checkpoint(points: Sequence[Point], saved: Iterable[int], last: int) -> ChosenCheckpoint:
    """Choose the step whose weights are kept: the saved step with the lowest held-out loss.

    Args:
        points: all metrics of the run.
        saved: steps whose weights were saved.
        last: the last step; its weights exist in any case.
    """
    losses = {
        p.step: p.eval_loss for p in points if p.eval_loss is not None and isfinite(p.eval_loss)
    }
    base = losses.pop(0, None)
    candidates = {step: loss for step, loss in losses.items() if step in {*saved, last}}
    if not candidates:
        why = (
            "no checkpoint was saved at a step that was evaluated"
            if losses
            else "no held-out loss was measured after training began"
        )
        return ChosenCheckpoint(step=last, reason=f"it is the last step; {why}")
    step = min(candidates, key=lambda s: (candidates[s], s))
    loss = candidates[step]
    among = f"{len(candidates)} checkpoints" if len(candidates) > 1 else "the only checkpoint"
    reasons = [f"it has the lowest held-out loss of {among}, {loss:.3f}"]
    if step != last and last in candidates:
        reasons.append(
            f"the held-out loss rose to {candidates[last]:.3f} by step {last}: after step {step} "
            "the model began to memorize the training text (overfitting)"
        )
    lowest = min(losses, key=lambda s: (losses[s], s))
    if losses[lowest] < loss:
        reasons.append(
            f"step {lowest} had a lower held-out loss ({losses[lowest]:.3f}) but was not saved. To "
            "keep such steps, set save_strategy and save_steps like eval_strategy and eval_steps, "
            "and raise save_total_limit"
        )
    if base is not None and base <= loss:
        reasons.append(
            f"the base model's held-out loss is {base:.3f}, so training did not improve it"
        )
    return ChosenCheckpoint(step=step, eval_loss=loss, reason="; ".join(reasons))


def install_weights(source: Path, target: Path, *, keep_last: bool) -> None:
    """Replace the weights in ``target`` by those of ``source``.

    ``target`` keeps its own weights until the new ones are there. The new ones are hard links where
    the disk has them, since a checkpoint's weights are never written again.

    Args:
        source: a checkpoint that has `weight_files`.
        target: the folder of the run.
        keep_last: whether to keep the weights of ``target``, which no checkpoint has, in
            `RunDir.last_weights`.
    """
    last = RunDir(target).last_weights
    with TemporaryDirectory(dir=target, prefix=".taken-") as place:
        staging = Path(place)
        for path in weight_files(source):
            try:
                os.link(path, staging / path.name)
            except OSError:
                shutil.copy2(path, staging / path.name)
        if keep_last:
            last.mkdir(exist_ok=True)
        for path in weight_files(target):
            path.rename(last / path.name) if keep_last else path.unlink()
        for path in staging.iterdir():
            path.rename(target / path.name)
