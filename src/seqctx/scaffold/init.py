"""Files and blocks that fit a model and a GPU: ``init`` writes them, ``--suggest`` shows them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args

from seqctx.artifacts.layout import OUTPUTS, DatasetDir, data_file
from seqctx.catalog.gpus import Gpu
from seqctx.catalog.lookup import find_architecture, find_end_of_turn
from seqctx.catalog.models import Model
from seqctx.check.facts import longest_window
from seqctx.config.blocks import Goal
from seqctx.config.config import Config, parse_config
from seqctx.config.source import Document
from seqctx.errors import CheckError, InputError
from seqctx.plan.memory import GIB
from seqctx.plan.training import plan_training

GOALS: tuple[Goal, ...] = get_args(Goal)
UTILIZATION = 0.90
_WINDOW = 64_000  # tokens; enough for notes and chapters beside a long answer
_SEQUENCES = 9  # fewer are reported to fail at warm-up on Blackwell cards

_OF_GOAL: dict[Goal, dict[str, Any]] = {
    "voice": {"sequence_len": 2048, "sample_packing": False},
    "structure": {"sequence_len": 4096, "sample_packing": False},
    "throughput": {"sequence_len": 2048, "sample_packing": True, "eval_sample_packing": False},
}
_STEPS = {
    "num_epochs": 3,
    "learning_rate": 0.0001,
    "lr_scheduler": "cosine",
    "warmup_ratio": 0.05,
    "weight_decay": 0.0,
    "max_grad_norm": 1.0,
    "seed": 42,
    "eval_strategy": "epoch",
    "save_strategy": "epoch",
    "save_total_limit": 2,
    "metric_for_best_model": "eval_loss",
    "logging_steps": 1,
}
_ON_CPU = {
    "optimizer": "adamw_torch",
    "bf16": False,
    "fp16": False,
    "tf32": False,
    "gradient_checkpointing": False,
    "lora_mlp_kernel": False,
    "lora_qkv_kernel": False,
    "lora_o_kernel": False,
    "lora_embedding_kernel": False,
    "dataloader_pin_memory": False,
    "plugins": [
        "seqctx.train.axolotl_plugin.CpuPlugin",
        "seqctx.train.axolotl_plugin.SeedPlugin",
    ],
}
_ON_GPU = {
    "optimizer": "adamw_bnb_8bit",
    "bf16": True,
    "tf32": True,
    "gradient_checkpointing": True,
}
_WITHOUT_BF16 = {"bf16": False, "fp16": True, "tf32": False}
_FUSED = {
    "plugins": ["axolotl.integrations.liger.LigerPlugin"],
    "liger_fused_linear_cross_entropy": True,
}


def propose(
    base_model: str,
    gpu: Gpu,
    manuscripts: tuple[str, ...],
    goal: Goal,
    *,
    model: Model | None,
    stem: str,
) -> Config:
    """A complete file for a writer's QLoRA: training, serving, and the text.

    Args:
        base_model: a folder or hub id.
        gpu: the GPU.
        manuscripts: files and folders of text.
        goal: ``voice`` trains on 2,048 tokens; ``structure`` on 4,096; ``throughput`` on 2,048,
            with several examples packed into a row, isolated from each other.
        model: the base model, if it is known.
        stem: the file's name without its ending.

    Raises:
        CheckError: when training does not fit the GPU, even with a fused loss, or when the model's
            16-bit weights leave no room for a KV cache.
    """
    on_cpu = gpu.is_cpu
    sequence_len = _OF_GOAL[goal]["sequence_len"]
    if model:
        sequence_len = min(sequence_len, model.max_position)
    prepare = {
        "manuscripts": list(manuscripts),
        "held_out": 0.1,
        "strategy": "sequential",
        "context_tokens": 128,
    }
    pad = "<|finetune_right_pad_id|>"
    known = model.special_tokens if model else None
    dataset = DatasetDir.named(stem)
    folder = dataset.path.as_posix()
    rank = 16 if on_cpu else 64
    data = {
        "base_model": base_model,
        "chat_template": "tokenizer_default",
        **({"special_tokens": {"pad_token": pad}} if known and pad in known else {}),
        **({"eot_tokens": [end]} if (end := find_end_of_turn(base_model, model)) else {}),
        **_OF_GOAL[goal],
        "sequence_len": sequence_len,
        "excess_length_strategy": "raise",
        "datasets": [_dataset(folder, "train", ends) for ends in (False, True)],
        "test_datasets": [_dataset(folder, "held_out", ends) for ends in (False, True)],
        "dataset_prepared_path": dataset.tokenized.as_posix(),
        "adapter": "qlora",
        "load_in_4bit": True,
        "lora_r": rank,
        "lora_alpha": rank,
        "lora_dropout": 0.0,
        "lora_target_linear": True,
        "micro_batch_size": 1,
        "gradient_accumulation_steps": 2 if on_cpu else 4,
        **_STEPS,
        "output_dir": (OUTPUTS / stem).as_posix(),
        "attn_implementation": "sdpa",
        **(_ON_CPU if on_cpu else _ON_GPU),
        **({} if _has_bf16(gpu) else _WITHOUT_BF16),
        "vllm": {},
        "seqctx": {"gpu": gpu.name, "goal": goal, "prepare": prepare},
    }
    cfg = parse_config(Document(f"{stem}.yaml", data, {}))
    cfg = cfg.replace(vllm=serving_block(cfg, model, gpu))
    return _trainable(cfg, model, gpu) if model else cfg


def _has_bf16(gpu: Gpu) -> bool:
    """Whether it computes in bfloat16; a CPU does, too, though slowly."""
    return gpu.has_bf16 or gpu.is_cpu


def _trainable(cfg: Config, model: Model, gpu: Gpu) -> Config:
    """The file if training fits the GPU, else the file with a fused loss, which keeps no logits.

    Raises:
        CheckError: when that does not fit either.
    """
    fused = cfg.replace(**_FUSED)
    try:
        if plan_training(cfg, gpu=gpu, model=model).fits is not False:
            return cfg
        plan = plan_training(fused, gpu=gpu, model=model)
    except InputError:  # of blocks whose memory is not known
        return cfg
    if plan.fits is not False:
        return fused
    raise CheckError(
        f"{gpu.name}: training at {cfg.sequence_len} tokens needs {plan.device / GIB:.1f} GiB even "
        f"with a fused loss, and the GPU has {gpu.usable_gib:.1f} GiB. Choose a smaller model."
    )


def runbook(cfg: Config, path: Path, goal: Goal) -> str:
    """The header of a new file: what it is and how it is run."""
    return "\n\n".join(
        (
            f"{Path(cfg.base_model).name}, {cfg.adapter} rank {cfg.lora_r}, on {cfg.seqctx.gpu}; "
            f"goal: {goal}.",
            f"check: seqctx check {path}",
            f"run: seqctx prepare {path}; seqctx train {path}; seqctx serve {path}",
            "Relative paths start at the folder that you run the command in.",
        )
    )


def _dataset(folder: str, side: Literal["train", "held_out"], ends: bool) -> dict[str, str]:
    """One data file that ``prepare`` writes; the end of a turn is trained only where text ends."""
    entry = {"path": f"{folder}/{data_file(side, ends=ends)}", "ds_type": "json"}
    entry |= {"split": "train"} if side == "held_out" else {}
    return {**entry, "type": "chat_template", "train_on_eos": "turn" if ends else "none"}


def serving_block(cfg: Config, model: Model | None, gpu: Gpu | None) -> dict[str, Any]:
    """A ``vllm:`` block that fits: the window is as long as model and GPU allow, up to 64,000.

    Raises:
        CheckError: when not even one training example fits beside the weights, or when the model
            needs bfloat16 and the GPU has none.
    """
    block: dict[str, Any] = {"max_num_seqs": _SEQUENCES, "dtype": "bfloat16"}
    if gpu and not _has_bf16(gpu):
        if "float16" in find_architecture(cfg.base_model, model).not_served_in:
            raise CheckError(
                f"{gpu.name}: this GPU has no bfloat16, and vLLM does not serve {cfg.base_model} "
                "in float16. Choose another model or GPU."
            )
        block["dtype"] = "float16"
    window = min(_WINDOW, model.max_position) if model else None
    if model and gpu and gpu.is_cpu:
        cache = max(window or 0, cfg.sequence_len) * model.kv_bytes_per_token
        block["kv_cache_memory_bytes"] = max(1, -(-cache // GIB)) * GIB
    else:
        block["gpu_memory_utilization"] = UTILIZATION
    if not model or not window:
        return block
    longest = longest_window(cfg.replace(vllm=block), model, gpu)
    if gpu and longest is not None:
        if longest < cfg.sequence_len:
            raise CheckError(
                f"{gpu.name}: {model.weights_gib:.1f} GiB of 16-bit weights leave "
                f"no room for a KV cache of {cfg.sequence_len} tokens. Choose a smaller model."
            )
        if longest > cfg.sequence_len + 2000:
            longest -= longest % 1000
        window = min(window, longest)
    return {"max_model_len": max(window, cfg.sequence_len), **block}
