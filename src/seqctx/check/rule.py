"""What a rule is: a pure function of `(Config, Facts)` that yields findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from seqctx.catalog.keys import KeyPath
from seqctx.check.facts import Facts
from seqctx.config.config import Config
from seqctx.config.problem import Severity


@dataclass(frozen=True)
class Finding:
    """What one rule says of one place.

    Attributes:
        path: the key it is about; where it is not in the file, the nearest block around it.
        message: one line of fact.
        remedy: one line of what to do.
        severity: other than the rule's own, where the case is milder.
    """

    path: KeyPath
    message: str
    remedy: str
    severity: Severity | None = None


Look = Callable[[Config, Facts], Iterator[Finding]]


@dataclass(frozen=True)
class Rule:
    """A rule with its name, severity and source."""

    id: str
    severity: Severity
    source: str
    look: Look

    @property
    def fact(self) -> str:
        """What the rule knows, in one line."""
        return (self.look.__doc__ or "").partition("\n")[0]


RULES: list[Rule] = []
"""All rules, in the order in which they are written down."""


def rule(id: str, severity: Severity, source: str) -> Callable[[Look], Look]:
    """Register a function as a rule."""

    def register(look: Look) -> Look:
        RULES.append(Rule(id, severity, source, look))
        return look

    return register
