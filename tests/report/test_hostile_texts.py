"""No text of a manuscript, a model or a file becomes part of a page's code or of a plot's."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from seqctx.report.page import Section, page
from seqctx.report.plots import manuscript, memory_by_length, pairs_by_distance, share_by_length
from tests.conftest import few_fast

HOSTILE = (
    "<script>alert(1)</script>", "</style></svg><img src=x onerror=alert(1)>", "\"'><b>",
    "{{ 7*7 }}",
    "]]><!--", "&lt;", "\x1b]0;x\x07\u202e\ud800\x00", r"$\frac$", r"a $5 b $6 \$7", "$", "{x}",
    "一二三 שלום 🏴 \U0001f469\u200d\U0001f680", "%s%(x)s",
)  # fmt: skip
BARE = "\x1b]0;x\x07\u202e\ud800\x00"
SIGNS = r"\x1b]0;x\x07\u202e\ud800\x00"
OURS = {  # elements of the template, and of matplotlib's SVG
    "html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "figure", "figcaption",
    "table", "thead", "tbody", "tr", "th", "td",
    "svg", "metadata", "rdf:rdf", "cc:work", "dc:type", "dc:format", "dc:creator", "cc:agent",
    "dc:title", "defs", "g", "path", "use", "text", "tspan", "clippath", "rect",
}  # fmt: skip


class Elements(HTMLParser):
    """The elements, attributes and texts that a browser would find."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.policy = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if ("http-equiv", "Content-Security-Policy") in attrs:
            self.policy = str(dict(attrs)["content"])

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def checked(html: str) -> str:
    """The text of a page, once it is known to hold our elements only."""
    html.encode("utf-8")
    found = Elements(html)
    assert found.elements <= OURS
    assert not any(name.startswith("on") or name == "src" for name in found.attributes)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\ud800]", html)
    return "\n".join(found.texts)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_page_shows_every_text_as_it_is(text: str) -> None:
    section = Section(text, 3, [text], caption=text, svg="<svg></svg>", columns=[text, "b"],
                      rows=[(text, 1)])  # fmt: skip
    shown = checked(page(text, [section]))
    assert shown.count(text.replace(BARE, SIGNS)) >= 6


def test_a_browser_runs_no_script_of_a_page() -> None:
    policy = Elements(page("title", [])).policy
    assert "default-src 'none'" in policy and "script" not in policy


def plots(text: str) -> dict[str, Callable[[], str]]:
    curves = {text: {1024: 0.25, 2048: 0.5}}
    return {
        "manuscript": lambda: manuscript(
            1000, [(text, 0, 1000)], [(0, 0, 1000, "chapter", False)], [(text, 1, 900, True)]
        ),
        "pairs_by_distance": lambda: pairs_by_distance({text: {100: (0.5, 0.5), 200: (0.2, 0.2)}}),
        "share_by_length": lambda: share_by_length(curves, 1024, text),
        "memory": lambda: memory_by_length(curves, 24.0, 1024, text),
    }


@pytest.mark.parametrize("name", plots(""))
@pytest.mark.parametrize("text", few_fast(HOSTILE, *HOSTILE[:2]))
def test_a_plot_shows_every_text_as_it_is(text: str, name: str) -> None:
    """A dollar sign begins no formula, and a glyph that no font here has is no warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        svg = plots(text)[name]()
    assert text.replace(BARE, SIGNS) in checked(page("title", [Section(svg=svg)]))
