"""Installs a pin list into an environment, with uv; if anything fails, the old one stays.

    python -m seqctx.system.install FOLDER LIST

is what make runs; ``seqctx setup`` does the same by name. It needs filelock, psutil and uv only.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.resources import files
from pathlib import Path

from seqctx.errors import SeqctxError, ToolError
from seqctx.system.environment_files import ENVIRONMENT
from seqctx.system.environments import local_environment, user_environment
from seqctx.system.hashing import hash_file
from seqctx.system.regular_file import read_file_text
from seqctx.system.replaced_folder import replaced_folder
from seqctx.system.uv import NotOffered, OnStep, Uv
from seqctx.system.visible import visible_line


def pin_list(name: str) -> Path:
    """The pin list of a name such as ``train-cpu``; it is part of the package."""
    return Path(str(files("seqctx.system") / "pins" / f"{name}.txt"))


def place_of(name: str, device: str) -> tuple[Path, Path]:
    """The folder in which ``seqctx setup`` makes an environment, and the pin list it installs.

    Args:
        name: core, train or serve.
        device: cpu or cuda.
    """
    root = checkout()
    here = root is not None and root == Path.cwd().resolve()
    folder = local_environment(name) if here else user_environment(name)
    if name != "core":
        return folder, pin_list(f"{name}-{device}")
    return folder, root / "requirements" / "dev.txt" if here and root else pin_list("core")


def stamp_of(folder: Path, pins: Path) -> Path:
    """The file that an environment has if it was completely installed from this very list.

    The Makefile computes the same name. Outside a checkout it also has the version of seqctx,
    which is copied into the environment.
    """
    version = "" if checkout() else f"-{_installed().version}"
    return folder / f".made-{hash_file(pins)}{version}"


def make_environment(
    folder: Path,
    pins: Path,
    *,
    python: str = sys.executable,
    force: bool = False,
    on_step: OnStep = lambda step: None,
) -> bool:
    """Install a pin list and seqctx itself into an environment.

    The new environment is made beside ``folder`` and replaces it when it is complete. Until then,
    and if anything fails, the old one stays.

    Args:
        folder: the environment.
        pins: the pin list.
        python: the interpreter of the environment.
        force: install again even if it is up to date.
        on_step: called with what is being done, a few times a second at most.

    Returns:
        Whether it was installed; False if it was up to date.

    Raises:
        ToolError: when uv is not installed, or fails.
        InputError: when the disk is full, or the folder cannot be written.
        CheckError: when the folder is not an environment or holds files of the user's, or another
            run is installing there.
    """
    if stamp_of(folder, pins).exists() and not force:
        return False
    uv = Uv(folder, on_step)
    with replaced_folder(folder, kind=ENVIRONMENT) as new:
        partial = new.absolute()
        # relocatable: scripts look for Python in their own folder, so it can be renamed
        uv.run("venv", "--relocatable", "--allow-existing", "--python", python,
               "--prompt", folder.name.lstrip("."), str(partial))  # fmt: skip
        with tempfile.TemporaryDirectory(prefix="seqctx-") as place:
            text = read_file_text(pins)
            has_torch = re.search(r"^torch==", text, re.MULTILINE) is not None
            torch = _torch_cpu_build(uv, partial, text)
            listed = Path(place) / pins.name
            listed.write_text(torch.pin(text), "utf-8")
            if torch.options:  # torch alone: that index also has other builds of torchao
                uv.install(partial, f"torch=={torch.version}", *torch.options)
            # seqctx starts often, so its packages are compiled now, as pip does; for Axolotl and
            # vLLM that takes a minute, and Python does it when they first start
            compiled = () if has_torch else ("--compile-bytecode",)
            uv.install(partial, *compiled, "--requirements", str(listed),
                       "--build-constraints", str(pin_list("build")))  # fmt: skip
            uv.install(partial, *own_distribution(Path(place)))
        if has_torch:
            _check_torch(partial, folder)
        stamp_of(partial, pins).touch()
    return True


@dataclass(frozen=True)
class _Torch:
    """The build of torch to install.

    Attributes:
        version: such as 2.13.0+cpu; None takes the list as it is.
        options: uv's options to find it.
    """

    version: str | None = None
    options: tuple[str, ...] = ()

    def pin(self, text: str) -> str:
        """The list, with this version of torch."""
        if self.version is None:
            return text
        return re.sub(r"^torch==[^\s;]+", f"torch=={self.version}", text, flags=re.MULTILINE)


def _torch_cpu_build(uv: Uv, environment: Path, pins: str) -> _Torch:
    """The CPU build of torch, if the list needs it; there torch has no hash.

    It is asked for by its full version, such as 2.13.0+cpu, so that the CUDA build of the same
    version is never installed instead.

    Raises:
        ToolError: when neither the indexes of pip's settings nor PyTorch's own have it.
    """
    found = re.search(r"^torch==(\S+)\s*$", pins, re.MULTILINE)
    if not found or not sys.platform.startswith("linux"):  # elsewhere PyPI's build is for the CPU
        return _Torch()
    build = f"{found[1]}+cpu"
    uv.on_step(f"looking for torch {build}")
    pytorchs_own = () if uv.no_index else (("--torch-backend", "cpu"),)
    for options in ((), *pytorchs_own):
        with suppress(NotOffered, *([ToolError] if options else [])):
            uv.install(environment, f"torch=={build}", "--dry-run", *options)
            return _Torch(build, options)
    other = (
        "and pip's setting no-index forbids to ask PyTorch's own index"
        if uv.no_index
        else "and PyTorch's own index for CPUs could not be reached or does not have it"
    )
    raise ToolError(
        f"{uv.folder}: no configured package index has torch {build} (its build without CUDA) for "
        f"Python {_python_of(environment)}, {other}. Set PIP_EXTRA_INDEX_URL to an index, or "
        "PIP_FIND_LINKS to a folder, that has it."
    )


def _python_of(environment: Path) -> str:
    """The version of an environment's Python."""
    found = re.search(r"^version_info = (\S+)", read_file_text(environment / "pyvenv.cfg"), re.M)
    return found[1] if found else "of this environment"


def checkout() -> Path | None:
    """The checkout that this package is run from; None if it is installed as a package."""
    root = Path(__file__).resolve().parents[3]
    return root if (root / "pyproject.toml").is_file() and (root / "src").is_dir() else None


def _installed() -> Distribution:
    try:
        return distribution("seqctx")
    except PackageNotFoundError:
        raise ToolError("seqctx: is not installed as a package. Run: pip install seqctx") from None


def own_distribution(folder: Path) -> tuple[str, ...]:
    """Arguments for uv that install the running seqctx: its checkout, or a wheel of its files.

    Args:
        folder: for the wheel.

    Raises:
        ToolError: when it is neither a checkout nor an installed package.
    """
    if root := checkout():
        return ("--editable", str(root))
    own = _installed()
    wheel = folder / f"seqctx-{own.version}-py3-none-any.whl"
    made_at_installation = ("INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json")
    with zipfile.ZipFile(wheel, "w") as archive:
        for file in own.files or ():
            inside = not file.is_absolute() and ".." not in file.parts
            if inside and file.suffix != ".pyc" and file.name not in made_at_installation:
                archive.write(str(file.locate()), str(file))
    return (str(wheel),)


def _check_torch(environment: Path, folder: Path) -> None:
    """Check that torch can be imported, which a build for another machine cannot.

    Raises:
        ToolError: when it cannot.
    """
    command = [str(environment / "bin" / "python"), "-I", "-c", "import torch"]
    answer = subprocess.run(command, capture_output=True, text=True)
    if answer.returncode:
        cause = (answer.stderr.strip().splitlines() or ["no message"])[-1]
        raise ToolError(
            f"{folder}: torch cannot be imported: {cause}. On a machine without an NVIDIA GPU, "
            "run it with --device cpu (DEVICE=cpu with make)."
        )


@contextmanager
def printed_steps() -> Iterator[OnStep]:
    """Print steps on standard error: on a terminal in one line, else one every ten seconds."""
    terminal, last = sys.stderr.isatty(), float("-inf")

    def show(step: str) -> None:
        nonlocal last
        step = visible_line(step)
        if terminal:
            width = shutil.get_terminal_size().columns - 3
            print(f"\r\033[K  {step[:width]}", end="", file=sys.stderr, flush=True)
        elif time.monotonic() - last > 10:
            last = time.monotonic()
            print(f"  {step}", file=sys.stderr, flush=True)

    try:
        yield show
    finally:
        if terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def made_line(folder: Path, seconds: float) -> str:
    """The line that reports a new environment or model."""
    megabytes = sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
    return f"{folder}: made in {seconds:.0f} s, {megabytes:.0f} MB"


def main() -> None:
    """Install the pin list of the second argument into the folder of the first."""
    folder, pins = Path(sys.argv[1]), Path(sys.argv[2])
    started = time.monotonic()
    print(visible_line(f"{folder}: installing {pins}"), file=sys.stderr)
    try:
        with printed_steps() as show:
            made = make_environment(folder, pins, force=True, on_step=show,
                                    python=os.environ.get("PYTHON", sys.executable))  # fmt: skip
    except SeqctxError as error:
        print(*map(visible_line, error.lines), sep="\n", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    if made:
        print(visible_line(made_line(folder, time.monotonic() - started)))


if __name__ == "__main__":
    main()
