"""What vLLM sees of a model: its linear layers, embeddings, and caches by kind of layer."""

from __future__ import annotations

from dataclasses import dataclass

from seqctx.catalog.models import Layers, Model, State
from seqctx.errors import InputError
from seqctx.plan.kv_cache import CacheLayers

_ROWS = ("o_proj", "down_proj")  # divided by input; all others by output (vLLM: RowParallelLinear)


@dataclass(frozen=True, slots=True)
class Linear:
    """Linear layers of one size.

    Attributes:
        inputs: width.
        outputs: width.
        count: in the whole model.
        row: whether GPUs divide it by its inputs.
    """

    inputs: int
    outputs: int
    count: int
    row: bool

    def lora_width(self, cards: int) -> int:
        """Weights of adapter buffers of rank 1 on one GPU; one half of each pair is divided."""
        if self.row:
            return self.count * (self.inputs // cards + self.outputs)
        return self.count * (self.inputs + self.outputs // cards)


@dataclass(frozen=True, slots=True)
class ServingModel:
    """What serving memory depends on of a model.

    Attributes:
        name: of the model.
        layers: blocks.
        hidden: width between blocks.
        vocab: rows of the embedding.
        inner: width within the MLP that one token takes, over all its experts.
        max_position: positions [tokens].
        rotary: width of the rotary table.
        linear_parameters: weights that quantization compresses.
        embeddings: weights of embeddings and head, which stay in 16 bit.
        other_parameters: norms.
        linears: layers that may have an adapter; empty where they are not known.
        lora_embeddings: how many of embeddings and head may have an adapter in vLLM.
        cache: layers by kind, in 16 bit.
        source: where the shape is from.
        native: how ``linear_parameters`` are stored if not in 16 bit.
        notes: assumptions, a sentence each.
    """

    name: str
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
        """Values of one token in a block: gate, up, their product; input, residual, norm."""
        return 3 * self.inner // cards + 3 * self.hidden


def serving_model(model: Model) -> ServingModel:
    """A model as vLLM sees it.

    Raises:
        InputError: when the memory of its layers or caches has no formula here.
    """
    if model.experts and not model.experts.active_width:
        raise InputError(
            f"{model.name}: has {model.experts.routed} experts. Their width is not read from "
            "config.json. Name the model by its hub id."
        )
    cache = cache_of(model)
    linear, embeddings, linears, native, notes = _weights(model)
    on_embeddings = model.architecture.lora_on_embeddings
    return ServingModel(
        name=model.name,
        layers=model.layers,
        hidden=model.hidden,
        vocab=model.vocab,
        inner=_inner(model),
        max_position=model.max_position,
        rotary=model.head_dim,
        linear_parameters=linear,
        embeddings=embeddings,
        other_parameters=max(model.parameters - linear - embeddings, 0),
        linears=linears,
        lora_embeddings=embeddings // (model.vocab * model.hidden) if on_embeddings else 0,
        cache=cache,
        source=model.source,
        native=native or model.quantization,
        notes=notes,
    )


def _weights(
    model: Model,
) -> tuple[int, int, tuple[Linear, ...], str | None, tuple[str, ...]]:
    """Weights that quantization compresses, embeddings, layers, native format, assumptions."""
    if not model.experts:
        linears = tuple(
            Linear(inputs, outputs, model.layers, name in _ROWS)
            for name, (inputs, outputs) in model.linears.items()
        )
        return model.block_parameters, model.embedding_parameters, linears, None, ()
    embeddings = 2 * model.vocab * model.hidden
    if model.experts.stored_as:  # as published; all else is in 16 bit
        return model.expert_parameters, embeddings, (), model.experts.stored_as, ()
    note = "the weights of experts are the model's total less its embeddings"
    return model.parameters - embeddings, embeddings, (), None, (note,)


def cache_of(model: Model) -> tuple[CacheLayers, ...]:
    """Caches by kind of layer, over all cards, in 16 bit.

    Raises:
        InputError: for kinds of layers whose cache has no formula here.
    """
    return tuple(_cache_of_kind(model, kind) for kind in model.attention)


def _cache_of_kind(model: Model, kind: Layers) -> CacheLayers:
    token = 4 * model.kv_heads * model.head_dim
    if kind.kind == "full" and kind.count and not kind.keys_are_values:
        return CacheLayers("full", kind.count, token, heads=model.kv_heads)
    if kind.kind == "sliding" and kind.count and kind.window:
        return CacheLayers("sliding", kind.count, token, kind.window, model.kv_heads)
    if kind.kind == "linear" and kind.count and kind.state:
        return CacheLayers(
            "state", kind.count, _state_bytes(kind.state), heads=kind.state.key_heads
        )
    why = {
        "full": "keys and values of some layers are from one matrix",
        "sliding": f"it is not known which layers have the window of {kind.window} tokens",
        "linear": "the size of its linear attention's state is not known",
        "latent": "it has latent attention (MLA)",
    }[kind.kind]
    raise InputError(
        f"{model.name}: {why}, so its KV cache cannot be planned. Start vLLM once and read 'GPU KV "
        "cache size' in its log."
    )


def _state_bytes(state: State) -> int:
    """One layer's state: the recurrent part is kept in 32 bit, the convolution's in 16 [B]."""
    widths = 2 * state.key_heads * state.key_dim + state.value_heads * state.value_dim
    recurrent = state.value_heads * state.key_dim * state.value_dim * 4
    return recurrent + widths * (state.kernel - 1) * 2


def _inner(model: Model) -> int:
    """Width of what one token's MLP has at once.

    Raises:
        InputError: when it is not known.
    """
    inner = model.experts.active_width if model.experts else model.intermediate
    if not inner:
        raise InputError(f"{model.name}: the width of its MLP is not known. Name its folder.")
    return inner
