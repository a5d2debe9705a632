"""Run in-environment scripts: start them in Axolotl's environment, and read their results."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from seqctx.errors import ToolError
from seqctx.system.atomic import explain_os_errors
from seqctx.system.environments import find_tool, tool_environment
from seqctx.system.process import failure, lines, running

WITHOUT_SEQCTX = {
    r"No module named '?seqctx": "Run 'seqctx setup train', or install seqctx beside Axolotl"
}
"""A remedy, as `seqctx.system.process.failure` takes them, for an environment without seqctx."""


def run_inside(
    script: str,
    job: Callable[[Path], dict[str, Any]],
    *,
    offline: bool,
    remedies: dict[str, str] | None = None,
    on_line: Callable[[str], None] = lambda line: None,
    take: Callable[[dict[str, Any], Path], Any] = lambda result, folder: result,
) -> Any:
    """Run a script to its end.

    Args:
        script: its module below `seqctx`, such as ``proofs.inside.isolation``.
        job: makes the script's input; called with a folder that exists while the script runs.
        offline: whether the script needs no hub.
        remedies: as `seqctx.system.process.failure` takes them, beside the one for every script.
        on_line: called with each line that the script prints.
        take: makes the return value from the script's result, while the folder exists.

    Returns:
        The script's result, or what ``take`` made of it.

    Raises:
        ToolError: when Axolotl is not installed, or the script failed; its log is kept.
    """
    axolotl = find_tool("axolotl")
    python = axolotl.parent / "python3"
    if not python.exists():
        raise ToolError(
            f"axolotl: {axolotl}: there is no python3 beside this program. Point SEQCTX_AXOLOTL at "
            "the axolotl of an environment."
        )
    env = tool_environment(axolotl, offline=offline)
    with explain_os_errors(tempfile.gettempdir()), TemporaryDirectory(prefix="seqctx-") as place:
        folder = Path(place)
        job_path, result_path, log = folder / "job.json", folder / "result.json", folder / "log"
        job_path.write_text(json.dumps(job(folder)), "utf-8")
        command = [str(python), "-m", f"seqctx.{script}", str(job_path), str(result_path)]
        with log.open("wb") as f, running(command, env) as process:
            for line in lines(process, f):
                on_line(line)
            code = process.wait()
        if code or not result_path.exists():
            handle, kept = tempfile.mkstemp(prefix=f"seqctx-{script}-", suffix=".log")
            with os.fdopen(handle, "wb") as f:
                f.write(log.read_bytes())
            raise failure("axolotl", code, Path(kept), {**(remedies or {}), **WITHOUT_SEQCTX})
        return take(json.loads(result_path.read_text("utf-8")), folder)
