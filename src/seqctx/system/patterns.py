"""A user's regular expressions: wrong ones end in one line, slow ones in seconds.

Use it for every regular expression that a config file, a model's folder or a command line holds.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from seqctx.errors import InputError

_LONGEST = 10_000  # characters; compiling a pattern of megabytes takes seconds by itself
_SECONDS = 2.0  # for all texts together


@dataclass(frozen=True)
class UserPattern:
    """A regular expression of a user; `user_pattern` makes one.

    Attributes:
        key: where it stands, such as ``lora_target_modules``; errors name it.
        text: the expression.
    """

    key: str
    text: str
    _compiled: Any = field(repr=False, compare=False)

    def full_matches(self, texts: Iterable[str]) -> list[str]:
        """The texts that the whole expression matches, as ``re.fullmatch`` does.

        Raises:
            InputError: when that takes longer than two seconds.
        """
        match, ends = self._compiled.fullmatch, time.monotonic() + _SECONDS
        try:
            return [t for t in texts if match(t, timeout=max(0.001, ends - time.monotonic()))]
        except (TimeoutError, MemoryError):
            raise InputError(
                f"{self.key}: matching this regular expression takes too long "
                f"(got {self.text[:80]!r}). Do not repeat a group that repeats something itself."
            ) from None


def user_pattern(key: str, text: str) -> UserPattern:
    """Compile a regular expression of a user.

    The expression must be one of Python's module ``re``, which Axolotl and PEFT use. It is matched
    by the package ``regex`` in its version 0, because ``re`` knows no time-out. Where ``re``
    accepts an expression, the two differ in a few rare cases, among them: ``regex`` reads
    ``{e<=1}`` after a group as a permitted number of errors, where ``re`` reads these characters.

    Args:
        key: where it stands, such as ``lora_target_modules``.
        text: the expression.

    Raises:
        InputError: when it is no regular expression, or is longer than 10,000 characters.
    """
    import regex  # here: most commands meet no pattern

    if len(text) > _LONGEST:
        raise InputError(
            f"{key}: this regular expression is too long (got {len(text)} characters, at most "
            f"{_LONGEST} are read). Write a shorter one."
        )
    try:
        re.compile(text)
        compiled = regex.compile(text, regex.VERSION0)
    except (re.error, regex.error, OverflowError, RecursionError, ValueError) as error:
        raise InputError(
            f"{key}: is not a regular expression ({error}; got {text[:80]!r}). Correct it, or list "
            "names."
        ) from None
    return UserPattern(key, text, compiled)
