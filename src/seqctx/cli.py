"""The command line: one verb a stage; the only place that prints and exits."""

from __future__ import annotations

import shlex
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click
import yaml

from seqctx import __version__
from seqctx.errors import InputError, SeqctxError, ToolError

CONFIG = click.argument("config", type=click.Path(path_type=Path))
DRY_RUN = click.option("--dry-run", is_flag=True, help="Print what would run; run nothing.")
FORCE = click.option("--force", is_flag=True, help="Do it again though nothing changed.")


def _overrides(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, Any]:
    """``KEY=VALUE`` items as a mapping; values are YAML."""
    found = {}
    for item in values:
        key, equals, value = item.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"{item!r} is not KEY=VALUE, such as vllm.port=8001")
        try:
            found[key] = yaml.safe_load(value)
        except (yaml.YAMLError, ValueError):
            raise click.BadParameter(f"{item!r}: the value is no YAML") from None
    return found


SET = click.option(
    "--set",
    "overrides",
    metavar="KEY=VALUE",
    multiple=True,
    callback=_overrides,
    help="Lay one key over the file for this run, such as vllm.port=8001. May be repeated.",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__)
def cli() -> None:
    r"""Two lengths, one file: what Axolotl trains and what vLLM serves.

    \b
    seqctx init CONFIG       a file to start from, for your model, card and text
    seqctx check CONFIG...   what Axolotl and vLLM would let through, by line
    seqctx prepare CONFIG    manuscripts to examples, counted in the model's own tokens
    seqctx train CONFIG      Axolotl on what the file says; the adapter in output_dir
    seqctx serve CONFIG      vLLM with the base and the adapter under two names
    """


@cli.command()
@click.argument("configs", metavar="CONFIG...", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print a list of objects, one a problem.")
@click.option("--strict", is_flag=True, help="Warnings fail too.")
@click.option("--suggest", "as_diff", is_flag=True, help="Print the missing blocks as a diff.")
def check(configs: tuple[str, ...], as_json: bool, strict: bool, as_diff: bool) -> None:
    r"""Look for what Axolotl and vLLM would let through.

    All problems of each file, by line: errors, warnings and notes. CONFIG may be - for standard
    input. The exit status is 1 where there is an error, and with --strict where there is a
    warning; 2 where a file cannot be read.

    \b
    Examples:
      seqctx check axolotl_configs/*.yaml
      seqctx check --strict --json my.yaml
      seqctx check --suggest guest.yaml | patch guest.yaml
    """
    import json
    from dataclasses import asdict

    from seqctx.schema.config import parse_config
    from seqctx.schema.facts import gather_facts, machine_gpu
    from seqctx.schema.rules import Problem, check_document
    from seqctx.schema.source import read_text

    problems: list[Problem] = []
    unread: list[str] = []
    for name in configs:
        path = None if name == "-" else Path(name)
        try:
            text, document = read_text(path, sys.stdin.buffer)
            if as_diff:
                from seqctx.schema.propose import suggest

                cfg = parse_config(document)
                facts = gather_facts(cfg, path)
                click.echo(suggest(text, document.name, cfg, facts, machine_gpu()), nl=False)
            else:
                problems += check_document(document, path)
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


@cli.command()
def schema() -> None:
    r"""Print the JSON Schema of the file, for editors.

    A YAML whose first line is "# yaml-language-server: $schema=seqctx.schema.json" gets completion
    and hover texts in editors with a YAML language server.

    \b
    Example:
      seqctx schema > axolotl_configs/seqctx.schema.json
    """
    from seqctx.schema.editor import schema_text

    click.echo(schema_text(), nl=False)


@cli.command()
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
    from seqctx.catalogue.gpus import find_gpu, known_gpus
    from seqctx.catalogue.shapes import find_shape
    from seqctx.files import write_new
    from seqctx.schema.editor import write_schema
    from seqctx.schema.facts import machine_gpu
    from seqctx.schema.propose import GOALS, propose, runbook
    from seqctx.schema.render import annotated_yaml

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
    shape = find_shape(base_model)
    cfg = propose(base_model, card, manuscripts, goal, shape=shape, stem=config.stem)
    write_new(config, annotated_yaml(cfg, runbook(cfg, config, goal)))
    write_schema(config.parent)
    click.echo(f"written: {config}. Next: seqctx check {config}")


@cli.command()
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


@cli.command()
@CONFIG
@SET
@FORCE
@DRY_RUN
def train(config: Path, overrides: dict[str, Any], force: bool, dry_run: bool) -> None:
    r"""Train with Axolotl.

    Axolotl gets a resolved copy of CONFIG, kept with its log in OUTPUT_DIR/run. A run that fails
    or is interrupted leaves the last good output. Nothing is run where nothing changed.

    \b
    Examples:
      seqctx train axolotl_configs/smollm2-135m-qlora-cpu.yaml
      seqctx train my.yaml --dry-run
    """
    from seqctx.schema.config import load_config
    from seqctx.train import resolve, train_command
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
        click.echo(shlex.join(train_command(_tool("axolotl"), resolved)))
        return
    from rich.console import Console

    from seqctx.show import run_lines, training_bar

    with training_bar(Console(stderr=True)) as show:
        record, redone = run(cfg, force=force, on_event=show)
    for line in run_lines(record, cfg.output_dir, redone):
        click.echo(line)


@cli.command()
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


@cli.command()
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


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    """End as Ctrl-C does, so that subprocesses are stopped and partial output is removed."""
    raise SystemExit(128 + number)


def main() -> NoReturn:
    """Run the command line; errors become one line each and an exit status."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _terminate)
    try:
        status = cli(standalone_mode=False)  # what a verb's Exit carries
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except SeqctxError as error:
        click.echo(str(error), err=True)
        sys.exit(error.exit_code)
    except OSError as error:  # such as a disk that fills between two checks
        click.echo(f"{error.filename or 'seqctx'}: {error.strerror or error}.", err=True)
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted; nothing half-written was left", err=True)
        sys.exit(130)
    sys.exit(status or 0)
