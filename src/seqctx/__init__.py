"""Two lengths, one file: what Axolotl trains and what vLLM serves.

The names below are loaded when they are first used, so that importing seqctx costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seqctx.catalogue.shapes import ModelShape, find_shape
    from seqctx.errors import CheckError, InputError, SeqctxError, ToolError
    from seqctx.plan.advice import advise
    from seqctx.plan.invert import highest_rank, largest_micro_batch_size, longest_sequence_len
    from seqctx.plan.memory import MemoryPlan
    from seqctx.plan.serving import most_sequences, plan_serving
    from seqctx.plan.time import plan_time
    from seqctx.plan.training import plan_training
    from seqctx.prepare.chunking import Chunk, chunk
    from seqctx.prepare.coverage import Coverage, coverage
    from seqctx.prepare.readers import read_manuscript
    from seqctx.prepare.structure import Book, Span
    from seqctx.prepare.tokens import load_tokenizer
    from seqctx.schema.config import Config, diff, load_config
    from seqctx.schema.render import axolotl_mapping, vllm_command

_HOME = {
    "Book": "seqctx.prepare.structure",
    "CheckError": "seqctx.errors",
    "Chunk": "seqctx.prepare.chunking",
    "Config": "seqctx.schema.config",
    "Coverage": "seqctx.prepare.coverage",
    "InputError": "seqctx.errors",
    "MemoryPlan": "seqctx.plan.memory",
    "ModelShape": "seqctx.catalogue.shapes",
    "SeqctxError": "seqctx.errors",
    "Span": "seqctx.prepare.structure",
    "ToolError": "seqctx.errors",
    "advise": "seqctx.plan.advice",
    "axolotl_mapping": "seqctx.schema.render",
    "chunk": "seqctx.prepare.chunking",
    "coverage": "seqctx.prepare.coverage",
    "diff": "seqctx.schema.config",
    "find_shape": "seqctx.catalogue.shapes",
    "highest_rank": "seqctx.plan.invert",
    "largest_micro_batch_size": "seqctx.plan.invert",
    "load_config": "seqctx.schema.config",
    "load_tokenizer": "seqctx.prepare.tokens",
    "longest_sequence_len": "seqctx.plan.invert",
    "most_sequences": "seqctx.plan.serving",
    "plan_serving": "seqctx.plan.serving",
    "plan_time": "seqctx.plan.time",
    "plan_training": "seqctx.plan.training",
    "read_manuscript": "seqctx.prepare.readers",
    "vllm_command": "seqctx.schema.render",
}

__version__ = "0.1.0"
__all__ = [
    "Book",
    "CheckError",
    "Chunk",
    "Config",
    "Coverage",
    "InputError",
    "MemoryPlan",
    "ModelShape",
    "SeqctxError",
    "Span",
    "ToolError",
    "advise",
    "axolotl_mapping",
    "chunk",
    "coverage",
    "diff",
    "find_shape",
    "highest_rank",
    "largest_micro_batch_size",
    "load_config",
    "load_tokenizer",
    "longest_sequence_len",
    "most_sequences",
    "plan_serving",
    "plan_time",
    "plan_training",
    "read_manuscript",
    "vllm_command",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'seqctx' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
