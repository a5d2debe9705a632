"""Train with Axolotl and serve with vLLM from one YAML file.

A name is loaded when it is first used, so that `import seqctx` is fast.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # typing's takes 10 ms to import, in which Ctrl-C would show a traceback
if TYPE_CHECKING:
    from typing import Any

    from seqctx.catalog.lookup import find_model
    from seqctx.catalog.models import Model
    from seqctx.config.config import Config, diff, load_config
    from seqctx.config.render import axolotl_mapping, vllm_command
    from seqctx.errors import CheckError, InputError, SeqctxError, ToolError
    from seqctx.plan.limits import highest_rank, largest_micro_batch_size, longest_sequence_len
    from seqctx.plan.memory import MemoryPlan
    from seqctx.plan.options import compare_options
    from seqctx.plan.serving import most_sequences, plan_serving
    from seqctx.plan.throughput import plan_time
    from seqctx.plan.training import plan_training
    from seqctx.prepare.analysis.coverage import Coverage, coverage
    from seqctx.prepare.chunking import Chunk, chunk
    from seqctx.prepare.readers.manuscripts import read_manuscript
    from seqctx.prepare.structure import Book, Span
    from seqctx.prepare.tokenizer import load_tokenizer

_MODULES = {
    "Book": "seqctx.prepare.structure",
    "CheckError": "seqctx.errors",
    "Chunk": "seqctx.prepare.chunking",
    "Config": "seqctx.config.config",
    "Coverage": "seqctx.prepare.analysis.coverage",
    "InputError": "seqctx.errors",
    "MemoryPlan": "seqctx.plan.memory",
    "Model": "seqctx.catalog.models",
    "SeqctxError": "seqctx.errors",
    "Span": "seqctx.prepare.structure",
    "ToolError": "seqctx.errors",
    "axolotl_mapping": "seqctx.config.render",
    "chunk": "seqctx.prepare.chunking",
    "compare_options": "seqctx.plan.options",
    "coverage": "seqctx.prepare.analysis.coverage",
    "diff": "seqctx.config.config",
    "find_model": "seqctx.catalog.lookup",
    "highest_rank": "seqctx.plan.limits",
    "largest_micro_batch_size": "seqctx.plan.limits",
    "load_config": "seqctx.config.config",
    "load_tokenizer": "seqctx.prepare.tokenizer",
    "longest_sequence_len": "seqctx.plan.limits",
    "most_sequences": "seqctx.plan.serving",
    "plan_serving": "seqctx.plan.serving",
    "plan_time": "seqctx.plan.throughput",
    "plan_training": "seqctx.plan.training",
    "read_manuscript": "seqctx.prepare.readers.manuscripts",
    "vllm_command": "seqctx.config.render",
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
    "Model",
    "SeqctxError",
    "Span",
    "ToolError",
    "axolotl_mapping",
    "chunk",
    "compare_options",
    "coverage",
    "diff",
    "find_model",
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
    if name not in _MODULES:
        raise AttributeError(f"module 'seqctx' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
