"""Elements of HTML: their names and declared types, and what their addresses lead to."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import unquote

from seqctx.prepare.readers.front_matter_words import DECLARED
from seqctx.prepare.readers.markup import Piece

NO_WORDS = {"script", "style", "head", "title", "meta", "link", "template", "base"}
CONTROLS = {
    "button", "select", "option", "textarea", "noscript", "audio", "video", "object", "iframe",
    "input", "datalist",
}  # fmt: skip
EMPHASIS = {
    "em": "*", "i": "*", "cite": "*", "dfn": "*", "var": "*", "strong": "**", "b": "**",
}  # fmt: skip
PICTURES = {"img", "svg"}
HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
INLINE = {
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "br", "cite", "code", "data", "del", "dfn",
    "em", "font", "i", "ins", "kbd", "mark", "math", "q", "rb", "ruby", "s", "samp", "small",
    "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
}  # fmt: skip
PARAGRAPHS = {
    "p", "pre", "dt", "dd", "li", "td", "th", "caption", "address", "figcaption", "summary",
    "legend",
}  # fmt: skip
_WHOLE = {
    *INLINE, *HEADINGS, *NO_WORDS, *PARAGRAPHS, *CONTROLS, *PICTURES, "nav", "hr", "hgroup",
    "header",
}  # fmt: skip
_HOLD_BLOCKS = (
    "p", "div", "section", "ul", "ol", "dl", "table", "blockquote", "figure", "pre", "hr",
    *sorted(HEADINGS),
)  # fmt: skip
_BREAK_CLASS = re.compile(
    r"(?i)(?<![a-z])(?:scene|section|thought|text|space|chapter)?[-_]?(?:break|divider|sep(?:arator)?)"
    r"(?![a-z])|(?<![a-z])(?:tb|sb|ornament(?:al)?|dinkus|asterism|fleuron|stars?|asterisks?"
    r"|transition|spacer|(?:szenen)?trenner)(?![a-z])"
)
PAGE_BREAK_CLASS = re.compile(r"(?i)page-?break|line-?break|break-(?:before|after)")
_CAPTION = re.compile(
    r"(?i)(?<![a-z])(?:fig|img|image|picture|illus[a-z]{0,10})?-?caption(?![a-z])"
)
_KINDS_OF_CLASSES = {
    **dict.fromkeys(("footnote", "footnotes", "endnote", "endnotes"), "endnotes"),
    "msofootnotetext": "endnotes", "msoendnotetext": "endnotes", "msocommenttext": "comment",
    **{f"msotoc{level}": "contents" for level in range(1, 10)},
}  # fmt: skip
_SHORT = 60  # characters, with blanks
_TYPE = "{http://www.idpf.org/2007/ops}type"


@lru_cache(4096)
def local(tag: Any) -> str:
    """A tag without its name space, in lower case; empty for comments."""
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def types_of(node: Any) -> list[str]:
    """The types of an element that the file gives, in EPUB's words or ARIA's."""
    types, role = node.get(_TYPE) or node.get("epub:type"), node.get("role")
    if not types and not role:
        return []
    return [*(types or "").split(), *(r.removeprefix("doc-") for r in (role or "").split())]


def is_whole(tag: str) -> bool:
    """Whether an element is read at once: a paragraph, or what stands in a line of text."""
    return local(tag) in _WHOLE


def pieces_of(node: Any) -> Iterator[Piece]:
    """The pieces of an element that is complete already."""
    yield "open", node
    for child in node:
        if is_whole(child.tag):
            yield "whole", child
        else:
            yield from pieces_of(child)
    yield "close", node


def holds_blocks(node: Any) -> bool:
    """Whether an element holds blocks."""
    return any(local(below.tag) in _HOLD_BLOCKS for below in node.iterdescendants())


def words_within(node: Any) -> str:
    """All words within an element, those that stand for pictures too, parted by its elements."""
    pictures = (x.get("alt") or "" for x in node.iter() if local(x.tag) == "img")
    return " ".join(" ".join((*node.itertext(), *pictures)).split())


def short_text(node: Any) -> str | None:
    """The characters within an element; None where they are more than a mark or a number has."""
    pieces: list[str] = []
    size = 0
    for text in node.itertext():
        size += len(text)
        if size > _SHORT:
            return None
        pieces.append(text)
    return " ".join("".join(pieces).split())


def kind_declared(types: list[str]) -> str | None:
    """What the types of an element declare it to be, if that is not the story."""
    return next((DECLARED[t] for t in types if t in DECLARED), None)


def text_within(node: Any) -> str:
    """All characters within an element, in one line."""
    return " ".join("".join(node.itertext()).split())


def kind_by_class(node: Any, tag: str) -> str | None:
    """What a block is, if not the story, by the classes that programs give to such blocks."""
    names = names_of(node)
    for name in names.split() if names else ():
        if kind := _KINDS_OF_CLASSES.get(name):
            return kind
    if names and _CAPTION.search(names):
        return "caption"
    if tag == "dl" and "tags" in names.split():
        return "tags"  # how archives of fan fiction list what a story is about
    if tag == "div" and node.get("title") in ("header", "footer"):  # LibreOffice's
        return "running head"
    return None if node.get("hidden") is None else "hidden text"


class Picture(NamedTuple):
    """A picture.

    Attributes:
        source: its address in the book; empty where it is drawn in the document itself.
        alt: the words that stand for it.
        names: classes of it and of what is around it.
        height: as its element says [pixels]; 0 where it does not.
        left_out: what the part of the book around it is, if that is not the story.
    """

    source: str
    alt: str
    names: str
    height: int
    left_out: str | None = None

    @property
    def text(self) -> str:
        """The words that stand for it."""
        return self.alt


class NoteMark(NamedTuple):
    """A mark in the text that links to a note: in which document, and its characters."""

    document: str
    text: str


@dataclass
class Links:
    """Addresses in one document of a book.

    Attributes:
        document: the document's name.
        notes: the marks of notes that were seen in the book so far, by the address of the note.
    """

    document: str = ""
    notes: dict[str, NoteMark] = field(default_factory=dict)

    def resolved(self, href: str) -> str:
        """An address from this document as one from the top of the book."""
        path, _, fragment = href.partition("#")
        folder = posixpath.dirname(self.document)
        name = posixpath.normpath(posixpath.join(folder, unquote(path))) if path else self.document
        return f"{name}#{unquote(fragment)}" if fragment else name

    def note_of(self, node: Any) -> str | None:
        """``endnotes`` or ``comment`` for a paragraph that a mark of a note links to.

        It is one only where it links back to the mark's document, begins with the same mark, or
        is an entry of a list, or a box.
        """
        if not self.notes:
            return None
        for below in node.iter():
            ident = below.get("id") or below.get("name")
            mark = self.notes.get(f"{self.document}#{ident}") if ident else None
            if mark is not None and (
                local(below.tag) in ("li", "aside", "dd")
                or _starts_alike(node, mark.text)
                or self._links_to(node, mark.document)
            ):
                return "comment" if ident.startswith(("cmnt", "_msocom")) else "endnotes"
        return None

    def _links_to(self, node: Any, document: str) -> bool:
        return any(
            self.resolved(below.get("href")).startswith(document + "#")
            for below in node.iter()
            if local(below.tag) == "a" and "#" in (below.get("href") or "")
        )


def _starts_alike(node: Any, mark: str) -> bool:
    bare = mark.strip("[](){}. ")
    start = "".join(islice(node.itertext(), 20)).lstrip()
    return start.lstrip("[({ ").startswith(bare) if bare else False


def names_of(node: Any) -> str:
    """The classes of an element, in lower case."""
    return (node.get("class") or "").lower() if node is not None else ""


def is_break_class(names: str) -> bool:
    """Whether classes say that a paragraph parts scenes."""
    return bool(_BREAK_CLASS.search(names)) and not PAGE_BREAK_CLASS.search(names)
