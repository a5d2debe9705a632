"""Plugins that Axolotl loads in its own environment. A YAML lists the ones that it needs:

plugins:
  - seqctx.train.axolotl_plugin.CpuPlugin     # correct training on a CPU; no change on a GPU
  - seqctx.train.axolotl_plugin.SeedPlugin    # the same file gives the same losses every time
"""  # noqa: D415

from __future__ import annotations

from typing import Any

import bitsandbytes.nn.modules
import torch
from axolotl.integrations.base import BasePlugin
from transformers import set_seed


class CpuPlugin(BasePlugin):  # type: ignore[misc]
    """Correct gradients after an evaluation on a CPU, and the CPU as the trainer's device."""

    def register(self, cfg: dict[str, Any]) -> None:
        """Keep bitsandbytes from repacking 4-bit weights during an evaluation.

        On a CPU with AVX512-BF16 the first forward without gradients repacks NF4 weights for a
        kernel that has no autograd formula; every later training step then gets wrong gradients,
        and only a UserWarning says so (bitsandbytes 0.50.2, nn/modules.py, Linear4bit.forward).
        """
        if not torch.cuda.is_available():
            bitsandbytes.nn.modules.has_avx512bf16 = lambda: False

    def get_training_args(self, cfg: dict[str, Any]) -> dict[str, Any]:
        """Set ``use_cpu``, which bf16 on a CPU needs and no YAML key sets."""
        return {} if torch.cuda.is_available() else {"use_cpu": True}


class SeedPlugin(BasePlugin):  # type: ignore[misc]
    """Makes ``seed:`` apply to the adapter's initial weights as well.

    Axolotl 0.19 makes the adapter before transformers' Trainer sets the seed, so that two runs of
    one file begin with different weights and end with different losses.
    """

    def pre_model_load(self, cfg: Any) -> None:
        """Set the seed of every generator."""
        set_seed(42 if cfg.seed is None else cfg.seed)  # 42: the Trainer's own default
