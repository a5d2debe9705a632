"""Servers that run on this machine: each has a small file that says how to reach and stop it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import AliasChoices, Field

from seqctx.artifacts.layout import ServerFiles
from seqctx.artifacts.record import Record
from seqctx.errors import CheckError, ToolError
from seqctx.system.atomic import explain_os_errors
from seqctx.system.extras import needs_extra

_STOP_LIMIT = 60.0  # seconds until a server that is told to stop must have ended


class ServerRecord(Record):
    """One server, as written by the seqctx process that started it."""

    pid: int
    """Of that process; SIGTERM to it stops the whole server."""
    start_time: float = Field(validation_alias=AliasChoices("start_time", "born"))
    """When the process was started [s since 1970]: a later process may have the same pid."""
    target: str
    url: str
    base: str
    adapter: str | None = None
    log: str
    certificate: str | None = None
    """The certificate file of a server that speaks TLS."""
    stage: str = "starting vLLM"
    ready: bool = False

    @property
    def port(self) -> int:
        """Its TCP port."""
        return int(self.url.rpartition(":")[2])


@contextmanager
def registry_lock() -> Iterator[None]:
    """Hold the registry while it is read and changed, against servers that start at that moment."""
    with needs_extra("", "serve"):
        from filelock import FileLock

    path = ServerFiles.lock().absolute()
    with explain_os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, is_singleton=True)  # so that whoever holds it may take it again
        lock.acquire()
    try:
        yield
    finally:
        if lock.lock_counter == 1:  # whoever has opened the file meanwhile tries again
            path.unlink(missing_ok=True)
        lock.release()


def start_time(pid: int) -> float | None:
    """When a process was started [s since 1970]; None where there is no such process."""
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.NoSuchProcess:
        return None


def is_running(server: ServerRecord) -> bool:
    """Whether the process that started a server still runs."""
    now = start_time(server.pid)
    return now is not None and abs(now - server.start_time) < 1


def is_listening(pid: int, port: int) -> bool:
    """Whether a process, or one below it, accepts connections on a TCP port.

    vLLM binds its port before it loads the model and listens after; until then another server may
    answer at the port.
    """
    import psutil

    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                for connection in process.net_connections("tcp"):
                    if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port:
                        return True
    return False


def running_servers(port: int | None = None) -> list[ServerRecord]:
    """The servers that run, by port; records of servers that were killed are removed.

    Args:
        port: of the only server to look for; None: all servers.
    """
    found = []
    paths = ServerFiles.records() if port is None else [ServerFiles(port).record]
    for path in filter(Path.is_file, paths):
        server = ServerRecord.read(path)
        if server and is_running(server):
            found.append(server)
            continue
        with registry_lock():  # a new server may have written its record in the meantime
            server = ServerRecord.read(path)
            if not (server and is_running(server)):
                path.unlink(missing_ok=True)
    return found


def stop_server(server: ServerRecord) -> None:
    """Stop a server, and wait until all of it has ended.

    Raises:
        ToolError: when it does not end in time.
    """
    import psutil

    with suppress(psutil.NoSuchProcess):
        psutil.Process(server.pid).terminate()
    deadline = time.monotonic() + _STOP_LIMIT
    while is_running(server):
        if time.monotonic() > deadline:
            raise ToolError(
                f"{server.url}: process {server.pid} did not stop. Stop it with: "
                f"kill -9 {server.pid}"
            )
        time.sleep(0.1)
    ServerFiles(server.port).detached_output.unlink(missing_ok=True)


def find_server(port: int | None) -> ServerRecord:
    """The server on a port; without a port, the only server that runs.

    Raises:
        CheckError: when no server runs, or several do.
    """
    found = running_servers(port)
    if not found:
        where = f"on port {port}" if port is not None else "in this folder"
        raise CheckError(
            f"no server that seqctx started {where} is running. Start one with: "
            "seqctx serve CONFIG --detach"
        )
    if len(found) > 1:
        urls = ", ".join(server.url for server in found)
        raise CheckError(
            f"{len(found)} servers are running ({urls}). Choose one with --set vllm.port=PORT."
        )
    return found[0]
