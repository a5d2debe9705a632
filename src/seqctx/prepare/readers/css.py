"""The few properties of style sheets that tell what a paragraph is.

Selectors of names, classes and ids are understood, below one another too. Rules with others, such
as ``h1 + p`` or ``p:first-child``, and rules for some devices only are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from seqctx.prepare.readers.elements import local

_LONGEST = 2_000_000  # characters of one style sheet; large ones have 100,000
_MOST_RULES, _MOST_KNOWN, _MOST_TRIED = 20_000, 20_000, 2_000_000
_COMPOUND = re.compile(r"([A-Za-z][\w-]*|\*)?((?:[.#][\w-]+)*)")
_CONTENT = re.compile(r"::?(?:before|after)$")
_LENGTH = re.compile(r"(-?(?:\d+(?:\.\d*)?|\.\d+))(em|rem|ex|ch|px|pt|pc|mm|cm|in|%|lh|vh|vw)?")
_LINES = {  # of a unit, in lines of the usual height; a page is 40 wide and 50 high
    "em": 1.0, "rem": 1.0, "ex": 0.5, "ch": 0.5, "px": 1 / 16, "pt": 1 / 12, "pc": 1.0,
    "mm": 0.236, "cm": 2.36, "in": 6.0, "%": 0.4, "lh": 1.0, "vh": 0.5, "vw": 0.4,
}  # fmt: skip
_SIZES = {
    "xx-small": 0.6, "x-small": 0.75, "small": 0.89, "medium": 1.0, "large": 1.2, "x-large": 1.5,
    "xx-large": 2.0, "smaller": 0.83, "larger": 1.2,
}  # fmt: skip
_SIDES = ("top", "right", "bottom", "left")
_OF_SHORT_FORM = {1: (0, 0, 0, 0), 2: (0, 1, 0, 1), 3: (0, 1, 2, 1), 4: (0, 1, 2, 3)}
_STRING = re.compile(r"""["']([^"']*)["']""")
_IMPORT = re.compile(r"""@import\s+(?:url\(\s*)?["']?([^"')\s;]{1,500})""")
# What an element of HTML means stays, whatever a sheet makes of all elements of its name.
_LOOKS_ONLY = ("italic", "bold", "hidden", "block")

Values = dict[str, Any]


class Style(NamedTuple):
    """How one element is shown; None where its style says nothing, so that it is as around it.

    Attributes:
        italic: whether its characters are italic, or oblique.
        bold: whether they are bold.
        centred: whether its lines stand in the middle.
        hidden: whether it is not shown.
        block: whether it stands in lines of its own, though its name says it does not.
        raised: whether it stands higher than the line.
        floats: whether text flows around it, as around a large first letter.
        new_page: whether a page begins before it.
        size: of its characters, times that of the element around it.
        above: empty space above it [lines].
        below: empty space below it [lines].
        aside: empty space on its left and on its right, the smaller of both [lines].
        drawn: whether it shows a picture, a line or a text that a style sheet puts there.
    """

    italic: bool | None = None
    bold: bool | None = None
    centred: bool | None = None
    hidden: bool | None = None
    block: bool = False
    raised: bool = False
    floats: bool = False
    new_page: bool = False
    size: float = 1.0
    above: float = 0.0
    below: float = 0.0
    aside: float = 0.0
    drawn: bool = False


UNSTYLED = Style()
_BY_NAME = {  # what browsers do without any style sheet
    **dict.fromkeys(("p", "dl", "ul", "ol", "pre"), Style(above=1.0, below=1.0)),
    **dict.fromkeys(("blockquote", "figure"), Style(above=1.0, below=1.0, aside=2.5)),
    "center": Style(centred=True), "sup": Style(raised=True),
}  # fmt: skip
_Compound = tuple[str, frozenset[str], frozenset[str], bool]
"""A name, classes, ids, and whether it is right above the next one."""


class _Rule(NamedTuple):
    rank: tuple[int, int, int, int]
    compounds: tuple[_Compound, ...]
    values: Values


@dataclass
class Styles:
    """The style sheets of one document.

    Attributes:
        sheets: their texts, the later the stronger.
    """

    sheets: tuple[str, ...] = ()
    _by_key: dict[str, list[_Rule]] = field(default_factory=dict)
    _known: dict[tuple[int, str, str, str, str], Style] = field(default_factory=dict)
    _contexts: dict[tuple[int, str, str, str], int] = field(default_factory=dict)
    _ids: set[str] = field(default_factory=set)
    _is_nested: bool = False
    _number: int = 0
    _left: int = _MOST_TRIED

    def __post_init__(self) -> None:
        """Read the rules."""
        for sheet in self.sheets:
            for selectors, body in _rules(sheet[:_LONGEST]):
                values = declared(body)
                for selector in selectors.split(",") if values else ():
                    self._add(selector.strip(), values)

    def _add(self, selector: str, values: Values) -> None:
        if _CONTENT.search(selector):
            selector = _CONTENT.sub("", selector)
            values = {"drawn": True} if values.get("content") or values.get("drawn") else {}
        compounds = _compounds(selector)
        if not compounds or not values or self._number == _MOST_RULES:
            return
        named = sum(len(ids) for _, _, ids, _ in compounds)
        classes = sum(len(classes) for _, classes, _, _ in compounds)
        if not named and not classes:
            values = {key: value for key, value in values.items() if key not in _LOOKS_ONLY}
        self._number += 1
        rank = (named, classes, sum(bool(c[0]) for c in compounds), self._number)
        name, of_class, ids, _ = compounds[-1]
        self._ids |= ids
        self._is_nested = self._is_nested or len(compounds) > 1
        key = f"#{min(ids)}" if ids else f".{min(of_class)}" if of_class else name
        self._by_key.setdefault(key, []).append(_Rule(rank, compounds, values))

    def of(self, node: Any, name: str, within: int = 0) -> Style:
        """How an element is shown, by these sheets and by its own attribute.

        Args:
            node: the element.
            name: its local name, in lower case.
            within: what `context` gave for the element around it.
        """
        get = node.get
        classes, own = get("class") or "", get("style") or ""
        rules = self._by_key
        if not own and not (rules and (classes or name in rules or "" in rules or get("id"))):
            return _BY_NAME.get(name, UNSTYLED)
        key = (within, name, classes, self._named(get("id")), own)
        style = self._known.get(key)
        if style is None:
            style = _styled(_BY_NAME.get(name, UNSTYLED), self._values(node, key))
            if len(self._known) < _MOST_KNOWN:
                self._known[key] = style
        return style

    def context(self, node: Any, name: str, within: int) -> int:
        """A number that is the same for all elements whose insides take the same styles."""
        if not self._is_nested:
            return 0
        key = (within, name, node.get("class") or "", self._named(node.get("id")))
        return self._contexts.setdefault(key, len(self._contexts) + 1)

    def _named(self, ident: str | None) -> str:
        """An id for which there are rules, else nothing."""
        return ident if ident and ident in self._ids else ""

    def _values(self, node: Any, key: tuple[int, str, str, str, str]) -> Values:
        """What all rules for an element say, the strongest last."""
        _, name, classes, ident, own = key
        rules = [*self._by_key.get(name, ()), *self._by_key.get("", ())]
        for word in set(classes.split()):
            rules += self._by_key.get("." + word, ())
        rules += self._by_key.get("#" + ident, ()) if ident else ()
        self._left -= sum(10 * len(rule.compounds) - 9 for rule in rules)
        values: Values = {}
        for rule in sorted(rules if self._left > 0 else ()):
            if _matches(rule.compounds, node):
                values.update(rule.values)
        if own:
            values.update(declared(own))
        return values


def _styled(base: Style, values: Values) -> Style:
    """The style of an element from the values of all its rules."""
    if not values:
        return base
    known = {key: value for key, value in values.items() if key in Style._fields}
    left, right = (
        values.get(f"margin-{side}", base.aside) + values.get(f"padding-{side}", 0.0)
        for side in ("left", "right")
    )
    return base._replace(
        **known,
        above=values.get("margin-top", base.above) + values.get("padding-top", 0.0),
        below=values.get("margin-bottom", base.below) + values.get("padding-bottom", 0.0),
        aside=min(left, right),
    )


def imports(sheet: str) -> list[str]:
    """The addresses of the sheets that a sheet begins with."""
    return _IMPORT.findall(sheet[:_LONGEST])


def _rules(sheet: str) -> Iterator[tuple[str, str]]:
    """Selectors and declarations of each rule that holds for all devices."""
    kept, at = [], 0
    while (start := sheet.find("/*", at)) >= 0 and (end := sheet.find("*/", start + 2)) >= 0:
        kept.append(sheet[at:start])
        at = end + 2
    sheet = "".join([*kept, sheet[at:]])
    around: list[str] = []
    special = at = 0  # blocks such as @media that are open
    for match in re.finditer(r"[{}]", sheet):
        text, at = sheet[at : match.start()], match.end()
        if match[0] == "{":
            around.append(text.rpartition(";")[2].strip())
            special += around[-1].startswith("@")
        elif around:
            selectors = around.pop()
            if selectors.startswith("@"):
                special -= 1
            elif not special:
                yield selectors, text


def _compounds(selector: str) -> tuple[_Compound, ...]:
    """The parts of a selector, the outermost first; none where it is of a kind not understood."""
    found: list[_Compound] = []
    right_above = False
    for part in selector.replace(">", " > ").split():
        if part == ">":
            right_above = True
            continue
        match = _COMPOUND.fullmatch(part)
        if not match or len(found) == 8:
            return ()
        if right_above and found:
            found[-1] = (*found[-1][:3], True)
        right_above = False
        classes = frozenset(re.findall(r"\.([\w-]+)", match[2]))
        name = "" if match[1] == "*" else (match[1] or "").lower()
        found.append((name, classes, frozenset(re.findall(r"#([\w-]+)", match[2])), False))
    return tuple(found)


def _fits(compound: _Compound, node: Any) -> bool:
    name, classes, ids, _ = compound
    return (
        (not name or local(node.tag) == name)
        and (not classes or classes <= set((node.get("class") or "").split()))
        and (not ids or ids <= {node.get("id")})
    )


def _matches(compounds: tuple[_Compound, ...], node: Any) -> bool:
    """Whether an element is one that a selector selects."""
    if not _fits(compounds[-1], node):
        return False
    above = node.getparent() if len(compounds) > 1 else None
    for compound in reversed(compounds[:-1]):
        while above is not None and not _fits(compound, above):
            if compound[3]:
                return False
            above = above.getparent()
        if above is None:
            return False
        above = above.getparent()
    return True


def declared(body: str) -> Values:
    """What declarations say of the properties of `Style`."""
    values: Values = {}
    for declaration in body[:_LONGEST].split(";"):
        name, colon, value = declaration.partition(":")
        read = _READ.get(name.strip().lower()) if colon else None
        if read:
            values.update(read(value.replace("!important", "").strip().lower()))
    return values


def length(value: str) -> float | None:
    """A length in lines; None where it cannot be told."""
    match = _LENGTH.fullmatch(value)
    if match is None:
        return 0.0 if value in ("auto", "0", "none", "initial") else None
    return float(match[1]) * _LINES.get(match[2] or "px", 0.0)


def _box(kind: str) -> Any:
    """Reads the short form for four sides."""

    def read(value: str) -> Values:
        sizes = [length(part) for part in value.split()]
        if not 1 <= len(sizes) <= 4:
            return {}
        given = zip(_SIDES, _OF_SHORT_FORM[len(sizes)], strict=True)
        return {f"{kind}-{side}": sizes[k] for side, k in given if sizes[k] is not None}

    return read


def _side(name: str) -> Any:
    def read(value: str) -> Values:
        size = length(value)
        return {} if size is None else {name: size}

    return read


def _size(value: str) -> Values:
    if value in _SIZES:
        return {"size": _SIZES[value]}
    match = _LENGTH.fullmatch(value)
    if match is None or not match[2]:
        return {}
    part = 0.01 if match[2] == "%" else _LINES[match[2]]
    return {"size": min(max(float(match[1]) * part, 0.1), 10.0)}


def _weight(value: str) -> Values:
    return {"bold": value in ("bold", "bolder") or (value.isdigit() and int(value[:5]) >= 600)}


def _font(value: str) -> Values:
    words = value.split()
    sizes = (_size(word.partition("/")[0]) for word in words)
    found: Values = {"italic": "italic" in words or "oblique" in words}
    found["bold"] = any(_weight(word)["bold"] for word in words)
    return found | next((size for size in sizes if size), {})


def _break_before(value: str) -> Values:
    return {"new_page": value in ("always", "page", "left", "right", "recto", "verso")}


def _drawn(value: str) -> Values:
    return {"drawn": True} if "url(" in value else {}


def _border(value: str) -> Values:
    words = value.split()
    shown = not ({"none", "hidden", "0", "0px"} & set(words)) and len(words) > 1
    return {"drawn": True} if shown else {}


def _text(value: str) -> Values:
    return {"content": any(part.strip() for part in _STRING.findall(value)) or "url(" in value}


_EMPHASIS_MARKS = [  # dots beside Japanese or Chinese characters
    f"{program}text-emphasis{part}"
    for program in ("", "-epub-", "-webkit-")
    for part in ("", "-style")
]
_READ: dict[str, Any] = {
    "font-style": lambda v: {"italic": v in ("italic", "oblique")},
    "font-weight": _weight,
    "font-size": _size,
    "font": _font,
    "text-align": lambda v: {"centred": v in ("center", "-webkit-center")},
    "display": lambda v: {"hidden": v == "none", "block": v in ("block", "list-item", "table")},
    **dict.fromkeys(_EMPHASIS_MARKS, lambda v: {"italic": True} if v != "none" else {}),
    "visibility": lambda v: {"hidden": v == "hidden"},
    "vertical-align": lambda v: {"raised": v in ("super", "top", "text-top")},
    "float": lambda v: {"floats": v in ("left", "right")},
    "page-break-before": _break_before,
    "break-before": _break_before,
    "background": _drawn,
    "background-image": _drawn,
    "border": _border,
    "border-top": _border,
    "border-bottom": _border,
    "content": _text,
    "margin": _box("margin"),
    "padding": _box("padding"),
    **{
        f"{kind}-{side}": _side(f"{kind}-{side}")
        for kind in ("margin", "padding")
        for side in _SIDES
    },
}
