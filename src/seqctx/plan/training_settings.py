"""What training memory depends on, read from an Axolotl file."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Literal

from seqctx.catalog.models import Model
from seqctx.catalog.optimizers import OPTIMIZERS, find_optimizer
from seqctx.config.config import Config
from seqctx.config.effective import Effective
from seqctx.errors import InputError

Weights = Literal["nf4-dq", "nf4", "gptq", "int8", "16 bit", "32 bit"]
Loss = Literal["stock", "chunked", "cut", "liger"]
Checkpointing = Literal["on", "off", "offloaded"]
Attention = Literal["flash", "sdpa", "eager"]

# Keys of Axolotl 0.19 that change memory in ways that no term here has.
_NOT_PLANNED = ("rl", "reward_model", "unfrozen_parameters", "selective_checkpointing", "tiled_mlp",
                "relora", "qat", "lora_target_parameters")  # fmt: skip
# Bases that are quantized already and load so under an adapter (axolotl 0.19: loaders/model.py).
_QUANTIZED: dict[str | None, Weights] = {"bitsandbytes": "nf4-dq", "gptq": "gptq", "awq": "gptq"}
_LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True, slots=True)
class Settings:
    """All that the memory of one card depends on beside the model's model.

    Attributes:
        sequence_len: tokens of a row.
        micro_batch: rows at once.
        weights: how the blocks' linear layers are held.
        embedding_bytes: of a weight of embeddings, head and norms. Axolotl keeps 2; plain PEFT's
            ``prepare_model_for_kbit_training`` makes them 4, and the residual stream with them.
        rank: of the adapter; None in full fine-tuning.
        targets: layers with an adapter.
        adapter_bytes: of an adapter's weight, and of its gradient.
        dora: a magnitude beside each adapter.
        optimizer: Axolotl's name.
        checkpointing: whether a block's input alone is kept, on the card or not.
        attention: its kernel.
        loss: its kernel.
        chunks: of a chunked loss.
        accumulates: whether gradients stay from one batch to the next.
        copies_logits: whether what the model returns is kept as 4 bytes, too: accelerate's
            ``ConvertOutputsToFp32``, which trainers in mixed precision wrap a model in.
        quantizes_experts: whether ``quantize_moe_experts`` holds them as the other weights;
            without it bitsandbytes leaves them in 16 bit, as they are no Linear.
        cards: that states are divided over.
        stage: what is divided: 1 the optimizer's state, 2 gradients too, 3 weights too (ZeRO;
            FSDP2 is 3).
        tensor: cards that each layer is divided over.
        context: cards that each row is divided over.
    """

    sequence_len: int
    micro_batch: int = 1
    weights: Weights = "16 bit"
    embedding_bytes: int = 2
    rank: int | None = None
    targets: tuple[str, ...] = _LINEAR
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
        """Of one batch on one card."""
        return -(-self.sequence_len * self.micro_batch // self.context)

    @property
    def quantized(self) -> bool:
        """Whether the linear layers are widened when they are used."""
        return self.weights not in ("16 bit", "32 bit")

    @property
    def moment_bytes(self) -> float:
        """What the optimizer keeps of a trained weight of 4 bytes [B].

        Raises:
            InputError: for an optimizer whose state is not known here.
        """
        kept = find_optimizer(self.optimizer).moment_bytes
        if kept is None:
            known = sorted(
                name for name, each in OPTIMIZERS.items() if each.moment_bytes is not None
            )
            raise InputError(
                f"optimizer: {self.optimizer}: seqctx does not know its memory. Plan with one of "
                f"{', '.join(known)}."
            )
        return kept

    @property
    def is_bitsandbytes(self) -> bool:
        """Whether the optimizer is of bitsandbytes, whose states are as wide for any weight."""
        return find_optimizer(self.optimizer).library == "bitsandbytes"

    @property
    def is_paged(self) -> bool:
        """Whether the optimizer's state may leave the card when others need it."""
        return find_optimizer(self.optimizer).paged


def settings_of(cfg: Config, model: Model) -> Settings:
    """Read a file.

    Args:
        cfg: the file.
        model: its model's.

    Raises:
        InputError: for what cannot be said: adapters, parallel layouts or losses not known here.
    """
    file = Effective.of(cfg)
    if cfg.adapter not in (None, "lora", "qlora"):
        raise InputError(f"adapter: {cfg.adapter}: its memory is not known here. Plan lora.")
    if cfg.adapter and cfg.lora_modules_to_save:
        raise InputError("lora_modules_to_save: what it trains beside the adapter is not planned.")
    for key in _NOT_PLANNED:
        if cfg.get(key):
            raise InputError(f"{key}: {cfg.get(key)}: what it does to memory is not known here.")
    if file.optimizer == "muon" and not cfg.adapter:
        raise InputError("optimizer: muon: how it shares full weights with AdamW is not planned.")
    stage, cards = _division(file)
    return Settings(
        sequence_len=cfg.sequence_len,
        micro_batch=file.micro_batch_size,
        weights=_weights(file, model),
        embedding_bytes=2 if file.loads_16_bit else 4,
        rank=file.lora_r if cfg.adapter else None,
        targets=_targets(cfg, model),
        dora=file.peft_use_dora,
        optimizer=file.optimizer,
        checkpointing=_checkpointing(cfg),
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


def _division(file: Effective) -> tuple[int, int]:
    """ZeRO's stage, or FSDP's as 3, and over how many cards.

    Raises:
        InputError: where states are divided and nothing says over how many cards.
    """
    deepspeed = file.get("deepspeed")
    if not deepspeed and not file.uses_fsdp:
        if file.dp_shard_size > 1:
            raise InputError("dp_shard_size: it divides nothing without fsdp_config. Add that.")
        return 3, 1
    cards = _cards(file, zero=bool(deepspeed))
    if cards < 2:
        key = "deepspeed" if deepspeed else "fsdp_config"
        raise InputError(f"{key}: over how many cards is not said. Set dp_shard_size, here with "
                         "--set dp_shard_size=N.")  # fmt: skip
    return _stage(deepspeed) if deepspeed else 3, cards


def _cards(file: Effective, *, zero: bool) -> int:
    """Cards that states are divided over; 1 where the file does not say.

    FSDP2 divides them over the cards of a row, too (accelerate 1.13: parallelism_config.py,
    dp_shard_cp). Where a size is named all must be: their product is the number of processes.
    Where none is, all of Ray's workers are taken.
    """
    if file.use_ray and prod(file.training_sizes.values()) == 1:
        return file.ray_num_workers
    shards = file.dp_shard_size
    return shards if zero or file.fsdp_version != "2" else shards * file.context_parallel_size


def _stage(deepspeed: Any) -> int:
    """ZeRO's stage: of the JSON, in the file or beside it, else as Axolotl's own are named.

    Raises:
        InputError: where none of those says it.
    """
    path, said = str(deepspeed), deepspeed
    try:
        if isinstance(deepspeed, str) and Path(path).is_file():
            said = json.loads(Path(path).read_text("utf-8"))
        if isinstance(said, dict):
            return int(said["zero_optimization"]["stage"])
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"deepspeed: {path}: no zero_optimization.stage in it. Add it.") from None
    named = re.search(r"zero(\d)", path)
    if named is None:
        raise InputError(f"deepspeed: {path}: its stage is not known by its name. Name "
                         "one of Axolotl's, such as deepspeed_configs/zero2.json.")  # fmt: skip
    return int(named[1])


def _weights(file: Effective, model: Model) -> Weights:
    """How the blocks' linear layers are held: as the base has them, else as the file says.

    Raises:
        InputError: for a base whose own quantization does not train, or is not known here.
    """
    own = model.quantization or ("gptq" if file.gptq else None)
    if own:
        if not file.config.adapter or own not in _QUANTIZED:
            raise InputError(f"base_model: quantized by {own}: what training it takes is not known "
                             "here. Name the 16-bit model.")  # fmt: skip
        return _QUANTIZED[own]
    if file.load_in_4bit:
        kwargs = file.get("bnb_config_kwargs", {})
        if not isinstance(kwargs, dict):
            raise InputError(f"bnb_config_kwargs: no mapping (got {kwargs!r}). Mend it.")
        return "nf4-dq" if file.double_quantization else "nf4"
    if file.load_in_8bit:
        return "int8"
    return "16 bit" if file.loads_16_bit else "32 bit"


def _targets(cfg: Config, model: Model) -> tuple[str, ...]:
    """Names of the layers with an adapter; a string is a pattern, as PEFT takes it.

    Raises:
        InputError: where one names no layer of the blocks.
    """
    if not cfg.adapter:
        return ()
    named, linears = cfg.lora_target_modules, tuple(model.linears)
    if cfg.lora_target_linear or named in ("all-linear", ("all-linear",)):
        return linears
    if isinstance(named, str):
        found = tuple(n for n in linears if any(re.fullmatch(named, m) for m in _modules(n)))
        missing = [] if found or named in linears else [named]
        found = found or (named,)
    else:
        found = named or ()
        missing = [name for name in found if name not in linears]
    if missing or not found:
        raise InputError(
            f"lora_target_modules: {', '.join(missing) or 'unset'}: no layer of {model.name}'s "
            f"blocks, or none whose adapter is known. Name some of {', '.join(linears)}."
        )
    return found


def _modules(linear: str) -> list[str]:
    """A layer's names in a text model, and in one that sees, too."""
    part = "mlp" if linear in ("gate_proj", "up_proj", "down_proj") else "self_attn"
    return [f"{top}.layers.0.{part}.{linear}" for top in ("model", "model.language_model")]


def _checkpointing(cfg: Config) -> Checkpointing:
    if cfg.get("activation_offloading") or str(cfg.get("gradient_checkpointing")).startswith("off"):
        return "offloaded"
    return "on" if cfg.get("gradient_checkpointing") else "off"


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
