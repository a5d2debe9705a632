"""``seqctx serve``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from seqctx.cli.options import DRY_RUN, SET, print_failures
from seqctx.cli.output import print_json, print_line

if TYPE_CHECKING:
    from seqctx.config.config import Config


@click.command()
@click.argument("target", required=False)
@SET
@DRY_RUN
@click.option("--merged", is_flag=True, help="Serve the model of seqctx merge.")
@click.option("--base-only", is_flag=True, help="Serve the base model without the adapter.")
@click.option("--detach", is_flag=True, help="Keep serving in the background once it is ready.")
@click.option("--status", "ask_status", is_flag=True, help="Show the servers that run here.")
@click.option("--stop", "stop_it", is_flag=True, help="Stop a server that runs here.")
@click.option("--json", "as_json", is_flag=True, help="With --status: print JSON.")
def serve(
    target: str | None, overrides: dict[str, Any], dry_run: bool, merged: bool, base_only: bool,
    detach: bool, ask_status: bool, stop_it: bool, as_json: bool,
) -> None:  # fmt: skip
    r"""Serve the base model and the adapter with vLLM.

    TARGET is a config file: its base model and adapter are served under two names, or the whole
    model if the file trains one. Or TARGET is a folder with a base model, a merged model or an
    adapter, or a model's name on the Hugging Face hub. Serves until Ctrl-C.

    Keys, adapter, memory and port are checked before vLLM starts. If vllm.api_key or the variable
    VLLM_API_KEY is set, every path but /health needs that key. A server that other machines can
    reach must have a key; a blank key counts as none.

    --status and --stop need no TARGET if only one server runs here.

    \b
    Needs   vLLM (seqctx setup serve), the base model, the adapter of seqctx
            train
    Writes  its log: serve-PORT.log, in run/ of the file's output_dir if that
            was trained, else in outputs/
    Exit    0   good
            1   problems found before vLLM starts, or no server answers
            2   input that cannot be used
            3   vLLM failed
            130 interrupted

    \b
    Examples:
      seqctx serve my.yaml
      seqctx serve outputs/my --set vllm.max_model_len=4096
      seqctx serve my.yaml --merged --detach
      seqctx serve --status
      seqctx serve --stop
    """
    if ask_status:
        _show_status(target, overrides, as_json)
        return
    if stop_it:
        _stop(target, overrides)
        return
    if target is None:
        raise click.UsageError("Missing argument 'TARGET'.")
    if merged and base_only:
        raise click.UsageError("--merged and --base-only exclude each other.")
    from seqctx.serve import access_notes, check_access, target_config

    cfg = target_config(target, overrides, merged=merged, base_only=base_only)
    if dry_run:
        from seqctx.serve.dry_run import dry_run_of_serving

        planned = dry_run_of_serving(cfg)
        print_line(planned.line)
        print_failures(planned.failures)
        return
    check_access(cfg)
    for note in access_notes(cfg):
        print_line(note, err=True)
    if detach:
        _detach(cfg)
    else:
        _serve(cfg, target)


def _serve(cfg: Config, target: str) -> None:
    """Serve until the server ends or Ctrl-C."""
    from seqctx.cli.render.progress import status
    from seqctx.cli.render.serve import server_lines
    from seqctx.serve import server_log, serving

    with (
        status("starting vLLM") as update,
        serving(cfg, server_log(cfg), target=target, on_stage=update) as server,
    ):
        update("")
        for line in server_lines(server):
            print_line(line)
        print_line(f"The log is {server.log}. Ctrl-C stops the server.", err=True)
        server.wait()


def _detach(cfg: Config) -> None:
    """Start the server in the background and wait until it answers."""
    from seqctx.cli.main import arguments_of_verb
    from seqctx.cli.render.progress import status
    from seqctx.cli.render.serve import names_line
    from seqctx.serve import serve_detached

    arguments = [argument for argument in arguments_of_verb() if argument != "--detach"]
    with status("starting vLLM") as update:
        server = serve_detached(arguments, cfg, on_stage=update)
    print_line(names_line(server.url, server.base, server.adapter))
    stop = f"seqctx serve --stop --set vllm.port={cfg.vllm.port}"
    print_line(f"Process {server.pid}; its log is {server.log}. Stop it: {stop}", err=True)


def _show_status(target: str | None, overrides: dict[str, Any], as_json: bool) -> None:
    """Print how the servers here are doing; exit 1 where none answers."""
    from dataclasses import asdict

    from seqctx.cli.render.serve import status_line
    from seqctx.serve.status import collect_status

    status = collect_status(target, overrides)
    if as_json:
        print_json([asdict(server) for server in status.healthy])
    else:
        for server in status.healthy:
            print_line(status_line(server))
    for line in status.silent:
        print_line(line, err=True)
    if not status.healthy:
        raise click.exceptions.Exit(1)


def _stop(target: str | None, overrides: dict[str, Any]) -> None:
    """Stop the server that is meant."""
    from seqctx.serve.registry import find_server, stop_server
    from seqctx.serve.status import target_server

    server = find_server(target_server(target, overrides)[1])
    stop_server(server)
    print_line(f"stopped: {server.url}")
