"""Markdown files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from seqctx.prepare.readers.blocks import SCENE_BREAK, Block, Run, block_of, clean, written
from seqctx.prepare.readers.lines import space_between, without_comments
from seqctx.system.extras import needs_extra

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

# "---" may also open a story; YAML begins with a key
_FRONT_MATTER = re.compile(r"\A---\n[\w-]+:(?:\s.*?)?\n(?:---|\.\.\.)\n", re.S)
_TITLE = re.compile(r"^title:\s*(\S.*)$", re.M)
_LINES = 2_000  # parsed at once, if they hold more than one block: the parser needs 1 kB a line
_PIECE = 200_000  # characters of a paragraph that are parsed at once; a long chapter has fewer


def markdown_blocks(text: str) -> Iterator[Block]:
    """Headings, rules and paragraphs of Markdown; other blocks stay as they are written."""
    front = _FRONT_MATTER.match(text)
    if front:
        text = text[front.end() :]
        if declared := _TITLE.search(front[0]):
            yield Block("title", declared[1].strip().strip("\"'"))
    for tokens, lines, env in _parsed(text):
        for i, token in enumerate(tokens):
            if token.level or not token.map:
                continue
            block = _block(tokens, i, lines, env)
            if block:
                yield block


def _parsed(text: str) -> Iterator[tuple[list[Token], list[str], dict[str, Any]]]:
    """The tokens of some blocks, the lines that their ``map`` counts, and the labels of links.

    No more than some blocks are in memory; the labels of the whole text are known before the first.
    """
    with needs_extra("prepare", "reading .md files"):
        from markdown_it import MarkdownIt

    only_blocks = MarkdownIt("commonmark").disable(["inline", "text_join"])
    env: dict[str, Any] = {}
    if "]:" in text:
        for _ in _windows(text, only_blocks, env):
            pass
    for tokens, lines in _windows(text, only_blocks, env):
        yield tokens, lines, env


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark")


def _windows(
    text: str, parser: Any, env: dict[str, Any]
) -> Iterator[tuple[list[Token], list[str]]]:
    """The blocks of a text, without what is in their lines, some at a time.

    The last block of some lines may go on below them: it is parsed again with the next.
    """
    at, size = 0, _LINES
    while at < len(text):
        end = at
        for _ in range(size):
            end = text.find("\n", end) + 1
            if not end:
                end = len(text)
                break
        window = text[at:end]
        tokens = parser.parse(window, env)
        if end < len(text):
            starts = [k for k, t in enumerate(tokens) if t.map and not t.level and t.nesting >= 0]
            if len(starts) < 2:
                size *= 4
                continue
            last = tokens[starts[-1]].map[0]
            tokens = tokens[: starts[-1]]
            lines = window.split("\n")
            end = at + sum(len(line) + 1 for line in lines[:last])
        yield tokens, window.split("\n")
        at, size = end, _LINES


def _cut(content: str) -> Iterator[str]:
    """A paragraph in pieces that are not too long to parse, between words where there are any."""
    at = 0
    while len(content) - at > _PIECE:
        end = content.rfind(" ", at + _PIECE // 2, at + _PIECE) + 1 or at + _PIECE
        yield content[at:end]
        at = end
    yield content[at:]


def _block(tokens: list[Token], i: int, lines: list[str], env: dict[str, Any]) -> Block | None:
    """The block that a token opens; None where nothing of it is text."""
    token = tokens[i]
    if token.type == "hr":
        return Block("break", SCENE_BREAK)
    if token.type == "heading_open":
        content, _ = written([(t, "") for t, _ in _runs(tokens[i + 1], env)])
        if not content:
            return Block("break", SCENE_BREAK)  # a # alone
        return Block("heading", content, level=int(token.tag[1]))
    if token.type == "paragraph_open":
        return block_of(_runs(tokens[i + 1], env))
    start, end = token.map or (0, 0)
    source = clean("\n".join(lines[start:end])).strip("\n")
    source = without_comments(source) if token.type == "html_block" else source
    if not source.strip():
        return None
    return Block("paragraph", re.sub(r"\n[^\S\n]*\n+", "\n", source).rstrip())


def _runs(line: Token, env: dict[str, Any]) -> Iterator[Run]:
    """The characters of one paragraph; of links the text, of images nothing."""
    from markdown_it.rules_core import StateCore, inline, text_join

    for piece in _cut(line.content):
        state = StateCore("", _parser(), env, [replace(line, content=piece, children=[])])
        inline(state)
        text_join(state)
        yield from _runs_of(state.tokens[0].children or [])


def _runs_of(children: list[Token]) -> Iterator[Run]:
    """The characters of what stands in a line."""
    marks: list[str] = []
    for k, token in enumerate(children):
        mark = max(marks, key=len, default="")
        if token.type in ("em_open", "strong_open"):
            marks.append("**" if token.type == "strong_open" else "*")
        elif token.type in ("em_close", "strong_close"):
            marks.pop()
        elif token.type == "softbreak":
            beside = [t.content for t in (children[k - 1], *children[k + 1 : k + 2])]
            yield space_between(beside[0], beside[-1]), mark
        elif token.type == "hardbreak":
            yield "\n", mark
        elif token.type == "code_inline":
            yield f"`{token.content}`", mark
        elif token.type == "text":
            yield token.content, mark
        elif token.type == "html_inline" and not token.content.startswith("<!--"):
            yield token.content, ""
