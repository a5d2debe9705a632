"""Compares planned memory with two real training steps: random weights of a model's shape, one GPU.

    PYTHONPATH=src .venv-train/bin/python benchmarks/gpu_memory.py --model llama-3.1-8b \
        --loss stock liger --sequence-len 2048 8192

One line of JSON for each combination. It does what Axolotl 0.19 does for ``adapter: qlora`` and
``lora``: NF4 with double quantization (bf16 storage), embeddings, head and norms back in bf16
(loaders/model.py, _configure_embedding_dtypes), adapters in fp32 (PEFT's autocast_adapter_dtype),
bf16 autocast whose outputs come in fp32 (accelerate), gradient checkpointing, clipping. Two steps,
because optimizer state appears in the first. Weights are made one matrix at a time, so that memory
never holds more than the model itself. On a CPU it shows only that it runs; memory is null there.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import nn

GIB = 2**30
_LLAMA = {"model_type": "llama", "rms_norm_eps": 1e-5, "tie_word_embeddings": False}
SHAPES: dict[str, dict[str, Any]] = {  # config.json of each, as far as memory depends on it
    "llama-3.1-8b": {
        **_LLAMA, "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32,
        "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128,
        "vocab_size": 128256, "max_position_embeddings": 131072,
    },
    "qwen3-8b": {
        "model_type": "qwen3", "rms_norm_eps": 1e-6, "tie_word_embeddings": False,
        "hidden_size": 4096, "intermediate_size": 12288, "num_hidden_layers": 36,
        "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128,
        "vocab_size": 151936, "max_position_embeddings": 40960,
    },
    "tiny": {
        **_LLAMA, "hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 32,
        "vocab_size": 512, "max_position_embeddings": 2048,
    },
}  # fmt: skip
PACKAGES = (
    "torch",
    "transformers",
    "peft",
    "bitsandbytes",
    "accelerate",
    "axolotl",
    "liger_kernel",
)


def random_model(
    shape: dict[str, Any], device: str, *, four_bit: bool, attention: str
) -> nn.Module:
    """A causal model with random weights, made matrix by matrix on the device."""
    from transformers import AutoConfig, AutoModelForCausalLM

    given = {key: value for key, value in shape.items() if key != "model_type"}
    config = AutoConfig.for_model(shape["model_type"], **given)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(
            config, dtype=torch.bfloat16, attn_implementation=attention
        )
    head = model.get_output_embeddings()
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.Linear) and module is not head and four_bit:
            model.set_submodule(name, nf4_linear(module, device))
        else:
            materialize(module, device)
    rotary = model.model.rotary_emb  # its frequencies are computed, not loaded
    model.model.rotary_emb = type(rotary)(config=config, device=device)
    model.config.use_cache = False
    if four_bit:
        model.is_loaded_in_4bit = True
    return model


def nf4_linear(like: nn.Linear, device: str) -> nn.Module:
    """A quantized layer of the same size; its 16-bit matrix lives only within this call."""
    import bitsandbytes as bnb

    storage = torch.bfloat16 if device == "cuda" else torch.uint8
    layer = bnb.nn.Linear4bit(
        like.in_features, like.out_features, bias=False, compute_dtype=torch.bfloat16,
        compress_statistics=True, quant_type="nf4", quant_storage=storage, device="meta",
    )  # fmt: skip
    weight = torch.empty(like.weight.shape, dtype=torch.bfloat16, device=device).normal_(std=0.02)
    layer.weight = bnb.nn.Params4bit(
        weight, requires_grad=False, compress_statistics=True, quant_type="nf4",
        quant_storage=storage, module=layer,
    ).to(device)  # fmt: skip
    return layer


def materialize(module: nn.Module, device: str) -> None:
    """Give a module's own parameters random values: norms are one."""
    for name, parameter in list(module.named_parameters(recurse=False)):
        value = torch.empty(parameter.shape, dtype=parameter.dtype, device=device)
        value.fill_(1.0) if value.dim() == 1 else value.normal_(std=0.02)
        setattr(module, name, nn.Parameter(value, requires_grad=False))


def choose_loss(loss: str, model_type: str) -> None:
    """Install a loss kernel as Axolotl's plugins do; ``stock`` is transformers' own."""
    if loss == "liger":
        import liger_kernel.transformers as liger

        kernels = {"rope": False, "rms_norm": False, "swiglu": False, "cross_entropy": False}
        patch = getattr(liger, f"apply_liger_kernel_to_{model_type}")
        patch(fused_linear_cross_entropy=True, **kernels)
    elif loss == "chunked":
        from axolotl.monkeypatch.loss.chunked import patch_chunked_ce_loss_fn

        patch_chunked_ce_loss_fn()


def two_steps(model: nn.Module, args: argparse.Namespace, vocab: int, length: int) -> list[float]:
    """Two optimizer steps under accelerate.

    Returns:
        Seconds of each.
    """
    from accelerate import Accelerator

    accelerator = Accelerator(mixed_precision="bf16", cpu=args.device == "cpu")
    trained = [p for p in model.parameters() if p.requires_grad]
    model, optimizer = accelerator.prepare(model, optimizer_of(trained, args))
    model.train()
    seconds = []
    for _ in range(2):
        begin = time.perf_counter()
        ids = torch.randint(0, vocab, (args.micro_batch_size, length), device=args.device)
        tokens = torch.tensor(ids.numel(), device=args.device)
        loss = model(input_ids=ids, labels=ids, num_items_in_batch=tokens).loss
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if args.device == "cuda":
            torch.cuda.synchronize()
        seconds.append(round(time.perf_counter() - begin, 3))
    return seconds


def optimizer_of(trained: list[nn.Parameter], args: argparse.Namespace) -> torch.optim.Optimizer:
    """``adamw_bnb_8bit`` or ``adamw_torch``; the first is kept for a GPU."""
    if args.optimizer == "adamw_bnb_8bit":
        import bitsandbytes as bnb

        return bnb.optim.AdamW8bit(trained, lr=1e-4)
    return torch.optim.AdamW(trained, lr=1e-4)


def measure(args: argparse.Namespace, loss: str, rank: int, length: int) -> dict[str, Any]:
    """Build a model, train two steps, and return the memory used."""
    from peft import LoraConfig, get_peft_model

    shape = SHAPES[args.model]
    choose_loss(loss, shape["model_type"])
    four_bit = args.adapter == "qlora"
    reset(args.device)
    model = random_model(shape, args.device, four_bit=four_bit, attention=args.attention)
    base = memory(args.device)
    model.gradient_checkpointing_enable()
    model.enable_input_require_grads()
    lora = LoraConfig(r=rank, lora_alpha=rank, target_modules="all-linear", task_type="CAUSAL_LM")
    peft = get_peft_model(model, lora)
    loaded = memory(args.device)
    reset(args.device)
    seconds = two_steps(peft, args, shape["vocab_size"], length)
    trained = [p for p in peft.parameters() if p.requires_grad]
    return {
        "base": base,
        "with_adapter": loaded,
        "steps": memory(args.device),
        "seconds": seconds,
        "adapter_parameters": sum(p.numel() for p in trained),
        "adapter_dtype": str(trained[0].dtype).removeprefix("torch."),
    }


def reset(device: str) -> None:
    """Release freed memory and reset the peaks."""
    gc.collect()
    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def memory(device: str) -> dict[str, float] | None:
    """Allocated now, peaks, and what the whole card has in use [GiB]; None on a CPU."""
    if device != "cuda":
        return None
    free, total = torch.cuda.mem_get_info()
    numbers = {
        "allocated": torch.cuda.memory_allocated(),
        "peak_allocated": torch.cuda.max_memory_allocated(),
        "peak_reserved": torch.cuda.max_memory_reserved(),
        "device": total - free,
    }
    return {name: round(value / GIB, 4) for name, value in numbers.items()}


def settings(args: argparse.Namespace, loss: str, rank: int, length: int) -> dict[str, Any]:
    """The Axolotl YAML of the same run, but for data."""
    keys: dict[str, Any] = {
        "adapter": args.adapter, "load_in_4bit": args.adapter == "qlora", "lora_r": rank,
        "lora_target_linear": True, "sequence_len": length, "pad_to_sequence_len": True,
        "micro_batch_size": args.micro_batch_size, "gradient_checkpointing": True,
        "optimizer": args.optimizer, "bf16": True, "attn_implementation": args.attention,
    }  # fmt: skip
    keys |= {f"lora_{part}_kernel": False for part in ("mlp", "qkv", "o", "embedding")}
    if loss == "liger":
        keys["plugins"] = ["axolotl.integrations.liger.LigerPlugin"]
        keys["liger_fused_linear_cross_entropy"] = True
    if loss == "chunked":
        keys["chunked_cross_entropy"] = True
    return keys


def planned(shape: str, keys: dict[str, Any]) -> dict[str, Any]:
    """The plan for the same run [GiB]."""
    from seqctx.config.config import Config
    from seqctx.plan.training import plan_training

    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "config.json").write_text(json.dumps(SHAPES[shape]), "utf-8")
        plan = plan_training(Config(base_model=folder, **keys))
    numbers = {"allocated": plan.allocated, "reserved": plan.reserved, "device": plan.device}
    terms = {term.name: round(term.bytes / GIB, 4) for term in plan.terms}
    rounded = {name: round(value / GIB, 4) for name, value in numbers.items()}
    return {**rounded, "moment": plan.moment, "terms": terms}


def row(args: argparse.Namespace, loss: str, rank: int, length: int) -> dict[str, Any]:
    """One combination: settings, what was measured, what was planned."""
    keys = settings(args, loss, rank, length)
    device = torch.cuda.get_device_name() if args.device == "cuda" else "cpu"
    found: dict[str, Any] = {"model": args.model, "loss": loss, "device": device, "settings": keys}
    found["versions"] = {name: version(name) for name in PACKAGES}
    try:
        found["measured_gib"] = measure(args, loss, rank, length)
    except torch.cuda.OutOfMemoryError as error:
        found["measured_gib"] = {"out_of_memory": str(error).split(". ")[0]}
    found["planned_gib"] = planned(args.model, keys)
    steps = found["measured_gib"].get("steps")
    if steps:
        ratio = found["planned_gib"]["allocated"] / steps["peak_allocated"]
        found["planned_over_measured"] = round(ratio, 4)
    return found


def arguments() -> argparse.Namespace:
    """The command line."""
    cuda = torch.cuda.is_available()
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--model", choices=SHAPES, default="llama-3.1-8b")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda" if cuda else "cpu")
    parser.add_argument("--adapter", choices=("qlora", "lora"), default="qlora")
    parser.add_argument(
        "--loss", nargs="+", choices=("stock", "liger", "chunked"), default=["stock"]
    )
    parser.add_argument("--rank", nargs="+", type=int, default=[64])
    parser.add_argument("--sequence-len", nargs="+", type=int, default=[2048])
    parser.add_argument("--micro-batch-size", type=int, default=1)
    parser.add_argument("--optimizer", choices=("adamw_bnb_8bit", "adamw_torch"))
    parser.add_argument(
        "--attention", choices=("sdpa", "eager", "flash_attention_2"), default="sdpa"
    )
    args = parser.parse_args()
    args.optimizer = args.optimizer or (
        "adamw_bnb_8bit" if args.device == "cuda" else "adamw_torch"
    )
    if args.device == "cpu" and "liger" in args.loss:
        parser.error("Liger's kernels need a GPU")
    if len(args.loss) > 1 and "stock" in args.loss[1:]:
        parser.error("a kernel that is installed stays: name stock first")
    return args


def main() -> None:
    """Print a line for each combination; kernels outermost, since they stay once installed."""
    args = arguments()
    for loss, rank, length in itertools.product(args.loss, args.rank, args.sequence_len):
        print(json.dumps(row(args, loss, rank, length)), flush=True)
        gc.collect()


if __name__ == "__main__":
    sys.exit(main())
