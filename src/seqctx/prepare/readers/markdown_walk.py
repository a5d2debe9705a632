"""From the tokens of a Markdown file to its blocks."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from seqctx.prepare.readers.blocks import block_of
from seqctx.prepare.readers.elements import HEADINGS
from seqctx.prepare.readers.heading_lines import is_heading
from seqctx.prepare.readers.lines import ends_sentence
from seqctx.prepare.readers.markdown_collect import Around, Collector
from seqctx.prepare.readers.markdown_html import Element, parts_of
from seqctx.prepare.readers.markdown_parser import MarkdownWindow, parser_of_blocks, windows

if TYPE_CHECKING:
    from markdown_it.token import Token

_TITLE = 80  # characters of a line above --- that may be a heading
_CALLOUT = re.compile(r"\[!(?P<type>[\w-]+)(?:\|[^\]\n]{0,100})?\][+-]?[ \t]*(?P<title>[^\n]*)\n?")
_REMARKS = {  # callouts and containers that programs offer for remarks, not for the text
    "abstract", "admonition", "attention", "bug", "caution", "check", "comment", "danger", "done",
    "error", "example", "fail", "failure", "faq", "help", "hint", "important", "info", "missing",
    "note", "question", "success", "summary", "tip", "tldr", "todo", "warning",
}  # fmt: skip
_BY_CLASS = {
    **dict.fromkeys(("comment", "comments", "content-hidden", "hidden", "notes"), "comment"),
    **dict.fromkeys(("footnotes", "endnotes"), "endnotes"), "toc": "contents",
}  # fmt: skip
_SPEECH = 0.8  # of the rows of a list end a sentence
_DEEPEST = 19  # the parser reads nothing that lies in so many others
_AT_ONCE = 2_000  # lines of text below code that nothing closes
_QUERIES = re.compile(
    r"(?i)(?:dataview(?:js)?|query|tasks|mermaid|plantuml|leaflet|toc)\b|\{=|\{[a-z]+[ ,}]"
)


class BlockWalk:
    """Hands the blocks of windows to a collector."""

    def __init__(self, collector: Collector) -> None:
        """``collector`` takes the blocks of one file."""
        self._to = collector
        self._quotes = 0  # that are open
        self._is_inside = False  # code that is parsed, since nothing closes it

    def add(self, window: MarkdownWindow) -> None:
        """Take in the blocks of a window."""
        tokens = window.tokens
        k = 0
        while k < len(tokens):
            token = tokens[k]
            if token.map and token.nesting >= 0:
                if not token.level and token.nesting and self._is_added_whole(window, k):
                    k = _closing(tokens, k) + 1
                    continue
                self._to.line = window.line + token.map[0]
                if not token.level:
                    self._to.gap += self._empty_lines(window, token.map[0])
                    self._to.add_asides(self._to.line)
            k = self._token(window, k)

    def _empty_lines(self, window: MarkdownWindow, line: int) -> int:
        """How many empty lines beyond the usual one come before a line."""
        first = line
        while first and not window.lines[first - 1].strip(" \t"):
            first -= 1
        return max(0, line - first - self._to.layout.usual_blank) if self._to.is_begun else 0

    def _is_added_whole(self, window: MarkdownWindow, k: int) -> bool:
        """Add a block as it is written: a ``>`` without words, and what the parser leaves out.

        It leaves out what lies too deep in other blocks.
        """
        token = window.tokens[k]
        if token.type in ("paragraph_open", "heading_open"):
            return False
        part = window.tokens[k : _closing(window.tokens, k)]
        is_empty = token.type == "blockquote_open" and all(
            inner.type.startswith("blockquote") for inner in part
        )
        if not is_empty and all(inner.level < _DEEPEST for inner in part):
            return False
        start, end = token.map or (0, 0)
        self._to.line = window.line + start
        self._to.add_asides(self._to.line)
        self._to.add_lines("\n".join(window.lines[start:end]))
        return True

    def _token(self, window: MarkdownWindow, k: int) -> int:
        """Take in what a token opens; returns which token comes next."""
        tokens = window.tokens
        token = tokens[k]
        kind = token.type
        start, end = token.map or (0, 0)
        if kind == "inline":
            self._to.gap += not token.content.strip()  # white space of other kinds
            self._to.paragraph(token.content)
        elif kind == "heading_open":
            self._heading(window, k)
            return k + 3
        elif kind in ("bullet_list_open", "ordered_list_open", "table_open"):
            closing = _closing(tokens, k)
            if kind == "table_open":
                self._table(window.lines[start:end])
            else:
                self._list(window, tokens[k : closing + 1])
            return closing + 1
        elif kind == "hr":
            self._to.add_break()
        elif kind == "html_block":
            self._html(token.content)
        elif kind in ("fence", "code_block"):
            self._code(window, token)
        elif kind == "div":
            self._div(token.meta, window.lines[start])
        elif kind == "blockquote_open":
            self._quote(tokens, k)
        elif kind == "footnote_reference_open":
            self._to.enter(Around("footnote", left_out="endnotes"))
        elif kind == "footnote_reference_close":
            self._to.leave("footnote")
        elif kind == "blockquote_close":
            self._quotes -= 1
            self._to.leave("blockquote")
        return k + 1

    def _heading(self, window: MarkdownWindow, k: int) -> None:
        """A heading; or a paragraph and a rule right below it."""
        token, content = window.tokens[k], window.tokens[k + 1].content
        underline = window.lines[token.map[1] - 1].strip() if token.map else ""
        if token.markup in ("-", "=") and not self._is_underlined(content, underline):
            self._to.paragraph(content)
            if token.markup == "-":
                self._to.add_break()
            else:
                self._to.paragraph(underline)
            return
        content = re.sub(r"(?<=\S)[ \t]+\[[a-z0-9][\w:.-]{0,100}\]$", "", content)  # MultiMarkdown
        content = content.removesuffix("{-}").rstrip()
        if self._quotes:
            self._to.paragraph(content)
        else:
            self._to.add_heading(self._to.words(content), int(token.tag[1]))

    def _is_underlined(self, content: str, underline: str) -> bool:
        """Whether the line below makes a heading of some text: it does of a short title."""
        lines = content.split("\n")
        if len(lines) > 2 or len(content) > _TITLE * len(lines):
            return False
        if is_heading(content):
            return True
        as_long = len(underline) > 3 and abs(len(underline) - len(lines[-1])) <= 2
        if any(map(ends_sentence, lines)) or self._to.layout.each_line:
            return as_long and len(lines) == 1
        return True

    def _div(self, parts: dict[str, str | None], line: str) -> None:
        """A line that opens or closes a container."""
        attributes, name = parts["attributes"] or "", parts["name"] or ""
        if not attributes and not name:
            if self._to.is_open("div:"):
                self._to.leave("div:")
            else:
                self._to.paragraph(line.strip())
            return
        classes = name.lower() or " ".join(re.findall(r"\.([\w-]+)", attributes)).lower()
        out = next((_BY_CLASS[c] for c in classes.split() if c in _BY_CLASS), "")
        if any(c.removeprefix("callout-") in _REMARKS for c in classes.split()):
            out = "comment"
        self._to.enter(Around("div:", classes, "center" in classes, out))
        if title := parts["title"] or parts["quoted"]:
            self._to.paragraph(title)

    def _quote(self, tokens: Sequence[Token], k: int) -> None:
        """A quotation; one that begins with [!note] is a remark."""
        self._quotes += 1
        around = Around("blockquote")
        first = tokens[k + 2] if k + 2 < len(tokens) else None
        if first and first.type == "inline" and (found := _CALLOUT.match(first.content)):
            kind = found["type"].lower()
            around.left_out = "comment" if kind in _REMARKS else ""
            around.style = kind
            first.content = first.content[found.end() :]
            self._to.enter(around)
            self._to.paragraph(found["title"])
            return
        self._to.enter(around)

    def _list(self, window: MarkdownWindow, tokens: Sequence[Token]) -> None:
        """A list: a paragraph of lines if it is tight, else a paragraph for each of its own."""
        local = window._replace(tokens=list(tokens))
        is_tight = not any(t.type == "paragraph_open" and not t.hidden for t in tokens)
        rows: list[tuple[str, str]] = []
        sign, k, is_empty = "", 0, True
        while k < len(tokens):
            token = tokens[k]
            if token.type == "list_item_open":
                sign = f"{token.info}{token.markup} "
            elif token.type == "inline":
                rows.append((sign, token.content))
                sign, is_empty = "", False
            elif token.type in ("fence", "code_block", "html_block", "hr", "table_open", "div"):
                self._to.rows(rows, is_tight and not _is_speech(rows))
                rows, is_empty = [], False
                k = self._token(local, k)
                continue
            k += 1
        if is_empty:  # + + +
            start, end = tokens[0].map or (0, 0)
            if block := block_of([(" ".join(window.lines[start:end]), "")]):
                self._to.add(block)
        self._to.rows(rows, is_tight and not _is_speech(rows))

    def _table(self, lines: Sequence[str]) -> None:
        """The rows of a table, without the line below its head."""
        rows = [line.strip().strip("|").strip() for line in lines]
        self._to.rows([("", row) for row in rows if row.strip(":-| \t")], is_tight=True)

    def _code(self, window: MarkdownWindow, token: Token) -> None:
        """Lines of code stay as they are; those that nothing closes are text."""
        start, end = token.map or (0, 0)
        if token.type == "fence":
            closed = window.lines[end - 1].lstrip("> \t").startswith(token.markup)
            if not self._is_inside and (not closed or end - start < 2):
                self._unclosed(window, token, start)
                return
            source = token.content
            if " " in token.info.strip() and "{" not in token.info:  # ``` A letter
                source = f"{token.info.strip()}\n{source}"
        else:
            source = textwrap.dedent("\n".join(window.lines[start:end]).expandtabs(4))
            if "\n" not in source.strip():
                self._to.paragraph(source.strip())
                return
        self._to.add_lines(source, "code" if _QUERIES.match(token.info.strip()) else None)

    def _unclosed(self, window: MarkdownWindow, token: Token, start: int) -> None:
        """Text below a line that opens code which is never closed."""
        self._to.paragraph(window.lines[start].lstrip("> \t"))
        self._is_inside = True
        first = window.line + start + 1
        parser = parser_of_blocks(self._to.layout, token.content)
        for part in windows(token.content, parser, self._to.env, _AT_ONCE):
            self.add(part._replace(line=first + part.line))
        self._is_inside = False

    def _html(self, source: str) -> None:
        """A block of HTML: paragraphs, headings, rules, and how they look."""
        texts: list[str] | None = None  # of a heading or a row of a table
        is_read = False
        for part in parts_of(source):
            name = part.element.name
            if part.kind == "text":
                is_read = True
                if texts is None:
                    self._html_text(part.text)
                else:
                    texts.append(" ".join(part.text.split()))
            elif part.kind == "open":
                self._open_element(part.element)
                if name in HEADINGS or name == "tr":
                    texts = []
            else:
                if name in HEADINGS and texts:
                    self._to.add_heading(self._to.words(" ".join(texts)), int(name[1]))
                elif name == "tr" and texts:
                    self._to.rows([("", " | ".join(texts))], is_tight=True)
                if name in HEADINGS or name == "tr":
                    texts = None
                self._to.leave("<" + name)
        if texts:
            self._to.paragraph(" ".join(texts))
        if is_read:
            self._to.leave("<p")

    def _html_text(self, text: str) -> None:
        """The paragraphs of a text between tags."""
        if any(around.name == "<pre" for around in self._to.around[-5:]):
            text = text.strip("\n").replace("\n", "<br>")
        for part in re.split(r"\n[ \t]*\n", text):
            if part.strip():
                self._to.paragraph("\n".join(line.strip() for line in part.strip().split("\n")))

    def _open_element(self, element: Element) -> None:
        """What an opening tag changes."""
        if element.name == "hr":
            self._to.add_break()
            return
        if element.name == "p" and self._to.around and self._to.around[-1].name == "<p":
            self._to.leave("<p")
        if element.new_page:
            self._to.start_page()
        out = next((_BY_CLASS[c] for c in element.classes.split() if c in _BY_CLASS), "")
        if element.hidden:
            out = "hidden text"
        elif element.name in ("figcaption", "caption"):
            out = "caption"
        self._to.enter(
            Around("<" + element.name, element.classes, element.centred, out, element.page_after)
        )


def _is_speech(rows: Sequence[tuple[str, str]]) -> bool:
    """Whether the rows of a list are rather what people say, after a dash, or paragraphs."""
    bullets = all(sign[:1] in "-*+" for sign, _ in rows)
    return bullets and sum(ends_sentence(text) for _, text in rows) >= _SPEECH * len(rows) > _SPEECH


def _closing(tokens: Sequence[Token], k: int) -> int:
    """Which token closes the one that opens at ``k``."""
    depth = 0
    for end in range(k, len(tokens)):
        depth += tokens[end].nesting
        if not depth:
            return end
    return len(tokens) - 1
