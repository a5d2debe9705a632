"""Runs in .venv-train: what its packages make of divided weights and of sizes, as JSON lines.

``mesh``     under torchrun: which sizes fit so many processes, by Axolotl's own set-up.
``steps``    one process: which of transformers' optimizers step over FSDP2's weights.
``tensor``   under torchrun: which models transformers divides within their layers.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import sys
import warnings
from collections.abc import Callable
from math import prod
from typing import Any

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
real, sys.stdout = sys.stdout, sys.stderr

import torch  # noqa: E402
import torch.distributed as dist  # noqa: E402

SIZES = ("tensor_parallel_size", "context_parallel_size", "dp_shard_size", "dp_replicate_size")


def answer(case: Any, do: Callable[[], object]) -> None:
    """One line of the first process: what was done, or why not."""
    try:
        do()
        why = ""
    except Exception as error:
        why = f"{type(error).__name__}: {error}"[:300]
    if dist.get_rank() == 0:
        print(json.dumps({"case": case, "why": why}), file=real, flush=True)
    dist.barrier()


def mesh() -> None:
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState
    from axolotl.utils.dict import DictDefault
    from axolotl.utils.trainer import setup_parallelism_envs

    some = [v for v in itertools.product((1, 2, 3, 4), repeat=len(SIZES)) if prod(v) <= 8]
    for values in some:
        for key in [key for key in os.environ if "PARALLELISM_CONFIG" in key]:
            del os.environ[key]
        setup_parallelism_envs(DictDefault(zip(SIZES, values, strict=True)))
        AcceleratorState._reset_state()
        answer(values, lambda: Accelerator(cpu=True))


def steps() -> None:
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard
    from transformers import Trainer, TrainingArguments

    def step(optimizer: str) -> None:
        model = torch.nn.Sequential(torch.nn.Linear(128, 128), torch.nn.Linear(128, 128))
        fully_shard(model, mesh=init_device_mesh("cpu", (1,)))
        given = TrainingArguments(output_dir="unused", optim=optimizer, use_cpu=True)
        kind, keywords = Trainer.get_optimizer_cls_and_kwargs(given)
        made = kind(model.parameters(), **keywords)
        model(torch.randn(4, 128)).sum().backward()
        made.step()

    for optimizer in sys.argv[2:]:
        answer(optimizer, lambda: step(optimizer))  # noqa: B023


def tensor() -> None:
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig
    from transformers.distributed import DistributedConfig

    def forward(folder: str, bits: int | None) -> None:
        quantized = bits and BitsAndBytesConfig(load_in_4bit=bits == 4, load_in_8bit=bits == 8)
        model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, quantization_config=quantized or None,
            distributed_config=DistributedConfig(tp_size=dist.get_world_size()),
        )  # fmt: skip
        ids = torch.arange(8)[None]
        model(ids, labels=ids).loss.backward()

    for folder, bits in json.loads(sys.argv[2]):
        answer([folder, bits], lambda: forward(folder, bits))  # noqa: B023


dist.init_process_group("gloo")
{"mesh": mesh, "steps": steps, "tensor": tensor}[sys.argv[1]]()
dist.destroy_process_group()
