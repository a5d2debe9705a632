"""What rules need beside the file; each fact may be unknown, and then its rules are silent."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path

from seqctx.artifacts.layout import DatasetDir
from seqctx.artifacts.manifest import Manifest
from seqctx.catalog.architectures import UNKNOWN, Architecture
from seqctx.catalog.gpus import Gpu, find_gpu
from seqctx.catalog.lookup import (
    find_architecture,
    find_end_of_turn,
    find_model,
    find_own_templates,
)
from seqctx.catalog.models import Model
from seqctx.config.blocks import AUTO
from seqctx.config.config import Config
from seqctx.config.render import api_key
from seqctx.errors import InputError, SeqctxError
from seqctx.plan.serving import plan_serving
from seqctx.system.host import find_gpus


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
        model: the base model.
        architecture: what holds for its class, known by its name where the model is not.
        own_templates: how Axolotl's names begin of the chat templates that are the model's own.
        gpu: the card that ``seqctx.gpu`` names.
        longest_window: the largest ``max_model_len`` that it holds, by the planner [tokens].
        cuda: whether this machine has a CUDA device.
        cards: how many it has.
        api_key: whether the server will ask for a key.
        end_of_turn: what ends a turn of its chat template, where that is not ``eos``.
        special_tokens: tokens that stand in the vocabulary already.
        prepared: lengths and files of the examples.
        stem: the file's name without its ending; prepare writes to ``prepare/out/STEM``.
    """

    model: Model | None = None
    architecture: Architecture = UNKNOWN
    own_templates: tuple[str, ...] = ()
    gpu: Gpu | None = None
    longest_window: int | None = None
    cuda: bool | None = None
    cards: int | None = None
    api_key: bool | None = None
    end_of_turn: str | None = None
    special_tokens: frozenset[str] | None = None
    prepared: Prepared | None = None
    stem: str | None = None


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
    model, end = None, None
    with suppress(InputError) if any_model else nullcontext():
        model = find_model(cfg.base_model)
        end = find_end_of_turn(cfg.base_model, model)
    prepared = None
    if path:
        manifest = Manifest.read(DatasetDir.of(path).manifest)
        if manifest:
            train, held_out = manifest.train.lengths, manifest.held_out.lengths
            prepared = Prepared(train, held_out, frozenset(manifest.files))
    here = len(find_gpus())
    card = gpu or (find_gpu(cfg.seqctx.gpu) if cfg.seqctx.gpu else None)
    return Facts(
        model=model,
        architecture=find_architecture(cfg.base_model, model),
        own_templates=find_own_templates(cfg.base_model),
        gpu=card,
        longest_window=longest_window(cfg, model, card),
        cuda=here > 0,
        cards=here or None,
        api_key=bool(api_key(cfg) or os.environ.get("VLLM_API_KEY", "").strip()),
        end_of_turn=end,
        special_tokens=model.special_tokens if model else None,
        prepared=prepared,
        stem=path.stem if path else None,
    )


def longest_window(cfg: Config, model: Model | None, gpu: Gpu | None) -> int | None:
    """The largest ``max_model_len`` with which the server starts; None where it is not covered."""
    if model is None or gpu is None:
        return None
    if cfg.vllm.max_model_len == AUTO:  # which is what is asked here
        cfg = cfg.replace(vllm__max_model_len=None)
    try:
        return plan_serving(cfg, gpu=gpu, model=model).longest_window
    except SeqctxError:  # such as a rank that vLLM does not take; other rules say so
        return None
