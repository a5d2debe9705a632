"""What rules need beside the file; each fact may be unknown, and then its rules find nothing."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path

from seqctx.artifacts.folder_config import other_config, recorded_config
from seqctx.artifacts.layout import DatasetDir, RunDir
from seqctx.artifacts.manifest import Manifest
from seqctx.catalog.architectures import UNKNOWN_ARCHITECTURE, Architecture
from seqctx.catalog.gpus import Gpu, find_gpu
from seqctx.catalog.lookup import (
    find_architecture,
    find_end_of_turn,
    find_model,
    find_own_templates,
)
from seqctx.catalog.model_folder import code_of_model, is_missing_folder
from seqctx.catalog.models import Model
from seqctx.config.api_key import asks_for_key
from seqctx.config.config import Config
from seqctx.config.window import AUTO
from seqctx.errors import InputError, SeqctxError
from seqctx.plan.serving import plan_serving
from seqctx.system.host import find_gpus


@dataclass(frozen=True)
class Prepared:
    """What ``seqctx prepare`` wrote for this file.

    Attributes:
        train: how many training examples have how many tokens.
        held_out: the same for the held-out examples.
        files: names of the data files.
    """

    train: Mapping[int, int] = field(default_factory=dict)
    held_out: Mapping[int, int] = field(default_factory=dict)
    files: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Facts:
    """What is known beside the file; None is unknown.

    Attributes:
        model: the base model.
        model_code: Python code that the files of the model's folder name.
        base_model_missing: whether ``base_model`` is a path without a folder.
        architecture: what holds for the model's class; known by its name if the model is not.
        own_templates: beginnings of Axolotl's names of the model's own chat template.
        gpu: the GPU that ``seqctx.gpu`` names.
        longest_window: the largest ``max_model_len`` that fits on it, by the planner [tokens].
        cuda: whether this machine has a CUDA GPU.
        cards: how many.
        api_key: whether the server will ask for an API key.
        end_of_turn: the token that ends a turn of the model's chat template, if it is not eos.
        special_tokens: special tokens in the model's vocabulary.
        prepared: lengths and files of the prepared examples.
        stem: the file's name without its ending; prepare writes to ``prepare/out/STEM``.
        data_of: the other config file whose examples are in that folder.
        run_of: the other config file whose run is in ``output_dir``.
    """

    model: Model | None = None
    model_code: tuple[str, ...] = ()
    base_model_missing: bool | None = None
    architecture: Architecture = UNKNOWN_ARCHITECTURE
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
    data_of: str | None = None
    run_of: str | None = None


def gather_facts(
    cfg: Config, path: Path | None = None, *, gpu: Gpu | None = None, any_model: bool = False
) -> Facts:
    """Look up the file's model, GPU, machine and prepared data, each once.

    Args:
        cfg: the file.
        path: where it is; without it nothing is known of prepared data.
        gpu: the GPU; unset: ``seqctx.gpu``.
        any_model: treat a config.json of anything but a causal language model as unknown, because
            Axolotl and vLLM may support it; otherwise it is an error.

    Raises:
        InputError: when the model's config.json or the manifest exists but cannot be read.
    """
    model, end = None, None
    with suppress(InputError) if any_model else nullcontext():
        model = find_model(cfg.base_model)
        end = find_end_of_turn(cfg.base_model, model)
    gpu = gpu or (find_gpu(cfg.seqctx.gpu) if cfg.seqctx.gpu else None)
    here = len(find_gpus())
    data, run = DatasetDir.of(path) if path else None, RunDir(Path(cfg.output_dir))
    return Facts(
        model=model,
        model_code=code_of_model(cfg.base_model),
        base_model_missing=is_missing_folder(cfg.base_model),
        architecture=find_architecture(cfg.base_model, model),
        own_templates=find_own_templates(cfg.base_model),
        gpu=gpu,
        longest_window=longest_window(cfg, model, gpu),
        cuda=here > 0,
        cards=here or None,
        api_key=asks_for_key(cfg),
        end_of_turn=end,
        special_tokens=model.special_tokens if model else None,
        prepared=_read_prepared(path) if path else None,
        stem=path.stem if path else None,
        data_of=_owner(data.manifest, path, data.path) if path and data else None,
        run_of=_owner(run.record, path, run.output_dir) if path else None,
    )


def _read_prepared(path: Path) -> Prepared | None:
    """What ``seqctx prepare`` wrote for a file; None if it wrote nothing."""
    manifest = Manifest.read(DatasetDir.of(path).manifest)
    if not manifest:
        return None
    lengths = manifest.train.lengths, manifest.held_out.lengths
    return Prepared(*lengths, frozenset(manifest.files))


def _owner(record: Path, config: Path, folder: Path) -> str | None:
    """The other config file that a folder was made for; None where that is not known."""
    with suppress(InputError, OSError, ValueError):  # whoever needs the folder reports it
        return other_config(recorded_config(record), config, folder)
    return None


def longest_window(cfg: Config, model: Model | None, gpu: Gpu | None) -> int | None:
    """The largest ``max_model_len`` with which the server starts; None if it cannot be planned."""
    if model is None or gpu is None:
        return None
    if cfg.vllm.max_model_len == AUTO:  # vLLM would choose this very window
        cfg = cfg.replace(vllm__max_model_len=None)
    try:
        return plan_serving(cfg, gpu=gpu, model=model).longest_window
    except SeqctxError:  # such as a rank that vLLM does not take; other rules report it
        return None
