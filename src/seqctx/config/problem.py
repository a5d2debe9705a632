"""What is said of a file: one line a problem, with its place and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

from seqctx.config.source import Document, KeyPath
from seqctx.errors import InputError

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, order=True)
class Problem:
    """One line of ``seqctx check``; sorted by file and place.

    Attributes:
        line: from 1; 0 where it is about the file as a whole.
        column: from 1; 0 likewise.
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
        """A problem of one key: by its line, or by ``--set`` where the command line gave it."""
        given = next((g for g in document.given if path[: len(g)] == g), None)
        place = f"--set {_dotted(given)}" if given else document.name
        line, column = (0, 0) if given else document.position(path)
        fact, remedy = one_line(message), one_line(remedy)
        return cls(place, line, column, _dotted(path), severity, rule, fact, remedy)

    @property
    def place(self) -> str:
        """``file:line``, or the file alone."""
        return f"{self.file}:{self.line}" if self.line else self.file

    def __str__(self) -> str:
        """``file:line: severity: key: fact. Remedy [rule]``."""
        fact = f"{self.message}. {self.remedy}"
        return f"{self.place}: {self.severity}: {self.key}: {fact} [{self.rule}]"


def _dotted(path: KeyPath) -> str:
    return one_line(".".join(map(str, path)))


def one_line(text: str, limit: int = 300) -> str:
    """Text without line breaks, and clipped: values of the file stand in it."""
    text = " ".join(text.split())
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


class InvalidConfigError(InputError):
    """A file with errors; all of them at once, a line each.

    Attributes:
        problems: the same as data.
    """

    def __init__(self, problems: list[Problem]) -> None:
        """Keep the problems, and make their lines the message."""
        self.problems = problems
        super().__init__(
            "\n".join(f"{p.place}: {p.key}: {p.message}. {p.remedy}" for p in problems)
        )
