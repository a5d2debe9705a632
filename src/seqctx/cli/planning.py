"""Verbs that look ahead: plan, explain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seqctx.cli.options import CONFIG, SET
from seqctx.errors import InputError

if TYPE_CHECKING:
    from seqctx.artifacts.dataset_stats import DatasetStats


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

    from seqctx.config.config import load_config
    from seqctx.plan.summary import Planned

    stats = _stats(config)
    planned = Planned.of(load_config(config, overrides), gpu, stats)
    advice = None
    if compare:
        from seqctx.plan.options import advise

        if stats is None:
            raise InputError(
                f"prepare/out/{config.stem}: was not prepared, and the options are compared on its "
                f"text. Run seqctx prepare {config} first."
            )
        advice = advise(planned.cfg, stats, planned.model, goal=planned.cfg.seqctx.goal,
                        gpu=planned.training.gpu)  # fmt: skip
    if html:
        from seqctx.plan.page import plan_page
        from seqctx.system.atomic import atomic_write

        with atomic_write(html) as f:
            f.write(plan_page(planned, advice))
    if as_json:
        data: dict[str, Any] = {"training": asdict(planned.training), "longest": planned.longest}
        if planned.refused:
            data["refused"] = planned.refused
        for name in ("serving", "time", "speed"):
            if found := getattr(planned, name):
                data[name] = asdict(found)
        if advice:
            data["advice"] = asdict(advice)
        click.echo(json.dumps(data, indent=2))
    else:
        from rich.console import Console

        from seqctx.cli.render.terminal import plan_view

        Console().print(plan_view(planned, advice), highlight=False)
    if not planned.fits:
        raise click.exceptions.Exit(1)


@click.command()
@click.argument("topic", required=False)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=Path("axolotl_configs/llama-3.1-8b-qlora-32gb.yaml"),
    show_default=True,
    help="Whose numbers to explain with.",
)
@click.option("--prove", is_flag=True, help="Measure it on the model, too: myths only.")
@SET
def explain(topic: str | None, config: Path, prove: bool, overrides: dict[str, Any]) -> None:
    r"""Explain the two lengths with the numbers of your own file.

    TOPIC is lengths, memory, concurrency or myths; without one all are told. With myths --prove the
    model in base_model's folder, with the trained adapter where there is one, is asked whether it
    knows sequence_len: by its attention, and by what repeats in what it writes. The exit status is
    1 where it does.

    \b
    Examples:
      seqctx explain
      seqctx explain myths --config my.yaml
      seqctx explain myths --prove --config my.yaml --set sequence_len=256
    """
    from seqctx.config.config import load_config
    from seqctx.plan.explain import explain as tell
    from seqctx.plan.summary import Planned

    if prove and topic != "myths":
        raise click.UsageError("--prove goes with the topic myths.")
    stats = _stats(config)
    cfg = load_config(config, overrides)
    planned = Planned.of(cfg, stats=stats)
    for paragraph in tell(planned, stats, topic):
        click.echo(click.wrap_text(paragraph, width=90) + "\n")
    if prove:
        from seqctx.proofs.continuity import prove_continuity

        found = prove_continuity(cfg)
        for line in found.lines():
            click.echo(line)
        if found.failures:
            raise click.exceptions.Exit(1)


def _stats(config: Path) -> DatasetStats | None:
    """What prepare measured for a file, if it did."""
    from seqctx.artifacts.dataset_stats import STATS, DatasetStats

    return DatasetStats.read(Path("prepare/out") / config.stem / STATS)


VERBS: tuple[click.Command, ...] = (plan, explain)
