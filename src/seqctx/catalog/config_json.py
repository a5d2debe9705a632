"""A model from its folder: what config.json and tokenizer.json say."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

from seqctx.catalog.architectures import architecture_of_type
from seqctx.catalog.models import Experts, Layers, Model, Rope, RopeKind
from seqctx.catalog.rope import ROPE_KEYS, position_factor
from seqctx.errors import InputError
from seqctx.system.regular_file import read_json

EXPERT_COUNTS = ("num_local_experts", "num_experts", "n_routed_experts")
"""Keys of config.json that give the number of experts in a layer."""
_MOST = 2**31 - 1  # of anything: far beyond all models, and computed with in no time


def read_model_folder(folder: Path) -> Model:
    """Read config.json, and the special tokens of tokenizer.json where there is one.

    Raises:
        InputError: when config.json cannot be read, or is not one of a causal language model.
    """
    path = folder / "config.json"
    config = read_json(path)
    try:
        return _model(folder, config)
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
        why = "; ".join(str(error).splitlines()[:1])
        raise InputError(
            f"{path}: not the config of a causal language model ({why}). Correct the file, or "
            "name another model."
        ) from None


def _model(folder: Path, config: dict[str, Any]) -> Model:
    """A model as its config.json describes it.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: when that is not one of such a model.
    """
    quantization = _quantization(config.get("quantization_config"))
    config = {**config, **config.get("text_config", {})}
    hidden, layers = _count(config, "hidden_size"), _count(config, "num_hidden_layers")
    heads = _count(config, "num_attention_heads")
    kv_heads = _count(config, "num_key_value_heads", heads)
    head_dim = _count(config, "head_dim", hidden // heads)
    vocab, positions = _count(config, "vocab_size"), _count(config, "max_position_embeddings")
    inner = _count(config, "intermediate_size", 4 * hidden)
    model_type = str(config.get("model_type", ""))
    architecture = architecture_of_type(model_type)
    # (gate,) up and down; q and o; k and v: a block without its norms
    block = (3 if architecture.gated_mlp else 2) * hidden * inner
    block += 2 * hidden * heads * head_dim + 2 * hidden * kv_heads * head_dim
    tied = bool(config.get("tie_word_embeddings", architecture.tied_embeddings))
    ropes = [config[key] for key in ROPE_KEYS if isinstance(config.get(key), dict)]
    factor = position_factor(ropes[0]) if ropes and architecture.scales_positions else 1.0
    if not 1 / _MOST <= factor <= _MOST:
        raise ValueError(f"factor of rope scaling: {factor} is out of range")
    return Model(
        name=str(folder),
        model_type=model_type or None,
        hidden=hidden,
        layers=layers,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        intermediate=inner,
        vocab=vocab,
        max_position=int(positions * factor),
        position_factor=factor,
        parameters=layers * block + vocab * hidden * (1 if tied else 2),
        tied_embeddings=tied,
        attention=_attention(config, layers),
        experts=_experts(config),
        rope=_rope(config, ropes[0] if ropes else {}),
        special_tokens=_special_tokens(folder / "tokenizer.json"),
        quantization=quantization,
        source=str(folder / "config.json"),
    )


def _count(config: dict[str, Any], key: str, default: int | None = None) -> int:
    """A whole number from 1 on; ``default`` where the key is not there, null or 0.

    Raises:
        KeyError: when it is not there and has no default.
        ValueError: when it is something else.
    """
    given = config[key] if default is None else config.get(key) or default
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    if not is_number or not 1 <= given <= _MOST or given != int(given):
        raise ValueError(f"{key}: must be a whole number from 1 to {_MOST} (got {given!r:.40})")
    return int(given)


def _attention(config: dict[str, Any], layers: int) -> tuple[Layers, ...]:
    """Kinds of layers. Which of them have the window is not read yet."""
    if config.get("kv_lora_rank"):
        return (Layers(kind="latent", count=layers),)
    window = config.get("sliding_window") if config.get("use_sliding_window", True) else None
    if isinstance(window, int) and window:
        return (Layers(kind="sliding", window=_count(config, "sliding_window")),)
    return (Layers(kind="full", count=layers),)


def _experts(config: dict[str, Any]) -> Experts | None:
    """How many experts; their width is not read yet."""
    key = next((key for key in EXPERT_COUNTS if config.get(key)), None)
    return Experts(routed=_count(config, key)) if key and isinstance(config[key], int) else None


def _rope(config: dict[str, Any], scaling: dict[str, Any]) -> Rope | None:
    """Theta and scaling, where there is one for all layers."""
    base = config.get("rope_theta", scaling.get("rope_theta"))
    kind = scaling.get("rope_type", scaling.get("type"))
    base, factor = _number(base), _number(scaling.get("factor"))
    kind = kind if kind in get_args(RopeKind) else None
    return None if base is None and kind is None else Rope(base=base, kind=kind, factor=factor)


def _number(value: Any) -> float | None:
    """A number that can be computed with; None for anything else."""
    is_number = isinstance(value, int | float) and abs(value) <= 1e30
    return value if is_number else None


def _quantization(given: Any) -> str | None:
    """``quantization_config`` in a word or three."""
    if not isinstance(given, dict):
        return None
    bits = 8 if given.get("load_in_8bit") else given.get("bits", given.get("w_bit", 4))
    method = str(given.get("quant_method", "unnamed"))
    if given.get("quant_algo") == "NVFP4":  # modelopt names one method for several widths
        return "nvfp4"
    return method if bits == 4 else f"{method} {bits} bit"


def _special_tokens(path: Path) -> frozenset[str] | None:
    """Added tokens of a tokenizer.json; None where it cannot be read."""
    try:
        added = read_json(path).get("added_tokens", ())
        tokens = frozenset(token["content"] for token in added)
        return tokens if all(isinstance(token, str) for token in tokens) else None
    except (InputError, ValueError, KeyError, TypeError, AttributeError):
        return None
