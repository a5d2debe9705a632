"""What rules need beside the file; each fact may be unknown, and then its rules are silent."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path

from seqctx.catalogue.gpus import Gpu, find_gpu
from seqctx.catalogue.shapes import ModelShape, find_shape
from seqctx.errors import InputError
from seqctx.schema.config import Config
from seqctx.schema.manifest import MANIFEST, Manifest


@dataclass(frozen=True)
class Prepared:
    """What ``seqctx prepare`` left for this file.

    Attributes:
        train: how many training examples have how many tokens.
        held_out: the same of the held-out examples.
        files: names of the data files that were written.
    """

    train: Mapping[int, int] = field(default_factory=dict)
    held_out: Mapping[int, int] = field(default_factory=dict)
    files: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Facts:
    """What is known beside the file; None is unknown.

    Attributes:
        shape: the base model's.
        gpu: the card that ``seqctx.gpu`` names.
        cuda: whether this machine has a CUDA device.
        cards: how many it has.
        api_key: whether the server will ask for a key.
        special_tokens: tokens that stand in the vocabulary already.
        prepared: lengths and files of the examples.
        stem: the file's name without its ending; prepare writes to ``prepare/out/STEM``.
    """

    shape: ModelShape | None = None
    gpu: Gpu | None = None
    cuda: bool | None = None
    cards: int | None = None
    api_key: bool | None = None
    special_tokens: frozenset[str] | None = None
    prepared: Prepared | None = None
    stem: str | None = None


def gather_facts(cfg: Config, path: Path | None = None, *, any_model: bool = False) -> Facts:
    """Look up what is known of the file's model, card, machine and prepared data.

    Args:
        cfg: the file.
        path: where it is; without it nothing is known of prepared data.
        any_model: a config.json that is no causal language model's counts as not known: Axolotl
            and vLLM may know what to do with it.

    Raises:
        InputError: when the model's config.json or the manifest is there but cannot be read.
    """
    shape = None
    with suppress(InputError) if any_model else nullcontext():
        shape = find_shape(cfg.base_model)
    prepared = None
    if path:
        manifest = Manifest.read(Path("prepare/out") / path.stem / MANIFEST)
        if manifest:
            train, held_out = manifest.train.lengths, manifest.held_out.lengths
            prepared = Prepared(train, held_out, frozenset(manifest.files))
    return Facts(
        shape=shape,
        gpu=find_gpu(cfg.seqctx.gpu) if cfg.seqctx.gpu else None,
        cuda=Path("/dev/nvidiactl").exists(),
        cards=len([*Path("/dev").glob("nvidia[0-9]*")]) or None,
        api_key=bool(cfg.vllm.get("api_key") or os.environ.get("VLLM_API_KEY")),
        special_tokens=shape.special_tokens if shape else None,
        prepared=prepared,
        stem=path.stem if path else None,
    )


def machine_gpu() -> Gpu | None:
    """This machine's first card, where the driver names one that is in our table."""
    for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        try:
            fields = dict(
                line.split(":", 1) for line in path.read_text("utf-8").splitlines() if ":" in line
            )
        except OSError:
            continue
        if gpu := find_gpu(fields.get("Model", "")):
            return gpu
    return None
