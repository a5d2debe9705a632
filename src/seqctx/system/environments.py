"""Where Axolotl and vLLM are installed, and the environment that they run in."""

from __future__ import annotations

import os
import shutil
from importlib.metadata import distributions
from pathlib import Path

from seqctx.errors import ToolError
from seqctx.system.host import has_gpu

# No tool that seqctx starts reports to anybody.
_PRIVATE = {
    "AXOLOTL_DO_NOT_TRACK": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "PYTHONUNBUFFERED": "1",
}


_TOOLS = {
    "axolotl": ("SEQCTX_AXOLOTL", Path(".venv-train/bin/axolotl"), "make setup-train"),
    "vllm": ("SEQCTX_VLLM", Path(".venv-serve/bin/vllm"), "make setup-serve"),
}


def find_tool(name: str) -> Path:
    """The executable ``axolotl`` or ``vllm``: where its variable points, in its venv, on PATH.

    Raises:
        ToolError: when it is in none of these places.
    """
    variable, in_venv, remedy = _TOOLS[name]
    if given := os.environ.get(variable):
        found = shutil.which(given)
        if not found:
            raise ToolError(f"{variable}: {given}: no such program. Point it at {name}.")
        return Path(found).absolute()
    if in_venv.exists():
        return in_venv.absolute()
    if found := shutil.which(name):
        return Path(found).absolute()
    raise ToolError(f"{name}: not installed. Run '{remedy}', or set {variable} to the program.")


def tool_environment(program: Path, *, offline: bool) -> dict[str, str]:
    """Environment for a tool: no telemetry, its own venv first, no hub where none is needed."""
    env = {**os.environ, **_PRIVATE}
    env["PATH"] = f"{program.parent}{os.pathsep}{env.get('PATH', '')}"
    if offline:
        env.setdefault("HF_HUB_OFFLINE", "1")
    if not has_gpu():
        env["CUDA_VISIBLE_DEVICES"] = ""
    return env


def versions(program: Path, names: tuple[str, ...]) -> dict[str, str]:
    """Versions of packages in a tool's environment; a package that is not there is left out."""
    environment = program.resolve().parent.parent
    packages = [str(path) for path in environment.glob("lib/python3*/site-packages")]
    found = {}
    for name in names:
        for distribution in distributions(name=name, path=packages):
            found[name] = distribution.version
    return found
