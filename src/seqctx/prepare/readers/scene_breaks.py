"""Which paragraphs part scenes: one place for all formats."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from seqctx.prepare.readers.blocks import SCENE_BREAK, Block, bounded

_RARE = 5  # times as many full paragraphs as empty ones, or more


def with_gaps(found: Iterable[Block | None], path: Path) -> Iterator[Block]:
    """Blocks that know how many empty paragraphs come before them; None is an empty paragraph.

    Raises:
        InputError: when there are too many blocks.
    """

    def full() -> Iterator[Block]:
        gap = 0
        for block in found:
            if block is None:
                gap += 1
            else:
                yield replace(block, gap=gap) if gap else block
                gap = 0

    return bounded(full(), path)


def with_scene_breaks(blocks: Iterable[Block], *, empty: int | None = None) -> list[Block]:
    """The blocks, with a scene break where empty paragraphs stand for one.

    Where empty paragraphs are rare, one is enough; else it takes two in a row.

    Args:
        blocks: of a whole file.
        empty: how many paragraphs have no text; by default, those that are no block.
    """
    blocks = list(blocks)
    gone = sum(block.gap for block in blocks)
    empty = gone if empty is None else empty
    full = len(blocks) + gone - empty
    enough = 1 if empty * _RARE <= full else 2
    found: list[Block] = []
    for block in blocks:
        kinds = found and (found[-1].kind, block.kind)
        if block.gap >= enough and kinds == ("paragraph", "paragraph"):
            found.append(Block("break", SCENE_BREAK))
        found.append(block)
    return found
