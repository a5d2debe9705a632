"""Names of the strategies that a file may ask for in ``seqctx.prepare.strategy``.

`seqctx.prepare.strategies` holds what each does, under the same names; a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError


@dataclass(frozen=True, slots=True)
class StrategyName:
    """A strategy as the file names it.

    Attributes:
        name: the value of ``strategy``.
        about: what it does, for help texts and editors: a sentence without its first words.
        repeats: whether each chunk begins with a part of the one before, so that ``overlap`` and
            ``overlap_loss`` have an effect and ``context_tokens`` has none.
    """

    name: str
    about: str
    repeats: bool = False


STRATEGY_NAMES: dict[str, StrategyName] = {
    each.name: each
    for each in (
        StrategyName("sequential", "cuts between paragraphs, into as few chunks of even length as "
                     "possible"),
        StrategyName("overlap", "cuts in the same way, and each chunk begins with a part of the "
                     "one before", repeats=True),
        StrategyName("scenes", "cuts so that as few scenes as possible are cut through"),
    )
}  # fmt: skip
"""A strategy is registered here by its name and in `seqctx.prepare.strategies` by what it does."""


def describe_strategies() -> str:
    """One sentence for each strategy."""
    sentences = (f"``{each.name}`` {each.about}." for each in STRATEGY_NAMES.values())
    return f"How a book is cut into chunks. {' '.join(sentences)}"


def one_of(names: list[str]) -> str:
    """Names as a choice: ``'a', 'b' or 'c'``."""
    quoted = [f"'{name}'" for name in names]
    return " or ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


def _known(value: Any) -> Any:
    if not isinstance(value, str) or value not in STRATEGY_NAMES:
        expected = one_of(list(STRATEGY_NAMES))
        raise PydanticCustomError("literal_error", "Input should be {expected}",
                                  {"expected": expected})  # fmt: skip
    return value


KnownStrategy = Annotated[
    str,
    BeforeValidator(_known),
    WithJsonSchema({"type": "string", "enum": list(STRATEGY_NAMES)}),
]
"""The name of a registered strategy."""
