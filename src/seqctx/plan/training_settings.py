"""The settings of a file that training memory depends on, with Axolotl's defaults filled in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Literal

from seqctx.catalog.architectures import SPLIT_LINEARS
from seqctx.catalog.models import Model
from seqctx.catalog.optimizers import OPTIMIZERS, Optimizer, find_optimizer
from seqctx.config.config import Config
from seqctx.config.effective import Effective
from seqctx.errors import InputError
from seqctx.system.patterns import user_pattern
from seqctx.system.regular_file import read_json

Weights = Literal["nf4-dq", "nf4", "gptq", "int8", "16 bit", "32 bit"]
Loss = Literal["stock", "chunked", "cut", "liger"]
Checkpointing = Literal["on", "off", "offloaded"]
Attention = Literal["flash", "sdpa", "eager"]

# Keys of Axolotl 0.19 that change memory in ways that no term here has.
_NOT_PLANNED = ("rl", "reward_model", "unfrozen_parameters", "selective_checkpointing", "tiled_mlp",
                "relora", "qat", "lora_target_parameters")  # fmt: skip
# Base models that are quantized already stay so under an adapter (axolotl 0.19: loaders/model.py).
_QUANTIZED: dict[str | None, Weights] = {"bitsandbytes": "nf4-dq", "gptq": "gptq", "awq": "gptq"}


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """All that the memory of one GPU depends on, besides the model.

    Attributes:
        sequence_len: tokens of a row.
        micro_batch: rows computed at once.
        weights: number format of the blocks' linear layers.
        embedding_bytes: of one weight of embeddings, head and norms. Axolotl keeps 2; plain PEFT's
            ``prepare_model_for_kbit_training`` makes them 4, and the residual stream with them.
        rank: of the adapter; None in full fine-tuning.
        targets: layers with an adapter.
        adapter_bytes: of one weight of the adapter, and of its gradient.
        dora: whether each adapter has a magnitude, too.
        optimizer: Axolotl's name.
        checkpointing: whether only the input of each block is kept, and whether on the GPU.
        attention: its kernel.
        loss: its kernel.
        chunks: number of parts of a chunked loss.
        accumulates: whether gradients stay from one batch to the next.
        copies_logits: whether the model's output is also kept as 4 bytes: accelerate's
            ``ConvertOutputsToFp32``, in which trainers in mixed precision wrap a model.
        quantizes_experts: whether ``quantize_moe_experts`` stores experts like the other weights;
            without it bitsandbytes leaves them in 16 bit, because they are no Linear modules.
        cards: GPUs over which states are sharded.
        stage: what is sharded: 1 the optimizer's state, 2 gradients too, 3 weights too (ZeRO;
            FSDP2 is 3).
        tensor: GPUs that share each layer.
        context: GPUs that share each row.
    """

    sequence_len: int
    micro_batch: int = 1
    weights: Weights = "16 bit"
    embedding_bytes: int = 2
    rank: int | None = None
    targets: tuple[str, ...] = SPLIT_LINEARS
    adapter_bytes: int = 4
    dora: bool = False
    optimizer: str = "adamw_torch"
    checkpointing: Checkpointing = "on"
    attention: Attention = "sdpa"
    loss: Loss = "stock"
    chunks: int = 8
    accumulates: bool = True
    copies_logits: bool = False
    quantizes_experts: bool = False
    cards: int = 1
    stage: int = 3
    tensor: int = 1
    context: int = 1

    @property
    def tokens(self) -> int:
        """Tokens of one batch on one GPU."""
        return -(-self.sequence_len * self.micro_batch // self.context)

    @property
    def quantized(self) -> bool:
        """Whether the linear layers are converted to 16 bit each time they are used."""
        return self.weights not in ("16 bit", "32 bit")

    @property
    def optimizer_facts(self) -> Optimizer:
        """What the catalog says of the optimizer."""
        return find_optimizer(self.optimizer)

    @property
    def moment_bytes(self) -> float:
        """What the optimizer keeps of a trained weight of 4 bytes [B].

        Raises:
            InputError: for an optimizer whose state is not known.
        """
        kept = self.optimizer_facts.moment_bytes
        if kept is None:
            known = sorted(n for n, each in OPTIMIZERS.items() if each.moment_bytes is not None)
            raise InputError(
                f"optimizer: {self.optimizer}: seqctx does not know how much memory it takes. Plan "
                f"with one of {', '.join(known)}."
            )
        return kept


def training_settings(cfg: Config, model: Model) -> TrainingSettings:
    """Read what training memory depends on.

    Args:
        cfg: the file.
        model: its base model.

    Raises:
        InputError: for adapters, parallel layouts or losses whose memory has no formula here.
    """
    file = Effective.of(cfg)
    if cfg.adapter not in (None, "lora", "qlora"):
        raise InputError(
            f"adapter: {cfg.adapter}: seqctx does not know how much memory it takes. Plan lora or "
            "qlora."
        )
    if cfg.adapter and cfg.lora_modules_to_save:
        raise InputError(
            "lora_modules_to_save: seqctx cannot plan modules that are trained in addition to the "
            "adapter. Leave it out to plan the rest."
        )
    for key in _NOT_PLANNED:
        if file.get(key):
            raise InputError(
                f"{key}: seqctx cannot plan what it does to memory (got {file.get(key)}). Leave it "
                "out to plan the rest."
            )
    if file.optimizer == "muon" and not cfg.adapter:
        raise InputError(
            "optimizer: muon: seqctx cannot plan how it shares full weights with AdamW. Plan with "
            "an adapter, or with another optimizer."
        )
    stage, cards = _sharding(file)
    return TrainingSettings(
        sequence_len=file.sequence_len,
        micro_batch=file.micro_batch_size,
        weights=_weights(file, model),
        embedding_bytes=2 if file.loads_16_bit else 4,
        rank=file.lora_r if cfg.adapter else None,
        targets=_targets(file, model),
        dora=file.peft_use_dora,
        optimizer=file.optimizer,
        checkpointing=_checkpointing(file),
        attention=_attention(file),
        loss=_loss(file),
        chunks=file.chunked_cross_entropy_num_chunks,
        accumulates=file.gradient_accumulation_steps > 1,
        copies_logits=file.is_mixed_precision,
        quantizes_experts=file.quantize_moe_experts,
        cards=cards,
        stage=stage,
        tensor=file.tensor_parallel_size,
        context=file.context_parallel_size,
    )


def _sharding(file: Effective) -> tuple[int, int]:
    """ZeRO's stage, or FSDP's as 3, and over how many GPUs.

    Raises:
        InputError: where states are sharded and the number of GPUs is not in the file.
    """
    deepspeed = file.get("deepspeed")
    if not deepspeed and not file.uses_fsdp:
        if file.dp_shard_size > 1:
            raise InputError(
                "dp_shard_size: without fsdp_config nothing is sharded. Add fsdp_config."
            )
        return 3, 1
    cards = _cards(file, zero=bool(deepspeed))
    if cards < 2:
        key = "deepspeed" if deepspeed else "fsdp_config"
        raise InputError(
            f"{key}: the file does not say over how many GPUs. Plan with --set dp_shard_size=N."
        )
    return _stage(deepspeed) if deepspeed else 3, cards


def _cards(file: Effective, *, zero: bool) -> int:
    """GPUs over which states are sharded; 1 where the file does not say.

    FSDP2 shards over the GPUs of a row, too (accelerate 1.13: parallelism_config.py, dp_shard_cp).
    If the file names one size, it must name all: their product is the number of processes. If it
    names none, all of Ray's workers take part.
    """
    if file.use_ray and prod(file.training_sizes.values()) == 1:
        return file.ray_num_workers
    if zero or file.fsdp_version != "2":
        return file.dp_shard_size
    return file.dp_shard_size * file.context_parallel_size


def _stage(deepspeed: Any) -> int:
    """ZeRO's stage: from the JSON, in the file or beside it, else from the names of Axolotl's own.

    Raises:
        InputError: where none of those says it.
    """
    path, content = str(deepspeed), deepspeed
    try:
        if isinstance(deepspeed, str) and Path(path).is_file():
            content = read_json(Path(path))
        if isinstance(content, dict):
            return int(content["zero_optimization"]["stage"])
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"deepspeed: {path}: has no zero_optimization.stage. Add it.") from None
    named = re.search(r"zero(\d)", path)
    if named is None:
        raise InputError(
            f"deepspeed: {path}: neither the file nor its name tells the ZeRO stage. Name one of "
            "Axolotl's files, such as deepspeed_configs/zero2.json."
        )
    return int(named[1])


def _weights(file: Effective, model: Model) -> Weights:
    """Number format of the blocks' linear layers: the base model's, else the file's.

    Raises:
        InputError: for a base model whose own quantization cannot be trained, or planned.
    """
    own = model.quantization or ("gptq" if file.gptq else None)
    if own:
        if not file.config.adapter or own not in _QUANTIZED:
            raise InputError(
                f"base_model: quantized by {own}: seqctx cannot plan training on such weights. "
                "Name the 16-bit model."
            )
        return _QUANTIZED[own]
    if file.load_in_4bit:
        kwargs = file.get("bnb_config_kwargs", {})
        if not isinstance(kwargs, dict):
            raise InputError(f"bnb_config_kwargs: must be a mapping (got {kwargs!r}).")
        return "nf4-dq" if file.double_quantization else "nf4"
    if file.load_in_8bit:
        return "int8"
    return "16 bit" if file.loads_16_bit else "32 bit"


def _targets(file: Effective, model: Model) -> tuple[str, ...]:
    """Names of the layers with an adapter; a string is a pattern, as PEFT takes it.

    Raises:
        InputError: where one names no layer of the blocks.
    """
    if not file.config.adapter:
        return ()
    named, linears = file.config.lora_target_modules, tuple(model.linears)
    if file.lora_target_linear or named in ("all-linear", ("all-linear",)):
        return linears
    if isinstance(named, str):
        pattern = user_pattern("lora_target_modules", named)
        found = tuple(n for n in linears if pattern.full_matches(_modules(n)))
        missing = [] if found or named in linears else [named]
        found = found or (named,)
    else:
        found = named or ()
        missing = [name for name in found if name not in linears]
    if missing or not found:
        raise InputError(
            f"lora_target_modules: {', '.join(missing) or 'unset'}: {model.name} has no such "
            f"linear layer, or seqctx cannot plan its adapter. Name some of {', '.join(linears)}."
        )
    return found


def _modules(linear: str) -> list[str]:
    """Full names of a layer: in a text model, and in one that also takes images."""
    part = "mlp" if linear in ("gate_proj", "up_proj", "down_proj") else "self_attn"
    return [f"{top}.layers.0.{part}.{linear}" for top in ("model", "model.language_model")]


def _checkpointing(file: Effective) -> Checkpointing:
    given = file.get("gradient_checkpointing")
    if file.get("activation_offloading") or str(given).startswith("off"):
        return "offloaded"
    return "on" if given else "off"


def _attention(file: Effective) -> Attention:
    name = file.attention or "sdpa"
    if name == "eager":
        return "eager"
    return "flash" if name.startswith("flash") else "sdpa"


def _loss(file: Effective) -> Loss:
    if file.cuts_cross_entropy:
        return "cut"
    if file.liger_fused_linear_cross_entropy:
        return "liger"
    return "chunked" if file.chunked_cross_entropy else "stock"
