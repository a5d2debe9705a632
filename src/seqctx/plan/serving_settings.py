"""The settings of a file that serving memory depends on, with vLLM's defaults filled in."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from seqctx.catalog.gpus import Gpu
from seqctx.config.blocks import Vllm
from seqctx.config.config import Config
from seqctx.config.effective import Effective
from seqctx.config.render import max_lora_rank
from seqctx.config.window import AUTO, human_int
from seqctx.errors import InputError
from seqctx.system.arguments import expect_type

# Bits that a linear layer's weight takes. bitsandbytes: 4 + 8/64 + 32/(64 x 256), double
# quantization; AWQ and GPTQ: groups of 128 with a 16-bit scale and a 4-bit zero; NVFP4: an fp8
# scale for 16; MXFP4: 8 bit for 32.
BITS = {
    None: 16.0, "fp8": 8.0, "bitsandbytes": 4 + 8 / 64 + 32 / (64 * 256), "awq": 4 + 20 / 128,
    "gptq": 4 + 20 / 128, "nvfp4": 4.5, "mxfp4": 4.25,
}  # fmt: skip
_SPELLINGS = {
    "awq_marlin": "awq", "gptq_marlin": "gptq", "modelopt_fp4": "nvfp4", "modelopt": "fp8",
    "fbgemm_fp8": "fp8", "compressed-tensors-fp8": "fp8",
}  # fmt: skip
KV_WIDTHS = {
    "auto": 1.0, "bfloat16": 1.0, "float16": 1.0, "fp8": 0.5, "fp8_e4m3": 0.5, "fp8_e5m2": 0.5,
}  # fmt: skip
_NOT_PLANNED = {
    "speculative_config": "the weights and the cache of a draft model",
    "cpu_offload_gb": "how much of each layer stays on the GPU",
    "decode_context_parallel_size": "caches that are divided by position",
    "prefill_context_parallel_size": "prompts that are divided over GPUs",
    "quantization_config": "quantization that differs by layer",
}


@dataclass(frozen=True, slots=True)
class ServingSettings:
    """All that serving memory depends on, besides the model.

    Attributes:
        version: of vLLM.
        window: the most tokens of one request; ``auto`` lets vLLM take what fits, ``model`` takes
            the model's positions.
        sequences: requests that may run at once.
        batched: tokens of one step.
        utilization: share of the GPU that vLLM may use.
        quantization: of the linear layers; None where the file leaves it to the model.
        kv_width: width of a cached value over 16 bit.
        rank: of adapter buffers; 0 without adapters.
        loras: adapters loaded at once.
        tensor: GPUs that share each layer.
        pipeline: GPUs over which the layers are distributed.
        engines: data parallel: whole servers behind one address.
        block: tokens of one block of the cache.
        eager: whether CUDA graphs are off.
        prefix_caching: whether computed prefixes are kept, and one more state a request.
        kv_bytes: ``kv_cache_memory_bytes``, which sets the cache whatever the GPU has [B].
    """

    version: tuple[int, ...]
    window: int | str
    sequences: int
    batched: int
    utilization: float
    quantization: str | None
    kv_width: float
    rank: int
    loras: int
    tensor: int
    pipeline: int
    engines: int
    block: int
    eager: bool
    prefix_caching: bool
    kv_bytes: int | None

    @property
    def in_flight(self) -> int:
        """Tokens scheduled but not confirmed (0.32: config/vllm.py, max_in_flight_tokens)."""
        return self.batched * (self.pipeline + 1 if self.version >= (0, 32) else 1)

    @property
    def old(self) -> bool:
        """Whether it is the first engine (V0), which 0.11 removed and 0.8 to 0.10 could run."""
        return self.version < (0, 9)


def serving_settings(
    cfg: Config, gpu: Gpu | None = None, vllm_version: str = "0.32.0"
) -> ServingSettings:
    """Read the ``vllm:`` block with vLLM's defaults filled in.

    Raises:
        InputError: when the memory of a key has no formula here, or vLLM would not take its value.
    """
    vllm, version = cfg.vllm, _version(vllm_version)
    for key, what in _NOT_PLANNED.items():
        if vllm.get(key) not in (None, 0, 1):
            raise InputError(
                f"vllm.{key}: seqctx cannot plan {what}. Leave it out to plan the rest."
            )
    cpu = gpu is not None and gpu.is_cpu
    tensor, pipeline = (
        _count(vllm, key, 1) for key in ("tensor_parallel_size", "pipeline_parallel_size")
    )
    batched, sequences = default_batch(gpu, tensor * pipeline if cpu else 1)
    lora = bool(cfg.adapter or vllm.get("enable_lora"))
    window = vllm.get("max_model_len", "model")
    sequences = vllm.max_num_seqs or sequences
    batched = _count(vllm, "max_num_batched_tokens", batched)
    return ServingSettings(
        version=version,
        window="auto" if window == AUTO else window,
        sequences=sequences,
        batched=max(batched, sequences),
        utilization=vllm.gpu_memory_utilization or (0.92 if version >= (0, 21) else 0.9),
        quantization=_quantization(cfg),
        kv_width=_kv_width(vllm.get("kv_cache_dtype", "auto")),
        rank=_count(vllm, "max_lora_rank", max_lora_rank(Effective.of(cfg).lora_r)) if lora else 0,
        loras=_count(vllm, "max_loras", 1),
        tensor=tensor,
        pipeline=pipeline,
        engines=_count(vllm, "data_parallel_size", 1),
        block=_count(vllm, "block_size", 128 if cpu else 16),
        eager=bool(vllm.get("enforce_eager")) or cpu,
        prefix_caching=vllm.get("enable_prefix_caching", True) is not False,
        kv_bytes=_count(vllm, "kv_cache_memory_bytes", 0) or None,
    )


def _count(vllm: Vllm, key: str, default: int) -> int:
    """A whole number of the block, from 1 on; ``default`` where it is unset.

    Raises:
        InputError: for what vLLM does not read as one.
    """
    if (value := vllm.get(key)) is None:
        return default
    with suppress(ValueError):
        if (number := human_int(value)) >= 1:
            return number
    raise InputError(
        f"vllm.{key}: must be a whole number of at least 1, such as 8192 or 8k (got {value!r})."
    )


def default_batch(gpu: Gpu | None, cards: int = 1) -> tuple[int, int]:
    """Tokens and sequences of one step where the file sets neither.

    Source: vLLM 0.32, engine/arg_utils.py, get_batch_defaults (the API server's).
    """
    gib = gpu.usable_gib if gpu else 0.0
    if gpu and gpu.is_cpu:
        return 2048 * cards, 128 * cards
    if gib >= 160:
        return 16384, 1024
    if gib >= 70 and gpu and not gpu.name.startswith("a100"):
        return 8192, 1024
    return 2048, 256


def _quantization(cfg: Config) -> str | None:
    """What the file says; None where it leaves that to the model."""
    given = cfg.vllm.get("quantization")
    return None if given is None else known_quantization(str(given), "vllm.quantization")


def known_quantization(name: str, place: str) -> str:
    """One of `BITS`, however vLLM spells it.

    Raises:
        InputError: naming the place, for one that is none of them.
    """
    found = _SPELLINGS.get(name, name)
    if found not in BITS:
        known = ", ".join(each for each in BITS if each)
        raise InputError(f"{place}: {name}: seqctx cannot plan it. Plan with one of {known}.")
    return found


def _kv_width(dtype: Any) -> float:
    if not isinstance(dtype, str) or dtype not in KV_WIDTHS:
        known = ", ".join(KV_WIDTHS)
        raise InputError(
            f"vllm.kv_cache_dtype: {dtype}: seqctx cannot plan it. Plan with one of {known}."
        )
    return KV_WIDTHS[dtype]


def _version(text: str) -> tuple[int, ...]:
    """Leading numbers of a version such as ``0.26.1rc1``.

    Raises:
        InputError: when there are none.
    """
    expect_type("vllm_version", text, str, "Give a version such as 0.32.0.")
    numbers = []
    for part in text.split("."):
        if not part.isdigit():
            break
        numbers.append(int(part))
    if not numbers:
        raise InputError(f"vllm_version: must be a version such as 0.32.0 (got {text!r}).")
    return tuple(numbers)
