"""How far a window may reach: our rule and the planner beside vLLM's own ModelConfig."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from itertools import product
from pathlib import Path
from typing import Any

from seqctx.catalog.lookup import find_model
from seqctx.check.check import check
from seqctx.check.facts import gather_facts
from seqctx.config.config import parse_config
from seqctx.config.effective import Effective
from seqctx.config.source import Document
from tests.conftest import ROOT
from tests.e2e.test_model import MODEL

YARN = {"rope_type": "yarn", "factor": 2.0, "original_max_position_embeddings": 8192}
LLAMA3 = {**YARN, "rope_type": "llama3", "low_freq_factor": 1.0, "high_freq_factor": 4.0}
OVERRIDES: list[dict[str, Any]] = [
    {},
    {"rope_parameters": YARN},
    {"rope_scaling": YARN},
    {"rope_parameters": YARN, "max_position_embeddings": 16384},
    {"rope_parameters": {"rope_type": "linear", "factor": 2.0}},
    {"rope_parameters": {"rope_type": "dynamic", "factor": 4.0}},
    {"rope_parameters": LLAMA3},
    {"rope_parameters": LLAMA3, "max_position_embeddings": 16384},
    {"max_position_embeddings": 16384},
    {"max_position_embeddings": 4096},
]
OWN: list[dict[str, Any]] = [  # of the base's config.json
    {},
    {"rope_type": "linear", "factor": 2.0},
    {"rope_type": "dynamic", "factor": 2.0},
    YARN,
    LLAMA3,
]


def bases(folder: Path) -> list[str]:
    """The model's folder without its weights, with each kind of rope in its config.json."""
    config = json.loads((MODEL / "config.json").read_text())
    for key in ("rope_parameters", "rope_scaling"):
        config.pop(key, None)
    for k, rope in enumerate(OWN):
        made = folder / str(k)
        shutil.copytree(MODEL, made, ignore=shutil.ignore_patterns("*.safetensors"))
        scaled = {"rope_scaling": rope} if rope else {}
        (made / "config.json").write_text(json.dumps({**config, "rope_theta": 100000, **scaled}))
    return [str(folder / str(k)) for k in range(len(OWN))]


def test_a_window_is_refused_where_vllm_refuses_it(tmp_path: Path) -> None:
    asked, ours = [], []
    for folder, overrides in product((str(MODEL), *bases(tmp_path)), OVERRIDES):
        model = find_model(folder)
        assert model
        for key in ("rope_parameters", "rope_scaling"):
            if key in overrides:
                overrides[key] = {**overrides[key], "rope_theta": 100000}
        for window in (None, 8192, 16384, 16400, -1):
            block = {"hf_overrides": overrides, "max_model_len": window}
            file = Document("f.yaml", {"base_model": folder, "vllm": block}, {})
            cfg = parse_config(file)
            problems = check(file, cfg, gather_facts(cfg))
            errors = {p.rule for p in problems if p.severity == "error"}
            refused = "max-model-len-positions" in errors
            positions = Effective.of(cfg).serving_positions(model)
            ours.append(None if refused else cfg.vllm.window or positions)
            asked.append({**block, "model": folder, "dtype": "bfloat16"})
    done = subprocess.run(
        [ROOT / ".venv-serve/bin/python", ROOT / "tests/e2e/vllm_positions.py"],
        input="\n".join(map(json.dumps, asked)), text=True, capture_output=True,
        env={**os.environ, "VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1"},
    )  # fmt: skip
    theirs = [json.loads(line) for line in done.stdout.splitlines()]
    assert theirs == ours, done.stderr[-2000:]
    assert None in ours and 16384 in ours
