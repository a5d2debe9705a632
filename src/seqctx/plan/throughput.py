"""Time of training and speed of serving: operations, bytes, and the share of a GPU's rate.

A token costs 2 operations a weight forward, 2 for its activations' gradient, 2 for the weights'
own (2001.08361, section 2.1); attention 4 x layers x heads x head_dim x half the row, causal. LoRA
leaves out the base weights' gradients; checkpointing adds a forward pass of the blocks; QLoRA
dequantizes every matrix each time it is used.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from seqctx.catalog.gpus import Gpu
from seqctx.catalog.models import Model
from seqctx.config.config import Config
from seqctx.config.effective import Effective
from seqctx.errors import InputError
from seqctx.plan.inputs import find_base_model, required_gpu
from seqctx.plan.training_settings import TrainingSettings, training_settings
from seqctx.system.arguments import expect_type

Range = tuple[float, float]

# Share of the dense 16-bit rate that training reached: one run, Llama-3.1-8B QLoRA r64, RTX 5090,
# 51 examples of up to 2048 tokens, 5 epochs, 4.75 minutes. If every example was full it was 0.44,
# without the time of dequantization; if they were half full on average, half of that. Other GPUs
# and kernels are assumed to reach the same share.
TRAINING_UTILIZATION: Range = (0.22, 0.44)
UTILIZATION_SOURCE = (
    "one reported run: Llama-3.1-8B QLoRA r64, RTX 5090, 51 examples x 5 epochs at 2048 in 4.75 "
    "minutes; high if every example was full, low if they were half full"
)
_NF4_BYTES = 4.127 / 8 + 2 + 2  # read packed; written and read again in 16 bit


@dataclass(frozen=True, slots=True)
class TrainingData:
    """One epoch of prepared data.

    Attributes:
        examples: before packing.
        tokens: of the examples, without padding.
        rows: that are computed: packed ones, or one for each example.
        steps_per_epoch: optimizer steps.
        row_tokens: tokens computed for a row on average, padding included.
    """

    examples: int
    tokens: int
    rows: int
    steps_per_epoch: int
    row_tokens: float


@dataclass(frozen=True, slots=True)
class TimePlan:
    """How long training takes, as ranges from low to high.

    Attributes:
        flops_per_token: forward, recomputation and backward.
        tokens: computed in all epochs, padding included.
        steps: optimizer steps.
        epochs: passes over the data; fewer where ``max_steps`` ends it.
        dequantization_seconds: in total, bound by the GPU's bandwidth.
        seconds: in total, without loading, evaluation and saving.
        tokens_per_second: computed, padding included.
        source: where the assumed share of the GPU's rate is from.
        notes: assumptions, and what is left out, a sentence each.
    """

    flops_per_token: float
    tokens: int
    steps: int
    epochs: float
    dequantization_seconds: float
    seconds: Range
    tokens_per_second: Range
    source: str
    notes: tuple[str, ...]

    @property
    def hours(self) -> Range:
        """``seconds`` in hours."""
        return self.seconds[0] / 3600, self.seconds[1] / 3600


@dataclass(frozen=True, slots=True)
class SpeedBounds:
    """Speeds that no server can exceed.

    Attributes:
        decode_tokens_per_second: of all requests together: every step reads weights and caches.
        decode_each: of one request.
        prefill_tokens_per_second: by arithmetic, at the GPU's full dense rate.
        prefill_seconds: at least, before the first token of one prompt.
        limit: what bounds decoding, ``bandwidth`` or ``compute``.
    """

    decode_tokens_per_second: float
    decode_each: float
    prefill_tokens_per_second: float
    prefill_seconds: float
    limit: str


def plan_time(
    cfg: Config,
    data: TrainingData,
    *,
    gpu: str | Gpu | None = None,
    model: Model | None = None,
    utilization: Range = TRAINING_UTILIZATION,
) -> TimePlan:
    """How long a file's training takes on a GPU.

    Args:
        cfg: the file.
        data: one epoch of its examples.
        gpu: the GPU; ``seqctx.gpu`` when None.
        model: the base model; looked up by ``base_model`` when None.
        utilization: lowest and highest share of the GPU's dense 16-bit rate.

    Raises:
        InputError: for an unknown model or GPU, blocks that have no formula here, or an argument
            of another type.

    Not covered: loading, evaluation, saving, tokenizing; several GPUs.
    """
    expect_type("data", data, TrainingData, "Count one epoch with seqctx prepare.")
    expect_type("utilization", utilization, tuple, "Give two shares, such as (0.22, 0.44).")
    if len(utilization) != 2 or not all(isinstance(share, int | float) for share in utilization):
        raise InputError(
            f"utilization: must be two shares (got {utilization}). Give the lowest and the "
            "highest, such as (0.22, 0.44)."
        )
    model, card = find_base_model(cfg, model), required_gpu(cfg, gpu)
    if not card.tflops or not card.bandwidth_gb_s:
        raise InputError(f"gpu: {card.name}: its speed is not known. Name another GPU.")
    settings = training_settings(cfg, model)
    epochs, steps = _duration(Effective.of(cfg), data)
    tokens = round(data.rows * data.row_tokens * epochs)
    flops = flops_per_token(settings, model, data.row_tokens)
    batches = math.ceil(data.rows / settings.micro_batch) * epochs
    widen = _dequantization(settings, model) * batches / card.bandwidth_gb_s / 1e9
    rate = card.tflops * 1e12
    low, high = utilization
    seconds = (tokens * flops / (rate * high) + widen, tokens * flops / (rate * low) + widen)
    speed = (tokens / seconds[1], tokens / seconds[0]) if tokens else (0.0, 0.0)
    share = data.rows * data.row_tokens
    padding = 1 - data.tokens / share if share else 0.0
    notes: tuple[str, ...] = (
        "loading, evaluation and saving take more time",
        f"{padding:.0%} of the computed tokens are padding",
    )
    if max(settings.cards, settings.tensor, settings.context) > 1:
        notes += ("for one GPU: how several share the work and wait for each other is left out",)
    source = UTILIZATION_SOURCE if utilization == TRAINING_UTILIZATION else "given by the caller"
    return TimePlan(flops, tokens, steps, epochs, widen, seconds, speed, source, notes)


def flops_per_token(settings: TrainingSettings, model: Model, row_tokens: float) -> float:
    """Operations that training one token takes.

    Args:
        settings: adapter, checkpointing.
        model: the model.
        row_tokens: over which it attends, itself half-way.
    """
    blocks, head = model.active_parameters, model.vocab * model.hidden
    attention = _attention(model, row_tokens)
    adapter = model.adapter_parameters(settings.rank, settings.targets) if settings.rank else 0
    forward = 2 * (blocks + adapter) + attention
    # flash attention computes its scores again: 5 products backward for 2 forward (2307.08691)
    backward = 2 * (blocks + 2 * adapter) + 2.5 * attention
    if settings.rank is None:
        backward += 2 * blocks
    again = 0.0 if settings.checkpointing == "off" else forward
    return forward + again + backward + head * (4 if settings.rank else 6)


def _attention(model: Model, tokens: float) -> float:
    """Scores and weighted values of one token of a causal row, forward."""
    width = model.heads * model.head_dim
    return 4 * model.layers * width * tokens / 2


def _dequantization(settings: TrainingSettings, model: Model) -> float:
    """Bytes moved to widen NF4 weights in one batch: each time that a block is computed [B]."""
    if settings.weights not in ("nf4", "nf4-dq"):
        return 0.0
    uses = 2 if settings.checkpointing == "off" else 3
    return uses * model.block_parameters * _NF4_BYTES


def _duration(file: Effective, data: TrainingData) -> tuple[float, int]:
    """Epochs and optimizer steps; ``max_steps`` ends both early."""
    steps = math.ceil(data.steps_per_epoch * file.num_epochs)
    if file.max_steps > 0 and data.steps_per_epoch:
        steps = file.max_steps  # the trainer goes by steps then, and repeats data if need be
        return steps / data.steps_per_epoch, steps
    return file.num_epochs, steps


def speed_bounds(
    model: Model,
    gpu: Gpu,
    *,
    weight_bytes: int,
    kv_bytes_per_token: int,
    context: int,
    requests: int = 1,
    cards: int = 1,
) -> SpeedBounds:
    """How fast a server can be at most: memory's bandwidth or the tensor cores' full rate.

    Args:
        model: the model.
        gpu: the GPU.
        weight_bytes: that one GPU holds; of experts, only what the requests use is read [B].
        kv_bytes_per_token: read by one GPU for each token of context in every step [B].
        context: of each request [tokens].
        requests: that decode together.
        cards: GPUs that share the arithmetic.

    Raises:
        InputError: for a GPU whose speed is not known.
    """
    if not gpu.bandwidth_gb_s or not gpu.tflops:
        raise InputError(f"gpu: {gpu.name}: its bandwidth is not known. Name another GPU.")
    weights = model.active_parameters + model.vocab * model.hidden
    rate = gpu.tflops * 1e12 * cards
    read = weight_bytes * _read(model, requests) + requests * context * kv_bytes_per_token
    by_bandwidth = read / (gpu.bandwidth_gb_s * 1e9)
    by_compute = requests * (2 * weights + 2 * _attention(model, context)) / rate
    step = max(by_bandwidth, by_compute)
    prompt = 2 * model.active_parameters + _attention(model, context)
    return SpeedBounds(
        decode_tokens_per_second=requests / step,
        decode_each=1 / step,
        prefill_tokens_per_second=rate / prompt,
        prefill_seconds=context * prompt / rate,
        limit="bandwidth" if by_bandwidth >= by_compute else "compute",
    )


def _read(model: Model, requests: int) -> float:
    """Share of the weights that a step reads: of the experts those of its tokens, at most."""
    if not (each := model.experts):
        return 1.0
    idle = 1 - min(each.routed, requests * (each.active or 0)) / each.routed
    every = model.block_parameters + model.expert_parameters + model.embedding_parameters
    return 1 - idle * model.expert_parameters / every


def examples_factor(overlap: float) -> float:
    """How many times the examples there are when each chunk repeats a share of the one before.

    Only ``1 - overlap`` of each chunk is new text: 0.25 gives 4/3, 0.5 gives 2.

    Raises:
        ValueError: unless ``overlap`` is at least 0 and below 1.
    """
    if not 0 <= overlap < 1:
        raise ValueError(f"overlap: must be at least 0 and below 1 (got {overlap})")
    return 1 / (1 - overlap)
