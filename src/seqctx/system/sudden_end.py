"""What to remove when this process must end at once, and its blocks cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_removals: list[Callable[[], None]] = []


@contextmanager
def removed_at_sudden_end(remove: Callable[[], None]) -> Iterator[None]:
    """While the block runs, `clean_up_at_sudden_end` calls a function; the block does otherwise."""
    _removals.append(remove)
    try:
        yield
    finally:
        _removals.remove(remove)


def clean_up_at_sudden_end() -> None:
    """Remove what the blocks that still run would remove."""
    for remove in reversed(_removals):
        with suppress(Exception):
            remove()
