"""Counts the words of a file: each is in the text, left out, or part of a mark."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain

from seqctx.artifacts.manifest import Account, LeftOut
from seqctx.prepare.readers.blocks import Block, plain

# scripts that are written without white space between words: Thai, Lao, Burmese, Khmer, Chinese and
# Japanese (Korean has spaces)
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u312f\u31f0-\u9fff\uf900-\ufaff\uff66-\uff9f"
    r"\U00020000-\U0003ffff]"
)


def amount(text: str) -> int:
    """Words of a text; in Chinese, Japanese or Thai, about as many as a translation would have."""
    words = text.count(" ") + text.count("\n") + bool(text)  # blocks have single spaces
    return words if len(text) < 8 * words else max(words, len(_UNSPACED.findall(text)) // 2)


def amount_in(blocks: Iterable[Block]) -> int:
    """The words of some blocks, by `amount`."""
    return sum(amount(block.text) for block in blocks)


def words_in(blocks: Iterable[Block]) -> int:
    """The words of paragraphs and headings, as white space divides them, for people.

    Breaks and declared titles hold none of the file's. Decisions go by `amount`.
    """
    return sum(len(b.text.split()) for b in blocks if b.kind in ("paragraph", "heading"))


def _characters_in(blocks: Iterable[Block]) -> int:
    """The characters of paragraphs and headings, without white space and marks of emphasis."""
    return sum(
        sum(map(len, plain(b).split())) for b in blocks if b.kind in ("paragraph", "heading")
    )


def _is_unspaced(blocks: Iterable[Block]) -> bool:
    """Whether most characters are of scripts without white space between words."""
    unspaced = spaced = 0
    for block in blocks:
        found = len(_UNSPACED.findall(block.text))
        unspaced += found
        spaced += len(block.text) - found
    return unspaced > spaced


_IN_ONE_PIECE = (
    "title page", "contents", "list of illustrations", "imprint", "licence", "index",
    "bibliography", "advertisement", "about the author", "not linear", "archive header",
    "dramatis personae", "afterword",
)  # fmt: skip
"""Kinds of which each part is an entry. Others stand between paragraphs: one entry a kind."""


def entries_of(
    blocks: Sequence[Block], kinds: Sequence[str | None], certain: Sequence[bool]
) -> tuple[LeftOut, ...]:
    """What was left out: runs of blocks of one kind, and one entry for each scattered kind.

    Args:
        blocks: of the whole file.
        kinds: what each is; None where it stays.
        certain: whether that is certain.
    """
    parts: list[tuple[str, bool, list[Block]]] = []
    places: list[int] = []
    known: dict[tuple[str, bool], int] = {}  # the scattered ones
    last = None
    for block, kind, sure in zip(blocks, kinds, certain, strict=True):
        if block.kind == "break" and kind is not None:
            continue
        if kind is None:
            last = None
            continue
        key = (kind, sure)
        at = known.get(key)
        if kind in _IN_ONE_PIECE and key != last:
            at = None
        if at is None:
            at = known[key] = len(parts)
            parts.append((kind, sure, []))
            places.append(0)
        parts[at][2].append(block)
        places[at] += key != last
        last = key
    unspaced = _is_unspaced(blocks)
    whole = _characters_in(blocks) if unspaced else words_in(blocks)
    return tuple(
        _entry(*part, number, unspaced, whole) for part, number in zip(parts, places, strict=True)
    )


def _entry(
    kind: str, sure: bool, part: Sequence[Block], places: int, unspaced: bool, whole: int
) -> LeftOut:
    words = words_in(part)
    characters = _characters_in(part) if unspaced else None
    return LeftOut(
        kind=kind,
        title=" ".join(plain(part[0])[:500].split())[:60],
        words=words,
        characters=characters,
        share=round((words if characters is None else characters) / max(whole, 1), 4),
        is_certain=sure,
        places=places,
    )


def account_of(
    read: Sequence[Block],
    parted: Sequence[Block],
    titled: Sequence[Block],
    story: Sequence[Block],
    kept: Sequence[Block],
    left_out: Iterable[LeftOut],
) -> Account:
    """Where all words of a file went.

    Args:
        read: what the reader gave.
        parted: then, with scene breaks in place of their marks.
        titled: then, without headings that are the book's title.
        story: then, without what was left out.
        kept: then, without headings that repeat the title: the blocks of the text.
        left_out: what was left out.
    """
    signs, titles = (
        sum(len(b.mark.split()) for b in read if b.kind == kind) for kind in ("break", "title")
    )
    known: dict[int, int] = {}  # most blocks are in all of these lists
    for block in chain(read, parted, titled, story, kept):
        if id(block) not in known:
            known[id(block)] = words_in((block,))
    in_read, in_parted, in_titled, in_story, in_kept = (
        sum(known[id(block)] for block in blocks) for blocks in (read, parted, titled, story, kept)
    )
    total = in_read + signs + titles
    titles += in_parted - in_titled + in_story - in_kept
    marks = {"scene mark": in_read + signs - in_parted, "book title": titles}
    kinds: Counter[str] = Counter()
    for part in left_out:
        kinds[part.kind] += part.words
    return Account(
        words=total,
        in_text=in_kept,
        left_out=dict(kinds),
        marks={kind: words for kind, words in marks.items() if words},
    )
