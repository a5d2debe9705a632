"""Files for several GPUs: how their training is divided, for the planner and for Axolotl itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from seqctx.config.config import Config, parse_config
from seqctx.config.source import Document

BASE: dict[str, Any] = {
    "base_model": "meta-llama/Llama-3.1-8B-Instruct",
    "datasets": [{"path": "a.jsonl", "ds_type": "json", "type": "chat_template"}],
    "sequence_len": 8192,
    "micro_batch_size": 1,
    "gradient_accumulation_steps": 2,
    "num_epochs": 1,
    "learning_rate": 0.0001,
    "optimizer": "adamw_torch_fused",
    "bf16": True,
    "gradient_checkpointing": True,
    "attn_implementation": "flash_attention_2",
    "output_dir": "out/parallel",
}
QLORA = {
    "adapter": "qlora", "load_in_4bit": True, "lora_r": 16, "lora_alpha": 16,
    "lora_target_linear": True,
}  # fmt: skip
FSDP2 = {
    "fsdp_version": 2,
    "fsdp_config": {
        "auto_wrap_policy": "TRANSFORMER_BASED_WRAP",
        "transformer_layer_cls_to_wrap": "LlamaDecoderLayer",
        "cpu_ram_efficient_loading": False,
        "reshard_after_forward": True,
        "state_dict_type": "FULL_STATE_DICT",
    },
}
RAY = {"use_ray": True, "ray_num_workers": 8, "resources_per_worker": {"GPU": 1}}
# name: what the file says beside BASE; then of eight cards, over how many each term is divided
TRAINED: dict[str, tuple[dict[str, Any], dict[str, int]]] = {
    "FSDP2": ({**FSDP2, "dp_shard_size": 8}, {"weights": 8, "gradients": 8, "optimizer": 8}),
    "FSDP2 and QLoRA": (
        {**FSDP2, **QLORA, "dp_shard_size": 8}, {"weights": 8, "adapter": 8, "optimizer": 8},
    ),
    "ZeRO-2": (
        {"deepspeed": "zero2.json", **RAY}, {"weights": 1, "gradients": 8, "optimizer": 8},
    ),
    "ZeRO-3": ({"deepspeed": "mine.json", **RAY}, {"weights": 8, "gradients": 8}),
    "tensor parallel and FSDP2": (
        {**FSDP2, "tensor_parallel_size": 2, "dp_shard_size": 4}, {"weights": 8, "embeddings": 4},
    ),
    "context parallel": (
        {**FSDP2, "context_parallel_size": 2, "dp_shard_size": 4},
        {"weights": 8, "checkpoints": 2, "logits": 2},
    ),
    "HSDP": ({**FSDP2, "dp_shard_size": 4, "dp_replicate_size": 2}, {"weights": 4}),
    "Ray": ({**FSDP2, **RAY}, {"weights": 8, "gradients": 8}),
}  # fmt: skip


def config(**changes: Any) -> Config:
    return parse_config(Document("parallel.yaml", {**BASE, **changes}, {}))


def write_deepspeed_files(folder: Path) -> None:
    """DeepSpeed's JSON under two names, and an empty ring_flash_attn, which is CUDA's."""
    for name, stage in (("zero2.json", 2), ("mine.json", 3)):
        text = json.dumps({"zero_optimization": {"stage": stage}, "bf16": {"enabled": True}})
        (folder / name).write_text(text)
    (folder / "ring_flash_attn.py").touch()
