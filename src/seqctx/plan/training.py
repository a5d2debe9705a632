"""Memory of training: what stays the whole time, and the moments that need more.

After loading there are weights, adapters, their gradients and the optimizer's state. In each step
come, one after another: the activations that the backward pass needs, with the logits at the end of
the forward pass; then, block by block from the last, what is computed again and thrown away. The
peak is at the worst of these moments.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from seqctx.catalog.gpus import Gpu
from seqctx.catalog.models import Model
from seqctx.config.config import Config
from seqctx.plan.inputs import find_base_model, find_named_gpu
from seqctx.plan.memory import GIB, MemoryPlan, Term
from seqctx.plan.training_settings import TrainingSettings, training_settings

# bitsandbytes 0.50: 4 bits, and a scale for every 64 weights: 32 bits of it, or, quantized again,
# 8 bits and 32 for every 256 scales: 4 + 8/64 + 32/(64*256) = 4.127. GPTQ and AWQ: groups of 128
# with a 16-bit scale and a 4-bit zero.
_BITS = {
    "nf4-dq": 4.127,
    "nf4": 4.5,
    "gptq": 4 + 20 / 128,
    "int8": 8.0,
    "16 bit": 16.0,
    "32 bit": 32.0,
}
_LOADED = ("weights", "embeddings", "experts")
_RESERVED = 1.08  # reserved over allocated: median of 11 runs that gave both, 1.02 to 1.25
CONTEXT = GIB // 2
"""CUDA context and libraries [B]."""


def plan_training(
    cfg: Config,
    *,
    gpu: str | Gpu | None = None,
    model: Model | None = None,
) -> MemoryPlan:
    """Plan the memory of training a file, on one GPU or on each of several.

    Args:
        cfg: the file.
        gpu: the GPU; ``seqctx.gpu`` when None.
        model: the base model; looked up by ``base_model`` when None.

    Returns:
        The plan at its peak. Not covered: evaluation with larger batches than training, images.

    Raises:
        InputError: for an unknown model or GPU, a setting whose memory has no formula here, or an
            argument of another type.
    """
    base = find_base_model(cfg, model)
    return plan_training_memory(training_settings(cfg, base), base, find_named_gpu(cfg, gpu))


def plan_training_memory(
    settings: TrainingSettings, model: Model, gpu: Gpu | None = None
) -> MemoryPlan:
    """Plan the memory of training from what a file was read into.

    Args:
        settings: what the file sets.
        model: its base model.
        gpu: the GPU; ``cpu`` counts as none, since it has no memory of its own.
    """
    gpu = None if gpu and gpu.is_cpu else gpu
    lasting = list(_lasting(settings, model))
    moments = {
        "loading": [*(t for t in lasting if t.name in _LOADED), _loading(model)],
        "loss": [
            *(t for t in lasting if settings.accumulates or t.name != "gradients"),
            _kept(settings, model), *_logits(settings, model),
        ],
        "backward": [*lasting, _kept(settings, model), *_recomputed(settings, model)],
    }  # fmt: skip
    moment, terms = max(moments.items(), key=lambda m: sum(t.bytes for t in m[1]))
    allocated = sum(t.bytes for t in terms)
    reserved = int(allocated * _RESERVED)
    return MemoryPlan(
        of="training",
        terms=tuple(t for t in terms if t.bytes),
        moment=moment,
        allocated=allocated,
        reserved=reserved,
        device=reserved + CONTEXT,
        gpu=gpu,
        capacity=gpu.usable_bytes if gpu else None,
    )


def between_steps(settings: TrainingSettings, model: Model) -> int:
    """What is allocated between two steps, without what may have left the GPU [B]."""
    paged = settings.optimizer_facts.paged
    return sum(
        t.bytes
        for t in _lasting(settings, model)
        if t.name != "gradients" and not (t.name == "optimizer" and paged)
    )


def _lasting(s: TrainingSettings, model: Model) -> Iterator[Term]:
    """Weights, embeddings, and for what is trained its copies, gradients and moments."""
    whole, source = s.cards if s.stage >= 3 else 1, "bitsandbytes 0.50: functional.py"
    blocks, experts = model.block_parameters, model.expert_parameters
    yield _each("weights", blocks, _BITS[s.weights] / 8, whole * s.tensor, source)
    vocabulary = model.embedding_parameters
    yield _each("embeddings", vocabulary, s.embedding_bytes, whole, "config.json")
    if experts:
        bits = _BITS[s.weights] if s.quantizes_experts or s.weights == "32 bit" else 16.0
        yield _each("experts", experts, bits / 8, whole * s.tensor,
                    "axolotl 0.19: quantize_moe_experts, else 16 bit")  # fmt: skip
    if s.rank:
        trained, width = model.adapter_parameters(s.rank, s.targets), s.adapter_bytes
        if s.dora:
            linears = model.linears
            trained += model.layers * sum(linears[t][1] for t in s.targets if t in linears)
        yield _each("adapter", trained, width, whole, "arXiv 2106.09685, section 4")
    else:
        trained = ceil((blocks + experts) / s.tensor) + vocabulary  # a part's gradient is a part
        width = 4 if s.weights == "32 bit" else 2
    divided = s.cards if s.stage >= 2 else 1
    yield _each("gradients", trained, width, divided, "torch: a gradient has its weight's type")
    yield _states(s, model, trained, width)


def _states(s: TrainingSettings, model: Model, trained: int, width: int) -> Term:
    """What the optimizer keeps: as wide as the weight with torch, else as its name says.

    The 32-bit states of bitsandbytes are 32 bit for any weight. With its 8-bit ones transformers
    keeps those of ``nn.Embedding`` at 32 bits (5.16: trainer.py, create_optimizer).
    """
    moments, source = s.moment_bytes, f"states of {s.optimizer}, by weight"
    of_bitsandbytes = s.optimizer_facts.library == "bitsandbytes"
    if moments >= 4 and not of_bitsandbytes:
        moments *= width / 4
    narrow = of_bitsandbytes and moments < 4
    if not narrow or s.rank:
        return _each("optimizer", trained, moments, s.cards, source)
    embedding, whole = model.vocab * model.hidden, 4 * int(moments)
    rest = trained - embedding
    return Term("optimizer", ceil((rest * moments + embedding * whole) / s.cards),
                f"{rest:,} x {moments:.4g} B + {embedding:,} of the embedding x {whole} B"
                f"{_divided(s.cards)}", source, "exact")  # fmt: skip


def _each(name: str, weights: int, width: float, cards: int, source: str) -> Term:
    """So many weights of so many bytes, divided over GPUs."""
    formula = f"{weights:,} x {width:.4g} B{_divided(cards)}"
    return Term(name, ceil(weights * width / cards), formula, source, "exact")


def _divided(cards: int) -> str:
    return f" / {cards} GPUs" if cards > 1 else ""


def _loading(model: Model) -> Term:
    """The largest tensor, as the checkpoint has it, in addition to what is loaded already."""
    largest = model.vocab * model.hidden
    return Term("tensor being loaded", 2 * largest, f"{largest:,} x 2 B",
                "transformers 5.16: tensors are loaded one by one", "exact")  # fmt: skip


def _kept(s: TrainingSettings, model: Model) -> Term:
    """What the forward pass leaves for the backward pass."""
    layers, hidden = model.layers, model.hidden
    if s.checkpointing == "off":
        block = _block_bytes(s, model)
        return Term("activations", layers * block, f"{layers} blocks x {block:,} B",
                    "tensors that autograd saves in a Llama block", "fitted")  # fmt: skip
    width = s.embedding_bytes  # the residual stream has the embeddings' type
    resident = 2 if s.checkpointing == "offloaded" else layers
    return Term(
        "checkpoints", resident * s.tokens * hidden * width,
        f"{resident} blocks x {s.tokens:,} tokens x {hidden} x {width} B",
        "arXiv 1604.06174: the input of each block", "exact",
    )  # fmt: skip


def _block_bytes(s: TrainingSettings, model: Model) -> int:
    """Activations of one block, forward and backward [B].

    Nine of the hidden width (norms, queries to values, attention's output, residuals) and 4.5 of
    the MLP's (gate, up, their product, and gradients). An adapter of 4 bytes a weight, in a
    quantized model, keeps its layer's input as 4 bytes. The input of a layer without an adapter is
    not kept, because its weights have no gradient.
    """
    hidden, inner = model.hidden, model.intermediate or 0
    if experts := model.experts:
        inner = experts.active_width
    narrow = 4 if s.weights == "32 bit" else s.embedding_bytes  # the residual stream's
    wide = 4 if s.quantized and s.rank else narrow
    trains_down = s.rank is None or "down_proj" in s.targets
    trains_mlp = s.rank is None or bool({"gate_proj", "up_proj"} & {*s.targets})
    mlp = 4.5 if trains_down else 3.5
    width = wide if trains_mlp else narrow
    if s.quantized and not trains_mlp:
        width = wide  # the dequantized product is of the compute type's autocast, 4 bytes
    attention = 9 * hidden * narrow
    scores = 0
    if s.attention == "eager":  # scores, their softmax in 4 bytes and its copy, and one gradient
        scores = int(7 * narrow * model.heads * s.tokens * s.sequence_len)
    return int(s.tokens * (attention + mlp * inner * width) + scores) // s.tensor


def _recomputed(s: TrainingSettings, model: Model) -> Iterator[Term]:
    """What the backward pass of one block needs besides."""
    if s.checkpointing != "off":
        block = _block_bytes(s, model)
        yield Term(
            "one block", block,
            f"{s.tokens:,} tokens x (9 x {model.hidden} hidden, 4.5 x {model.intermediate} MLP)",
            "tensors that autograd saves in a Llama block", "fitted",
        )  # fmt: skip
    largest = max(a * b for a, b in model.linears.values())
    if s.quantized:
        yield Term("dequantized matrix", 2 * largest, f"{largest:,} x 2 B",
                   "bitsandbytes 0.50: MatMul4Bit.backward", "exact")  # fmt: skip
    if s.cards > 1 and s.stage >= 3:
        block = 2 * (model.block_parameters + model.expert_parameters) // model.layers
        yield Term("gathered block", block, "weights of one block x 2 B",
                   "torch FSDP2: each GPU gathers a whole block", "exact")  # fmt: skip


def _logits(s: TrainingSettings, model: Model) -> Iterator[Term]:
    """The end of the forward pass: tokens x vocabulary, several times over."""
    vocab, hidden, tokens = model.vocab, model.hidden, s.tokens
    source = "transformers 5.16: loss_utils.ForCausalLMLoss"
    if s.loss == "stock":
        # as computed, the logarithms of the softmax, and two gradients of 4 bytes in backward
        each = s.embedding_bytes + 12 + (4 if s.copies_logits else 0)
        yield Term("logits", each * tokens * vocab, f"{each} B x {tokens:,} x {vocab:,}", source,
                   "fitted")  # fmt: skip
    elif s.loss == "chunked":
        # one chunk of those, and the logits themselves with their gradient in 2 bytes each
        size = (4 + ceil(12 / s.chunks)) * tokens * vocab
        yield Term("logits", size, f"(4 + 12 / {s.chunks}) B x {tokens:,} x {vocab:,}",
                   "axolotl 0.19: monkeypatch/loss/chunked.py", "fitted")  # fmt: skip
    elif s.loss == "liger":
        # liger 0.8: fused_linear_cross_entropy.py; a power of two of rows at a time
        rows = 1 << max(0, ceil(tokens / ceil(vocab / hidden)) - 1).bit_length()
        yield Term("logits", 6 * rows * vocab + 2 * tokens * hidden,
                   f"6 B x {rows:,} rows x {vocab:,} + 2 B x {tokens:,} x {hidden} of gradient",
                   "liger-kernel: ops/fused_linear_cross_entropy.py", "fitted")  # fmt: skip
    else:
        yield Term("loss", 2 * tokens * hidden,
                   f"2 B x {tokens:,} x {hidden} of gradient; no logits are kept",
                   "arXiv 2411.09009, section 4", "exact")  # fmt: skip
