"""Servers that run on this machine: each has a small file that says how to reach and stop it.

Such a file may also be a user's own, or come from somebody else. It is believed only if the process
that it names has the server's log open, and deleted only if it is a record of a process that ended.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import AliasChoices, Field, ValidationError

from seqctx.artifacts.layout import ServerFiles
from seqctx.artifacts.record import Record
from seqctx.errors import CheckError, InputError, ToolError
from seqctx.system.atomic import explain_os_errors
from seqctx.system.extras import needs_extra
from seqctx.system.regular_file import read_file_text

_STOP_LIMIT = 60.0  # seconds until a server that is told to stop must have ended
_LARGEST_RECORD = 100_000  # bytes


class ServerRecord(Record):
    """One server, as written by the seqctx process that started it."""

    pid: int = Field(gt=1, lt=2**31)
    """Of that process; SIGTERM to it stops the whole server."""
    start_time: float = Field(
        validation_alias=AliasChoices("start_time", "born"), allow_inf_nan=False
    )
    """When the process was started [s since 1970]: a later process may have the same pid."""
    target: str
    url: str = Field(pattern=r"^https?://[^/?#@\s]+:[0-9]{1,5}$")
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
    except psutil.Error:
        return None


def is_running(server: ServerRecord) -> bool:
    """Whether the process that started a server still runs."""
    now = start_time(server.pid)
    return now is not None and abs(now - server.start_time) < 1


def was_killed(port: int) -> bool:
    """Whether there is a record of a server on this port whose process has ended since."""
    server = _read_record(ServerFiles(port).record)
    return server is not None and not is_running(server)


def _has_log_open(server: ServerRecord) -> bool:
    """Whether the process of a record has the server's log open, as one that serves has.

    The log may have been moved or deleted since.
    """
    name = ServerFiles(server.port).log.name
    with suppress(OSError):
        for handle in Path(f"/proc/{server.pid}/fd").iterdir():
            with suppress(OSError):
                if Path(os.readlink(handle)).name.startswith(name):
                    return True
    return False


def _read_record(path: Path) -> ServerRecord | None:
    """The record in a file; None where the file is none of ours, or is not there."""
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid():
            return None
        text = read_file_text(path, most=_LARGEST_RECORD)
        server = ServerRecord.model_validate_json(text)
    except (OSError, InputError, UnicodeDecodeError, ValidationError):
        return None
    return server if path.name == ServerFiles(server.port).record.name else None


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

    Raises:
        InputError: when the file at the place of that server's record is no record of a server.
    """
    found = []
    for path in ServerFiles.records() if port is None else [ServerFiles(port).record]:
        server = _read_record(path)
        if server and not is_running(server):
            with registry_lock():  # a new server may have written its record in the meantime
                server = _read_record(path)
                if server and not is_running(server):
                    path.unlink(missing_ok=True)
                    continue
        if server and _has_log_open(server):
            found.append(server)
        elif port is not None and os.path.lexists(path):
            why = f"process {server.pid} is no server of seqctx" if server else "it is no record"
            raise InputError(
                f"{path}: was not written by a running server of seqctx ({why}). Move the file "
                "away, or set vllm.port to another port."
            )
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
