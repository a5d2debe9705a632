"""What holds for a whole class of models, by the ``model_type`` that their config.json names.

A folder names its type in config.json, a row of ``models/`` names it in the row; both are looked up
here. Nothing is claimed of a type that is not in the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

AttentionName = Literal["eager", "sdpa", "flash_attention_2"]
Precision = Literal["float16", "bfloat16", "float32"]

SPLIT_LINEARS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""Names of a block's linear layers where each projection is a layer of its own."""
FUSED_LINEARS = ("qkv_proj", "o_proj", "gate_up_proj", "down_proj")
"""Their names where queries, keys and values are one layer, and gate and up another."""


class Architecture(NamedTuple):
    """A class of models.

    Attributes:
        linears: names of a block's linear layers (transformers 5.16: models/*/modeling_*.py); None
            where they are not known here.
        gated_mlp: whether the MLP has a gate besides up and down.
        tied_embeddings: whether embeddings and head are one matrix where config.json does not say
            (transformers 5.16: models/*/configuration_*.py).
        scales_positions: whether a factor of rope scaling multiplies ``max_position_embeddings``
            (vLLM 0.32: config/model.py, _get_and_verify_max_len).
        leaks_when_packed: attention implementations with which packed examples attend to one
            another, whatever their position ids say.
        not_served_in: precisions that vLLM refuses (0.32: config/model.py,
            _FLOAT16_NOT_SUPPORTED_MODELS).
        lora_on_embeddings: whether vLLM keeps room for adapters on embeddings and head (0.32:
            model_executor/models, classes whose embedding_modules are not empty).
        text_only: whether transformers has a class of it for text alone, which can be built small.
        full_attention_every: the distance of layers with full attention, where the class sets it
            although config.json does not list the layers.
    """

    linears: tuple[str, ...] | None = None
    gated_mlp: bool = True
    tied_embeddings: bool = False
    scales_positions: bool = True
    leaks_when_packed: frozenset[AttentionName] = frozenset()
    not_served_in: frozenset[Precision] = frozenset()
    lora_on_embeddings: bool = False
    text_only: bool = False
    full_attention_every: int | None = None


_FLOAT16: frozenset[Precision] = frozenset({"float16"})
_TEXT = Architecture(linears=SPLIT_LINEARS, text_only=True)
_TIED = Architecture(tied_embeddings=True)

ARCHITECTURES: Mapping[str, Architecture] = {
    "apertus": Architecture(SPLIT_LINEARS, gated_mlp=False, text_only=True),  # xIELU
    "arcee": Architecture(SPLIT_LINEARS, gated_mlp=False, text_only=True),  # squared ReLU
    "gemma": Architecture(SPLIT_LINEARS, tied_embeddings=True, text_only=True),
    "gemma2": Architecture(
        SPLIT_LINEARS, tied_embeddings=True, not_served_in=_FLOAT16, text_only=True
    ),
    "gemma3": Architecture(
        SPLIT_LINEARS, tied_embeddings=True, scales_positions=False, not_served_in=_FLOAT16
    ),
    "gemma3_text": Architecture(
        SPLIT_LINEARS,
        tied_embeddings=True,
        scales_positions=False,
        not_served_in=_FLOAT16,
        text_only=True,
        full_attention_every=6,
    ),
    "gemma3n": Architecture(tied_embeddings=True, scales_positions=False),
    "gemma3n_text": Architecture(tied_embeddings=True, scales_positions=False),
    "glm4": Architecture(not_served_in=_FLOAT16),
    # transformers 5.16 gives this class's eager mask no positions (check --prove-isolation)
    "gpt_oss": Architecture(SPLIT_LINEARS, leaks_when_packed=frozenset({"eager"}), text_only=True),
    "llama": Architecture(SPLIT_LINEARS, lora_on_embeddings=True, text_only=True),
    "mimo": Architecture(SPLIT_LINEARS),  # code of its own on the hub
    "ministral": _TEXT,
    "ministral3": _TEXT,
    "mistral": _TEXT,
    "mistral3": Architecture(SPLIT_LINEARS),
    "phi3": Architecture(FUSED_LINEARS, text_only=True),
    "qwen2": _TEXT,
    "qwen3": Architecture(SPLIT_LINEARS, lora_on_embeddings=True, text_only=True),
    "qwen3_moe": _TEXT,
    "seed_oss": _TEXT,
    "smollm3": Architecture(SPLIT_LINEARS, tied_embeddings=True, text_only=True),
    **dict.fromkeys(
        (
            "cohere", "cohere2", "cohere2_moe", "cohere2_vision", "ernie4_5", "ernie4_5_moe",
            "gemma4", "gemma4_text", "gemma4_unified", "gemma4_unified_text", "lfm2", "lfm2_moe",
            "lfm2_vl", "starcoder2", "vaultgemma",
        ),
        _TIED,
    ),
}  # fmt: skip
"""By ``model_type``."""

UNKNOWN_ARCHITECTURE = Architecture()
"""Of a type that is not in the table: the usual, and no names of layers."""


def architecture_of_type(model_type: str | None) -> Architecture:
    """What holds for a ``model_type``; `UNKNOWN_ARCHITECTURE` for one that is not in the table."""
    return ARCHITECTURES.get(model_type or "", UNKNOWN_ARCHITECTURE)
