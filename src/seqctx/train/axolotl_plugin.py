"""Runs inside Axolotl, in .venv-train. A YAML lists what it wants of it as

plugins:
  - seqctx.train.axolotl_plugin.CpuPlugin     # right on a CPU; changes nothing on a GPU
  - seqctx.train.axolotl_plugin.SeedPlugin    # the same file gives the same losses again
"""  # noqa: D415

from __future__ import annotations

from typing import Any

import bitsandbytes.nn.modules
import torch
from axolotl.integrations.base import BasePlugin
from transformers import set_seed


class CpuPlugin(BasePlugin):  # type: ignore[misc]
    """Right gradients after an evaluation, and the CPU as the trainer's device."""

    def register(self, cfg: dict[str, Any]) -> None:
        """Keep bitsandbytes from repacking 4-bit weights in an evaluation.

        On a CPU with AVX512-BF16 the first forward without gradients repacks NF4 weights for a
        kernel that has no autograd formula; every later training step then gets wrong gradients,
        with no more than a UserWarning (bitsandbytes 0.50.2, nn/modules.py, Linear4bit.forward).
        """
        if not torch.cuda.is_available():
            bitsandbytes.nn.modules.has_avx512bf16 = lambda: False

    def get_training_args(self, cfg: dict[str, Any]) -> dict[str, Any]:
        """``use_cpu``, which no YAML key gives and bf16 on a CPU needs."""
        return {} if torch.cuda.is_available() else {"use_cpu": True}


class SeedPlugin(BasePlugin):  # type: ignore[misc]
    """``seed:`` counts for the adapter's first weights, too.

    Axolotl 0.19 makes the adapter before transformers' Trainer sets the seed, so that two runs of
    one file begin with different weights and end with different losses.
    """

    def pre_model_load(self, cfg: Any) -> None:
        """Set the seed of every generator."""
        set_seed(42 if cfg.seed is None else cfg.seed)  # 42: the Trainer's own default
