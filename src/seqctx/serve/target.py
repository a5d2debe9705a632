"""What shall be served, as a Config: from a file, a folder or a hub id."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seqctx.artifacts.layout import RunDir
from seqctx.config.config import Config, load_config, parse_config
from seqctx.config.render import adapter_name
from seqctx.config.source import Document
from seqctx.errors import CheckError, InputError
from seqctx.system.arguments import expect_type
from seqctx.system.regular_file import read_file_text, read_json


def target_config(
    target: str,
    overrides: Mapping[str, Any] | None = None,
    *,
    merged: bool = False,
    base_only: bool = False,
) -> Config:
    """The Config of what shall be served.

    Args:
        target: a YAML file; a folder with a model (base or merged) or an adapter; or a hub id.
        overrides: dotted keys and their values, which replace those of the target.
        merged: serve the merged model of ``seqctx merge`` instead of base and adapter.
        base_only: serve the base without the adapter.

    Raises:
        InputError: when the target is none of these.
        CheckError: when nothing was merged, or nothing was trained where the file trains the whole
            model.
    """
    expect_type("target", target, str, "Name a YAML file, a folder with a model, or a hub id.")
    cfg = _read_target(target, overrides)
    if merged:
        folder = RunDir(Path(cfg.output_dir)).merged
        if not (folder / "config.json").is_file():
            is_file = Path(target).is_file()
            remedy = f"Run 'seqctx merge {target}'" if is_file else "Run 'seqctx merge CONFIG'"
            raise CheckError(f"{folder}: holds no merged model. {remedy} first.")
        name = cfg.vllm.served_model_name or f"{adapter_name(cfg)}-merged"
        return cfg.replace(base_model=str(folder), adapter=None, vllm__served_model_name=name)
    if base_only:
        return cfg.replace(adapter=None)
    return trained_config(cfg)


def trained_config(cfg: Config) -> Config:
    """A file with what its training left: the adapter's rank and template, or the whole model.

    Raises:
        CheckError: when the file trains the whole model, and has not yet.
    """
    if cfg.adapter:
        return _with_trained_template(_with_trained_rank(cfg))
    trains = bool(cfg.datasets or cfg.get("pretraining_dataset"))
    if not trains and "output_dir" not in cfg.model_fields_set:
        return cfg
    if (Path(cfg.output_dir) / "config.json").is_file():
        name = cfg.vllm.served_model_name or adapter_name(cfg)
        return cfg.replace(base_model=cfg.output_dir, vllm__served_model_name=name)
    if trains:
        raise CheckError(
            f"output_dir: {cfg.output_dir}: holds no model. Run 'seqctx train' first, or serve "
            "with --base-only."
        )
    return cfg


def _read_target(target: str, overrides: Mapping[str, Any] | None) -> Config:
    """The Config of a target, with its adapter where it has one."""
    path = Path(target)
    if path.is_file() or path.suffix in (".yaml", ".yml"):
        return load_config(path, overrides)
    if (path / "adapter_config.json").is_file():
        adapter = read_json(path / "adapter_config.json")
        data = {
            "base_model": adapter.get("base_model_name_or_path"),
            "adapter": "lora",
            "lora_r": adapter.get("r"),
            "output_dir": str(path),
        }
        return parse_config(Document(str(path / "adapter_config.json"), data, {}), overrides)
    if (path / "config.json").is_file():
        return parse_config(Document(target, {"base_model": target.rstrip("/")}, {}), overrides)
    if path.is_dir():
        raise InputError(
            f"{path}: holds no config.json or adapter_config.json. Name a folder with a model."
        )
    if re.fullmatch(r"[\w.-]+/[\w.-]+", target) and not path.parent.is_dir():
        return parse_config(Document(target, {"base_model": target}, {}), overrides)
    raise InputError(
        f"{target}: no such file or folder. Name a YAML file, a folder with a model, or a hub id."
    )


def _with_trained_rank(cfg: Config) -> Config:
    """The rank of the trained adapter, where the file names none and so means the default."""
    adapter = Path(cfg.output_dir) / "adapter_config.json"
    if cfg.lora_r or not adapter.is_file() or not (rank := read_json(adapter).get("r")):
        return cfg
    return cfg.replace(lora_r=rank)


def _with_trained_template(cfg: Config) -> Config:
    """The chat template that the adapter was trained with, where the base model's differs."""
    trained = Path(cfg.output_dir) / "chat_template.jinja"
    if cfg.vllm.get("chat_template") or not trained.is_file():
        return cfg
    if read_file_text(trained) == template_in(Path(cfg.base_model)):
        return cfg
    return cfg.replace(vllm__chat_template=str(trained))


def template_in(folder: Path) -> str | None:
    """The chat template in a model's folder; None where there is none."""
    if (file := folder / "chat_template.jinja").is_file():
        return read_file_text(file)
    if (file := folder / "tokenizer_config.json").is_file():
        template = read_json(file).get("chat_template")
        return template if isinstance(template, str) else None
    return None
