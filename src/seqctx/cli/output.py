r"""All that the command line prints goes through here, so that no text can command the terminal.

What is printed may quote a file, a model, a server or a program. `seqctx.system.visible` shows its
control characters as signs such as ``\x1b``. Nothing else in `seqctx.cli` prints; views made with
rich go through `seqctx.cli.render.console`, which does the same.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Any

import click

from seqctx.errors import SeqctxError
from seqctx.system.visible import visible, visible_line, visible_pieces


def print_line(line: str = "", *, err: bool = False) -> None:
    """Print one line; a line break in a value that it quotes is shown as a sign."""
    _write(visible_line(line) + "\n", err=err)


def print_text(text: str, *, err: bool = False) -> None:
    """Print a text of several lines as it is; it ends with its own line break."""
    _write(visible(text), err=err)


def print_pieces(pieces: Iterable[str]) -> None:
    """Print a text as its pieces come, and a line break at its end, also when an error ends it."""
    written = False
    try:
        for piece in visible_pieces(pieces):
            _write(piece)
            written = written or bool(piece)
    except SeqctxError:
        if written:
            _write("\n")
        raise
    _write("\n")


def print_json(data: Any) -> None:
    """Print data as JSON, in ASCII: a program reads it, and a terminal obeys nothing in it."""
    _write(json.dumps(data, indent=2).replace("\x7f", "\\u007f") + "\n")


def print_error(error: SeqctxError, before: str = "") -> None:
    """Print each message of an error as one line on stderr, with the same words before each."""
    for line in error.lines:
        print_line(before + line, err=True)


def print_usage_error(error: click.ClickException) -> None:
    """Print what click says of wrong arguments; it quotes them."""
    shown = io.StringIO()
    error.show(shown)
    print_text(shown.getvalue().replace(error.message, visible_line(error.message)), err=True)


def ask(question: str, default: str, choices: Sequence[str] | None = None) -> str:
    """Ask on stderr for a value, so that stdout has results only."""
    kind = click.Choice(choices) if choices else None
    answer: str = click.prompt(visible_line(question), visible_line(default), type=kind, err=True)
    return answer


def read_line(prompt: str) -> str:
    """Read a line from the terminal.

    Raises:
        EOFError: when the user ends the input.
    """
    return input(visible_line(prompt))


def _write(text: str, *, err: bool = False) -> None:
    print(text, end="", file=sys.stderr if err else sys.stdout, flush=True)


def guard_output() -> None:
    """Make this process print signs also where Python or a package prints.

    That is: warnings, log records, and the traceback of an unexpected error. A character that the
    terminal's encoding does not have, as with ``LC_ALL=C``, becomes a sign, too.
    """
    import threading  # these are imported here, so that importing the command line stays quick
    import warnings

    for stream, errors in (
        (sys.stdin, "surrogateescape"), (sys.stdout, "backslashreplace"),
        (sys.stderr, "backslashreplace"),
    ):  # fmt: skip
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=errors)
    _guard_log_records()
    format_warning = warnings.formatwarning
    warnings.formatwarning = lambda *args, **options: visible(format_warning(*args, **options))
    sys.excepthook = _print_traceback
    threading.excepthook = lambda hook: _print_traceback(
        hook.exc_type, hook.exc_value, hook.exc_traceback
    )


def _guard_log_records() -> None:
    """Make each log record of this process visible, whichever handler prints it."""
    import logging

    class VisibleRecord(logging.LogRecord):
        """A record whose message and traceback hold signs."""

        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            if self.exc_info:
                self.exc_text = visible(logging.Formatter().formatException(self.exc_info))

        def getMessage(self) -> str:
            return visible(super().getMessage())

    logging.setLogRecordFactory(VisibleRecord)


def _print_traceback(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> None:
    """Print an unexpected error as Python does."""
    import traceback

    print_text("".join(traceback.format_exception(kind, error, trace)), err=True)
