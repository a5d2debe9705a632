"""Writing a new config file: the defaults of its questions, and the file itself."""

from __future__ import annotations

from pathlib import Path

from seqctx.catalog.gpus import Gpu, find_gpu, known_gpus, machine_gpu
from seqctx.catalog.lookup import find_model
from seqctx.catalog.model_folder import check_base
from seqctx.config.blocks import Goal
from seqctx.config.json_schema import write_schema
from seqctx.config.render import annotated_yaml
from seqctx.errors import InputError
from seqctx.scaffold.init import propose, runbook
from seqctx.scaffold.sample_model import SAMPLE_MODEL
from seqctx.system.atomic import write_new

DEFAULT_MANUSCRIPTS = "prepare/manuscripts"
LARGE_MODEL = "meta-llama/Llama-3.1-8B-Instruct"


def refuse_existing(path: Path) -> None:
    """Check that a file can be written without overwriting another.

    Raises:
        InputError: when the path exists.
    """
    if path.exists():
        raise InputError(f"{path}: exists already. Choose another name, or move it away.")


def default_gpu() -> str:
    """The name of this machine's GPU; ``cpu`` if it has none that is known."""
    here = machine_gpu()
    return here.name if here else "cpu"


def gpu_named(name: str) -> Gpu:
    """The GPU with this name.

    Raises:
        InputError: when the name is not known; it lists the known names.
    """
    if gpu := find_gpu(name):
        return gpu
    known = ", ".join(known_gpus())
    raise InputError(f"--gpu: unknown GPU (got {name!r}). Choose one of {known}.")


def default_base_model(gpu: Gpu) -> str:
    """A model that can be trained on this GPU: a tiny one on a CPU, else one of 8B parameters."""
    return SAMPLE_MODEL.as_posix() if gpu.is_cpu else LARGE_MODEL


def write_config(
    path: Path, base_model: str, gpu: Gpu, manuscripts: tuple[str, ...], goal: Goal
) -> None:
    """Write a new file, and beside it the schema for editors.

    Args:
        path: the new file.
        base_model: a folder or a hub id.
        gpu: the GPU to train and serve on.
        manuscripts: files and folders of text.
        goal: see `scaffold.init.propose`.

    Raises:
        InputError: when the file exists or cannot be written, or when the model's folder is
            missing.
        CheckError: when the model does not fit the GPU.
    """
    refuse_existing(path)
    check_base(base_model)
    model = find_model(base_model)
    cfg = propose(base_model, gpu, manuscripts, goal, model=model, stem=path.stem)
    write_new(path, annotated_yaml(cfg, runbook(cfg, path, goal)))
    write_schema(path.parent)
