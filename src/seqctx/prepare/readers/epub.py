"""EPUB: the documents of its spine in order, with the titles that its contents give."""

from __future__ import annotations

import io
import posixpath
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from seqctx.errors import InputError
from seqctx.prepare.readers.blocks import Block, below_title, bounded
from seqctx.prepare.readers.document import page_blocks
from seqctx.prepare.readers.elements import Links, NoteMark, Picture, local, text_within, types_of
from seqctx.prepare.readers.html import Page
from seqctx.prepare.readers.labels import Label, Labels
from seqctx.prepare.readers.looks import with_usual_looks
from seqctx.prepare.readers.markup import pieces
from seqctx.prepare.readers.pictures import PICTURE_START, size_of_picture
from seqctx.prepare.readers.sheets import LARGEST_SHEET, Sheets
from seqctx.system.archives import Archive, damaged, open_archive

_CONTAINER, _ENCRYPTION = "META-INF/container.xml", "META-INF/encryption.xml"
_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_FONTS = re.compile(r"\.(?:otf|ttf|ttc|woff2?|eot|dfont|pfb)$", re.I)
_FONT_LOCKS = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#rc")
_LOCKS = ("META-INF/sinf.xml", "META-INF/license.lcpl")  # of Apple's shop, of Readium LCP
_MOST_LABELS = 100_000


def epub_blocks(path: Path) -> list[Block]:
    """Headings, paragraphs and breaks of all documents in the spine.

    Raises:
        InputError: when the file is damaged, encrypted or not an EPUB.
    """
    with open_archive(path, ".epub") as archive:
        _refuse_locked(archive)
        package = _package(archive)
        labels = Labels(_labels(archive, package), package.title)
        found = list(bounded(_found(archive, package, labels), path))
        blocks = with_usual_looks(
            labels.levelled(found),
            lambda name: size_of_picture(_start(archive, name, PICTURE_START)),
        )
    return below_title(package.title, blocks)


def _refuse_locked(archive: Archive) -> None:
    """Refuse a file with copy protection; obfuscated fonts alone are no problem."""
    locked = any(name in archive for name in _LOCKS)
    method = ""
    if _ENCRYPTION in archive:
        for node in _elements(archive, _ENCRYPTION, "EncryptionMethod", "CipherReference"):
            if local(node.tag) == "encryptionmethod":
                method = (node.get("Algorithm") or "").lower()
            elif method not in _FONT_LOCKS and not _FONTS.search(node.get("URI", "")):
                locked = True
    if locked:
        raise InputError(
            f"{archive.path}: locked by copy protection (DRM), so nobody but the shop's own "
            "program can read it. Use a file without it."
        )


def _elements(archive: Archive, name: str, *tags: str) -> Iterator[Any]:
    """The elements of one small member that have one of these names."""
    raw = _marked_up(archive, name)
    wanted = set(map(str.lower, tags))
    for event, element in pieces(io.BytesIO(raw), archive.place(name), _never, problems=[]):
        if event == "close" and local(element.tag) in wanted:
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


# --- the package ------------------------------------------------------------------------------


class _Package(NamedTuple):
    """What a book says of itself.

    Attributes:
        title: of the book.
        documents: names of the documents to read, in order; and whether each is not linear.
        navigation: the document that holds its contents; empty where there is none.
        ncx: the contents in the older form; empty where there are none.
    """

    title: str
    documents: dict[str, bool]
    navigation: str
    ncx: str


def _package(archive: Archive) -> _Package:
    if _CONTAINER not in archive:
        raise InputError(damaged(archive.path, ".epub"))
    rootfile = next(_elements(archive, _CONTAINER, "rootfile"), None)
    name = unquote(rootfile.get("full-path", "")) if rootfile is not None else ""
    if not name:
        raise InputError(damaged(archive.path, ".epub", f" ({_CONTAINER} in it names no package)"))
    title, items, order = "", dict[str, str](), dict[str, bool]()
    navigation = ncx = ""
    for element in _elements(archive, name, "title", "item", "itemref"):
        tag = local(element.tag)
        if element.tag == _TITLE and not title:
            title = " ".join((element.text or "").split())
        elif tag == "item":
            kind = (element.get("media-type") or "").lower()
            items[element.get("id")] = href = _resolved(name, element.get("href") or "")
            if "nav" in (element.get("properties") or "").split():
                navigation = href
            elif kind == "application/x-dtbncx+xml" or href.endswith(".ncx"):
                ncx = href
            if kind.startswith(("image/", "audio/", "video/")) and kind != "image/svg+xml":
                del items[element.get("id")]
        elif tag == "itemref":
            order.setdefault(element.get("idref"), element.get("linear") == "no")
    documents: dict[str, bool] = {}
    for key, apart in order.items():
        if key in items:
            documents.setdefault(items[key], apart)
    return _Package(title, documents, navigation, ncx)


def _resolved(document: str, href: str) -> str:
    path = href.partition("#")[0]
    return Links(document).resolved(path) if path else posixpath.dirname(document) or "."


def _labels(archive: Archive, package: _Package) -> list[Label]:
    """The titles in the book's contents; none where the book has none that can be read."""
    for name, read in ((package.navigation, _of_navigation), (package.ncx, _of_ncx)):
        if name and name in archive and archive.read(name).strip():
            found = list(islice(read(archive, name), _MOST_LABELS))
            if found:
                return found
    return []


def _label(name: str, text: str, depth: int, href: str) -> Iterator[Label]:
    document, _, fragment = Links(name).resolved(href).partition("#")
    if text and href:
        yield Label(text, depth, document, fragment)


def _of_navigation(archive: Archive, name: str) -> Iterator[Label]:
    """The links of the navigation document's table of contents."""
    raw = _marked_up(archive, name)
    depth = 0
    inside = False
    for event, node in pieces(io.BytesIO(raw), archive.place(name), _is_link, problems=[]):
        tag = local(node.tag)
        if tag == "nav":
            kinds = types_of(node)
            inside = event == "open" and (not kinds or "toc" in kinds)
        elif tag in ("ol", "ul") and inside:
            depth += 1 if event == "open" else -1
        elif event == "whole" and inside:
            yield from _label(name, text_within(node), max(depth, 1), node.get("href") or "")


def _is_link(tag: str) -> bool:
    return local(tag) == "a"


def _of_ncx(archive: Archive, name: str) -> Iterator[Label]:
    """The points of the older form of contents."""
    raw = _marked_up(archive, name)
    depth, text = 0, ""
    for event, node in pieces(io.BytesIO(raw), archive.place(name), _is_label, problems=[]):
        tag = local(node.tag)
        if tag == "navpoint":
            depth += 1 if event == "open" else -1
        elif tag == "navlabel":
            text = text_within(node)
        elif tag == "content" and event == "whole" and depth:
            yield from _label(name, text, depth, node.get("src") or "")


def _is_label(tag: str) -> bool:
    return local(tag) in ("navlabel", "content", "pagelist", "navlist")


# --- the documents ----------------------------------------------------------------------------


def _found(archive: Archive, package: _Package, labels: Labels) -> Iterator[Block | Picture]:
    """The blocks of all documents."""
    notes: dict[str, NoteMark] = {}
    sheets = Sheets(lambda name: _start(archive, name, LARGEST_SHEET).decode("utf-8", "replace"))
    number = 0
    for name, apart in package.documents.items():
        page = Page(
            Links(name, notes), sheets, wanted=labels.wanted(name), first=number + 1,
            left_out="contents" if name == package.navigation else "not linear" if apart else None,
        )  # fmt: skip
        read = page_blocks(_marked_up(archive, name), archive.place(name), page)
        found = labels.headed(read, name, page.places)
        number += len(found)
        yield from found


def _start(archive: Archive, name: str, most: int) -> bytes:
    """The first bytes of a style sheet or picture; nothing where it is not there, or damaged."""
    if name not in archive:
        return b""
    try:
        with archive.stream(name) as stream:
            return stream.read(most)
    except InputError:
        return b""
