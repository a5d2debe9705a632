"""Which style sheets the documents of a book use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from seqctx.prepare.readers.css import Styles, imports
from seqctx.prepare.readers.elements import Links, local

LARGEST_SHEET = 2_000_000  # bytes
_MOST_READ = 50_000_000  # characters of all sheets of a book, each time that they are understood
_MOST_KEPT = 20


@dataclass
class Sheets:
    """The style sheets of one book, each read once.

    Attributes:
        text_of: the text of a sheet by its address; empty where there is none.
    """

    text_of: Callable[[str], str]
    _read: dict[str, tuple[str, list[str]]] = field(default_factory=dict)
    _styles: dict[tuple[str, ...], Styles] = field(default_factory=dict)
    _left: int = _MOST_READ

    def styles(self, head: Any, links: Links) -> Styles:
        """What the head of a document says of styles."""
        sheets: list[str] = []
        for node in head.iter():
            tag = local(node.tag)
            if tag == "style":
                sheets.append("".join(node.itertext()))
            elif tag == "link" and "stylesheet" in (node.get("rel") or "").lower():
                self._add(links, node.get("href") or "", sheets, 0)
        key = tuple(sheets)
        if key not in self._styles:
            self._left -= sum(map(len, key))
            if len(self._styles) == _MOST_KEPT:
                self._styles.clear()
            self._styles[key] = Styles(key if self._left > 0 else ())
        return self._styles[key]

    def _add(self, links: Links, href: str, sheets: list[str], depth: int) -> None:
        """Add a sheet, after those that it begins with."""
        if not href or ":" in href.partition("/")[0] or depth > 3 or len(sheets) > 50:
            return
        name = links.resolved(href)
        if name not in self._read:
            text = self.text_of(name)
            self._read[name] = text, imports(text)[:20]
        text, more = self._read[name]
        for address in more:
            self._add(Links(name), address, sheets, depth + 1)
        sheets.append(text)
