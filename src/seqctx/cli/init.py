"""``seqctx init``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from seqctx.cli.options import CONFIG
from seqctx.cli.output import ask, print_line


@click.command()
@CONFIG
@click.option("--base-model", help="A folder with a model, or its name on the Hugging Face hub.")
@click.option("--gpu", help="The GPU to train and serve on, such as rtx-5090; or cpu.")
@click.option("--manuscripts", multiple=True, help="A file or folder of text. May be repeated.")
@click.option(
    "--goal",
    type=click.Choice(["voice", "structure", "throughput"]),
    help="What matters most; the file keeps it as seqctx.goal. voice: examples of 2,048 tokens; "
    "structure: examples of 4,096 tokens; throughput: 2,048, several examples packed into a row.",
)
def init(
    config: Path, base_model: str | None, gpu: str | None, manuscripts: tuple[str, ...], goal: Any
) -> None:
    r"""Write a config file for your model, GPU and manuscripts.

    Asks for what no option gives. Every key in the file has a comment.

    \b
    Needs   nothing but the answers
    Writes  CONFIG, and beside it seqctx.schema.json for editors; never
            overwrites CONFIG
    Exit    0   written
            1   the model does not fit the GPU
            2   CONFIG exists, the model's folder does not, or a wrong option

    \b
    Examples:
      seqctx init my.yaml
      seqctx init my.yaml --base-model Qwen/Qwen3-8B --gpu rtx-4090
      seqctx init my.yaml --gpu cpu --manuscripts texts --goal voice
    """
    from seqctx.catalog.model_folder import check_base
    from seqctx.scaffold.init import GOALS
    from seqctx.scaffold.new_file import (
        DEFAULT_MANUSCRIPTS,
        default_base_model,
        default_gpu,
        gpu_named,
        refuse_existing,
        write_config,
    )

    refuse_existing(config)
    card = gpu_named(gpu or ask("GPU (or cpu)", default_gpu()))
    base_model = base_model or ask(
        "Base model (a folder, or a name on the Hugging Face hub)", default_base_model(card)
    )
    check_base(base_model)
    manuscripts = manuscripts or (ask("Manuscripts (a file or a folder)", DEFAULT_MANUSCRIPTS),)
    goal = goal or ask("Goal", "voice", GOALS)
    write_config(config, base_model, card, manuscripts, goal)
    print_line(f"written: {config}. Next: seqctx check {config}")
