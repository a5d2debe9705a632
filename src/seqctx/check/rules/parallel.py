"""Rules on training over several GPUs: what is divided, by what, and what excludes what.

Axolotl finds most of these problems, too, but only on the GPUs and after it has loaded the model.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from seqctx.catalog.keys import KeyPath
from seqctx.catalog.optimizers import find_optimizer
from seqctx.check.cards import in_factors, key_of_largest, set_a_divisor, why_no_gpu
from seqctx.check.facts import Facts
from seqctx.check.rule import Finding, rule
from seqctx.config.effective import Effective

_AFTER_LOADING = "Axolotl refuses it only after it has loaded the model"


def _uses_fsdp2(file: Effective) -> bool:
    return file.uses_fsdp and file.fsdp_version == "2"


def _fsdp_path(file: Effective, key: str) -> KeyPath:
    """Where a key of ``fsdp_config:`` is in the file, with or without its prefix."""
    block = file.get("fsdp_config")
    is_prefixed = isinstance(block, dict) and f"fsdp_{key}" in block
    return ("fsdp_config", f"fsdp_{key}" if is_prefixed else key)


@rule("sharded-optimizer", "error", "bitsandbytes 0.50, transformers 5.16: no DTensors (run)")
def sharded_optimizer(file: Effective, facts: Facts) -> Iterator[Finding]:
    """Under FSDP2 and tensor parallel weights are DTensors, which some optimizers cannot update."""
    fsdp2, tensor = _uses_fsdp2(file), file.tensor_parallel_size > 1
    optimizer = find_optimizer(file.optimizer)
    # an adapter's weights, and DeepSpeed's, may be no DTensors under tensor parallel
    may_be_whole = file.config.adapter or file.get("deepspeed")
    if tensor and not fsdp2 and may_be_whole and not optimizer.refused_in_tensor_parallel:
        return
    if (fsdp2 or tensor) and not optimizer.takes_sharded_weights:
        what = "FSDP2" if fsdp2 else "tensor_parallel_size"
        fact = f"{file.optimizer} fails with {what}: it cannot update sharded weights"
        yield Finding(("optimizer",), fact, "Set adamw_torch_8bit or adamw_torch_fused.")


@rule("fsdp-and-deepspeed", "error", "axolotl 0.19: utils/trainer.py, prepare_optim_env")
def fsdp_and_deepspeed(file: Effective, facts: Facts) -> Iterator[Finding]:
    """FSDP and DeepSpeed both shard the model; a run can use only one of them."""
    if file.get("deepspeed") and file.uses_fsdp:
        fact = "set together with FSDP: Axolotl prepares FSDP and passes both to the trainer"
        yield Finding(("deepspeed",), fact, "Delete deepspeed, or fsdp_config.")


@rule("checkpointing-twice", "error", "transformers 5.16: trainer.py refuses both together")
def checkpointing_twice(file: Effective, facts: Facts) -> Iterator[Finding]:
    """Under FSDP activations are checkpointed by FSDP or by the trainer, not by both."""
    by_fsdp = file.fsdp_config.get("activation_checkpointing") is True
    # every way of offloading but hidden_states replaces the trainer's checkpointing
    offloading = file.get("activation_offloading")
    is_replaced = bool(offloading) and offloading != "hidden_states"
    if by_fsdp and not is_replaced and file.get("gradient_checkpointing"):
        fact = f"set together with fsdp_config.activation_checkpointing; {_AFTER_LOADING}"
        yield Finding(("gradient_checkpointing",), fact, "Delete it: FSDP's does the same.")


@rule("save-only-model", "error", "transformers 5.16: trainer.py refuses it after loading")
def save_only_model(file: Effective, facts: Facts) -> Iterator[Finding]:
    """A sharded model is saved together with its optimizer's state, or gathered first."""
    if not file.save_only_model:
        return
    key = ("save_only_model",)
    sharded_state = file.fsdp_config.get("state_dict_type") == "SHARDED_STATE_DICT"
    if file.uses_fsdp and sharded_state:
        fact = f"cannot be set with FSDP's SHARDED_STATE_DICT; {_AFTER_LOADING}"
        yield Finding(key, fact, "Delete it, or set state_dict_type: FULL_STATE_DICT.")
    elif file.load_best_model_at_end and (file.uses_fsdp or file.get("deepspeed")):
        fact = (
            f"cannot be set with load_best_model_at_end under FSDP or DeepSpeed; {_AFTER_LOADING}"
        )
        yield Finding(key, fact, "Delete it, or delete load_best_model_at_end.")


@rule("nothing-sharded", "error", "axolotl 0.19: utils/trainer.py, utils/distributed.py")
def nothing_sharded(file: Effective, facts: Facts) -> Iterator[Finding]:
    """Only fsdp_config sets up FSDP; fsdp_version or dp_shard_size alone shard nothing."""
    if file.uses_fsdp or file.get("deepspeed"):
        return
    remedy = "Add fsdp_config with auto_wrap_policy: TRANSFORMER_BASED_WRAP, or delete the key."
    if file.dp_shard_size > 1:
        fact = f"{file.dp_shard_size} without fsdp_config: every GPU would hold the whole model"
        yield Finding(("dp_shard_size",), fact, remedy)
    if version := file.get("fsdp_version"):
        fact = f"{version} without fsdp_config: every GPU would hold the whole model"
        yield Finding(("fsdp_version",), fact, remedy, "warning")


@rule("replicas-unsharded", "error", "accelerate 1.13: parallelism_config.py, __post_init__")
def replicas_unsharded(file: Effective, facts: Facts) -> Iterator[Finding]:
    """With tensor or context parallel, dp_replicate_size needs dp_shard_size above 1."""
    shared = ("tensor_parallel_size", "context_parallel_size")
    key = next((key for key in shared if file.training_sizes[key] > 1), None)
    if key and file.dp_replicate_size > 1 and file.dp_shard_size == 1:
        fact = f"set together with {key} it needs dp_shard_size above 1"
        remedy = "Use dp_shard_size, with fsdp_config, in place of dp_replicate_size."
        yield Finding(("dp_replicate_size",), fact, remedy)


@rule("fsdp1-keys", "note", "accelerate 1.13: utils/dataclasses.py, obsolete in FSDP2")
def fsdp1_keys(file: Effective, facts: Facts) -> Iterator[Finding]:
    """FSDP2 ignores use_orig_params and sync_module_states."""
    if file.fsdp_version != "2" or file.optimizer == "q_galore_adamw8bit":
        return
    for key in ("use_orig_params", "sync_module_states"):
        if key in file.fsdp_config:
            yield Finding(
                _fsdp_path(file, key), "is a key of FSDP1; FSDP2 ignores it", "Delete it."
            )


@rule("fsdp2-loading", "error", "axolotl 0.19: check_fsdp2_cpu_ram_efficient_loading_w_4bit")
def fsdp2_loading(file: Effective, facts: Facts) -> Iterator[Finding]:
    """FSDP2 cannot send 4-bit weights from the first GPU to the others."""
    is_efficient = file.fsdp_config.get("cpu_ram_efficient_loading")
    if is_efficient and file.fsdp_version == "2" and file.load_in_4bit:
        fact = (
            "does not work with load_in_4bit under FSDP2: the 4-bit weights of the first GPU do "
            "not fit those of the others"
        )
        yield Finding(_fsdp_path(file, "cpu_ram_efficient_loading"), fact, "Set it to false.")


@rule("context-parallel", "error", "axolotl 0.19: schemas/validation.py, ring-flash-attn")
def context_parallel(file: Effective, facts: Facts) -> Iterator[Finding]:
    """A row divided over GPUs needs flash attention 2 and, if packed, a batch of 1."""
    if file.context_parallel_size == 1 or file.get("use_glm_dsa_kernels"):
        return
    given = file.config.attn_implementation
    if given != "flash_attention_2" and not file.get("flash_attention"):
        fact = f"needs flash_attention_2 (attn_implementation is {given or 'unset'})"
        remedy = "Set attn_implementation: flash_attention_2."
        yield Finding(("context_parallel_size",), fact, remedy)
    if file.sample_packing and file.micro_batch_size > 1:
        fact = f"{file.micro_batch_size} packed rows at once cannot be divided over GPUs"
        yield Finding(("micro_batch_size",), fact, "Set it to 1.")


@rule("tensor-parallel-quantized", "error", "transformers 5.16 with bitsandbytes 0.50 (run)")
def tensor_parallel_quantized(file: Effective, facts: Facts) -> Iterator[Finding]:
    """Tensor parallel cannot divide weights that bitsandbytes quantized."""
    if file.tensor_parallel_size == 1 or file.get("deepspeed"):
        return
    if file.load_in_4bit or file.load_in_8bit:
        fact = f"{'4' if file.load_in_4bit else '8'}-bit weights cannot be divided within a layer"
        remedy = "Set it to 1 and shard the model with fsdp_config, or train 16-bit weights."
        yield Finding(("tensor_parallel_size",), fact, remedy)


@rule("tensor-parallel-tied", "error", "axolotl 0.19: loaders/utils.py, check_model_config")
def tensor_parallel_tied(file: Effective, facts: Facts) -> Iterator[Finding]:
    """Axolotl refuses tensor parallel for a model with tied embeddings."""
    if file.tensor_parallel_size > 1 and facts.model and facts.model.tied_embeddings:
        fact = f"{facts.model.name} cannot be divided: its embeddings are tied (one matrix)"
        remedy = "Set it to 1 and shard the model with fsdp_config."
        yield Finding(("tensor_parallel_size",), fact, remedy)


@rule("tensor-parallel-heads", "error", "transformers 5.16: attention's view on a part (run)")
def tensor_parallel_heads(file: Effective, facts: Facts) -> Iterator[Finding]:
    """With tensor parallel every GPU needs whole attention heads and whole key heads."""
    gpus = file.tensor_parallel_size
    if facts.model and (what := facts.model.indivisible(gpus, copies=False)) is not None:
        remedy = set_a_divisor(facts.model, copies=False)
        yield Finding(("tensor_parallel_size",), f"{gpus} GPUs cannot share {what}", remedy)


@rule("cards-here", "note", "accelerate 1.13: parallelism_config.py, total_size (run)")
def cards_here(file: Effective, facts: Facts) -> Iterator[Finding]:
    """Axolotl starts a process on each GPU; the parallel sizes must multiply to their number."""
    sizes = file.training_sizes
    needed = prod(sizes.values())
    if file.use_ray or not facts.cards or needed == 1 or needed % facts.cards == 0:
        return  # a multiple may be several machines
    fact = f"the parallel sizes need {in_factors(sizes)} GPUs, and this machine has {facts.cards}"
    remedy = f"Choose sizes whose product is {facts.cards}, or use a machine with more GPUs."
    yield Finding((key_of_largest(sizes),), fact, remedy)


@rule("ray-workers", "error", "axolotl 0.19: cli/train.py; accelerate 1.13: total_size")
def ray_workers(file: Effective, facts: Facts) -> Iterator[Finding]:
    """Ray starts ray_num_workers processes, which must be the product of the parallel sizes."""
    if not file.use_ray:
        return
    given, workers = file.get("ray_num_workers"), file.ray_num_workers
    sizes = {key: size for key, size in file.training_sizes.items() if size > 1}
    needed = prod(sizes.values())
    if needed > 1 and workers != needed:
        named = " x ".join(f"{key} {size}" for key, size in sizes.items())
        fact = f"{'' if given else 'unset, so '}{workers}, but {named} needs {needed}"
        yield Finding(("ray_num_workers",), fact, f"Set {needed}, or make the sizes {workers}.")
    elif not given:
        fact = "unset: Ray starts one worker with one GPU"
        yield Finding(("ray_num_workers",), fact, "Set the number of GPUs.", "warning")


@rule("ray-launcher", "note", "axolotl 0.19: cli/main.py reads --use-ray, not the file")
def ray_launcher(file: Effective, facts: Facts) -> Iterator[Finding]:
    """With use_ray in the file only, axolotl train starts a process on each GPU, each with Ray."""
    if file.use_ray:
        fact = "axolotl train would start one Ray job per GPU: its launcher ignores this key"
        remedy = "Run seqctx train, or axolotl train --launcher python."
        yield Finding(("use_ray",), fact, remedy)


@rule("effective-batch", "note", "axolotl 0.19: utils/config/__init__.py, effective_world_size")
def effective_batch(file: Effective, facts: Facts) -> Iterator[Finding]:
    """GPUs that share a row or a layer process the same rows, so they do not enlarge the batch."""
    sharing = file.tensor_parallel_size * file.context_parallel_size
    if sharing == 1:
        return
    groups = file.dp_shard_size * file.dp_replicate_size
    gpus = sharing * groups
    key = "tensor_parallel_size" if file.tensor_parallel_size > 1 else "context_parallel_size"
    fact = (
        f"groups of {sharing} GPUs process the same rows: with {gpus} GPUs an optimizer step takes "
        f"{file.rows_per_step * groups} rows, not {file.rows_per_step * gpus}"
    )
    yield Finding((key,), fact, "Choose learning_rate and number of steps for that batch.")


@rule("parallel-on-cpu", "error", "axolotl 0.19: utils/distributed.py, cli/train.py")
def parallel_on_cpu(file: Effective, facts: Facts) -> Iterator[Finding]:
    """Axolotl divides training over CUDA GPUs only."""
    if not facts.gpu or not facts.gpu.is_cpu:
        return
    keys = [key for key, size in file.training_sizes.items() if size > 1]
    keys += ["fsdp_config"] if file.fsdp_config else []
    keys += ["use_ray"] if file.use_ray else []
    for key in keys:
        yield Finding((key,), f"needs CUDA GPUs, and {why_no_gpu(file)}", "Delete it.")
