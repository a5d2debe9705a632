"""The built-in example, which seqctx explains if no file is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seqctx.catalog.gpus import find_gpu
from seqctx.catalog.lookup import find_model
from seqctx.config.config import Config, parse_config
from seqctx.config.source import Document
from seqctx.errors import InputError
from seqctx.scaffold.init import propose

_MODEL, _GPU = "meta-llama/Llama-3.1-8B-Instruct", "rtx-5090"
EXAMPLE = "Llama-3.1-8B-Instruct trained with QLoRA and served on one RTX 5090 (32 GB)"


def example_config(overrides: Mapping[str, Any] | None = None) -> Config:
    """The file that ``seqctx init`` writes for an 8B model on a 32 GB GPU.

    Args:
        overrides: keys that the command line overrides, dotted.
    """
    gpu = find_gpu(_GPU)
    if gpu is None:
        raise InputError(f"{_GPU}: missing from the table of GPUs. Install seqctx again.")
    cfg = propose(
        _MODEL, gpu, ("prepare/manuscripts",), "voice", model=find_model(_MODEL), stem="example"
    )
    return parse_config(Document("example", cfg.model_dump(exclude_unset=True), {}), overrides)
