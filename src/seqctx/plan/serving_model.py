"""What vLLM sees of a model: its linear layers, embeddings, and caches by kind of layer."""

from __future__ import annotations

import re
from dataclasses import dataclass

from seqctx.catalog.models import Model
from seqctx.errors import InputError
from seqctx.plan.kv_cache import CacheLayers

_ROWS = ("o_proj", "down_proj")  # divided by input; all others by output (vLLM: RowParallelLinear)
# vLLM 0.32, model_executor/models: classes whose embedding_modules are not empty
_EMBEDDING_LORA = ("llama", "qwen3", "smollm2")
# Key heads, value heads, widths of both, convolution of gated delta nets, from memory of
# config.json. Where it is in, logs 28 and 29 of tests/data/serve.csv come out to the token.
_DELTA_NETS = {"Qwen/Qwen3.6-35B-A3B": (16, 32, 128, 128, 4)}


@dataclass(frozen=True, slots=True)
class Linear:
    """Linear layers of one size.

    Attributes:
        inputs: width.
        outputs: width.
        count: in the whole model.
        row: whether cards divide it by its inputs.
    """

    inputs: int
    outputs: int
    count: int
    row: bool

    def lora_width(self, cards: int) -> int:
        """Weights of adapter buffers for each rank on one card: the half that is divided is."""
        if self.row:
            return self.count * (self.inputs // cards + self.outputs)
        return self.count * (self.inputs + self.outputs // cards)


@dataclass(frozen=True, slots=True)
class Served:
    """A model as memory of a server depends on it.

    Attributes:
        layers: blocks.
        hidden: width between blocks.
        vocab: rows of the embedding.
        inner: width within the MLP that one token takes, over all its experts.
        max_position: positions [tokens].
        rotary: width of the rotary table.
        linear_parameters: weights that quantization reaches.
        embeddings: weights of embeddings and head, which it does not.
        other_parameters: norms.
        linears: layers that adapters may be on; empty where that is not known.
        lora_embeddings: how many of embeddings and head may have adapters in vLLM.
        cache: layers by kind, in 16 bit.
        native: how ``linear_parameters`` are stored if not in 16 bit.
        source: where the model is from.
        notes: what is supposed.
    """

    layers: int
    hidden: int
    vocab: int
    inner: int
    max_position: int
    rotary: int
    linear_parameters: int
    embeddings: int
    other_parameters: int
    linears: tuple[Linear, ...]
    lora_embeddings: int
    cache: tuple[CacheLayers, ...]
    source: str
    native: str | None = None
    notes: tuple[str, ...] = ()

    def activation_width(self, cards: int) -> int:
        """Values a token has at once in a block: gate, up, their product; input, residual, norm."""
        return 3 * self.inner // cards + 3 * self.hidden


def served_shape(model: Model) -> Served:
    """A model's model as vLLM sees it.

    Raises:
        InputError: when its layers or caches cannot be said.
    """
    if not (model.hidden and model.layers and model.head_dim and model.vocab):
        raise InputError(f"{model.name}: its model is not known whole. Name its folder.")
    if re.fullmatch(r"\d+ experts", model.moe or ""):
        raise InputError(
            f"{model.name}: {model.moe}: their size is not read from config.json. Name the model "
            "by its hub id."
        )
    cache = cache_of(model)
    inner = _inner(model)
    linear, embeddings, linears, native, notes = _weights(model)
    total = int(model.parameters_m * 1e6)
    once = model.vocab * model.hidden
    family = any(mark in model.name.lower() for mark in _EMBEDDING_LORA)
    return Served(
        layers=model.layers,
        hidden=model.hidden,
        vocab=model.vocab,
        inner=inner,
        max_position=model.max_position,
        rotary=model.head_dim,
        linear_parameters=linear,
        embeddings=embeddings,
        other_parameters=max(total - linear - embeddings, 0),
        linears=linears,
        lora_embeddings=embeddings // once if family else 0,
        cache=cache,
        source=model.source,
        native=native or model.quantization,
        notes=notes,
    )


def _weights(
    model: Model,
) -> tuple[int, int, tuple[Linear, ...], str | None, tuple[str, ...]]:
    """Weights that quantization reaches, embeddings, layers, native format, what is supposed."""
    hidden, layers, vocab = model.hidden or 0, model.layers or 0, model.vocab or 0
    if not model.moe and model.intermediate:
        linears = tuple(
            Linear(inputs, outputs, layers, name in _ROWS)
            for name, (inputs, outputs) in model.linears.items()
        )
        return model.block_parameters, model.embedding_parameters, linears, None, ()
    note = "experts and shared layers are counted from the model's total of weights"
    experts = re.match(r"(\d+) experts.*mxfp4 experts", model.moe or "")
    if experts:  # stored in 4 bit as published; all else in 16
        expert = 3 * hidden * (model.intermediate or 0)
        return int(experts[1]) * expert * layers, 2 * vocab * hidden, (), "mxfp4", ()
    total = int(model.parameters_m * 1e6)
    return total - 2 * vocab * hidden, 2 * vocab * hidden, (), None, (note,)


def cache_of(model: Model) -> tuple[CacheLayers, ...]:
    """Caches by kind of layer, over all cards, in 16 bit.

    Raises:
        InputError: when the table's words on windows or states do not say it.
    """
    layers, heads, width = model.layers, model.kv_heads, model.head_dim
    if not (layers and heads and width):
        raise InputError(f"{model.name}: its caches are not known. Name its folder.")
    token = 4 * heads * width
    said = model.sliding_window or ""
    full = _full_layers(said, layers)
    if not said:
        return (CacheLayers("full", layers, token, heads=heads),)
    if model.name in _DELTA_NETS:
        keys, values, key, value, kernel = _DELTA_NETS[model.name]
        convolution = (2 * keys * key + values * value) * (kernel - 1) * 2
        state = values * key * value * 4 + convolution  # the recurrent state is kept in fp32
        rest = layers - (full or 0)
        return (
            CacheLayers("full", full or 0, token, heads=heads),
            CacheLayers("state", rest, state, heads=keys),
        )
    window = re.match(r"(\d+)", said)
    if not window or full is None or "K=V" in said or "full-attention" in said:
        raise InputError(
            f"{model.name}: {said}: its cache cannot be worked out from that. Start vLLM once and "
            "read 'GPU KV cache size' in its log."
        )
    sliding = CacheLayers("sliding", layers - full, token, int(window[1]), heads)
    if not full:
        return (sliding,)
    return (CacheLayers("full", full, token, heads=heads), sliding)


def _full_layers(said: str, layers: int) -> int | None:
    """How many layers see everything; None where the words do not say."""
    if match := re.search(r"(\d+) full", said):
        return int(match[1])
    if match := re.search(r"on (\d+) of (\d+) layers", said):
        period = int(match[2])
        return layers // period * (period - int(match[1]))
    if "alternate" in said:
        return layers // 2
    return None


def _inner(model: Model) -> int:
    """Width of what one token's MLP has at once."""
    match = re.search(r"top (\d+).*?moe_ff (\d+)", model.moe or "")
    if match:
        return int(match[1]) * int(match[2])
    top = re.search(r"top (\d+)", model.moe or "")
    if model.intermediate:
        return model.intermediate * (int(top[1]) if top else 1)
    raise InputError(f"{model.name}: the width of its MLP is not known. Name its folder.")
