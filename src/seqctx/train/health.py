"""What goes wrong in training without an error: looked for in every line of metrics."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

from seqctx.artifacts.run_record import Point

_ABOVE_PLAN = 1.1
_SAID = {
    "eval": "the held-out loss is no number. Look for held-out rows without trained tokens, or "
    "lower learning_rate.",
    "zero": "the loss is 0: no token counts. Look at train_on_inputs, roles_to_train and "
    "train_on_eos of the datasets, or whether the template renders the answers.",
    "gradient": "the gradient is 0: nothing is learned. Look at lora_target_modules, frozen "
    "parameters, or gradient_checkpointing without inputs that need gradients.",
    "tokens": "no trained token since the last line: all labels of these rows are masked. Look at "
    "train_on_inputs and roles_to_train of the datasets.",
    "rate": "the learning rate is 0. Look at learning_rate and warmup_steps.",
    "warm-up": "the learning rate still rises, of {total} steps in all: the run ends before it was "
    "at its height for long. Lower warmup_steps or warmup_ratio.",
    "memory": "{held:.1f} GiB are taken, the plan says {planned:.1f}. Longer rows may come yet: "
    "lower micro_batch_size, or see 'seqctx plan'.",
}


def lost(point: Point) -> bool:
    """Whether training has become NaN, and cannot come back.

    Where a loss is NaN or infinite transformers logs 0 in its place (5.16: training_args.py,
    logging_nan_inf_filter), but the gradient as it is.
    """
    if point.loss is None:
        return False
    gone = point.grad_norm is not None and not isfinite(point.grad_norm)
    return not isfinite(point.loss) or (point.loss == 0 and gone)


class Watch:
    """Reads a run's points as they come, and says each kind of trouble once.

    Args:
        planned: memory of one card by the plan [GiB]; None where it was not planned.
    """

    def __init__(self, planned: float | None = None) -> None:
        """Nothing was read yet."""
        self._planned = planned
        self._said: set[str] = set()
        self._tokens: int | None = None
        self._rate: float | None = None
        self._rises: bool | None = None

    def look(self, point: Point, total: int | None) -> Iterator[str]:
        """What is to be said of one point; ``total`` is the steps of the whole run."""
        held = point.reserved_gib or point.allocated_gib or 0.0
        for kind in (*self._lost(point), *self._rate_of(point, total), *self._memory(held)):
            if kind not in self._said:
                self._said.add(kind)
                line = _SAID[kind].format(total=total, held=held, planned=self._planned or 0.0)
                yield f"step {point.step}: {line}"

    def _lost(self, point: Point) -> Iterator[str]:
        """Losses and gradients that teach nothing."""
        if point.eval_loss is not None and not isfinite(point.eval_loss):
            yield "eval"
        if point.loss == 0 and not lost(point):
            yield "zero"
        if point.grad_norm == 0:
            yield "gradient"
        if point.trained_tokens is not None:
            if self._tokens is not None and point.trained_tokens <= self._tokens:
                yield "tokens"
            self._tokens = point.trained_tokens

    def _rate_of(self, point: Point, total: int | None) -> Iterator[str]:
        """Whether the learning rate ever leaves its warm-up; it is 0 at the first step."""
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

    def _memory(self, held: float) -> Iterator[str]:
        """Whether a card holds more than was planned."""
        if self._planned and held > _ABOVE_PLAN * self._planned:
            yield "memory"
