"""Makes an environment from its pin list with uv: whole, or the old one stays.

    python -m seqctx.system.install FOLDER LIST

is what make runs; ``seqctx setup`` does the same by name. Needs filelock, psutil and uv only.
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
from importlib.metadata import PackageNotFoundError, distribution
from importlib.resources import files
from pathlib import Path

from seqctx.errors import InputError, ToolError
from seqctx.system.atomic import replaced_folder
from seqctx.system.environments import local_environment, user_environment
from seqctx.system.hashing import hash_file
from seqctx.system.uv import NotOffered, OnStep, Uv

TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"


def pin_list(name: str) -> Path:
    """The list that is shipped under a name such as ``train-cpu``."""
    return Path(str(files("seqctx.system") / "pins" / f"{name}.txt"))


def place_of(name: str, device: str) -> tuple[Path, Path]:
    """Where ``seqctx setup`` makes an environment, and from which list.

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
    """The file in an environment that says that it was made, whole, from this very list."""
    return folder / f".made-{hash_file(pins)}"


def make_environment(
    folder: Path,
    pins: Path,
    *,
    python: str = sys.executable,
    force: bool = False,
    on_step: OnStep = lambda step: None,
) -> bool:
    """Install a pin list and seqctx itself into an environment.

    The new environment is made beside ``folder`` and takes its place when it is whole; until then,
    and where anything fails, the old one stays.

    Args:
        folder: of the environment.
        pins: its list.
        python: the interpreter that it is made for.
        force: make it again, though it was made from this list.
        on_step: called with what is being done, several times a second at most.

    Returns:
        Whether it was made; False where it is up to date.

    Raises:
        ToolError: when uv is not there, or fails; the line says why.
        InputError: when the disk is full or the folder cannot be written.
        CheckError: when the folder is no environment, or another run is making it.
    """
    if stamp_of(folder, pins).exists() and not force:
        return False
    uv = Uv(folder, on_step)
    with replaced_folder(folder, made_by="pyvenv.cfg") as partial:
        # its scripts find their Python beside them, so that the folder can be renamed
        uv.run("venv", "--relocatable", "--allow-existing", "--python", python,
               "--prompt", folder.name.lstrip("."), str(partial))  # fmt: skip
        with tempfile.TemporaryDirectory(prefix="seqctx-") as place:
            text = pins.read_text("utf-8")
            torch = _torch_cpu_build(uv, partial, text)
            listed = Path(place) / pins.name
            listed.write_text(torch.pin(text), "utf-8")
            if torch.options:  # for torch alone: that index has other builds of its kin, too
                uv.install(partial, f"torch=={torch.version}", *torch.options)
            uv.install(partial, "--requirements", str(listed),
                       "--build-constraints", str(pin_list("build")))  # fmt: skip
            uv.install(partial, *own_distribution(Path(place)))
        if re.search(r"^torch==", text, re.MULTILINE):
            _check_torch(partial, folder)
        stamp_of(partial, pins).touch()
    return True


@dataclass(frozen=True)
class _Torch:
    """Which build of torch is taken: its version, and uv's options to find it."""

    version: str | None = None
    options: tuple[str, ...] = ()

    def pin(self, text: str) -> str:
        """A list in which torch is this very build."""
        if self.version is None:
            return text
        return re.sub(r"^torch==[^\s;]+", f"torch=={self.version}", text, flags=re.MULTILINE)


def _torch_cpu_build(uv: Uv, environment: Path, pins: str) -> _Torch:
    """Where a list wants torch's CPU build, as one without hashes does: who has it.

    It is asked for by its full version, such as 2.13.0+cpu, so that the CUDA build of the same
    version is never taken in its place.

    Raises:
        ToolError: when neither the indexes at hand nor PyTorch's own have it.
    """
    found = re.search(r"^torch==(\S+)\s*$", pins, re.MULTILINE)
    if not found or not sys.platform.startswith("linux"):  # elsewhere PyPI's build is for the CPU
        return _Torch()
    build = f"{found[1]}+cpu"
    uv.on_step(f"looking for torch {build}")
    for options in ((), ("--torch-backend", "cpu")):
        with suppress(NotOffered, *([ToolError] if options else [])):
            uv.install(environment, f"torch=={build}", "--dry-run", *options)
            return _Torch(build, options)
    raise ToolError(
        f"{uv.folder}: no configured package index has torch {build} (its build without CUDA) for "
        f"Python {_python_of(environment)}, and {TORCH_CPU_INDEX} could not be reached or does not "
        "have it. Set PIP_EXTRA_INDEX_URL to an index, or PIP_FIND_LINKS to a folder, that has it."
    )


def _python_of(environment: Path) -> str:
    """The version of an environment's Python."""
    found = re.search(
        r"^version_info = (\S+)", (environment / "pyvenv.cfg").read_text("utf-8"), re.M
    )
    return found[1] if found else "of this version"


def checkout() -> Path | None:
    """The folder of a checkout that this package runs from; None where it is installed."""
    root = Path(__file__).resolve().parents[3]
    return root if (root / "pyproject.toml").is_file() and (root / "src").is_dir() else None


def own_distribution(folder: Path) -> tuple[str, ...]:
    """Arguments for uv that install this very seqctx: the checkout, or a wheel of its files.

    Args:
        folder: where a wheel may be written.

    Raises:
        ToolError: when it is neither a checkout nor installed.
    """
    if root := checkout():
        return ("--editable", str(root))
    try:
        own = distribution("seqctx")
    except PackageNotFoundError:
        raise ToolError("seqctx: is not installed as a package. Run: pip install seqctx") from None
    wheel = folder / f"seqctx-{own.version}-py3-none-any.whl"
    made_at_installation = ("INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json")
    with zipfile.ZipFile(wheel, "w") as archive:
        for file in own.files or ():
            inside = not file.is_absolute() and ".." not in file.parts
            if inside and file.suffix != ".pyc" and file.name not in made_at_installation:
                archive.write(str(file.locate()), str(file))
    return (str(wheel),)


def _check_torch(environment: Path, folder: Path) -> None:
    """That torch loads: a build for another machine fails only here.

    Raises:
        ToolError: when it does not.
    """
    command = [str(environment / "bin" / "python"), "-I", "-c", "import torch"]
    answer = subprocess.run(command, capture_output=True, text=True)
    if answer.returncode:
        cause = (answer.stderr.strip().splitlines() or ["no message"])[-1]
        raise ToolError(
            f"{folder}: torch does not load: {cause}. A machine without an NVIDIA GPU needs "
            "torch's CPU build: choose the device 'cpu'."
        )


@contextmanager
def printed_steps() -> Iterator[OnStep]:
    """Print steps on standard error: on a terminal in one line, else one every ten seconds."""
    terminal, last = sys.stderr.isatty(), float("-inf")

    def show(step: str) -> None:
        nonlocal last
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
    """What is said of an environment that was made."""
    megabytes = sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
    return f"{folder}: made in {seconds:.0f} s, {megabytes:.0f} MB"


def main() -> None:
    """Make the environment in the folder of the first argument from the list of the second."""
    folder, pins = Path(sys.argv[1]), Path(sys.argv[2])
    started = time.monotonic()
    print(f"{folder}: installing {pins}", file=sys.stderr)
    try:
        with printed_steps() as show:
            made = make_environment(folder, pins, force=True, on_step=show,
                                    python=os.environ.get("PYTHON", sys.executable))  # fmt: skip
    except (ToolError, InputError) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    if made:
        print(made_line(folder, time.monotonic() - started))


if __name__ == "__main__":
    main()
