"""Verbs that look ahead: plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from seqctx.cli.options import CONFIG, SET
from seqctx.errors import InputError


@click.command()
@CONFIG
@SET
@click.option("--gpu", metavar="NAME", help="Such as rtx-4090. Default: what seqctx.gpu names.")
@click.option("--options", "compare", is_flag=True, help="Compare the ways to train, and choose.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
@click.option("--html", type=click.Path(path_type=Path), help="Write a page with plots, too.")
def plan(
    config: Path, overrides: dict[str, Any], gpu: str | None, compare: bool, as_json: bool,
    html: Path | None,
) -> None:  # fmt: skip
    r"""Plan memory before the GPU hours: training and serving, term by term.

    The exit status is 1 where training or serving does not fit the card. With --options the ways
    to train are put side by side for this manuscript, as seqctx prepare measured it, and one is
    chosen by seqctx.goal, with reasons.

    \b
    Examples:
      seqctx plan axolotl_configs/llama-3.1-8b-qlora-32gb.yaml
      seqctx plan my.yaml --gpu rtx-4090 --set sequence_len=4096
      seqctx plan my.yaml --options --set seqctx.goal=structure
      seqctx plan my.yaml --json --html plan.html
    """
    import json
    from dataclasses import asdict

    from seqctx.plan.overview import Planned
    from seqctx.schema.config import load_config

    planned = Planned.of(load_config(config, overrides), gpu)
    advice = None
    if compare:
        from seqctx.plan.advice import advise
        from seqctx.schema.figures import FIGURES, Figures

        out = Path("prepare/out") / config.stem
        figures = Figures.read(out / FIGURES)
        if figures is None:
            raise InputError(f"{out}: holds no {FIGURES}. Run seqctx prepare {config} first.")
        advice = advise(planned.cfg, figures, planned.shape, goal=planned.cfg.seqctx.goal,
                        gpu=planned.training.gpu)  # fmt: skip
    if html:
        from seqctx.files import atomic_write
        from seqctx.plan.page import plan_page

        with atomic_write(html) as f:
            f.write(plan_page(planned, advice))
    if as_json:
        data = {"training": asdict(planned.training), "longest": planned.longest}
        if planned.serving:
            data["serving"] = asdict(planned.serving)
        if advice:
            data["advice"] = asdict(advice)
        click.echo(json.dumps(data, indent=2))
    else:
        from rich.console import Console

        from seqctx.show import plan_view

        Console().print(plan_view(planned, advice), highlight=False)
    if not planned.fits:
        raise click.exceptions.Exit(1)


VERBS: tuple[click.Command, ...] = (plan,)
