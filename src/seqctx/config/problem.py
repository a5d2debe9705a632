"""A problem with a file: one line, with its place and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

from seqctx.catalog.keys import KeyPath
from seqctx.config.source import Document
from seqctx.errors import InputError, without_url_secrets

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, order=True)
class Problem:
    """One line of ``seqctx check``; sorted by file and place.

    Attributes:
        line: from 1; 0 for a problem of the file as a whole.
        column: from 1; 0 as for the line.
        key: dotted, such as ``vllm.max_model_len``.
    """

    file: str
    line: int
    column: int
    key: str
    severity: Severity
    rule: str
    message: str
    remedy: str

    @classmethod
    def at(
        cls, document: Document, path: KeyPath, severity: Severity, rule: str, message: str,
        remedy: str,
    ) -> Self:  # fmt: skip
        """A problem of one key: at its line, or at ``--set`` if the command line set it."""
        override = next((p for p in document.overridden if path[: len(p)] == p), None)
        place = f"--set {_dotted(override)}" if override else document.name
        line, column = (0, 0) if override else document.position(path)
        fact, remedy = (one_line(without_url_secrets(text)) for text in (message, remedy))
        return cls(place, line, column, _dotted(path), severity, rule, fact, remedy)

    @property
    def place(self) -> str:
        """``file:line``, or the file alone."""
        return f"{self.file}:{self.line}" if self.line else self.file

    def __str__(self) -> str:
        """``file:line: severity: key: fact. Remedy [rule]``."""
        return f"{self.place}: {self.severity}: {self.fact} [{self.rule}]"

    @property
    def fact(self) -> str:
        """``key: fact. Remedy``; a problem of the file as a whole has no key."""
        fact = f"{self.message}. {self.remedy}"
        return f"{self.key}: {fact}" if self.key else fact


def _dotted(path: KeyPath) -> str:
    return one_line(".".join(map(str, path)))


def one_line(text: str) -> str:
    """Text without line breaks, clipped: it may contain values of the file."""
    text = " ".join(text.split())
    return text if len(text) <= 300 else f"{text[:297]}..."


class InvalidConfigError(InputError):
    """A file with errors; the message lists all of them, one a line.

    Attributes:
        problems: the errors as data.
    """

    def __init__(self, problems: list[Problem]) -> None:
        """Keep the problems, and make their lines the message."""
        self.problems = problems
        super().__init__(*(f"{p.place}: {p.fact}" for p in problems))
