"""Optimizers by Axolotl's names: their library, what they keep for a weight, where they run.

Sources: transformers 5.16 (training_args.py, OptimizerNames; trainer_optimizer.py) and Axolotl 0.19
(schemas/enums.py, CustomSupportedOptimizers) for names and libraries; bitsandbytes 0.50 and torchao
for the width of states; tests/e2e/test_parallel.py runs a first step over divided weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

Library = Literal["torch", "apex", "bitsandbytes", "torchao", "other"]


class Optimizer(NamedTuple):
    """One optimizer.

    Attributes:
        library: where its implementation is from.
        moment_bytes: bytes that it keeps for a trained weight of 4 bytes: two moments, one, or
            none; 8-bit ones of bitsandbytes with a scale of 4 bytes for every 256 of each. None
            where it is not known.
        paged: whether its state may leave the GPU when something else needs the memory.
        takes_sharded_weights: whether it steps over DTensors, which FSDP2 and tensor parallel make.
        needs_cuda: whether it has CUDA kernels only.
        refused_in_tensor_parallel: whether Axolotl refuses it there (0.19: schemas/validation.py,
            check_tensor_parallel_optimizer).
    """

    library: Library = "other"
    moment_bytes: float | None = None
    paged: bool = False
    takes_sharded_weights: bool = True
    needs_cuda: bool = False
    refused_in_tensor_parallel: bool = False


_TORCH = Optimizer("torch", 8.0)
_AO_8BIT = Optimizer("torchao", 2.03, needs_cuda=True)
_AO_4BIT = Optimizer("torchao", 1.06, needs_cuda=True)


def _bnb(moment_bytes: float | None, *, cuda: bool = True, paged: bool = False) -> Optimizer:
    """One of bitsandbytes, which takes no DTensors; the unpaged ones of 32 bit run anywhere."""
    return Optimizer("bitsandbytes", moment_bytes, paged, False, needs_cuda=cuda or paged)


_ADAMW_8BIT = _bnb(2.03)._replace(refused_in_tensor_parallel=True)
_CUDA_ONLY = Optimizer(needs_cuda=True)

OPTIMIZERS: Mapping[str, Optimizer] = {
    "adafactor": Optimizer("other", 0.02, takes_sharded_weights=False),
    "adagrad": Optimizer("torch", 4.0),
    "adamw_anyprecision": Optimizer("other", 8.0),
    "adamw_apex_fused": Optimizer("apex", 8.0, needs_cuda=True),
    "adamw_8bit": _ADAMW_8BIT,
    "adamw_bnb_8bit": _ADAMW_8BIT,
    "adamw_torch": _TORCH,
    "adamw_torch_4bit": _AO_4BIT,
    "adamw_torch_8bit": _AO_8BIT,
    "adamw_torch_fused": _TORCH,
    "adamw_torch_xla": _TORCH,
    "ademamix": _bnb(None, cuda=False),
    "ademamix_8bit": _bnb(3.05),
    "adopt_adamw": Optimizer("other", 8.0),
    "ao_adamw_4bit": _AO_4BIT,
    "ao_adamw_8bit": _AO_8BIT,
    "ao_adamw_fp8": _AO_8BIT._replace(needs_cuda=False),
    "galore_adamw_8bit": _CUDA_ONLY,
    "galore_adamw_8bit_layerwise": _CUDA_ONLY,
    "lion": _bnb(4.0, cuda=False),
    "lion_32bit": _bnb(4.0, cuda=False),
    "lion_8bit": _bnb(1.02),
    "muon": Optimizer("other", 4.0),
    "muon_8bit": _CUDA_ONLY,
    "optimi_adamw": Optimizer("other", 8.0),
    "paged_adamw": _bnb(8.0, paged=True),
    "paged_adamw_32bit": _bnb(8.0, paged=True),
    "paged_adamw_8bit": _bnb(2.03, paged=True)._replace(refused_in_tensor_parallel=True),
    "paged_ademamix_32bit": _bnb(None, paged=True),
    "paged_ademamix_8bit": _bnb(None, paged=True),
    "paged_lion": _bnb(4.0, paged=True),
    "paged_lion_32bit": _bnb(4.0, paged=True),
    "paged_lion_8bit": _bnb(1.02, paged=True),
    "q_galore_adamw8bit": _CUDA_ONLY,
    "rmsprop": Optimizer("torch", 4.0),
    "rmsprop_bnb": _bnb(None, cuda=False),
    "rmsprop_bnb_32bit": _bnb(None, cuda=False),
    "rmsprop_bnb_8bit": _bnb(None),
    "schedule_free_adamw": Optimizer("other", 8.0),
    "sgd": Optimizer("torch", 0.0),
}
"""By Axolotl's name. Nothing is known of one that is not here; a plugin may define it."""

UNKNOWN_OPTIMIZER = Optimizer()
"""Of a name that is not in the table: nothing is claimed of it."""


def find_optimizer(name: str) -> Optimizer:
    """An optimizer by Axolotl's name; `UNKNOWN_OPTIMIZER` for one that is not in the table."""
    return OPTIMIZERS.get(name, UNKNOWN_OPTIMIZER)
