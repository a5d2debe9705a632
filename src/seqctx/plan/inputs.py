"""What a plan starts from: a file's model and GPU, looked up once by the function that is called.

All else in this package takes a `Model` and a `Gpu` as values.
"""

from __future__ import annotations

from typing import Any

from seqctx.catalog.gpus import Gpu, find_gpu, known_gpus
from seqctx.catalog.lookup import fetch_model, find_model
from seqctx.catalog.models import Model
from seqctx.config.config import Config
from seqctx.errors import InputError
from seqctx.system.arguments import expect_type

_LOAD = "Read the file with seqctx.load_config."


def find_base_model(cfg: Config, given: Model | None = None) -> Model:
    """The given model, or the one that ``base_model`` names: a folder, a row, or on the hub.

    Raises:
        InputError: when nothing is known of it, or an argument has another type.
    """
    expect_type("cfg", cfg, Config, _LOAD)
    if given is not None:
        expect_type("model", given, Model, "Look it up with seqctx.find_model.")
        return given
    model = find_model(cfg.base_model) or fetch_model(cfg.base_model)
    if model is None:
        raise InputError(
            f"base_model: {cfg.base_model}: its shape is not known. Name a folder with its "
            "config.json."
        )
    return model


def find_named_gpu(cfg: Config, given: str | Gpu | None = None) -> Gpu | None:
    """The GPU that is given, or the one that ``seqctx.gpu`` names, ``cpu`` included.

    Returns:
        The GPU; None where none is named.

    Raises:
        InputError: for a name that is in no table, or an argument of another type.
    """
    expect_type("cfg", cfg, Config, _LOAD)
    if given is not None:
        expect_type("gpu", given, (str, Gpu), "Name one, such as rtx-4090.")
    name = given or cfg.seqctx.gpu
    gpu = find_gpu(name) if isinstance(name, str) else name
    if name and gpu is None:
        raise InputError(f"gpu: {name}: unknown GPU. Name one of {', '.join(known_gpus())}.")
    return gpu


def required_gpu(cfg: Config, given: str | Gpu | None = None) -> Gpu:
    """The same; it must be one with memory of its own.

    Raises:
        InputError: as `find_named_gpu`, and where none is named, or ``cpu``.
    """
    gpu = find_named_gpu(cfg, given)
    if gpu is None or gpu.is_cpu:
        raise InputError(
            f"gpu: {_got(gpu)}. Set seqctx.gpu in the file, or name one with --gpu "
            "(in Python: gpu=...), such as rtx-4090."
        )
    return gpu


def _got(gpu: Any) -> str:
    return "cpu has no GPU memory to plan" if gpu else "no GPU is named"
