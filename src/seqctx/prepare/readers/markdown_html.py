"""HTML in Markdown: which tags are known, and blocks of HTML taken apart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from seqctx.prepare.readers.elements import EMPHASIS

TAG = re.compile(
    r"<(?P<closes>/?)(?P<name>[A-Za-z][A-Za-z0-9:-]*)(?P<attributes>(?:\s[^<>]{0,5000})?)/?>"
)
_INLINE = {
    *EMPHASIS, "a", "abbr", "acronym", "bdi", "bdo", "big", "code", "data", "del", "font", "ins",
    "kbd", "label", "mark", "nobr", "q", "rb", "rtc", "ruby", "s", "samp", "small", "span",
    "strike", "sub", "sup", "time", "tt", "u", "wbr",
}  # fmt: skip
HIDDEN_TAGS = {"script", "style", "template", "head", "title"}
_CELLS = {"td", "th"}
BLOCK_TAGS = {
    *HIDDEN_TAGS, *_CELLS, "address", "article", "aside", "blockquote", "body", "caption", "center",
    "dd", "details", "dialog", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer",
    "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hgroup", "hr", "html", "iframe",
    "legend", "li", "main", "menu", "nav", "ol", "p", "pagebreak", "pre",
    "section", "summary", "table", "tbody", "tfoot", "thead", "tr", "ul", "meta", "link",
    "base", "col", "colgroup", "video", "audio", "source", "picture", "svg", "object", "embed",
    "input", "button",
}  # fmt: skip
SINGLE = {"hr", "meta", "link", "base", "col", "pagebreak", "source", "embed",
          "input"}  # fmt: skip
_CENTRED = re.compile(r"(?i)\balign\s*=\s*[\"']?\s*center|text-align\s*:\s*center")
_ITALIC = re.compile(r"(?i)font-style\s*:\s*(?:italic|oblique)")
_BOLD = re.compile(r"(?i)font-weight\s*:\s*(?:bold|[6-9]00)")
_NOT_SHOWN = re.compile(r"(?i)display\s*:\s*none|visibility\s*:\s*hidden|(?:^|\s)hidden(?:[\s=]|$)")
_NEW_PAGE = re.compile(r"(?i)break-(before|after)\s*:\s*(?:always|page|left|right)")


def is_inline(name: str) -> bool:
    """Whether a tag may stand in a line; other tags that HTML does not know are words."""
    return name in _INLINE


def emphasis_of(name: str, attributes: str) -> str:
    """The mark of the emphasis that a tag stands for."""
    if "font" in attributes:
        bold, italic = _BOLD.search(attributes), _ITALIC.search(attributes)
        if bold or italic:
            return "**" if bold else "*"
    return EMPHASIS.get(name, "")


def html_attribute(name: str, attributes: str) -> str:
    """The value of an attribute; empty without one."""
    found = re.search(rf"(?i)\b{name}\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))", attributes)
    return next(filter(None, found.groups()), "") if found else ""


class Element(NamedTuple):
    """An element of HTML, as far as it tells how its paragraphs look.

    Attributes:
        name: of the tag.
        classes: its classes, in lower case.
        centred: whether its lines are centred.
        hidden: whether it is not shown.
        new_page: whether a new page begins with it.
        page_after: whether a new page begins after it.
    """

    name: str
    classes: str = ""
    centred: bool = False
    hidden: bool = False
    new_page: bool = False
    page_after: bool = False

    @classmethod
    def of(cls, name: str, attributes: str) -> Element:
        """An element from its opening tag."""
        name = name.lower()
        page = _NEW_PAGE.search(attributes)
        where = page[1].lower() if page else ""
        classes = html_attribute("class", attributes).lower()
        return cls(
            name,
            " ".join(classes.split()),
            name == "center" or bool(_CENTRED.search(attributes)),
            name in HIDDEN_TAGS or bool(_NOT_SHOWN.search(attributes)),
            name.endswith("pagebreak") or where == "before",
            where == "after",
        )


class HtmlPart(NamedTuple):
    """A part of a block of HTML: a text, an opening tag or a closing one."""

    kind: Literal["text", "open", "close"]
    text: str
    element: Element = Element("")


def parts_of(source: str) -> Iterator[HtmlPart]:
    """A block of HTML as texts, which may hold tags of lines, and tags of blocks."""
    at = 0
    lower = source.lower()
    last = {name: lower.rfind(f"</{name}") for name in HIDDEN_TAGS}
    for found in TAG.finditer(source):
        name = found["name"].lower()
        if name not in BLOCK_TAGS or found.start() < at:
            continue
        if not found["closes"] and name in HIDDEN_TAGS and last[name] < found.end():
            continue
        if source[at : found.start()].strip():
            yield HtmlPart("text", source[at : found.start()])
        at = found.end()
        if found["closes"]:
            yield HtmlPart("close", "", Element(name))
        else:
            element = Element.of(name, found["attributes"])
            yield HtmlPart("open", "", element)
            if name in SINGLE or found[0].endswith("/>"):
                yield HtmlPart("close", "", element)
    if source[at:].strip():
        yield HtmlPart("text", source[at:])
