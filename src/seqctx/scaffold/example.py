"""The built-in example, which seqctx explains if no file is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seqctx.catalog.lookup import find_model
from seqctx.config.config import Config, parse_config
from seqctx.config.source import Document
from seqctx.scaffold.init import propose
from seqctx.scaffold.new_file import DEFAULT_MANUSCRIPTS, LARGE_MODEL, gpu_named

EXAMPLE = "Llama-3.1-8B-Instruct trained with QLoRA and served on one RTX 5090 (32 GB)"


def example_config(overrides: Mapping[str, Any] | None = None) -> Config:
    """The file that ``seqctx init`` writes for an 8B model on a 32 GB GPU.

    Args:
        overrides: keys that the command line overrides, dotted.
    """
    cfg = propose(
        LARGE_MODEL, gpu_named("rtx-5090"), (DEFAULT_MANUSCRIPTS,), "voice",
        model=find_model(LARGE_MODEL), stem="example",
    )  # fmt: skip
    return parse_config(Document("example", cfg.model_dump(exclude_unset=True), {}), overrides)
