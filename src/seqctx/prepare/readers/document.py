"""One document of HTML, whole: wrong mark-up is repaired where no text is lost by it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator
from typing import Any

from seqctx.errors import InputError
from seqctx.prepare.readers.blocks import Block
from seqctx.prepare.readers.elements import Picture, is_whole, local
from seqctx.prepare.readers.html import Page
from seqctx.prepare.readers.lines import without_comments
from seqctx.prepare.readers.marks import names_break
from seqctx.prepare.readers.markup import Piece, WrongMarkup, last_text, pieces, text_before

_VOID = {b"br", b"hr", b"img", b"meta", b"link", b"col", b"wbr", b"input", b"area", b"base"}
_SELF_CLOSED = re.compile(rb"<([A-Za-z][\w:.-]*)(\s[^<>]*)?/>")
_BREAK_NAMED = re.compile(rb"(?<=>)(\s{0,99})<!--([^<>-]{1,40})-->")
_LAST_TAGS = re.compile(rb"</(?:body|html)\s*>", re.I)
_SCRIPTS = re.compile(r"<(script|style)\b", re.I)
_SCRIPT_ENDS = {name: re.compile(f"</{name}", re.I) for name in ("script", "style")}
_WAYS = ((False, False), (False, True), (True, True))
_ENOUGH, _FEW = 0.98, 3  # wrong mark-up may cost so much of the text: a "&" or "<" that was one


def page_blocks(
    raw: bytes, place: str, page: Page, *, as_web_page: bool = False
) -> list[Block | Picture]:
    """The blocks of one document.

    Args:
        raw: the document, in UTF-8 or in an encoding that it declares.
        place: what an error names.
        page: what reads its elements.
        as_web_page: read it as browsers do; else as XML, and as browsers do where it is not.

    Raises:
        InputError: where text would be lost.
    """
    problems: list[WrongMarkup] = []
    raw = _BREAK_NAMED.sub(_as_rule, raw)
    # most documents are right, so that nothing needs to be counted
    for html, counts in ((True, True),) if as_web_page else _WAYS:
        source = io.BytesIO(_as_html(raw) if html else raw)
        count = _Count()
        page.begin()
        tree = pieces(
            source, place, is_whole, html=html, problems=problems,
            encoding="utf-8" if as_web_page else None,
        )  # fmt: skip
        blocks = list(page.blocks(count.all_of(tree, counts)))
        if not count.elements:
            break
        if not problems or (counts and count.signs >= _signs_of(raw) * _ENOUGH - _FEW):
            return blocks
    if not count.elements:
        raise InputError(f"{place} is empty or holds no mark-up. Export it again.")
    raise InputError(
        f"{place}, line {problems[0].line}: {problems[0].fact}. The text after it cannot be "
        "read. Export the book again."
    )


def _as_rule(comment: re.Match[bytes]) -> bytes:
    """A rule for a comment between elements that says that scenes part."""
    named = names_break(comment[2].decode("utf-8", "replace"))
    return comment[1] + b"<hr/>" if named else comment[0]


class _Count:
    """Counts what is read of a document, so that nothing is lost in silence."""

    def __init__(self) -> None:
        self.elements = self.signs = 0

    def all_of(self, tree: Iterable[Piece], counts: bool) -> Iterator[Piece]:
        """Hand the pieces of a document on; without ``counts``, count its elements only."""
        for event, node in tree:
            self.elements += event != "close"
            if not counts:
                yield event, node
                continue
            if event == "close":
                self.signs += _signs(last_text(node))
            else:
                self.signs += _signs(text_before(node))
            if event == "whole":
                self.signs += sum(map(_signs, _texts(node)))
            yield event, node


def _texts(node: Any) -> Iterator[str]:
    """All texts in an element but scripts and style sheets."""
    if local(node.tag) not in ("head", "script", "style"):
        yield from node.itertext()
        return
    for below in node.iter():
        if local(below.tag) not in ("script", "style"):
            yield below.text or ""
        if below is not node:
            yield below.tail or ""


def _signs(text: str) -> int:
    """Characters that are no white space."""
    return sum(map(len, text.split()))


def _signs_of(raw: bytes) -> int:
    """About as many characters as a document has outside tags and comments."""
    text = raw.decode("utf-8", "replace").replace("\0", "")
    text = re.sub(r"<[^<>]*>", " ", _without_scripts(without_comments(text)))
    return _signs(re.sub(r"&#?\w{1,40};", "x", text))


def _as_html(raw: bytes) -> bytes:
    """A document for the reader of web pages: only it reads on after a closing tag too many."""

    def opened(match: re.Match[bytes]) -> bytes:
        if match[1].lower() in _VOID:
            return match[0]
        return b"<%s%s></%s>" % (match[1], match[2] or b"", match[1])

    return _SELF_CLOSED.sub(opened, _LAST_TAGS.sub(b"", raw))


def _without_scripts(text: str) -> str:
    """Mark-up without its scripts and style sheets."""
    kept, at = [], 0
    while start := _SCRIPTS.search(text, at):
        end = _SCRIPT_ENDS[start[1].lower()].search(text, start.end())
        if end is None:
            break
        kept.append(text[at : start.start()])
        at = end.start()
    return "".join([*kept, text[at:]])
