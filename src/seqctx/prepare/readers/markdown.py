"""Markdown files: CommonMark, and what writers' programs add to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from seqctx.prepare.readers.blocks import Block
from seqctx.prepare.readers.markdown_collect import Collector
from seqctx.prepare.readers.markdown_layout import Layout
from seqctx.prepare.readers.markdown_parser import parser_of_blocks, windows
from seqctx.prepare.readers.markdown_source import source_of
from seqctx.prepare.readers.markdown_walk import BlockWalk
from seqctx.system.extras import needs_extra

_LINES = 2_000  # parsed at once, if they hold more than one block: the parser needs 1 kB a line
_TAGS = re.compile(r"(?:#(?=[^\s#]*[^\W\d])[^\s#]{1,100}#?(?:\s+|\Z))+")


def markdown_blocks(text: str) -> Iterator[Block]:
    """The blocks of a Markdown file: headings, rules, paragraphs, and what is not the story.

    No more than some blocks are parsed at once; the labels of links in the whole text are known
    before the first.
    """
    with needs_extra("prepare", "reading .md files"):
        import markdown_it  # noqa: F401  (before a part of it is imported without this)
    source = source_of(text)
    if source.title:
        yield Block("title", source.title)
    layout = Layout.of(source.text)
    collector = Collector(source, layout)
    walk = BlockWalk(collector)
    parser = parser_of_blocks(layout, source.text)
    if "]:" in source.text:
        for _ in windows(source.text, parser, collector.env, _LINES):
            pass
    for window in windows(source.text, parser, collector.env, _LINES):
        walk.add(window)
    found = collector.all()
    _leave_tags_out(found)
    yield from found


def _leave_tags_out(blocks: list[Block]) -> None:
    """Leave a line of tags at the top or the end of a note out: ``#novel #draft/two``."""
    texts = [
        k for k, block in enumerate(blocks) if block.kind == "paragraph" and not block.left_out
    ]
    for k in texts[:1] + texts[-1:]:
        if _TAGS.fullmatch(blocks[k].text) and len(texts) > 1:
            blocks[k] = replace(blocks[k], left_out="tags")
