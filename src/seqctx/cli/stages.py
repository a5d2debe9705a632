"""Verbs that run: prepare, train, serve, demo."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click
import yaml

from seqctx.cli.options import CONFIG, DRY_RUN, FORCE, SET
from seqctx.errors import SeqctxError, ToolError


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
    from seqctx.prepare import out_folder
    from seqctx.prepare import prepare as run
    from seqctx.prepare.readers import find_manuscripts
    from seqctx.schema.config import load_config

    cfg, out = load_config(config, overrides), out_folder(config)
    if dry_run:
        for path in find_manuscripts(cfg.seqctx.prepare.manuscripts):
            click.echo(f"read {path}")
        click.echo(f"tokenizer of {cfg.base_model}, sequence_len {cfg.sequence_len}")
        click.echo(f"write {out}")
        return
    from seqctx.prepare.report import report_lines
    from seqctx.schema.figures import FIGURES, REPORT, Figures
    from seqctx.show import manifest_lines, status

    with status("preparing") as update:
        manifest, redone = run(cfg, out, force=force, on_step=update)
    for line in manifest_lines(manifest, out, redone):
        click.echo(line)
    if figures := Figures.read(out / FIGURES):
        for line in report_lines(figures):
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
    shows whether it was worth it: OUTPUT_DIR/run/worth.html. What stands after -- goes to torchrun, or to the launcher named there.

    \b
    Examples:
      seqctx train axolotl_configs/smollm2-135m-qlora-cpu.yaml
      seqctx train my.yaml --resume
      seqctx train my.yaml --dry-run
      seqctx train my.yaml -- --nnodes 2 --nproc_per_node 8 --rdzv_endpoint host:29500
      seqctx train my.yaml -- --launcher accelerate --num_processes 4
    """
    from seqctx.schema.config import load_config
    from seqctx.train import kept_step, resolve, train_command
    from seqctx.train import train as run

    cfg = load_config(config, overrides)
    if dry_run:
        from seqctx.files import partial_of
        from seqctx.schema.render import axolotl_mapping

        partial = partial_of(Path(cfg.output_dir))
        resolved = partial / "run" / "axolotl.yaml"
        try:
            mapping = resolve(cfg, partial)
        except SeqctxError as error:
            mapping = axolotl_mapping(cfg, output_dir=partial)
            click.echo(f"would fail: {error}", err=True)
        click.echo(f"# {resolved}")
        click.echo(yaml.safe_dump(mapping, sort_keys=False, allow_unicode=True))
        click.echo(shlex.join(train_command(_tool("axolotl"), resolved, launcher)))
        return
    from rich.console import Console

    from seqctx.show import run_lines, training_bar

    try:
        with training_bar(Console(stderr=True)) as show:
            record, redone = run(
                cfg, path=config, force=force, resume=resume, launcher=launcher, on_event=show
            )
    except (KeyboardInterrupt, SystemExit):
        if step := kept_step(cfg):
            click.echo(f"step {step} is kept. Go on: seqctx train {config} --resume", err=True)
        raise
    for line in run_lines(record, cfg.output_dir, redone):
        click.echo(line)
    where = Path(cfg.output_dir) / "run" / "worth.html"
    if page and (redone or not where.is_file()):
        from seqctx.show import status
        from seqctx.train.page import write_page

        with status("loading the base model once more") as update:
            worth = write_page(cfg, record, on_step=update)
        for line in worth.lines:
            click.echo(line)
        click.echo(f"page: {worth.where}")


@click.command()
@click.argument("target")
@SET
@DRY_RUN
def serve(target: str, overrides: dict[str, Any], dry_run: bool) -> None:
    r"""Serve with vLLM until Ctrl-C.

    TARGET is a YAML file, whose adapter is served beside its base; or a folder with a base model,
    a merged model or an adapter; or a hub id.

    \b
    Examples:
      seqctx serve axolotl_configs/smollm2-135m-qlora-cpu.yaml
      seqctx serve outputs/smollm2-135m-qlora-cpu --set vllm.max_model_len=4096
    """
    from seqctx.schema.render import vllm_command
    from seqctx.serve import check_served, log_path, serve_command, serving, target_config

    cfg = target_config(target, overrides)
    if dry_run:
        try:
            command = serve_command(cfg)
        except ToolError as error:
            command = vllm_command(cfg)
            click.echo(f"would fail: {error}", err=True)
        try:
            check_served(cfg)
        except SeqctxError as error:
            click.echo(f"would fail: {error}", err=True)
        click.echo(shlex.join(command))
        return
    from seqctx.show import status

    if cfg.vllm.host not in ("127.0.0.1", "localhost", "::1"):
        click.echo(f"vllm.host: {cfg.vllm.host} opens the server to the network.", err=True)
    with status("starting vLLM") as update, serving(cfg, log_path(cfg), on_stage=update) as server:
        update("")
        click.echo(f"{server.url}/v1 serves {server.base} (base)", nl=False)
        click.echo(f" and {server.adapter} (adapter)" if server.adapter else "")
        click.echo(f"The log is {server.log}. Ctrl-C stops the server.", err=True)
        server.wait()


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

    from seqctx.demo import demo as run
    from seqctx.prepare import out_folder
    from seqctx.schema.config import load_config
    from seqctx.show import demo_page, step_line, training_bar

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
    from seqctx.process import find_tool

    try:
        return find_tool(name)
    except ToolError as error:
        click.echo(f"would fail: {error}", err=True)
        return Path(name)


VERBS = (prepare, train, serve, demo)
