"""Which of the running servers is meant, and their status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seqctx.config.config import Config, parse_config
from seqctx.config.source import Document
from seqctx.errors import ToolError
from seqctx.serve.address import Address, address_at, address_of
from seqctx.serve.client import ServerStatus, server_status
from seqctx.serve.registry import find_server, running_servers
from seqctx.serve.target import target_config


@dataclass(frozen=True, slots=True)
class Statuses:
    """The status of several servers.

    Attributes:
        healthy: the servers that answer.
        silent: a line for each of the others: how far its start is, or why it does not answer.
    """

    healthy: tuple[ServerStatus, ...]
    silent: tuple[str, ...]


def collect_status(target: str | None, overrides: Mapping[str, Any]) -> Statuses:
    """Ask the servers that are meant for their status.

    Args:
        target: what was given to ``seqctx serve``; None for all servers here.
        overrides: dotted keys and values; ``vllm.port`` alone names a server, too.

    Raises:
        CheckError: when no server is named and none runs here.
        InputError: when the target, the port or an API key cannot be used.
    """
    cfg, port = target_server(target, overrides)
    running = running_servers(port)
    addresses = [address_at(s.url, cfg, s.certificate) for s in running]
    if not addresses and cfg:  # one that was started elsewhere
        addresses = [address_of(cfg)]
    if not addresses:
        find_server(port)  # says that there is none
    starting = {server.url: server.stage for server in running if not server.ready}
    healthy, silent = [], []
    for address in addresses:
        try:
            healthy.append(server_status(address))
        except ToolError as error:
            stage = starting.get(address.url)
            silent.append(f"{address.url}: {stage}" if stage else str(error))
    return Statuses(tuple(healthy), tuple(silent))


def target_server(
    target: str | None, overrides: Mapping[str, Any]
) -> tuple[Config | None, int | None]:
    """The file and the port of the server that is meant; None for what is not named.

    Raises:
        InputError: when the target or the port cannot be read.
    """
    if target:  # address and key are those of the base
        cfg = target_config(target, overrides, base_only=True)
        return cfg, cfg.vllm.port
    if "vllm.port" not in overrides:
        return None, None
    return None, parse_config(Document("--set", {"base_model": "any"}, {}), overrides).vllm.port


def target_address(
    target: str | None, overrides: Mapping[str, Any], url: str | None = None
) -> Address:
    """The address of the one server that is meant.

    Args:
        target: what was given to ``seqctx serve``, if anything.
        overrides: dotted keys and values.
        url: the server's root, where it was given.

    Raises:
        CheckError: when nothing is named and no server runs here, or several do.
        InputError: when the target, the port or an API key cannot be used.
    """
    cfg, port = target_server(target, overrides)
    if url is not None:
        return address_at(url, cfg, cfg.vllm.get("ssl_certfile") if cfg else None)
    if cfg:
        return address_of(cfg)
    server = find_server(port)
    return address_at(server.url, certificate=server.certificate)
