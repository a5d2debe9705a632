"""EPUBs as programs write them: a package with style sheets, contents and pictures."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from html import escape
from pathlib import Path

from tests.prepare.office_files import Members, zipped

PROSE = [
    f"The {name} stood by the water all day, and nobody who passed it knew whose it was."
    for name in "lantern ledger kettle bell oar map mare letter honey barley coat key".split()
]


def paragraphs(first: int, last: int, tag: str = "<p>{}</p>") -> str:
    """Some paragraphs of a story."""
    return "".join(tag.format(PROSE[k % len(PROSE)]) for k in range(first, last))


def png(width: int, height: int) -> bytes:
    """A picture of this size."""

    def part(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", b"") + part(b"IEND", b"")


def book(
    path: Path,
    *bodies: str,
    css: str = "",
    head: str = "",
    nav: Sequence[tuple[str, str]] | str = (),
    ncx: Sequence[tuple[str, str]] = (),
    spine: str = "",
    title: str = "The Ferry House",
    more: Members | None = None,
) -> Path:
    """A book of documents ``t0.xhtml``, ``t1.xhtml``, ... in the folder ``OEBPS``.

    Args:
        path: of the book.
        bodies: what stands in the body of each document.
        css: a style sheet, to which each document links.
        head: more of each document's head.
        nav: titles and addresses of the navigation document, or all of its body.
        ncx: titles and addresses of the contents in the older form.
        spine: the spine, if it is not all documents in order.
        title: of the book.
        more: members.
    """
    link = '<link rel="stylesheet" type="text/css" href="css/style.css"/>' if css else ""
    page = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<html xmlns="http://www.w3.org/1999/xhtml" '
        'xmlns:epub="http://www.idpf.org/2007/ops"><head><title>x</title>{}</head>{}</html>'
    )
    members: Members = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:'
        'container"><rootfiles><rootfile full-path="OEBPS/content.opf"/></rootfiles></container>',
    }
    items = ""
    for k, body in enumerate(bodies):
        body = body if body.startswith("<body") else f"<body>{body}</body>"
        members[f"OEBPS/t{k}.xhtml"] = page.format(head + link, body)
        items += f'<item id="t{k}" href="t{k}.xhtml" media-type="application/xhtml+xml"/>'
    if css:
        members["OEBPS/css/style.css"] = css
    if nav:
        if not isinstance(nav, str):
            listed = "".join(f'<li><a href="{href}">{escape(text)}</a></li>' for text, href in nav)
            nav = f'<nav epub:type="toc"><ol>{listed}</ol></nav>'
        members["OEBPS/nav.xhtml"] = page.format("", f"<body>{nav}</body>")
        items += '<item id="nav" href="nav.xhtml" properties="nav" media-type="x"/>'
    if ncx:
        points = "".join(
            f"<navPoint><navLabel><text>{escape(text)}</text></navLabel>"
            f'<content src="{href}"/></navPoint>'
            for text, href in ncx
        )
        members["OEBPS/toc.ncx"] = (
            f'<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap>{points}</navMap></ncx>'
        )
        items += '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>'
    spine = spine or "".join(f'<itemref idref="t{k}"/>' for k in range(len(bodies)))
    members["OEBPS/content.opf"] = (
        '<package xmlns="http://www.idpf.org/2007/opf"><metadata xmlns:dc='
        f'"http://purl.org/dc/elements/1.1/"><dc:title>{escape(title)}</dc:title></metadata>'
        f"<manifest>{items}</manifest><spine>{spine}</spine></package>"
    )
    return zipped(path, members | (more or {}))
