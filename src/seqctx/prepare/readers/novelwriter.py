"""Documents of novelWriter (.nwd): its headings, tags, comments and commands.

Levels of headings have one meaning in novelWriter: ``#`` a part, ``##`` a chapter, ``###`` a scene,
``####`` a section, ``#!`` the title of the book. See its manual, "Formatting Your Text".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from seqctx.prepare.readers.blocks import SCENE_BREAK, Block, Look, Run, block_of, written

CHAPTER_LEVEL = 2
_HEADING = re.compile(r"(#{1,4})(!?) +(\S.*)")
_TAG = re.compile(
    r"@(?:tag|pov|focus|char|plot|time|location|object|entity|custom|mention|story)\s*:"
)
_COMMAND = re.compile(r"(?i)\[(?:new ?page|vspace(?::[^\]\n]{0,9})?)\]")
_NOTED = {"synopsis": "synopsis", "short": "synopsis", "footnote": "endnotes"}
_EMPHASIS = re.compile(
    r"\*\*(?P<bold>[^\s*](?:[^*\n]{0,2000}[^\s*])?)\*\*"
    r"|(?<![\w_])_(?P<italic>[^\s_](?:[^_\n]{0,2000}[^\s_])?)_(?![\w_])"
    r"|\[i\](?P<i>[^\[\n]{1,2000})\[/i\]|\[b\](?P<b>[^\[\n]{1,2000})\[/b\]"
    r"|\[/?(?:i|b|s|u|m|sup|sub)\]|\[(?:footnote|field):[^\]\n]{0,99}\]|\[br\]"
)


def novelwriter_blocks(text: str) -> Iterator[Block]:
    """The blocks of a document; tags, comments and titles of scenes are left out."""
    lines: list[str] = []
    for line in [*text.split("\n"), ""]:
        special = list(_special(line.strip()))
        if line.strip() and not special:
            lines.append(line)
            continue
        if block := _paragraph(lines):
            yield block
        lines = []
        yield from special


def _special(line: str) -> Iterator[Block]:
    """What a line is that is no paragraph's: a heading, or what is not the story."""
    if heading := _HEADING.fullmatch(line):
        level, is_title = len(heading[1]), heading[2] == "!"
        title = written(_runs(heading[3]))[0]
        if level == 1 and is_title:
            yield Block("title", title, mark=title)
        elif level <= CHAPTER_LEVEL:
            yield Block("heading", title, level=level)
        else:
            if level == CHAPTER_LEVEL + 1:
                yield Block("break", SCENE_BREAK)
            kind = "title of a scene" if level == CHAPTER_LEVEL + 1 else "title of a section"
            yield Block("paragraph", title, left_out=kind)
    elif line.startswith("%%~"):
        yield Block("paragraph", line, left_out="settings of novelWriter")
    elif line.startswith("%"):
        word = re.match(r"%~?\s*(\w{0,20})", line)
        kind = _NOTED.get(word[1].lower() if word else "", "comment")
        yield Block("paragraph", line[1:].strip() or "%", left_out=kind)
    elif _TAG.match(line):
        yield Block("paragraph", line, left_out="tags")
    elif _COMMAND.fullmatch(line):
        yield Block("paragraph", line, left_out="command")
        if "vspace" in line.lower():
            yield Block("break", SCENE_BREAK)


def _paragraph(lines: list[str]) -> Block | None:
    """The paragraph of some lines, without the marks of where it is aligned."""
    bare = [line.strip() for line in lines]
    centred = bool(bare) and all(line.startswith(">>") and line.endswith("<<") for line in bare)
    bare = [line.lstrip(">").rstrip("<").strip() if _is_aligned(line) else line for line in bare]
    block = block_of(_runs("\n".join(bare)))
    if block is None or not centred:
        return block
    return Block(block.kind, block.text, block.emphasis, look=Look(centred=True))


def _is_aligned(line: str) -> bool:
    return line.startswith(("> ", ">>")) or line.endswith((" <", "<<"))


def _runs(text: str) -> Iterator[Run]:
    """Characters and their emphasis."""
    at = 0
    for match in _EMPHASIS.finditer(text):
        yield text[at : match.start()], ""
        if bold := match["bold"] or match["b"]:
            yield bold, "**"
        elif italic := match["italic"] or match["i"]:
            yield italic, "*"
        elif match[0] == "[br]":
            yield "\n", ""
        at = match.end()
    yield text[at:], ""
