"""Rules on training: length and positions, steps, the GPU, the checkpoints that are kept."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from seqctx.catalog.model_folder import remedy_of_missing_folder
from seqctx.catalog.optimizers import find_optimizer
from seqctx.check.cards import why_no_gpu
from seqctx.check.facts import Facts
from seqctx.check.rule import Finding, rule
from seqctx.config.effective import LORA_KERNELS, Effective


@rule("base-model-missing", "warning", "seqctx: the folder is looked up where check runs")
def base_model_missing(file: Effective, facts: Facts) -> Iterator[Finding]:
    """A base model that is a path, not a hub id, must be a folder."""
    if facts.base_model_missing:
        path = file.config.base_model
        fact = f"{path}: no such folder"
        yield Finding(("base_model",), fact, remedy_of_missing_folder(path))


@rule("shared-output-dir", "error", "seqctx.train: the record in output_dir/run")
def shared_output_dir(file: Effective, facts: Facts) -> Iterator[Finding]:
    """A run in output_dir that was trained from another config file would be replaced."""
    if facts.run_of:
        fact = f"{file.config.output_dir} holds what was trained from {facts.run_of}"
        yield Finding(("output_dir",), fact, "Set it to another folder.")


@rule("sequence-len-positions", "error", "config.json: max_position_embeddings")
def sequence_len_positions(file: Effective, facts: Facts) -> Iterator[Finding]:
    """A model was not trained on positions beyond its own; rope scaling adds positions."""
    positions = facts.model and facts.model.max_position
    if positions and file.sequence_len > positions and not file.training_rope:
        fact = f"{file.sequence_len} exceeds the model's {positions} positions"
        yield Finding(("sequence_len",), fact, "Lower it, or set rope scaling.")


@rule("too-few-steps", "error", "axolotl 0.19: utils/trainer.py, calculate_total_num_steps")
def too_few_steps(file: Effective, facts: Facts) -> Iterator[Finding]:
    """A run with fewer rows than one optimizer step needs hardly trains."""
    lengths = facts.prepared.train if facts.prepared else {}
    if not lengths or file.max_steps > 0:
        return
    rows = sum(lengths.values())
    if file.sample_packing:
        rows = ceil(sum(length * count for length, count in lengths.items()) / file.sequence_len)
    seen = rows * min(file.num_epochs, 1)
    if seen < file.rows_per_step:
        fact = f"one optimizer step takes {file.rows_per_step} rows, and there are only {seen:g}"
        given = file.config.gradient_accumulation_steps
        key = "gradient_accumulation_steps" if given else "num_epochs"
        remedy = "Lower it" if given else "Raise it"
        yield Finding((key,), fact, f"{remedy}, or add text.")


_NEEDS_CUDA = {
    "optimizer": "Set optimizer: adamw_torch.",
    "attn_implementation": "Set attn_implementation: sdpa.",
    "flash_attention": "Set it to false.",
    "deepspeed": "Delete the key.",
    "tf32": "Set it to false.",
    "fp16": "Set it to false.",
    **{key: "Set it to false." for key in LORA_KERNELS[:3]},  # embeddings have no adapter here
}


@rule("needs-cuda", "error", "axolotl 0.19: schemas/validation.py; bitsandbytes and Triton kernels")
def needs_cuda(file: Effective, facts: Facts) -> Iterator[Finding]:
    """Some keys run on CUDA GPUs only."""
    cpu = bool(facts.gpu and facts.gpu.is_cpu)
    if not cpu and (facts.cuda is not False or file.seqctx.gpu):
        return
    needs = {
        "optimizer": find_optimizer(file.optimizer).needs_cuda,
        "attn_implementation": "flash" in (file.config.attn_implementation or ""),
        "flash_attention": bool(file.get("flash_attention")),
        "deepspeed": bool(file.get("deepspeed")),
        "tf32": file.get("tf32") is True,
        "fp16": file.get("fp16") is True,
        **({key: True for key in file.lora_kernels} if cpu else {}),
    }
    for key, remedy in _NEEDS_CUDA.items():
        if needs.get(key):
            value = file.get(key)
            value = "unset means on, which" if value is None else str(value).lower()
            fact = f"{value} needs a CUDA GPU, and {why_no_gpu(file)}"
            yield Finding((key,), fact, remedy, None if cpu else "note")


@rule("best-not-kept", "warning", "transformers 5.16: trainer.py, rotate_checkpoints")
def best_not_kept(file: Effective, facts: Facts) -> Iterator[Finding]:
    """The best checkpoint must be evaluated, saved, and not deleted before training ends."""
    evaluates, saves = file.eval_strategy, file.save_strategy
    if not evaluates or evaluates == "no" or not file.evaluates:
        return
    if saves in ("best", "no") or file.load_best_model_at_end:
        return
    same_steps = file.get("save_steps") == file.get("eval_steps")
    if saves != evaluates or (saves == "steps" and not same_steps):
        fact = (
            f"saves by {saves} and evaluates by {evaluates}: the checkpoint that evaluates best "
            "may not be saved"
        )
        remedy = "Set the same strategy, and the same number of steps, for both."
        yield Finding(("save_strategy",), fact, remedy)
        return
    limit, epochs = file.save_total_limit, ceil(file.num_epochs)
    may_delete = saves == "steps" or limit < epochs
    if may_delete and not file.metric_for_best_model:
        kept = f"{limit} checkpoints" + (f" of {epochs}" if saves == "epoch" else "")
        fact = f"only the newest {kept} are kept, and an older one may be the best"
        yield Finding(("save_total_limit",), fact, "Set metric_for_best_model: eval_loss.")
