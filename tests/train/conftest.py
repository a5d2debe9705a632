"""A project that trains in a second: a small base model, one data file, a stand-in for Axolotl."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

FAKE = ROOT / "tests" / "train" / "fake_axolotl.py"


@pytest.fixture
def faked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put the stand-in in Axolotl's place; called with what shall go wrong."""
    programs = tmp_path / "axolotl" / "bin"
    programs.mkdir(parents=True)
    # python3 runs our scripts, and tells the versions of packages with -c
    for name, first in (("axolotl", f"{FAKE}"), ("python3", "")):
        script = f'#!/bin/sh\nexec {sys.executable} {first} "$@"\n'
        if name == "python3":
            script = (
                f'#!/bin/sh\n[ "$1" != -c ] || exec {sys.executable} "$@"\n'
                f'exec {sys.executable} {FAKE} "$@"\n'
            )
        (programs / name).write_text(script)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("SEQCTX_AXOLOTL", str(programs / "axolotl"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")

    def tell(**what: Any) -> None:
        monkeypatch.setenv("FAKE_AXOLOTL", json.dumps(what))

    tell()
    return tell


@pytest.fixture
def runnable(tmp_path: Path, model_folder: Path, faked: Callable[..., None]) -> Path:
    """A folder whose ``c.yaml`` trains six steps and saves every second one."""
    base = tmp_path / "base"
    shutil.copytree(model_folder, base)
    row = {"messages": [{"role": "user", "content": "Go on."},
                        {"role": "assistant", "content": "The lamps were lit."}]}  # fmt: skip
    (tmp_path / "data.jsonl").write_text(json.dumps(row) + "\n")
    data = {
        "base_model": "base", "sequence_len": 512, "adapter": "lora", "lora_r": 8,
        "lora_alpha": 8, "lora_target_linear": True, "attn_implementation": "sdpa",
        "lora_mlp_kernel": False, "lora_qkv_kernel": False, "lora_o_kernel": False,
        "micro_batch_size": 1, "gradient_accumulation_steps": 1, "num_epochs": 1,
        "learning_rate": 1e-4, "optimizer": "adamw_torch", "chat_template": "tokenizer_default",
        "datasets": [{"path": "data.jsonl", "ds_type": "json", "type": "chat_template"}],
        "max_steps": 6, "save_strategy": "steps", "save_steps": 2, "output_dir": "outputs/c",
    }  # fmt: skip
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(data))
    return tmp_path
