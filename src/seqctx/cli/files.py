"""Verbs of the file: check, schema, init."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from seqctx.cli.options import CONFIG, SET
from seqctx.errors import InputError, SeqctxError


@click.command()
@click.argument("configs", metavar="CONFIG...", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects, one a problem.")
@click.option("--strict", is_flag=True, help="Warnings fail too.")
@click.option("--suggest", "as_diff", is_flag=True, help="Print the missing blocks as a diff.")
@click.option(
    "--prove-isolation",
    "prove",
    is_flag=True,
    help="Run a small model of the same class through Axolotl's packing; does anything leak?",
)
@click.option("--real-weights", is_flag=True, help="Prove it with the base model itself.")
@SET
def check(
    configs: tuple[str, ...],
    as_json: bool,
    strict: bool,
    as_diff: bool,
    prove: bool,
    real_weights: bool,
    overrides: dict[str, Any],
) -> None:
    r"""Look for what Axolotl and vLLM would let through.

    All problems of each file, by line: errors, warnings and notes. CONFIG may be - for standard
    input. The exit status is 1 where there is an error, and with --strict where there is a
    warning; 2 where a file cannot be read.

    With --prove-isolation nothing else is looked at: Axolotl, from its own environment, packs a few
    examples and trains on them for one step, on a small random model of the base's class. One token
    of one example is changed; the exit status is 1 where that, or a gradient, reaches another.

    \b
    Examples:
      seqctx check axolotl_configs/*.yaml
      seqctx check --strict --json my.yaml
      seqctx check --suggest guest.yaml | patch guest.yaml
      seqctx check --prove-isolation my.yaml --set attn_implementation=sdpa
    """
    import json
    from dataclasses import asdict

    from seqctx.catalog.gpus import machine_gpu
    from seqctx.check.check import check_document
    from seqctx.check.facts import gather_facts
    from seqctx.config.config import parse_config
    from seqctx.config.problem import Problem
    from seqctx.config.source import read_text

    if prove or real_weights:
        _prove(configs, real_weights, as_json, overrides)
        return
    problems: list[Problem] = []
    unread: list[str] = []
    for name in configs:
        path = None if name == "-" else Path(name)
        try:
            text, document = read_text(path, sys.stdin.buffer)
            if as_diff:
                from seqctx.scaffold.suggest import suggest

                cfg = parse_config(document, overrides)
                facts = gather_facts(cfg, path)
                click.echo(suggest(text, document.name, cfg, facts, machine_gpu()), nl=False)
            else:
                problems += check_document(document, path, overrides)
        except SeqctxError as error:
            unread.append(str(error))
    if as_json:
        click.echo(json.dumps([asdict(p) for p in problems], indent=2))
    else:
        for problem in problems:
            click.echo(str(problem))
    if unread:
        raise InputError("\n".join(unread))
    failing = {"error", "warning"} if strict else {"error"}
    if any(problem.severity in failing for problem in problems):
        raise click.exceptions.Exit(1)
    if not problems and not as_json and not as_diff:
        click.echo("nothing to say", err=True)


def _prove(
    configs: tuple[str, ...], real_weights: bool, as_json: bool, overrides: dict[str, Any]
) -> None:
    """Print what was measured of one file; exit 1 where something leaks."""
    import json
    from dataclasses import asdict

    from seqctx.config.config import parse_config
    from seqctx.config.source import read_text
    from seqctx.proofs.isolation import prove_isolation

    if len(configs) > 1:
        raise click.UsageError("--prove-isolation takes one CONFIG.")
    path = None if configs[0] == "-" else Path(configs[0])
    cfg = parse_config(read_text(path, sys.stdin.buffer)[1], overrides)
    found = prove_isolation(cfg, real_weights=real_weights)
    if as_json:
        said = {"isolated": not found.leaks, "leaks": found.leaks, "largest": found.largest,
                "verdict": found.verdict, "border": found.border}  # fmt: skip
        click.echo(json.dumps({**said, **asdict(found)}, indent=2))
    else:
        from rich.console import Console

        from seqctx.cli.render.terminal import isolation_view

        Console().print(isolation_view(found), highlight=False)
        click.echo(found.verdict)
        if found.border:
            click.echo(f"note: {found.border}")
    if found.leaks:
        raise click.exceptions.Exit(1)


@click.command()
def schema() -> None:
    r"""Print the JSON Schema of the file, for editors.

    A YAML whose first line is "# yaml-language-server: $schema=seqctx.schema.json" gets completion
    and hover texts in editors with a YAML language server.

    \b
    Example:
      seqctx schema > axolotl_configs/seqctx.schema.json
    """
    from seqctx.config.json_schema import schema_text

    click.echo(schema_text(), nl=False)


@click.command()
@CONFIG
@click.option("--base-model", help="A folder with a checkpoint, or a hub id.")
@click.option("--gpu", help="The card, such as rtx-5090, or cpu.")
@click.option("--manuscripts", multiple=True, help="A file or folder of text. May be repeated.")
@click.option(
    "--goal",
    type=click.Choice(["voice", "overlap", "arcs", "packed"]),
    help="voice: 2,048 tokens at a time; overlap: and a quarter of the chunk before as context; "
    "arcs: 4,096; packed: 2,048, several examples in a row.",
)
def init(
    config: Path, base_model: str | None, gpu: str | None, manuscripts: tuple[str, ...], goal: Any
) -> None:
    r"""Write a file to start from; ask for what no option says.

    CONFIG is written with a comment on every key, and beside it the schema for editors. A file
    that is there is never overwritten.

    \b
    Examples:
      seqctx init axolotl_configs/novel.yaml
      seqctx init my.yaml --base-model Qwen/Qwen3-8B --gpu rtx-4090 --manuscripts texts --goal voice
    """
    from seqctx.catalog.gpus import find_gpu, known_gpus, machine_gpu
    from seqctx.catalog.models import find_model
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


VERBS = (init, check, schema)
