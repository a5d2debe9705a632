"""Looking at a file: all that is wrong, doubtful or worth knowing, by line."""

from __future__ import annotations

from seqctx.schema.config import Config
from seqctx.schema.facts import Facts
from seqctx.schema.problem import Problem, one_line
from seqctx.schema.rules import myths, parallel, serving, training
from seqctx.schema.rules.base import RULES, Rule
from seqctx.schema.source import Document

__all__ = [
    "RULES", "Problem", "Rule", "check", "myths", "parallel", "serving", "training",
]  # fmt: skip


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
            key = one_line(".".join(map(str, finding.path)))
            severity = finding.severity or rule.severity
            found.append(
                Problem(
                    document.name, line, column, key, severity, rule.id,
                    one_line(finding.message), one_line(finding.remedy),
                )
            )  # fmt: skip
    return sorted(found)
