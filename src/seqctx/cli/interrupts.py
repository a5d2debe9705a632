"""Ctrl-C, SIGTERM and SIGHUP: one line and an end, whatever this process is doing.

Before and after a verb's work they end the process at once. During its work they raise an error,
so that children are stopped and partial output is removed. A long call of a compiled library, or
code that swallows the error, would delay that: `end_soon` lets a thread end the process then.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn

LINE = "Interrupted. No half-written files were left."
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PATIENCE = 1.2  # for the verb to end by itself [s]

_handled: list[int] = []  # signals that this module handles
_received: list[int] = []
_ends_soon = False


def end_at_signals() -> None:
    """Handle the signals that are not ignored, as ``nohup`` makes them; call it first."""
    if not _handled:
        _handled.extend(n for n in _SIGNALS if signal.getsignal(n) is not signal.SIG_IGN)
        sys.unraisablehook = _quiet_when_interrupted
    for number in _handled:
        signal.signal(number, _end)


@contextmanager
def raising() -> Iterator[None]:
    """While a verb works, the first signal raises KeyboardInterrupt, or SystemExit."""
    for number in _handled:
        signal.signal(number, _raise)
    try:
        yield
    finally:
        for number in _handled:
            signal.signal(number, _end)


def end_soon() -> None:
    """Let a thread end this process when it still runs 1.2 seconds after a signal."""
    global _ends_soon
    if not _handled or _ends_soon:
        return
    _ends_soon = True
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(reading,), daemon=True).start()


def was_interrupted() -> int | None:
    """The exit status, when a signal asked this process to end."""
    return 128 + _received[0] if _received else None


def _watch(handle: int) -> None:
    """Wait for a signal, then for the main thread, then end the process."""
    while (number := os.read(handle, 1)[0]) not in _handled:
        pass
    time.sleep(_PATIENCE)
    _end(number)


def _raise(number: int, frame: FrameType | None) -> NoReturn:
    _received.append(number)
    if _ends_soon:
        for each in _handled:
            signal.signal(each, _end)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)


def _end(number: int, frame: FrameType | None = None) -> NoReturn:
    """End at once: without errors that others could swallow or show."""
    from seqctx.system.forced_exit import clean_up_at_forced_exit

    is_terminal = False
    with suppress(OSError):
        is_terminal = os.isatty(2)
    with suppress(Exception):
        import psutil

        for child in psutil.Process().children(recursive=True):
            child.kill()
    clean_up_at_forced_exit()
    with suppress(OSError):
        cursor = "\x1b[?25h\r" if is_terminal else ""  # a spinner has hidden it
        os.write(2, f"{cursor}{LINE}\n".encode())
    os._exit(128 + number)


def _quiet_when_interrupted(unraisable: Any) -> None:
    """Leave out the error of a signal that came while an object was removed."""
    if not issubclass(unraisable.exc_type, KeyboardInterrupt | SystemExit):
        sys.__unraisablehook__(unraisable)
