"""One self-contained HTML page: paragraphs, tables and SVG figures, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True)
class Part:
    """One part of a page; what is empty does not show.

    Attributes:
        heading: over it.
        level: of the heading, 2 or 3.
        text: paragraphs.
        svg: a figure.
        caption: below the figure.
        columns: names of the table's columns.
        rows: the table's cells; numbers stand to the right.
        even: whether the table's columns are of one width, over the whole page.
    """

    heading: str = ""
    level: int = 2
    text: Sequence[str] = ()
    svg: str = ""
    caption: str = ""
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[Any]] = field(default=())
    even: bool = False

    @property
    def numbers(self) -> set[int]:
        """Columns of numbers."""
        return {
            k
            for k in range(len(self.columns))
            if self.rows and all(str(row[k]).strip("–%0123456789.,- ") == "" for row in self.rows)
        }


def page(title: str, parts: Sequence[Part]) -> str:
    """The page as HTML; texts are escaped, figures are taken as they are."""
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("page.html").render(title=title, parts=parts)
