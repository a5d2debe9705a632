"""``seqctx plan``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from seqctx.cli.options import CONFIG, SET
from seqctx.cli.output import print_json


@click.command()
@CONFIG
@SET
@click.option(
    "--gpu", metavar="NAME", help="Plan for this GPU, such as rtx-4090, instead of seqctx.gpu."
)
@click.option("--options", "compare", is_flag=True, help="Compare ways to train, and choose one.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
@click.option("--html", type=click.Path(path_type=Path), help="Also write a page with plots.")
def plan(
    config: Path, overrides: dict[str, Any], gpu: str | None, compare: bool, as_json: bool,
    html: Path | None,
) -> None:  # fmt: skip
    r"""Compute the memory and time that training and serving need.

    Shows every part of the memory with its formula, whether all of it fits the GPU, and the largest
    sequence_len, batch size, rank and context length that would fit.

    With --options, ways to train (length, overlap, packing) are compared for your manuscript, and
    one is chosen for the goal that seqctx.goal names, with reasons.

    \b
    Needs   the file; with --options also the examples of seqctx prepare
    Writes  nothing; with --html a page; it replaces only such a page
    Exit    0   fits
            1   training or serving does not fit the GPU
            2   wrong usage, or a model that cannot be planned

    \b
    Examples:
      seqctx plan my.yaml
      seqctx plan my.yaml --gpu rtx-4090 --set sequence_len=4096
      seqctx plan my.yaml --options --set seqctx.goal=structure
      seqctx plan my.yaml --json --html plan.html
    """
    from seqctx.config.config import load_config
    from seqctx.plan.file import plan_file

    result = plan_file(config, load_config(config, overrides), gpu=gpu, compare=compare)
    if html:
        from seqctx.plan.page import plan_page
        from seqctx.report.write_page import write_page

        write_page(html, plan_page(result.summary, result.compared))
    if as_json:
        print_json(result.as_data())
    else:
        from seqctx.cli.render.console import print_view
        from seqctx.cli.render.plan import plan_view

        print_view(plan_view(result.summary, result.compared))
    if not result.summary.fits:
        raise click.exceptions.Exit(1)
