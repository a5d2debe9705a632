"""Looking at a file: all that is wrong, doubtful or worth knowing, by line."""

from __future__ import annotations

from dataclasses import dataclass

from seqctx.schema.config import Config
from seqctx.schema.facts import Facts
from seqctx.schema.rules import myths, serving, training
from seqctx.schema.rules.base import RULES, Rule, Severity
from seqctx.schema.source import Document

__all__ = ["RULES", "Problem", "Rule", "Severity", "check", "myths", "serving", "training"]


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

    def __str__(self) -> str:
        """``file:line: severity: key: fact. Remedy [rule]``."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.severity}: {self.key}: {self.message}. {self.remedy} [{self.rule}]"


def check(document: Document, cfg: Config, facts: Facts) -> list[Problem]:
    """Run every rule over one file.

    Args:
        document: the file, for the places.
        cfg: the same, validated.
        facts: what is known beside it.

    Returns:
        All problems, by line.
    """
    found = []
    for rule in RULES:
        for finding in rule.look(cfg, facts):
            line, column = document.position(finding.path)
            key = ".".join(map(str, finding.path))
            severity = finding.severity or rule.severity
            found.append(
                Problem(
                    document.name, line, column, key, severity, rule.id,
                    finding.message, finding.remedy,
                )
            )  # fmt: skip
    return sorted(found)
