"""One HTML page that needs no other file: paragraphs, tables and SVG figures, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seqctx.system.extras import needs_extra
from seqctx.system.visible import visible

TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True)
class Section:
    """One section of a page; empty attributes show nothing.

    Attributes:
        heading: above the section.
        level: of the heading, 2 or 3.
        text: paragraphs.
        svg: a figure.
        caption: below the figure.
        columns: names of the table's columns.
        rows: the table's cells; columns of numbers are aligned to the right.
        even: whether all columns have the same width, over the whole page.
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


def page(title: str, sections: Sequence[Section]) -> str:
    """The page as HTML, which holds no script and lets a browser run none.

    Texts are escaped, and their control characters shown as signs. Figures are not escaped: they
    must come from `seqctx.report.plots`, which escapes the texts in them.

    Raises:
        InputError: without jinja2.
    """
    return rendered("page.html", title=title, sections=sections)


def rendered(template: str, **values: Any) -> str:
    """A page of one of the templates beside this module, with its texts escaped.

    Raises:
        InputError: without jinja2.
    """
    with needs_extra("prepare", "HTML pages"):
        from jinja2 import Environment, FileSystemLoader

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=_with_signs,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**values)


def _with_signs(value: Any) -> Any:
    """A text with signs for its control characters; a figure, which is HTML already, as it is."""
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value
