from __future__ import annotations

import pytest

from seqctx.serve.startup_log import startup_stage, startup_stats

# Lines as vLLM 0.32 logs them on a GPU (tests/data/serve.csv has the stats of others).
LOG = """\
(APIServer pid=1) INFO [api_server.py:1] vLLM API server version 0.32.0
(EngineCore pid=2) INFO [core.py:58] Initializing a V1 LLM engine (v0.32.0) with config: ...
(EngineCore pid=2) INFO [gpu_model_runner.py:2] Starting to load model meta-llama/...
Loading safetensors checkpoint shards:   0% Completed | 0/4 [00:00<?, ?it/s]
Loading safetensors checkpoint shards:  75% Completed | 3/4 [00:03<00:01,  1.01s/it]
(EngineCore pid=2) INFO [default_loader.py:5] Loading weights took 4.31 seconds
(EngineCore pid=2) INFO [gpu_model_runner.py:5150] Model loading took 15.27 GiB memory and 5.1 s
(EngineCore pid=2) INFO [gpu_worker.py:760] Available KV cache memory: 11.94 GiB
(EngineCore pid=2) INFO [kv_cache_utils.py:2327] GPU KV cache size: 97,808 tokens, \
Maximum concurrency for 64,000 tokens per request: 1.53x
(APIServer pid=1) INFO Application startup complete.
""".splitlines()


@pytest.mark.parametrize(
    "lines, stage",
    [
        (1, ""),
        (2, "starting the engine"),
        (3, "loading the weights"),
        (5, "loading the weights, 3 of 4 files"),
        (6, "profiling memory"),
        (9, "warming up"),
        (10, "ready"),
    ],
)
def test_stages(lines: int, stage: str) -> None:
    assert startup_stage("\n".join(LOG[:lines])) == stage


def test_stats() -> None:
    found = startup_stats("\n".join(LOG))
    assert found.weights_gib == 15.27
    assert found.load_seconds == 4.31
    assert found.kv_gib == 11.94
    assert found.kv_tokens == 97808
    assert found.max_concurrency == 1.53
    assert startup_stats("").kv_tokens is None
