"""The split into text to train on and held-out text, made before any text is cut."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from seqctx.errors import CheckError, InputError
from seqctx.prepare.structure import Book, Chapter, Span

_AT_ONCE = 65_536  # hashes that are computed together
NGRAM = 50  # words; nobody writes the same fifty words in a row twice by chance


@dataclass(frozen=True, slots=True)
class Outline:
    """What the split needs of a book: its length, and where its parts begin.

    Attributes:
        size: characters.
        chapters: titles and spans.
        paragraphs: spans; empty where there are several chapters.
    """

    size: int
    chapters: tuple[Chapter, ...]
    paragraphs: Sequence[Span] = ()


def outline(book: Book) -> Outline:
    """What the split needs of a book, without the text."""
    paragraphs = book.paragraphs if len(book.chapters) < 2 else ()
    return Outline(len(book.text), book.chapters, paragraphs)


@dataclass(frozen=True, slots=True)
class HeldOutPart:
    """The held-out part of a book: all from one character on.

    Attributes:
        start: its first character; the text's end where nothing is held out.
        chapters: titles of the chapters in it.
    """

    start: int
    chapters: tuple[str, ...] = ()


def split(books: Sequence[Outline], share: float, how: str = "auto") -> list[HeldOutPart]:
    """Choose held-out parts that come to a share of all text, and to one chapter at least.

    A document without chapters is split between two paragraphs where nothing else can be.

    Args:
        books: the manuscripts.
        share: of the characters, from 0 and below 1.
        how: ``documents``: whole documents; ``chapters``: closing chapters of the last document
            that is as large as the share, else of the largest; ``auto``: documents, where some of
            the last come to at least half and at most twice the share, else chapters.

    Raises:
        InputError: when ``documents`` is asked for and there is only one.
    """
    sizes = [book.size for book in books]
    wanted = share * sum(sizes)
    whole = [HeldOutPart(size) for size in sizes]
    if how == "documents" and len(books) < 2:
        raise InputError(
            "seqctx.prepare.split: documents holds out whole manuscripts, and there is only one: "
            "none would be left to train on. Set it to chapters."
        )
    chosen = (
        _held_out_documents(sizes, wanted, must=how == "documents") if how != "chapters" else []
    )
    for k in chosen:
        whole[k] = HeldOutPart(0, tuple(c.title for c in books[k].chapters))
    if not chosen:
        large = [k for k, size in enumerate(sizes) if size >= wanted]
        last = large[-1] if large else max(range(len(sizes)), key=lambda k: (sizes[k], k))
        whole[last] = _closing_part(books[last], wanted)
    return whole


def _held_out_documents(sizes: list[int], wanted: float, *, must: bool) -> list[int]:
    """The last documents that come near the share; the nearest one where one must be chosen."""
    chosen: list[int] = []
    taken = 0
    for k in range(len(sizes) - 1, -1, -1):
        if taken + sizes[k] <= max(2 * wanted - taken, wanted) and len(chosen) < len(sizes) - 1:
            chosen.append(k)
            taken += sizes[k]
        if taken >= wanted:
            break
    if taken >= wanted / 2:
        return chosen
    return [min(range(len(sizes)), key=lambda k: abs(sizes[k] - wanted))] if must else []


def _closing_part(book: Outline, wanted: float) -> HeldOutPart:
    """A book's closing chapters, or its closing paragraphs where it has only one chapter."""
    spans = tuple(c.span for c in book.chapters)
    parts: Sequence[Span] = spans if len(spans) > 1 else book.paragraphs
    if len(parts) < 2:
        return HeldOutPart(book.size)
    k = len(parts) - 1
    while k > 1 and book.size - parts[k].start < wanted:
        k -= 1
    start = parts[k].start
    return HeldOutPart(start, tuple(c.title for c in book.chapters if c.span.end > start))


_WORDS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|\w+")


class HeldOutText:
    """All runs of 50 words of the held-out text; case and punctuation do not count."""

    def __init__(self, held_out: Iterable[str]) -> None:
        """Read the held-out texts; 8 bytes are kept for each word."""
        import numpy as np

        known = [hashes for text in held_out for hashes in _hashes(text)]
        self._known = np.unique(np.concatenate([*known, np.empty(0, np.uint64)]))

    def check_not_trained(self, book: Book, end: int) -> None:
        """Fail where the training text of a book holds such a run of words.

        The text is compared before it is cut: an example may be shorter than such a run.

        Args:
            book: a manuscript.
            end: where its training text ends.

        Raises:
            CheckError: with the first such run, its chapter, and how many there are.
        """
        import numpy as np

        text = book.text[:end]
        first, count, at = 0, 0, 0
        for hashes in _hashes(text):
            # searchsorted, as isin would sort all known hashes again for every book
            after = np.searchsorted(self._known, hashes, side="right")
            found = np.flatnonzero(after > np.searchsorted(self._known, hashes))
            if len(found) and not count:
                first = at + int(found[0])
            count, at = count + len(found), at + len(hashes)
        if count:
            start = next(islice(_WORDS.finditer(text), first, None)).start()
            chapter = next(c.title for c in book.chapters if start < c.span.end)
            begin = text[start:][:60].replace("\n", " ")
            raise CheckError(
                f"{book.path}: {chapter}: holds {NGRAM} words in a row that are also in the "
                f"held-out text ({count} places, the first at {begin!r}). The evaluation "
                "would measure text that was trained on. Leave one of the two drafts out."
            )


def _hashes(text: str) -> Iterator[Any]:
    """A hash of every 50 words in a row, as arrays of uint64, some at a time."""
    import numpy as np

    words = (match[0] for match in _WORDS.finditer(text.casefold()))
    codes = np.fromiter((zlib.crc32(word.encode()) for word in words), np.uint32)
    for first in range(0, len(codes) - NGRAM + 1, _AT_ONCE):
        yield _rolling(codes[first : first + _AT_ONCE + NGRAM - 1].astype(np.uint64))


def _rolling(codes: Any) -> Any:
    """The rolling hash of every 50 numbers in a row, modulo 2^64.

    With P the prefix sums of w_k B^k, that of numbers i to i + 49 is (P[i+50] - P[i]) B^-i.
    """
    import numpy as np

    base = 0x9E3779B97F4A7C15  # odd, so that it has an inverse
    inverse = pow(base, -1, 1 << 64)
    n = len(codes)
    powers, undo, sums = (np.full(n + 1, first, np.uint64) for first in (base, inverse, 0))
    powers[0] = undo[0] = 1
    powers, undo = np.cumprod(powers), np.cumprod(undo)
    np.cumsum(codes * powers[:n], out=sums[1:])
    return (sums[NGRAM:] - sums[:-NGRAM]) * undo[: n - NGRAM + 1]
