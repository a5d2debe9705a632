"""The styles of Word's files, with what each inherits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from typing import Any

from seqctx.prepare.readers.markup import pieces
from seqctx.prepare.readers.office import level_of, points
from seqctx.system.archives import Archive

SPACES = (
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "http://purl.oclc.org/ooxml/wordprocessingml/main",  # "Strict Open XML"
)
NO_HEADING = -1
"""Level of a paragraph of which its outline says that it is text."""
_OFF = ("0", "false", "off", "none")


@lru_cache(10_000)
def element_name(tag: Any) -> str:
    """An element's name without its namespace."""
    return str(tag).rpartition("}")[2]


def is_on(element: Any, val: str) -> bool:
    """Whether an element switches its property on, which it does without a value."""
    return element.get(val, "1") not in _OFF


@dataclass(slots=True)
class Properties:
    """What a style, or a paragraph or a run itself, says; None where it says nothing.

    Attributes:
        name: of the style, in lower case.
        level: of a heading, 1 the highest; `TITLE`, or `NO_HEADING`.
        numbers: the id of the numbering that counts it; ``0`` for none.
        number_level: the level in this numbering.
        size: [points]
        before: space above [points].
        after: space below [points].
        is_tight: whether there is no space between paragraphs of this style.
    """

    name: str | None = None
    level: int | None = None
    numbers: str | None = None
    number_level: int | None = None
    bold: bool | None = None
    italic: bool | None = None
    hidden: bool | None = None
    size: float | None = None
    centred: bool | None = None
    before: float | None = None
    after: float | None = None
    is_tight: bool | None = None
    new_page: bool | None = None
    is_ruled: bool | None = None

    def over(self, base: Properties) -> Properties:
        """What both say together; this one comes first."""
        return replace(
            base, **{name: v for name in _FIELDS if (v := getattr(self, name)) is not None}
        )


_FIELDS = [entry.name for entry in fields(Properties)]


def take_run(found: Properties, properties: Any, val: str) -> None:
    """Add what an element of a run's properties (w:rPr) says."""
    for child in properties:
        name = element_name(child.tag)
        if name == "b":
            found.bold = is_on(child, val)
        elif name == "i":
            found.italic = is_on(child, val)
        elif name == "sz":
            found.size = points(child.get(val), 2)
        elif name == "vanish":
            found.hidden = is_on(child, val)


def take_paragraph(found: Properties, properties: Any, val: str) -> None:
    """Add what an element of a paragraph's properties (w:pPr) says."""
    w = val[:-3]
    for child in properties:
        name = element_name(child.tag)
        if name == "outlineLvl":
            value = child.get(val) or ""
            if value.isascii() and value.isdigit() and len(value) < 4:
                found.level = int(value) + 1 if int(value) < 9 else NO_HEADING
        elif name == "jc":
            found.centred = child.get(val) == "center"
        elif name == "spacing":
            _take_space(found, child, w)
        elif name == "contextualSpacing":
            found.is_tight = is_on(child, val)
        elif name == "pageBreakBefore":
            found.new_page = is_on(child, val)
        elif name == "pBdr":
            found.is_ruled = any(
                element_name(line.tag) in ("top", "bottom")
                and line.get(val) not in (None, "nil", "none")
                for line in child
            )
        elif name == "numPr":
            for part in child:
                if element_name(part.tag) == "numId":
                    found.numbers = part.get(val)
                elif element_name(part.tag) == "ilvl" and (part.get(val) or "") in list(
                    "012345678"
                ):
                    found.number_level = int(part.get(val))


def is_set_in(indents: Any) -> bool:
    """Whether a paragraph is set in from both sides."""
    sides = {element_name(k) for k, v in indents.attrib.items() if v.isdecimal() and int(v) > 0}
    return bool(sides & {"left", "start"}) and bool(sides & {"right", "end"})


def _take_space(found: Properties, spacing: Any, w: str) -> None:
    for side in ("before", "after"):
        auto, lines = spacing.get(f"{w}{side}Autospacing"), spacing.get(f"{w}{side}Lines")
        if auto is not None and auto not in _OFF:
            value: float | None = 14.0  # as web pages have it
        elif lines not in (None, "0"):
            value = points(lines, 8)  # hundredths of a line of 12 points
        else:
            value = points(spacing.get(w + side), 20)
        if value is not None:
            setattr(found, side, value)


@dataclass
class WordStyles:
    """The styles of a file, of paragraphs and of characters."""

    known: dict[tuple[str, str], Properties] = field(default_factory=dict)
    base: dict[tuple[str, str], str] = field(default_factory=dict)
    default: dict[str, str] = field(default_factory=dict)
    whole_file: Properties = field(default_factory=Properties)
    _found: dict[tuple[str, str | None], Properties] = field(default_factory=dict)

    def find(self, family: str, name: str | None) -> Properties:
        """A style with all that it inherits; the default one where there is none of this id."""
        key = (family, name)
        found = self._found.get(key)
        if found is None:
            if name is None or (family, name) not in self.known:
                name = self.default.get(family, "")
            found = self._inherited(family, name)
            if family == "paragraph":
                found = found.over(self.whole_file)
            if len(self._found) < 100_000:
                self._found[key] = found
        return found

    def _inherited(self, family: str, name: str) -> Properties:
        line: dict[tuple[str, str], None] = {}
        key: tuple[str, str] | None = (family, name)
        while key is not None and key in self.known and key not in line and len(line) < 1_000:
            line[key] = None
            key = self._key_of_base(key)
        found = Properties()
        for own in reversed(line):
            found = self.known[own].over(found)
        return found

    def _key_of_base(self, key: tuple[str, str]) -> tuple[str, str] | None:
        base = self.base.get(key, "")
        families = (key[0], "paragraph", "character")
        return next((k for family in families if (k := (family, base)) in self.known), None)


def styles_of(archive: Archive, name: str | None) -> WordStyles:
    """The styles of a file; a file without any has Word's headings."""
    styles = WordStyles()
    if name is None or name not in archive:
        names = {f"Heading{k}": f"heading {k}" for k in range(1, 10)}
        names |= {"Title": "title", "TOCHeading": "toc heading", "Subtitle": "subtitle"}
        names |= {f"TOC{k}": f"toc {k}" for k in range(1, 10)}
        styles.known = {
            ("paragraph", key): Properties(name=value, level=level_of(value))
            for key, value in names.items()
        }
        styles.known["character", "Strong"] = Properties(bold=True)
        styles.known["character", "Emphasis"] = Properties(italic=True)
        return styles
    with archive.stream(name) as stream:
        wanted = ("style", "docDefaults")
        for event, node in pieces(
            stream, archive.place(name), lambda tag: element_name(tag) in wanted
        ):
            if event == "whole" and element_name(node.tag) == "style":
                _add(styles, node)
            elif event == "whole":
                _take(styles.whole_file, node.iter(), f"{node.tag.removesuffix('docDefaults')}val")
    return styles


def _take(found: Properties, elements: Iterable[Any], val: str) -> None:
    for element in elements:
        if element_name(element.tag) == "rPr":
            take_run(found, element, val)
        elif element_name(element.tag) == "pPr":
            take_paragraph(found, element, val)


def _add(styles: WordStyles, node: Any) -> None:
    """Take a style, unless there is one of its id already."""
    w = node.tag.removesuffix("style")
    val = f"{w}val"
    key = (node.get(f"{w}type") or "paragraph", node.get(f"{w}styleId") or "")
    if key in styles.known:
        return
    found = styles.known[key] = Properties()
    _take(found, node, val)
    for child in node:
        if element_name(child.tag) == "name":
            found.name = (child.get(val) or "")[:200].lower()
        elif element_name(child.tag) == "basedOn":
            styles.base[key] = child.get(val) or ""
    name = found.name or ""
    level = level_of(name)
    found.level = found.level if level is None else level
    if key[0] == "character":
        found.bold = True if name == "strong" and found.bold is None else found.bold
        found.italic = True if name == "emphasis" and found.italic is None else found.italic
    if node.get(f"{w}default") in ("1", "true", "on"):
        styles.default[key[0]] = key[1]
