"""Files of a project that are not in the text: each is named, and its words are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from seqctx.artifacts.manifest import LeftOut
from seqctx.prepare.readers.projects.reading import ProjectText, words_of
from seqctx.prepare.readers.projects.tree import Files, Project
from seqctx.prepare.structure import Book


def left_out_of(project: Project, files: Files, text: ProjectText) -> Iterator[LeftOut]:
    """What is not the story, and documents that are empty."""
    for aside in project.asides:
        words = words_of(files, aside.files, project.program)
        yield LeftOut(kind=aside.kind, title=aside.name, words=words, is_certain=True)
    for name in text.empty:
        yield LeftOut(kind="empty file", title=name, words=0, is_certain=True)


def with_left_out(book: Book, parts: Sequence[LeftOut]) -> Book:
    """A book with files that were left out, which count among its words."""
    account = book.account
    kinds = Counter(account.left_out)
    for part in parts:
        kinds[part.kind] += part.words
    total = account.words + sum(part.words for part in parts)
    shares = [p.model_copy(update={"share": round(p.words / max(total, 1), 4)}) for p in parts]
    kept = {kind: words for kind, words in kinds.items() if words}
    return replace(
        book,
        left_out=(*book.left_out, *shares),
        account=account.model_copy(update={"words": total, "left_out": kept}),
    )
