"""vLLM's own log, read: how far the start is, and the memory and cache that vLLM measured."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LOADING = "Starting to load model"
_STAGES = {  # what vLLM logs when a stage begins
    "Initializing a V1 LLM engine": "starting the engine",
    _LOADING: "loading the weights",
    "Loading weights took": "profiling memory",
    "KV cache size": "warming up",
    "Application startup complete": "ready",
}
_SHARDS = re.compile(r"checkpoint shards:.*?\| *(\d+)/(\d+) ")
_STATS = {  # vLLM 0.32: v1/worker/gpu_model_runner.py, gpu_worker.py, v1/core/kv_cache_utils.py
    "weights_gib": r"Model loading took ([\d.]+) GiB",
    "load_seconds": r"(?:Model loading took .* and|Loading weights took) ([\d.]+) seconds",
    "kv_gib": r"Available KV cache memory: ([\d.]+) GiB",
    "kv_tokens": r"KV cache size: ([\d,]+) tokens",
    "max_concurrency": r"Maximum concurrency for [\d,]+ tokens per request: ([\d.]+)x",
}


@dataclass(frozen=True, slots=True)
class StartupStats:
    """What vLLM measured at its start; None where its log does not say.

    Attributes:
        weights_gib: memory of the model with its adapter buffers, on one GPU [GiB].
        load_seconds: time to load the weights.
        kv_gib: memory for the KV cache, on one GPU [GiB].
        kv_tokens: tokens that the cache holds.
        max_concurrency: requests of ``max_model_len`` tokens that the cache holds.
    """

    weights_gib: float | None = None
    load_seconds: float | None = None
    kv_gib: float | None = None
    kv_tokens: int | None = None
    max_concurrency: float | None = None


def startup_stage(log: str) -> str:
    """The stage of the start that a log has reached; empty where it does not say yet."""
    reached = [mark for mark in _STAGES if mark in log]
    if not reached:
        return ""
    stage = _STAGES[reached[-1]]
    if reached[-1] == _LOADING and (shards := _SHARDS.findall(log)):
        done, total = shards[-1]
        return f"{stage}, {done} of {total} files"
    return stage


def startup_stats(log: str) -> StartupStats:
    """The measurements in a log; of several GPUs, those of the first that is named."""
    found: dict[str, float | int] = {}
    for name, pattern in _STATS.items():
        if match := re.search(pattern, log):
            number = match[1].replace(",", "")
            found[name] = int(number) if name == "kv_tokens" else float(number)
    return StartupStats(**found)  # type: ignore[arg-type]
