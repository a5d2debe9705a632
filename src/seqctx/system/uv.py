"""Runs uv with pip's settings, reports what it is doing, and explains its failures in one line."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from seqctx.errors import InputError, ToolError, without_url_secrets
from seqctx.system.atomic import free_bytes
from seqctx.system.pip_settings import read_pip_settings, uses_no_index, uv_environment
from seqctx.system.process import lines, running

OnStep = Callable[[str], None]


class NotOffered(ToolError):
    """No package index has what is asked for."""


def find_uv() -> Path:
    """The program uv: from the package uv of this Python, or on PATH.

    Raises:
        ToolError: when uv is not installed.
    """
    with suppress(ImportError, FileNotFoundError):
        from uv import find_uv_bin

        return Path(find_uv_bin())
    found = shutil.which("uv", path=sysconfig.get_path("scripts")) or shutil.which("uv")
    if not found:
        raise ToolError("uv: not installed. Run: pip install uv")
    return Path(found)


@dataclass(frozen=True)
class Uv:
    """The program uv, at work on one folder.

    Attributes:
        folder: what is made; errors name it.
        on_step: called with what uv is doing, a few times a second at most.
        program: the program's path.
        environment: its environment variables.
        no_index: whether packages come from pip's find-links alone.
    """

    folder: Path
    on_step: OnStep = lambda step: None
    program: Path = field(default_factory=find_uv)
    environment: dict[str, str] = field(default_factory=lambda: uv_environment(_pip_settings()))
    no_index: bool = field(default_factory=lambda: uses_no_index(read_pip_settings()))

    def install(self, environment: Path, *arguments: str) -> None:
        """Install packages without their dependencies; hashes in a list are checked."""
        no_index = ("--no-index",) if self.no_index else ()
        self.run("pip", "install", "--no-deps", *no_index, "--python", str(environment), *arguments)

    def unpack(self, package: str, sha256: str, folder: Path) -> None:
        """Download a package, such as ``name==1.0``, check its hash, and unpack it in a folder."""
        with tempfile.TemporaryDirectory(prefix="seqctx-") as place:
            listed = Path(place) / "requirements.txt"
            listed.write_text(f"{package} --hash=sha256:{sha256}\n", "utf-8")
            # not --require-hashes: it refuses pip's constraints, and the hash is checked without it
            self.install(Path(sys.executable), "--target", str(folder),
                         "--requirements", str(listed))  # fmt: skip

    def run(self, *arguments: str) -> None:
        """Run uv to its end.

        Raises:
            ToolError: when it fails.
            InputError: when the disk is full.
        """
        command = [str(self.program), *arguments]
        with tempfile.TemporaryFile() as log, running(command, self.environment) as process:
            for step in steps(lines(process, log)):
                self.on_step(step)
            if process.wait():
                log.seek(0)
                raise self.failure(log.read().decode("utf-8", "replace"))

    def failure(self, output: str) -> ToolError | InputError:
        """The error for uv's output, in one line."""
        free = min(free_bytes(self.folder), free_bytes(_cache(self.environment)))
        kept = "The old folder is unchanged." if self.folder.exists() else ""
        offline = self.environment.get("UV_OFFLINE", "").lower() in ("1", "true")
        fact, remedy, error = explain_failure(output, offline=offline, free=free)
        return error(f"{self.folder}: {fact}. {remedy} {kept}".rstrip())


def _pip_settings() -> dict[str, str]:
    """Read pip's settings; beside extra indexes the default one is named, so that it goes first."""
    settings = read_pip_settings()
    if "extra-index-url" in settings and "index-url" not in settings:
        settings |= default_index(find_uv())
    return settings


def default_index(program: Path) -> dict[str, str]:
    """The index that uv and pip take by default, as uv's help names it; empty if it does not."""
    answer = subprocess.run([program, "pip", "install", "--help"], capture_output=True, text=True)
    found = re.search(r"default: <?(\w+://[^>\s)]+)", answer.stdout)
    return {"index-url": found[1]} if found else {}


def _cache(environment: dict[str, str]) -> Path:
    """The folder of uv's cache, which may lie on another disk than the environment."""
    shared = environment.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(environment.get("UV_CACHE_DIR") or Path(shared) / "uv")


def explain_failure(
    output: str, *, offline: bool, free: int
) -> tuple[str, str, type[ToolError] | type[InputError]]:
    """Find out why uv failed: the fact, what to do, and the kind of error.

    Args:
        output: all that uv printed. Its errors stand as ``error: ...`` and ``cause: ...``; before
            0.13 as ``× ...``, ``╰─▶ ...`` and ``Caused by: ...``.
        offline: whether it was told to use no network.
        free: free space of the fullest disk that it writes to [B].
    """
    output = without_url_secrets(output)
    found = re.findall(r"^\s*(?:error:|cause:|Caused by:|×|╰─▶)\s*(.+)$", output, re.MULTILINE)
    text = "\n".join(found)
    found = found or output.strip().splitlines()[-1:] or ["it gave no message"]
    cause = found[-1].rstrip(".")
    cause = re.sub(r"^Because (.+?),? (?:and|we can) .+", r"\1", cause)  # not the whole proof
    if re.search(r"No space left on device|os error 28|Disk quota exceeded", text):
        fact = f"the disk is full ({free / 1e6:.0f} MB free)"
        return fact, "Make room and run it again.", InputError
    if mismatch := re.search(r"Hash mismatch for (\S+)", text):
        fact = f"{mismatch[1]}: the hash of the downloaded file is not the hash in the pin list"
        return (
            fact,
            "Run it again. If that does not help, use another package index.",
            ToolError,
        )
    if offline:
        fact = f"without a network (UV_OFFLINE is set) uv does not have every package: {cause}"
        return fact, "Unset UV_OFFLINE, or run it once with a network.", ToolError
    network = r"Failed to (?:fetch|download)|Request failed|sending request|timed? ?out|dns|EOF"
    if re.search(network, text, re.IGNORECASE):
        fact = f"the download failed: {_fetched(found)}{cause}"
        remedy = "Check the network, and the index, proxy and certificate in pip's settings"
        return fact, f"{remedy}; then run it again.", ToolError
    if re.search(r"No solution found", text):
        fact = f"the configured package indexes do not have every package: {cause}"
        return fact, "Check the index and the constraints in pip's settings.", NotOffered
    head = "" if len(found) < 2 else f"{found[0].rstrip('.')}: "
    return f"uv failed: {head}{cause}", "Solve this and run it again.", ToolError


def _fetched(causes: list[str]) -> str:
    """The address that could not be fetched, where uv names it."""
    address = re.search(r"https?://[^\s`)]+", "\n".join(causes))
    return f"{address[0]}: " if address else ""


_SIZES = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def steps(output: Iterator[str]) -> Iterator[str]:
    """What uv is doing, from the lines that it prints."""
    asked: dict[str, float] = {}
    arrived = 0.0
    for line in output:
        if found := re.match(r"Resolved (\d+) packages", line):
            yield f"{found[1]} packages to install"
        elif found := re.match(r"Downloading (\S+) \(([\d.]+)(\wiB)\)", line):
            asked[found[1]] = float(found[2]) * _SIZES.get(found[3], 1)
            yield f"downloading {found[1]}: {_megabytes(arrived, asked)}"
        elif found := re.match(r"\s*Downloaded (\S+)", line):
            arrived += asked.get(found[1], 0.0)
            yield f"downloaded {found[1]}: {_megabytes(arrived, asked)}"
        elif found := re.match(r"\s*Building (\S+)", line):
            yield f"building {found[1]}"
        elif found := re.match(r"Prepared (\d+) packages", line):
            yield f"unpacking {found[1]} packages"


def _megabytes(arrived: float, asked: dict[str, float]) -> str:
    return f"{arrived / 1e6:.0f} of {sum(asked.values()) / 1e6:.0f} MB"
