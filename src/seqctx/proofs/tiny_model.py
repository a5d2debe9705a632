"""A tiny model of the same class: a config.json with few, narrow layers and few tokens."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seqctx.catalog.architectures import architecture_of_type
from seqctx.catalog.config_json import EXPERT_COUNTS
from seqctx.catalog.lookup import find_model
from seqctx.catalog.models import Model
from seqctx.errors import InputError
from seqctx.system.regular_file import read_json

VOCAB = 512
"""Tokens of the tiny model's vocabulary."""
WINDOW = 32
"""Length of its sliding windows [tokens], where the model has any: short, so that they matter."""

_WIDTHS = ("intermediate_size", "moe_intermediate_size", "shared_expert_intermediate_size")
_NOT_KEPT = (
    "_name_or_path", "architectures", "dtype", "torch_dtype", "transformers_version",
    "bos_token_id", "quantization_config", "unk_token_id", "sep_token_id",
)  # fmt: skip


def model_config(base_model: str) -> tuple[dict[str, Any], Model]:
    """A model's config.json, from its folder or as far as the catalog knows it, and its row.

    Raises:
        InputError: when neither names its class, or when it is not for text only.
    """
    model = find_model(base_model)
    if model is None:
        raise InputError(
            f"base_model: {base_model}: seqctx does not know its architecture. Name a folder with "
            "its config.json."
        )
    path = Path(base_model) / "config.json"
    if not path.is_file():
        if not model.model_type or not model.architecture.text_only:
            raise InputError(
                f"base_model: {base_model}: seqctx does not know its text-only class in "
                "transformers. Name a folder with its config.json."
            )
        config = {
            "model_type": model.model_type,
            "sliding_window": WINDOW if model.windowed else None,
        }
        return config, model
    config = read_json(path)
    if "text_config" in config or "auto_map" in config:
        raise InputError(
            f"{path}: the model is not for text only, or has code of its own. Choose another model."
        )
    if "model_type" not in config:
        raise InputError(f"{path}: has no model_type. Restore the file.")
    return config, model


def tiny_config(config: Mapping[str, Any], model: Model) -> dict[str, Any]:
    """The config of a tiny model of the same class, for random weights.

    It keeps head_dim, the number of query heads per key head (up to 8), the kinds of layers, and
    every key that is not a size. It has few heads, layers, experts and tokens, narrow layers and
    short windows. Dropout is off, so that two forward passes of one input give the same.

    Args:
        config: the model's config.json.
        model: its row, for its heads and experts.

    Returns:
        Arguments of transformers' ``AutoConfig.for_model``.
    """
    shared = min(model.heads // model.kv_heads, 8)
    kv_heads = 1 if model.kv_heads == 1 or shared > 4 else 2
    hidden = kv_heads * shared * model.head_dim
    old = config.get("num_hidden_layers")
    layers = _layers(config, old)
    small = {k: v for k, v in config.items() if k not in _NOT_KEPT}
    for key, value in small.items():
        if isinstance(value, list) and len(value) == old:
            small[key] = value[:layers]
        elif "dropout" in key or "pdrop" in key:
            small[key] = 0.0
    experts = {key: 4 for key in EXPERT_COUNTS if config.get(key)}
    if not experts and model.experts:
        experts = {key: 4 for key in EXPERT_COUNTS}
    if experts:
        experts |= {"num_experts_per_tok": 2, "n_group": 1, "topk_group": 1}
    widths = {key: 2 * hidden for key in _WIDTHS if key in config or key == "intermediate_size"}
    window = {"sliding_window": WINDOW} if config.get("sliding_window") else {}
    return {
        **small, **experts, **widths, **window,
        "hidden_size": hidden,
        "num_attention_heads": kv_heads * shared,
        "num_key_value_heads": kv_heads,
        "head_dim": model.head_dim,
        "num_hidden_layers": layers,
        "vocab_size": VOCAB,
        # wide enough that attention prefers some tokens: a leak then changes logits by whole units
        "initializer_range": 1.6 / hidden**0.5,
        "pad_token_id": 0,
        "eos_token_id": 1,
        "bos_token_id": None,
    }  # fmt: skip


def _layers(config: Mapping[str, Any], old: Any) -> int:
    """The smallest number of layers, at least 2, that has every kind of layer."""
    period = architecture_of_type(config["model_type"]).full_attention_every
    if period and not old:
        return period
    lists = [v for v in config.values() if isinstance(v, list) and len(v) == old]
    return max([2, *(1 + max(map(v.index, set(v))) for v in lists)])
