"""The parsers of Markdown: CommonMark with what writers' programs add, and a text in windows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from seqctx.prepare.readers.lines import ends_sentence
from seqctx.prepare.readers.markdown_layout import Layout
from seqctx.system.extras import needs_extra

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.token import Token

# ::: {.epigraph}, :::note A title, :::
_DIV = re.compile(
    r":{3,}[ \t]*(?:(?P<attributes>\{[^{}]{0,500}\})|(?P<name>[A-Za-z][\w-]{0,60})"
    r"(?:[ \t]+(?P<title>[^:\s].{0,300}?)|\[(?P<quoted>[^\[\]]{0,300})\])?)?[ \t]*:*[ \t]*"
)
_DEFINITION = re.compile(r"\[(?:(?:[^\[\]\\]|\\.){1,999})\]:\s*(?P<address><|\S+)")
# "[Maud]: Yes." is a message, not where a link goes
_ADDRESS = re.compile(
    r"(?i)<|[a-z][a-z0-9+.-]+:\S|#$|[#/]\S|\.{1,2}/|www\.|\S*\w/\S*\.\w|\S*[\w-]\.(?:md|markdown|html?"
    r"|xhtml|png|jpe?g|gif|svg|webp|pdf|txt|docx?|odt|epub|com|org|net)(?:[?#]\S*)?$"
)
_OPENS = re.compile(
    r"(?i)<(?:(?P<script>script)|(?P<pre>pre)|(?P<style>style)|(?P<textarea>textarea)|(?P<pi>\?)"
    r"|!(?P<declaration>[a-z])|!(?P<cdata>\[CDATA\[))"
)
_CLOSES = re.compile(
    r"(?i)</(?P<script>script)>|</(?P<pre>pre)>|</(?P<style>style)>|</(?P<textarea>textarea)>"
    r"|(?P<pi>\?>)|(?P<cdata>\]\]>)"
)
_MEANING = re.compile(r":[ \t]+[^\W_]")
_TERM = 80  # characters
_FENCE = re.compile(r"(?:`{3,}|~{3,})[ \t]*")


class MarkdownWindow(NamedTuple):
    """Some blocks of a text.

    Attributes:
        tokens: of the blocks, without what is in their lines.
        lines: that the ``map`` of a token counts.
        line: of the text where the window begins, from 0.
    """

    tokens: list[Token]
    lines: list[str]
    line: int


def parser_of_blocks(layout: Layout, text: str) -> MarkdownIt:
    """A parser of blocks, which leaves their lines as they are; ``text`` is the whole file's."""
    with needs_extra("prepare", "reading .md files"):
        from markdown_it import MarkdownIt
        from markdown_it.rules_block import fence, html_block, reference
        from mdit_py_plugins.deflist import deflist_plugin
        from mdit_py_plugins.footnote import footnote_plugin

    def definition(state: StateBlock, line: int, end: int, silent: bool) -> bool:
        start = state.bMarks[line] + state.tShift[line]
        found = _DEFINITION.match(state.src, start)
        if not found or not _ADDRESS.match(found["address"]):
            return False
        return reference(state, line, end, silent)

    def code(state: StateBlock, line: int, end: int, silent: bool) -> bool:
        if _FENCE.fullmatch(_line(state, line)):  # ~~~ alone may be a mark between scenes
            if layout.each_line or line + 1 >= end or state.isEmpty(line + 1):
                return False
        return fence(state, line, end, silent)

    ends = _last_ends(text)

    def html(state: StateBlock, line: int, end: int, silent: bool) -> bool:
        start = state.bMarks[line] + state.tShift[line]
        opens = _OPENS.match(state.src, start)  # what is never closed is text
        if opens and ends.get(opens.lastgroup or "", -1) < state.env["at"] + start:
            return False
        return html_block(state, line, end, silent)

    parser = MarkdownIt("commonmark").enable("table")
    parser.use(deflist_plugin).use(footnote_plugin, move_to_end=False)
    rules = parser.block.ruler
    define = next(rule.fn for rule in rules.__rules__ if rule.name == "deflist")

    def definitions(state: StateBlock, line: int, end: int, silent: bool) -> bool:
        below = line + 1 + (line + 1 < end and state.isEmpty(line + 1))
        if not silent and (
            below >= end
            or not _MEANING.match(_line(state, below))  # ~ may be a mark between scenes
            or len(term := _line(state, line)) > _TERM
            or ends_sentence(term)
        ):
            return False
        return bool(define(state, line, end, silent))

    rules.at("deflist", definitions, {"alt": ["paragraph", "reference", "blockquote"]})
    rules.at("reference", definition)
    rules.at("fence", code, {"alt": ["paragraph", "reference", "blockquote", "list"]})
    rules.before("fence", "div", _div, {"alt": ["paragraph", "reference", "blockquote", "list"]})
    rules.at("html_block", html, {"alt": ["paragraph", "reference", "blockquote"]})
    if layout.indented:
        parser.disable("code")
    return parser.disable(["inline", "text_join"])


def _last_ends(text: str) -> dict[str, int]:
    """Where the last sign stands that closes each kind of HTML which may hold empty lines."""
    found: dict[str, int] = {}
    if "<" in text:
        for match in _CLOSES.finditer(text):
            found[match.lastgroup or ""] = match.start()
        found["declaration"] = text.rfind(">")
    return found


def parser_of_lines(text: str) -> MarkdownIt:
    """A parser of what stands in a line; ``text`` is the whole file's."""
    from markdown_it import MarkdownIt
    from mdit_py_plugins.attrs import attrs_plugin
    from mdit_py_plugins.footnote import footnote_plugin

    parser = MarkdownIt("commonmark").enable("strikethrough")
    parser.use(footnote_plugin, move_to_end=False, always_match_refs=True)
    if "]{" in text or "`{" in text:
        parser.use(attrs_plugin, spans=True)
    return parser


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def _div(state: StateBlock, line: int, end: int, silent: bool) -> bool:
    """A line that opens or closes a container; what lies between is parsed as usual.

    A container may be a whole book, which the plugin for containers would parse at once.
    """
    if not state.src.startswith(":::", state.bMarks[line] + state.tShift[line]):
        return False
    found = _DIV.fullmatch(_line(state, line))
    if not found:
        return False
    if silent:
        return True
    token = state.push("div", "", 0)
    token.map = [line, line + 1]
    token.meta = found.groupdict()
    state.line = line + 1
    return True


def windows(
    text: str, parser: MarkdownIt, env: dict[str, Any], lines: int
) -> Iterator[MarkdownWindow]:
    """The blocks of a text, some at a time.

    The last block of some lines may go on below them: it is parsed again with the next.

    Args:
        text: of a whole file.
        parser: of blocks.
        env: what the parser remembers from one window to the next.
        lines: that are parsed at once, if they hold more than one block.
    """
    at, first, size = 0, 0, lines
    while at < len(text):
        end = at
        for _ in range(size):
            end = text.find("\n", end) + 1
            if not end:
                end = len(text)
                break
        window = text[at:end]
        env["at"] = at
        tokens = parser.parse(window, env)
        split = window.split("\n")
        if end < len(text):
            starts = [k for k, t in enumerate(tokens) if t.map and not t.level and t.nesting >= 0]
            if len(starts) < 2:
                size *= 4
                continue
            last = (tokens[starts[-1]].map or [0])[0]
            while last and not split[last - 1].strip(
                " \t"
            ):  # empty lines are counted with the block
                last -= 1
            tokens = tokens[: starts[-1]]
            end = at + sum(len(line) + 1 for line in split[:last])
        yield MarkdownWindow(tokens, split, first)
        first += text.count("\n", at, end)
        at, size = end, lines
