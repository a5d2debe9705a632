"""What is trained and what is held out: whole closing chapters, never neighbours of one scene."""

from __future__ import annotations

from collections.abc import Sequence

from seqctx.errors import InputError
from seqctx.prepare.examples import Example


def split(
    examples: Sequence[Example], held_out: float
) -> tuple[list[Example], list[Example], tuple[str, ...]]:
    """Hold out closing chapters until they have a share of all tokens, at least one chapter.

    A text of a single chapter is split between two chunks instead.

    Args:
        examples: in reading order.
        held_out: share of the tokens, above 0 and below 1.

    Returns:
        Training examples, held-out examples, and the held-out chapters' titles.

    Raises:
        InputError: when there are fewer than two examples.
    """
    if len(examples) < 2:
        raise InputError(
            f"manuscripts: {sum(e.tokens for e in examples)} tokens make {len(examples)} example; "
            "one must train and one be held out. Add text, or lower seqctx.prepare.max_tokens."
        )
    groups = _by_chapter(examples)
    if len(groups) == 1:
        groups = [[example] for example in examples]
    wanted = held_out * sum(e.chunk.tokens for e in examples)
    cut, taken = len(groups), 0
    while cut > 1 and (cut == len(groups) or taken < wanted):
        cut -= 1
        taken += sum(e.chunk.tokens for e in groups[cut])
    train = [e for group in groups[:cut] for e in group]
    test = [e for group in groups[cut:] for e in group]
    titles = dict.fromkeys(e.book.chapters[e.chunk.chapter].title for e in test)
    return train, test, tuple(titles)


def _by_chapter(examples: Sequence[Example]) -> list[list[Example]]:
    """Runs of examples of one chapter of one book."""
    groups: dict[tuple[str, int], list[Example]] = {}
    for example in examples:
        groups.setdefault((example.book.path, example.chunk.chapter), []).append(example)
    return list(groups.values())
