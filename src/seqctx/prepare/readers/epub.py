"""EPUB: its spine's documents in order."""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from seqctx.errors import InputError
from seqctx.prepare.readers.blocks import (
    SCENE_BREAK,
    Block,
    Run,
    block_of,
    with_headings_found,
    written,
)
from seqctx.prepare.readers.front_matter import DECLARED
from seqctx.system.extras import needs_extra

_LARGEST = 200_000_000  # bytes of one member; only a zip bomb is longer
_TYPE = "{http://www.idpf.org/2007/ops}type"
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_SKIPPED = {"script", "style", "svg", "img", "nav", "figure", "math", "head", "title", "rt", "rp"}
_INLINE = {
    "a", "abbr", "b", "bdi", "bdo", "big", "br", "cite", "code", "dfn", "em", "i", "ins", "kbd",
    "mark", "q", "ruby", "rb", "s", "samp", "small", "span", "strong", "sub", "sup", "time", "tt",
    "u", "var", "wbr", "font",
}  # fmt: skip
_FONTS = re.compile(r"\.(?:otf|ttf|woff2?)$", re.I)


def epub_blocks(path: Path) -> list[Block]:
    """Headings, paragraphs and breaks of the spine's linear documents.

    Raises:
        InputError: when the file is damaged, encrypted or not an EPUB.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _refuse_locked(path, archive)
            return with_headings_found(list(_blocks(path, archive)))
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError, NotImplementedError):
        raise InputError(f"{path}: damaged, or not an .epub file. Export it again.") from None


def _refuse_locked(path: Path, archive: zipfile.ZipFile) -> None:
    """Refuse a file with copy protection; obfuscated fonts alone are no problem."""
    if "META-INF/encryption.xml" not in archive.namelist():
        return
    for node in _xml(path, archive, "META-INF/encryption.xml").iter("{*}CipherReference"):
        if not _FONTS.search(node.get("URI", "")):
            raise InputError(f"{path}: locked by copy protection. Use a file without it.")


def _xml(path: Path, archive: zipfile.ZipFile, name: str) -> Any:
    """One member, parsed; broken mark-up is repaired as browsers do it."""
    with needs_extra("prepare", "reading .epub files"):
        from lxml import etree  # type: ignore[import-untyped]

    member = archive.getinfo(name)
    if member.flag_bits & 1:
        raise InputError(f"{path}: locked by a password. Export it without one.")
    if member.file_size > _LARGEST:
        raise InputError(
            f"{path}: {name} in it unpacks to over {_LARGEST // 10**6} MB. No chapter is so long. "
            "Export it again."
        )
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, huge_tree=True)
    raw = archive.read(name)
    if re.search(rb"&(?!amp;|lt;|gt;|quot;|apos;|#)\w+;", raw):
        raw = _entities(raw)
    root = etree.fromstring(raw, parser) if raw.strip() else None
    if root is None:
        raise InputError(f"{path}: {name} in it is empty or holds no mark-up. Export it again.")
    return root


def _entities(raw: bytes) -> bytes:
    """HTML's named characters, which XML does not know, as numbers."""
    from html.entities import name2codepoint as codes

    return re.sub(
        rb"&(?!amp;|lt;|gt;|quot;|apos;)(\w+);",
        lambda m: b"&#%d;" % codes[m[1].decode()] if m[1].decode() in codes else m[0],
        raw,
    )


def _blocks(path: Path, archive: zipfile.ZipFile) -> Iterator[Block]:
    """The title, then the blocks of each document."""
    container = _xml(path, archive, "META-INF/container.xml")
    rootfile = next(iter(container.iter("{*}rootfile")), None)
    if rootfile is None:
        raise ValueError("no rootfile")
    package_name = unquote(rootfile.get("full-path", ""))
    package = _xml(path, archive, package_name)
    title = next(iter(package.iter("{http://purl.org/dc/elements/1.1/}title")), None)
    if title is not None and title.text:
        yield Block("title", " ".join(title.text.split()))
    folder = posixpath.dirname(package_name)
    items = {item.get("id"): item for item in package.iter("{*}item")}
    for reference in package.iter("{*}itemref"):
        item = items.get(reference.get("idref"))
        if item is None or reference.get("linear") == "no":
            continue
        if "nav" in (item.get("properties") or "").split():
            continue
        name = posixpath.normpath(posixpath.join(folder, unquote(item.get("href", ""))))
        root = _xml(path, archive, name)
        body = next(iter(root.iter("{*}body")), None)
        if body is not None:
            yield from _below(body, None)


def _tag(node: Any) -> str:
    """An element's local name; empty for comments and processing instructions."""
    return node.tag.rpartition("}")[2].lower() if isinstance(node.tag, str) else ""


def _types(node: Any) -> list[str]:
    """The types of an element that the file gives, in EPUB's words or ARIA's."""
    roles = (node.get("role") or "").split()
    return [*(node.get(_TYPE) or "").split(), *(role.removeprefix("doc-") for role in roles)]


def _below(node: Any, front_matter: str | None) -> Iterator[Block]:
    """Blocks of one element that holds others."""
    front_matter = next((DECLARED[t] for t in _types(node) if t in DECLARED), front_matter)
    loose: list[Run] = [(node.text or "", "")]  # text that stands in no paragraph of its own
    for child in node:
        tag = _tag(child)
        if tag in _INLINE and not any(_tag(x) in ("p", "div", "section") for x in child.iter()):
            loose += _runs(child, "")
        else:
            yield from _loose(loose, front_matter)
            loose = []
            yield from _block(child, tag, front_matter)
        loose.append((child.tail or "", ""))
    yield from _loose(loose, front_matter)


def _loose(runs: list[Run], front_matter: str | None) -> Iterator[Block]:
    block = block_of(
        [(re.sub(r"\s+", " ", t) if t != "\n" else t, m) for t, m in runs], front_matter
    )
    if block:
        yield block


def _block(node: Any, tag: str, front_matter: str | None) -> Iterator[Block]:
    """One element that is a block."""
    if not tag or tag in _SKIPPED:
        return
    front_matter = next((DECLARED[t] for t in _types(node) if t in DECLARED), front_matter)
    if tag == "hr":
        yield Block("break", SCENE_BREAK, front_matter=front_matter)
    elif tag in _HEADINGS:
        text, _ = written((text, "") for text, _ in _runs(node, ""))
        if text:
            yield Block(
                "heading", " ".join(text.split()), level=int(tag[1]), front_matter=front_matter
            )
    elif tag == "hgroup" or (tag == "header" and any(_tag(x) in _HEADINGS for x in node)):
        yield from _hgroup(node, front_matter)
    elif tag in ("p", "pre", "dt", "dd", "li", "td", "th", "caption", "address") and not any(
        _tag(x) in ("p", "div", "ul", "ol", "table", "blockquote") for x in node.iterdescendants()
    ):
        block = block_of(_runs(node, "", preformatted=tag == "pre"), front_matter)
        if block:
            yield block
    else:
        yield from _below(node, front_matter)


def _hgroup(node: Any, front_matter: str | None) -> Iterator[Block]:
    """A group of headings of one chapter: its number and its title are two headings in a row."""
    level = min((int(_tag(x)[1]) for x in node.iter() if _tag(x) in _HEADINGS), default=1)
    for line in node:
        text, _ = written((text, "") for text, _ in _runs(line, ""))
        if not text:
            continue
        if _tag(line) in _HEADINGS or _tag(node) == "hgroup":
            yield Block("heading", " ".join(text.split()), level=level, front_matter=front_matter)
        else:
            yield from _block(line, _tag(line), front_matter)


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
