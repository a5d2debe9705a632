"""``max_model_len`` as vLLM reads it: a number, a number with a suffix, or ``auto``."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from seqctx.config.plain_values import LARGEST, wrong_number

AUTO = -1
"""``max_model_len: auto`` (vLLM 0.32: utils/argparse_utils.py, human_readable_int_or_auto)."""


_SUFFIXES = {
    "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40,
}  # fmt: skip


def human_int(value: Any) -> int:
    """A whole number as vLLM reads it: ``8192``, ``8k`` (8,000), ``25.6k``, ``8K`` (8,192).

    Source: vLLM 0.32, utils/argparse_utils.py, human_readable_int.

    Raises:
        ValueError: for anything else.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)([kKmMgGtT])\s*", str(value))
    if match is None:
        whole = int(str(value))
    else:
        number = float(match[1]) if match[2].islower() else int(match[1])
        whole = int(min(number, LARGEST) * _SUFFIXES[match[2]])
    if fact := wrong_number(whole):
        raise ValueError(fact)
    return whole


def _read_window(value: Any) -> Any:
    """``auto``, or a number with a suffix, as vLLM reads them."""
    if not isinstance(value, str):
        return value
    try:
        return AUTO if value.strip().lower() == "auto" else human_int(value)
    except ValueError:
        return value


def _check_window(value: int) -> int:
    """Tokens, or `AUTO`."""
    if value < 1 and value != AUTO:
        raise ValueError("must be at least 1, or auto")
    return value


Window = Annotated[
    int,
    BeforeValidator(_read_window),
    AfterValidator(_check_window),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": AUTO},
                {"type": "string", "pattern": r"^(auto|\d+(\.\d+)?[kmgt]|\d+[KMGT])$"},
            ]
        }
    ),
]
