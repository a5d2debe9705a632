"""Axolotl's own validator fills in the defaults that `seqctx.config.effective` fills in."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import fields
from typing import Any

from seqctx.config.config import Config
from seqctx.config.effective import LORA_KERNELS, Effective
from tests.conftest import ROOT

FIELDS = [each.name for each in fields(Effective) if each.name != "config"]
DERIVED = ["eval_batch_size", "fsdp_version", *LORA_KERNELS]
BASE: dict[str, Any] = {
    "base_model": "m/m",
    "datasets": [{"path": "d.jsonl", "type": "chat_template"}],
    "learning_rate": 1e-4,
}
FILES: list[dict[str, Any]] = [
    BASE,
    {**BASE, "adapter": "qlora", "load_in_4bit": True, "lora_alpha": 8, "lora_dropout": 0.1},
    {**BASE, "adapter": "lora", "load_in_8bit": True, "lora_alpha": 8},
    {**BASE, "fsdp_config": {"offload_params": True}},
    {**BASE, "micro_batch_size": 4},
]


def test_defaults_are_those_of_axolotls_validator() -> None:
    asked = [{"config": each, "keys": [*FIELDS, *DERIVED]} for each in FILES]
    quiet = {"AXOLOTL_DO_NOT_TRACK": "1", "DO_NOT_TRACK": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [ROOT / ".venv-train/bin/python", ROOT / "tests/e2e/axolotl_validator.py"],
        input="".join(json.dumps(each) + "\n" for each in asked),
        env={**os.environ, **quiet, "HF_HUB_OFFLINE": "1", "PYTHONPATH": ""},
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(FILES), done.stderr[-2000:]
    for data, answer in zip(FILES, answers, strict=True):
        assert answer["accepts"], answer
        file, means = Effective.of(Config.model_validate(data)), answer["means"]
        ours = {key: getattr(file, key) for key in FIELDS}
        # what the validator leaves at null is filled in later, where SOURCES says
        theirs = {key: means[key] for key in FIELDS if means[key] is not None}
        assert {key: ours[key] for key in theirs} == theirs
        assert {key for key in LORA_KERNELS if means[key]} == file.lora_kernels
        assert means["eval_batch_size"] in (None, file.eval_batch_size)
        if file.uses_fsdp:
            assert str(means["fsdp_version"]) == file.fsdp_version
