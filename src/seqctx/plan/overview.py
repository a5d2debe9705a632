"""Training and serving of one file, planned together, and how far each could go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from seqctx.catalogue.gpus import Gpu
from seqctx.catalogue.shapes import ModelShape
from seqctx.plan.invert import highest_rank, largest_micro_batch_size, longest_sequence_len
from seqctx.plan.memory import MemoryPlan
from seqctx.plan.serving import ServingPlan, plan_serving
from seqctx.plan.training import plan_training, shape_of
from seqctx.schema.config import Config


@dataclass(frozen=True, slots=True)
class Planned:
    """What `seqctx plan` says.

    Attributes:
        cfg: the file.
        shape: its model's.
        training: memory of training.
        serving: memory of serving; None where the file has no ``vllm:`` block.
        longest: with all else as it is, the largest ``sequence_len``, ``micro_batch_size`` and
            ``lora_r`` that train on the card, and ``max_model_len`` that serves; empty without one.
    """

    cfg: Config
    shape: ModelShape
    training: MemoryPlan
    serving: ServingPlan | None
    longest: dict[str, int]

    @classmethod
    def of(cls, cfg: Config, gpu: str | Gpu | None = None) -> Self:
        """Plan a file.

        Raises:
            InputError: as `plan_training` and `plan_serving`.
        """
        shape = shape_of(cfg)
        training = plan_training(cfg, gpu=gpu, shape=shape)
        serving = None
        if "vllm" in cfg.model_fields_set:
            serving = plan_serving(cfg, gpu=gpu, shape=shape)
        longest = {}
        if training.gpu:
            card = training.gpu
            longest["sequence_len"] = longest_sequence_len(cfg, gpu=card, shape=shape)
            longest["micro_batch_size"] = largest_micro_batch_size(cfg, gpu=card, shape=shape)
            if cfg.adapter:
                longest["lora_r"] = highest_rank(cfg, gpu=card, shape=shape)
            if serving and serving.longest_window:
                longest["max_model_len"] = serving.longest_window
        return cls(cfg, shape, training, serving, longest)

    @property
    def fits(self) -> bool:
        """Whether nothing is known not to fit."""
        return self.training.fits is not False and (
            self.serving is None or self.serving.fits is not False
        )
