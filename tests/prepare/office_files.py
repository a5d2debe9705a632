"""Small office files and books, written by hand, so that tests may put anything into them."""

from __future__ import annotations

import zipfile
from pathlib import Path

Members = dict[str, str | bytes]
W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
ODF = {
    name: f"urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"
    for name in ("office", "text", "style", "table", "drawing", "xsl-fo-compatible")
}
_PREFIXES = {"drawing": "draw", "xsl-fo-compatible": "fo"}
_ODF = " ".join(f'xmlns:{_PREFIXES.get(name, name)}="{space}"' for name, space in ODF.items())


def zipped(path: Path, members: Members) -> Path:
    """Write members as an archive."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def docx(path: Path, body: str, styles: str = "", more: Members | None = None) -> Path:
    """A Word file with this body; ``styles`` holds style elements."""
    relations = f'<Relationship Id="a" Type="{_R}/styles" Target="styles.xml"/>' if styles else ""
    relations += f'<Relationship Id="b" Type="{_R}/image" Target="media/a.bin"/>'
    members: Members = {
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="a" '
        f'Type="{_R}/officeDocument" Target="word/document.xml"/></Relationships>',
        "word/_rels/document.xml.rels": f'<Relationships xmlns="{_PACKAGE}">{relations}'
        "</Relationships>",
        "word/document.xml": f'<w:document xmlns:w="{W}"><w:body>{body}</w:body></w:document>',
    }
    if styles:
        members["word/styles.xml"] = f'<w:styles xmlns:w="{W}">{styles}</w:styles>'
    return zipped(path, members | (more or {}))


def odt(path: Path, text: str, styles: str = "", more: Members | None = None) -> Path:
    """A file of LibreOffice with this text; ``styles`` holds style elements."""
    content = (
        f"<office:document-content {_ODF}><office:automatic-styles>{styles}"
        f"</office:automatic-styles><office:body><office:text>{text}</office:text></office:body>"
        "</office:document-content>"
    )
    return zipped(path, {"content.xml": content} | (more or {}))


def epub(path: Path, *documents: str | bytes, more: Members | None = None) -> Path:
    """A book of these documents, each whole."""
    numbers = range(len(documents))
    items = "".join(f'<item id="i{k}" href="{k}.xhtml"/>' for k in numbers)
    spine = "".join(f'<itemref idref="i{k}"/>' for k in numbers)
    members: Members = {
        "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:'
        'container"><rootfiles><rootfile full-path="c.opf"/></rootfiles></container>',
        "c.opf": '<package xmlns="http://www.idpf.org/2007/opf"><metadata/>'
        f"<manifest>{items}</manifest><spine>{spine}</spine></package>",
    }
    members |= {f"{k}.xhtml": document for k, document in enumerate(documents)}
    return zipped(path, members | (more or {}))


def xhtml(body: str, head: str = "") -> str:
    """A document of a book."""
    return (
        f'{head}<html xmlns="http://www.w3.org/1999/xhtml" '
        f'xmlns:epub="http://www.idpf.org/2007/ops"><body>{body}</body></html>'
    )
