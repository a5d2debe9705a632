"""Where Axolotl and vLLM are installed, and the environment variables that they run with."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
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


@dataclass(frozen=True)
class _Tool:
    """A program that has an environment of its own.

    Attributes:
        variable: of the environment, which points at the program.
        environment: the name that ``seqctx setup`` takes.
    """

    variable: str
    environment: str


_TOOLS = {
    "axolotl": _Tool("SEQCTX_AXOLOTL", "train"),
    "vllm": _Tool("SEQCTX_VLLM", "serve"),
}
_IN_CHECKOUT = {"core": Path(".venv"), "train": Path(".venv-train"), "serve": Path(".venv-serve")}


def user_environment(name: str) -> Path:
    """The folder of an environment that ``seqctx setup`` makes outside a checkout."""
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "seqctx" / f"venv-{name}"


def local_environment(name: str) -> Path:
    """The folder of an environment in the working directory, as a checkout has it."""
    return _IN_CHECKOUT[name]


def find_tool(name: str) -> Path:
    """The program ``axolotl`` or ``vllm``.

    It is looked for where its variable points, in the working directory's ``.venv-train`` or
    ``.venv-serve``, in the environment that ``seqctx setup`` made for the user, and on PATH.

    Raises:
        ToolError: when it is in none of these places.
    """
    tool = _TOOLS[name]
    if given := os.environ.get(tool.variable):
        found = shutil.which(given)
        if not found:
            raise ToolError(f"{tool.variable}: {given}: no such program. Point it at {name}.")
        return Path(found).absolute()
    for environment in (local_environment(tool.environment), user_environment(tool.environment)):
        if (program := environment / "bin" / name).exists():
            return program.absolute()
    if found := shutil.which(name):
        return Path(found).absolute()
    raise ToolError(
        f"{name}: not installed. Run 'seqctx setup {tool.environment}', "
        f"or set {tool.variable} to the program."
    )


def tool_environment(program: Path, *, offline: bool) -> dict[str, str]:
    """Environment variables for a tool.

    Its own folder comes first on PATH, and it sends no telemetry.

    Args:
        program: the tool.
        offline: whether it needs nothing from the model hub.
    """
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
