"""EPUB: its spine's documents in order."""

from __future__ import annotations

import io
import posixpath
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from seqctx.errors import InputError
from seqctx.prepare.readers.blocks import (
    SCENE_BREAK,
    Block,
    Run,
    block_of,
    bounded,
    written,
)
from seqctx.prepare.readers.front_matter import DECLARED
from seqctx.prepare.readers.lines import without_comments
from seqctx.prepare.readers.markup import Piece, WrongMarkup, last_text, pieces, text_before
from seqctx.system.archives import Archive, damaged, open_archive

_CONTAINER, _ENCRYPTION = "META-INF/container.xml", "META-INF/encryption.xml"
_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_TYPE = "{http://www.idpf.org/2007/ops}type"
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_SKIPPED = {"script", "style", "svg", "img", "nav", "figure", "math", "head", "title", "rt", "rp"}
_INLINE = {
    "a", "abbr", "b", "bdi", "bdo", "big", "br", "cite", "code", "dfn", "em", "i", "ins", "kbd",
    "mark", "q", "ruby", "rb", "s", "samp", "small", "span", "strong", "sub", "sup", "time", "tt",
    "u", "var", "wbr", "font",
}  # fmt: skip
_PARAGRAPHS = {"p", "pre", "dt", "dd", "li", "td", "th", "caption", "address"}
_WHOLE = {*_INLINE, *_HEADINGS, *_SKIPPED, *_PARAGRAPHS, "hr", "hgroup", "header"}
_VOID = {b"br", b"hr", b"img", b"meta", b"link", b"col", b"wbr", b"input", b"area", b"base"}
_SELF_CLOSED = re.compile(rb"<([A-Za-z][\w:.-]*)(\s[^<>]*)?/>")
_LAST_TAGS = re.compile(rb"</(?:body|html)\s*>", re.I)
_ENOUGH, _FEW = 0.98, 3  # wrong mark-up may cost so much of the text: a "&" or "<" that was one
_FONTS = re.compile(r"\.(?:otf|ttf|woff2?)$", re.I)


def epub_blocks(path: Path) -> list[Block]:
    """Headings, paragraphs and breaks of the spine's linear documents.

    Raises:
        InputError: when the file is damaged, encrypted or not an EPUB.
    """
    with open_archive(path, ".epub") as archive:
        _refuse_locked(archive)
        return list(bounded(_blocks(archive), path))


def _refuse_locked(archive: Archive) -> None:
    """Refuse a file with copy protection; obfuscated fonts alone are no problem."""
    if _ENCRYPTION not in archive:
        return
    for node in _elements(archive, _ENCRYPTION, "CipherReference"):
        if not _FONTS.search(node.get("URI", "")):
            raise InputError(f"{archive.path}: locked by copy protection. Use a file without it.")


def _elements(archive: Archive, name: str, *tags: str) -> Iterator[Any]:
    """The elements of one small member that have one of these names."""
    raw = _marked_up(archive, name)
    for event, element in pieces(io.BytesIO(raw), archive.place(name), _never, problems=[]):
        if event == "close" and _tag(element) in map(str.lower, tags):
            yield element


def _never(tag: str) -> bool:
    return False


def _marked_up(archive: Archive, name: str) -> bytes:
    """One member's bytes, with HTML's named characters as XML knows them."""
    raw = archive.read(name)
    if not raw.strip():
        raise InputError(f"{archive.place(name)} is empty or holds no mark-up. Export it again.")
    return _entities(raw)


def _entities(raw: bytes) -> bytes:
    """HTML's named characters, which XML does not know, as numbers."""
    from html.entities import name2codepoint as codes

    def number(match: re.Match[bytes]) -> bytes:
        code = codes.get(match[1].decode("ascii", "replace"))
        return match[0] if code is None else b"&#%d;" % code

    return re.sub(rb"&(?!(?:amp|lt|gt|quot|apos);)(\w{1,40});", number, raw)


def _blocks(archive: Archive) -> Iterator[Block]:
    """The title, then the blocks of each document."""
    if _CONTAINER not in archive:
        raise InputError(damaged(archive.path, ".epub"))
    rootfile = next(_elements(archive, _CONTAINER, "rootfile"), None)
    package = unquote(rootfile.get("full-path", "")) if rootfile is not None else ""
    if not package:
        raise InputError(damaged(archive.path, ".epub", f" ({_CONTAINER} in it names no package)"))
    title, documents = _spine(archive, package)
    if title:
        yield Block("title", title)
    for name in documents:
        yield from _document(archive, name)


def _spine(archive: Archive, package: str) -> tuple[str, list[str]]:
    """The title that a package declares, and the names of the documents to read, in order."""
    title, items, order = "", {}, []
    for element in _elements(archive, package, "title", "item", "itemref"):
        tag = _tag(element)
        if element.tag == _TITLE and not title:
            title = " ".join((element.text or "").split())
        elif tag == "item":
            items[element.get("id")] = (element.get("href") or "", element.get("properties") or "")
        elif tag == "itemref" and element.get("linear") != "no":
            order.append(element.get("idref"))
    folder = posixpath.dirname(package)
    return title, [
        posixpath.normpath(posixpath.join(folder, unquote(href.partition("#")[0])))
        for href, properties in (items[key] for key in dict.fromkeys(order) if key in items)
        if "nav" not in properties.split()
    ]


def _document(archive: Archive, name: str) -> list[Block]:
    """The blocks of one document; wrong mark-up is repaired where no text is lost by it.

    Raises:
        InputError: where text would be lost.
    """
    raw = _marked_up(archive, name)
    problems: list[WrongMarkup] = []
    for html in (False, True):
        source = io.BytesIO(_as_html(raw) if html else raw)
        count = _Count()
        tree = pieces(source, archive.place(name), _is_whole, html=html, problems=problems)
        blocks = list(_blocks_of(count.all_of(tree)))
        if not count.elements:
            break
        if not problems or count.signs >= _signs_of(raw) * _ENOUGH - _FEW:
            return blocks
    if not count.elements:
        raise InputError(f"{archive.place(name)} is empty or holds no mark-up. Export it again.")
    raise InputError(
        f"{archive.place(name)}, line {problems[0].line}: {problems[0].fact}. The text after it "
        "cannot be read. Export the book again."
    )


class _Count:
    """Counts what is read of a document, so that nothing is lost in silence."""

    def __init__(self) -> None:
        self.elements = self.signs = 0

    def all_of(self, tree: Iterable[Piece]) -> Iterator[Piece]:
        """Hand the pieces of a document on."""
        for event, node in tree:
            self.elements += event != "close"
            if event == "close":
                self.signs += _signs(last_text(node))
            else:
                self.signs += _signs(text_before(node))
            if event == "whole":
                self.signs += sum(map(_signs, node.itertext()))
            yield event, node


def _signs(text: str) -> int:
    """Characters that are no white space."""
    return sum(map(len, text.split()))


def _signs_of(raw: bytes) -> int:
    """About as many characters as a document has outside tags and comments."""
    text = raw.decode("utf-8", "replace").replace("\0", "")
    text = re.sub(r"<[^<>]*>", " ", without_comments(text))
    return _signs(re.sub(r"&#?\w{1,40};", "x", text))


def _as_html(raw: bytes) -> bytes:
    """A document for the reader of web pages: only it reads on after a closing tag too many."""

    def opened(match: re.Match[bytes]) -> bytes:
        if match[1].lower() in _VOID:
            return match[0]
        return b"<%s%s></%s>" % (match[1], match[2] or b"", match[1])

    return _SELF_CLOSED.sub(opened, _LAST_TAGS.sub(b"", raw))


def _is_whole(tag: str) -> bool:
    """Whether an element is read at once: a paragraph, or what stands in a line of text."""
    return _local(tag) in _WHOLE


def _pieces_of(node: Any) -> Iterator[Piece]:
    """The pieces of an element that is complete already."""
    yield "open", node
    for child in node:
        if _is_whole(child.tag):
            yield "whole", child
        else:
            yield from _pieces_of(child)
    yield "close", node


def _local(tag: Any) -> str:
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def _tag(node: Any) -> str:
    """An element's local name; empty for comments and processing instructions."""
    return _local(node.tag)


def _types(node: Any) -> list[str]:
    """The types of an element that the file gives, in EPUB's words or ARIA's."""
    roles = (node.get("role") or "").split()
    types = node.get(_TYPE) or node.get("epub:type") or ""
    return [*types.split(), *(role.removeprefix("doc-") for role in roles)]


def _blocks_of(tree: Iterable[Piece], left_out: str | None = None) -> Iterator[Block]:
    """The blocks of a document, or of one element, from its pieces."""
    around = [left_out]  # what each open element is declared to be
    loose: list[Run] = []  # text that stands in no paragraph of its own
    for event, node in tree:
        if event == "close":
            yield from _loose([*loose, (last_text(node), "")], around.pop())
            loose = []
            continue
        if len(around) > 1:  # the first has nothing of its own before it
            loose.append((text_before(node), ""))
        tag = _tag(node)
        if event == "whole" and tag in _INLINE and not _holds(node, "p", "div", "section"):
            loose += _runs(node, "")
            continue
        yield from _loose(loose, around[-1])
        loose = []
        if event == "whole":
            yield from _block(node, tag, around[-1])
        else:
            around.append(_declared(node, around[-1]))


def _declared(node: Any, otherwise: str | None) -> str | None:
    """The kind of front matter that an element is declared to be."""
    return next((DECLARED[t] for t in _types(node) if t in DECLARED), otherwise)


def _holds(node: Any, *tags: str) -> bool:
    return any(_tag(below) in tags for below in node.iterdescendants())


def _loose(runs: list[Run], left_out: str | None) -> Iterator[Block]:
    block = block_of([(re.sub(r"\s+", " ", t) if t != "\n" else t, m) for t, m in runs], left_out)
    if block:
        yield block


def _block(node: Any, tag: str, left_out: str | None) -> Iterator[Block]:
    """One element that is a block."""
    if not tag or tag in _SKIPPED:
        return
    left_out = _declared(node, left_out)
    if tag == "hr":
        yield Block("break", SCENE_BREAK, left_out=left_out)
    elif tag in _HEADINGS:
        text, _ = written((text, "") for text, _ in _runs(node, ""))
        if text:
            yield Block("heading", " ".join(text.split()), level=int(tag[1]), left_out=left_out)
    elif tag == "hgroup" or (tag == "header" and any(_tag(x) in _HEADINGS for x in node)):
        yield from _hgroup(node, left_out)
    elif tag in _PARAGRAPHS and not _holds(node, "p", "div", "ul", "ol", "table", "blockquote"):
        block = block_of(_runs(node, "", preformatted=tag == "pre"), left_out)
        if block:
            yield block
    else:
        yield from _blocks_of(_pieces_of(node), left_out)


def _hgroup(node: Any, left_out: str | None) -> Iterator[Block]:
    """A group of headings of one chapter: its number and its title are two headings in a row."""
    level = min((int(_tag(x)[1]) for x in node.iter() if _tag(x) in _HEADINGS), default=1)
    for line in node:
        text, _ = written((text, "") for text, _ in _runs(line, ""))
        if not text:
            continue
        if _tag(line) in _HEADINGS or _tag(node) == "hgroup":
            yield Block("heading", " ".join(text.split()), level=level, left_out=left_out)
        else:
            yield from _block(line, _tag(line), left_out)


def _runs(node: Any, mark: str, preformatted: bool = False) -> list[Run]:
    """Characters of an element with their emphasis; its tail is not part of it."""
    tag = _tag(node)
    if tag in _SKIPPED or "noteref" in _types(node):
        return []
    if tag == "br":
        return [("\n", mark)]
    if tag in ("em", "i", "cite", "dfn") and not mark:
        mark = "*"
    elif tag in ("strong", "b"):
        mark = "**"

    def text(value: str | None) -> str:
        return (value or "") if preformatted else re.sub(r"\s+", " ", value or "")

    runs: list[Run] = [(text(node.text), mark)]
    for child in node:
        if _tag(child):
            runs += _runs(child, mark, preformatted)
        runs.append((text(child.tail), mark))
    return runs
