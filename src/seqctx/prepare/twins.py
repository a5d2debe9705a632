"""Drafts of the same text: chapters that are equal, or nearly so."""

from __future__ import annotations

import re
from collections.abc import Sequence

from seqctx.prepare.structure import Book
from seqctx.schema.figures import Twins

_WORDS = re.compile(r"\w+")
_SHINGLE = 5  # words
_LEAST = 100  # words; shorter chapters are alike by their headings
_LIKE = 0.5
_PERMUTATIONS = 128


def find_twins(books: Sequence[Book]) -> list[Twins]:
    """Pairs of chapters, of one book or of two, half of whose five-word runs are the same or more.

    The likeness is estimated from 128 hashes, within about 0.09 of the true one (MinHash, Broder
    1997); equal words are exactly 1.
    """
    from datasketch import MinHash, MinHashLSH  # type: ignore[import-untyped]

    index = MinHashLSH(threshold=_LIKE, num_perm=_PERMUTATIONS)
    known: dict[str, tuple[MinHash, int]] = {}
    found = []
    for book in books:
        for number, chapter in enumerate(book.chapters):
            words = _WORDS.findall(book.text[chapter.span.start : chapter.span.end].casefold())
            if len(words) < _LEAST:
                continue
            name = f"{book.path}: {chapter.title}"
            name = f"{name} ({number + 1})" if name in known else name
            sketch = MinHash(num_perm=_PERMUTATIONS, seed=1)
            sketch.update_batch(
                {" ".join(words[i : i + _SHINGLE]).encode() for i in range(len(words) - _SHINGLE)}
            )
            same = hash(tuple(words))
            for other in index.query(sketch):
                like = 1.0 if known[other][1] == same else sketch.jaccard(known[other][0])
                if like >= _LIKE:
                    found.append(Twins(first=other, second=name, likeness=round(float(like), 2)))
            index.insert(name, sketch)
            known[name] = (sketch, same)
    return sorted(found, key=lambda t: (-t.likeness, t.first, t.second))
