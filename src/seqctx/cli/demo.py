"""``seqctx demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from seqctx.cli.options import CONFIG, SET


@click.command()
@CONFIG
@SET
def demo(config: Path, overrides: dict[str, Any]) -> None:
    r"""Prepare, train, serve and compare, end to end.

    Base model and adapter are asked to continue a passage that was held out of training; their
    answers are printed beside the author's own text. A second run repeats only what changed.

    \b
    Needs   Axolotl and vLLM (seqctx setup train, seqctx setup serve), the
            manuscripts and the base model
    Writes  what seqctx prepare and seqctx train write
    Exit    0   done
            1   problems found in the file, the data or the memory
            2   input that cannot be used
            3   Axolotl or vLLM failed
            130 interrupted

    \b
    Example:
      seqctx demo my.yaml
    """
    from seqctx.artifacts.layout import DatasetDir
    from seqctx.cli.render.console import print_view, terminal
    from seqctx.cli.render.demo import demo_page, step_line
    from seqctx.cli.render.progress import training_bar
    from seqctx.config.config import load_config
    from seqctx.demo import demo as run
    from seqctx.system.visible import visible_line

    cfg, folder = load_config(config, overrides), DatasetDir.of(config).path
    console = terminal(err=True)
    with training_bar(console) as show:
        result = run(
            cfg,
            folder,
            config=config,
            on_step=lambda line: console.print(f"  {visible_line(line)}"),
            on_train=show,
            on_done=lambda step: console.print(visible_line(step_line(step))),
        )
    print_view(demo_page(result))
