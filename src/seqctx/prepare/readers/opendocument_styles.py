"""The styles of OpenDocument's files, with what each inherits."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from seqctx.prepare.readers.office import level_of, points
from seqctx.prepare.readers.word_numbers import number_as

_SPACES = {
    f"urn:oasis:names:tc:opendocument:xmlns:{name}:1.0": prefix
    for name, prefix in (
        ("text", "text"), ("office", "office"), ("style", "style"), ("table", "table"),
        ("drawing", "draw"), ("xsl-fo-compatible", "fo"), ("svg-compatible", "svg"),
    )
} | {"http://purl.org/dc/elements/1.1/": "dc", "http://www.w3.org/1999/xlink": "xlink"}  # fmt: skip
OUTLINE = ""
"""The name of the numbering of all headings of a file."""
_AREAS = ("style:text-properties", "style:paragraph-properties")
_PROPERTIES = (
    "fo:font-weight", "fo:font-style", "fo:font-size", "text:display", "fo:text-align",
    "fo:break-before", "fo:break-after", "fo:margin-top", "fo:margin-bottom", "fo:border",
    "fo:border-top", "fo:border-bottom", "style:contextual-spacing",
)  # fmt: skip
_BORDERS = ("fo:border", "fo:border-top", "fo:border-bottom")
_ESCAPED = re.compile(r"_([0-9a-f]{2,4})_")
_LEVELS = {str(level): level for level in range(1, 11)}  # OpenDocument 1.3, 19.856
_FORMATS = {"I": "upperRoman", "i": "lowerRoman", "A": "upperLetter", "a": "lowerLetter"}


@lru_cache(10_000)
def prefixed(qualified: str) -> str:
    """An element's or an attribute's name with the prefix that everybody writes."""
    space, _, name = str(qualified).removeprefix("{").rpartition("}")
    return f"{_SPACES.get(space, space)}:{name}"


@lru_cache(200)
def _qualified(name: str) -> str:
    """The name in full of one with the usual prefix."""
    prefix, _, last = name.partition(":")
    return next(f"{{{space}}}{last}" for space, short in _SPACES.items() if short == prefix)


def attribute(element: Any, name: str) -> str | None:
    """An attribute's value, by its name with the usual prefix."""
    value = element.get(_qualified(name))
    return None if value is None else str(value)


def outline_level(value: str | None) -> int:
    """A heading's level in the outline; 1 where it is no number from 1 to 10."""
    return _LEVELS.get(value or "", 1)


@dataclass(slots=True)
class OpenDocumentStyle:
    """What a style says, with what it inherits; None where it says nothing.

    Attributes:
        name: of the style, or of the one that it is derived from by hand; in lower case.
        by_hand: bold and italic, as the style of a single paragraph adds them to its own style.
        size: of the characters [points].
        before: space above [points].
        after: space below [points].
    """

    name: str = ""
    level: int | None = None
    bold: bool | None = None
    italic: bool | None = None
    hidden: bool | None = None
    by_hand: tuple[bool | None, bool | None] = (None, None)
    size: float | None = None
    centred: bool = False
    new_page: bool = False
    new_page_after: bool = False
    before: float = 0.0
    after: float = 0.0
    is_tight: bool = False
    is_ruled: bool = False


@dataclass
class Sheet:
    """The styles of a file by family and name."""

    _known: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    _parents: dict[tuple[str, str], str] = field(default_factory=dict)
    _merged: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    _found: dict[tuple[str, str | None], OpenDocumentStyle] = field(default_factory=dict)
    _numbers: dict[str, dict[int, tuple[str, str, str]]] = field(default_factory=dict)
    _counts: dict[str, dict[int, int]] = field(default_factory=dict)

    def add(self, style: Any, *, is_automatic: bool) -> None:
        """Take a style of the file, unless there is one of its name already.

        Args:
            style: the element.
            is_automatic: whether a program made it for what was formatted by hand.
        """
        own_name = attribute(style, "style:name") or ""
        family = attribute(style, "style:family") or ""
        key = (family, own_name)
        if key in self._known:
            return
        found: dict[str, str] = {}
        for child in style:
            if prefixed(child.tag) in _AREAS:
                values = {name: attribute(child, name) for name in _PROPERTIES}
                found |= {name: value for name, value in values.items() if value is not None}
        parent = attribute(style, "style:parent-style-name") or ""
        shown = attribute(style, "style:display-name")
        if shown or not (is_automatic and parent):
            found["name"] = (shown or _unescaped(own_name))[:200].lower()
        else:
            found["by hand"] = f"{found.get('fo:font-weight', '')} {found.get('fo:font-style', '')}"
        if attribute(style, "style:master-page-name"):
            found["fo:break-before"] = "page"
        if level := attribute(style, "style:default-outline-level"):
            found["level"] = level
        self._known[key] = found
        self._parents[key] = parent

    def add_numbers(self, style: Any) -> None:
        """Take how a list, or the headings of the file, are numbered."""
        levels: dict[int, tuple[str, str, str]] = {}
        for level in style:
            prefix, form, suffix = (
                attribute(level, f"style:num-{part}") or ""
                for part in ("prefix", "format", "suffix")
            )
            levels[outline_level(attribute(level, "text:level"))] = (prefix, form, suffix)
        is_outline = prefixed(style.tag) == "text:outline-style"
        name = OUTLINE if is_outline else attribute(style, "style:name") or ""
        self._numbers.setdefault(name, levels)

    def number(self, numbers: str, level: int) -> str:
        """The number that a paragraph shows, after it is counted; empty where it shows none.

        Args:
            numbers: the name of a list's style, or `OUTLINE` for headings.
            level: in the list or in the outline, 1 the highest.
        """
        counts = self._counts.setdefault(numbers, {})
        counts[level] = counts.get(level, 0) + 1
        for deeper in [d for d in counts if d > level]:
            del counts[deeper]
        prefix, form, suffix = self._numbers.get(numbers, {}).get(level, ("", "", ""))
        number = number_as(counts[level], _FORMATS.get(form, "decimal"))
        return f"{prefix}{number}{suffix}".strip() if form else ""

    def find(self, family: str, name: str | None) -> OpenDocumentStyle:
        """A style with all that it inherits."""
        key = (family, name)
        found = self._found.get(key)
        if found is None:
            found = _meaning(self._properties(family, name or ""))
            if len(self._found) < 100_000:
                self._found[key] = found
        return found

    def _properties(self, family: str, name: str) -> dict[str, str]:
        key = (family, name)
        line: dict[tuple[str, str], None] = {}  # the style, and the ones that it inherits from
        while key in self._known and key not in line and key not in self._merged:
            line[key] = None
            key = (family, self._parents[key])
        default = self._known.get((family, ""), {}) if family == "paragraph" else {}
        if name and key not in self._known and not line:  # one that programs have without defining
            default = default | {"name": _unescaped(name)[:200].lower()}
        found = self._merged.get(key, default)
        for key in reversed(line):
            own = self._known[key]
            size = own.get("fo:font-size", "")
            if size.endswith("%"):
                own = own | {"fo:font-size": _scaled(found.get("fo:font-size"), size)}
            found = {k: v for k, v in found.items() if k != "by hand"} | own
            self._merged[key] = found
        return found


def _scaled(size: str | None, percent: str) -> str:
    """A size that a style gives in percent of the one that it inherits."""
    inherited, part = points(size), points(percent.rstrip("%"), 100)
    return f"{(inherited or 12.0) * part}pt" if part else size or ""


def _unescaped(name: str) -> str:
    """A style's name as people see it: ``Text_20_body`` is "Text body"."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), name)


def _is_bold(weight: str | None) -> bool | None:
    return None if not weight else weight in ("bold", "700", "800", "900")


def _is_italic(style: str | None) -> bool | None:
    return None if not style else style in ("italic", "oblique")


def _meaning(found: dict[str, str]) -> OpenDocumentStyle:
    """What a style's properties mean."""
    name = found.get("name", "")
    weight, _, slant = found.get("by hand", " ").partition(" ")
    bold, italic = _is_bold(found.get("fo:font-weight")), _is_italic(found.get("fo:font-style"))
    level = level_of(name)
    if level is None and found.get("level", "0") != "0":
        level = outline_level(found["level"])
    display = found.get("text:display")
    return OpenDocumentStyle(
        name=name, level=level,
        bold=True if bold is None and name == "strong emphasis" else bold,
        italic=True if italic is None and name == "emphasis" else italic,
        hidden=None if display is None else display == "none",
        by_hand=(_is_bold(weight), _is_italic(slant)),
        size=points(found.get("fo:font-size")),
        centred=found.get("fo:text-align") == "center",
        new_page=found.get("fo:break-before") in ("page", "column"),
        new_page_after=found.get("fo:break-after") in ("page", "column"),
        before=points(found.get("fo:margin-top")) or 0.0,
        after=points(found.get("fo:margin-bottom")) or 0.0,
        is_tight=found.get("style:contextual-spacing") == "true",
        is_ruled=any(found.get(border, "none") != "none" for border in _BORDERS),
    )  # fmt: skip
