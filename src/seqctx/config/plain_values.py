"""Which values a file may hold: those that YAML, JSON and a command line can all carry.

A file is handed on as YAML to Axolotl, as JSON and as arguments to vLLM, and computed with here.
YAML and Python also know values that one of these cannot carry, or that no formula can use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple

from pydantic import BaseModel

from seqctx.catalog.keys import KeyPath

LARGEST = 2**63 - 1
"""The largest number: what 64 bits hold."""
MOST_VALUES = 20_000
"""A hand-edited file has hundreds."""
MOST_LEVELS = 100
"""A hand-edited file has five."""
_NOT_TEXT = re.compile("[\0\ud800-\udfff]")


class Unusable(NamedTuple):
    """A value that a file must not hold.

    Attributes:
        path: keys and indices from the top.
        fact: what is wrong, without an end.
        value: the value, for the message.
    """

    path: KeyPath
    fact: str
    value: Any


def wrong_text(text: str) -> str | None:
    """Why a text cannot be used; None where it can."""
    found = _NOT_TEXT.search(text)
    if found is None:
        return None
    if found[0] == "\0":
        return r"holds the character \x00"
    return "holds half of a surrogate pair, which is no character"


def wrong_number(number: float) -> str | None:
    """Why a number cannot be used; None where it can."""
    if -LARGEST <= number <= LARGEST:
        return None
    if number != number or number in (float("inf"), float("-inf")):
        return "must be a finite number"
    return f"must be a number between -{LARGEST} and {LARGEST}"


def unusable_values(data: Any) -> Iterator[Unusable]:
    """The values of nested mappings and lists that a file must not hold.

    Models are left out: they have been checked when they were made.
    """
    stack: list[tuple[KeyPath, Any]] = [((), data)]
    seen = 0
    while stack:
        path, value = stack.pop()
        seen += 1
        if seen > MOST_VALUES or len(path) > MOST_LEVELS:
            what = f"{MOST_VALUES} values" if seen > MOST_VALUES else f"{MOST_LEVELS} levels"
            yield Unusable(path[:1], f"holds more than {what}", "")
            return
        if wrong := _wrong(value):
            yield Unusable(path, wrong, value)
        elif isinstance(value, dict):
            for key, inner in value.items():
                if wrong := _wrong_key(key):
                    yield Unusable(path, wrong, key)
                else:
                    stack.append(((*path, key), inner))
        elif isinstance(value, list | tuple):
            stack.extend(((*path, i), inner) for i, inner in enumerate(value))


def _wrong(value: Any) -> str | None:
    """Why a value cannot be used, apart from what is in it; None where it can."""
    match value:
        case None | bool() | dict() | list() | tuple() | date() | BaseModel():
            return None
        case str():
            return wrong_text(value)
        case int() | float():
            return wrong_number(value)
        case bytes():
            return "must be text, not bytes"
        case set() | frozenset():
            return "must be a list, not a set"
    return f"must be text, a number, a list or a mapping, not {type(value).__name__}"


def _wrong_key(key: Any) -> str | None:
    """Why a key cannot be used; None where it can."""
    if isinstance(key, str):
        return f"a key {fact}" if (fact := wrong_text(key)) else None
    if isinstance(key, int) and not isinstance(key, bool):
        return f"a key {fact}" if (fact := wrong_number(key)) else None
    return "a key must be text"
