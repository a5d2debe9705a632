"""What is known of a model: one typed value, read from a row of ``models/`` or a config.json."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

from seqctx.catalog.architectures import Architecture, architecture_of_type
from seqctx.catalog.names import Tuning
from seqctx.errors import InputError

RopeKind = Literal["linear", "dynamic", "llama3", "yarn", "longrope", "proportional"]
"""How rotary position embeddings are scaled."""


class Row(BaseModel):
    """Frozen, and without keys that are not listed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class State(Row):
    """The state of gated delta nets, which does not grow with the text.

    Attributes:
        key_heads: heads of queries and keys.
        value_heads: heads of values.
        key_dim: width of a key head.
        value_dim: width of a value head.
        kernel: taps of the convolution.
    """

    key_heads: int
    value_heads: int
    key_dim: int
    value_dim: int
    kernel: int


class Layers(Row):
    """Layers with the same kind of attention.

    Attributes:
        kind: ``full`` attention, a ``sliding`` window, ``linear`` attention, or ``latent`` (MLA).
        count: how many layers; None where it is not known which ones are of this kind.
        window: of ``sliding`` [tokens].
        kv_heads: where they have others than the model.
        head_dim: where theirs is another than the model's.
        keys_are_values: whether one matrix makes both.
        state: of ``linear``; None where its sizes are not known.
    """

    kind: Literal["full", "sliding", "linear", "latent"]
    count: int | None = None
    window: int | None = None
    kv_heads: int | None = None
    head_dim: int | None = None
    keys_are_values: bool = False
    state: State | None = None


class Experts(Row):
    """Experts in every layer's MLP.

    Attributes:
        routed: how many there are to choose from.
        active: how many a token takes; None where it is not known.
        width: within one; None where it is not known.
        shared: how many every token takes besides.
        dense_first: how many first layers have an ordinary MLP instead.
        stored_as: number format of their published weights, if not the model's.
    """

    routed: int
    active: int | None = None
    width: int | None = None
    shared: int = 0
    dense_first: int = 0
    stored_as: Literal["mxfp4"] | None = None

    @property
    def sized(self) -> bool:
        """Whether their number and width are all that the MLP is made of."""
        return bool(self.active and self.width) and not self.shared and not self.dense_first

    @property
    def active_width(self) -> int:
        """Width of what one token takes of the routed ones; 0 where it is not known."""
        return (self.active or 0) * (self.width or 0)


class Rope(Row):
    """Rotary position embeddings.

    Attributes:
        base: theta; None where it is not known.
        kind: of scaling; None without.
        factor: of scaling.
        low_freq_factor: of ``llama3``.
        high_freq_factor: of ``llama3``.
        original_positions: before scaling [tokens].
        share: of each head that is rotated.
    """

    base: float | None = None
    kind: RopeKind | None = None
    factor: float | None = None
    low_freq_factor: float | None = None
    high_freq_factor: float | None = None
    original_positions: int | None = None
    share: float = 1.0


_SHAPE = (
    "hidden", "layers", "heads", "kv_heads", "head_dim", "intermediate", "vocab", "max_position",
    "parameters", "tied_embeddings", "attention", "experts", "rope",
)  # fmt: skip


class Model(Row):
    """One model.

    Attributes:
        name: the row's hub id, or the folder.
        model_type: as config.json names its class; None where that is not known.
        hidden: width between blocks.
        layers: blocks.
        heads: of queries.
        kv_heads: of keys and values.
        head_dim: width of a head.
        intermediate: width within the MLP; None where experts take its place.
        vocab: rows of the embedding.
        max_position: positions that the model was trained for, its own scaling included [tokens].
        position_factor: by what config.json's own rope scaling multiplies its positions.
        parameters: weights, embeddings included.
        tied_embeddings: whether embeddings and head are one matrix; None where it is not known.
        attention: layers by kind, those that see everything first.
        experts: None for a dense model.
        rope: position embeddings; None where nothing is known of them.
        tuning: ``base`` or ``instruct``; None where it is not known.
        eos: what the tokenizer ends a text with, which Axolotl trains as the end of a turn; None
            where it is not known.
        end_of_turn: what the model's own chat template ends a turn with; None where it is not
            known or there is no template.
        special_tokens: in the vocabulary already; None where they are not known.
        quantization: how its weights are stored if not in 16 bit: config.json's ``quant_method``,
            and the bits where those are not 4, as in ``gptq 8 bit``.
        source: where the facts are from.
        from_memory: fields that were noted from memory and not read from a file, or ``all``.
    """

    name: str
    model_type: str | None = None
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int | None = None
    vocab: int
    max_position: int
    position_factor: float = 1.0
    parameters: int
    tied_embeddings: bool | None = None
    attention: tuple[Layers, ...]
    experts: Experts | None = None
    rope: Rope | None = None
    tuning: Tuning | None = None
    eos: str | None = None
    end_of_turn: str | None = None
    special_tokens: frozenset[str] | None = None
    quantization: str | None = None
    source: str
    from_memory: Literal["all"] | tuple[str, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Model:
        """That kinds of layers add up, and that what is from memory names fields.

        Raises:
            ValueError: when they do not.
        """
        counts = [kind.count for kind in self.attention]
        if None not in counts and sum(c for c in counts if c) != self.layers:
            raise ValueError(f"{self.name}: kinds of layers add up to other than {self.layers}")
        named = () if self.from_memory == "all" else self.from_memory
        if strangers := [field for field in named if field not in Model.model_fields]:
            raise ValueError(f"{self.name}: from_memory names no field: {', '.join(strangers)}")
        return self

    @property
    def architecture(self) -> Architecture:
        """What holds for its class."""
        return architecture_of_type(self.model_type)

    @property
    def shape_from_memory(self) -> Literal["all"] | tuple[str, ...]:
        """Which of the facts that memory and positions depend on are from memory."""
        if self.from_memory == "all":
            return "all"
        return tuple(field for field in self.from_memory if field in _SHAPE)

    @property
    def latent(self) -> bool:
        """Whether some layers have latent attention (MLA), which has no key heads."""
        return any(kind.kind == "latent" for kind in self.attention)

    @property
    def windowed(self) -> bool:
        """Whether some layers see a sliding window only."""
        return any(kind.kind == "sliding" for kind in self.attention)

    @property
    def unplanned(self) -> str | None:
        """What of its blocks has no formula here; None where all has."""
        kinds = {kind.kind for kind in self.attention}
        if "latent" in kinds:
            return "latent attention (MLA)"
        if "linear" in kinds:
            return "linear attention in some layers"
        if any(kind.keys_are_values for kind in self.attention):
            return "keys and values from one matrix in some layers"
        if self.experts and self.experts.shared:
            return "shared experts besides the routed ones"
        if self.experts and not self.experts.sized:
            return f"{self.experts.routed} experts, whose width is not known"
        return None

    @property
    def linears(self) -> dict[str, tuple[int, int]]:
        """Linear layers of one block, experts apart: name to (in, out).

        Raises:
            InputError: for a model whose blocks differ, or are not known.
        """
        if self.unplanned:
            raise InputError(
                f"{self.name}: has {self.unplanned}. seqctx cannot plan the memory of such blocks. "
                "Name another model."
            )
        h, q, k = self.hidden, self.heads * self.head_dim, self.kv_heads * self.head_dim
        attention = {"q_proj": (h, q), "k_proj": (h, k), "v_proj": (h, k), "o_proj": (q, h)}
        if self.experts:
            return attention
        if not self.intermediate:
            raise InputError(f"{self.name}: the width of its MLP is not known. Name its folder.")
        inner = self.intermediate
        mlp = {"gate_proj": (h, inner), "up_proj": (h, inner), "down_proj": (inner, h)}
        if not self.architecture.gated_mlp:
            del mlp["gate_proj"]
        return {**attention, **mlp}

    @property
    def block_parameters(self) -> int:
        """Weights of all blocks' linear layers, experts apart."""
        return self.layers * sum(a * b for a, b in self.linears.values())

    @property
    def expert_parameters(self) -> int:
        """Weights of all experts, each with gate, up and down."""
        return self._of_experts(self.experts.routed) if self.experts else 0

    @property
    def active_parameters(self) -> int:
        """Weights of the blocks that one token takes."""
        taken = self._of_experts(self.experts.active or 0) if self.experts else 0
        return self.block_parameters + taken

    def _of_experts(self, count: int) -> int:
        width = (self.experts.width or 0) if self.experts else 0
        return self.layers * count * 3 * self.hidden * width

    @property
    def embedding_parameters(self) -> int:
        """Weights of embeddings and head: once the vocabulary where they are tied, else twice."""
        return self.vocab * self.hidden * (1 if self.tied_embeddings else 2)

    @property
    def kv_bytes_per_token(self) -> int:
        """Keys and values of one token in 16 bit, over all layers that keep them [B]."""
        kept = sum(
            (kind.count or self.layers)
            * (kind.kv_heads or self.kv_heads)
            * (kind.head_dim or self.head_dim)
            for kind in self.attention
            if kind.kind != "linear"
        )
        return 4 * kept

    @property
    def weights_gib(self) -> float:
        """All weights in 16 bit [GiB]."""
        return self.parameters * 2 / 2**30

    @property
    def untrained_end_of_turn(self) -> str | None:
        """What ends a turn of its chat template, where that is not ``eos``; None if unknown.

        Axolotl trains the end of a turn by ``eot_tokens``, else by ``eos`` (0.19:
        prompt_strategies/chat_template.py).
        """
        return self.end_of_turn if self.eos and self.end_of_turn != self.eos else None

    def indivisible(self, cards: int, *, copies: bool) -> str | None:
        """The part of a layer that so many GPUs cannot share; None where they can.

        Args:
            cards: number of GPUs that share each layer.
            copies: whether key and value heads are copied if there are fewer of them than GPUs, as
                vLLM does (0.32, models/llama.py); transformers needs whole heads on each GPU.

        Not covered: the width of experts, and latent attention (MLA), which has no key heads.
        """
        if self.heads % cards:
            return f"{self.heads} heads"
        keys = 0 if self.latent else self.kv_heads
        if keys and keys % cards and not (copies and cards % keys == 0):
            return f"{keys} key heads"
        dense = not self.experts and not self.latent
        if copies and dense and self.intermediate and self.intermediate % cards:
            return f"{self.intermediate} columns of the MLP"
        return None

    def adapter_parameters(self, rank: int, targets: Iterable[str]) -> int:
        """Weights of a LoRA: rank x (in + out) of each layer it targets (2106.09685, section 4)."""
        linears = self.linears
        return self.layers * rank * sum(sum(linears[t]) for t in targets if t in linears)
