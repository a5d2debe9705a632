"""Files of a project that are not in the text: each is named, and its words are counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from seqctx.artifacts.manifest import LeftOut
from seqctx.errors import InputError
from seqctx.prepare.readers.projects.reading import ProjectText, words_of
from seqctx.prepare.readers.projects.tree import Aside, Files, Project
from seqctx.prepare.readers.refused_kinds import PUT_A_FILE, is_document
from seqctx.prepare.structure import Book

_NAMED = 20  # files of one kind that are named each
_MOST = 200
_SHOWN = 5  # names in a line


def left_out_of(project: Project, files: Files, text: ProjectText) -> Iterator[LeftOut]:
    """What is not the story, and documents that are empty."""
    asides = [*project.asides, *(Aside("empty file", name) for name in text.empty)]
    asides += [Aside(f"copy of {other}", name, (name,)) for name, other in text.copies.items()]
    for aside in _bounded(asides):
        words = words_of(files, aside.files, project.program)
        yield LeftOut(kind=aside.kind, title=aside.name, words=words, is_certain=True)


def nothing_to_read(path: Path, project: Project) -> InputError:
    """The line for a folder without a text that can be read; it names what is there."""
    names = ", ".join(aside.name for aside in project.asides[:_SHOWN])
    more = len(project.asides) - _SHOWN
    there = f" (it holds {names}{f' and {more:,} more' if more > 0 else ''})" if names else ""
    return InputError(f"{path}: this folder holds no manuscript{there}. {PUT_A_FILE}")


def _bounded(asides: Sequence[Aside]) -> Iterator[Aside]:
    """Asides, with one for the many of a kind; files that may be documents are all named."""
    kinds: dict[str, list[Aside]] = {}
    for aside in sorted(asides, key=lambda each: not is_document(PurePosixPath(each.name))):
        kinds.setdefault(aside.kind, []).append(aside)
    for kind, found in kinds.items():
        named = max(_NAMED, sum(is_document(PurePosixPath(each.name)) for each in found[:_MOST]))
        yield from found[:named]
        if rest := found[named:]:
            files = tuple(name for each in rest for name in each.files)
            yield Aside(kind, f"{len(rest):,} more, such as {rest[0].name}", files)


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
