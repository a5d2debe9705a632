"""Screenplays in Fountain (fountain.io/syntax): scene headings part scenes, the rest is text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from seqctx.prepare.readers.blocks import SCENE_BREAK, Block, Look, Run, block_of, written

_KEY = re.compile(r"([A-Za-z][\w ]{0,30}):(.*)")
_SCENE = re.compile(r"(?i)(?:int|ext|est|int\./ext|int/ext|i/e)[. ].*")
_SECTION = re.compile(r"(#{1,6})\s*([^#\s].*)")
_NUMBER = re.compile(r"\s*#[\w.-]{1,10}#$")  # of a scene, at the end of its heading
_EMPHASIS = re.compile(
    r"\\(?P<escaped>[*_\\#@!.~>])"
    r"|\*{3}(?P<both>[^\s*](?:[^*\n]{0,2000}[^\s*])?)\*{3}"
    r"|\*\*(?P<bold>[^\s*](?:[^*\n]{0,2000}[^\s*])?)\*\*"
    r"|\*(?P<italic>[^\s*](?:[^*\n]{0,2000}[^\s*])?)\*"
    r"|(?<![\w_])_(?P<under>[^\s_](?:[^_\n]{0,2000}[^\s_])?)_(?![\w_])"
)


def fountain_blocks(text: str) -> Iterator[Block]:
    """The blocks of a screenplay; its title page, notes and cut passages are left out."""
    lines = text.split("\n")
    first = 0
    while first < len(lines) and not lines[first].strip():
        first += 1
    end = first
    if first < len(lines) and _KEY.fullmatch(lines[first]):
        while end < len(lines) and lines[end].strip():
            end += 1
        yield from _title_page(lines[first:end])
    for part, kind in _parts("\n".join(lines[end:])):
        if kind:
            if note := " ".join(part.split()):
                yield Block("paragraph", note, left_out=kind)
            continue
        yield from _paragraphs(part)


def _title_page(lines: list[str]) -> Iterator[Block]:
    """The title page: lines with keys, and indented lines that belong to the key above."""
    entries: list[list[str]] = []
    for line in lines:
        key = None if line[:1].isspace() else _KEY.fullmatch(line)
        if key or not entries:
            entries.append([key[1].strip().lower(), key[2].strip()] if key else ["", line.strip()])
        else:
            entries[-1][1] = f"{entries[-1][1]} {line.strip()}".strip()
    for name, value in entries:
        if name == "title" and value:
            yield Block("title", written(_runs(value))[0].strip("*"), mark=value)
        elif value:
            yield Block("paragraph", value, left_out="title page")


def _parts(text: str) -> Iterator[tuple[str, str]]:
    """A text in parts: what is text, and what a note or a cut passage, with its kind."""
    at = 0
    kept: list[str] = []
    apart: list[tuple[str, str]] = []
    marks = re.compile(r"/\*|\[\[")
    while match := marks.search(text, at):
        closing, kind = ("*/", "cut passage") if match[0] == "/*" else ("]]", "comment")
        end = text.find(closing, match.end())
        if end < 0:
            break  # what is never closed is text, and so is all below it
        kept.append(text[at : match.start()])
        apart.append((text[match.end() : end], kind))
        at = end + 2
        if text[match.start() - 1 : match.start()] in ("", "\n") and text[at : at + 1] == "\n":
            yield "".join(kept), ""
            yield from apart
            kept, apart = [], []
    yield "".join([*kept, text[at:]]), ""
    yield from apart


def _paragraphs(text: str) -> Iterator[Block]:
    """The blocks between blank lines; a cue and what is spoken below it make one."""
    lines: list[str] = []
    for line in [*text.split("\n"), ""]:
        bare = line.strip()
        section = _SECTION.fullmatch(bare)
        alone = section or (bare.startswith("=") and not bare.strip("= "))
        if bare and not alone and not (bare.startswith("=") and not lines):
            lines.append(bare)
            continue
        if lines:
            yield from _paragraph(lines)
            lines = []
        if section:
            title = written(_runs(section[2]))[0]
            yield Block("heading", title, level=len(section[1]))
        elif bare.startswith("=") and not alone:
            yield Block("paragraph", bare.lstrip("= "), left_out="synopsis")


def _paragraph(lines: list[str]) -> Iterator[Block]:
    """The blocks of lines without a blank one between them."""
    first = lines[0]
    forced = first.startswith(".") and not first.startswith("..") and len(first) > 1
    if forced or _SCENE.fullmatch(first):
        yield Block("break", SCENE_BREAK)
        heading = _NUMBER.sub("", first[forced:].strip()[:500]) + first[forced:].strip()[500:]
        if block := block_of(_runs(heading)):
            yield block
        lines = lines[1:]
    centred = len(lines) == 1 and lines[0].startswith(">") and lines[0].endswith("<")
    block = block_of(_runs("\n".join(_without_sign(line) for line in lines)))
    if block and centred:
        block = Block(block.kind, block.text, block.emphasis, look=Look(centred=True))
    if block:
        yield block


def _without_sign(line: str) -> str:
    """A line without the signs that say what it is: forced action, a cue, lyrics, a transition."""
    if line.startswith(">"):
        return line[1:].rstrip("<").strip()
    if line[:1] in "!@~" and line[1:2] not in ("", "!", "@", "~"):
        line = line[1:].strip()
    return line[:-1].rstrip() if line.endswith("^") else line


def _runs(text: str) -> Iterator[Run]:
    """Characters and their emphasis."""
    at = 0
    for match in _EMPHASIS.finditer(text):
        yield text[at : match.start()], ""
        if match["escaped"]:
            yield match["escaped"], ""
        elif bold := match["both"] or match["bold"]:
            yield bold, "**"
        else:
            yield match["italic"] or match["under"], "*"
        at = match.end()
    yield text[at:], ""
