"""In-environment scripts: started in Axolotl's environment, watched, and read."""

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
"""A remedy, as `seqctx.system.process.failure` takes them: our scripts and plugins run in there."""


def run_inside(
    script: str,
    job: Callable[[Path], dict[str, Any]],
    *,
    offline: bool,
    remedies: dict[str, str] | None = None,
    on_line: Callable[[str], None] = lambda line: None,
    take: Callable[[dict[str, Any], Path], Any] = lambda result, folder: result,
) -> Any:
    """Run one of the scripts to its end.

    Args:
        script: its module below `seqctx`, such as ``proofs.inside.isolation``.
        job: makes what it reads; called with a folder that is there as long as it runs.
        offline: whether it needs no hub.
        remedies: as `seqctx.system.process.failure` takes them, but for what every script may lack.
        on_line: called with each line that it prints.
        take: makes the answer, while the folder is there, of what it measured.

    Returns:
        What it measured, or what ``take`` made of that.

    Raises:
        ToolError: when Axolotl's environment is not there, or the script failed; its log stays.
    """
    axolotl = find_tool("axolotl")
    python = axolotl.parent / "python3"
    if not python.exists():
        raise ToolError(
            f"axolotl: {axolotl}: no python3 beside it. Point SEQCTX_AXOLOTL at its own."
        )
    env = tool_environment(axolotl, offline=offline)
    with explain_os_errors(tempfile.gettempdir()), TemporaryDirectory(prefix="seqctx-") as place:
        folder = Path(place)
        asked, answer, log = folder / "job.json", folder / "result.json", folder / "log"
        asked.write_text(json.dumps(job(folder)), "utf-8")
        module = f"seqctx.{script}"
        command = [str(python), "-m", module, str(asked), str(answer)]
        with log.open("wb") as f, running(command, env) as process:
            for line in lines(process, f):
                on_line(line)
            code = process.wait()
        if code or not answer.exists():
            handle, kept = tempfile.mkstemp(prefix=f"seqctx-{script}-", suffix=".log")
            with os.fdopen(handle, "wb") as f:
                f.write(log.read_bytes())
            raise failure("axolotl", code, Path(kept), {**(remedies or {}), **WITHOUT_SEQCTX})
        return take(json.loads(answer.read_text("utf-8")), folder)
