"""Looking at a file: all that is wrong, doubtful or worth knowing, by line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seqctx.schema.config import Config, read_config
from seqctx.schema.facts import Facts, gather_facts
from seqctx.schema.problem import Problem, one_line
from seqctx.schema.rules import myths, parallel, serving, training
from seqctx.schema.rules.base import RULES, Rule
from seqctx.schema.source import Document

__all__ = [
    "RULES", "Problem", "Rule", "check", "check_document", "myths", "parallel", "serving",
    "training",
]  # fmt: skip


def check_document(
    document: Document, path: Path | None = None, overrides: Mapping[str, Any] | None = None
) -> list[Problem]:
    """Look at one file's keys, values and, where those can be read, what they mean together.

    Args:
        document: the file.
        path: where it is; without it nothing is known of prepared data.
        overrides: dotted keys and values laid over it.

    Returns:
        All problems, by line.

    Raises:
        InputError: when the model's config.json or the manifest is there but cannot be read.
    """
    cfg, problems = read_config(document, overrides)
    found = check(document, cfg, gather_facts(cfg, path)) if cfg else []
    return sorted([*problems, *found])


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
