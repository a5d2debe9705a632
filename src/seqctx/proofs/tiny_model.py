"""A small model of the same class: a config.json with few layers, narrow, over a few words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seqctx.catalog.architectures import ARCHITECTURES, UNKNOWN
from seqctx.catalog.lookup import find_model
from seqctx.catalog.models import Model
from seqctx.errors import InputError
from seqctx.system.atomic import explain_os_errors

VOCAB = 512
"""Tokens that the small model knows."""
WINDOW = 32
"""What its sliding windows see [tokens], where the model has such: short, so that they count."""

_EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts")
_WIDTHS = ("intermediate_size", "moe_intermediate_size", "shared_expert_intermediate_size")
_NOT_KEPT = (
    "_name_or_path", "architectures", "dtype", "torch_dtype", "transformers_version",
    "bos_token_id", "quantization_config", "unk_token_id", "sep_token_id",
)  # fmt: skip


def model_config(base_model: str) -> tuple[dict[str, Any], Model]:
    """A model's config.json, of its folder or as far as the catalog knows it, and its shape.

    Raises:
        InputError: when neither says what class it is, or when it is not text alone.
    """
    shape = find_model(base_model)
    if shape is None:
        raise InputError(f"base_model: {base_model}: its architecture is not known. Name a folder.")
    path = Path(base_model) / "config.json"
    if not path.is_file():
        if not shape.model_type or not shape.architecture.text_only:
            raise InputError(
                f"base_model: {base_model}: transformers has no class of it for text alone that "
                "seqctx knows. Name a folder with its config.json."
            )
        config = {
            "model_type": shape.model_type,
            "sliding_window": WINDOW if shape.windowed else None,
        }
        return config, shape
    with explain_os_errors(path):
        config = json.loads(path.read_text("utf-8"))  # find_model read it, too
    if "text_config" in config or "auto_map" in config:
        raise InputError(
            f"{path}: a model of more than text, or with code of its own. Take another."
        )
    if "model_type" not in config:
        raise InputError(f"{path}: names no model_type. Mend it.")
    return config, shape


def tiny_config(config: Mapping[str, Any], shape: Model) -> dict[str, Any]:
    """A config of the same class, small: for a model with random weights.

    Kept are head_dim, how many query heads share a key head (up to 8), the kinds of layers, and all
    that is no size. Heads, layers, experts, widths and vocabulary are few; windows are short, and
    dropout is off, so that two forwards of one input give the same.

    Args:
        config: its config.json.
        shape: its heads.

    Returns:
        Arguments of transformers' ``AutoConfig.for_model``.
    """
    shared = min(shape.heads // shape.kv_heads, 8)
    kv_heads = 1 if shape.kv_heads == 1 or shared > 4 else 2
    hidden = kv_heads * shared * shape.head_dim
    old = config.get("num_hidden_layers")
    layers = _layers(config, old)
    small = {k: v for k, v in config.items() if k not in _NOT_KEPT}
    for key, value in small.items():
        if isinstance(value, list) and len(value) == old:
            small[key] = value[:layers]
        elif "dropout" in key or "pdrop" in key:
            small[key] = 0.0
    experts = {key: 4 for key in _EXPERTS if config.get(key)}
    if not experts and shape.experts:
        experts = {key: 4 for key in _EXPERTS}
    if experts:
        experts |= {"num_experts_per_tok": 2, "n_group": 1, "topk_group": 1}
    widths = {key: 2 * hidden for key in _WIDTHS if key in config or key == "intermediate_size"}
    window = {"sliding_window": WINDOW} if config.get("sliding_window") else {}
    return {
        **small, **experts, **widths, **window,
        "hidden_size": hidden,
        "num_attention_heads": kv_heads * shared,
        "num_key_value_heads": kv_heads,
        "head_dim": shape.head_dim,
        "num_hidden_layers": layers,
        "vocab_size": VOCAB,
        # wide enough that attention prefers some tokens: a leak moves logits by whole units
        "initializer_range": 1.6 / hidden**0.5,
        "pad_token_id": 0,
        "eos_token_id": 1,
        "bos_token_id": None,
    }  # fmt: skip


def _layers(config: Mapping[str, Any], old: Any) -> int:
    """The fewest layers, from 2 on, that have one of each kind."""
    period = ARCHITECTURES.get(config["model_type"], UNKNOWN).full_attention_every
    if period and not old:
        return period
    lists = [v for v in config.values() if isinstance(v, list) and len(v) == old]
    return max([2, *(1 + max(map(v.index, set(v))) for v in lists)])
