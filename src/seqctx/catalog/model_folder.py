"""A folder with a model: whether it is there, what tells it from others, its weight files."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from seqctx.errors import InputError
from seqctx.system.atomic import explain_os_errors
from seqctx.system.hashing import hash_text, samples
from seqctx.system.regular_file import open_file, read_json

_CONFIGS = (  # files of a checkpoint that may have auto_map (transformers 5.16)
    "config.json", "tokenizer_config.json", "processor_config.json", "preprocessor_config.json",
    "video_preprocessor_config.json",
)  # fmt: skip


def safetensors_header(path: Path) -> dict[str, Any] | None:
    """Names, types and shapes of the tensors of a file; None where it is damaged or cut short.

    The format: 8 bytes of length, little-endian, then JSON, then the tensors
    (safetensors 0.8, README).
    """
    try:
        with open_file(path) as f:
            size = int.from_bytes(f.read(8), "little")
            if not 2 <= size <= path.stat().st_size:
                return None
            header = json.loads(f.read(size))
        tensors = {k: v for k, v in header.items() if k != "__metadata__"}
        end = max((t["data_offsets"][1] for t in tensors.values()), default=0)
        return tensors if path.stat().st_size == 8 + size + end else None
    except (InputError, OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return None


def is_missing_folder(base_model: str) -> bool:
    """Whether a base model can only be a folder, not a hub id, and is not there."""
    is_path = base_model.startswith((".", "/", "prepare/")) or base_model.count("/") > 1
    return is_path and not os.path.isdir(base_model)  # False for what is no path


def remedy_of_missing_folder(base_model: str) -> str:
    """What to do about a model's folder that is not there."""
    is_example = base_model.startswith("prepare/models/smollm2-135m")
    return "Run 'seqctx setup model'." if is_example else "Check the path."


def check_base(base_model: str) -> None:
    """Check that a base model which can only be a folder is there.

    Raises:
        InputError: when it is not.
    """
    if is_missing_folder(base_model):
        raise InputError(
            f"base_model: {base_model}: no such folder. {remedy_of_missing_folder(base_model)}"
        )


def code_of_model(base_model: str) -> tuple[str, ...]:
    """Python code that the files of a model's folder name, each as ``FILE: CODE``.

    Transformers runs it where ``trust_remote_code`` is set. Nothing is known of a hub id.
    """
    found = []
    for name in _CONFIGS:
        path = Path(base_model) / name
        try:
            data = read_json(path) if os.path.isfile(path) else {}  # False for what is no path
        except InputError:
            continue
        auto_map = data.get("auto_map")
        values = auto_map.values() if isinstance(auto_map, dict) else [auto_map]
        texts = [t for v in values for t in (v if isinstance(v, list) else [v])]
        codes = dict.fromkeys(text for text in texts if isinstance(text, str) and text)
        found += [f"{name}: {code}" for code in codes]
    return tuple(found)


def fingerprint_model(base_model: str) -> str:
    """Tells one checkpoint from another without reading all of it.

    Of a folder: its JSON files and templates and, of every weight file, the size and 64 blocks of
    64 KiB spread evenly over it: another training run, dtype or quantization changes nearly every
    block. Of a hub id: the id.
    """
    folder = Path(base_model)
    if not folder.is_dir():
        return hash_text(base_model)
    digest = hashlib.sha256()
    with explain_os_errors(folder):
        kinds = ("*.json", "*.jinja", "*.safetensors", "*.bin")
        for path in sorted(p for kind in kinds for p in folder.glob(kind)):
            digest.update(f"{path.name} {path.stat().st_size} ".encode())
            for block in samples(path):
                digest.update(block)
    return digest.hexdigest()
