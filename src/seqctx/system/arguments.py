"""Checks arguments of public functions: a wrong type or value is reported in one sentence."""

from __future__ import annotations

from typing import Any

from seqctx.errors import InputError


def expect_type(name: str, value: Any, kind: type | tuple[type, ...], remedy: str) -> None:
    """Check that an argument has the type that the function takes.

    Args:
        name: the argument's name.
        value: the argument.
        kind: the type, or several.
        remedy: what to pass instead, as a sentence.

    Raises:
        InputError: when it has another type.
    """
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        names = " or ".join(each.__name__ for each in kinds)
        article = "an" if names[0] in "AEIOaeio" else "a"
        raise InputError(
            f"{name}: must be {article} {names} (got {type(value).__name__}). {remedy}"
        )


def expect_at_least(name: str, value: Any, least: int) -> None:
    """Check that an argument is a whole number of at least ``least``.

    Raises:
        InputError: when it is something else.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InputError(f"{name}: must be a whole number of at least {least} (got {value!r}).")
