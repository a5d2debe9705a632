"""Words that rules share: over how many GPUs something is divided, and why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from seqctx.catalog.models import Model
from seqctx.config.effective import Effective

_COUNTS = (*range(2, 9), 16, 32)


def set_a_divisor(model: Model, *, copies: bool) -> str:
    """Remedy: the numbers of GPUs that can share a layer of the model.

    Args:
        model: the model.
        copies: whether key heads may be copied, as in vLLM.
    """
    good = [str(n) for n in _COUNTS if model.indivisible(n, copies=copies) is None]
    return f"Set {', '.join(good)} or 1." if good else "Set it to 1."


def in_factors(sizes: Mapping[str, int]) -> str:
    """A number of GPUs with its factors above 1, such as ``2 x 4 = 8``."""
    factors = [str(n) for n in sizes.values() if n > 1]
    total = str(prod(sizes.values()))
    return f"{' x '.join(factors)} = {total}" if len(factors) > 1 else total


def key_of_largest(sizes: Mapping[str, int]) -> str:
    """The key of the largest size; of equal ones the first."""
    return max(sizes, key=lambda key: sizes[key])


def why_no_gpu(file: Effective) -> str:
    """Why there is no CUDA GPU: the file names the CPU, or this machine has no GPU."""
    return "seqctx.gpu is cpu" if file.seqctx.gpu == "cpu" else "this machine has no GPU"
