"""Which config file a folder was made for: two files must not share one folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from seqctx.errors import InputError
from seqctx.system.regular_file import read_json


def config_name(config: Path, folder: Path) -> str:
    """How the record in a folder names the config file that it was made for.

    It is relative to where the folder is, so that a project may be moved or copied as a whole.
    """
    return os.path.relpath(os.path.realpath(config), os.path.abspath(folder.parent))


def other_config(recorded: str, config: Path, folder: Path) -> str | None:
    """The config file that a folder was made for, if that is another one and still exists.

    A config file that was moved or renamed is no longer where the record says.

    Args:
        recorded: what `config_name` gave; may be empty.
        config: the config file that wants to use the folder now.
        folder: the folder.
    """
    if not recorded or recorded == config_name(config, folder):
        return None
    other = os.path.normpath(os.path.join(os.path.abspath(folder.parent), recorded))
    if not os.path.isfile(other) or (config.exists() and os.path.samefile(other, config)):
        return None
    return os.path.relpath(other)


def recorded_config(record: Path) -> str:
    """The config file that a record names; empty where there is no record, or it names none.

    Raises:
        InputError: as `read_record`.
    """
    name = read_record(record).get("config") if record.is_file() else None
    return name if isinstance(name, str) else ""


def read_record(path: Path) -> dict[str, Any]:
    """A record of any version, as plain JSON.

    Raises:
        InputError: when it is not a JSON object.
    """
    try:
        return read_json(path)
    except InputError:
        raise InputError(
            f"{path}: cannot be read, so seqctx does not know which files of {path.parent} are "
            "yours. Move that folder away, then run the command again."
        ) from None
