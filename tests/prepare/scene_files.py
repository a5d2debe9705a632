"""Stories in all formats, with anything between their scenes."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from html import escape
from pathlib import Path

from seqctx import Book
from tests.prepare.office_files import docx, epub, odt, xhtml

FORMATS = ("md", "txt", "docx", "odt", "epub", "html", "rtf", "fodt")
Part = tuple[str, str]
"""What a part of a story is ("heading", "paragraph", "mark"), and its words."""


def sentence(number: int) -> str:
    """A paragraph that says which one it is."""
    return f"Boat {number} left the quay before noon, and nobody who stood there waved to it."


def story(mark: str) -> list[Part]:
    """Two chapters of thirteen paragraphs, the first of three scenes."""
    found: list[Part] = []
    for number in range(1, 14):
        found += [("heading", f"Chapter {1 + number // 10}")] * (number in (1, 10))
        found += [("mark", mark)] * (number in (4, 7))
        found.append(("paragraph", sentence(number)))
    return found


SCENES = [[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12, 13]]


def write(path: Path, parts: Sequence[Part], *, raw: bool = False, css: str = "") -> Path:
    """Write a story in the format that a file's suffix names.

    Args:
        path: of the file.
        parts: of the story.
        raw: a mark is mark-up, and not the words of a paragraph.
        css: the style sheet of a book.
    """
    kind = path.suffix.removeprefix(".")
    shapes = {
        "md": ("## {}", "{}"),
        "txt": ("{}", "{}"),
        "docx": (_word('<w:pPr><w:pStyle w:val="Heading1"/></w:pPr>'), _word()),
        "odt": ('<text:h text:outline-level="1">{}</text:h>', "<text:p>{}</text:p>"),
        "epub": ("<h2>{}</h2>", "<p>{}</p>"),
        "rtf": (r"\pard\outlinelevel0 {}\par", r"\pard {}\par"),
        "nwd": ("## {}", "{}"),
    }
    shapes |= {"fodt": shapes["odt"], "html": shapes["epub"]}
    heading, paragraph = shapes[kind]
    lines = []
    for role, words in parts:
        shape = heading if role == "heading" else "{}" if role == "mark" and raw else paragraph
        if not (role == "mark" and raw) and kind not in ("md", "txt", "nwd"):
            words = _rich(words) if kind == "rtf" else escape(words, quote=False)
        if kind == "txt" and role != "mark":
            words = textwrap.fill(words, 60)
        lines.append(shape.format(words))
    if kind in ("md", "txt", "nwd"):
        path.write_text("\n\n".join(lines) + "\n", "utf-8")
    elif kind == "rtf":
        path.write_text(r"{\rtf1\ansi " + "\n".join(lines) + "}", "ascii")
    elif kind == "html":
        path.write_text(f"<html><body>{''.join(lines)}</body></html>", "utf-8")
    elif kind == "fodt":
        path.write_text(_FLAT.format("".join(lines)), "utf-8")
    elif kind == "docx":
        return docx(path, "".join(lines))
    elif kind == "odt":
        return odt(path, "".join(lines))
    else:
        style = f"<head><style>{css}</style></head>" if css else ""
        return epub(path, xhtml("".join(lines)).replace("<body>", f"{style}<body>"))
    return path


_FLAT = (
    '<office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'office:mimetype="application/vnd.oasis.opendocument.text"><office:body><office:text>{}'
    "</office:text></office:body></office:document>"
)


def _rich(words: str) -> str:
    """Words as Rich Text writes them: other characters than ASCII's by their numbers."""
    found = []
    for character in words.replace("\\", "\\\\").replace("{", r"\{").replace("}", r"\}"):
        units = character.encode("utf-16-le")
        numbers = [int.from_bytes(units[k : k + 2], "little", signed=True) for k in (0, 2)]
        found += [character] if character.isascii() else [rf"\u{n}?" for n in numbers if n]
    return "".join(found).replace("\n", r"\line ")


def _word(properties: str = "") -> str:
    return f'<w:p>{properties}<w:r><w:t xml:space="preserve">{{}}</w:t></w:r></w:p>'


def scenes_in(book: Book) -> list[list[int]]:
    """The numbers of the paragraphs of each scene."""
    found = []
    for scene in book.scenes:
        words = book.text[scene.start : scene.end].split()
        found.append([int(b) for a, b in zip(words, words[1:], strict=False) if a == "Boat"])
    return found
