"""Rope scaling: by what a config.json's own scaling multiplies its positions."""

from __future__ import annotations

from typing import Any

ROPE_KEYS = ("rope_parameters", "rope_scaling")
"""Keys of config.json: the name of today, and the one before."""
_COUNTED_ALREADY = (
    "su", "longrope", "llama3", "yarn", "deepseek_yarn", "deepseek_llama_scaling",
)  # fmt: skip


def position_factor(rope: dict[str, Any]) -> float:
    """By what scaled rope multiplies ``max_position_embeddings``; most kinds leave it as it is.

    Args:
        rope: ``rope_parameters``, or ``rope_scaling`` as it was called before; one for all layers,
            or one for each kind of layer.

    Source: vLLM 0.32, config/model.py, _get_and_verify_max_len.
    """
    kinds = [each for each in rope.values() if isinstance(each, dict)] or [rope]
    factor = 1.0
    for each in kinds:
        given = each.get("factor")
        counted = each.get("rope_type", each.get("type")) in _COUNTED_ALREADY
        factor = float(given) if isinstance(given, int | float) and not counted else factor
    return factor
