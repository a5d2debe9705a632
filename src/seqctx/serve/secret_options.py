"""Options of vLLM that hold secrets, on their way to it: in a file that only its user can read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from seqctx.errors import InputError
from seqctx.system.regular_file import read_file

_FLAG = "--config"


@contextmanager
def secret_options_file(
    command: list[str], options: dict[str, Any]
) -> Iterator[tuple[list[str], Callable[[], None]]]:
    """Give vLLM some options in a file instead of on its command line.

    Args:
        command: vLLM's command line.
        options: flags without their dashes, and values; empty: the command stays as it is.

    Yields:
        The command line, and a function that removes the file, for when vLLM has read it. The file
        is removed at the end of the block in any case.

    Raises:
        InputError: when the file that ``vllm.config`` names cannot be read; vLLM takes only one, so
            its options are added to ours.
    """
    if not options:
        yield command, lambda: None
        return
    if _FLAG in command:
        at = command.index(_FLAG)
        options = _read(Path(command[at + 1])) | options
        command = [*command[:at], *command[at + 2 :]]
    with TemporaryDirectory(prefix="seqctx-") as place:  # a folder that only this user can enter
        path = Path(place) / "options.yaml"
        path.touch(0o600)
        path.write_text(yaml.safe_dump(options, allow_unicode=True), "utf-8")
        yield [*command, _FLAG, str(path)], lambda: path.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(read_file(path))
    except (yaml.YAMLError, UnicodeDecodeError):
        found = None
    if not isinstance(found, dict):
        raise InputError(f"vllm.config: {path}: not a YAML file of options. Correct or remove it.")
    return found
