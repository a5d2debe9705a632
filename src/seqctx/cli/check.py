"""``seqctx check``."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from seqctx.cli.options import SET
from seqctx.cli.output import print_json, print_line, print_text
from seqctx.errors import InputError


@click.command()
@click.argument("configs", metavar="CONFIG...", nargs=-1, required=True)
@click.option(
    "--json", "as_json", is_flag=True, help="Print a JSON list, an object for each problem."
)
@click.option("--strict", is_flag=True, help="Exit with 1 for warnings, too.")
@click.option(
    "--suggest", "as_diff", is_flag=True,
    help="Print the vllm: and seqctx: blocks that the file lacks, as a diff.",
)  # fmt: skip
@click.option(
    "--prove-isolation",
    "prove",
    is_flag=True,
    help="Measure with Axolotl whether packed examples see one another.",
)
@click.option(
    "--real-weights",
    is_flag=True,
    help="Measure that with the base model itself instead of a tiny model of its class.",
)
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
    r"""Find problems that Axolotl and vLLM do not report.

    Prints all problems of each CONFIG, one on each line: errors, warnings and notes, each with what
    to do. CONFIG may be - for standard input.

    With --prove-isolation, Axolotl packs a few examples and trains on them for one step, on a tiny
    random model of the base model's class. One token of one example is changed: no other example's
    predictions or gradients may change. The file is not checked for anything else then.

    \b
    Needs   the file; with --prove-isolation also Axolotl (seqctx setup train)
    Writes  nothing
    Exit    0   good
            1   an error (with --strict, also a warning), or a leak
            2   a file that cannot be read
            3   Axolotl failed

    \b
    Examples:
      seqctx check *.yaml
      seqctx check --strict --json my.yaml
      seqctx check --suggest other.yaml | patch other.yaml
      seqctx check --prove-isolation my.yaml --set attn_implementation=sdpa
    """
    if prove or real_weights:
        _prove(configs, real_weights, as_json, overrides)
    elif as_diff:
        _suggest(configs, overrides)
    else:
        _check(configs, as_json, strict, overrides)


def _check(
    configs: tuple[str, ...], as_json: bool, strict: bool, overrides: dict[str, Any]
) -> None:
    """Print all problems of all files; exit 1 where one is an error."""
    from seqctx.check.files import check_files

    checked = check_files(configs, overrides, sys.stdin.buffer)
    if as_json:
        print_json([asdict(problem) for problem in checked.problems])
    else:
        for problem in checked.problems:
            print_line(str(problem))
    if checked.unreadable:
        raise InputError(*checked.unreadable)
    if checked.fails(strict=strict):
        raise click.exceptions.Exit(1)
    if not checked.problems and not as_json:
        print_line("no problems found", err=True)


def _suggest(configs: tuple[str, ...], overrides: dict[str, Any]) -> None:
    """Print the blocks that each file lacks."""
    from seqctx.errors import SeqctxError
    from seqctx.scaffold.suggest import suggest_for_file

    unreadable: list[str] = []
    for name in configs:
        try:
            diff = suggest_for_file(name, overrides, sys.stdin.buffer)
        except SeqctxError as error:
            unreadable += error.lines
        else:
            print_text(diff)
    if unreadable:
        raise InputError(*unreadable)


def _prove(
    configs: tuple[str, ...], real_weights: bool, as_json: bool, overrides: dict[str, Any]
) -> None:
    """Print what was measured of one file; exit 1 where examples see one another."""
    from seqctx.config.config import parse_config
    from seqctx.config.source import read_text
    from seqctx.proofs.isolation import prove_isolation

    if len(configs) > 1:
        raise click.UsageError("--prove-isolation takes one CONFIG.")
    path = None if configs[0] == "-" else Path(configs[0])
    cfg = parse_config(read_text(path, sys.stdin.buffer)[1], overrides)
    isolation = prove_isolation(cfg, real_weights=real_weights)
    if as_json:
        print_json(isolation.as_data())
    else:
        from seqctx.cli.render.console import print_view
        from seqctx.cli.render.proofs import isolation_view

        print_view(isolation_view(isolation))
        print_line(isolation.verdict)
        if isolation.border:
            print_line(f"note: {isolation.border}")
    if isolation.leaks:
        raise click.exceptions.Exit(1)
