"""Calls that may take forever, or all memory: they run in a copy of this process, with limits."""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from typing import Any, NoReturn

from seqctx.system.process import end_with_parent

_ASKED_TO_END = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


_LONGEST = 1000  # characters of an error that are kept


class CallFailedError(Exception):
    """A call took more time or memory than it may, or failed; the text tells what happened."""


def call_limited(
    function: Callable[[Any], Any], items: Sequence[Any], *, seconds: float, memory: int
) -> Iterator[Any]:
    """Call a function with each item, in a copy of this process that is killed at its limits.

    The copy starts within milliseconds, because nothing is imported again. The function must use
    no threads: they are not copied.

    Args:
        function: its results are pickled.
        items: one for each call.
        seconds: for one call; all together may take this and a tenth of a second for each.
        memory: for all calls, beside what this process has by now [B].

    Yields:
        The results in order.

    Raises:
        CallFailedError: when a call takes longer, needs more memory, ends the copy or raises an
            error, of which the text is kept.
    """
    ours, theirs = Pipe(duplex=False)
    parent = os.getpid()
    signal.pthread_sigmask(signal.SIG_BLOCK, _ASKED_TO_END)
    try:
        with warnings.catch_warnings():
            # Python 3.12 warns of threads that hold locks; the copy takes none of theirs
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if not child:
            _answer(function, items, theirs, parent, memory)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ASKED_TO_END)
    try:
        theirs.close()
        ends = time.monotonic() + seconds + len(items) / 10
        for _ in items:
            if not ours.poll(max(0.0, min(seconds, ends - time.monotonic()))):
                raise CallFailedError("takes too long")
            try:
                returned, answer = ours.recv()
            except (EOFError, OSError):
                raise CallFailedError("ended the process that ran it") from None
            if not returned:
                raise CallFailedError(answer)
            yield answer
    finally:
        ours.close()
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(child, 0)


def _answer(
    function: Callable[[Any], Any],
    items: Sequence[Any],
    connection: Connection,
    parent: int,
    memory: int,
) -> NoReturn:
    """Send the results, in the copy; it never returns to what the copied process was doing."""
    try:
        for number in _ASKED_TO_END:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that was copied
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ASKED_TO_END)
        end_with_parent(parent, signal.SIGKILL)
        _limit_memory(memory)
        for item in items:
            try:
                answer: tuple[bool, Any] = True, function(item)
            except MemoryError:
                answer = False, f"needs more than {memory / 1e6:.0f} MB of memory"
            except Exception as error:
                answer = False, str(error)[:_LONGEST]
            connection.send(answer)
    finally:
        os._exit(0)


def _limit_memory(more: int) -> None:
    """Let this process have at most ``more`` bytes beside those it has; on Linux only."""
    if sys.platform != "linux":
        return
    import psutil

    most = psutil.Process().memory_info().vms + more
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
