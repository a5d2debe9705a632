"""Checking several files: all their problems, and which of them could not be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from seqctx.check.check import check_document
from seqctx.config.problem import Problem
from seqctx.config.source import read_text
from seqctx.errors import SeqctxError


@dataclass(frozen=True, slots=True)
class CheckedFiles:
    """The problems of several files.

    Attributes:
        problems: of all files, file by file and by line.
        unreadable: the messages about files that could not be read.
    """

    problems: tuple[Problem, ...]
    unreadable: tuple[str, ...]

    def fails(self, *, strict: bool = False) -> bool:
        """Whether there is an error; with ``strict``, an error or a warning."""
        failing = {"error", "warning"} if strict else {"error"}
        return any(problem.severity in failing for problem in self.problems)


def check_files(
    names: Sequence[str], overrides: Mapping[str, Any] | None, stdin: IO[bytes]
) -> CheckedFiles:
    """Check files one after another.

    Args:
        names: their paths; ``-`` for standard input.
        overrides: keys that the command line overrides in each, dotted.
        stdin: what ``-`` reads.
    """
    problems: list[Problem] = []
    unreadable: list[str] = []
    for name in names:
        path = None if name == "-" else Path(name)
        try:
            _, document = read_text(path, stdin)
            problems += check_document(document, path, overrides)
        except SeqctxError as error:
            unreadable += error.lines
    return CheckedFiles(tuple(problems), tuple(unreadable))
