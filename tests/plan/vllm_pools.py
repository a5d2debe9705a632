"""Run by vLLM's interpreter: its own code cuts caches into blocks; stats as JSON.

Reads a list of ``[layers, tokens, in_flight, free]`` on stdin; a layer is ``[kind, kv_heads,
head_dim, window]``. Prints ``[groups, block_bytes, blocks, tokens]`` for each. States are those of
Qwen3.6-35B-A3B's delta nets beside an 8-bit cache.
"""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace
from typing import Any

import torch
from vllm.v1.core import kv_cache_utils as utils
from vllm.v1.kv_cache_interface import FullAttentionSpec, MambaSpec, SlidingWindowSpec


def spec(layer: list[Any], hybrid: bool) -> Any:
    kind, heads, width, window = layer
    if kind == "state":
        return MambaSpec(
            block_size=2096, shapes=((8192, 3), (32, 128, 128)), page_size_padded=2146304,
            dtypes=(torch.bfloat16, torch.float32), mamba_cache_mode="align",
        )  # fmt: skip
    dtype, block = (torch.float8_e4m3fn, 2096) if hybrid else (torch.bfloat16, 16)
    sizes = {"block_size": block, "num_kv_heads": heads, "head_size": width, "dtype": dtype}
    if kind == "sliding":
        return SlidingWindowSpec(**sizes, sliding_window=window)
    return FullAttentionSpec(**sizes)


def stats(layers: list[list[Any]], tokens: int, in_flight: int, free: int) -> list[int]:
    config = SimpleNamespace(
        model_config=SimpleNamespace(max_model_len=tokens),
        parallel_config=SimpleNamespace(decode_context_parallel_size=1),
        cache_config=SimpleNamespace(mamba_cache_mode="align"),
        max_in_flight_tokens=in_flight,
    )
    hybrid = any(layer[0] == "state" for layer in layers)
    specs = {f"layer.{i}": spec(layer, hybrid) for i, layer in enumerate(layers)}
    if utils.is_kv_cache_spec_uniform(specs):
        groups = utils._get_kv_cache_groups_uniform_spec(specs)
    else:
        specs = utils.unify_kv_cache_spec_page_size(specs)
        groups = utils._get_kv_cache_groups_uniform_page_size(specs)
    size = max(len(group.layer_names) for group in groups)
    block = size * groups[0].kv_cache_spec.page_size_bytes
    pool = SimpleNamespace(kv_cache_groups=groups, num_blocks=free // block)
    capacity, concurrency = utils.get_kv_cache_capacity(config, pool)
    return [len(groups), block, round(pool.num_blocks / concurrency), capacity]


print(json.dumps([stats(*case) for case in json.load(sys.stdin)]))
