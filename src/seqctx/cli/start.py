"""The entry point: signals are handled before anything else is imported."""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False  # typing itself takes long to import
if TYPE_CHECKING:
    from types import FrameType
    from typing import NoReturn


def _end(number: int, frame: FrameType | None) -> NoReturn:
    """End at once: nothing has begun yet."""
    os.write(2, b"Interrupted. Nothing was done.\n")
    os._exit(128 + number)


for _number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    if signal.getsignal(_number) is not signal.SIG_IGN:  # as nohup makes them
        signal.signal(_number, _end)


def start() -> NoReturn:
    """Run the command line as a process."""
    from seqctx.cli.interrupts import end_at_signals

    end_at_signals()
    from seqctx.cli.main import run

    run()
