"""Verbs that run: prepare, train, merge, demo."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import yaml

from seqctx.cli.options import CONFIG, DRY_RUN, FORCE, SET
from seqctx.errors import SeqctxError, ToolError

if TYPE_CHECKING:
    from seqctx.artifacts.run_record import Run
    from seqctx.config.config import Config


@click.command()
@CONFIG
@SET
@FORCE
@DRY_RUN
def prepare(config: Path, overrides: dict[str, Any], force: bool, dry_run: bool) -> None:
    r"""Turn manuscripts into training examples.

    Reads seqctx.prepare of CONFIG and writes prepare/out/NAME/, where NAME is the file's.
    Nothing is written where nothing changed.

    \b
    Examples:
      seqctx prepare axolotl_configs/smollm2-135m-qlora-cpu.yaml
      seqctx prepare my.yaml --set seqctx.prepare.held_out=0.2
    """
    from seqctx.config.config import load_config
    from seqctx.prepare.pipeline import out_folder
    from seqctx.prepare.pipeline import prepare as run
    from seqctx.prepare.readers.manuscripts import find_manuscripts

    cfg, out = load_config(config, overrides), out_folder(config)
    if dry_run:
        for path in find_manuscripts(cfg.seqctx.prepare.manuscripts):
            click.echo(f"read {path}")
        click.echo(f"tokenizer of {cfg.base_model}, sequence_len {cfg.sequence_len}")
        click.echo(f"write {out}")
        return
    from seqctx.artifacts.dataset_stats import REPORT, STATS, DatasetStats
    from seqctx.cli.render.terminal import manifest_lines, status
    from seqctx.prepare.report import report_lines

    with status("preparing") as update:
        manifest, redone = run(cfg, out, force=force, on_step=update)
    for line in manifest_lines(manifest, out, redone):
        click.echo(line)
    if stats := DatasetStats.read(out / STATS):
        for line in report_lines(stats):
            click.echo(line)
        click.echo(f"report: {out / REPORT}")
    named = [d.path for d in (*cfg.datasets, *cfg.test_datasets)]
    files = [str(out / n) for n in (*manifest.train.files, *manifest.held_out.files)]
    for name in (name for name in files if name not in named):
        click.echo(f"{config}: datasets: does not name {name}. Add it.", err=True)


@click.command()
@CONFIG
@SET
@FORCE
@DRY_RUN
@click.option("--resume", is_flag=True, help="Go on from the newest whole checkpoint.")
@click.option("--page/--no-page", default=True, help="Ask base and adapter when it is done.")
@click.argument("launcher", nargs=-1, type=click.UNPROCESSED)
def train(
    config: Path, overrides: dict[str, Any], force: bool, dry_run: bool, resume: bool, page: bool,
    launcher: tuple[str, ...],
) -> None:  # fmt: skip
    r"""Train with Axolotl.

    First the file, its data, memory and disk are looked at. Axolotl gets a resolved copy of
    CONFIG, kept with its log in OUTPUT_DIR/run. OUTPUT_DIR holds the checkpoint with the lowest
    held-out loss. Nothing is run where nothing changed.

    Ctrl-C stops at a checkpoint of the step it is in; a second one at once. A run that was
    interrupted or killed, or failed, goes on with --resume; the last good output stays until the
    new one is whole.

    When it is done, base and adapter are asked to continue held-out passages, for a page that
    shows whether it was worth it: OUTPUT_DIR/run/worth.html. What stands after -- goes to
    torchrun, or to the launcher named there; of several machines the first leads, and those with
    --node_rank above 0 take part.

    \b
    Examples:
      seqctx train axolotl_configs/smollm2-135m-qlora-cpu.yaml
      seqctx train my.yaml --resume
      seqctx train my.yaml --dry-run
      seqctx train my.yaml -- --nnodes 2 --node_rank 0 --nproc_per_node 8 --master_addr host
      seqctx train my.yaml -- --launcher accelerate --num_processes 4
    """
    from seqctx.config.config import load_config
    from seqctx.train.run import follow, kept_step, node_rank, resolve, train_command
    from seqctx.train.run import train as run

    cfg = load_config(config, overrides)
    if dry_run:
        from seqctx.config.render import axolotl_mapping
        from seqctx.system.atomic import partial_of

        partial = partial_of(Path(cfg.output_dir))
        resolved = partial / "run" / "axolotl.yaml"
        try:
            mapping = resolve(cfg, partial)
        except SeqctxError as error:
            mapping = axolotl_mapping(cfg, output_dir=partial)
            click.echo(f"would fail: {error}", err=True)
        click.echo(f"# {resolved}")
        click.echo(yaml.safe_dump(mapping, sort_keys=False, allow_unicode=True))
        ray = bool(cfg.get("use_ray"))
        click.echo(shlex.join(train_command(_tool("axolotl"), resolved, launcher, ray=ray)))
        return
    from rich.console import Console

    from seqctx.cli.render.terminal import run_lines, training_bar

    if rank := node_rank(launcher):
        with training_bar(Console(stderr=True)) as show:
            log = follow(cfg, launcher, resume=resume, on_event=show)
        click.echo(f"machine {rank} is done; the log is {log}. The first one has the record.")
        return
    try:
        with training_bar(Console(stderr=True)) as show:
            record, redone = run(
                cfg, path=config, force=force, resume=resume, launcher=launcher, on_event=show
            )
    except (KeyboardInterrupt, SystemExit):
        if step := kept_step(cfg):
            said = [arg for arg in sys.argv[2:] if arg not in ("--resume", "--force")]
            again = shlex.join(["seqctx", "train", "--resume", *said])
            click.echo(f"step {step} is kept. Go on: {again}", err=True)
        raise
    for line in run_lines(record, cfg.output_dir, redone):
        click.echo(line)
    where = Path(cfg.output_dir) / "run" / "worth.html"
    if page and (redone or not where.is_file()):
        _write_page(cfg, record)


def _write_page(cfg: Config, record: Run) -> None:
    """Write the page; what was trained is whole, whatever becomes of it."""
    from seqctx.cli.render.terminal import status
    from seqctx.train.page import drawable, write_page

    if not drawable():
        click.echo("no page, no curve: they need pip install 'seqctx[prepare]'", err=True)
        return
    if other := [key for key in ("rl", "reward_model", "process_reward_model") if cfg.get(key)]:
        click.echo(f"no page: with {other[0]} held-out text has no loss of its own", err=True)
        return
    try:
        with status("loading the base model once more") as update:
            worth = write_page(cfg, record, on_step=update)
    except ToolError as error:
        click.echo(f"no page: {error}", err=True)
        return
    for line in worth.lines:
        click.echo(line)
    click.echo(f"page: {worth.where}")


@click.command()
@CONFIG
@SET
@FORCE
@DRY_RUN
@click.option("--judge/--no-judge", default=True, help="Compare held-out losses when it is done.")
def merge(config: Path, overrides: dict[str, Any], force: bool, dry_run: bool, judge: bool) -> None:
    r"""Merge the adapter into its base, with Axolotl.

    OUTPUT_DIR/merged is a model of its own, for seqctx serve --merged or any other server. Before
    that adapter and base are held against each other: weights, vocabulary, rank. Afterwards the
    loss on held-out examples is told of the base in 4 bit with the adapter, as it was trained; of
    the base in 16 bit with the adapter, as vLLM serves it; and of the merged model.

    \b
    Examples:
      seqctx merge axolotl_configs/smollm2-135m-qlora-cpu.yaml
      seqctx merge my.yaml --dry-run
    """
    from seqctx.cli.render.terminal import status
    from seqctx.config.config import load_config
    from seqctx.train.merge import compare, merge_command
    from seqctx.train.merge import merge as run

    cfg = load_config(config, overrides)
    if dry_run:
        click.echo(shlex.join(merge_command(cfg, _tool("axolotl"))))
        return
    with status("looking at base and adapter") as update:
        folder, redone = run(cfg, force=force, on_step=update)
    click.echo(f"{'merged:' if redone else 'up to date:'} {folder}")
    if judge:
        with status("loading the base model") as update:
            verdicts = compare(cfg, on_step=update)
        for verdict in verdicts:
            click.echo(f"held-out loss {verdict.loss:.4f}: {verdict.name}")


@click.command()
@CONFIG
@SET
def demo(config: Path, overrides: dict[str, Any]) -> None:
    r"""Walk the whole road: prepare, train, serve, ask base and adapter, stop.

    Both are asked for what follows a passage of the held-out chapters; their answers are printed
    beside the author's own lines. A second run redoes only what changed.

    \b
    Example:
      seqctx demo axolotl_configs/smollm2-135m-qlora-cpu.yaml
    """
    from rich.console import Console

    from seqctx.cli.render.terminal import demo_page, step_line, training_bar
    from seqctx.config.config import load_config
    from seqctx.demo import demo as run
    from seqctx.prepare.pipeline import out_folder

    cfg, out = load_config(config, overrides), out_folder(config)
    console = Console(stderr=True)
    with training_bar(console) as show:
        result = run(
            cfg,
            out,
            on_step=lambda line: console.print(f"  {line}", highlight=False),
            on_train=show,
            on_done=lambda step: console.print(step_line(step), highlight=False),
        )
    folders = {
        "examples": out,
        "adapter": Path(cfg.output_dir),
        "base model": Path(cfg.base_model),
        "core environment": Path(".venv"),
        "Axolotl": Path(".venv-train"),
        "vLLM": Path(".venv-serve"),
    }
    Console().print(demo_page(result, folders))


def _tool(name: str) -> Path:
    """The tool, or its bare name with a note that it is missing: for dry runs."""
    from seqctx.system.environments import find_tool

    try:
        return find_tool(name)
    except ToolError as error:
        click.echo(f"would fail: {error}", err=True)
        return Path(name)


VERBS = (prepare, train, merge, demo)
