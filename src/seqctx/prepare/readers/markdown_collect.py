"""Collects the blocks of a Markdown file, with what is open around each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from seqctx.prepare.readers.blocks import PLAIN, SCENE_BREAK, Block, Look, block_of, clean, written
from seqctx.prepare.readers.elements import Picture, is_break_class
from seqctx.prepare.readers.markdown_commands import (
    Command,
    has_commands,
    heading_of,
    line_command,
    without_signs,
)
from seqctx.prepare.readers.markdown_layout import Layout, divided
from seqctx.prepare.readers.markdown_lines import LineReader, Words
from seqctx.prepare.readers.markdown_source import MarkdownText
from seqctx.prepare.readers.pictures import is_ornament

_LEFT_OUT = {"contents": "contents", "property": "file properties", "command": "command"}
_DEEPEST = 100  # things that are open in one another; books need about ten


@dataclass
class Around:
    """What is open around a paragraph: a container, an element of HTML, an environment.

    Attributes:
        name: what closes it.
        style: its classes, in lower case.
        centred: whether its lines are centred.
        left_out: what its paragraphs are, if they are not the story.
        page_after: whether a new page begins after it.
        first: the number of the first block in it.
        gap: empty paragraphs that came before it.
    """

    name: str
    style: str = ""
    centred: bool = False
    left_out: str = ""
    page_after: bool = False
    first: int = 0
    gap: int = 0


class Collector:
    """Collects the blocks of one file.

    Attributes:
        env: what the parsers remember: where links go, and notes.
        layout: of the file.
        line: of the text where the next block begins, from 0.
        gap: empty paragraphs and lines before the next block.
        around: what is open.
    """

    def __init__(self, source: MarkdownText, layout: Layout) -> None:
        """Nothing is collected yet."""
        self.env: dict[str, Any] = {}
        self.layout = layout
        self.line = 0
        self.gap = 0
        self.around: list[Around] = []
        self._source = source
        self._lines = LineReader(source.text, self.env)
        self._found: list[Block] = []
        self._asides = iter(source.asides)
        self._aside = next(self._asides, None)
        self._new_page = False

    @property
    def is_begun(self) -> bool:
        """Whether there is a block already."""
        return bool(self._found)

    def start_page(self) -> None:
        """Begin a new page with the next block."""
        self._new_page = True

    def is_open(self, name: str) -> bool:
        """Whether something of a name is open."""
        return any(around.name == name for around in self.around)

    def words(self, content: str) -> Words:
        """The words of some lines."""
        return self._lines.words(content)

    def add_break(self) -> None:
        """Add a rule."""
        self.add(Block("break", SCENE_BREAK))

    def add_lines(self, source: str, left_out: str | None = None) -> None:
        """Add lines as one paragraph, as they are written."""
        text = re.sub(r"\n[^\S\n]*\n+", "\n", clean(source).strip("\n")).rstrip()
        if text:
            self.add(Block("paragraph", text, left_out=left_out))

    def add_outside(self, asides: Sequence[tuple[str, str]]) -> None:
        """Add words that are not the story: what they are, and the words."""
        for kind, text in asides:
            if text.strip():
                self.add(Block("paragraph", clean(text), left_out=kind))

    def all(self) -> list[Block]:
        """The blocks, after the last window."""
        self.add_asides(1 << 60)
        for around in self.around:  # what is never closed hides nothing
            if around.left_out and around.left_out != "endnotes":
                for k in range(around.first, len(self._found)):
                    if self._found[k].left_out == around.left_out:
                        self._found[k] = replace(self._found[k], left_out=None)
        return self._found

    def add_asides(self, line: int) -> None:
        """Add what stood before a line and was taken out of the text."""
        while self._aside is not None and self._aside.line <= line:
            aside = self._aside
            self.add(Block("paragraph", aside.text, left_out=aside.kind, place=aside.place))
            self._aside = next(self._asides, None)

    def paragraph(self, content: str) -> None:
        """The paragraphs that CommonMark reads as one, and commands among their lines."""
        if not has_commands(content):
            self._text(content)
            return
        part: list[str] = []
        lines = content.split("\n")
        for k, line in enumerate(lines):
            # attributes below a paragraph belong to it
            if (k and k == len(lines) - 1 and line[:1] == "{") or not (
                command := line_command(line)
            ):
                part.append(line)
                continue
            self._text("\n".join(part))
            part = []
            self._command(command)
        self._text("\n".join(part))

    def _text(self, content: str) -> None:
        """The paragraphs of lines without commands."""
        content, is_centred = without_signs(content)
        if not content:
            return
        if heading := heading_of(content, self.layout.bare_headings):
            self.add_heading(self.words(heading.text), heading.level)
            return
        if is_centred:
            self.enter(Around("line", centred=True))
        for part in divided(content, self.layout):
            self.add_words(self.words(part))
        if is_centred:
            self.leave("line")

    def add_words(self, words: Words) -> None:
        """A paragraph's words: the story, then what stands in it and is none."""
        picture = words.pictures and not any(text.strip() for text, _ in words.runs)
        if picture and all(self._is_ornament(*each) for each in words.pictures):
            words.asides = []
            self.add_break()
        is_bold = words.is_bold()
        empty = not picture and not words.asides
        for gap, runs in words.paragraphs():
            self.gap += gap
            block = block_of(runs)
            if block is None or block.text == "\\":
                continue
            look = Look(bold=True) if is_bold else PLAIN
            if words.classes:
                look = replace(look, style=words.classes, centred="center" in words.classes)
            if look is not PLAIN or words.is_linked:
                block = replace(block, look=look, is_linked=words.is_linked)
            self.add(block)
            empty = False
        if empty and words.runs and not words.classes:
            self.gap += max(1, sum(text == "\n" for text, _ in words.runs))
        self.add_outside(words.asides)

    def _is_ornament(self, address: str, alt: str) -> bool:
        """Whether a picture that stands alone parts scenes."""
        picture = Picture(address, alt, "", 0)
        return is_ornament(picture, self.layout.pictures.get(address, 1), lambda _: None)

    def add_heading(self, words: Words, level: int) -> None:
        """A heading; signs without letters are a mark between scenes."""
        content, _ = written([(text, "") for text, _ in words.runs])
        alt = next((k for k, (kind, _) in enumerate(words.asides) if kind == "illustration"), None)
        if not content and alt is not None:
            content = words.asides.pop(alt)[1].strip()
        if not content and not words.asides and not words.pictures:
            self.add_break()
        elif content:
            out = "tags" if level == 6 and content.casefold().startswith("tags:") else None
            self.add(Block("heading", content, level=level, left_out=out))
        self.add_outside(words.asides)

    def rows(self, rows: Sequence[tuple[str, str]], is_tight: bool) -> None:
        """Rows of a list or table, with the sign of each."""
        if self.layout.each_line or not is_tight:
            for sign, content in rows:
                for k, part in enumerate(divided(content, self.layout)):
                    words = self.words(part)
                    if not k and not words.is_linked:
                        words.runs.insert(0, (sign, ""))
                    self.add_words(words)
            return
        read = [(sign, self.words(content)) for sign, content in rows]
        whole = Words(is_linked=bool(read) and all(words.is_linked for _, words in read))
        for sign, words in read:
            if whole.runs:
                whole.runs.append(("\n", ""))
            if not whole.is_linked:
                whole.runs.append((sign, ""))
            whole.runs += words.runs
            whole.asides += words.asides
        text, emphasis = written(whole.runs)
        if text:
            self.add(Block("paragraph", text, emphasis, is_linked=whole.is_linked))
        self.add_outside(whole.asides)

    def add(self, block: Block) -> None:
        """Add a block, with what is around it."""
        look, left_out, is_quoted = block.look, block.left_out, False
        for around in self.around:
            is_quoted = is_quoted or around.name in ("blockquote", "<blockquote")
            left_out = left_out or around.left_out or None
            if around.centred and not look.centred:
                look = replace(look, centred=True)
            if around.style:
                look = replace(look, style=f"{look.style} {around.style}".strip())
        if self._new_page and not left_out:
            look, self._new_page = replace(look, new_page=True), False
        gap = 0 if left_out else self.gap
        if not left_out:
            self.gap = 0
        place = block.place or self._source.place(self.line)
        self._found.append(
            replace(block, look=look, left_out=left_out, is_quoted=is_quoted, gap=gap, place=place)
        )

    def _command(self, command: Command) -> None:
        """A command in a line of its own."""
        if command.kind == "page":
            self._new_page = True
        elif command.kind == "break":
            self.add_break()
        elif command.kind == "gap":
            self.gap += 1
        elif command.kind == "open":
            self.enter(Around(command.text, centred="center" in command.text))
        elif command.kind == "close":
            self.leave(command.text)
        elif command.kind in _LEFT_OUT:
            self.add(Block("paragraph", command.text, left_out=_LEFT_OUT[command.kind]))

    def enter(self, around: Around) -> None:
        """Enter something that is around what comes next."""
        around.first, around.gap = len(self._found), self.gap
        if len(self.around) < _DEEPEST:
            self.around.append(around)

    def leave(self, name: str) -> None:
        """Leave the nearest thing of a name, and what was entered in it."""
        names = [around.name for around in self.around]
        if name not in names:
            return
        k = len(self.around) - 1 - names[::-1].index(name)
        for around in self.around[k:]:
            self._new_page = self._new_page or around.page_after
            if around.first == len(self._found) and not around.page_after:
                self._is_empty(around)
        del self.around[k:]

    def _is_empty(self, around: Around) -> None:
        """Something that holds nothing: a mark between scenes, or an empty paragraph."""
        if is_break_class(around.style):
            self.add_break()
        elif around.name == "<p" and around.gap == self.gap:
            self.gap += 1
