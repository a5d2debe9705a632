"""What a rule is: a pure function of `(Effective, Facts)` that yields findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from seqctx.catalog.keys import KeyPath
from seqctx.check.facts import Facts
from seqctx.config.effective import Effective
from seqctx.config.problem import Severity


@dataclass(frozen=True)
class Finding:
    """One problem that a rule found.

    Attributes:
        path: the key it is about. If the file does not have it, the line is that of the nearest
            block around it.
        message: the fact, in one line, without the key and without a full stop.
        remedy: what to do, in one line.
        severity: if it differs from the rule's.
    """

    path: KeyPath
    message: str
    remedy: str
    severity: Severity | None = None


Find = Callable[[Effective, Facts], Iterator[Finding]]


@dataclass(frozen=True)
class Rule:
    """A rule.

    Attributes:
        id: its name, shown in brackets after each of its problems.
        severity: of its findings, where they say no other.
        source: where the fact is from: a package with its version and module.
        find: the function; its docstring's first line is the fact.
    """

    id: str
    severity: Severity
    source: str
    find: Find

    @property
    def fact(self) -> str:
        """What the rule knows, in one line."""
        return (self.find.__doc__ or "").partition("\n")[0]

    @property
    def subject(self) -> str:
        """The module of `seqctx.check.rules` that it is in, such as ``serving``."""
        return self.find.__module__.rpartition(".")[2]


RULES: list[Rule] = []
"""All rules, in the order of their modules and in each as they are written down."""


def rule(id: str, severity: Severity, source: str) -> Callable[[Find], Find]:
    """Register a function as a rule."""

    def register(find: Find) -> Find:
        RULES.append(Rule(id, severity, source, find))
        return find

    return register
