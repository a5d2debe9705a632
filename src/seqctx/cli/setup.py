"""``seqctx setup``."""

from __future__ import annotations

import time
from pathlib import Path

import click

from seqctx.cli.options import DRY_RUN
from seqctx.cli.output import print_line


@click.command()
@click.argument(
    "what", nargs=-1, required=True, type=click.Choice(["core", "train", "serve", "model"])
)
@click.option(
    "--device",
    type=click.Choice(["cpu", "cuda"]),
    help="What Axolotl and vLLM will run on. Default: cuda where this machine has an NVIDIA GPU.",
)
@click.option("--force", is_flag=True, help="Install again even if it is up to date.")
@DRY_RUN
def setup(what: tuple[str, ...], device: str | None, force: bool, dry_run: bool) -> None:
    r"""Install Axolotl and vLLM, each in an environment of its own.

    \b
    train  Axolotl
    serve  vLLM
    core   seqctx itself with all its extras
    model  SmolLM2-135M-Instruct, which the examples use (93 MB; needs train)

    In a checkout of seqctx the environments are its folders .venv-train, .venv-serve and .venv.
    Anywhere else they are ~/.local/share/seqctx/venv-train and so on (XDG_DATA_HOME/seqctx where
    that variable is set). The other commands find Axolotl and vLLM in these folders. The model goes
    to prepare/models in the working directory.

    uv downloads the packages and checks each against the hash in a list that comes with seqctx.
    It uses pip's settings (variables and configuration files): index, find-links, certificate,
    proxy and constraints. A new environment replaces the old one when it is complete; if anything
    fails, the old one stays.

    \b
    Needs   a network, or a uv cache that holds the packages
    Writes  the environment or model
    Exit    0   installed, or up to date
            1   another run is installing there
            2   wrong usage, or a full disk
            3   uv failed

    \b
    Examples:
      seqctx setup train serve
      seqctx setup train --device cpu
      seqctx setup model
    """
    from seqctx.scaffold.sample_model import PACKAGE, SAMPLE_MODEL, make_sample_model
    from seqctx.system.host import has_gpu
    from seqctx.system.install import made_line, make_environment, place_of, printed_steps

    device = device or ("cuda" if has_gpu() else "cpu")
    for name in what:
        started = time.monotonic()
        folder, pins = (SAMPLE_MODEL, Path(PACKAGE)) if name == "model" else place_of(name, device)
        if dry_run:
            print_line(f"{folder}: would be made from {pins}")
            continue
        print_line(f"{folder}: installing {pins}", err=True)
        with printed_steps() as show:
            if name == "model":
                made = make_sample_model(folder, force=force, on_step=show)
            else:
                made = make_environment(folder, pins, force=force, on_step=show)
        seconds = time.monotonic() - started
        print_line(made_line(folder, seconds) if made else f"{folder}: up to date")
        if name == "core":
            print_line(f"its command is {folder / 'bin' / 'seqctx'}")
