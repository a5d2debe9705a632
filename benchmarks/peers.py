"""Asks other planners about the same runs: fitcheck-llm, canifinetune, ftuneai.

    python3 -m venv .venv-peers && .venv-peers/bin/pip install fitcheck-llm canifinetune ftuneai
    .venv/bin/python benchmarks/memory.py --peers .venv-peers/bin

Each gets the model, method, rank, targets, optimizer, length and rows, as far as its options can
express them: only canifinetune, for example, has an option for the loss kernel. A run that a
planner cannot express is left out. hf-vram-calc plans adapters over 16-bit weights for TensorRT-LLM
and has no option for QLoRA.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from seqctx.catalog.models import Model
from seqctx.plan.memory import GIB
from seqctx.plan.training_settings import TrainingSettings

_KNOWN_TO_FTUNE = {
    "Qwen/Qwen2.5-7B-Instruct": "Qwen/Qwen2.5-7B", "Qwen/Qwen3-8B": "Qwen/Qwen3-8B",
    "meta-llama/Llama-3.1-8B": "meta-llama/Llama-3.1-8B",
}  # fmt: skip


def ask(tools: Path, settings: TrainingSettings, model: Model) -> dict[str, float | None]:
    """Every planner's memory for one run [B]; None where it cannot express the run or fails."""
    eight_bit = "8bit" in settings.optimizer
    with tempfile.TemporaryDirectory() as folder:
        config = _hub_with(model, Path(folder))
        return {
            "fitcheck": _fitcheck(tools, settings, eight_bit, folder),
            "canifinetune": _canifinetune(tools, settings, config),
            "ftune": _ftune(tools, settings, model, eight_bit),
        }


def _hub_with(model: Model, folder: Path) -> Path:
    """A hub cache that holds one model's config.json, and its path."""
    cache = folder / "models--a--model"
    config = cache / "snapshots" / "0" / "config.json"
    config.parent.mkdir(parents=True)
    (cache / "refs").mkdir()
    (cache / "refs" / "main").write_text("0")
    tied = model.embedding_parameters < 1.5 * (model.vocab or 0) * (model.hidden or 0)
    config.write_text(json.dumps({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "torch_dtype": "bfloat16",
        "hidden_size": model.hidden, "num_hidden_layers": model.layers,
        "num_attention_heads": model.heads, "num_key_value_heads": model.kv_heads,
        "head_dim": model.head_dim, "intermediate_size": model.intermediate,
        "vocab_size": model.vocab, "max_position_embeddings": model.max_position,
        "tie_word_embeddings": tied,
    }))  # fmt: skip
    return config


def _run(command: list[str], **env: str) -> Any:
    """A tool's JSON; None where there is none."""
    quiet = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **quiet, **env}
    )
    start = done.stdout.find("{")
    try:
        return json.loads(done.stdout[start:]) if start >= 0 else None
    except ValueError:
        return None


def _fitcheck(tools: Path, s: TrainingSettings, eight_bit: bool, cache: str) -> float | None:
    if s.dora or s.rank is None or s.loss != "stock":
        return None
    command = [
        str(tools / "fitcheck"), "a/model", "--json", "--batch-size", str(s.micro_batch),
        "--seq-len", str(s.sequence_len), "--optimizer", "adam8bit" if eight_bit else "adamw",
        "--lora-r", str(s.rank), "--lora-targets", ",".join(s.targets),
        *(["--qlora"] if s.weights.startswith("nf4") else []),
        *(["--double-quant"] if s.weights == "nf4-dq" else []),
        *(["--grad-checkpoint"] if s.checkpointing == "on" else []),
        *(["--flash-attn"] if s.attention != "eager" else []),
    ]  # fmt: skip
    found = _run(command, HF_HUB_CACHE=cache)
    return found["memory_mib"]["total"] * 2**20 if found else None


def _canifinetune(tools: Path, s: TrainingSettings, config: Path) -> float | None:
    scope = {4: "attention", 7: "all_linear"}.get(len(s.targets))
    if s.dora or s.rank is None or scope is None:
        return None
    command = [
        str(tools / "canifinetune"), "estimate", "--json", "--offline", "--model", "a/model",
        "--override-json", str(config), "--gpu-vram-gb", "16", "--seq-len", str(s.sequence_len),
        "--micro-batch-size", str(s.micro_batch), "--lora-rank", str(s.rank),
        "--target-scope", scope, "--optimizer",
        "paged_adamw_8bit" if "8bit" in s.optimizer else "adamw_torch",
        "--loss-backend", "liger" if s.loss != "stock" else "stock",
        "--method", "qlora" if s.weights.startswith("nf4") else "lora",
        "--gradient-checkpointing" if s.checkpointing == "on" else "--no-gradient-checkpointing",
    ]  # fmt: skip
    found = _run(command)
    if not found:
        return None
    memory = found["memory"]  # its safety margin is no prediction
    return (memory["total_estimated_gb"] - memory["safety_margin_gb"]) * GIB


def _ftune(tools: Path, s: TrainingSettings, model: Model, eight_bit: bool) -> float | None:
    target = {4: "attention_all", 7: "all_linear", 2: "attention"}.get(len(s.targets))
    if model.name not in _KNOWN_TO_FTUNE or s.dora or target is None or s.loss != "stock":
        return None
    command = [
        str(tools / "ftune"), "estimate", "-m", _KNOWN_TO_FTUNE[model.name], "-o", "json",
        "-b", str(s.micro_batch), "-s", str(s.sequence_len), "-r", str(s.rank),
        "--method", "qlora" if s.weights.startswith("nf4") else "lora", "--lora-target", target,
        "--optimizer", "adam_8bit" if eight_bit else "adamw",
        "--grad-ckpt" if s.checkpointing == "on" else "--no-grad-ckpt",
    ]  # fmt: skip
    found = _run(command)
    return found["memory"]["total_gb"] * GIB if found else None
