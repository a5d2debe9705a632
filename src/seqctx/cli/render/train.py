"""What ``seqctx train`` made, as lines."""

from __future__ import annotations

from collections.abc import Iterator

from seqctx.artifacts.run_record import TrainingRun
from seqctx.plan.memory import GIB


def run_lines(run: TrainingRun, output_dir: str, redone: bool) -> Iterator[str]:
    """Losses, the checkpoint that was kept, warnings, time and memory."""
    losses = [p.loss for p in run.points if p.loss is not None]
    if losses:
        yield f"training loss: {losses[0]:.3f} at the first step, {losses[-1]:.3f} at the last"
    if held_out := run.eval_losses:
        first, last = held_out[0], held_out[-1]
        named = {0: "before training (the base model)", run.steps: "after"}
        when = [
            f"{loss:.3f} {named.get(n, f'at step {n}')}" for n, loss in dict.fromkeys((first, last))
        ]
        yield f"held-out loss: {', '.join(when)}"
        if len(held_out) > 1 and last[1] >= first[1]:
            yield (
                "The held-out loss did not fall. Try more text, fewer epochs or a lower "
                "learning_rate."
            )
    if run.chosen:
        yield f"kept the checkpoint of step {run.chosen.step}: {run.chosen.reason}"
    for warning in run.warnings:
        yield f"warning during training: {warning}"
    yield f"{run.steps} steps in {run.seconds:.0f} s{memory_of(run)}"
    yield f"{'adapter and record in' if redone else 'up to date:'} {output_dir}"


def memory_of(run: TrainingRun) -> str:
    """The highest memory of a run beside the plan's, as the end of a line."""
    memory = run.memory
    if memory is None:
        return ""
    if memory.reserved:
        used = f"; at most {(memory.allocated or 0) / GIB:.1f} GiB of GPU memory allocated"
        of_tensors = ""
    else:
        used = f"; at most {memory.resident / GIB:.1f} GiB of main memory, libraries included"
        of_tensors = " for tensors"
    planned = memory.planned_allocated
    return used + (f" (planned: {planned / GIB:.1f} GiB{of_tensors})" if planned else "")
