"""Near duplicates: chapters with the same text, or nearly so, such as drafts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from sys import intern
from typing import Any

from seqctx.artifacts.dataset_stats import NearDuplicates
from seqctx.prepare.structure import Book
from seqctx.system.extras import needs_extra
from seqctx.system.hashing import hash_text

_WORDS = re.compile(r"\w+")
_SHINGLE = 5  # words
_LEAST = 100  # words; of a shorter chapter the heading is too large a part
_LIKE = 0.5  # share of five-word runs that near duplicates have in common
_PERMUTATIONS = 128
_AT_ONCE = 4096  # runs of words that are hashed together: each takes some kilobytes meanwhile


@dataclass(frozen=True, slots=True)
class Sketch:
    """One chapter's MinHash.

    Attributes:
        name: the book's path and the chapter's title.
        sha256: of its words.
        minhash: datasketch's, of 128 minima.
    """

    name: str
    sha256: str
    minhash: Any


def sketches(book: Book) -> list[Sketch]:
    """Every chapter of 100 words or more."""
    with needs_extra("prepare", "finding near duplicates"):
        from datasketch import MinHash  # type: ignore[import-untyped]

    found: list[Sketch] = []
    for number, chapter in enumerate(book.chapters):
        text = book.text[chapter.span.start : chapter.span.end].casefold()
        words = [intern(match[0]) for match in _WORDS.finditer(text)]  # many, of few kinds
        if len(words) < _LEAST:
            continue
        sketch = MinHash(num_perm=_PERMUTATIONS, seed=1)
        runs = range(len(words) - _SHINGLE)
        for first in range(0, len(runs), _AT_ONCE):
            some = runs[first : first + _AT_ONCE]
            sketch.update_batch({" ".join(words[i : i + _SHINGLE]).encode() for i in some})
        name = f"{book.path}: {chapter.title} ({number + 1} of {len(book.chapters)})"
        found.append(Sketch(name, hash_text(*words), sketch))
    return found


def find_near_duplicates(found: Iterable[Sketch]) -> list[NearDuplicates]:
    """Pairs of chapters, of one book or of two, that share half of their five-word runs or more.

    The likeness is estimated from 128 hashes, within about 0.09 of the true one (MinHash, Broder
    1997); equal words are exactly 1.
    """
    with needs_extra("prepare", "finding near duplicates"):
        from datasketch import MinHashLSH

    index = MinHashLSH(threshold=_LIKE, num_perm=_PERMUTATIONS)
    known: dict[str, tuple[Any, str]] = {}
    near_duplicates = []
    for one in found:
        sketch = one.minhash
        for other in index.query(sketch):
            like = 1.0 if known[other][1] == one.sha256 else sketch.jaccard(known[other][0])
            if like >= _LIKE:
                near_duplicates.append(
                    NearDuplicates(first=other, second=one.name, likeness=round(float(like), 2))
                )
        index.insert(one.name, sketch)
        known[one.name] = (sketch, one.sha256)
    return sorted(near_duplicates, key=lambda t: (-t.likeness, t.first, t.second))
