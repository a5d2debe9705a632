"""Which style sheets the documents of a book use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from seqctx.prepare.readers.css import Styles, imports
from seqctx.prepare.readers.elements import Links, local


@dataclass
class Sheets:
    """The style sheets of one book, each read once.

    Attributes:
        text_of: the text of a sheet by its address; empty where there is none.
    """

    text_of: Callable[[str], str]
    _texts: dict[str, str] = field(default_factory=dict)
    _styles: dict[tuple[str, ...], Styles] = field(default_factory=dict)

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
            self._styles = {key: Styles(key)}  # the last one: most documents have the same
        return self._styles[key]

    def _add(self, links: Links, href: str, sheets: list[str], depth: int) -> None:
        """Add a sheet, after those that it begins with."""
        if not href or ":" in href.partition("/")[0] or depth > 3 or len(sheets) > 50:
            return
        name = links.resolved(href)
        if name not in self._texts:
            self._texts[name] = self.text_of(name)
        for more in imports(self._texts[name]):
            self._add(Links(name), more, sheets, depth + 1)
        sheets.append(self._texts[name])
