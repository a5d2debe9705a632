"""The plan turned round: the longest, largest and highest that a card can hold, to the unit."""

from __future__ import annotations

from collections.abc import Callable

from seqctx.catalog.gpus import Gpu
from seqctx.catalog.models import Model
from seqctx.config.config import Config
from seqctx.errors import InputError
from seqctx.plan.kv_cache import largest
from seqctx.plan.memory import MemoryPlan
from seqctx.plan.training import card_of, model_of, plan_training


def longest_sequence_len(
    cfg: Config, *, gpu: str | Gpu | None = None, model: Model | None = None
) -> int:
    """The longest ``sequence_len`` that trains on the card; at most the model's positions [tokens].

    Raises:
        InputError: as `plan_training`, or without a card.
    """
    model = model or model_of(cfg)
    return largest(_fits(cfg, gpu, model, "sequence_len"), model.max_position)


def largest_micro_batch_size(
    cfg: Config, *, gpu: str | Gpu | None = None, model: Model | None = None
) -> int:
    """The most rows that train at once on the card.

    Raises:
        InputError: as `plan_training`, or without a card.
    """
    return largest(_fits(cfg, gpu, model or model_of(cfg), "micro_batch_size"), 1 << 16)


def highest_rank(cfg: Config, *, gpu: str | Gpu | None = None, model: Model | None = None) -> int:
    """The highest ``lora_r`` that trains on the card, at most the model's width.

    Raises:
        InputError: as `plan_training`, without a card, or without an adapter.
    """
    if not cfg.adapter:
        raise InputError("adapter: unset: full fine-tuning has no rank. Set lora or qlora.")
    model = model or model_of(cfg)
    return largest(_fits(cfg, gpu, model, "lora_r"), model.hidden or 0)


def _fits(cfg: Config, gpu: str | Gpu | None, model: Model, key: str) -> Callable[[int], bool]:
    """Whether the file with another value of a key fits; nothing else of it is read again."""
    card = card_of(cfg, gpu)
    if card is None:
        raise InputError("gpu: none is named. Set seqctx.gpu, or give one.")

    def fits(value: int) -> bool:
        plan: MemoryPlan = plan_training(cfg.model_copy(update={key: value}), gpu=card, model=model)
        return bool(plan.fits)

    return fits
