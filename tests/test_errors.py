"""Messages of errors."""

from __future__ import annotations

from seqctx.errors import InputError


def test_a_message_that_quotes_an_endless_value_ends() -> None:
    error = InputError("a: " + "x" * 100_000, "b\n" + "y" * 100_000)
    first, second, third = str(error).splitlines()
    assert first.endswith("x...")
    assert (second, third[-4:]) == ("b", "y...")
    assert max(map(len, (first, third))) < 1600
