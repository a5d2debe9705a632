"""What was left out of a manuscript, as lines; and when it is too much to leave out unasked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seqctx.artifacts.manifest import Account, LeftOut
from seqctx.prepare.structure import Book

UNCLEAR_SHARE = 0.05
UNCLEAR_WORDS = 2_000
UNCLEAR_CHARACTERS = 4_000
"""About as much text, in Chinese or Japanese."""
KEY = "seqctx.prepare.keep_front_and_back_matter"
_LISTED = 8  # parts in one message


def left_out_lines(parts: Sequence[LeftOut]) -> Iterator[str]:
    """A line for each part: what kind it is, how it begins, how much of the file it is."""
    for part in parts:
        yield f"left out: {_described(part)}{'' if part.is_certain else ', not certain'}"


def account_line(account: Account) -> str:
    """Where the words of a file went, in one line; empty for records of earlier versions."""
    if not account.words:
        return ""
    left_out = sum(account.left_out.values())
    marks = "".join(f", {words:,} in {kind}s" for kind, words in account.marks.items())
    return (
        f"words of the file: {account.words:,} = {account.in_text:,} in the text, "
        f"{left_out:,} left out{marks}"
    )


def unclear_parts(book: Book) -> Iterator[str]:
    """A message where too much would be left out without certain evidence that it is no story."""
    unclear = [part for part in book.left_out if not part.is_certain]
    words = sum(part.words for part in unclear)
    characters = sum(part.characters or 0 for part in unclear)
    share = sum(part.share for part in unclear)
    too_many = characters > UNCLEAR_CHARACTERS if characters else words > UNCLEAR_WORDS
    if not too_many and share <= UNCLEAR_SHARE:
        return
    whole = LeftOut(kind="", title="", words=words, characters=characters or None)
    parts = sorted(unclear, key=lambda part: -part.share)
    more = f"; and {len(parts) - _LISTED} more" if len(parts) > _LISTED else ""
    yield (
        f"{book.path}: {whole.size} ({share:.1%}) would be left out, and it is not certain that "
        f"they are not the story: {'; '.join(map(_described, parts[:_LISTED]))}{more}. To keep "
        f"them, set {KEY}: true. To leave them out, set it to false."
    )


def _described(part: LeftOut) -> str:
    places = f", in {part.places} places" if part.places > 1 else ""
    return f"{part.kind} “{part.title[:40]}” ({part.size}, {part.share:.1%}{places})"
