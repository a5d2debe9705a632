"""Rules on the adapter: quantized weights, its scale, the layers that get one."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from pathlib import PurePosixPath

from seqctx.catalog.architectures import SPLIT_LINEARS
from seqctx.catalog.models import Model
from seqctx.check.facts import Facts
from seqctx.check.rule import Finding, rule
from seqctx.config.effective import Effective

_LORA = ("lora", "qlora")


@rule("adapter-quantization", "error", "axolotl 0.19: schemas/peft.py, schemas/validation.py")
def adapter_quantization(file: Effective, facts: Facts) -> Iterator[Finding]:
    """Adapter qlora needs 4-bit weights; quantized weights need an adapter."""
    four, eight, adapter = file.load_in_4bit, file.load_in_8bit, file.config.adapter
    if four and eight:
        fact = "weights cannot be loaded in 4 bit and in 8 bit at the same time"
        yield Finding(("load_in_8bit",), fact, "Keep one of load_in_4bit and load_in_8bit.")
    elif adapter == "qlora" and not four and not file.gptq:
        fact = f"qlora needs 4-bit weights, and {'load_in_8bit' if eight else 'none'} is set"
        yield Finding(("adapter",), fact, "Set load_in_4bit: true, or adapter: lora.")
    elif (four or eight) and not adapter and not file.get("rl"):
        key = "load_in_4bit" if four else "load_in_8bit"
        fact = "quantized weights cannot be trained without an adapter"
        remedy = "Set adapter: qlora (4 bit) or lora (8 bit), or delete the key."
        yield Finding((key,), fact, remedy)


@rule("lora-alpha", "warning", "PEFT: tuners/lora/layer.py, scaling = lora_alpha / r")
def lora_alpha(file: Effective, facts: Facts) -> Iterator[Finding]:
    """The adapter's output is scaled by lora_alpha / lora_r; published recipes use 0.25 to 4."""
    alpha, rank = file.config.lora_alpha, file.lora_r
    if file.config.adapter not in _LORA:
        return
    if alpha is None:
        fact = "unset: Axolotl passes PEFT no scale for the adapter"
        yield Finding(("lora_alpha",), fact, f"Set lora_alpha: {rank}.")
        return
    divisor = sqrt(rank) if file.peft_use_rslora else rank
    scale = alpha / divisor
    if not 0.25 <= scale <= 4:
        formula = f"{alpha} / " + (f"sqrt({rank})" if file.peft_use_rslora else f"{rank}")
        fact = f"scales the adapter's output by {formula} = {scale:.2g}"
        yield Finding(("lora_alpha",), fact, f"Set lora_alpha: {round(divisor)} for a scale of 1.")


_NOT_LISTED = {
    "embed_tokens", "lm_head", "router", "gate", "experts", "shared_expert_gate",
    "out_proj", "fc1", "fc2",  # of a vision tower
}  # fmt: skip
_SET_LINEAR = "Set lora_target_linear: true."


def _linears(model: Model | None) -> frozenset[str] | None:
    """Names of the linear layers of the model's blocks; None where they are not known."""
    if model is None or model.unplanned or (names := model.architecture.linears) is None:
        return None
    return frozenset(model.linears if names == SPLIT_LINEARS and not model.experts else names)


@rule("lora-targets", "error", "transformers: names of the linear layers in models/*/modeling_*.py")
def lora_targets(file: Effective, facts: Facts) -> Iterator[Finding]:
    """The layers that get an adapter must be layers of the model."""
    if file.config.adapter not in _LORA:
        return
    targets = file.config.lora_target_modules
    named = (targets,) if isinstance(targets, str) else tuple(targets or ())
    if not named:
        if not file.lora_target_linear and not file.get("lora_target_parameters"):
            fact = "names no layers, so there is nothing to give an adapter"
            yield Finding(("lora_target_modules",), fact, _SET_LINEAR)
        return
    known = _linears(facts.model)
    names = [t for t in named if t.replace("_", "").isalnum() and not t.startswith("all")]
    missing = [name for name in names if known and name not in known | _NOT_LISTED]
    if known and missing:
        fact = f"{PurePosixPath(file.config.base_model).name} has no layer {', '.join(missing)}"
        yield Finding(("lora_target_modules",), fact, f"Choose from {', '.join(sorted(known))}.")
