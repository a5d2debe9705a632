"""Pictures of a book: ornaments that part scenes, and illustrations."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

from seqctx.prepare.readers.elements import Picture

PICTURE_START = 1 << 16  # bytes of a picture, in which its size stands
_ORNAMENT = re.compile(
    r"(?i)(?<![a-z])(?:orn(?:ament)?s?(?:al)?|(?:scene|section|text|thought|chapter)?[-_ ]?breaks?"
    r"|divider|separator|fleuron|asterism|dinkus|flourish|glyph|swash|swirl|rule|tb|hr|line"
    r"|decoration|decorative)(?![a-z])"
)
_NOTHING = re.compile(r"(?i)(?:image|img|picture|icon|graphic|photo|\w+\.(?:png|jpe?g|gif|svg))?")
_LETTER = re.compile(r"[^\W_]")
_LOW = 160  # pixels that an ornament is high, at most
_FLAT = 6  # times as wide as high, or more: a rule or a row of ornaments
_HIGH = 600  # pixels; no ornament is so high, however often it comes
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # parts of a JPEG file that hold its size
_SVG = re.compile(rb"<svg\b[^>]{0,2000}")
_BOX = re.compile(rb"viewBox\s*=\s*[\"'][\d.eE+-]+[\s,]+[\d.eE+-]+[\s,]+([\d.]+)[\s,]+([\d.]+)")
_SIDE = rb"\b%s\s*=\s*[\"']([\d.]+)(?:px)?[\"']"


def has_words(alt: str) -> bool:
    """Whether the words that stand for a picture say something."""
    return bool(_LETTER.search(alt)) and not _NOTHING.fullmatch(alt)


def is_ornament(
    picture: Picture, times: int, size_of: Callable[[str], tuple[int, int] | None]
) -> bool:
    """Whether a picture that stands alone between paragraphs parts scenes.

    It does where it is small or comes again, and its words say nothing but "ornament".

    Args:
        picture: the picture.
        times: how often the book shows it.
        size_of: width and height [pixels] of a picture by its address, None where unknown.
    """
    named = _ORNAMENT.search(picture.alt)
    if has_words(picture.alt) and (not named or len(picture.alt.split()) > 4):
        return False
    width, height = size_of(picture.source) or (0, 0)
    height, width = picture.height or height, 0 if picture.height else width
    if height > _HIGH:
        return False
    stem = picture.source.rpartition("/")[2].rpartition(".")[0]
    named = named or _ORNAMENT.search(picture.names) or _ORNAMENT.search(stem)
    return bool(named) or times > 1 or 0 < height <= _LOW or 0 < height * _FLAT <= width


def size_of_picture(start: bytes) -> tuple[int, int] | None:
    """Width and height [pixels] of a picture from its first bytes: PNG, GIF, JPEG, SVG."""
    try:
        if start.startswith(b"\x89PNG"):
            width, height = struct.unpack(">II", start[16:24])
            return width, height
        if start.startswith(b"GIF8"):
            width, height = struct.unpack("<HH", start[6:10])
            return width, height
        if start.startswith(b"\xff\xd8"):
            return _size_of_jpeg(start)
    except struct.error:
        return None
    drawing = _SVG.search(start)
    return _size_of_drawing(drawing[0]) if drawing else None


def _size_of_jpeg(start: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(start) and start[at] == 0xFF:
        kind, length = start[at + 1], int.from_bytes(start[at + 2 : at + 4], "big")
        if kind in _FRAMES:
            height, width = struct.unpack(">HH", start[at + 5 : at + 9])
            return width, height
        at += 2 + max(length, 2)
    return None


def _size_of_drawing(tag: bytes) -> tuple[int, int] | None:
    sides = [re.search(_SIDE % name, tag) for name in (b"width", b"height")]
    box = _BOX.search(tag)
    found = [s[1] for s in sides if s] if all(sides) else [box[1], box[2]] if box else []
    try:
        return (int(float(found[0])), int(float(found[1]))) if found else None
    except ValueError:
        return None
