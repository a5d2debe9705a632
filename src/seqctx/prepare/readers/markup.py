"""Mark-up of office files and books, read piece by piece, so that no tree of all of it is made.

Bounded by libxml2 itself: 10 MB of one text or attribute, 256 elements in one another, entities
that grow. Entities are not expanded, and nothing outside the file is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO, Any, Literal, NamedTuple

from seqctx.errors import InputError
from seqctx.system.archives import in_one_line
from seqctx.system.extras import needs_extra

_DEEPEST = 200  # elements in one another; programs that write books need about 20
_LARGEST = 1_000_000  # elements of one paragraph

Piece = tuple[Literal["open", "whole", "close"], Any]


class WrongMarkup(NamedTuple):
    """What is wrong with mark-up: a sentence, and its line."""

    fact: str
    line: int


def pieces(
    stream: IO[bytes],
    place: str,
    whole: Callable[[str], bool],
    *,
    html: bool = False,
    problems: list[WrongMarkup] | None = None,
    encoding: str | None = None,
) -> Iterator[Piece]:
    """The elements of a document in order, each dropped from memory after it.

    Args:
        stream: the document's bytes.
        place: what an error names.
        whole: whether elements of this tag are given once they are complete, as ``whole``, with all
            that they hold. All others are given twice, as ``open`` and as ``close``; elements
            that precede a ``whole`` or ``close`` one beside it are gone, but the nearest and those
            whose name ends with "Pr" (Word's properties).
        html: read it as browsers read a web page, which knows no wrong mark-up.
        problems: repair wrong mark-up, and list here what was wrong; without it, it is an error.
        encoding: of the document, whatever it says itself.

    Raises:
        InputError: with the line, when the mark-up is wrong, or nested too deep.
    """
    with needs_extra("prepare", "reading this kind of file"):
        from lxml import etree  # type: ignore[import-untyped]

    repairs = problems is not None
    events = etree.iterparse(
        stream, events=("start", "end"), html=html, recover=repairs, resolve_entities=False,
        no_network=True, remove_comments=True, remove_pis=True, remove_blank_text=not repairs,
        encoding=encoding,
    )  # fmt: skip
    try:
        yield from _pieces(events, place, whole)
    except etree.XMLSyntaxError as error:
        if not repairs:
            raise InputError(f"{place}: {_fact(error.msg)}") from None
    if problems is not None:
        problems += [WrongMarkup(_fact(entry.message), entry.line) for entry in events.error_log]


def _pieces(events: Any, place: str, whole: Callable[[str], bool]) -> Iterator[Piece]:
    inside: Any = None
    depth = size = 0
    for event, element in events:
        if event == "start":
            depth += 1
            if depth > _DEEPEST:
                raise InputError(
                    f"{place}, line {element.sourceline}: more than {_DEEPEST} elements lie in one "
                    "another, which no book needs. Export it again."
                )
            size += 1
            if size > _LARGEST:
                raise InputError(
                    f"{place}, line {inside.sourceline}: a paragraph holds over {_LARGEST:,} "
                    "elements, which no book needs. Export it again."
                )
            if inside is None:
                if whole(element.tag):
                    inside = element
                else:
                    size = 0
                    yield "open", element
            continue
        depth -= 1
        if inside is None or inside is element:
            yield ("close" if inside is None else "whole"), element
            inside, size = None, 0
            _drop_before(element)


def _drop_before(element: Any) -> None:
    """Remove the elements beside one that come before it."""
    parent = element.getparent()
    before = element.getprevious()
    while before is not None and not str(before.tag).endswith("Pr"):
        parent.remove(before)
        before = element.getprevious()


def text_before(element: Any) -> str:
    """The text between an element and the one before it, or its parent's start."""
    before, parent = element.getprevious(), element.getparent()
    text = before.tail if before is not None else parent.text if parent is not None else ""
    return text or ""


def last_text(element: Any) -> str:
    """The text between an element's last child, or its own start, and its end."""
    return (element[-1].tail if len(element) else element.text) or ""


def _fact(message: str | None) -> str:
    """libxml2's message, without the lines of the file that it may quote."""
    return in_one_line((message or "wrong mark-up").strip().partition("\n")[0])
