"""Terms of serving memory that are not the cache: weights, buffers, and the peak of one step."""

from __future__ import annotations

from seqctx.catalog.gpus import Gpu
from seqctx.errors import InputError
from seqctx.plan.memory import GIB, Term
from seqctx.plan.serving_model import ServingModel
from seqctx.plan.serving_settings import BITS, ServingSettings

MIB = 2**20


def fixed_terms(s: ServingSettings, model: ServingModel, gpu: Gpu | None) -> tuple[Term, ...]:
    """All that is not the cache, on one GPU."""
    on_cpu = gpu is not None and gpu.is_cpu
    terms = (_weights(s, model), _rotary(model), _lora(s, model), _step_peak(s, model))
    return terms if on_cpu else (*terms, _outside_torch(s), _graphs(s))


def _weights(s: ServingSettings, model: ServingModel) -> Term:
    bits = BITS[s.quantization]
    share = -(-model.layers // s.pipeline) / model.layers
    kept = model.embeddings if s.pipeline == 1 else model.vocab * model.hidden
    linear = int(model.linear_parameters * share * bits / 8)
    rest = int(model.other_parameters * share) * 2
    total = (linear + kept * 2) // s.tensor + rest
    formula = (
        f"({model.linear_parameters:,} x {bits:.3f} bit x {share:.3g} + {kept:,} x 16 bit) / "
        f"{s.tensor} + {model.other_parameters:,} x 16 bit"
    )
    source = f"parameters counted; {s.quantization or '16 bit'}: {model.source}"
    return Term("weights", total, formula, source, "exact")


def _rotary(model: ServingModel) -> Term:
    """Cosines and sines of every position; vLLM counts them with the weights."""
    size = model.max_position * model.rotary * 2
    formula = f"{model.max_position} positions x {model.rotary} x 2 B"
    source = "vLLM 0.32: layers/rotary_embedding/base.py, cos_sin_cache"
    return Term("rotary table", size, formula, source, "exact")


def _lora(s: ServingSettings, model: ServingModel) -> Term:
    """Room for adapters on every layer that may have one, whichever layers the adapter has.

    Raises:
        InputError: where it is not known which layers those are.
    """
    if s.rank and not model.linears:
        raise InputError(
            f"adapter: seqctx does not know which layers of {model.name} may have one in vLLM. "
            "Merge the adapter and plan the merged model, or leave adapter out."
        )
    width = sum(linear.lora_width(s.tensor) for linear in model.linears)
    width = -(-width // s.pipeline)
    width += model.lora_embeddings * (model.vocab + model.hidden)
    size = s.loras * s.rank * width * 2
    formula = f"{s.loras} x rank {s.rank} x sum(in + out) {width:,} x 2 B"
    source = "vLLM 0.32: lora/layers, create_lora_weights"
    return Term("adapter buffers", size, formula, source, "exact")


def _step_peak(s: ServingSettings, model: ServingModel) -> Term:
    """The larger of a block's activations and the sampler's copies of the logits."""
    width = model.activation_width(s.tensor)
    block = s.batched * width * 2
    each = 39 if s.old else 14
    sampler = s.sequences * model.vocab * each
    if block >= sampler:
        formula = (
            f"{s.batched} tokens x (3 inner + 3 hidden = {width:,}) x 2 B; the sampler needs less"
        )
        source = (
            "gate, up and their product; input, residual and norm. Compared with one log of vLLM "
            "at 29,000 tokens (vllm-project/vllm issue 10517)"
        )
        return Term("activations", block, formula, source, "fitted")
    formula = f"{s.sequences} sequences x {model.vocab:,} x {each} B; activations need less"
    source = (
        "eight logs of vLLM before 0.9: 38.6 to 41 B" if s.old
        else "vLLM 0.32, v1/sample: logits in 16 and 32 bit, probabilities, noise"
    )  # fmt: skip
    return Term("sampler", sampler, formula, source, "fitted")


def _outside_torch(s: ServingSettings) -> Term:
    """What torch does not see, and what it keeps besides: libraries' workspaces, NCCL."""
    size = 0.05 if s.old else 0.70
    nccl = 0.38 if s.tensor * s.pipeline > 1 else 0.0
    formula = f"{size:.2f} GiB" + (f" + {nccl:.2f} GiB of NCCL" if nccl else "")
    source = (
        "logs of vLLM before 0.9: median of 0.03 to 0.35 GiB" if s.old
        else "a log of vLLM 0.19 (Llama-3.1-8B, RTX 4090, casys-kaist/LLMServingSim)"
    )  # fmt: skip
    if nccl:
        source += (
            "; NCCL: two logs, on one and on two GPUs (vllm issue 10517, vllm-gfx906 issue 10)"
        )
    return Term("workspaces", int((size + nccl) * GIB), formula, source, "measured")


def _graphs(s: ServingSettings) -> Term:
    """CUDA graphs as vLLM estimates them before it has any; too high by up to 5 times."""
    count = graph_count(s.sequences) if not s.eager and s.version >= (0, 21) else 0
    formula = f"{count} graphs x 7 MiB"
    source = (
        "a log of vLLM, August 2026 (wtdcode/vllm-backport issue 34): it reserved 0.58 GiB for 86 "
        "graphs, which took 0.10"
    )
    return Term("CUDA graphs", count * 7 * MIB, formula, source, "measured")


def graph_count(sequences: int) -> int:
    """CUDA graphs captured: piecewise for every size, whole for the sizes of decoding.

    Source: vLLM 0.32, config/vllm.py, _set_cudagraph_sizes.
    """
    cap = min(2 * sequences, 512)
    sizes = [1, 2, 4, *range(8, 256, 8), *range(256, 513, 16)]
    whole = min(sequences, cap)
    return len([size for size in sizes if size <= cap]) + len([s for s in sizes if s <= whole])
