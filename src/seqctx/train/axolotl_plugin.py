"""Runs inside Axolotl, in .venv-train: makes training on a CPU right. A YAML lists it as

    plugins:
      - seqctx.train.axolotl_plugin.CpuPlugin

Where a GPU is there it changes nothing.
"""  # noqa: D415

from __future__ import annotations

from typing import Any

import bitsandbytes.nn.modules
import torch
from axolotl.integrations.base import BasePlugin


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
