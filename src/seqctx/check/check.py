"""Checking a file: all errors, warnings and notes, by line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seqctx.check.facts import Facts, gather_facts
from seqctx.check.rule import RULES
from seqctx.check.rules import (  # noqa: F401  (importing a module registers its rules)
    adapter,
    attention,
    code,
    data,
    myths,
    parallel,
    serving,
    training,
)
from seqctx.config.config import Config, read_config
from seqctx.config.effective import Effective
from seqctx.config.problem import Problem
from seqctx.config.source import Document

SERVING_RULES = frozenset(rule.id for rule in RULES if rule.subject == "serving")
"""Ids of the rules on serving; their errors do not stop a training run."""


def check(document: Document, cfg: Config, facts: Facts) -> list[Problem]:
    """Run every rule on one file.

    Args:
        document: the file with its lines, and with the values that the command line replaced.
        cfg: the same, validated.
        facts: what is known beside it.

    Returns:
        All problems, by line.
    """
    file, problems = Effective.of(cfg), []
    for rule in RULES:
        for found in rule.find(file, facts):
            severity = found.severity or rule.severity
            what = (severity, rule.id, found.message, found.remedy)
            problems.append(Problem.at(document, found.path, *what))
    return sorted(problems)


def check_document(
    document: Document, path: Path | None = None, overrides: Mapping[str, Any] | None = None
) -> list[Problem]:
    """Check one file: its keys, its values and, if those are valid, the rules.

    Args:
        document: the file.
        path: where it is; without it nothing is known of prepared data.
        overrides: dotted keys and values that replace those of the file.

    Returns:
        All problems, by line.

    Raises:
        InputError: when the model's config.json or the manifest exists but cannot be read.
    """
    document = document.with_overrides(overrides)
    cfg, problems = read_config(document)
    found = check(document, cfg, gather_facts(cfg, path)) if cfg else []
    return sorted([*problems, *found])
