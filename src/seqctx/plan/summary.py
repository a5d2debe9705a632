"""Training and serving of one file, planned together, and how far each could go."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from seqctx.artifacts.dataset_stats import DatasetStats, optimizer_steps
from seqctx.catalog.gpus import Gpu
from seqctx.catalog.models import Model
from seqctx.config.config import Config
from seqctx.config.effective import Effective
from seqctx.errors import InputError
from seqctx.plan.inputs import find_base_model, find_named_gpu
from seqctx.plan.limits import longest_row, most_rank, most_rows
from seqctx.plan.memory import MemoryPlan
from seqctx.plan.serving import ServingPlan, plan_serving
from seqctx.plan.serving_settings import serving_settings
from seqctx.plan.throughput import SpeedBounds, TimePlan, TrainingData, plan_time, speed_bounds
from seqctx.plan.training import plan_training_memory
from seqctx.plan.training_settings import TrainingSettings, training_settings


@dataclass(frozen=True, slots=True)
class PlanSummary:
    """What `seqctx plan` prints.

    Attributes:
        cfg: the file.
        model: its base model.
        settings: what training memory depends on.
        training: memory of training.
        serving: memory of serving; None where the file has no ``vllm:`` block, or where it cannot
            be planned.
        refused: why serving cannot be planned; empty where it can.
        longest: with everything else as it is, the largest ``sequence_len``, ``micro_batch_size``
            and ``lora_r`` that train on the GPU, and ``max_model_len`` that serves; empty without
            a GPU.
        time: of training on the prepared data; None without data, or without a GPU.
        speed: limits of serving one request at the window; None without a GPU.
    """

    cfg: Config
    model: Model
    settings: TrainingSettings
    training: MemoryPlan
    serving: ServingPlan | None
    refused: str
    longest: dict[str, int]
    time: TimePlan | None
    speed: SpeedBounds | None

    @property
    def fits(self) -> bool:
        """Whether nothing is known not to fit."""
        return self.training.fits is not False and (
            self.serving is None or self.serving.fits is not False
        )

    @property
    def model_note(self) -> str | None:
        """A sentence on facts of the model that were noted from memory; None where none was."""
        facts = self.model.shape_from_memory
        if not facts:
            return None
        which = "all of its shape" if facts == "all" else ", ".join(facts)
        return (
            f"{self.model.name}: noted from memory, not read from config.json: {which}. For exact "
            "numbers, name a folder with its config.json."
        )

    def as_data(self) -> dict[str, Any]:
        """Numbers and strings alone, for JSON; parts that were not planned are left out."""
        memory = self.model.shape_from_memory
        data: dict[str, Any] = {
            "model": {
                "name": self.model.name,
                "source": self.model.source,
                "from_memory": memory if memory == "all" else list(memory),
            },
            "training": asdict(self.training),
            "longest": self.longest,
        }
        if self.refused:
            data["refused"] = self.refused
        for name in ("serving", "time", "speed"):
            if (found := getattr(self, name)) is not None:
                data[name] = asdict(found)
        return data


def summarize(
    cfg: Config, *, gpu: str | Gpu | None = None, stats: DatasetStats | None = None
) -> PlanSummary:
    """Plan training and serving of a file; its model and its GPU are looked up once.

    Args:
        cfg: the file.
        gpu: the GPU; ``seqctx.gpu`` when None.
        stats: what prepare measured of the file's text, for the time.

    Raises:
        InputError: as `plan_training`.
    """
    model, gpu = find_base_model(cfg), find_named_gpu(cfg, gpu)
    settings = training_settings(cfg, model)
    training = plan_training_memory(settings, model, gpu)
    serving, refused = None, ""
    if "vllm" in cfg.model_fields_set:
        try:
            serving = plan_serving(cfg, gpu=gpu, model=model)
        except InputError as error:  # training can be planned all the same
            refused = str(error)
    longest, time, speed = {}, None, None
    if card := training.gpu:
        longest = _longest(settings, model, card, serving)
        if card.tflops and stats and stats.unpacked.rows:  # no rows take no time
            time = plan_time(cfg, data_of(cfg, stats), gpu=card, model=model)
        if card.tflops and serving:
            speed = _speed(cfg, model, card, serving)
    return PlanSummary(cfg, model, settings, training, serving, refused, longest, time, speed)


def _longest(
    settings: TrainingSettings, model: Model, gpu: Gpu, serving: ServingPlan | None
) -> dict[str, int]:
    """How far each key could go, with everything else as it is."""
    longest = {
        "sequence_len": longest_row(settings, model, gpu),
        "micro_batch_size": most_rows(settings, model, gpu),
    }
    if settings.rank:
        longest["lora_r"] = most_rank(settings, model, gpu)
    if serving and serving.longest_window:
        longest["max_model_len"] = serving.longest_window
    return longest


def _speed(cfg: Config, model: Model, gpu: Gpu, serving: ServingPlan) -> SpeedBounds:
    """One request at the window. It goes through a pipeline's stages one after another."""
    settings = serving_settings(cfg, gpu)
    return speed_bounds(
        model, gpu, weight_bytes=settings.pipeline * serving.memory.term("weights").bytes,
        kv_bytes_per_token=settings.pipeline * serving.kv_bytes_per_token, context=serving.window,
        cards=settings.tensor * settings.pipeline,
    )  # fmt: skip


def data_of(cfg: Config, stats: DatasetStats) -> TrainingData:
    """One epoch of the prepared data, with the file's own ``sample_packing`` and batch."""
    file = Effective.of(cfg)
    plain = stats.unpacked
    tokens = round(plain.efficiency * stats.sequence_len * plain.rows)
    rows = stats.packed.rows if file.sample_packing else plain.rows
    steps = optimizer_steps(rows, file.rows_per_step, packed=file.sample_packing)
    row_tokens = stats.sequence_len if file.sample_packing else tokens / plain.rows
    return TrainingData(plain.rows, tokens, rows, steps, row_tokens)
