"""What can go wrong, as one hierarchy; each kind has its own exit status.

    SeqctxError
    ├── InputError   2   a file, an argument or a folder that cannot be used
    ├── CheckError   1   a check found a problem: it does not fit, does not match, or is missing
    └── ToolError    3   Axolotl or vLLM is not installed, or failed

A message reads ``place: key: fact (got X). What to do.``: one line, one remedy. An error with
several messages takes each as an argument of its own. Only the command line prints and exits;
everything below it raises one of these.
"""

from __future__ import annotations

import re

HIDDEN = "***"
"""Stands in place of a secret."""
_LONGEST_LINE = 1500  # characters
_LOGIN = re.compile(r"(?<=://)(?!git@)[^/?#\s\"'@]+(?:@[^/?#\s\"'@]+)*@(?=[^\s/])")
_LOGIN_IN_PATH = re.compile(r"(\b[a-z][a-z0-9+.-]+:/)[^/\s:@]*:[^/\s@]+@")
"""A URL that was taken for a path, which has one slash less."""
_SIGNATURE = re.compile(
    r"(?i)([?&](?:[\w.-]*(?:token|secret|password|signature|credential|api_?key)|key|sig)=)"
    r"(?!\*\*\*)[^&#\s\"']+"
)


def without_url_secrets(text: str) -> str:
    """A text with `HIDDEN` in place of user and password, or of a signature, in its URLs."""
    if ":/" not in text:
        return text
    text = _LOGIN_IN_PATH.sub(rf"\g<1>{HIDDEN}@", text)
    return _SIGNATURE.sub(rf"\g<1>{HIDDEN}", _LOGIN.sub(f"{HIDDEN}@", text))


def _clipped(message: str) -> str:
    """A message whose lines are of a length that a person reads: it may quote a value."""
    if len(message) <= _LONGEST_LINE:
        return message
    lines = message.split("\n")
    return "\n".join(
        line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}..." for line in lines
    )


class SeqctxError(Exception):
    """Base of all errors that a user can solve; ``exit_code`` is the exit status of the process."""

    exit_code = 1

    def __init__(self, *messages: str) -> None:
        """Keep the messages, without the logins of the URLs that they name, and not endless."""
        super().__init__(*(_clipped(without_url_secrets(message)) for message in messages))

    def __str__(self) -> str:
        """All messages, each on a line of its own."""
        return "\n".join(self.lines)

    @property
    def lines(self) -> tuple[str, ...]:
        """The messages; one that quotes a value with a line break may contain one, too."""
        return tuple(map(str, self.args))


class CheckError(SeqctxError):
    """A check found a problem."""

    exit_code = 1


class InputError(SeqctxError):
    """Wrong usage, or a file that cannot be read or written."""

    exit_code = 2


class ToolError(SeqctxError):
    """Axolotl or vLLM is not installed, or failed."""

    exit_code = 3
