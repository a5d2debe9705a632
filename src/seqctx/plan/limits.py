"""How far a file can go on a GPU: the longest sequence, the largest batch, the highest rank."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from seqctx.catalog.gpus import Gpu
from seqctx.catalog.models import Model
from seqctx.config.config import Config
from seqctx.errors import InputError
from seqctx.plan.inputs import find_base_model, required_gpu
from seqctx.plan.kv_cache import largest
from seqctx.plan.training import plan_training_memory
from seqctx.plan.training_settings import TrainingSettings, training_settings

_MOST_ROWS = 1 << 16


def longest_sequence_len(
    cfg: Config, *, gpu: str | Gpu | None = None, model: Model | None = None
) -> int:
    """The longest ``sequence_len`` that trains on the GPU; at most the model's positions [tokens].

    Raises:
        InputError: as `plan_training`, or where no GPU is named.
    """
    return longest_row(*_read(cfg, gpu, model))


def largest_micro_batch_size(
    cfg: Config, *, gpu: str | Gpu | None = None, model: Model | None = None
) -> int:
    """The most rows that train at once on the GPU.

    Raises:
        InputError: as `plan_training`, or where no GPU is named.
    """
    return most_rows(*_read(cfg, gpu, model))


def highest_rank(cfg: Config, *, gpu: str | Gpu | None = None, model: Model | None = None) -> int:
    """The highest ``lora_r`` that trains on the GPU, at most the model's width.

    Raises:
        InputError: as `plan_training`, where no GPU is named, or without an adapter.
    """
    read = _read(cfg, gpu, model)
    if not cfg.adapter:
        raise InputError("adapter: unset: full fine-tuning has no rank. Set lora or qlora.")
    return most_rank(*read)


def _read(
    cfg: Config, gpu: str | Gpu | None, model: Model | None
) -> tuple[TrainingSettings, Model, Gpu]:
    base = find_base_model(cfg, model)
    return training_settings(cfg, base), base, required_gpu(cfg, gpu)


def longest_row(settings: TrainingSettings, model: Model, gpu: Gpu) -> int:
    """The same from what a file was read into [tokens]."""
    fits = _fits(lambda n: replace(settings, sequence_len=n), model, gpu)
    return largest(fits, model.max_position)


def most_rows(settings: TrainingSettings, model: Model, gpu: Gpu) -> int:
    """The most rows at once, from what a file was read into."""
    return largest(_fits(lambda n: replace(settings, micro_batch=n), model, gpu), _MOST_ROWS)


def most_rank(settings: TrainingSettings, model: Model, gpu: Gpu) -> int:
    """The highest rank, from what a file was read into."""
    return largest(_fits(lambda n: replace(settings, rank=n), model, gpu), model.hidden)


def _fits(
    changed: Callable[[int], TrainingSettings], model: Model, gpu: Gpu
) -> Callable[[int], bool]:
    """Whether training fits the GPU with one setting at another value."""
    return lambda value: bool(plan_training_memory(changed(value), model, gpu).fits)
