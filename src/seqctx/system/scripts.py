"""Runs in-environment scripts: seqctx's own modules, with the Python of Axolotl's environment."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from seqctx.errors import ToolError
from seqctx.system.atomic import explain_os_errors
from seqctx.system.environments import find_tool, tool_environment
from seqctx.system.process import QUICK, failure, lines, running
from seqctx.system.regular_file import read_file, read_file_text

WITHOUT_SEQCTX = {
    r"No module named '?seqctx": (
        "Run 'seqctx setup train', or install seqctx in Axolotl's environment"
    )
}
"""A remedy for `seqctx.system.process.failure`: seqctx must be installed in that environment."""


def run_inside(
    script: str,
    job: Callable[[Path], dict[str, Any]],
    *,
    offline: bool,
    variables: Mapping[str, str] | None = None,
    hide: Callable[[str], str] = lambda text: text,
    remedies: dict[str, str] | None = None,
    on_line: Callable[[str], None] = lambda line: None,
    take: Callable[[dict[str, Any], Path], Any] = lambda result, folder: result,
) -> Any:
    """Run a script to its end.

    Args:
        script: its module below `seqctx`, such as ``proofs.inside.isolation``.
        job: makes the script's input; called with a temporary folder that exists while it runs.
        offline: whether it needs nothing from the model hub.
        variables: more environment variables for it.
        hide: takes secrets out of what it prints.
        remedies: for errors of this script, as `seqctx.system.process.failure` takes them.
        on_line: called with each line that the script prints.
        take: makes the return value of the script's result, while the temporary folder exists.

    Returns:
        The script's result, or what ``take`` made of it.

    Raises:
        ToolError: when Axolotl is not installed, or the script failed; its log is kept.
    """
    axolotl = find_tool("axolotl")
    python = axolotl.parent / "python3"
    if not python.exists():
        raise ToolError(
            f"axolotl: {axolotl}: there is no python3 in its folder. Set SEQCTX_AXOLOTL to the "
            "axolotl program of a Python environment."
        )
    env = tool_environment(axolotl, offline=offline) | dict(variables or {})
    with explain_os_errors(tempfile.gettempdir()), TemporaryDirectory(prefix="seqctx-") as place:
        folder = Path(place)
        asked, answer, log = folder / "job.json", folder / "result.json", folder / "log"
        asked.write_text(json.dumps(job(folder)), "utf-8")
        module = f"seqctx.{script}"
        command = [str(python), "-m", module, str(asked), str(answer)]
        with log.open("wb") as f, running(command, env, patience=QUICK) as process:
            for line in lines(process, f, hide=hide):
                on_line(line)
            code = process.wait()
        if code or not answer.exists():
            handle, kept = tempfile.mkstemp(prefix=f"seqctx-{script}-", suffix=".log")
            with os.fdopen(handle, "wb") as f:
                f.write(read_file(log))
            raise failure("axolotl", code, Path(kept), {**(remedies or {}), **WITHOUT_SEQCTX})
        return take(json.loads(read_file_text(answer)), folder)
