"""Checkpoints of the trainer: which are whole, what they say, and which one is best."""

from __future__ import annotations

import json
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

from seqctx.artifacts.run_record import Chosen, Point
from seqctx.catalog.model_folder import safetensors_header

LAST = "last"
"""Folder of ``output_dir`` for the last weights, where no checkpoint has them."""
_STATE = "trainer_state.json"  # transformers 5.16 writes it last: trainer.py, _save_checkpoint
_WEIGHTS = ("adapter_model*.safetensors", "model*.safetensors", "adapter_model.bin",
            "pytorch_model*.bin", "pytorch_model_fsdp*", "global_step*")  # fmt: skip
_OF_WEIGHTS = re.compile(r"(adapter_)?model.*\.safetensors(\.index\.json)?|adapter_model\.bin"
                         r"|adapter_config\.json|pytorch_model.*")  # fmt: skip
_METRICS = {  # Axolotl's names, in log_history and in what it prints
    "loss": "loss", "eval_loss": "eval_loss", "grad_norm": "grad_norm",
    "learning_rate": "learning_rate", "tokens/train_per_sec_per_gpu": "tokens_per_second",
    "tokens/trainable": "trained_tokens", "memory/max_allocated (GiB)": "allocated_gib",
    "memory/device_reserved (GiB)": "reserved_gib",
}  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class Checkpoint:
    """One whole checkpoint: its optimizer step and folder."""

    step: int
    folder: Path


def whole_checkpoints(output_dir: Path) -> list[Checkpoint]:
    """Those of a run that a kill or a full disk did not leave half-written, oldest first."""
    found = []
    for folder in output_dir.glob("checkpoint-*"):
        step = folder.name.removeprefix("checkpoint-")
        if step.isdigit() and _is_whole(folder, int(step)):
            found.append(Checkpoint(int(step), folder))
    return sorted(found)


def resumable(output_dir: Path) -> list[Checkpoint]:
    """Whole checkpoints that the trainer can go on from, oldest first.

    With ``save_only_model`` they have neither optimizer nor random state; the trainer would begin
    both anew and say nothing (transformers 5.16: trainer.py, _save_checkpoint).
    """
    return [c for c in whole_checkpoints(output_dir) if any(c.folder.glob("rng_state*.pth"))]


def weight_files(folder: Path) -> list[Path]:
    """Files of weights that others than the trainer load, and what describes them."""
    found = [p for p in folder.iterdir() if p.is_file() and _OF_WEIGHTS.fullmatch(p.name)]
    return found if any(p.suffix != ".json" for p in found) else []


def _is_whole(folder: Path, step: int) -> bool:
    """Whether all that the trainer saved is there.

    Its state, which is written last, names its step; every tensor file is as long as its header
    says; every file of torch.save has the directory of a zip, which stands at its end.
    """
    try:
        state = json.loads((folder / _STATE).read_text("utf-8"))
        if state["global_step"] != step or not any(any(folder.glob(w)) for w in _WEIGHTS):
            return False
        tensors = all(safetensors_header(p) is not None for p in folder.glob("*.safetensors"))
        return tensors and all(
            zipfile.is_zipfile(p) for kind in ("*.pt", "*.pth") for p in folder.glob(kind)
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def forget_incomplete(output_dir: Path) -> None:
    """Remove checkpoints that are not whole: the trainer would take the newest by its name."""
    whole = {c.folder for c in whole_checkpoints(output_dir)}
    for folder in output_dir.glob("checkpoint-*"):
        if folder not in whole:
            shutil.rmtree(folder)


def point_of(metrics: dict[str, Any], step: int) -> Point | None:
    """What one line of the trainer's metrics says; None where it has neither of the losses."""
    if "loss" not in metrics and "eval_loss" not in metrics:
        return None
    fields = {ours: metrics[theirs] for theirs, ours in _METRICS.items() if theirs in metrics}
    for name in ("allocated_gib", "reserved_gib"):  # 0 on a CPU, where Axolotl cannot know
        if not fields.get(name):
            fields.pop(name, None)
    return Point(step=step, epoch=metrics.get("epoch", 0.0), **fields)


def points_of(checkpoint: Checkpoint) -> list[Point]:
    """All losses up to a checkpoint, in full precision; what is printed has four digits."""
    state = json.loads((checkpoint.folder / _STATE).read_text("utf-8"))
    return [p for line in state["log_history"] if (p := point_of(line, int(line["step"])))]


def joined(earlier: Iterable[Point], later: Iterable[Point]) -> tuple[Point, ...]:
    """Points of a run and of what was gone on with; where both have one, the earlier counts."""
    seen: dict[tuple[int, bool], Point] = {}
    for point in (*earlier, *later):
        seen.setdefault((point.step, point.eval_loss is None), point)
    return tuple(sorted(seen.values(), key=lambda p: (p.step, p.eval_loss is not None)))


def choose(points: Sequence[Point], saved: Iterable[int], last: int) -> Chosen:
    """The step whose weights are kept: the lowest held-out loss of those that were saved.

    Args:
        points: all losses of the run.
        saved: steps whose weights can be taken.
        last: the last step, whose weights are there in any case.
    """
    losses = {
        p.step: p.eval_loss for p in points if p.eval_loss is not None and isfinite(p.eval_loss)
    }
    base = losses.pop(0, None)
    there = {step: loss for step, loss in losses.items() if step in {*saved, last}}
    if not there:
        why = "no evaluation was saved" if losses else "nothing was evaluated after training began"
        return Chosen(step=last, reason=f"the last step, for {why}")
    step = min(there, key=lambda s: (there[s], s))
    among = f"{len(there)} checkpoints" if len(there) > 1 else "the one checkpoint there is"
    said = [f"the lowest held-out loss of {among}, {there[step]:.3f}"]
    if step != last and last in there:
        said.append(
            f"it rose to {there[last]:.3f} by step {last}: from step {step} on the model learned "
            "the training text by heart (overfitting), and those steps were left out"
        )
    lowest = min(losses, key=lambda s: (losses[s], s))
    if losses[lowest] < there[step]:
        said.append(
            f"step {lowest} was lower ({losses[lowest]:.3f}) but was not saved: set save_strategy "
            "and save_steps as eval_strategy and eval_steps, and a higher save_total_limit"
        )
    if base is not None and base <= there[step]:
        said.append(f"the base model has {base:.3f}: nothing was gained on held-out text")
    return Chosen(step=step, eval_loss=there[step], reason="; ".join(said))


def take_weights(source: Path, target: Path, *, keep: bool) -> None:
    """Let ``target`` hold the weights of ``source``; it keeps its own until those are there.

    They are hard links where the disk has such, for a checkpoint's weights are never written again.

    Args:
        source: a checkpoint that has `weight_files`.
        target: the folder of the run.
        keep: whether its own weights, which no checkpoint has, go to `LAST`.
    """
    with TemporaryDirectory(dir=target, prefix=".taken-") as place:
        taken = Path(place)
        for path in weight_files(source):
            try:
                os.link(path, taken / path.name)
            except OSError:
                shutil.copy2(path, taken / path.name)
        if keep:
            (target / LAST).mkdir(exist_ok=True)
        for path in weight_files(target):
            path.rename(target / LAST / path.name) if keep else path.unlink()
        for path in taken.iterdir():
            path.rename(target / path.name)
