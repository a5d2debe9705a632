"""Which of the servers here is meant, and how they are doing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seqctx.config.config import Config, parse_config
from seqctx.config.source import Document
from seqctx.errors import ToolError
from seqctx.serve.address import Address, address_at, address_of
from seqctx.serve.client import Health, health
from seqctx.serve.registry import known, one
from seqctx.serve.target import target_config


@dataclass(frozen=True, slots=True)
class Status:
    """How servers are doing.

    Attributes:
        healthy: those that answer.
        silent: a line for each of the others: how far its start has come, or why it is silent.
    """

    healthy: tuple[Health, ...]
    silent: tuple[str, ...]


def server_status(target: str | None, overrides: Mapping[str, Any]) -> Status:
    """Ask the servers that are meant how they are doing.

    Args:
        target: what was given to ``seqctx serve``; None for all servers here.
        overrides: dotted keys laid over it; ``vllm.port`` alone names a server, too.

    Raises:
        CheckError: when no server is meant and none runs here.
    """
    cfg, port = meant_server(target, overrides)
    running = known(port)
    addresses = [address_at(s.url, cfg, s.certificate) for s in running]
    if not addresses and cfg:  # one that others started
        addresses = [address_of(cfg)]
    if not addresses:
        one(port)
    starting = {server.url: server.stage for server in running if not server.ready}
    healthy, silent = [], []
    for address in addresses:
        try:
            healthy.append(health(address))
        except ToolError as error:
            stage = starting.get(address.url)
            silent.append(f"{address.url}: {stage}" if stage else str(error))
    return Status(tuple(healthy), tuple(silent))


def meant_server(
    target: str | None, overrides: Mapping[str, Any]
) -> tuple[Config | None, int | None]:
    """The file of the server that is meant, and its port; None for what is not said."""
    if target:  # its address and key are those of its base
        cfg = target_config(target, overrides, base_only=True)
        return cfg, cfg.vllm.port
    if "vllm.port" not in overrides:
        return None, None
    return None, parse_config(Document("--set", {"base_model": "any"}, {}), overrides).vllm.port


def meant_address(
    target: str | None, overrides: Mapping[str, Any], url: str | None = None
) -> Address:
    """The address of the one server that is meant.

    Args:
        target: what was given to ``seqctx serve``, if anything.
        overrides: dotted keys laid over it.
        url: the server's root, where it is given.

    Raises:
        CheckError: when nothing is given and no server runs here, or several do.
    """
    cfg, port = meant_server(target, overrides)
    if url is not None:
        return address_at(url, cfg, cfg.vllm.get("ssl_certfile") if cfg else None)
    if cfg:
        return address_of(cfg)
    server = one(port)
    return address_at(server.url, certificate=server.certificate)
