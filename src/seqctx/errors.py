"""What can go wrong, as one hierarchy; the exit code goes with the kind.

    SeqctxError
    ├── InputError      2   a file, an argument or a folder that cannot be used as it is
    ├── CheckError      1   looked at and found wanting: does not fit, does not belong, is missing
    └── ToolError       3   Axolotl or vLLM is not there, or failed

An error reads ``place: fact (got X). What to do.``: one line, one remedy. Below the command line
nothing prints or exits; it raises one of these.
"""

from __future__ import annotations


class SeqctxError(Exception):
    """Base of all errors that a user can mend; ``exit_code`` is the process's exit status."""

    exit_code = 1


class CheckError(SeqctxError):
    """Checked and found wanting."""

    exit_code = 1


class InputError(SeqctxError):
    """Usage, or a file that cannot be read or written."""

    exit_code = 2


class ToolError(SeqctxError):
    """Axolotl or vLLM failed, or is not installed."""

    exit_code = 3
