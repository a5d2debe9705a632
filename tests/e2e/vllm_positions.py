"""Runs in .venv-serve: JSON keywords of a ModelConfig in by line; the window it takes, or null."""

from __future__ import annotations

import json
import logging
import sys

logging.disable(logging.CRITICAL)
real, sys.stdout = sys.stdout, sys.stderr

from vllm.config import ModelConfig  # noqa: E402

for line in sys.stdin:
    try:
        window = ModelConfig(**json.loads(line)).max_model_len
    except ValueError:
        window = None
    print(json.dumps(window), file=real, flush=True)
