"""Hostile inputs that are made: endless files, runs of one sign, archives of gigabytes."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PROSE = "The old man walked to the shore. "
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OPEN = "urn:oasis:names:tc:opendocument:xmlns"
# Each is repeated 100,000 times in one line.
SIGNS = [*'<[(*_`\\"\u201c&\r\t#~|', "- ", "> ", "&#", "!["]

# (name, what writes it into a folder, what may come of it)
Made = tuple[str, Callable[[Path], object], dict[str, Any]]


def made() -> Iterator[Made]:
    """Manuscripts: each is the only one of a file that `prepare` gets."""
    refused: dict[str, Any] = {"exits": (1, 2)}
    # the reader keeps below 500 MiB; main process and worker together, with the tokenizer, do not
    large: dict[str, Any] = {"limit_mib": 1000, "limit_s": 600}
    for name, target in [("zero.md", "/dev/zero"), ("memory.md", "/proc/self/mem")]:
        yield name, lambda f, n=name, t=target: (f / n).symlink_to(t), refused  # type: ignore[misc]
    yield "pipe.md", lambda f: os.mkfifo(f / "pipe.md"), refused
    yield "/**", lambda f: None, refused
    yield "/proc", lambda f: None, refused
    for sign in SIGNS:
        name = f"run-of-{'-'.join(f'{ord(s):x}' for s in sign)}.md"
        text = f"{PROSE}\n\n{sign * 100_000}x\n\n{PROSE}".encode()
        yield name, lambda f, n=name, t=text: (f / n).write_bytes(t), {"limit_s": 240}  # type: ignore[misc]
    yield "line.txt", lambda f: (f / "line.txt").write_text(PROSE * 30_000), large
    yield "nul.txt", lambda f: (f / "nul.txt").write_bytes(b"\0" * 10_000_000), refused
    yield "paragraphs.docx", lambda f: _docx(f / "paragraphs.docx", 1_000_000), large
    many = "<text:p>The old man walked.</text:p>" * 1_000_000
    yield "paragraphs.odt", lambda f: _odt(f / "paragraphs.odt", many), large
    yield "cells.odt", lambda f: _odt(f / "cells.odt", _CELLS), {"limit_mib": 400}
    deep = "<text:section>" * 50_000 + "<text:p>Word</text:p>" + "</text:section>" * 50_000
    yield "depth.odt", lambda f: _odt(f / "depth.odt", deep), {}
    yield "bomb.odt", lambda f: _odt(f / "bomb.odt", f"<text:p>{'a' * 10**9}</text:p>"), refused
    yield "entities.epub", lambda f: _epub(f / "entities.epub", _ENTITIES), {}
    divs = f"<html><body>{'<div>' * 100_000}Word{'</div>' * 100_000}</body></html>"
    yield "divs.epub", lambda f: _epub(f / "divs.epub", divs), {}
    bomb = "<html><body><p>{}</p></body></html>"
    yield (
        "bomb.epub", lambda f: _epub(f / "bomb.epub", bomb.format("a" * 10**9)), refused,
    )  # fmt: skip


_CELLS = (
    f'<table:table xmlns:table="{OPEN}:table:1.0">'
    '<table:table-row table:number-rows-repeated="2000000"><table:table-cell '
    'table:number-columns-repeated="2000000"><text:p>Word</text:p></table:table-cell>'
    "</table:table-row></table:table>"
)
_ENTITIES = (
    "<!DOCTYPE html ["
    + '<!ENTITY a0 "aaaaaaaaaa">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    + "]><html><body><p>&a11;</p></body></html>"
)


def laughs() -> str:
    """A config whose aliases expand to 9 ** 12 values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    return "base_model: m\n" + "\n".join(lines) + "\n"


def _docx(path: Path, paragraphs: int) -> None:
    kind = "application/vnd.openxmlformats"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
            f'ContentType="{kind}-package.relationships+xml"/><Override '
            f'PartName="/word/document.xml" ContentType="{kind}-officedocument'
            '.wordprocessingml.document.main+xml"/></Types>',
        )
        z.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r" '
            f'Type="{OFFICE}/officeDocument" Target="word/document.xml"/></Relationships>',
        )
        with z.open("word/document.xml", "w") as part:
            part.write(f'<w:document xmlns:w="{WORD}"><w:body>'.encode())
            for _ in range(paragraphs // 1000):
                part.write(b"<w:p><w:r><w:t>The old man walked.</w:t></w:r></w:p>" * 1000)
            part.write(b"</w:body></w:document>")


def _odt(path: Path, body: str) -> None:
    kind = "application/vnd.oasis.opendocument.text"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("mimetype", kind, zipfile.ZIP_STORED)
        z.writestr(
            "META-INF/manifest.xml",
            f'<manifest:manifest xmlns:manifest="{OPEN}:manifest:1.0"><manifest:file-entry '
            f'manifest:full-path="/" manifest:media-type="{kind}"/><manifest:file-entry '
            'manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
            "</manifest:manifest>",
        )
        for part in ("meta", "styles"):
            element = f"office:document-{part}"
            z.writestr(f"{part}.xml", f'<{element} xmlns:office="{OPEN}:office:1.0"></{element}>')
        z.writestr(
            "content.xml",
            f'<office:document-content xmlns:office="{OPEN}:office:1.0" '
            f'xmlns:text="{OPEN}:text:1.0"><office:body><office:text>{body}'
            "</office:text></office:body></office:document-content>",
        )


def _epub(path: Path, page: str) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        z.writestr(
            "META-INF/container.xml",
            f'<container version="1.0" xmlns="{OPEN}:container"><rootfiles><rootfile '
            'full-path="c.opf" media-type="application/oebps-package+xml"/></rootfiles>'
            "</container>",
        )
        z.writestr(
            "c.opf",
            '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata/><manifest>'
            '<item id="a" href="a.xhtml" media-type="application/xhtml+xml"/></manifest><spine>'
            '<itemref idref="a"/></spine></package>',
        )
        z.writestr("a.xhtml", page)
