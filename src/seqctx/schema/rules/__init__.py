"""Looking at a file: all that is wrong, doubtful or worth knowing, by line."""

from __future__ import annotations

from seqctx.schema.config import Config
from seqctx.schema.facts import Facts
from seqctx.schema.problem import Problem
from seqctx.schema.rules import myths, parallel, serving, training
from seqctx.schema.rules.base import RULES, Rule
from seqctx.schema.source import Document

__all__ = [
    "RULES", "Problem", "Rule", "check", "myths", "parallel", "serving", "training",
]  # fmt: skip


def check(document: Document, cfg: Config, facts: Facts) -> list[Problem]:
    """Run every rule over one file.

    Args:
        document: the file, with what the command line laid over it, for the places.
        cfg: the same, validated.
        facts: what is known beside it.

    Returns:
        All problems, by line.
    """
    found = []
    for rule in RULES:
        for finding in rule.look(cfg, facts):
            severity = finding.severity or rule.severity
            what = (severity, rule.id, finding.message, finding.remedy)
            found.append(Problem.at(document, finding.path, *what))
    return sorted(found)
