"""A server that answers, as lines."""

from __future__ import annotations

from collections.abc import Iterator

from seqctx.plan.memory import GIB
from seqctx.serve import ServerStatus, VllmServer
from seqctx.system.visible import visible_line


def server_lines(server: VllmServer) -> Iterator[str]:
    """The names that it answers to, and what vLLM measured beside what was planned."""
    yield names_line(server.url, server.base, server.adapter)
    measured, plan = server.stats, server.plan
    rows: list[tuple[str, str, str | None]] = []
    if measured.weights_gib:
        loaded = ("weights", "rotary table", "adapter buffers")
        weights = sum(t.bytes for t in plan.memory.terms if t.name in loaded) if plan else 0
        rows.append(("weights", f"{measured.weights_gib:.2f} GiB", f"{weights / GIB:.2f}"))
    if measured.kv_gib:
        free = plan.kv_free if plan else None
        rows.append(
            ("KV cache", f"{measured.kv_gib:.2f} GiB", f"{free / GIB:.2f}" if free else None)
        )
    if measured.kv_tokens:
        tokens = plan.kv_tokens if plan else None
        rows.append(("", f"{measured.kv_tokens:,} tokens", f"{tokens:,}" if tokens else None))
    if measured.max_concurrency:
        requests = plan.max_concurrency if plan else None
        text = f"{measured.max_concurrency:.2f} requests at the full context length"
        rows.append(("", text, f"{requests:.2f}" if requests else None))
    for name, value, planned in rows:
        yield f"  {name:<9}{value}" + (f" (planned: {planned})" if planned and plan else "")


def names_line(url: str, base: str, adapter: str | None) -> str:
    """The address of a server, and the names that it answers to."""
    return f"{url}/v1 serves {base} (base)" + (f" and {adapter} (adapter)" if adapter else "")


def status_line(server: ServerStatus) -> str:
    """The status of one server."""
    models = visible_line(", ".join(server.models))
    return (
        f"{server.url}/v1: healthy; serves {models}; {server.running} requests "
        f"running, {server.waiting} waiting; {server.kv_use:.1%} of the KV cache in use"
    )
