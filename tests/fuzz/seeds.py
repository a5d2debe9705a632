"""How many inputs a fuzz test takes, and from which seeds.

``SEQCTX_FUZZ`` is the number of configs; `make fuzz` takes 20,000. Manuscripts and streams take
longer each, so there are fewer: `seeds` divides. ``SEQCTX_FUZZ_SEED`` is the first seed.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

COUNT = int(os.environ.get("SEQCTX_FUZZ", "200"))
FIRST = int(os.environ.get("SEQCTX_FUZZ_SEED", "0"))
CONFIGS_EACH, MANUSCRIPTS_EACH, STREAMS_EACH = 1, 10, 20
"""Of 20,000 these make 20,000 configs, 2,000 manuscripts and 1,000 streams."""


def seeds(each: int) -> range:
    """The seeds of one test: one for every ``each`` of ``SEQCTX_FUZZ``, at least one."""
    found = range(FIRST, FIRST + max(1, COUNT // each))
    print(f"\nseeds {found[0]} to {found[-1]}")
    return found


@contextmanager
def input_of(seed: int, test: str, *, seconds: int = 20) -> Iterator[None]:
    """Try the input of one seed in the block.

    An error of the block says how to run this seed alone. A block that takes longer fails.

    Args:
        seed: of the input.
        test: the file of the test, ``__file__``.
        seconds: how long the block may take.
    """

    def too_slow(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"one input took more than {seconds} s")

    old = signal.signal(signal.SIGALRM, too_slow)
    signal.alarm(seconds)
    try:
        yield
    except BaseException as error:
        error.add_note(f"again: SEQCTX_FUZZ=1 SEQCTX_FUZZ_SEED={seed} pytest {test}")
        raise
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, old)
