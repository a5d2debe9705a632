"""Memory of vLLM on one GPU: weights, buffers, peaks, and how many tokens the rest holds.

The arithmetic is vLLM's own at start (0.32, v1/worker/gpu_worker.py, determine_available_memory):
budget = ceil(total x gpu_memory_utilization); cache = budget - weights - adapter buffers - what
torch does not see - the highest peak of one step - CUDA graphs (from 0.21 on).
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

from seqctx.catalog.gpus import Gpu
from seqctx.catalog.models import Model
from seqctx.config.config import Config
from seqctx.config.effective import Effective
from seqctx.errors import InputError
from seqctx.plan.inputs import find_base_model, find_named_gpu, required_gpu
from seqctx.plan.kv_cache import CacheLayers, CacheLayout, cache_layout, largest
from seqctx.plan.memory import GIB, MemoryPlan, Term
from seqctx.plan.serving_model import ServingModel, serving_model
from seqctx.plan.serving_settings import ServingSettings, known_quantization, serving_settings
from seqctx.plan.serving_terms import fixed_terms
from seqctx.system.arguments import expect_type


@dataclass(frozen=True, slots=True)
class ServingPlan:
    """What serving takes, and what the cache then holds.

    Attributes:
        memory: one GPU with the cache of one request at ``window``; its capacity is vLLM's
            budget, so that it fits where the server starts.
        version: of vLLM.
        window: ``max_model_len`` [tokens].
        max_num_seqs: requests that may run at once, if the cache holds them.
        block_size: tokens of a block.
        kv_bytes_per_token: by which a long request's cache grows, on one GPU [B].
        request_bytes: cache of one request at ``window``, without the block held back [B].
        kv_free: what the budget leaves for the cache; None without a GPU [B].
        kv_blocks: blocks that it makes.
        kv_tokens: the cache's size as vLLM's log prints it.
        max_concurrency: requests at ``window`` that it holds: the real number.
        longest_window: the largest ``max_model_len`` with which the server would start [tokens].
    """

    memory: MemoryPlan
    version: str
    window: int
    max_num_seqs: int
    block_size: int
    kv_bytes_per_token: int
    request_bytes: int
    kv_free: int | None
    kv_blocks: int | None
    kv_tokens: int | None
    max_concurrency: float | None
    longest_window: int | None

    @property
    def fits(self) -> bool | None:
        """Whether the cache holds one request at ``window``: whether the server starts."""
        if self.kv_free is None:
            return self.memory.fits
        return self.max_concurrency is not None and (self.longest_window or 0) >= self.window

    @property
    def margin(self) -> int | None:
        """What one request leaves; negative where the server refuses to start [B]."""
        return self.memory.margin

    def with_requests(self, requests: int) -> int:
        """Memory with so many requests of ``window`` in the cache at once [B]."""
        return self.memory.device + (requests - 1) * self.request_bytes


def plan_serving(
    cfg: Config,
    *,
    gpu: str | Gpu | None = None,
    vllm_version: str = "0.32.0",
    model: Model | None = None,
    free_bytes: int | None = None,
) -> ServingPlan:
    """Plan the memory of serving a file's model and adapter.

    Args:
        cfg: the file.
        gpu: the GPU; ``seqctx.gpu`` when None. Every GPU of a parallel server is the same.
        vllm_version: whose arithmetic.
        model: the base model; looked up by ``base_model`` when None.
        free_bytes: what vLLM's log says is available for the cache, where that is known [B].

    Raises:
        InputError: for an unknown model or GPU, a key whose memory has no formula here, or an
            argument of another type.

    Not covered: vision and audio encoders, draft models, caches offloaded to the CPU.
    """
    if free_bytes is not None:
        expect_type("free_bytes", free_bytes, int, "Give a number of bytes.")
    base, card = find_base_model(cfg, model), find_named_gpu(cfg, gpu)
    settings = serving_settings(cfg, card, vllm_version)
    shape = _shared_model(cfg, settings, base)
    return plan_serving_memory(settings, shape, card, free_bytes=free_bytes)


def most_sequences(
    cfg: Config,
    *,
    gpu: str | Gpu | None = None,
    vllm_version: str = "0.32.0",
    model: Model | None = None,
) -> int:
    """The largest ``max_num_seqs`` whose requests all fit at ``max_model_len``; 0 where none does.

    More sequences take more room in the sampler and in graphs, so fewer tokens are left.

    Raises:
        InputError: as `plan_serving`, or where no GPU is named.
    """
    base = find_base_model(cfg, model)
    card = find_named_gpu(cfg, gpu) or required_gpu(cfg, gpu)
    settings = serving_settings(cfg, card, vllm_version)
    shape = _shared_model(cfg, settings, base)

    def fits(sequences: int) -> bool:
        batched = max(settings.batched, sequences)
        changed = dataclasses.replace(settings, sequences=sequences, batched=batched)
        plan = plan_serving_memory(changed, shape, card)
        return bool(plan.fits) and (plan.max_concurrency or 0) >= sequences

    return largest(fits, 4096)


def _shared_model(cfg: Config, settings: ServingSettings, model: Model) -> ServingModel:
    """What serving memory depends on of a model that so many GPUs can share.

    Raises:
        InputError: where they cannot, so that vLLM would not start; or where experts are spread
            over engines, which has no formula here.
    """
    if (why := model.indivisible(settings.tensor, copies=True)) is not None:
        raise InputError(
            f"vllm.tensor_parallel_size: {settings.tensor} GPUs cannot share {why}. Set a number "
            "that divides them."
        )
    if settings.pipeline > model.layers:
        raise InputError(
            f"vllm.pipeline_parallel_size: {settings.pipeline} stages are more than the model's "
            f"{model.layers} layers. Lower it."
        )
    if settings.engines > 1 and model.experts:
        raise InputError(
            "vllm.data_parallel_size: seqctx cannot plan experts that are spread over engines. "
            "Leave it out to plan the rest."
        )
    positions = Effective.of(cfg).serving_positions(model)
    return dataclasses.replace(serving_model(model), max_position=positions)


def plan_serving_memory(
    settings: ServingSettings,
    model: ServingModel,
    gpu: Gpu | None,
    *,
    free_bytes: int | None = None,
) -> ServingPlan:
    """Plan the memory of serving from what a file and a model were read into.

    Args:
        settings: what the file sets.
        model: what memory depends on of the model.
        gpu: the GPU; ``cpu`` is one, whose cache takes what the file gives it.
        free_bytes: what is available for the cache, where that is known [B].

    Raises:
        InputError: when a window of ``auto`` has nothing to be derived from.
    """
    if settings.quantization is None and model.native:
        native = known_quantization(model.native, "base_model: quantization_config")
        settings = dataclasses.replace(settings, quantization=native)
    fixed = tuple(t for t in fixed_terms(settings, model, gpu) if t.bytes)
    budget = _budget(settings, gpu)
    free = _first(free_bytes, settings.kv_bytes)
    if free is None and budget is not None:
        free = budget - sum(t.bytes for t in fixed)
    layout = layout_of(settings, model)
    longest = None if free is None else layout.longest(free, model.max_position)
    window = _window(settings, model, longest)
    cache = _cache_term(layout, window)
    terms = (*fixed, cache)
    allocated = sum(t.bytes for t in terms)
    blocks = None if free is None else layout.pool(free)
    memory = MemoryPlan(
        of="serving",
        terms=terms,
        moment="profiling, with the cache of one request",
        allocated=allocated,
        reserved=allocated,
        device=allocated,
        gpu=gpu,
        capacity=allocated - cache.bytes + free if free is not None else budget,
        notes=_notes(settings, model, gpu),
    )
    return ServingPlan(
        memory=memory,
        version=".".join(map(str, settings.version)),
        window=window,
        max_num_seqs=settings.sequences,
        block_size=layout.block_tokens,
        kv_bytes_per_token=sum(
            kind.count * kind.bytes for kind in _cached(settings, model) if kind.kind == "full"
        ),
        request_bytes=layout.blocks(window) * layout.block_bytes,
        kv_free=free,
        kv_blocks=blocks,
        kv_tokens=None if free is None else layout.tokens(free, window),
        max_concurrency=None if free is None else layout.concurrency(free, window),
        longest_window=longest,
    )


def layout_of(settings: ServingSettings, model: ServingModel) -> CacheLayout:
    """The cache of one GPU in blocks.

    Raises:
        InputError: for kinds of layers that a vLLM this old counted in another way.
    """
    if len(model.cache) > 1 and settings.version < (0, 21):
        raise InputError(
            "vllm_version: before 0.21, vLLM divided the cache of models with several kinds of "
            "layers in another way, which seqctx cannot plan. Plan with 0.21 or later."
        )
    states = 2 if settings.prefix_caching else 1
    layers = _cached(settings, model)
    return cache_layout(layers, block=settings.block, in_flight=settings.in_flight, states=states)


def _cached(settings: ServingSettings, model: ServingModel) -> tuple[CacheLayers, ...]:
    """One GPU's share of the layers, with keys and values as wide as the file says."""

    def share(kind: CacheLayers) -> CacheLayers:
        heads = kind.heads
        divided = max(heads // settings.tensor, 1) / heads  # a head that is not divided is copied
        width = 1.0 if kind.kind == "state" else settings.kv_width
        count = -(-kind.count // settings.pipeline)
        return dataclasses.replace(kind, count=count, bytes=int(kind.bytes * divided * width))

    return tuple(share(kind) for kind in model.cache)


def _cache_term(layout: CacheLayout, window: int) -> Term:
    blocks = layout.blocks(window)
    formula = f"({blocks:,} + 1) blocks x {layout.block_bytes:,} B"
    source = "vLLM 0.32: v1/core/kv_cache_utils.py, one block held back"
    return Term("KV cache", layout.needed(window), formula, source, "exact")


def _window(settings: ServingSettings, model: ServingModel, longest: int | None) -> int:
    """``max_model_len``: as given, the model's positions, or what fits.

    Raises:
        InputError: when it is ``auto`` and nothing says what fits.
    """
    if isinstance(settings.window, int):
        return settings.window
    if settings.window != "auto":
        return model.max_position
    if not longest:
        why = "no GPU is named" if longest is None else "not even one token fits"
        raise InputError(f"vllm.max_model_len: auto: {why}. Name a GPU, or set a number.")
    return longest


def _budget(settings: ServingSettings, gpu: Gpu | None) -> int | None:
    """What vLLM may take of the GPU (0.32: v1/worker/utils.py, request_memory)."""
    if gpu is None or gpu.is_cpu:
        return None
    budget: int = math.ceil(gpu.usable_bytes * settings.utilization)
    return budget


def _notes(settings: ServingSettings, model: ServingModel, gpu: Gpu | None) -> tuple[str, ...]:
    notes = list(model.notes)
    if settings.engines > 1:
        notes.append(
            f"this is one of {settings.engines} engines; each has its own model, cache and requests"
        )
    if budget := _budget(settings, gpu):
        notes.append(
            f"vLLM gives all that is left of its {budget / GIB:.1f} GiB to the cache, so "
            "nvidia-smi shows that much and the CUDA context, even with one request"
        )
    if gpu and not gpu.is_cpu and gpu.usable_gib * (1 - settings.utilization) < 0.5:
        notes.append(
            f"gpu_memory_utilization {settings.utilization} leaves less than the half GiB that the "
            "CUDA context takes: vLLM refuses to start when less than its budget is free"
        )
    if settings.quantization == "fp8" and gpu and not (gpu.is_cpu or gpu.has_fp8):
        notes.append(
            f"{gpu.name} cannot compute in fp8; vLLM converts weights to 16 bit as it uses them"
        )
    if settings.rank and model.lora_embeddings:
        notes.append(
            "adapter buffers include embeddings and head, as vLLM reserves them for this class"
        )
    return tuple(notes)


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)
