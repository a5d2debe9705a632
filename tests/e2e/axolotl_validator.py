"""Runs in .venv-train: Axolotl's own validation of configs, a JSON line in, a JSON line out."""

from __future__ import annotations

import json
import logging
import sys
import warnings

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
real, sys.stdout = sys.stdout, sys.stderr

from axolotl.cli.config import prepare_plugins  # noqa: E402
from axolotl.utils.config import validate_config  # noqa: E402
from axolotl.utils.dict import DictDefault  # noqa: E402

CARD = {"bf16": True, "fp8": False, "tf32": True, "n_gpu": 1, "compute_capability": "sm_90"}

for line in sys.stdin:
    given = json.loads(line)
    try:
        cfg = DictDefault(given["config"])
        if cfg.get("plugins"):
            prepare_plugins(cfg)
        done = validate_config(
            cfg,
            capabilities={**CARD, "n_gpu": given.get("n_gpu", 1)},
            env_capabilities={"torch_version": "2.13.0"},
        )
        answer = {"accepts": True, "means": {key: done.get(key) for key in given["keys"]}}
    except (Exception, DeprecationWarning) as error:
        answer = {"accepts": False, "why": f"{type(error).__name__}: {error}"[:600]}
    print(json.dumps(answer, default=str), file=real, flush=True)
