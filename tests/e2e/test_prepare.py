"""What prepare counted against what Axolotl's own preprocessing makes of it, id for id."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from seqctx import load_tokenizer
from seqctx.artifacts.manifest import Manifest
from seqctx.prepare.packing import first_fit
from tests.conftest import ROOT, rows_of, seqctx_process

TRAIN = ROOT / ".venv-train" / "bin"
SMOLLM2 = ROOT / "prepare" / "models" / "smollm2-135m-instruct"
ENVIRONMENT = {
    "AXOLOTL_DO_NOT_TRACK": "1", "DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1",
    "CUDA_VISIBLE_DEVICES": "", "PATH": f"{TRAIN}:{os.environ['PATH']}",
}  # fmt: skip
SHAPE = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 64,
    "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_key_value_heads": 1, "vocab_size": 152000, "max_position_embeddings": 131072,
}  # fmt: skip
OFF = ("bf16", "fp16", "tf32", "gradient_checkpointing", "lora_mlp_kernel", "lora_qkv_kernel",
       "lora_o_kernel", "lora_embedding_kernel")  # fmt: skip


def tokenizer_folder(name: str, folder: Path) -> Path:
    """A checkpoint folder without weights, as far as preprocessing looks at it."""
    model = folder / name
    if name.startswith("smollm2"):
        shutil.copytree(SMOLLM2, model, ignore=shutil.ignore_patterns("*.safetensors"))
        if name == "smollm2-base":  # as a base model's tokenizer has it
            path = model / "tokenizer_config.json"
            path.write_text(path.read_text().replace('"<|im_end|>"', '"<|endoftext|>"'))
        return model
    script = ROOT / "prepare" / "fetch_tokenizer.py"
    done = subprocess.run([sys.executable, script, name, model], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(done.stderr)
    (model / "config.json").write_text(json.dumps(SHAPE))
    return model


def config(model: Path, prepare: dict[str, Any]) -> dict[str, Any]:
    chat = {"type": "chat_template"} if prepare.get("format") != "tokens" else {}
    data = [
        {"path": f"prepare/out/c/{side}-{kind}.jsonl", "ds_type": "json", "split": "train",
         **chat, **({"train_on_eos": eos} if chat else {})}
        for side in ("train", "held_out")
        for kind, eos in (("continues", "none"), ("ends", "turn"))
    ]  # fmt: skip
    pad = {"llama3.1": "<|finetune_right_pad_id|>", "qwen3": "<|endoftext|>"}.get(model.name)
    return {
        "base_model": str(model), "chat_template": "tokenizer_default", "sequence_len": 1024,
        "excess_length_strategy": "drop", "adapter": "lora", "lora_r": 8, "lora_alpha": 8,
        "lora_target_linear": True, "micro_batch_size": 1, "gradient_accumulation_steps": 1,
        "num_epochs": 1, "learning_rate": 1e-4, "optimizer": "adamw_torch",
        "attn_implementation": "sdpa", "output_dir": "out", "dataset_prepared_path": "tokenized",
        "datasets": data, "seqctx": {"prepare": {"manuscripts": ["texts"], **prepare}},
        **({"eot_tokens": ["<|im_end|>"]} if model.name == "smollm2-base" else {}),
        **dict.fromkeys(OFF, False), **({"special_tokens": {"pad_token": pad}} if pad else {}),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "prepare"),
    [
        ("smollm2", {"strategy": "scenes", "prompts": "brief"}),
        ("smollm2-base", {"strategy": "sequential"}),
        ("llama3.1", {"strategy": "overlap", "overlap": 0.25}),
        ("qwen3", {"strategy": "sequential", "system": "You write novels."}),
        ("llama3.1", {"format": "tokens", "strategy": "scenes"}),
    ],
)
def test_axolotl_trains_on_what_was_counted(
    tmp_path: Path, novella: Path, name: str, prepare: dict[str, Any]
) -> None:
    model = tokenizer_folder(name, tmp_path)
    (tmp_path / "texts").mkdir()
    shutil.copy(novella, tmp_path / "texts")
    (tmp_path / "c.yaml").write_text(yaml.safe_dump(config(model, prepare)))
    made = seqctx_process("prepare", "c.yaml", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    done = subprocess.run(
        [TRAIN / "axolotl", "preprocess", "c.yaml"],
        cwd=tmp_path, capture_output=True, text=True, env={**os.environ, **ENVIRONMENT},
    )  # fmt: skip
    printed = done.stdout + done.stderr
    assert done.returncode == 0, printed[-2000:]
    print(*(line for line in printed.splitlines() if "drop" in line.lower()), sep="\n")

    script = ROOT / "tests" / "e2e" / "axolotl_tokenized.py"
    answer = subprocess.run(
        [TRAIN / "python", script, tmp_path / "tokenized", "1024"],
        capture_output=True, text=True, check=True, env={**os.environ, **ENVIRONMENT},
    )  # fmt: skip
    theirs = json.loads(answer.stdout.partition("JSON")[2])
    rows = rows_of(tmp_path / "prepare" / "out" / "c")
    manifest = Manifest.read(tmp_path / "prepare" / "out" / "c" / "manifest.json")
    assert manifest is not None
    assert len(theirs["rows"]) == len(rows) > 20  # none dropped, none doubled
    tokenizer = load_tokenizer(str(model))
    labels = {tuple(r["input_ids"]): r["labels"] for r in theirs["rows"]}
    chat = prepare.get("format") != "tokens"
    end = tokenizer.encode(str(tokenizer.end_of_turn))[0][0] if chat else tokenizer.text_edges[1][0]
    loss_tokens = 0
    for path, row in rows:
        ids = row.get("input_ids") or tokenizer.render(row["messages"])
        assert len(ids) == row.get("tokens", len(ids)) <= 1024  # none cut
        trained = [label for label in labels[tuple(ids)] if label != -100]
        assert (trained[-1] == end) == ("ends" in path.name)  # only where a chapter ends
        loss_tokens += len(trained)
        if "labels" in row:
            assert row["labels"] == labels[tuple(ids)]
    assert loss_tokens == manifest.train.loss_tokens + manifest.held_out.loss_tokens

    lengths = [len(r["input_ids"]) for r in theirs["rows"]]
    for some, packed in zip((lengths, theirs["draws"]), theirs["packed"], strict=True):
        assert first_fit(some, 1024) == packed
