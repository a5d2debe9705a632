"""Projects of novelWriter: nwProject.nwx says which documents there are, and in which order."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from seqctx.errors import InputError
from seqctx.prepare.readers.markup import pieces
from seqctx.prepare.readers.novelwriter import CHAPTER_LEVEL
from seqctx.prepare.readers.projects.plain import hidden_and_linked
from seqctx.prepare.readers.projects.tree import Aside, Files, Node, Project

ORDER = "nwProject.nwx"
_DEEPEST = 100  # folders in one another
_NAMED = 8  # documents of one kind that are not the story
_HANDLE = re.compile(r"[0-9a-f]{13}", re.I)
_KINDS = {"ARCHIVE": "archive", "TRASH": "trash", "TEMPLATE": "templates", "NO_CLASS": "trash"}


@dataclass
class _Item:
    """An item of the project's tree, with its attributes and what older versions write below it."""

    handle: str
    parent: str
    order: int
    values: dict[str, str]
    name: str = ""
    children: list[_Item] = field(default_factory=list)

    @property
    def file(self) -> str:
        """Where its text is."""
        return f"content/{self.handle}.nwd"


def novelwriter_project(files: Files) -> Project | None:
    """A project of novelWriter."""
    if ORDER not in files:
        return None
    items, title = _items(files)
    by_handle = {item.handle: item for item in items}
    tops: list[_Item] = []
    for item in items:
        above = by_handle.get(item.parent)
        (above.children if above and above is not item else tops).append(item)
    for item in items:
        item.children.sort(key=lambda each: each.order)
    asides: dict[str, list[_Item]] = {}
    nodes: list[Node] = []
    for top in tops:
        kind = top.values.get("class", "")
        _add(files, top, kind == "NOVEL", _KINDS.get(kind, "notes"), nodes, asides, 0)
    listed = {item.file for group in asides.values() for item in group}
    listed |= {node.file for node in nodes}
    found = [
        Aside(kind, _named(group), tuple(item.file for item in group))
        for kind, group in asides.items()
    ]
    found += _not_listed(files, listed)
    if not nodes:
        raise InputError(f"{files.place(ORDER)}: names no text of a novel. Add documents to it.")
    return Project(
        "novelWriter", ORDER, title, tuple(nodes), (*found, *hidden_and_linked(files)),
        chapter_level=CHAPTER_LEVEL, goes_on=True,
    )  # fmt: skip


def _add(
    files: Files, item: _Item, is_novel: bool, kind: str, nodes: list[Node],
    asides: dict[str, list[_Item]], depth: int,
) -> None:  # fmt: skip
    """Add an item's text, and those below it, to the story or to what is not the story."""
    if depth > _DEEPEST:
        raise InputError(
            f"{files.place(ORDER)}: more than {_DEEPEST} folders lie in one another. Move them."
        )
    values = item.values
    if values.get("type", "") in ("FILE", "file"):
        if item.file not in files:
            raise InputError(
                f"{files.place(item.file)}: is not there, and {ORDER} names it ({item.name}). "
                "Restore the file, or remove it in novelWriter."
            )
        is_note = values.get("layout", "") == "NOTE"
        off = "no" in (values.get("active"), values.get("exported", "").lower()) or (
            values.get("exported", "").lower() == "false"
        )
        if is_novel and not is_note and not off:
            nodes.append(Node(item.name, item.file))
        else:
            here = kind if not is_novel else "notes" if is_note else "inactive documents"
            asides.setdefault(here, []).append(item)
    if values.get("type", "") == "TRASH":
        is_novel, kind = False, "trash"
    for child in item.children:
        _add(files, child, is_novel, kind, nodes, asides, depth + 1)


def _named(items: list[_Item]) -> str:
    """The names of some documents, in one line."""
    names = ", ".join(item.name or item.file for item in items[:_NAMED])
    return names + (f" and {len(items) - _NAMED} more" if len(items) > _NAMED else "")


def _items(files: Files) -> tuple[list[_Item], str]:
    """The items of the project, in order, and its title."""
    found: list[_Item] = []
    title = name = ""
    place = str(files.place(ORDER))
    stream = io.BytesIO(files.read(ORDER))
    for step, element in pieces(stream, place, lambda tag: tag in ("item", "name", "title")):
        if step != "whole":
            continue
        if element.tag == "title":
            title = title or (element.text or "").strip()
        elif element.tag == "name":
            name = name or (element.text or "").strip()
        elif _HANDLE.fullmatch(element.get("handle", "")):
            found.append(_item(element, len(found)))
    if not found:
        raise InputError(f"{place}: names no documents. Open the project in novelWriter, save it.")
    return found, title or name


def _item(element: Any, number: int) -> _Item:
    """One item; versions before 1.3 of the format write values as elements."""
    values = {key: value for key, value in element.items()}
    name = ""
    for child in _elements(element):
        if child.tag == "name":
            name = (child.text or "").strip()
            values |= {key: value for key, value in child.items()}
        elif child.text and child.tag not in values:
            values[child.tag] = child.text.strip()
    order = values.get("order", "")
    return _Item(
        element.get("handle"), element.get("parent", ""),
        int(order) if order.isdecimal() and len(order) < 9 else number, values, name,
    )  # fmt: skip


def _elements(element: Any) -> Iterator[Any]:
    yield from (child for child in element if isinstance(child.tag, str))


def _not_listed(files: Files, listed: set[str]) -> Iterator[Aside]:
    """Documents that lie in the project's folder, and that its file does not name."""
    for name in files.names():
        if name.startswith("content/") and name.endswith(".nwd") and name not in listed:
            yield Aside(f"file that {ORDER} does not name", name, (name,))
        elif not name.startswith(("content/", "meta/")) and "/" not in name and name != ORDER:
            if not name.endswith((".nwx.bak", ".bak")) and name != "ToC.txt":
                yield Aside(
                    "file beside the book", name, (name,) if name.endswith((".md", ".txt")) else ()
                )
