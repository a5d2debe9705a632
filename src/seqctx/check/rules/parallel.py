"""Rules on training over many GPUs: what is divided, by whom, and what then cannot be together.

Most of what is said here Axolotl says too, but on the GPUs, after the model is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from seqctx.catalog.keys import KeyPath
from seqctx.catalog.models import Model
from seqctx.catalog.optimizers import find_optimizer
from seqctx.check.facts import Facts
from seqctx.check.rule import Finding, rule
from seqctx.config.config import Config
from seqctx.config.effective import Effective

_SIZES = ("tensor_parallel_size", "context_parallel_size", "dp_shard_size", "dp_replicate_size")


def _fsdp_key(cfg: Config, key: str) -> KeyPath:
    """Where a key of ``fsdp_config:`` stands in the file."""
    block = cfg.get("fsdp_config")
    prefixed = isinstance(block, dict) and f"fsdp_{key}" in block
    return ("fsdp_config", f"fsdp_{key}" if prefixed else key)


@rule("sharded-optimizer", "error", "bitsandbytes 0.50, transformers 5.16: no DTensors (run)")
def sharded_optimizer(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """FSDP2 and tensor parallel hold weights as DTensors; bitsandbytes and Adafactor take none."""
    fsdp2 = Effective.of(cfg).uses_fsdp and Effective.of(cfg).fsdp_version == "2"
    tensor = Effective.of(cfg).tensor_parallel_size > 1
    name = Effective.of(cfg).optimizer
    optimizer = find_optimizer(name)
    whole = cfg.adapter or cfg.get("deepspeed")  # whose trained weights may be no DTensors
    if tensor and not fsdp2 and whole and not optimizer.refused_in_tensor_parallel:
        return
    if (fsdp2 or tensor) and not optimizer.takes_sharded_weights:
        what = "FSDP2" if fsdp2 else "tensor_parallel_size"
        fact = f"{name} fails under {what}: it takes no divided weights"
        yield Finding(("optimizer",), fact, "Set adamw_torch_8bit or adamw_torch_fused.")


@rule("fsdp-and-deepspeed", "error", "axolotl 0.19: utils/trainer.py, prepare_optim_env")
def fsdp_and_deepspeed(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """FSDP and DeepSpeed both divide the model; Axolotl sets up FSDP alone, and hands on both."""
    if cfg.get("deepspeed") and Effective.of(cfg).uses_fsdp:
        fact = "beside FSDP: Axolotl prepares FSDP alone, and its trainer is given both"
        yield Finding(("deepspeed",), fact, "Keep one of the two.")


@rule("checkpointing-twice", "error", "transformers 5.16: trainer.py refuses both together")
def checkpointing_twice(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """Under FSDP activations are checkpointed by FSDP or by the trainer, not by both."""
    by_fsdp = Effective.of(cfg).fsdp_config.get("activation_checkpointing") is True
    offloads = cfg.get("activation_offloading")  # but for hidden_states it replaces the trainer's
    if not by_fsdp or (offloads and offloads != "hidden_states"):
        return
    if cfg.get("gradient_checkpointing"):
        fact = "beside fsdp_config.activation_checkpointing; refused once the model is loaded"
        remedy = "Leave it out, and keep FSDP's."
        yield Finding(("gradient_checkpointing",), fact, remedy)


@rule("save-only-model", "error", "transformers 5.16: trainer.py refuses it after loading")
def save_only_model(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """A divided model is saved whole, or with its optimizer's state."""
    if not cfg.get("save_only_model"):
        return
    key, remedy = ("save_only_model",), "Leave it out"
    if (
        Effective.of(cfg).uses_fsdp
        and Effective.of(cfg).fsdp_config.get("state_dict_type") == "SHARDED_STATE_DICT"
    ):
        fact = "cannot be with FSDP's SHARDED_STATE_DICT; refused once the model is loaded"
        yield Finding(key, fact, f"{remedy}, or set state_dict_type: FULL_STATE_DICT.")
    elif cfg.get("load_best_model_at_end") and (
        Effective.of(cfg).uses_fsdp or cfg.get("deepspeed")
    ):
        fact = "cannot be with load_best_model_at_end over FSDP or DeepSpeed; refused after loading"
        yield Finding(key, fact, f"{remedy}, or leave load_best_model_at_end out.")


@rule("nothing-sharded", "error", "axolotl 0.19: utils/trainer.py, utils/distributed.py")
def nothing_sharded(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """FSDP is set up by fsdp_config alone; a version or a size without it divides nothing."""
    if Effective.of(cfg).uses_fsdp or cfg.get("deepspeed"):
        return
    for key in ("dp_shard_size", "fsdp_version"):
        sized = key == "dp_shard_size"
        if getattr(Effective.of(cfg), key) > 1 if sized else cfg.get(key):
            fact = f"{cfg.get(key)} without fsdp_config: every card would hold the whole model"
            remedy = "Add fsdp_config with auto_wrap_policy: TRANSFORMER_BASED_WRAP, or delete it."
            yield Finding((key,), fact, remedy, None if sized else "warning")


@rule("replicas-unsharded", "error", "accelerate 1.13: parallelism_config.py, __post_init__")
def replicas_unsharded(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """Cards that share rows or layers are replicated only where dp_shard_size divides them, too."""
    shared = next((key for key in _SIZES[:2] if getattr(Effective.of(cfg), key) > 1), None)
    if shared and Effective.of(cfg).dp_replicate_size > 1 and Effective.of(cfg).dp_shard_size == 1:
        fact = f"beside {shared} it needs dp_shard_size above 1"
        remedy = "Name it dp_shard_size, with fsdp_config, and leave this one out."
        yield Finding(("dp_replicate_size",), fact, remedy)


@rule("fsdp1-keys", "note", "accelerate 1.13: utils/dataclasses.py, obsolete in FSDP2")
def fsdp1_keys(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """FSDP2 needs neither use_orig_params nor sync_module_states, and does not read them."""
    if Effective.of(cfg).fsdp_version != "2" or cfg.get("optimizer") == "q_galore_adamw8bit":
        return
    for key in ("use_orig_params", "sync_module_states"):
        if key in Effective.of(cfg).fsdp_config:
            fact = "is of FSDP1; FSDP2 does not read it"
            yield Finding(_fsdp_key(cfg, key), fact, "Delete it.")


@rule("fsdp2-loading", "error", "axolotl 0.19: check_fsdp2_cpu_ram_efficient_loading_w_4bit")
def fsdp2_loading(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """Quantized on one card only, 4-bit weights cannot be dealt out to the others by FSDP2."""
    efficient = Effective.of(cfg).fsdp_config.get("cpu_ram_efficient_loading")
    if efficient and Effective.of(cfg).fsdp_version == "2" and cfg.load_in_4bit:
        fact = "does not go with load_in_4bit under FSDP2: the first card's weights fit no other's"
        yield Finding(_fsdp_key(cfg, "cpu_ram_efficient_loading"), fact, "Set it to false.")


@rule("context-parallel", "error", "axolotl 0.19: schemas/validation.py, ring-flash-attn")
def context_parallel(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """A row divided over cards needs flash attention 2, and a packed one a batch of 1."""
    if Effective.of(cfg).context_parallel_size == 1 or cfg.get("use_glm_dsa_kernels"):
        return
    flash = cfg.attn_implementation == "flash_attention_2" or cfg.get("flash_attention")
    if not flash:
        fact = f"needs flash_attention_2, not {cfg.attn_implementation or 'what is unset'}"
        remedy = "Set attn_implementation: flash_attention_2."
        yield Finding(("context_parallel_size",), fact, remedy)
    if cfg.sample_packing and (cfg.micro_batch_size or 1) > 1:
        fact = f"{cfg.micro_batch_size} packed rows at once cannot be divided over cards"
        yield Finding(("micro_batch_size",), fact, "Set it to 1.")


@rule("tensor-parallel-quantized", "error", "transformers 5.16 with bitsandbytes 0.50 (run)")
def tensor_parallel_quantized(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """Weights that bitsandbytes packed cannot be cut into the parts of a layer."""
    if Effective.of(cfg).tensor_parallel_size == 1 or cfg.get("deepspeed"):
        return
    if cfg.load_in_4bit or cfg.load_in_8bit:
        fact = f"{'4' if cfg.load_in_4bit else '8'}-bit weights cannot be divided within a layer"
        remedy = "Set it to 1, with fsdp_config to divide the model, or train 16-bit weights."
        yield Finding(("tensor_parallel_size",), fact, remedy)


@rule("tensor-parallel-tied", "error", "axolotl 0.19: loaders/utils.py, check_model_config")
def tensor_parallel_tied(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """Axolotl divides no layers of a model whose embeddings are its head, too."""
    tied = facts.model.tied_embeddings if facts.model else None
    if Effective.of(cfg).tensor_parallel_size > 1 and tied:
        fact = f"{facts.model.name if facts.model else ''} has one matrix for embeddings and head"
        remedy = "Set it to 1, with fsdp_config to divide the model."
        yield Finding(("tensor_parallel_size",), fact, remedy)


@rule("tensor-parallel-heads", "error", "transformers 5.16: attention's view on a part (run)")
def tensor_parallel_heads(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """A card that holds a part of each layer must hold whole heads, and whole key heads."""
    cards = Effective.of(cfg).tensor_parallel_size
    if facts.model and (why := facts.model.indivisible(cards, copies=False)) is not None:
        remedy = divisors(facts.model, copies=False)
        yield Finding(("tensor_parallel_size",), f"{cards} cards cannot share {why}", remedy)


def divisors(model: Model, *, copies: bool) -> str:
    """Remedy: the numbers of cards that can share a model's layers."""
    good = [str(n) for n in (*range(2, 9), 16, 32) if model.indivisible(n, copies=copies) is None]
    return f"Set {', '.join(good)} or 1." if good else "Set it to 1."


@rule("cards-here", "note", "accelerate 1.13: parallelism_config.py, total_size (run)")
def cards_here(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """Axolotl starts a process on each card, and the sizes that are named must multiply to them."""
    sizes = {key: getattr(Effective.of(cfg), key) for key in _SIZES}
    needed = prod(sizes.values())
    if cfg.get("use_ray") or not facts.cards or needed == 1 or needed % facts.cards == 0:
        return  # a multiple may be several machines
    widest = max(sizes, key=lambda key: sizes[key])
    fact = f"{product(sizes)} cards, and {facts.cards} here"
    yield Finding((widest,), fact, "Make the sizes' product the number of cards.")


def product(sizes: dict[str, int]) -> str:
    """Factors above 1, and what they come to."""
    factors = [str(n) for n in sizes.values() if n > 1]
    total = str(prod(sizes.values()))
    return f"{' x '.join(factors)} = {total}" if len(factors) > 1 else total


@rule("ray-workers", "error", "axolotl 0.19: cli/train.py; accelerate 1.13: total_size")
def ray_workers(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """Ray starts ray_num_workers processes, 1 if unset: the product of the sizes that are named."""
    if not cfg.get("use_ray"):
        return
    workers, count = cfg.get("ray_num_workers"), Effective.of(cfg).ray_num_workers
    needed = prod(getattr(Effective.of(cfg), key) for key in _SIZES)
    if needed > 1 and count != needed:
        named = " x ".join(
            f"{key} {getattr(Effective.of(cfg), key)}"
            for key in _SIZES
            if getattr(Effective.of(cfg), key) > 1
        )
        fact = f"{'' if workers else 'unset, so '}{count}, and {named} takes {needed}"
        yield Finding(("ray_num_workers",), fact, f"Set {needed}, or make the sizes {count}.")
    elif not workers:
        fact = "unset: Ray starts one worker with one GPU"
        yield Finding(("ray_num_workers",), fact, "Set the number of GPUs.", "warning")


@rule("ray-launcher", "note", "axolotl 0.19: cli/main.py reads --use-ray, not the file")
def ray_launcher(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """With use_ray in the file alone, axolotl train launches a process a card, each with Ray."""
    if cfg.get("use_ray"):
        fact = "axolotl train would start one Ray job a card: its launcher does not read the file"
        remedy = "Run seqctx train, or axolotl train --launcher python."
        yield Finding(("use_ray",), fact, remedy)


@rule("effective-batch", "note", "axolotl 0.19: utils/config/__init__.py, effective_world_size")
def effective_batch(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """Cards that share a row or a layer take the same rows, so they do not widen the batch."""
    tensor, context = (getattr(Effective.of(cfg), key) for key in _SIZES[:2])
    if tensor * context == 1:
        return
    rows = (cfg.micro_batch_size or 1) * (cfg.gradient_accumulation_steps or 1)
    shards, copies = (getattr(Effective.of(cfg), key) for key in _SIZES[2:])
    cards = tensor * context * shards * copies
    key = _SIZES[0] if tensor > 1 else _SIZES[1]
    fact = (
        f"{tensor * context} cards take the same rows: {cards} cards step after "
        f"{rows * shards * copies} rows, not {rows * cards}"
    )
    yield Finding((key,), fact, "Choose learning_rate and steps for that batch.")


@rule("parallel-on-cpu", "error", "axolotl 0.19: utils/distributed.py, cli/train.py")
def parallel_on_cpu(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """Axolotl divides training over CUDA devices only."""
    if not facts.gpu or facts.gpu.name != "cpu":
        return
    keys = [key for key in _SIZES if getattr(Effective.of(cfg), key) > 1]
    keys += ["fsdp_config"] if Effective.of(cfg).fsdp_config else []
    keys += ["use_ray"] if cfg.get("use_ray") else []
    for key in keys:
        yield Finding((key,), "needs CUDA devices, and seqctx.gpu is cpu", "Delete it.")
