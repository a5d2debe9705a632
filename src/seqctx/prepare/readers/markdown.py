"""Markdown files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from seqctx.prepare.readers.blocks import SCENE_BREAK, Block, Run, block_of, clean, written
from seqctx.prepare.readers.lines import space_between
from seqctx.system.extras import needs_extra

if TYPE_CHECKING:
    from markdown_it.token import Token

# "---" may also open a story; YAML begins with a key
_FRONT_MATTER = re.compile(r"\A---\n[\w-]+:(?:\s.*?)?\n(?:---|\.\.\.)\n", re.S)
_TITLE = re.compile(r"^title:\s*(.+?)\s*$", re.M)
_COMMENT = re.compile(r"<!--.*?-->", re.S)


def markdown_blocks(text: str) -> Iterator[Block]:
    """Headings, rules and paragraphs of Markdown; other blocks stay as they are written."""
    with needs_extra("prepare", "reading .md files"):
        from markdown_it import MarkdownIt

    front = _FRONT_MATTER.match(text)
    if front:
        text = text[front.end() :]
        if declared := _TITLE.search(front[0]):
            yield Block("title", declared[1].strip("\"'"))
    lines = text.split("\n")
    tokens = MarkdownIt("commonmark").parse(text)
    levels = sorted({int(t.tag[1]) for t in tokens if t.type == "heading_open"})
    tops = sum(t.type == "heading_open" and t.tag == f"h{levels[0]}" for t in tokens)
    for i, token in enumerate(tokens):
        if token.level or not token.map:
            continue
        if token.type == "hr":
            yield Block("break", SCENE_BREAK)
        elif token.type == "heading_open":
            content, _ = written([(t, "") for t, _ in _runs(tokens[i + 1])])
            # A single top-level heading over others is the book's title.
            is_title = len(levels) > 1 and tops == 1 and token.tag == f"h{levels[0]}"
            if not content:
                yield Block("break", SCENE_BREAK)  # a # alone
            elif is_title:
                yield Block("title", content)
            else:
                yield Block("heading", content, level=int(token.tag[1]))
        elif token.type == "paragraph_open":
            block = block_of(_runs(tokens[i + 1]))
            if block:
                yield block
        else:
            source = clean("\n".join(lines[token.map[0] : token.map[1]])).strip("\n")
            source = _COMMENT.sub("", source) if token.type == "html_block" else source
            if source.strip():
                yield Block("paragraph", re.sub(r"\n[^\S\n]*\n+", "\n", source).rstrip())


def _runs(inline: Token) -> Iterator[Run]:
    """The characters of one paragraph; of links the text, of images nothing."""
    marks: list[str] = []
    children = inline.children or []
    for k, token in enumerate(children):
        if token.type in ("em_open", "strong_open"):
            marks.append("**" if token.type == "strong_open" else "*")
        elif token.type in ("em_close", "strong_close"):
            marks.pop()
        elif token.type == "softbreak":
            space = space_between(children[k - 1].content, children[k + 1].content)
            yield space, max(marks, key=len, default="")
        elif token.type == "hardbreak":
            yield "\n", max(marks, key=len, default="")
        elif token.type == "code_inline":
            yield f"`{token.content}`", max(marks, key=len, default="")
        elif token.type == "text":
            yield token.content, max(marks, key=len, default="")
        elif token.type == "html_inline" and not token.content.startswith("<!--"):
            yield token.content, ""
