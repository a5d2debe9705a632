"""Verbs of the server: serve, chat."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from seqctx.cli.options import DRY_RUN, SET
from seqctx.errors import InputError, SeqctxError, ToolError

if TYPE_CHECKING:
    from seqctx.config.config import Config


@click.command()
@click.argument("target", required=False)
@SET
@DRY_RUN
@click.option("--merged", is_flag=True, help="The model of seqctx merge, without base and adapter.")
@click.option("--base-only", is_flag=True, help="The base without the adapter.")
@click.option("--detach", is_flag=True, help="Go on in the background once it answers.")
@click.option("--status", "ask_status", is_flag=True, help="How the servers here are doing.")
@click.option("--stop", "stop_it", is_flag=True, help="Stop what was started here.")
@click.option("--json", "as_json", is_flag=True, help="With --status: print JSON.")
def serve(
    target: str | None, overrides: dict[str, Any], dry_run: bool, merged: bool, base_only: bool,
    detach: bool, ask_status: bool, stop_it: bool, as_json: bool,
) -> None:  # fmt: skip
    r"""Serve with vLLM until Ctrl-C.

    TARGET is a YAML file, whose adapter is served beside its base, or the whole model that it
    trained; or a folder with a base model, a merged model or an adapter; or a hub id. Keys,
    adapter, memory and port are looked at first, and what vLLM finds stands beside the plan. Where
    vllm.api_key or VLLM_API_KEY is set, the server asks for it.

    --status and --stop need no TARGET where one server runs. --status ends with 1 where none
    answers.

    \b
    Examples:
      seqctx serve axolotl_configs/smollm2-135m-qlora-cpu.yaml
      seqctx serve outputs/smollm2-135m-qlora-cpu --set vllm.max_model_len=4096
      seqctx serve my.yaml --merged --detach
      seqctx serve --status
      seqctx serve --stop
    """
    if ask_status or stop_it:
        _look_after(target, overrides, stop_it, as_json)
        return
    if target is None:
        raise click.UsageError("Missing argument 'TARGET'.")
    if merged and base_only:
        raise click.UsageError("--merged and --base-only exclude each other.")
    from seqctx.serve import target_config

    cfg = target_config(target, overrides, merged=merged, base_only=base_only)
    if dry_run:
        _print_command(cfg)
        return
    if cfg.vllm.host not in ("127.0.0.1", "localhost", "::1"):
        click.echo(f"vllm.host: {cfg.vllm.host} opens the server to the network.", err=True)
    if detach:
        _detach(cfg, [a for a in sys.argv[2:] if a != "--detach"])
        return
    from seqctx.cli.render.terminal import served_lines, status
    from seqctx.serve import log_path, serving

    with (
        status("starting vLLM") as update,
        serving(cfg, log_path(cfg), target=target, on_stage=update) as server,
    ):
        update("")
        for line in served_lines(server):
            click.echo(line)
        click.echo(f"The log is {server.log}. Ctrl-C stops the server.", err=True)
        server.wait()


def _print_command(cfg: Config) -> None:
    """What would run, and why it would not."""
    from seqctx.config.render import shown, vllm_command
    from seqctx.serve import check_served, serve_command

    try:
        command = serve_command(cfg)
    except ToolError as error:
        command = vllm_command(cfg)
        click.echo(f"would fail: {error}", err=True)
    try:
        check_served(cfg)
    except SeqctxError as error:
        click.echo(f"would fail: {error}", err=True)
    click.echo(shown(command, cfg))


def _detach(cfg: Config, arguments: list[str]) -> None:
    from seqctx.cli.render.terminal import status
    from seqctx.serve import detach

    with status("starting vLLM") as update:
        server = detach(arguments, cfg, on_stage=update)
    click.echo(f"{server.url}/v1 serves {server.base} (base)", nl=False)
    click.echo(f" and {server.adapter} (adapter)" if server.adapter else "")
    click.echo(f"pid {server.pid}; the log is {server.log}. Stop it: serve/stop", err=True)


def _look_after(
    target: str | None, overrides: dict[str, Any], stop_it: bool, as_json: bool
) -> None:
    """Status of servers, or the end of one."""
    import json
    from dataclasses import asdict

    from seqctx.serve import address_at, address_of, health
    from seqctx.serve.registry import known, one, stop

    cfg, port = _meant(target, overrides)
    if stop_it:
        server = one(port)
        stop(server)
        click.echo(f"stopped: {server.url}")
        return
    running = known(port)
    addresses = [address_at(s.url, cfg, s.certificate) for s in running]
    if not addresses and cfg:  # one that others started
        addresses = [address_of(cfg)]
    if not addresses:
        one(port)
    found, refused = [], []
    for address in addresses:
        try:
            found.append(health(address))
        except ToolError as error:
            url = address.url
            stage = next((s.stage for s in running if s.url == url and not s.ready), "")
            refused.append(f"{url}: {stage}" if stage else str(error))
    if as_json:
        click.echo(json.dumps([asdict(h) for h in found], indent=2))
    for h in found if not as_json else ():
        click.echo(
            f"{h.url}/v1: healthy; {', '.join(h.models)}; {h.running} running, {h.waiting} "
            f"waiting; {h.kv_use:.1%} of the KV cache in use"
        )
    for line in refused:
        click.echo(line, err=True)
    if not found:
        raise click.exceptions.Exit(1)


def _meant(target: str | None, overrides: dict[str, Any]) -> tuple[Config | None, int | None]:
    """What of the servers here is meant: a target, a port alone, or neither."""
    from seqctx.config.config import parse_config
    from seqctx.config.source import Document
    from seqctx.serve import target_config

    if target:  # its address and key are those of its base
        cfg = target_config(target, overrides, base_only=True)
        return cfg, cfg.vllm.port
    if "vllm.port" not in overrides:
        return None, None
    return None, parse_config(Document("--set", {"base_model": "any"}, {}), overrides).vllm.port


@click.command()
@click.argument("target", required=False)
@SET
@click.option("--model", help="The name to ask; else the adapter, where there is one.")
@click.option("--url", help="Such as http://127.0.0.1:8000; else the server that runs here.")
@click.option("--system", help="A system prompt.")
@click.option("--temperature", default=0.7, show_default=True, help="Of the draw; 0 is greedy.")
@click.option("--max-tokens", type=int, help="Of an answer; else what the window leaves.")
@click.option("--seed", type=int, help="Of the draw: the same answer again.")
def chat(
    target: str | None, overrides: dict[str, Any], model: str | None, url: str | None,
    system: str | None, temperature: float, max_tokens: int | None, seed: int | None,
) -> None:  # fmt: skip
    r"""Talk with the server that runs here: base and adapter, as they write.

    TARGET is what was served, and says its key; without it the only server there is. What comes
    from a pipe is asked once. At the prompt, /base and /adapter change who answers, /both asks
    both, /new forgets the conversation, and Ctrl-D ends it; a line that ends in a backslash goes
    on.

    \b
    Examples:
      seqctx chat
      seqctx chat --model smollm2-135m-instruct --temperature 0
      seqctx chat < passage.txt
    """
    from seqctx.serve import address_at, address_of, health
    from seqctx.serve.chat import Chat
    from seqctx.serve.registry import one

    cfg, port = _meant(target, overrides)
    if url is not None:
        address = address_at(url, cfg, cfg.vllm.get("ssl_certfile") if cfg else None)
    elif cfg:
        address = address_of(cfg)
    else:
        server = one(port)
        address = address_at(server.url, certificate=server.certificate)
    models = health(address).models
    if model is not None and model not in models:
        raise InputError(f"--model: {model!r} is none of {', '.join(models)}. Name one.")
    talk = Chat(
        address, models, asked=(model or models[-1],), system=system,
        temperature=temperature, max_tokens=max_tokens, seed=seed,
    )  # fmt: skip
    if not sys.stdin.isatty():
        try:
            text = sys.stdin.buffer.read().decode("utf-8")
        except UnicodeDecodeError:
            raise InputError("stdin: not UTF-8 text. Convert it, as iconv does.") from None
        for piece in talk.answer(text):
            click.echo(piece, nl=False)
        click.echo()
        return
    _prompt(talk)


def _prompt(talk: Any) -> None:
    """The terminal prompt; its history is the line editor's."""
    import readline  # noqa: F401  (arrow keys and history in input())

    click.echo(f"{talk.address.url} serves {', '.join(talk.models)}. Ctrl-D ends.", err=True)
    while True:
        try:
            line = input(f"{' + '.join(talk.asked)}> ")
            while line.endswith("\\"):
                line = line[:-1] + "\n" + input("... ")
        except EOFError:
            click.echo()
            return
        try:
            for piece in talk.turn(line):
                click.echo(piece, nl=False)
            click.echo()
        except SeqctxError as error:
            click.echo(str(error), err=True)
        except KeyboardInterrupt:
            click.echo(" (stopped)")


VERBS: tuple[click.Command, ...] = (serve, chat)
