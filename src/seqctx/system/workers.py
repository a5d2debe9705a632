"""Processes that call functions for this one, each with a connection of its own.

A worker that is killed closes its connection, wherever it was, so nobody waits for it. Pools of the
standard library share pipes and locks between workers: one that is killed while it holds them can
stop all.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe, wait
from pickle import PicklingError
from typing import Any

from seqctx.errors import CheckError, SeqctxError
from seqctx.system.process import end_with_parent

# No module of the caller is run again, and the caller's paths find the same modules.
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from seqctx.system.workers import serve_calls; serve_calls(*map(int, sys.argv[2:]))"
)


class _Worker:
    """One process; it ends when this one does, and takes no part in Ctrl-C."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self.connection, theirs = Pipe()
        with theirs:
            arguments = [json.dumps(sys.path), str(theirs.fileno()), str(os.getpid())]
            self.process = subprocess.Popen(
                [sys.executable, "-c", _START, *arguments],
                env={**os.environ, **variables},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )

    def send(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Ask for a call; of a worker that has ended, `receive` tells."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send((function, arguments))

    def receive(self, what: str) -> Any:
        """The answer to the last call.

        Raises:
            CheckError: when the worker has ended.
            BaseException: whatever the function raised.
        """
        try:
            returned, answer = self.connection.recv()
        except (EOFError, OSError):  # OSError: it ended while it sent its answer
            raise CheckError(f"{what}: {_why_ended(self.process.wait())}") from None
        if not returned:
            raise answer
        return answer

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self.connection.close()


def _why_ended(status: int) -> str:
    """Why a worker process has ended, and what to do."""
    if status >= 0:
        return f"the worker process ended with exit status {status}. Run the command again."
    with suppress(ValueError):
        if (number := signal.Signals(-status)) != signal.SIGKILL:
            return f"the worker process was ended by {number.name}. Run the command again."
    return (
        "the worker process was killed, probably because memory ran out. Free memory, then run the "
        "command again."
    )


def call_in_workers(
    start: tuple[Any, ...],
    function: Callable[[Any], Any],
    items: Sequence[Any],
    processes: int,
    *,
    what: str,
    name: Callable[[Any], str],
    variables: Mapping[str, str],
) -> Iterator[Any]:
    """Call a function with each item, in worker processes.

    Args:
        start: a function and its arguments; every worker calls it first.
        function: called with one item; it and its values are pickled.
        items: one for each call.
        processes: how many workers.
        what: how errors call all of it, such as ``prepare``.
        name: how errors call an item.
        variables: environment variables of the workers.

    Yields:
        The results in the order of the items.

    Raises:
        CheckError: when a worker was killed.
        BaseException: whatever a function raised.
    """
    workers: list[_Worker] = []
    try:
        workers += (_Worker(variables) for _ in range(min(processes, len(items))))
        for worker in workers:
            worker.send(*start)
        waiting = list(enumerate(items))[::-1]  # the next is last
        at_work: dict[Connection, tuple[_Worker, int | None]] = {
            worker.connection: (worker, None) for worker in workers
        }
        results: dict[int, Any] = {}
        for k in range(len(items)):
            while k not in results:
                ready = wait(list(at_work))
                for connection in [each for each in at_work if each in ready]:
                    worker, done = at_work.pop(connection)
                    answer = worker.receive(what if done is None else name(items[done]))
                    if done is not None:
                        results[done] = answer
                    if waiting:
                        number, item = waiting.pop()
                        worker.send(function, item)
                        at_work[worker.connection] = worker, number
            yield results.pop(k)
    finally:
        for worker in workers:
            worker.stop()


def serve_calls(handle: int, parent: int) -> None:
    """Answer the calls that come through a connection until its other end is closed.

    Args:
        handle: file descriptor of the connection.
        parent: process ID of the process that holds the other end.
    """
    end_with_parent(parent, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that waits
    with Connection(handle) as connection, suppress(EOFError, OSError):
        while True:
            function, arguments = connection.recv()
            try:
                answer: tuple[bool, Any] = True, function(*arguments)
            except BaseException as error:
                if not isinstance(error, SeqctxError):
                    error.add_note(traceback.format_exc())
                answer = False, error
            try:
                connection.send(answer)
            except (PicklingError, TypeError, AttributeError) as error:
                connection.send((False, RuntimeError(f"{answer[1]!r} ({error})")))
