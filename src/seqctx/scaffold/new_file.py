"""Writing a new config file: what is proposed where nothing is said, and the file itself."""

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
from seqctx.system.atomic import write_new

DEFAULT_MANUSCRIPTS = "prepare/manuscripts"
_SMALL_MODEL, _LARGE_MODEL = (
    "prepare/models/smollm2-135m-instruct",
    "meta-llama/Llama-3.1-8B-Instruct",
)


def refuse_existing(path: Path) -> None:
    """Raise if there is a file already, before anything is asked.

    Raises:
        InputError: when there is.
    """
    if path.exists():
        raise InputError(f"{path}: is there already. Choose another name, or move it away.")


def default_gpu() -> str:
    """The name of this machine's GPU; ``cpu`` where there is none that is known."""
    here = machine_gpu()
    return here.name if here else "cpu"


def gpu_named(name: str) -> Gpu:
    """The GPU of a name.

    Raises:
        InputError: when no such GPU is known; with all that are.
    """
    if gpu := find_gpu(name):
        return gpu
    raise InputError(f"--gpu: {name!r} is none of {', '.join(known_gpus())}. Name one.")


def default_base_model(gpu: Gpu) -> str:
    """A model that can be trained there: a tiny one on a CPU, else one of 8B parameters."""
    return _SMALL_MODEL if gpu.architecture == "cpu" else _LARGE_MODEL


def write_config(
    path: Path, base_model: str, gpu: Gpu, manuscripts: tuple[str, ...], goal: Goal
) -> str | None:
    """Write a new file, and beside it the schema for editors.

    Args:
        path: where; nothing may be there.
        base_model: a folder or a hub id.
        gpu: to train and serve on.
        manuscripts: files and folders of text.
        goal: see `scaffold.init.propose`.

    Returns:
        What is missing before the file can be used, such as the model's folder; None where
        nothing is.

    Raises:
        InputError: when the file is there already, or cannot be written.
        CheckError: when the model does not fit the GPU.
    """
    refuse_existing(path)
    model = find_model(base_model)
    cfg = propose(base_model, gpu, manuscripts, goal, model=model, stem=path.stem)
    write_new(path, annotated_yaml(cfg, runbook(cfg, path, goal)))
    write_schema(path.parent)
    try:
        check_base(base_model)
    except InputError as error:
        return str(error)
    return None
