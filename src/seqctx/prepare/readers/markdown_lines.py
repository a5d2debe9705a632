"""What stands in the lines of a Markdown file: emphasis, links, pictures, notes, tags of HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from seqctx.prepare.readers.blocks import Run
from seqctx.prepare.readers.lines import space_between
from seqctx.prepare.readers.markdown_html import (
    BLOCK_TAGS,
    HIDDEN_TAGS,
    TAG,
    emphasis_of,
    html_attribute,
    is_inline,
)
from seqctx.prepare.readers.markdown_parser import parser_of_lines
from seqctx.prepare.readers.ruby import without_readings

if TYPE_CHECKING:
    from markdown_it.token import Token

_PIECE = 200_000  # characters of a paragraph that are parsed at once; a long chapter has fewer
_SIGNS = re.compile(r"[\\`*_\[\]<&{}~=^+|%《［｜]| \n")
_OFFICE = re.compile(r"</?o:p\s{0,10}/?>")  # an empty tag that Word writes
_WIKI = re.compile(r"(!?)\[\[([^\[\]|\n]{1,300}?)(?:\\?\|([^\[\]\n]{0,300}))?\]\]")
_HIGHLIGHT = re.compile(r"(?<![=\w])==(?=[^\s=])([^=\n]{0,2000}?[^\s=])==(?![=\w])")
_UNDERLINED = re.compile(r"(?<![+\w])\+\+(?=[^\s+])([^+\n]{0,2000}?[^\s+])\+\+(?![+\w])")
_RAISED = re.compile(r"(?<=\w)(?:\^(\w{1,10})\^|~(\w{1,10})~)(?!~)")
_BLOCK_ID = re.compile(r"(?:^|[ \t\n])\^[A-Za-z0-9-]{1,60}[ \t]*\Z")
_COMMAND = re.compile(
    r"\{\{[<%#][^{}]{0,1000}\}\}|\{\{[\w./ -]{1,200}\.(?:md|markdown|mmd|txt|html)\}\}"
    r"|\{%[^{}%]{0,1000}%\}"
)
_ATTRIBUTE = (
    r"(?:[#.][\w:-]{1,100}|[\w:-]{1,60}="
    r"(?:\"[^\"{}\n]{0,300}\"|'[^'{}\n]{0,300}'|[^\s{}\"'=]{1,300}))"
)
ATTRIBUTES = re.compile(rf"\{{:?[ \t]*(?:{_ATTRIBUTE}(?:[ \t,]+|(?=\}})))+\}}|\{{-\}}")
_AFTER_LINK = re.compile(rf"(?<=\))(?:{ATTRIBUTES.pattern})")
_AFTER_SPAN = re.compile(rf"(?<=\])(?:{ATTRIBUTES.pattern})")
_INSIDE = re.compile(
    r"(?![a-z][a-z0-9+.-]*:)(?!//)(?:#|[^#?]*\.(?:md|markdown|x?html?)(?:#|$))", re.I
)
_SHOWN = re.compile(r"[^\W_]")


@dataclass
class Words:
    """The words of a paragraph or heading.

    Attributes:
        runs: its characters, as `written` takes them.
        asides: its words that are not the story: their kind, and the words.
        is_linked: whether all its words are links to places in this book.
        pictures: the address of each of its pictures, and the words that stand for it.
        classes: of attributes at its end.
    """

    runs: list[Run] = field(default_factory=list)
    asides: list[tuple[str, str]] = field(default_factory=list)
    is_linked: bool = False
    pictures: list[tuple[str, str]] = field(default_factory=list)
    classes: str = ""

    def is_bold(self) -> bool:
        """Whether all letters are bold."""
        shown = [mark for text, mark in self.runs if _SHOWN.search(text)]
        return bool(shown) and all(mark == "**" for mark in shown)

    def paragraphs(self) -> Iterator[tuple[int, list[Run]]]:
        """The runs of each paragraph, and how many empty lines come before it.

        Two line breaks right after another end a paragraph.
        """
        part: list[Run] = []
        breaks = empty = 0
        for run in self.runs:
            if run[0] == "\n":
                breaks += 1
            elif (breaks or not part) and not run[0].strip():
                continue
            else:
                if not part:
                    empty += breaks
                elif breaks > 1:
                    yield empty, part
                    part, empty = [], breaks - 2
                elif breaks:
                    part.append(("\n", run[1] if part[-1][1] == run[1] else ""))
                part.append(run)
                breaks = 0
        if part:
            yield empty, part


class LineReader:
    """Reads the lines of one file."""

    def __init__(self, text: str, env: dict[str, Any]) -> None:
        """``text`` is the whole file's; ``env`` holds where its links go."""
        self._parser = parser_of_lines(text)
        self._env = env

    def words(self, content: str) -> Words:
        """The words of a paragraph's or heading's lines."""
        if not _SIGNS.search(content):  # most paragraphs
            return Words([(_unwrapped(content), "")])
        words = Words()
        content = _prepared(content, words)
        walk = _Walk(words)
        for piece in _cut(content):
            walk.add(self._tokens(piece), self._env)
        words.is_linked = walk.linked and not walk.unlinked
        return words

    def _tokens(self, content: str) -> Sequence[Token]:
        """The tokens of what stands in some lines."""
        from markdown_it.rules_core import StateCore, inline, text_join
        from markdown_it.token import Token

        line = Token("inline", "", 0, content=content, children=[])
        state = StateCore("", self._parser, self._env, [line])
        inline(state)
        text_join(state)
        return state.tokens[0].children or []


def _unwrapped(content: str) -> str:
    """Lines as one."""
    if "\n" not in content:
        return content
    lines = [line.strip() for line in content.split("\n")]
    parts = [lines[0]]
    for before, line in zip(lines, lines[1:], strict=False):
        parts += [space_between(before, line), line]
    return "".join(parts)


def _cut(content: str) -> Iterator[str]:
    """A paragraph in pieces that are not too long to parse, between words where there are any."""
    at = 0
    while len(content) - at > _PIECE:
        end = content.rfind(" ", at + _PIECE // 2, at + _PIECE) + 1 or at + _PIECE
        yield content[at:end]
        at = end
    yield content[at:]


def _prepared(content: str, words: Words) -> str:
    """Lines without the signs of writers' programs that CommonMark does not know."""
    if content.endswith("}"):
        start = content.rfind("{")
        if ATTRIBUTES.fullmatch(content, start):
            words.classes = " ".join(re.findall(r"\.([\w-]+)", content[start:]))
            before = content[:start]
            if not before or before[-1].isspace():
                content = before.rstrip()
    if "){" in content or "]{" in content:
        content = _AFTER_LINK.sub("", content)
        content = _AFTER_SPAN.sub("{.span}", content)
    if any(sign in content for sign in "《［{"):
        plain = without_readings(content)
        words.asides += [("reading", text) for text in plain.readings]
        words.asides += [("typesetter's remarks", text) for text in plain.remarks]
        content = plain.text
    if "<o:p" in content:
        content = _OFFICE.sub("", content)
    if "[[" in content:
        content = _WIKI.sub(lambda found: _wiki(found, words), content)
    if "^" in content:
        content = _BLOCK_ID.sub("", content)
    if "==" in content:
        content = _HIGHLIGHT.sub(r"\1", content)
    if "++" in content:
        content = _UNDERLINED.sub(r"\1", content)
    if "^" in content or "~" in content:
        content = _RAISED.sub(lambda found: found[1] or found[2], content)
    if "{{" in content or "{%" in content:
        content = _COMMAND.sub(lambda found: _left_out(found[0], "command", words), content)
    return content


def _left_out(text: str, kind: str, words: Words) -> str:
    words.asides.append((kind, text))
    return ""


def _wiki(found: re.Match[str], words: Words) -> str:
    """A link between notes as a link of Markdown; of an embedded note or picture nothing."""
    if found[1]:
        words.pictures.append((found[2], ""))
        return _left_out(found[2], "illustration", words)
    shown = found[3] or found[2].strip("#").replace("#", " > ")
    return f"[{shown}](#)"


class _Walk:
    """Collects the words of a paragraph from its tokens."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._marks: list[tuple[str, str]] = []  # what opened an emphasis, and its mark
        self._links: list[bool] = []
        self._reading: list[str] | None = None  # of a character, where one is open
        self.linked = self.unlinked = False

    def add(self, tokens: Sequence[Token], env: dict[str, Any]) -> None:
        """Take in what stands in some lines."""
        for k, token in enumerate(tokens):
            kind = token.type
            if kind == "text":
                self._text(token.content)
            elif kind in ("em_open", "strong_open"):
                self._marks.append((token.tag, "**" if kind == "strong_open" else "*"))
            elif kind in ("em_close", "strong_close"):
                self._close(token.tag)
            elif kind == "softbreak":
                beside = [t.content for t in (tokens[k - 1], *tokens[k + 1 : k + 2])]
                self._run(space_between(beside[0], beside[-1]))
            elif kind == "hardbreak":
                self._words.runs.append(("\n", self._mark()))
            elif kind == "code_inline":
                self._text(f"`{token.content}`")
            elif kind == "html_inline":
                self._tag(token.content)
            elif kind == "link_open":
                self._links.append(bool(_INSIDE.match(str(token.attrs.get("href", "")))))
            elif kind == "link_close":
                self._links.pop()
            elif kind == "image":
                self._picture(str(token.attrs.get("src", "")), token.content)
                self._words.asides.append(("caption", str(token.attrs.get("title", ""))))
            elif kind == "footnote_ref" and "label" not in token.meta:
                note = env["footnotes"]["list"][token.meta["id"]]["content"]
                self._words.asides.append(("endnotes", note))

    def _mark(self) -> str:
        return max((mark for _, mark in self._marks), key=len, default="")

    def _run(self, text: str) -> None:
        self._words.runs.append((text, self._mark()))

    def _text(self, text: str) -> None:
        if self._reading is not None:
            self._reading.append(text)
            return
        self._run(text)
        if not text.isspace() and _SHOWN.search(text):
            inside = bool(self._links) and self._links[-1]
            self.linked = self.linked or inside
            self.unlinked = self.unlinked or not inside

    def _close(self, name: str) -> None:
        """Close an emphasis, and what was opened in it."""
        opened = [k for k, (opener, _) in enumerate(self._marks[-20:]) if opener == name]
        if opened:
            del self._marks[len(self._marks[:-20]) + opened[-1] :]

    def _tag(self, source: str) -> None:
        """A tag of HTML: emphasis, a line break, a reading or nothing."""
        found = TAG.fullmatch(source)
        if not found:
            if not source.startswith(("<!", "<?")):
                self._text(source)
            return
        closes, name, attributes = found["closes"], found["name"].lower(), found["attributes"]
        if name == "br":
            self._words.runs.append(("\n", self._mark()))
        elif name in ("rt", "rp"):
            if not closes:
                self._reading = []
            elif self._reading is not None:
                if name == "rt":
                    self._words.asides.append(("reading", "".join(self._reading)))
                self._reading = None
        elif name == "ruby" and closes:
            self._reading = None
        elif name in HIDDEN_TAGS:  # nothing closes it
            self._text(source)
        elif name in BLOCK_TAGS:
            if self._words.runs:
                self._words.runs += [("\n", ""), ("\n", "")]
        elif name == "img":
            self._picture(html_attribute("src", attributes), html_attribute("alt", attributes))
        elif closes and is_inline(name):
            self._close(name)
        elif is_inline(name):
            if not source.endswith("/>"):
                self._marks.append((name, emphasis_of(name, attributes)))
        else:
            self._text(source)

    def _picture(self, address: str, alt: str) -> None:
        self._words.pictures.append((address, alt))
        self._words.asides.append(("illustration", alt))
