"""Problems of a training run that raise no error: looked for in every line of metrics."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

from seqctx.artifacts.run_record import Point

_ABOVE_PLAN = 1.1
_WARNINGS = {
    "eval": "the held-out loss is not a number. Look for held-out rows without trained tokens, or "
    "lower learning_rate.",
    "zero": "the loss is 0, so no token is trained. Check train_on_inputs, roles_to_train and "
    "train_on_eos of the datasets, and whether the chat template renders the answers.",
    "gradient": "the gradient is 0, so the model learns nothing. Check lora_target_modules, frozen "
    "parameters, and gradient_checkpointing with inputs that need no gradients.",
    "tokens": "no token was trained since the last line: all labels of these rows are masked. "
    "Check train_on_inputs and roles_to_train of the datasets.",
    "rate": "the learning rate is 0. Check learning_rate and warmup_steps.",
    "warm-up": "the learning rate is still in warm-up after half of the {total} steps. Lower "
    "warmup_steps or warmup_ratio.",
    "memory": "the GPU uses {held:.1f} GiB, more than the planned {planned:.1f} GiB; longer rows "
    "may need still more. Lower micro_batch_size, or see 'seqctx plan'.",
}


def diverged(point: Point) -> bool:
    """Whether the loss has become NaN or infinite, from which training cannot recover.

    Where a loss is NaN or infinite transformers logs 0 in its place (5.16: training_args.py,
    logging_nan_inf_filter), but the gradient as it is.
    """
    if point.loss is None:
        return False
    broken_gradient = point.grad_norm is not None and not isfinite(point.grad_norm)
    return not isfinite(point.loss) or (point.loss == 0 and broken_gradient)


class HealthMonitor:
    """Reads a run's metrics as they come, and warns once of each kind of problem.

    Args:
        planned: planned memory of one GPU [GiB]; None where it was not planned.
    """

    def __init__(self, planned: float | None = None) -> None:
        """Start before the first line of metrics."""
        self._planned = planned
        self._warned: set[str] = set()
        self._tokens: int | None = None
        self._rate: float | None = None
        self._rises: bool | None = None

    def warnings(self, point: Point, total: int | None) -> Iterator[str]:
        """New warnings after one line of metrics; ``total`` is the steps of the whole run."""
        held = point.reserved_gib or point.allocated_gib or 0.0
        kinds = (
            *self._loss_kinds(point),
            *self._rate_kinds(point, total),
            *self._memory_kinds(held),
        )
        for kind in kinds:
            if kind not in self._warned:
                self._warned.add(kind)
                line = _WARNINGS[kind].format(total=total, held=held, planned=self._planned or 0.0)
                yield f"step {point.step}: {line}"

    def _loss_kinds(self, point: Point) -> Iterator[str]:
        """Losses and gradients from which nothing is learned."""
        if point.eval_loss is not None and not isfinite(point.eval_loss):
            yield "eval"
        if point.loss == 0 and not diverged(point):
            yield "zero"
        if point.grad_norm == 0:
            yield "gradient"
        if point.trained_tokens is not None:
            if self._tokens is not None and point.trained_tokens <= self._tokens:
                yield "tokens"
            self._tokens = point.trained_tokens

    def _rate_kinds(self, point: Point, total: int | None) -> Iterator[str]:
        """A learning rate of 0, or one that is in warm-up for too long; step 1 may have 0."""
        rate = point.learning_rate
        if rate is None:
            return
        if self._rate is not None and self._rises is not False:
            self._rises = rate > self._rate
        self._rate = rate
        if total and 3 <= point.step < total and rate == 0:
            yield "rate"
        elif total and total >= 4 and self._rises and point.step > total / 2:
            yield "warm-up"

    def _memory_kinds(self, held: float) -> Iterator[str]:
        """More memory on a GPU than was planned."""
        if self._planned and held > _ABOVE_PLAN * self._planned:
            yield "memory"
