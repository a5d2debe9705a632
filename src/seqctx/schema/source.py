"""A YAML file, read as Axolotl reads it (safe_load), with errors that name the line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from seqctx.errors import InputError
from seqctx.files import explain_os_errors


def read_mapping(path: Path) -> dict[str, Any]:
    """Read one YAML file whose top level is a mapping.

    Raises:
        InputError: when the file is missing, no UTF-8 text, no YAML, or no mapping; with the
            line where YAML gives one.
    """
    if path.is_dir():
        raise InputError(f"{path}: is a folder, not a YAML file. Name one of axolotl_configs/.")
    with explain_os_errors(path):
        raw = path.read_bytes()
    try:
        data = yaml.safe_load(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: no UTF-8 text (byte {error.start}). Save it as UTF-8.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}:{mark.line + 1}" if mark else str(path)
        fact = getattr(error, "problem", None) or str(error).partition("\n")[0]
        raise InputError(f"{place}: no valid YAML: {fact}. Mend that line.") from None
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        raise InputError(
            f"{path}: the top level must be a mapping of keys (got {type(data).__name__}). "
            "Copy a file of axolotl_configs/ to start from."
        )
    return data
