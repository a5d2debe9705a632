"""Memory of vLLM on one card: weights, buffers, peaks, and how many tokens the rest holds.

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
from seqctx.plan.kv_cache import CacheLayers, CacheLayout, cache_layout, largest
from seqctx.plan.memory import GIB, MemoryPlan, Term
from seqctx.plan.serving_model import Served, served_shape
from seqctx.plan.serving_settings import BITS, Server, known_quantization, server_of
from seqctx.plan.training import find_card, model_of

MIB = 2**20


@dataclass(frozen=True, slots=True)
class ServingPlan:
    """What serving takes, and what the cache then holds.

    Attributes:
        memory: one card with the cache of one request at ``window``; its capacity is vLLM's
            budget, so that it fits where the server starts.
        version: of vLLM.
        window: ``max_model_len`` [tokens].
        max_num_seqs: requests that may run at once, if the cache holds them.
        block_size: tokens of a block.
        kv_bytes_per_token: by which a long request's cache grows, on one card [B].
        request_bytes: cache of one request at ``window``, without the block held back [B].
        kv_free: what the budget leaves for the cache; None without a card [B].
        kv_blocks: that it makes.
        kv_tokens: the cache's size as vLLM's log says it.
        max_concurrency: requests at ``window`` that it holds: the real number.
        longest_window: the largest ``max_model_len`` the server would start with [tokens].
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
        """What is left beside one request; negative where the server refuses [B]."""
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
    """Memory of serving a file's model and adapter.

    Args:
        cfg: the file.
        gpu: the card; unset: ``seqctx.gpu``. Every card of a parallel server is the same.
        vllm_version: whose arithmetic.
        model: the model; unset: looked up by ``base_model``.
        free_bytes: what vLLM's log says is available for the cache, where that is known [B].

    Raises:
        InputError: when the card or the model is not known, or a key is not covered.

    Not covered: vision and audio encoders, drafters, caches offloaded to the CPU.
    """
    card = find_card(cfg, gpu)
    server = server_of(cfg, card, vllm_version)
    served = _divided(cfg, server, model or model_of(cfg))
    return plan_of(server, served, card, free_bytes=free_bytes)


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
        InputError: as `plan_serving`, or without a card.
    """
    card = find_card(cfg, gpu)
    if card is None:
        raise InputError("gpu: none is named. Set seqctx.gpu, or give one.")
    server = server_of(cfg, card, vllm_version)
    served = _divided(cfg, server, model or model_of(cfg))

    def fits(sequences: int) -> bool:
        batched = max(server.batched, sequences)
        changed = dataclasses.replace(server, sequences=sequences, batched=batched)
        plan = plan_of(changed, served, card)
        return bool(plan.fits) and (plan.max_concurrency or 0) >= sequences

    return largest(fits, 4096)


def _divided(cfg: Config, server: Server, model: Model) -> Served:
    """The model as vLLM sees it, where so many cards can share it.

    Raises:
        InputError: where they cannot, so that vLLM would not start; or where experts are spread
            over engines, which is not covered.
    """
    if (why := model.indivisible(server.tensor, copies=True)) is not None:
        raise InputError(f"vllm.tensor_parallel_size: {server.tensor} cards cannot share {why}.")
    if model.layers and server.pipeline > model.layers:
        raise InputError(f"vllm.pipeline_parallel_size: {server.pipeline} stages for "
                         f"{model.layers} layers. Lower it.")  # fmt: skip
    if server.engines > 1 and model.experts:
        raise InputError("vllm.data_parallel_size: it spreads experts over engines, which is not "
                         "covered. Leave it out to plan the rest.")  # fmt: skip
    return dataclasses.replace(
        served_shape(model), max_position=Effective.of(cfg).serving_positions(model)
    )


def plan_of(
    server: Server, served: Served, gpu: Gpu | None, *, free_bytes: int | None = None
) -> ServingPlan:
    """The same from what is already resolved; changing a Server is cheaper than a Config.

    Raises:
        InputError: when a window of ``auto`` has nothing to be derived from.
    """
    if server.quantization is None and served.native:
        native = known_quantization(served.native, "base_model: quantization_config")
        server = dataclasses.replace(server, quantization=native)
    fixed = tuple(t for t in fixed_terms(server, served, gpu) if t.bytes)
    budget = _budget(server, gpu)
    free = _first(free_bytes, server.kv_bytes)
    if free is None and budget is not None:
        free = budget - sum(t.bytes for t in fixed)
    layout = layout_of(server, served)
    longest = None if free is None else layout.longest(free, served.max_position)
    window = _window(server, served, longest)
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
        notes=_notes(server, served, gpu),
    )
    return ServingPlan(
        memory=memory,
        version=".".join(map(str, server.version)),
        window=window,
        max_num_seqs=server.sequences,
        block_size=layout.block_tokens,
        kv_bytes_per_token=sum(
            kind.count * kind.bytes for kind in _cached(server, served) if kind.kind == "full"
        ),
        request_bytes=layout.blocks(window) * layout.block_bytes,
        kv_free=free,
        kv_blocks=blocks,
        kv_tokens=None if free is None else layout.tokens(free, window),
        max_concurrency=None if free is None else layout.concurrency(free, window),
        longest_window=longest,
    )


def layout_of(server: Server, served: Served) -> CacheLayout:
    """The cache of one card in blocks.

    Raises:
        InputError: for kinds of layers that a vLLM this old counted otherwise.
    """
    if len(served.cache) > 1 and server.version < (0, 21):
        raise InputError(
            "vllm_version: before 0.21 caches of unlike layers were cut up otherwise, which is not "
            "worked out here. Plan with 0.21 or later."
        )
    states = 2 if server.prefix_caching else 1
    layers = _cached(server, served)
    return cache_layout(layers, block=server.block, in_flight=server.in_flight, states=states)


def _cached(server: Server, served: Served) -> tuple[CacheLayers, ...]:
    """One card's share of the layers, their keys and values as wide as the file says."""

    def share(kind: CacheLayers) -> CacheLayers:
        heads = kind.heads
        divided = max(heads // server.tensor, 1) / heads  # a head that cannot be divided is copied
        width = 1.0 if kind.kind == "state" else server.kv_width
        count = -(-kind.count // server.pipeline)
        return dataclasses.replace(kind, count=count, bytes=int(kind.bytes * divided * width))

    return tuple(share(kind) for kind in served.cache)


def fixed_terms(server: Server, served: Served, gpu: Gpu | None) -> tuple[Term, ...]:
    """All that is not the cache, on one card."""
    cpu = gpu is not None and not gpu.memory_gib
    terms = (_weights(server, served), _rotary(served), _lora(server, served))
    peak = _step_peak(server, served)
    return (*terms, peak) if cpu else (*terms, peak, _outside(server), _graphs(server))


def _weights(server: Server, served: Served) -> Term:
    bits = BITS[server.quantization]
    share = -(-served.layers // server.pipeline) / served.layers
    kept = served.embeddings if server.pipeline == 1 else served.vocab * served.hidden
    linear = int(served.linear_parameters * share * bits / 8)
    rest = int(served.other_parameters * share) * 2
    total = (linear + kept * 2) // server.tensor + rest
    formula = (
        f"({served.linear_parameters:,} x {bits:.3f} bit x {share:.3g} + {kept:,} x 16 bit) / "
        f"{server.tensor} + {served.other_parameters:,} x 16 bit"
    )
    source = f"parameters counted; {server.quantization or '16 bit'}: {served.source}"
    return Term("weights", total, formula, source, "exact")


def _rotary(served: Served) -> Term:
    """Cosines and sines of every position; vLLM counts them with the weights."""
    size = served.max_position * served.rotary * 2
    formula = f"{served.max_position} positions x {served.rotary} x 2 B"
    source = "vLLM 0.32: layers/rotary_embedding/base.py, cos_sin_cache"
    return Term("rotary table", size, formula, source, "exact")


def _lora(server: Server, served: Served) -> Term:
    """Room for adapters on every layer that could have one, whatever the adapter has."""
    if server.rank and not served.linears:
        raise InputError(
            f"adapter: {served.source}: which layers of this model can have one is not known here. "
            "Plan the merged model: leave adapter out."
        )
    width = sum(linear.lora_width(server.tensor) for linear in served.linears)
    width = -(-width // server.pipeline)
    width += served.lora_embeddings * (served.vocab + served.hidden)
    size = server.loras * server.rank * width * 2
    formula = f"{server.loras} x rank {server.rank} x sum(in + out) {width:,} x 2 B"
    source = "vLLM 0.32: lora/layers, create_lora_weights"
    return Term("adapter buffers", size, formula, source, "exact")


def _step_peak(server: Server, served: Served) -> Term:
    """The larger of a block's activations and the sampler's copies of the logits."""
    block = server.batched * served.activation_width(server.tensor) * 2
    each = 39 if server.old else 14
    sampler = server.sequences * served.vocab * each
    if block >= sampler:
        width = served.activation_width(server.tensor)
        formula = f"{server.batched} tokens x (3 inner + 3 hidden = {width:,}) x 2 B"
        source = "gate and up, their product; input, residual, norm. Checked at 29,000 tokens"
        return Term("activations", block, f"{formula}; the sampler less", source, "fitted")
    formula = f"{server.sequences} sequences x {served.vocab:,} x {each} B; activations less"
    source = (
        "eight logs of V0: 38.6 to 41 B" if server.old
        else "vLLM 0.32, v1/sample: logits in 16 and 32 bit, probabilities, noise"
    )  # fmt: skip
    return Term("sampler", sampler, formula, source, "fitted")


def _outside(server: Server) -> Term:
    """What torch does not see, and what it keeps beside: libraries' workspaces, NCCL."""
    size = 0.05 if server.old else 0.70
    nccl = 0.38 if server.tensor * server.pipeline > 1 else 0.0
    formula = f"{size:.2f} GiB" + (f" + {nccl:.2f} GiB of NCCL" if nccl else "")
    source = "tests/data/serve.csv: row 13 (0.19); median of V0, 0.03 to 0.35; NCCL: row 20 less 16"
    return Term("workspaces", int((size + nccl) * GIB), formula, source, "measured")


def _graphs(server: Server) -> Term:
    """CUDA graphs as vLLM estimates them before it has any; too high by up to 5 times."""
    count = graph_count(server.sequences) if not server.eager and server.version >= (0, 21) else 0
    formula = f"{count} graphs x 7 MiB"
    source = "row 37 of tests/data/serve.csv: 0.58 GiB estimated for 86, 0.10 used"
    return Term("CUDA graphs", count * 7 * MIB, formula, source, "measured")


def graph_count(sequences: int) -> int:
    """CUDA graphs captured: piecewise for every size, whole for those that decode.

    Source: vLLM 0.32, config/vllm.py, _set_cudagraph_sizes.
    """
    cap = min(2 * sequences, 512)
    sizes = [1, 2, 4, *range(8, 256, 8), *range(256, 513, 16)]
    whole = min(sequences, cap)
    return len([size for size in sizes if size <= cap]) + len([s for s in sizes if s <= whole])


def _cache_term(layout: CacheLayout, window: int) -> Term:
    blocks = layout.blocks(window)
    formula = f"({blocks:,} + 1) blocks x {layout.block_bytes:,} B"
    source = "vLLM 0.32: v1/core/kv_cache_utils.py, one block held back"
    return Term("KV cache", layout.needed(window), formula, source, "exact")


def _window(server: Server, served: Served, longest: int | None) -> int:
    """``max_model_len``: as given, the model's positions, or what fits."""
    if isinstance(server.window, int):
        return server.window
    if server.window != "auto":
        return served.max_position
    if not longest:
        room = "no card is known" if longest is None else "not even one token fits"
        raise InputError(f"vllm.max_model_len: auto: {room}. Name a card or a number.")
    return longest


def _budget(server: Server, gpu: Gpu | None) -> int | None:
    """What vLLM asks of the card (0.32: v1/worker/utils.py, request_memory)."""
    if gpu is None or not gpu.memory_gib:
        return None
    budget: int = math.ceil(gpu.usable_bytes * server.utilization)
    return budget


def _notes(server: Server, served: Served, gpu: Gpu | None) -> tuple[str, ...]:
    notes = list(served.notes)
    if server.engines > 1:
        notes.append(f"of {server.engines} engines, each with its own model, cache and requests")
    if budget := _budget(server, gpu):
        notes.append(
            f"vLLM gives all that is left of its {budget / GIB:.1f} GiB to the cache: nvidia-smi "
            "shows that and the CUDA context, whatever is asked of it"
        )
    if gpu and gpu.memory_gib and gpu.usable_gib * (1 - server.utilization) < 0.5:
        notes.append(
            f"utilization {server.utilization} leaves less than the CUDA context's half GiB: vLLM "
            "refuses to start where less than its budget is free"
        )
    if server.quantization == "fp8" and gpu and gpu.memory_gib and not gpu.has_fp8:
        notes.append(f"{gpu.name} has no fp8 arithmetic; weights are widened as they are used")
    if server.rank and served.lora_embeddings:
        notes.append("adapter buffers count embeddings and head, as vLLM does for this family")
    return tuple(notes)


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)
