"""How the paragraphs of a book look beside each other: larger than usual, with more space."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache

from seqctx.prepare.readers.blocks import SCENE_BREAK, Block, Look
from seqctx.prepare.readers.elements import Picture
from seqctx.prepare.readers.heading_lines import heading_line
from seqctx.prepare.readers.pictures import has_words, is_ornament


def with_usual_looks(
    found: Sequence[Block | Picture], size_of: Callable[[str], tuple[int, int] | None]
) -> list[Block]:
    """Blocks of a whole book, with sizes and spaces compared with what is usual in it.

    Args:
        found: what pages gave.
        size_of: width and height [pixels] of a picture by its address, None where unknown.
    """
    sizes, spaces, pictures = Counter[float](), Counter[float](), Counter[str]()
    for item in found:
        if isinstance(item, Picture):
            pictures[item.source] += 1
        elif item.kind == "paragraph" and not item.left_out:
            sizes[item.look.size] += len(item.text)
            spaces[item.look.space_above] += not item.look.centred
    size, space = (c.most_common(1)[0][0] if c else 1.0 for c in (sizes, spaces))
    size_of = cache(size_of)
    looks: dict[Look, Look] = {}
    blocks: list[Block] = []
    for k, item in enumerate(found):
        if isinstance(item, Picture):
            if _is_heading(item, found[max(k - 1, 0) : k + 2]):
                blocks.append(Block("paragraph", item.alt))
            else:
                blocks += _of_picture(item, pictures[item.source], size_of)
            continue
        look = looks.get(item.look)
        if look is None:
            seen = item.look
            relative = replace(
                seen,
                size=round(seen.size / size, 2),
                space_above=round(max(seen.space_above - space, 0.0), 2),
            )
            look = looks[seen] = seen if relative == seen else relative
        blocks.append(item if look == item.look else replace(item, look=look))
    return blocks


def _is_heading(picture: Picture, around: Sequence[Block | Picture]) -> bool:
    """Whether the words that stand for a picture are a heading, and none stands beside it."""
    line = None if picture.left_out else heading_line(picture.alt)
    headed = any(isinstance(x, Block) and x.kind == "heading" for x in around)
    return line is not None and line.is_certain and not headed


def _of_picture(
    picture: Picture, times: int, size_of: Callable[[str], tuple[int, int] | None]
) -> Iterator[Block]:
    """A scene break for an ornament; for other pictures, the words that stand for them."""
    if is_ornament(picture, times, size_of):
        yield Block("break", SCENE_BREAK, left_out=picture.left_out)
    elif has_words(picture.alt):
        yield Block("paragraph", picture.alt, left_out=picture.left_out or "illustration")
