"""vLLM's own log, read: how far the start is, and the stats it found."""

from __future__ import annotations

import re
from dataclasses import dataclass

_STAGES = {  # what vLLM logs when a stage begins
    "Initializing a V1 LLM engine": "starting the engine",
    "Starting to load model": "loading the weights",
    "Loading weights took": "profiling memory",
    "KV cache size": "warming up",
    "Application startup complete": "ready",
}
_SHARDS = re.compile(r"checkpoint shards:.*?\| *(\d+)/(\d+) ")
_FIGURES = {  # vLLM 0.32: v1/worker/gpu_model_runner.py, gpu_worker.py, v1/core/kv_cache_utils.py
    "weights_gib": r"Model loading took ([\d.]+) GiB",
    "load_seconds": r"(?:Model loading took .* and|Loading weights took) ([\d.]+) seconds",
    "kv_gib": r"Available KV cache memory: ([\d.]+) GiB",
    "kv_tokens": r"KV cache size: ([\d,]+) tokens",
    "max_concurrency": r"Maximum concurrency for [\d,]+ tokens per request: ([\d.]+)x",
}


@dataclass(frozen=True, slots=True)
class Found:
    """What vLLM found at its start; None where its log does not say.

    Attributes:
        weights_gib: of the model with its adapter buffers, on one card [GiB].
        load_seconds: reading them took.
        kv_gib: memory for the cache, on one card [GiB].
        kv_tokens: tokens that it holds.
        max_concurrency: requests at ``max_model_len`` that it holds.
    """

    weights_gib: float | None = None
    load_seconds: float | None = None
    kv_gib: float | None = None
    kv_tokens: int | None = None
    max_concurrency: float | None = None


def stage_of(log: str) -> str:
    """How far the start is; empty where the log does not say yet."""
    now = [name for mark, name in _STAGES.items() if mark in log]
    if not now:
        return ""
    if now[-1] == "loading the weights" and (shards := _SHARDS.findall(log)):
        done, total = shards[-1]
        return f"loading the weights, {done} of {total} files"
    return now[-1]


def found_in(log: str) -> Found:
    """The stats of a log; of several cards', the first that is named."""
    found: dict[str, float | int] = {}
    for name, pattern in _FIGURES.items():
        if match := re.search(pattern, log):
            number = match[1].replace(",", "")
            found[name] = int(number) if name == "kv_tokens" else float(number)
    return Found(**found)  # type: ignore[arg-type]
