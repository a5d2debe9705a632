"""The file with defaults filled in, as Axolotl and vLLM use it; all stages read this.

Every default stands here once. Those of Axolotl's schema are compared to catalog/axolotl.json by a
test; the others, with the place where they are set, are listed in `SOURCES`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Self

from seqctx.catalog.keys import KeyPath
from seqctx.catalog.models import Model
from seqctx.catalog.rope import ROPE_KEYS, position_factor
from seqctx.config.blocks import Dataset, Seqctx, Vllm
from seqctx.config.config import Config

SOURCES = {
    "lora_r": "PEFT 0.20: tuners/lora/config.py, LoraConfig.r",
    "chat_template": "axolotl 0.19: schemas/datasets.py, set_default_chat_template",
    "excess_length_strategy": "axolotl 0.19: utils/data/utils.py",
    "save_total_limit": "axolotl 0.19: core/builders/base.py",
    "chunked_cross_entropy_num_chunks": "axolotl 0.19: monkeypatch/loss/chunked.py",
    "tensor_parallel_size": "axolotl 0.19: utils/distributed.py, one GPU where it is unset",
    "context_parallel_size": "axolotl 0.19: utils/distributed.py, one GPU where it is unset",
    "dp_shard_size": "axolotl 0.19: utils/distributed.py, one GPU where it is unset",
    "dp_replicate_size": "axolotl 0.19: utils/distributed.py, one GPU where it is unset",
}
"""Defaults that Axolotl's schema does not give, and where they are set."""

TRAINING_SIZES = (
    "tensor_parallel_size", "context_parallel_size", "dp_shard_size", "dp_replicate_size",
)  # fmt: skip
SERVING_SIZES = ("tensor_parallel_size", "pipeline_parallel_size", "data_parallel_size")
LORA_KERNELS = ("lora_mlp_kernel", "lora_qkv_kernel", "lora_o_kernel", "lora_embedding_kernel")
# axolotl 0.19: schemas/enums.py, LEGACY_ATTN_FLAG_TO_IMPL, in its order; s2_attention is refused
_ATTENTION_FLAGS = {
    "xformers_attention": "xformers", "sage_attention": "sage", "flex_attention": "flex_attention",
    "flash_attention": "flash_attention_2", "sdp_attention": "sdpa", "eager_attention": "eager",
    "s2_attention": "flash_attention_2",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Effective:
    """A file with Axolotl's defaults filled in; fields have the names of its keys.

    A value of another type than the default's counts as not given: Axolotl's schema refuses it.

    Attributes:
        config: the file as it was given.
    """

    config: Config

    sequence_len: int = 512
    num_epochs: float = 1.0
    max_steps: int = 0
    output_dir: str = "./model-out"
    micro_batch_size: int = 1
    gradient_accumulation_steps: int = 1
    optimizer: str = "adamw_torch_fused"
    excess_length_strategy: str = "drop"
    chat_template: str = "tokenizer_default"
    val_set_size: float = 0.0
    save_total_limit: int = 4
    save_only_model: bool = False
    load_best_model_at_end: bool = False
    metric_for_best_model: str = ""

    load_in_4bit: bool = False
    load_in_8bit: bool = False
    gptq: bool = False
    lora_r: int = 8
    lora_target_linear: bool = False
    peft_use_dora: bool = False
    peft_use_rslora: bool = False
    quantize_moe_experts: bool = False

    sample_packing: bool = False
    sample_packing_bin_size: int = 200
    sample_packing_group_size: int = 100_000
    curriculum_sampling: bool = False

    chunked_cross_entropy: bool = False
    chunked_cross_entropy_num_chunks: int = 8
    liger_fused_linear_cross_entropy: bool = False

    use_ray: bool = False
    ray_num_workers: int = 1
    tensor_parallel_size: int = 1
    context_parallel_size: int = 1
    dp_shard_size: int = 1
    dp_replicate_size: int = 1

    @classmethod
    def of(cls, cfg: Config) -> Self:
        """A file with its defaults."""
        defaults = {each.name: each.default for each in fields(cls) if each.name != "config"}
        return cls(config=cfg, **{key: _like(cfg.get(key), d) for key, d in defaults.items()})

    def given(self, key: str) -> bool:
        """Whether a top-level key is in the file, null or not."""
        return key in self.config.model_fields_set

    def get(self, key: str, default: Any = None) -> Any:
        """A key's value as it is in the file; ``default`` where it is not there, or null."""
        return self.config.get(key, default)

    # --- the blocks

    @property
    def vllm(self) -> Vllm:
        """The block on serving."""
        return self.config.vllm

    @property
    def seqctx(self) -> Seqctx:
        """Our own block."""
        return self.config.seqctx

    @property
    def is_served(self) -> bool:
        """Whether the file has a ``vllm:`` block."""
        return self.given("vllm")

    @property
    def datasets(self) -> Iterator[tuple[KeyPath, Dataset]]:
        """Path and entry of every data set, those of evaluation after those of training."""
        for key in ("datasets", "test_datasets"):
            for i, entry in enumerate(getattr(self.config, key)):
                yield (key, i), entry

    # --- steps, evaluation, checkpoints

    @property
    def packs_evaluation(self) -> bool:
        """``sample_packing`` of evaluation (axolotl 0.19: schemas/validation.py)."""
        given = self.config.eval_sample_packing
        return self.sample_packing if given is None else given

    @property
    def rows_per_step(self) -> int:
        """Rows that one optimizer step takes on one GPU."""
        return self.micro_batch_size * self.gradient_accumulation_steps

    @property
    def eval_batch_size(self) -> int:
        """Rows of one evaluation batch on one GPU (axolotl 0.19: utils/config)."""
        return self.config.eval_batch_size or self.micro_batch_size

    @property
    def evaluates(self) -> bool:
        """Whether there is held-out data."""
        return bool(self.config.test_datasets or self.val_set_size)

    @property
    def eval_strategy(self) -> str | None:
        """When training evaluates; None if the file does not say (axolotl: builders/base.py)."""
        by_steps = "steps" if self.get("eval_steps") else None
        return self.get("eval_strategy") or by_steps

    @property
    def save_strategy(self) -> str:
        """When checkpoints are written (axolotl 0.19: core/builders/base.py)."""
        return str(self.get("save_strategy") or ("steps" if self.get("save_steps") else "epoch"))

    @property
    def seed(self) -> int:
        """Seed of shuffling (axolotl 0.19: schemas/validation.py, set_default_seed)."""
        given = self.get("seed")
        return given if isinstance(given, int) else 42

    # --- precision, attention, loss, adapter

    @property
    def is_mixed_precision(self) -> bool:
        """Whether the trainer computes in 16 bit, whatever the width of the weights.

        ``bf16`` is ``auto`` if the file does not have the key; null is not ``auto``. ``auto`` means
        bfloat16, or fp16 on a machine without it (axolotl 0.19: utils/config, resolve_dtype).
        """
        bf16 = (self.config.model_extra or {}).get("bf16", "auto")
        return bool(bf16 or self.get("bfloat16") or self.get("fp16"))

    @property
    def loads_16_bit(self) -> bool:
        """Whether weights are loaded in 16 bit; those beside 8-bit ones always are."""
        return self.is_mixed_precision or bool(self.get("float16") or self.load_in_8bit)

    @property
    def attention(self) -> str | None:
        """The attention implementation, by its key or by an older flag; None where unset."""
        flags = (name for flag, name in _ATTENTION_FLAGS.items() if self.get(flag))
        return self.config.attn_implementation or next(flags, None)

    @property
    def double_quantization(self) -> bool:
        """Whether bitsandbytes quantizes the scales of 4-bit weights, too (axolotl 0.19)."""
        kwargs = self.get("bnb_config_kwargs")
        return not isinstance(kwargs, dict) or bool(kwargs.get("bnb_4bit_use_double_quant", True))

    @property
    def cuts_cross_entropy(self) -> bool:
        """Whether cut cross-entropy computes the loss: listing its plugin turns it on."""
        plugged = any("cut_cross_entropy" in plugin for plugin in self.plugins)
        return bool(self.get("cut_cross_entropy", plugged))

    @property
    def lora_kernels(self) -> frozenset[str]:
        """Keys of the LoRA kernels that run.

        Axolotl turns all of them on where the file sets none (axolotl 0.19: schemas/config.py,
        check_auto_enable_lora_kernels).
        """
        given = {key: self.get(key) for key in LORA_KERNELS}
        if any(value is not None for value in given.values()):
            return frozenset(key for key, value in given.items() if value is True)
        adapter = self.config.adapter
        off = adapter == "lora" and self.load_in_8bit
        off = off or any(self.get(k) for k in ("rl", "nvfp4_merge_aware", "trust_remote_code"))
        return frozenset() if off or adapter not in ("lora", "qlora") else frozenset(LORA_KERNELS)

    @property
    def plugins(self) -> tuple[str, ...]:
        """Names of the plugins that Axolotl loads."""
        return self.config.plugins or ()

    @property
    def special_tokens(self) -> Mapping[str, Any]:
        """``special_tokens:``, such as ``eos_token``."""
        given = self.get("special_tokens")
        return given if isinstance(given, dict) else {}

    @property
    def eot_tokens(self) -> tuple[str, ...]:
        """Tokens that end a turn beside eos."""
        given = self.get("eot_tokens")
        return tuple(map(str, given)) if isinstance(given, list | tuple) else ()

    # --- several GPUs

    @property
    def training_sizes(self) -> dict[str, int]:
        """Number of GPUs for each way in which training is divided; their product is the total."""
        return {key: getattr(self, key) for key in TRAINING_SIZES}

    @property
    def serving_sizes(self) -> dict[str, int]:
        """Number of GPUs for each way in which serving is divided; their product is the total."""
        return {key: _size(self.vllm.get(key)) for key in SERVING_SIZES}

    @cached_property
    def fsdp_config(self) -> dict[str, Any]:
        """``fsdp_config:`` without the prefix that Axolotl takes away."""
        block = self.get("fsdp_config")
        if not isinstance(block, dict):
            return {}
        return {str(key).removeprefix("fsdp_"): value for key, value in block.items()}

    @property
    def uses_fsdp(self) -> bool:
        """Whether Axolotl sets up FSDP; ``fsdp_version`` alone does not."""
        return bool(self.get("fsdp") or self.fsdp_config)

    @property
    def fsdp_version(self) -> str:
        """Of FSDP (axolotl 0.19: schemas/validation.py, check_fsdp_version_in_fsdp_config)."""
        return str(self.get("fsdp_version") or self.fsdp_config.get("version") or "1")

    # --- rope and positions

    @property
    def training_rope(self) -> dict[str, Any] | None:
        """Rope scaling that the file sets for training."""
        keys = ("overrides_of_model_config", "model_config")
        return next(filter(None, (_scaled_rope(self.get(key)) for key in keys)), None)

    @property
    def serving_rope(self) -> dict[str, Any] | None:
        """Rope scaling that the file sets for the server."""
        return _scaled_rope(self.vllm.get("hf_overrides"))

    def serving_positions(self, model: Model) -> int:
        """Positions of the served model, as vLLM derives them from what is overridden [tokens].

        Some kinds of scaling leave ``max_position_embeddings`` as it is, so that it must be raised
        beside them (vLLM 0.32: config/model.py, _get_and_verify_max_len).
        """
        overrides = self.vllm.get("hf_overrides")
        if not isinstance(overrides, dict):
            return model.max_position
        ropes = [overrides[key] for key in ROPE_KEYS if isinstance(overrides.get(key), dict)]
        factor = position_factor(ropes[0]) if ropes else model.position_factor
        positions = overrides.get("max_position_embeddings")
        if not isinstance(positions, int) or not positions:
            return int(model.max_position / model.position_factor * factor)
        return int(positions * factor)


def _like(value: Any, default: Any) -> Any:
    """A value of the default's type; the default where it is none, or null."""
    match default:
        case bool():
            return default if value is None else bool(value)
        case int():
            is_number = isinstance(value, int) and not isinstance(value, bool)
            return value if is_number and (value > 0 or default < 1) else default
        case float():
            is_number = isinstance(value, int | float) and not isinstance(value, bool)
            return value if is_number else default
        case _:
            return default if value is None else str(value)


def _size(value: Any) -> int:
    """A number of GPUs; 1 if it is unset, or no number."""
    return value if isinstance(value, int) and value > 1 else 1


def _scaled_rope(overrides: Any) -> dict[str, Any] | None:
    """Rope scaling among overrides of a model's config.json, under either of its names."""
    if not isinstance(overrides, dict):
        return None
    for key in ROPE_KEYS:
        scaling = overrides.get(key)
        if isinstance(scaling, dict) and isinstance(scaling.get("factor"), int | float):
            return scaling if scaling["factor"] else None
    return None
