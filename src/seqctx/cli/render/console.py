"""The console of rich for our views: without markup, links and control characters of others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from seqctx.system.visible import visible


class VisibleConsole(Console):
    """A console that prints no character which a terminal would obey, but its own colours.

    Square brackets are brackets, not markup.
    """

    def __init__(self, **options: Any) -> None:
        """Take the options of rich's console; strings are never parsed."""
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """A string of a view, such as a cell of a table, before its width is measured."""
        return super().render_str(visible(text), **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """All parts of a view: also those that are no strings, such as rich's own texts."""
        for part in super().render(renderable, options):
            if part.control:  # moves of the cursor, which a progress bar makes
                yield part
            else:
                style = part.style.update_link(None) if part.style else None
                yield Segment(visible(part.text), style)


def terminal(*, err: bool = False) -> VisibleConsole:
    """Standard output, or standard error, for views."""
    return VisibleConsole(stderr=err)


def print_view(view: RenderableType) -> None:
    """Print a view on standard output."""
    terminal().print(view)
