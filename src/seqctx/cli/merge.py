"""``seqctx merge``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from seqctx.cli.options import CONFIG, DRY_RUN, FORCE, SET, print_failures
from seqctx.cli.output import print_line


@click.command()
@CONFIG
@SET
@FORCE
@DRY_RUN
@click.option(
    "--evaluate/--no-evaluate",
    default=True,
    help="Compare held-out losses before and after merging. Default: --evaluate.",
)
def merge(
    config: Path, overrides: dict[str, Any], force: bool, dry_run: bool, evaluate: bool
) -> None:
    r"""Merge the trained adapter into its base model.

    The merged model is complete: seqctx serve --merged serves it, and so does any other server.
    Before merging, adapter and base model are compared: weights, vocabulary, rank.

    Afterwards the loss on held-out examples is printed for the base model in 4 bit with the
    adapter, as it was trained; for the base model in 16 bit with the adapter, as vLLM serves it;
    and for the merged model.

    \b
    Needs   Axolotl (seqctx setup train), the adapter of seqctx train, the base
            model
    Writes  OUTPUT_DIR/merged, where OUTPUT_DIR is output_dir in CONFIG
    Exit    0   merged or up to date
            1   no adapter, or one that does not belong to the base model
            2   input that cannot be used
            3   Axolotl failed

    \b
    Examples:
      seqctx merge my.yaml
      seqctx merge my.yaml --dry-run
    """
    from seqctx.config.config import load_config

    cfg = load_config(config, overrides)
    if dry_run:
        from seqctx.train.dry_run import dry_run_of_merging

        planned = dry_run_of_merging(cfg)
        print_line(shlex.join(planned.command))
        print_failures(planned.failures)
        return
    from seqctx.cli.render.progress import status
    from seqctx.train.merge import compare_merged
    from seqctx.train.merge import merge as run

    with status("comparing base model and adapter") as update:
        folder, redone = run(cfg, force=force, on_step=update)
    print_line(f"{'merged:' if redone else 'up to date:'} {folder}")
    if evaluate:
        with status("loading the base model") as update:
            results = compare_merged(cfg, on_step=update)
        for result in results:
            print_line(f"held-out loss {result.loss:.4f}: {result.name}")
