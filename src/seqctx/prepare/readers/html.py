"""Blocks of HTML: documents of an EPUB, and pages that programs save."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from seqctx.prepare.readers.blocks import (
    PLAIN,
    SCENE_BREAK,
    TITLE,
    Block,
    BlockKind,
    Look,
    Run,
    written,
)
from seqctx.prepare.readers.css import Style, Styles
from seqctx.prepare.readers.elements import (
    CONTROLS,
    HEADINGS,
    INLINE,
    NO_WORDS,
    PAGE_BREAK_CLASS,
    PARAGRAPHS,
    PICTURES,
    Links,
    Picture,
    holds_blocks,
    is_break_class,
    kind_by_class,
    kind_declared,
    local,
    names_of,
    pieces_of,
    text_within,
    types_of,
    words_within,
)
from seqctx.prepare.readers.inline import (
    Line,
    emphasized,
    is_centred,
    joined_runs,
    page_number,
    parted,
    size_inside,
)
from seqctx.prepare.readers.markup import Piece, last_text, text_before
from seqctx.prepare.readers.pictures import has_words
from seqctx.prepare.readers.sheets import Sheets
from seqctx.prepare.structure import Span

_APART = {"blockquote", "ul", "ol", "dl", "table", "figure", "aside"}
_KINDS_OF_TAGS = {"nav": "contents", "figcaption": "caption", "caption": "caption"} | dict.fromkeys(
    CONTROLS, "page control"
)
_WORD_TITLE = "msotitle"


class _Around(NamedTuple):
    """What holds for all that is in an element."""

    left_out: str | None = None
    mark: str = ""
    centred: bool = False
    size: float = 1.0
    is_apart: bool = False
    within: int = 0
    style: Style = Style()
    node: Any = None
    seen: int = 0


class Page:
    """Reads one document; see `blocks`.

    Attributes:
        title: what its head calls it.
        places: how many blocks come before the elements whose ids were asked for.
    """

    def __init__(
        self,
        links: Links,
        sheets: Sheets,
        *,
        left_out: str | None = None,
        wanted: frozenset[str] = frozenset(),
        lines: bool = False,
        first: int = 1,
    ) -> None:
        """Take what is known of the document.

        Args:
            links: of the document.
            sheets: of the book.
            left_out: what the book declares all of it to be, if that is not the story.
            wanted: ids of elements whose places are asked for.
            lines: whether `Block.place` is the line of the document; else a paragraph's number.
            first: the number of its first paragraph.
        """
        self._links, self._sheets = links, sheets
        self._left_out, self._wanted = left_out, wanted
        self._lines, self._first = lines, first
        self.begin()

    def begin(self) -> None:
        """Forget what was read of the document."""
        self.title = ""
        self.places: dict[str, int] = {}
        self._styles = Styles()
        self._count = self._gap = self._seen = 0
        self._space, self._new_page = 0.0, False
        self._looks: dict[tuple[Any, ...], Look] = {}

    def blocks(self, tree: Iterable[Piece]) -> Iterator[Block | Picture]:
        """The blocks of the document, with looks as its style sheets give them.

        A picture that stands alone is given as it is: `with_usual_looks` decides what it is.
        """
        for block in self._blocks(tree, _Around(self._left_out)):
            self._count += 1
            yield block

    def _blocks(self, tree: Iterable[Piece], outer: _Around) -> Iterator[Block | Picture]:
        stack = [outer]
        line = self._line()
        for event, node in tree:
            around = stack[-1]
            if event == "close":
                line.text(last_text(node), around.mark)
                leaf = "div" if self._seen == around.seen and local(node.tag) == "div" else ""
                if leaf or not line.is_empty():
                    yield from self._paragraphs(line, around, around.style, around.node, leaf)
                    line = self._line()
                stack.pop()
                self._space = 0.0 if around.is_apart else max(self._space, around.style.below)
                continue
            if len(stack) > 1:  # the first has nothing of its own before it
                line.text(text_before(node), around.mark)
            tag = local(node.tag)
            if event == "whole" and self._is_inline(node, tag):
                self._note_places(node)
                line.element(node, tag, around.mark, around.within)
                continue
            if not line.is_empty():
                yield from self._paragraphs(line, around, around.style, around.node)
                line = self._line()
            self._note_places(node, all_below=event == "whole")
            self._seen += 1
            if event == "whole":
                yield from self._block(node, tag, around)
            else:
                stack.append(self._inner(node, tag, around))
        yield from self._paragraphs(line, outer, outer.style, outer.node)

    def _line(self, *, preformatted: bool = False) -> Line:
        return Line(self._styles, self._links, preformatted=preformatted)

    def _is_inline(self, node: Any, tag: str) -> bool:
        return tag in PICTURES or (tag in INLINE and not (len(node) and holds_blocks(node)))

    def _note_places(self, node: Any, *, all_below: bool = True) -> None:
        if not self._wanted:
            return
        for below in node.iter() if all_below else (node,):
            for ident in (below.get("id"), below.get("name")):
                if ident in self._wanted:
                    self.places.setdefault(ident, self._count)

    def _inner(self, node: Any, tag: str, around: _Around) -> _Around:
        """What holds in an element that is open."""
        if tag in ("html", "body"):
            kind = kind_declared(types_of(node)) or around.left_out
            within = self._styles.context(node, tag, 0)
            return around._replace(left_out=kind, within=within, node=node, seen=self._seen)
        style = self._styles.of(node, tag, around.within)
        apart = tag in _APART or (
            tag == "div" and self._count > 0 and style.aside >= 1 and style.above + style.below > 0
        )
        if style.new_page:
            self._new_page = True
        if not apart:
            self._space = max(self._space, style.above)
        types = types_of(node)
        kind = around.left_out or kind_declared(types) or kind_by_class(node, tag)
        if style.hidden:
            kind = kind or "hidden text"
        if kind is None and "pagebreak" in types:
            kind = "page number"
        if kind is None and self._links.notes and tag in ("div", "aside"):
            kind = self._links.note_of(node) if node.get("id") else None
        return _Around(
            kind, emphasized(around.mark, "", style), is_centred(node, style, around.centred),
            around.size * style.size, apart or around.is_apart,
            self._styles.context(node, tag, around.within), style, node, self._seen,
        )  # fmt: skip

    def _block(self, node: Any, tag: str, around: _Around) -> Iterator[Block | Picture]:
        """One element that is a block."""
        if tag == "head":
            self._styles = self._sheets.styles(node, self._links)
            named = next((x for x in node.iter() if local(x.tag) == "title"), None)
            self.title = text_within(named) if named is not None else ""
        if not tag or tag in NO_WORDS:
            return
        style = self._styles.of(node, tag, around.within)
        around = around._replace(left_out=self._kind(node, tag, style) or around.left_out)
        if style.new_page:
            self._new_page = True
        if tag == "hr":
            if not style.hidden:
                yield self._made("break", SCENE_BREAK, (), node, around, style)
        elif tag in HEADINGS or node.get("role") == "heading":
            yield from self._heading(node, tag, around, style)
        elif _groups_headings(node, tag):
            yield from self._headings(node, around)
        elif tag in PICTURES:
            line = self._line()
            line.element(node, tag, "", 0)
            yield from self._paragraphs(line, around, style, node)
        elif tag in ("nav", *CONTROLS):
            yield from self._aside({around.left_out or "": [words_within(node)]}, node, around)
        elif tag not in PARAGRAPHS or (len(node) and holds_blocks(node)):
            yield from self._blocks(pieces_of(node), around)
        else:
            line = self._line(preformatted=tag == "pre")
            around = around._replace(
                size=around.size * size_inside(node, self._styles, around.within)
            )
            within = self._styles.context(node, tag, around.within)
            line.inside(node, emphasized(around.mark, "", style), within)
            yield from self._paragraphs(line, around, style, node, "p" if tag == "p" else "")

    def _kind(self, node: Any, tag: str, style: Style) -> str | None:
        """What a block is declared to be, if that is not the story."""
        types = types_of(node)
        kind = kind_declared(types) or _KINDS_OF_TAGS.get(tag) or kind_by_class(node, tag)
        if kind:
            return kind
        if style.hidden:
            return "hidden text"
        if (types or node.get("id") or node.get("class")) and page_number(node, types):
            return "page number"
        return self._links.note_of(node)

    def _heading(
        self, node: Any, tag: str, around: _Around, style: Style, level: int = 0
    ) -> Iterator[Block | Picture]:
        line = self._line()
        line.inside(node, "", self._styles.context(node, tag, around.within))
        text, _ = written((text, "") for text, _ in joined_runs(line.runs))
        if not text:
            text = " ".join(p.alt for p in line.pictures if has_words(p.alt))
            text = text or node.get("title") or ""
            line.pictures.clear()
        stated = node.get("aria-level") or ""
        level = level or (
            int(tag[1]) if tag in HEADINGS else int(stated) if stated.isdigit() else 2
        )
        if text:
            yield self._made("heading", " ".join(text.split()), (), node, around, style, level)
        yield from self._aside(line.aside, node, around)
        yield from self._aside({"illustration": [p.alt for p in line.pictures]}, node, around)

    def _headings(self, node: Any, around: _Around) -> Iterator[Block | Picture]:
        """A group of headings of one chapter: number and title are two headings in a row."""
        level = min(
            (int(local(x.tag)[1]) for x in node.iter() if local(x.tag) in HEADINGS), default=1
        )
        inner = self._inner(node, local(node.tag), around)
        for line in node:
            tag = local(line.tag)
            is_hgroup = local(node.tag) == "hgroup" and tag not in PICTURES
            if tag and (tag in HEADINGS or is_hgroup):
                style = self._styles.of(line, tag, inner.within)
                yield from self._heading(line, tag, inner, style, level)
            elif tag:
                yield from self._block(line, tag, inner)

    def _paragraphs(
        self, line: Line, around: _Around, style: Style, node: Any, whole: str = ""
    ) -> Iterator[Block | Picture]:
        """The paragraphs that a line makes, or the picture or the gap.

        Args:
            line: the words.
            around: what holds for them.
            style: of the element that holds them.
            node: that element.
            whole: ``p`` or ``div`` where the line is all of such an element.
        """
        if line.is_empty() and not whole:
            return
        if not line.has_words:
            yield from self._aside(line.aside, node, around)
            if not line.aside or line.pictures:
                yield from self._wordless(line, around, style, node, whole)
            return
        linked = line.has_links and not line.has_others
        for runs, gap in line.parts():
            self._gap += gap
            for one in parted(runs) if runs else ():
                yield self._paragraph(one, node, around, style, linked)
        if line.aside or line.pictures:
            alts = [p.alt for p in line.pictures if has_words(p.alt)]
            yield from self._aside({**line.aside, "illustration": alts}, node, around)

    def _paragraph(
        self, runs: list[Run], node: Any, around: _Around, style: Style, linked: bool
    ) -> Block:
        names = names_of(node)
        if names == _WORD_TITLE:
            text, _ = written((text, "") for text, _ in runs)
            return self._made("heading", " ".join(text.split()), (), node, around, style, TITLE)
        text, emphasis = written(runs)
        if is_break_class(names) and not any(map(str.isalnum, text)):
            made = self._made("break", SCENE_BREAK, (), node, around, style)
            return replace(made, mark="".join(text for text, _ in runs).strip())
        bold = bool(emphasis) and all(mark == "**" for text, mark in runs if text.strip())
        return self._made("paragraph", text, emphasis, node, around, style, 1, linked, bold)

    def _wordless(
        self, line: Line, around: _Around, style: Style, node: Any, whole: str
    ) -> Iterator[Block | Picture]:
        """What a paragraph without words is: pictures, a scene break, empty space, or nothing."""
        for picture in line.pictures:
            yield picture._replace(left_out=around.left_out)
        if line.pictures:
            return
        names = names_of(node)
        lines = sum(text == "\n" for text, _ in line.runs)
        if whole and (style.new_page or PAGE_BREAK_CLASS.search(names)):
            self._new_page = True
        elif whole and (style.drawn or is_break_class(names)):
            yield self._made("break", SCENE_BREAK, (), node, around, style)
        elif whole == "p":  # but `<p><a id="page_7"/></p>` only marks a place
            named = any(x.get("id") or x.get("name") for x in node.iterdescendants())
            self._gap += max(lines, not named)
            self._space = max(self._space, style.above, style.below)
        else:
            shown = whole and any("\u00a0" in text for text, _ in line.runs)
            self._gap += lines or bool(shown)

    def _aside(
        self, aside: dict[str, list[str]], node: Any, around: _Around
    ) -> Iterator[Block | Picture]:
        """What stands in a paragraph and is no word of it."""
        for kind, texts in aside.items():
            text = " ".join(filter(None, texts))
            if text:
                yield Block(
                    "paragraph", text, left_out=around.left_out or kind, place=self._place(node)
                )

    def _place(self, node: Any) -> int:
        if not self._lines:
            return self._first + self._count
        return (node.sourceline or 0) if node is not None else 0

    def _made(
        self, kind: BlockKind, text: str, emphasis: tuple[Span, ...], node: Any, around: _Around,
        style: Style, level: int = 1, linked: bool = False, bold: bool = False,
    ) -> Block:  # fmt: skip
        """A block with its look, and with the gap before it."""
        apart = around.is_apart or (style.aside >= 1 and style.above + style.below > 0)
        if around.node is node:  # loose words in a division have its style already
            centred, size, above = around.centred, around.size, self._space
        else:
            centred, size = is_centred(node, style, around.centred), around.size * style.size
            above = max(self._space, style.above)
        key = (
            names_of(node), centred, bold, round(size, 2), self._new_page,
            0.0 if apart else round(above, 2),
        )  # fmt: skip
        look = self._looks.get(key)
        if look is None:
            look = Look(*key)
            look = self._looks[key] = PLAIN if look == PLAIN else look
        if around.left_out:
            gap = 0
        else:
            gap, self._gap, self._new_page = self._gap, 0, False
            self._space = 0.0 if apart or centred else style.below
        return Block(
            kind, text, emphasis, level, around.left_out, gap, look, linked, around.is_apart,
            place=self._place(node),
        )  # fmt: skip


def _groups_headings(node: Any, tag: str) -> bool:
    """Whether an element is a group of headings, and holds no words beside them."""
    headed = tag == "header" and any(local(below.tag) in HEADINGS for below in node)
    texts = (node.text, *(below.tail for below in node)) if headed or tag == "hgroup" else ("x",)
    return not any(text and text.strip() for text in texts)
