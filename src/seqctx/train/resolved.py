"""The Axolotl YAML that is run, and the hash of all that its weights depend on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from seqctx.artifacts.layout import DATA_FILES, DatasetDir
from seqctx.artifacts.manifest import Manifest
from seqctx.catalog.model_folder import check_base, fingerprint_model
from seqctx.config.blocks import Dataset
from seqctx.config.config import Config
from seqctx.config.render import axolotl_mapping
from seqctx.errors import CheckError, InputError
from seqctx.system.atomic import atomic_write
from seqctx.system.hashing import hash_text, hash_tree
from seqctx.system.secrets import without_secrets

_FOLDERS = ("base_model_config", "lora_model_dir", "processor_config", "tokenizer_config")
_FILES = ("chat_template_jinja", "deepspeed")


def resolve(cfg: Config, output_dir: Path) -> dict[str, Any]:
    """The Axolotl YAML to run: the file's, without data files that prepare wrote no rows to.

    Raises:
        InputError: when the base model is missing, or the file names no data.
        CheckError: when data is missing: all of it, or a file that prepare wrote rows to.
    """
    check_base(cfg.base_model)
    mapping = axolotl_mapping(cfg, output_dir=output_dir)
    for key, entries in (("datasets", cfg.datasets), ("test_datasets", cfg.test_datasets)):
        if not entries:
            continue
        present = [_is_present(entry) for entry in entries]
        missing = [e.path for e, here in zip(entries, present, strict=True) if not here]
        for path in missing:
            if not any(present) or not _had_no_rows(Path(path)):
                raise CheckError(
                    f"{key}: {path}: no such file. Run 'seqctx prepare', or check the path."
                )
        mapping[key] = [m for m, here in zip(mapping[key], present, strict=True) if here]
    if not cfg.datasets and not cfg.get("pretraining_dataset"):
        raise InputError("datasets: missing. List what 'seqctx prepare' writes, or your own.")
    return mapping


def write_resolved(mapping: dict[str, Any], path: Path, output_dir: Path) -> Path:
    """Write the YAML that Axolotl is given, without secrets, with a header that says so."""
    with atomic_write(path) as f:
        f.write(
            "# seqctx gave this file to Axolotl. Its output folder is moved to "
            f"{output_dir} when the run has ended well.\n"
        )
        yaml.safe_dump(without_secrets(mapping), f, sort_keys=False, allow_unicode=True)
    return path


def _is_present(dataset: Dataset) -> bool:
    """Whether a dataset can be there: a file that exists, or something other than a local file."""
    looks_local = dataset.path.endswith((".jsonl", ".json", ".parquet", ".csv", ".txt"))
    return not looks_local or "://" in dataset.path or Path(dataset.path).exists()


def _had_no_rows(path: Path) -> bool:
    """Whether prepare wrote no such file because it would have been empty."""
    if path.name not in DATA_FILES:
        return False
    manifest = Manifest.read(DatasetDir(path.parent).manifest)
    return manifest is not None and path.name not in manifest.files


def data_hashes(mapping: dict[str, Any]) -> dict[str, str]:
    """The data files on this machine: path to sha256."""
    return {p: hash_tree(Path(p)) for p in _data(mapping) if os.path.exists(p)}


def _data(mapping: dict[str, Any]) -> list[str]:
    """What an Axolotl YAML names as its data: files, folders, hub ids."""
    found = []
    for key in ("datasets", "test_datasets", "pretraining_dataset"):
        entries = mapping.get(key) or ()
        for entry in (entries,) if isinstance(entries, str) else entries:
            found.append(entry if isinstance(entry, str) else str(entry["path"]))
    return found


def needs_hub(mapping: dict[str, Any]) -> bool:
    """Whether Axolotl must reach the hub: to fetch a model or data, or to push there."""
    if any(mapping.get(key) for key in ("hub_model_id", "push_dataset_to_hub")):
        return True
    if "/" in str(mapping.get("attn_implementation")):  # a kernel
        return True
    names = [mapping.get(key) for key in ("base_model", *_FOLDERS)] + _data(mapping)
    return any(name and not os.path.exists(name) for name in names)


def fingerprint_of(cfg: Config, mapping: dict[str, Any]) -> str:
    """Hash of all that the trained weights depend on; secrets are not among it."""
    data = [f"{path} {digest}" for path, digest in data_hashes(mapping).items()]
    for entry in (mapping, *mapping.get("datasets", ()), *mapping.get("test_datasets", ())):
        named = [entry.get(key) for key in (*_FOLDERS, *_FILES)]
        data += [hash_tree(Path(p)) for p in named if isinstance(p, str) and os.path.exists(p)]
    mapping = without_secrets({k: v for k, v in mapping.items() if k != "vllm"})
    return hash_text(yaml.safe_dump(mapping), fingerprint_model(cfg.base_model), *data)
