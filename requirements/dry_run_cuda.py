"""What would be installed on an NVIDIA machine, from PyPI alone: resolved, nothing downloaded.

    make dry-run-cuda

Every package that a list names is needed, and nothing that is needed is missing from it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile

from seqctx.system.install import pin_list
from seqctx.system.pip_settings import read_pip_settings, uv_environment
from seqctx.system.uv import find_uv

PYTHONS = ("3.11", "3.12")
SHOWN = ("axolotl", "vllm", "torch", "transformers", "bitsandbytes", "triton", "nvidia-cudnn-cu13")


def resolve(name: str, python: str) -> dict[str, str]:
    """The versions that a list gives on Linux x86_64.

    Raises:
        SystemExit: where they do not fit one another, or a hash is missing.
    """
    settings = read_pip_settings()
    for local in ("extra-index-url", "find-links", "constraint"):
        settings.pop(local, None)
    with tempfile.TemporaryDirectory() as folder:
        answer = subprocess.run(
            [
                find_uv(), "pip", "install", "--dry-run", "--require-hashes", "--target", folder,
                "--python", sys.executable, "--python-version", python,
                "--python-platform", "x86_64-manylinux_2_28", "--requirements", pin_list(name),
            ],
            capture_output=True, text=True, env={**uv_environment(settings), "COLUMNS": "300"},
        )  # fmt: skip
    if answer.returncode:
        sys.exit(f"{name}, Python {python}: {answer.stderr.strip()}")
    return dict(re.findall(r"^ \+ (\S+)==(\S+)$", answer.stderr, re.MULTILINE))


def main() -> None:
    """Print a line for each list and Python."""
    os.environ.pop("UV_FIND_LINKS", None)
    for name in ("train-cuda", "serve-cuda"):
        for python in PYTHONS:
            found = resolve(name, python)
            versions = ", ".join(f"{p} {found[p]}" for p in SHOWN if p in found)
            print(f"{name}, Python {python}: {len(found)} packages: {versions}")


if __name__ == "__main__":
    main()
