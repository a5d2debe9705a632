"""``seqctx train``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from seqctx.cli.options import CONFIG, DRY_RUN, FORCE, SET
from seqctx.cli.output import print_error, print_line, print_text
from seqctx.errors import ToolError

if TYPE_CHECKING:
    from seqctx.artifacts.run_record import TrainingRun
    from seqctx.config.config import Config
    from seqctx.config.source import Document


@click.command()
@CONFIG
@SET
@FORCE
@DRY_RUN
@click.option("--resume", is_flag=True, help="Continue an interrupted run from its checkpoint.")
@click.option(
    "--page/--no-page",
    default=True,
    help="Compare base model and adapter on held-out text afterwards, as a page. Default: --page.",
)
@click.argument("launcher", nargs=-1, type=click.UNPROCESSED)
def train(
    config: Path, overrides: dict[str, Any], force: bool, dry_run: bool, resume: bool, page: bool,
    launcher: tuple[str, ...],
) -> None:  # fmt: skip
    r"""Train the model with Axolotl.

    First the file, its data, memory and disk space are checked. Then Axolotl runs on a copy of
    CONFIG with all settings filled in. OUTPUT_DIR, which is output_dir in CONFIG, gets the
    checkpoint with the lowest held-out loss. Does nothing if nothing changed since the last run.

    Ctrl-C stops after the current step, with a checkpoint; a second Ctrl-C stops at once. A run
    that was interrupted or failed continues with --resume. An earlier result stays in OUTPUT_DIR
    until the new one is complete.

    Arguments after -- go to torchrun, or to the launcher named there. With several machines, run
    this on each: the first one leads, those with --node_rank above 0 take part.

    \b
    Needs   Axolotl (seqctx setup train), the examples of seqctx prepare (or
            your own datasets), the base model
    Writes  OUTPUT_DIR: the trained weights; OUTPUT_DIR/run: what Axolotl was
            given, its log, the record of the run, and the page comparison.html
    Exit    0   trained or up to date
            1   problems found before training
            2   input that cannot be used
            3   Axolotl failed
            130 interrupted

    \b
    Examples:
      seqctx train my.yaml
      seqctx train my.yaml --resume
      seqctx train my.yaml --dry-run
      seqctx train my.yaml -- --nproc_per_node 8
      seqctx train my.yaml -- --nnodes 2 --node_rank 0 --master_addr host
      seqctx train my.yaml -- --launcher accelerate --num_processes 4
    """
    from seqctx.config.config import parse_config
    from seqctx.config.source import read_document

    document = read_document(config).with_overrides(overrides)
    cfg = parse_config(document)
    if dry_run:
        _dry_run(cfg, config, launcher, document)
        return
    from seqctx.cli.render.console import terminal
    from seqctx.cli.render.progress import training_bar
    from seqctx.cli.render.train import run_lines
    from seqctx.train.launch import node_rank
    from seqctx.train.page import comparison_is_due
    from seqctx.train.resume import resumable_step
    from seqctx.train.run import join_training
    from seqctx.train.run import train as run

    if rank := node_rank(launcher):
        with training_bar(terminal(err=True)) as show:
            log = join_training(cfg, launcher, resume=resume, on_event=show)
        print_line(f"machine {rank} is done; its log is {log}. The first machine has the record.")
        return
    try:
        with training_bar(terminal(err=True)) as show:
            record, redone = run(
                cfg,
                document=document,
                config=config,
                force=force,
                resume=resume,
                launcher=launcher,
                on_event=show,
            )
    except (KeyboardInterrupt, SystemExit):
        if step := resumable_step(cfg):
            print_line(f"Step {step} was saved. Continue: {_resume_command()}", err=True)
        raise
    for line in run_lines(record, cfg.output_dir, redone):
        print_line(line)
    if page and comparison_is_due(cfg, new=redone):
        _write_page(cfg, record)


def _resume_command() -> str:
    """The command that was given, with --resume."""
    from seqctx.cli.main import arguments_of_verb
    from seqctx.cli.options import shown_override
    from seqctx.system.secrets import separate_overrides

    given, overrides = separate_overrides(arguments_of_verb())
    given = [argument for argument in given if argument not in ("--resume", "--force")]
    sets = [word for item in overrides for word in ("--set", shown_override(item))]
    return shlex.join(["seqctx", "train", "--resume", *sets, *given])


def _dry_run(cfg: Config, config: Path, launcher: tuple[str, ...], document: Document) -> None:
    """Print the resolved file and the command; exit as the run would fail."""
    import yaml

    from seqctx.cli.options import print_failures
    from seqctx.train.dry_run import dry_run_of_training

    planned = dry_run_of_training(cfg, launcher, document=document, config=config)
    print_line(f"# {planned.resolved}")
    print_text(yaml.safe_dump(planned.mapping, sort_keys=False, allow_unicode=True) + "\n")
    print_line(shlex.join(planned.command))
    print_failures(planned.failures)


def _write_page(cfg: Config, record: TrainingRun) -> None:
    """Write the page; if that fails, the trained weights are complete all the same."""
    from seqctx.cli.render.progress import status
    from seqctx.train.page import comparison_obstacle, write_comparison

    if obstacle := comparison_obstacle(cfg):
        print_line(obstacle, err=True)
        return
    try:
        with status("loading the base model") as update:
            comparison = write_comparison(cfg, record, on_step=update)
    except ToolError as error:
        print_error(error, "comparison page: not written: ")
        return
    for line in comparison.lines:
        print_line(line)
    print_line(f"comparison page: {comparison.path}")
