"""Options of vLLM that hold secrets, on their way to it: in a file that only its user can read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml


@contextmanager
def secret_options_file(
    command: list[str], options: dict[str, Any]
) -> Iterator[tuple[list[str], Path | None]]:
    """Give vLLM some options in a file instead of on its command line.

    Args:
        command: vLLM's command line.
        options: flags without their dashes, and values; empty: the command stays as it is.

    Yields:
        The command line, and the file, which is to be removed when vLLM has read it; None where
        there is none. It is removed at the end of the block in any case.

    vLLM takes only one such file, and the rule ``unchecked-flags`` refuses one of the user's.
    """
    if not options:
        yield command, None
        return
    with TemporaryDirectory(prefix="seqctx-") as place:  # a folder that only this user can enter
        path = Path(place) / "options.yaml"
        path.touch(0o600)
        path.write_text(yaml.safe_dump(options, allow_unicode=True), "utf-8")
        yield [*command, "--config", str(path)], path
