"""Manuscripts from files: .md and .txt, as one normalized text with its structure.

Normalized means: paragraphs without their hard wraps, one blank line between any two, no mark-up
of headings, every scene break as ``* * *``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from seqctx.errors import InputError
from seqctx.files import explain_os_errors
from seqctx.prepare.structure import Book, Chapter, Span

SCENE_BREAK = "* * *"
_TXT_BREAK = re.compile(r"(?:[*#~•_⁂-]\s*){1,9}")
_NUMBER_WORD = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|[a-z]+teen|[a-z]+ty(?:-[a-z]+)?"
)
# "Chapter Two: The End", "PART IV", "Book 3 The Storm", "Epilogue", "XII."; not "Part of me ran."
_TXT_HEADING = re.compile(
    rf"(?i:chapter|part|book) (?:\d+|[IVXLC]+|(?i:{_NUMBER_WORD}))\b"
    r"(?:\s*[.:–—-].{0,80}|.{0,60}(?<![.!?,;]))?"
    r"|(?i:prologue|epilogue|interlude)(?:\s*[.:–—-].{0,80})?|[IVXLC]{1,7}\.?|\d{1,3}\.?"
)
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.S)
Kind = Literal["title", "heading", "break", "paragraph"]


def find_manuscripts(places: tuple[str, ...]) -> list[Path]:
    """The manuscripts that files and folders name, sorted within a folder.

    Raises:
        InputError: when a place is not there, or holds none.
    """
    found: list[Path] = []
    for place in map(Path, places):
        if place.is_dir():
            inside = [
                p for p in sorted(place.rglob("*"), key=_natural) if p.suffix.lower() in _READERS
            ]
            if not inside:
                raise InputError(f"{place}: no manuscript (.txt, .md) in this folder. Put one in.")
            found += inside
        elif place.exists():
            found.append(place)
        else:
            raise InputError(
                f"{place}: no such file or folder. Name your text in seqctx.prepare.manuscripts."
            )
    if not found:
        raise InputError("seqctx.prepare.manuscripts: names nothing. List a file or a folder.")
    return found


def _natural(path: Path) -> list[tuple[int, str]]:
    """Sorts ``chapter2`` before ``chapter10``."""
    return [(int(d or 0), text) for text, d in re.findall(r"(\D*)(\d*)", str(path))]


def read_manuscript(path: str | Path) -> Book:
    """Read one manuscript.

    Raises:
        InputError: when it cannot be read, is of another kind, binary, no UTF-8 or empty.
    """
    path = Path(path)
    blocks_of = _READERS.get(path.suffix.lower())
    if blocks_of is None:
        raise InputError(f"{path}: not a kind that can be read. Save it as .md or .txt.")
    with explain_os_errors(path):
        raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: no UTF-8 text (byte {error.start} is {raw[error.start]:#04x}). "
            "Save it as UTF-8."
        ) from None
    if "\0" in text:
        raise InputError(f"{path}: a binary file, not text. Export the manuscript as .md or .txt.")
    book = _assemble(path, blocks_of(text.replace("\r\n", "\n").replace("\r", "\n")))
    if not book.text.strip():
        raise InputError(f"{path}: empty. Put text in it, or take it out of the folder.")
    return book


def _markdown_blocks(text: str) -> Iterator[tuple[Kind, str]]:
    """Headings, rules and paragraphs of Markdown; other blocks are kept as paragraphs."""
    from markdown_it import MarkdownIt

    text = _FRONT_MATTER.sub("", text)
    lines = text.split("\n")
    tokens = MarkdownIt("commonmark").parse(text)
    levels = sorted({int(t.tag[1]) for t in tokens if t.type == "heading_open"})
    tops = sum(t.type == "heading_open" and t.tag == f"h{levels[0]}" for t in tokens)
    for i, token in enumerate(tokens):
        if token.level or not token.map:
            continue
        if token.type == "hr":
            yield "break", SCENE_BREAK
        elif token.type == "heading_open":
            # A single top-level heading over others is the book's title.
            is_title = len(levels) > 1 and tops == 1 and token.tag == f"h{levels[0]}"
            yield ("title" if is_title else "heading"), tokens[i + 1].content
        elif token.type == "paragraph_open":
            yield "paragraph", " ".join(line.strip() for line in tokens[i + 1].content.split("\n"))
        else:
            yield "paragraph", "\n".join(lines[token.map[0] : token.map[1]]).strip("\n")


def _text_blocks(text: str) -> Iterator[tuple[Kind, str]]:
    """Paragraphs between blank lines; short lines that look like headings or breaks are those."""
    for block in re.split(r"\n\s*\n", text):
        paragraph = " ".join(block.split())
        if not paragraph:
            continue
        if _TXT_BREAK.fullmatch(paragraph):
            yield "break", SCENE_BREAK
        elif "\n" not in block.strip() and _TXT_HEADING.fullmatch(paragraph):
            yield "heading", paragraph
        else:
            yield "paragraph", paragraph


_READERS = {".md": _markdown_blocks, ".markdown": _markdown_blocks, ".txt": _text_blocks}


def _assemble(path: Path, blocks: Iterator[tuple[Kind, str]]) -> Book:
    """Join blocks with blank lines and record where each lies."""
    title = path.stem
    parts: list[str] = []
    paragraphs: list[Span] = []
    breaks: list[Span] = []
    opens: list[tuple[str, int]] = []  # chapters: title, start
    at = 0
    for kind, content in blocks:
        if kind == "title":
            title = content
            continue
        span = Span(at, at + len(content))
        if kind == "heading":
            opens.append((content, at))
        elif kind == "break":
            breaks.append(span)
        paragraphs.append(span)
        parts.append(content)
        at = span.end + 2
    text = "\n\n".join(parts)
    if not opens or opens[0][1] > 0:
        opens.insert(0, (title, 0))
    ends = [start - 2 for _, start in opens[1:]] + [len(text)]
    chapters = tuple(
        Chapter(name, Span(start, end)) for (name, start), end in zip(opens, ends, strict=True)
    )
    return Book(str(path), title, text, chapters, tuple(paragraphs), tuple(breaks))
