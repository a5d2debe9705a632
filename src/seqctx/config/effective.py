"""What a file comes to: keys read together, and the defaults of Axolotl and vLLM filled in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seqctx.catalog.models import ROPE_KEYS, Model, stretch
from seqctx.config.config import Config
from seqctx.config.source import KeyPath


def size_of(part: Any, key: str) -> int:
    """A size from the file or its ``vllm:`` block; 1 where it is unset or no number."""
    value = part.get(key, 1)
    return value if isinstance(value, int) and value > 1 else 1


def fsdp_config(cfg: Config) -> dict[str, Any]:
    """What stands under ``fsdp_config:``, without the prefix that Axolotl takes away."""
    block = cfg.get("fsdp_config")
    if not isinstance(block, dict):
        return {}
    return {str(key).removeprefix("fsdp_"): value for key, value in block.items()}


def uses_fsdp(cfg: Config) -> bool:
    """Whether Axolotl sets up FSDP; ``fsdp_version`` alone does not."""
    return bool(cfg.get("fsdp") or fsdp_config(cfg))


def fsdp_version(cfg: Config) -> str:
    """Of FSDP; Axolotl's default is 1."""
    inner = fsdp_config(cfg)
    return str(cfg.get("fsdp_version") or inner.get("version") or "1")


_OVERRIDES = ("overrides_of_model_config", "model_config")


def rope_scaling(overrides: Any) -> dict[str, Any] | None:
    """Rope scaling among overrides of a model's config.json, under either of its names."""
    if not isinstance(overrides, dict):
        return None
    for key in ("rope_parameters", "rope_scaling"):
        scaling = overrides.get(key)
        if isinstance(scaling, dict) and isinstance(scaling.get("factor"), int | float):
            return scaling if scaling["factor"] else None
    return None


def training_rope(cfg: Config) -> dict[str, Any] | None:
    """Rope scaling that the file sets for training."""
    return next(filter(None, (rope_scaling(cfg.get(key)) for key in _OVERRIDES)), None)


def all_datasets(cfg: Config) -> Iterator[tuple[KeyPath, Any]]:
    """Path and entry of every dataset, those of evaluation after those of training."""
    for key in ("datasets", "test_datasets"):
        for i, entry in enumerate(getattr(cfg, key)):
            yield (key, i), entry


def serving_rope(cfg: Config) -> dict[str, Any] | None:
    """Rope scaling that the file sets for the server."""
    return rope_scaling(cfg.vllm.get("hf_overrides"))


def served_positions(cfg: Config, model: Model) -> int:
    """Positions of the served model, as vLLM derives them from what the file overrides [tokens].

    Some kinds of scaling leave ``max_position_embeddings`` as it is, so that it must be raised
    beside them (vLLM 0.32: config/model.py, _get_and_verify_max_len).
    """
    overrides = cfg.vllm.get("hf_overrides")
    if not isinstance(overrides, dict):
        return model.max_position
    ropes = [overrides[key] for key in ROPE_KEYS if isinstance(overrides.get(key), dict)]
    factor = stretch(ropes[0]) if ropes else model.stretched
    told = _told_positions(cfg)
    return int((told or model.max_position / model.stretched) * factor)


def _told_positions(cfg: Config) -> int | None:
    """``max_position_embeddings`` that the file gives the server."""
    overrides = cfg.vllm.get("hf_overrides")
    told = overrides.get("max_position_embeddings") if isinstance(overrides, dict) else None
    return told if isinstance(told, int) else None
