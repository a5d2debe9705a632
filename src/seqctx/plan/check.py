"""Looking at a file with all that is known of its model, card, machine and prepared data."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

from seqctx.catalogue.gpus import Gpu, find_gpu
from seqctx.catalogue.shapes import ModelShape, find_shape
from seqctx.catalogue.turns import turn_end
from seqctx.errors import InputError, SeqctxError
from seqctx.plan.serving import plan_serving
from seqctx.schema.blocks import AUTO
from seqctx.schema.config import Config, read_config
from seqctx.schema.facts import Facts, Prepared
from seqctx.schema.manifest import MANIFEST, Manifest
from seqctx.schema.problem import Problem
from seqctx.schema.render import api_key
from seqctx.schema.rules import check
from seqctx.schema.source import Document


def check_document(
    document: Document, path: Path | None = None, overrides: Mapping[str, Any] | None = None
) -> list[Problem]:
    """Look at one file's keys, values and, where those can be read, what they mean together.

    Args:
        document: the file.
        path: where it is; without it nothing is known of prepared data.
        overrides: dotted keys and values laid over it.

    Returns:
        All problems, by line.

    Raises:
        InputError: when the model's config.json or the manifest is there but cannot be read.
    """
    document = document.overlaid(overrides)
    cfg, problems = read_config(document)
    found = check(document, cfg, gather_facts(cfg, path)) if cfg else []
    return sorted([*problems, *found])


def gather_facts(
    cfg: Config, path: Path | None = None, *, gpu: Gpu | None = None, any_model: bool = False
) -> Facts:
    """Look up what is known of the file's model, card, machine and prepared data.

    Args:
        cfg: the file.
        path: where it is; without it nothing is known of prepared data.
        gpu: the card; unset: ``seqctx.gpu``.
        any_model: a config.json that is no causal language model's counts as not known: Axolotl
            and vLLM may know what to do with it.

    Raises:
        InputError: when the model's config.json or the manifest is there but cannot be read.
    """
    shape, end = None, None
    with suppress(InputError) if any_model else nullcontext():
        shape, end = find_shape(cfg.base_model), turn_end(cfg.base_model)
    prepared = None
    if path:
        manifest = Manifest.read(Path("prepare/out") / path.stem / MANIFEST)
        if manifest:
            train, held_out = manifest.train.lengths, manifest.held_out.lengths
            prepared = Prepared(train, held_out, frozenset(manifest.files))
    card = gpu or (find_gpu(cfg.seqctx.gpu) if cfg.seqctx.gpu else None)
    return Facts(
        shape=shape,
        gpu=card,
        longest_window=longest_window(cfg, shape, card),
        cuda=Path("/dev/nvidiactl").exists(),
        cards=len([*Path("/dev").glob("nvidia[0-9]*")]) or None,
        api_key=bool(api_key(cfg) or os.environ.get("VLLM_API_KEY", "").strip()),
        turn_end=end,
        special_tokens=shape.special_tokens if shape else None,
        prepared=prepared,
        stem=path.stem if path else None,
    )


def longest_window(cfg: Config, shape: ModelShape | None, gpu: Gpu | None) -> int | None:
    """The largest ``max_model_len`` with which the server starts; None where it is not covered."""
    if shape is None or gpu is None:
        return None
    if cfg.vllm.max_model_len == AUTO:  # which is what is asked here
        cfg = cfg.replace(vllm__max_model_len=None)
    try:
        return plan_serving(cfg, gpu=gpu, shape=shape).longest_window
    except SeqctxError:  # such as a rank that vLLM does not take; other rules say so
        return None
