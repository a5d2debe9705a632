"""Looking at a file: all that is wrong, doubtful or worth knowing, by line."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seqctx.check.facts import Facts, gather_facts
from seqctx.check.rule import RULES
from seqctx.check.rules import myths, parallel, serving, training  # noqa: F401  (they register)
from seqctx.config.config import Config, read_config
from seqctx.config.problem import Problem
from seqctx.config.source import Document

SERVING_RULES = frozenset(r.id for r in RULES if r.look.__module__ == serving.__name__)
"""Ids of the rules about serving; an error of theirs does not stop a training run."""


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
    document = document.with_overrides(overrides)
    cfg, problems = read_config(document)
    found = check(document, cfg, gather_facts(cfg, path)) if cfg else []
    return sorted([*problems, *found])
