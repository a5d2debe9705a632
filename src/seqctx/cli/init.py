"""``seqctx init``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from seqctx.cli.options import CONFIG
from seqctx.errors import InputError


@click.command()
@CONFIG
@click.option("--base-model", help="A folder with a model, or its name on the Hugging Face hub.")
@click.option("--gpu", help="The GPU to train and serve on, such as rtx-5090; or cpu.")
@click.option("--manuscripts", multiple=True, help="A file or folder of text. May be repeated.")
@click.option(
    "--goal",
    type=click.Choice(["voice", "overlap", "arcs", "packed"]),
    help="voice: examples of 2,048 tokens; overlap: the same, each with a quarter of the chunk "
    "before it as context; arcs: examples of 4,096 tokens; packed: 2,048, several examples in a "
    "row.",
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
            2   CONFIG exists, or a wrong option

    \b
    Examples:
      seqctx init axolotl_configs/novel.yaml
      seqctx init my.yaml --base-model Qwen/Qwen3-8B --gpu rtx-4090
      seqctx init my.yaml --gpu cpu --manuscripts texts --goal voice
    """
    from seqctx.catalog.gpus import find_gpu, known_gpus, machine_gpu
    from seqctx.catalog.lookup import find_model
    from seqctx.config.json_schema import write_schema
    from seqctx.config.render import annotated_yaml
    from seqctx.scaffold.init import GOALS, propose, runbook
    from seqctx.system.atomic import write_new

    if config.exists():
        raise InputError(f"{config}: is there already. Choose another name, or move it away.")
    here = machine_gpu()
    gpu = gpu or click.prompt("GPU (or cpu)", default=here.name if here else "cpu", err=True)
    card = find_gpu(gpu)
    if not card:
        raise InputError(f"--gpu: {gpu!r} is none of {', '.join(known_gpus())}. Name one.")
    small = "prepare/models/smollm2-135m-instruct"
    usual = small if card.architecture == "cpu" else "meta-llama/Llama-3.1-8B-Instruct"
    base_model = base_model or click.prompt("Base model", default=usual, err=True)
    if not manuscripts:
        asked = click.prompt("Manuscripts, a file or folder", "prepare/manuscripts", err=True)
        manuscripts = (asked,)
    goal = goal or click.prompt("Goal", type=click.Choice(GOALS), default="voice", err=True)
    model = find_model(base_model)
    cfg = propose(base_model, card, manuscripts, goal, model=model, stem=config.stem)
    write_new(config, annotated_yaml(cfg, runbook(cfg, config, goal)))
    write_schema(config.parent)
    click.echo(f"written: {config}. Next: seqctx check {config}")
