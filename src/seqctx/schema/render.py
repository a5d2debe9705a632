"""What Axolotl and vLLM are given: pure functions of a Config."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from seqctx.errors import CheckError
from seqctx.schema.config import Config

VLLM_MAX_LORA_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""The only values that ``--max-lora-rank`` takes (vLLM 0.32, vllm/config/lora.py)."""


def axolotl_mapping(cfg: Config, *, output_dir: Path) -> dict[str, Any]:
    """The Axolotl YAML that is really run: the file's own keys, without our block.

    Args:
        cfg: the file.
        output_dir: where this run writes.

    Returns:
        A mapping in which every key of the file that Axolotl reads stands as it was given, but
        for where it writes: weights, and tokenized data (an interrupted run must leave none that
        is half-written where the next one looks).
    """
    given = cfg.model_dump(mode="json", exclude_unset=True, exclude={"seqctx"})
    tokenized = output_dir / "run" / "tokenized"
    return {**given, "output_dir": str(output_dir), "dataset_prepared_path": str(tokenized)}


def base_name(cfg: Config) -> str:
    """The name under which the base model is served."""
    return cfg.vllm.served_model_name or Path(cfg.base_model).name


def adapter_name(cfg: Config) -> str:
    """The name under which the trained adapter is served: the last part of ``output_dir``."""
    return Path(cfg.output_dir).name


def max_lora_rank(rank: int) -> int:
    """The smallest value of ``--max-lora-rank`` that holds an adapter of this rank.

    Raises:
        CheckError: when vLLM takes no rank that high.
    """
    if rank > VLLM_MAX_LORA_RANKS[-1]:
        highest = VLLM_MAX_LORA_RANKS[-1]
        raise CheckError(f"lora_r: vLLM takes up to {highest} (got {rank}). Merge, serve that.")
    return next(r for r in VLLM_MAX_LORA_RANKS if r >= rank)


def vllm_command(cfg: Config, *, program: tuple[str, ...] = ("vllm", "serve")) -> list[str]:
    """The server's command line; nothing is started.

    Args:
        cfg: the file; the adapter in ``output_dir`` is served beside the base where ``adapter:``
            is set.
        program: what comes before the model.

    Returns:
        One argument an item. Keys of ``vllm:`` become flags: ``true`` is the bare flag, ``false``
        its ``--no-`` form, lists and mappings are JSON.
    """
    vllm = cfg.vllm
    command = [*program, cfg.base_model, "--served-model-name", base_name(cfg)]
    if cfg.adapter:
        command += ["--enable-lora", "--lora-modules", f"{adapter_name(cfg)}={cfg.output_dir}"]
        command += ["--max-lora-rank", str(max_lora_rank(cfg.lora_r or 8))]
    flags = vllm.model_dump(mode="json", exclude={"served_model_name"}, exclude_none=True)
    for key, value in flags.items():
        flag = key.replace("_", "-")
        match value:
            case True:
                command.append(f"--{flag}")
            case False:
                command.append(f"--no-{flag}")
            case list() | dict():
                command += [f"--{flag}", json.dumps(value)]
            case _:
                command += [f"--{flag}", str(value)]
    return command
