"""Servers that run on this machine: a small file each, with what is needed to ask or stop them."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from seqctx.artifacts.record import Record
from seqctx.errors import CheckError, ToolError

FOLDER = Path("outputs")


class Running(Record):
    """One server, as the seqctx process that watches over it says."""

    pid: int
    """Of that process; SIGTERM there stops all of the server."""
    born: float
    """When it was started, by the system's clock: a later process may have the same pid [s]."""
    target: str
    url: str
    base: str
    adapter: str | None = None
    log: str
    certificate: str | None = None
    """Of a server that speaks TLS: the file that it shows."""
    stage: str = "starting vLLM"
    ready: bool = False


def registry_file(port: int) -> Path:
    """Where the server on a port is written down."""
    return FOLDER / f"serve-{port}.json"


def born(pid: int) -> float | None:
    """When a process was started [s since 1970]; None where there is none."""
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.NoSuchProcess:
        return None


def lives(server: Running) -> bool:
    """Whether the process that is meant still runs."""
    now = born(server.pid)
    return now is not None and abs(now - server.born) < 1


def listens(pid: int, port: int) -> bool:
    """Whether a process, or one below it, takes connections on a TCP port.

    vLLM binds its port before it loads and listens after; until then another server may answer.
    """
    import psutil

    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                for at in process.net_connections("tcp"):
                    if at.status == psutil.CONN_LISTEN and at.laddr.port == port:
                        return True
    return False


def known(port: int | None = None) -> list[Running]:
    """The servers that run, by port; files of those that were killed are removed."""
    found = []
    pattern = f"serve-{port if port is not None else '*'}.json"
    for path in sorted(FOLDER.glob(pattern)):
        server = Running.read(path)
        if server and lives(server):
            found.append(server)
        else:
            path.unlink(missing_ok=True)
    return found


def stop(server: Running, seconds: float = 60.0) -> None:
    """Stop a server whole, and wait until it has ended.

    Raises:
        ToolError: when it does not end.
    """
    with suppress(ProcessLookupError):
        os.kill(server.pid, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while lives(server):
        if time.monotonic() > deadline:
            raise ToolError(f"{server.url}: process {server.pid} does not end. kill -9 it.")
        time.sleep(0.1)
    registry_file(int(server.url.rpartition(":")[2])).with_suffix(".out").unlink(missing_ok=True)


def one(port: int | None) -> Running:
    """The server on a port; without one, the only server there is.

    Raises:
        CheckError: when there is none, or several.
    """
    found = known(port)
    if not found:
        where = f"on port {port}" if port is not None else "here"
        raise CheckError(f"no server of ours runs {where}. Start one: seqctx serve CONFIG --detach")
    if len(found) > 1:
        raise CheckError(f"{len(found)} servers run ({', '.join(s.url for s in found)}). Name one.")
    return found[0]
