"""What to remove when a signal ends this process at once, before ``finally`` could remove it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_removals: list[Callable[[], None]] = []


@contextmanager
def removed_at_forced_exit(remove: Callable[[], None]) -> Iterator[None]:
    """Let `clean_up_at_forced_exit` call a function while the block runs.

    A block that ends by itself removes what it must itself.
    """
    _removals.append(remove)
    try:
        yield
    finally:
        _removals.remove(remove)


def clean_up_at_forced_exit() -> None:
    """Remove what the blocks that still run would remove."""
    for remove in reversed(_removals):
        with suppress(Exception):
            remove()
