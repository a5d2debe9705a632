"""Training and serving of one file, planned together, and how far each could go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from seqctx.artifacts.dataset_stats import DatasetStats, optimizer_steps
from seqctx.catalog.gpus import Gpu
from seqctx.catalog.models import Model
from seqctx.config.config import Config
from seqctx.config.effective import Effective
from seqctx.errors import InputError
from seqctx.plan.limits import highest_rank, largest_micro_batch_size, longest_sequence_len
from seqctx.plan.memory import MemoryPlan
from seqctx.plan.serving import ServingPlan, plan_serving
from seqctx.plan.serving_settings import server_of
from seqctx.plan.throughput import Data, SpeedBounds, TimePlan, plan_time, speed_bounds
from seqctx.plan.training import model_of, plan_training


@dataclass(frozen=True, slots=True)
class Planned:
    """What `seqctx plan` says.

    Attributes:
        cfg: the file.
        model: its model's.
        training: memory of training.
        serving: memory of serving; None where the file has no ``vllm:`` block, or where it cannot
            be said.
        refused: why serving cannot be planned; empty where it can.
        longest: with all else as it is, the largest ``sequence_len``, ``micro_batch_size`` and
            ``lora_r`` that train on the card, and ``max_model_len`` that serves; empty without one.
        time: of training what prepare left; None without that, or without a card.
        speed: what serving one request at the window cannot exceed; None without a card.
    """

    cfg: Config
    model: Model
    training: MemoryPlan
    serving: ServingPlan | None
    refused: str
    longest: dict[str, int]
    time: TimePlan | None
    speed: SpeedBounds | None

    @classmethod
    def of(
        cls, cfg: Config, gpu: str | Gpu | None = None, stats: DatasetStats | None = None
    ) -> Self:
        """Plan a file.

        Args:
            cfg: the file.
            gpu: the card; what ``seqctx.gpu`` names when None.
            stats: what prepare measured of the file's text, for the time.

        Raises:
            InputError: as `plan_training`.
        """
        model = model_of(cfg)
        training = plan_training(cfg, gpu=gpu, model=model)
        serving, refused = None, ""
        if "vllm" in cfg.model_fields_set:
            try:
                serving = plan_serving(cfg, gpu=gpu, model=model)
            except InputError as error:  # training can be planned all the same
                refused = str(error)
        longest = {}
        card = training.gpu
        if card:
            longest["sequence_len"] = longest_sequence_len(cfg, gpu=card, model=model)
            longest["micro_batch_size"] = largest_micro_batch_size(cfg, gpu=card, model=model)
            if cfg.adapter:
                longest["lora_r"] = highest_rank(cfg, gpu=card, model=model)
            if serving and serving.longest_window:
                longest["max_model_len"] = serving.longest_window
        time, speed = None, None
        if card and card.tflops and stats:
            time = plan_time(cfg, data_of(cfg, stats), gpu=card, model=model)
        if card and card.tflops and serving:
            speed = _speed(cfg, model, card, serving)
        return cls(cfg, model, training, serving, refused, longest, time, speed)

    @property
    def fits(self) -> bool:
        """Whether nothing is known not to fit."""
        return self.training.fits is not False and (
            self.serving is None or self.serving.fits is not False
        )


def _speed(cfg: Config, model: Model, card: Gpu, serving: ServingPlan) -> SpeedBounds:
    """One request at the window. It goes through a pipeline's stages one after another."""
    server = server_of(cfg, card)
    return speed_bounds(
        model, card, weight_bytes=server.pipeline * serving.memory.term("weights").bytes,
        kv_bytes_per_token=server.pipeline * serving.kv_bytes_per_token, context=serving.window,
        cards=server.tensor * server.pipeline,
    )  # fmt: skip


def data_of(cfg: Config, stats: DatasetStats) -> Data:
    """One epoch of what prepare left, with the file's own ``sample_packing`` and batch."""
    plain, packed = stats.unpacked, bool(cfg.sample_packing)
    tokens = round(plain.efficiency * stats.sequence_len * plain.rows)
    rows = stats.packed.rows if packed else plain.rows
    batch = Effective.of(cfg).rows_per_step
    steps = optimizer_steps(rows, batch, packed=packed)
    row_tokens = stats.sequence_len if packed else tokens / plain.rows
    return Data(plain.rows, tokens, rows, steps, row_tokens)
