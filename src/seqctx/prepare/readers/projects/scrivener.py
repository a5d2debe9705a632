"""Projects of Scrivener 2 and 3: the binder (.scrivx) lists the documents, which are RTF files."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from seqctx.errors import InputError
from seqctx.prepare.readers.markup import pieces
from seqctx.prepare.readers.projects.plain import UNREADABLE
from seqctx.prepare.readers.projects.tree import Aside, Files, Node, Project

_STYLE_MARKS = re.compile(rb"<!?\$Scr_\w{1,20}::\d{1,6}>")  # Scrivener's own, in the text
_BESIDE = re.compile(  # what belongs to a document in Scrivener 3, and in Scrivener 2
    r"(?:/(?:notes\.rtf|synopsis\.txt|content\.comments)|/\d+_(?:notes\.rtf|synopsis\.txt))$"
)
_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
_TEXT_KINDS = ("rtf", "txt", "md")
_FOLDERS = {"TrashFolder": "trash", "ResearchFolder": "research"}


@dataclass
class _Item:
    """An item of the binder."""

    id: str
    type: str
    title: str = ""
    compiled: str = ""
    children: list[_Item] = field(default_factory=list)


def scrivener_project(files: Files) -> Project | None:
    """A project of Scrivener, as a folder or a zipped one."""
    tops = [name for name in files.names() if "/" not in name]
    binders = [name for name in tops if name.lower().endswith(".scrivx")]
    if not binders:
        if "binder.scrivproj" in tops:
            raise InputError(
                f"{files.path}: is a project of Scrivener 1. Open it in Scrivener 3, or compile it "
                "to .docx."
            )
        return None
    binder = min(binders, key=lambda name: ("conflict" in name.lower(), len(name), name))
    items = _items(files, binder)
    drafts = [item for item in items if item.type == "DraftFolder"]
    if not drafts:
        raise InputError(
            f"{files.place(binder)}: has no folder for the draft. Compile the project to .docx."
        )
    everything = [each for draft in drafts for each in _all(draft)]
    marked = any(item.compiled == "yes" for item in everything)
    asides: list[Aside] = []
    nodes = [node for draft in drafts for node in _nodes(files, draft, marked, asides)]
    for item in items:
        if item.type != "DraftFolder":
            asides.append(_aside(files, item, _FOLDERS.get(item.type, "beside the draft")))
    besides = tuple(name for name in files.names() if _BESIDE.search(name))
    if besides:
        count = f"{len(besides)} file{'s' * (len(besides) != 1)}"
        asides.append(Aside("notes and synopses of documents", count, besides))
    if not any(node.file or node.children for node in nodes):
        raise InputError(
            f"{files.place(binder)}: its draft holds no text. Write some in Scrivener."
        )
    title = files.path.stem.removesuffix(".scriv").removesuffix(".bak")
    kept = tuple(aside for aside in asides if aside.files or aside.kind == UNREADABLE)
    return Project("Scrivener", binder, title, tuple(nodes), kept, leaves_are_scenes=True)


def _items(files: Files, binder: str) -> list[_Item]:
    """The items at the top of the binder, with those below them."""
    top = _Item("", "")
    path = [top]
    place = str(files.place(binder))
    stream = io.BytesIO(files.read(binder))
    for step, element in pieces(stream, place, lambda tag: False):
        if element.tag == "BinderItem":
            if step == "open":
                item = _Item(element.get("UUID") or element.get("ID", ""), element.get("Type", ""))
                path[-1].children.append(item)
                path.append(item)
            else:
                path.pop()
        elif step == "close" and len(path) > 1:
            text = (element.text or "").strip()
            if element.tag == "Title" and not path[-1].title:
                path[-1].title = text
            elif element.tag == "IncludeInCompile":
                path[-1].compiled = text.casefold()
    return top.children


def _all(item: _Item) -> Iterator[_Item]:
    """An item and all below it."""
    yield item
    for child in item.children:
        yield from _all(child)


def _nodes(files: Files, folder: _Item, marked: bool, asides: list[Aside]) -> Iterator[Node]:
    """The documents below an item of the draft.

    Args:
        files: of the project.
        folder: the item.
        marked: whether documents that are compiled say so; those that do not are left out then.
        asides: takes what is left out.
    """
    for item in folder.children:
        file = _file(files, item)
        if item.compiled == "no" or (marked and item.compiled != "yes"):
            if file:
                asides.append(Aside("not to be compiled", item.title or file, (file,)))
            file = ""
        elif not file and item.type not in ("Text", "Folder"):
            asides.append(Aside(UNREADABLE, item.title or item.id))
        children = tuple(_nodes(files, item, marked, asides))
        if file or children:
            yield Node(item.title, file, children)


def _aside(files: Files, item: _Item, kind: str) -> Aside:
    """An item that is not the draft, with all below it."""
    texts = tuple(filter(None, (_file(files, each) for each in _all(item))))
    return Aside(kind, f"{item.title or kind} ({len(texts)} documents)", texts)


def _file(files: Files, item: _Item) -> str:
    """Where an item's text is; empty where it has none."""
    if not _ID.fullmatch(item.id):
        return ""
    for kind in _TEXT_KINDS:  # of Scrivener 3, then of Scrivener 2
        for name in (f"Files/Data/{item.id}/content.{kind}", f"Files/Docs/{item.id}.{kind}"):
            if name in files:
                return name
    return ""


def without_style_marks(raw: bytes) -> bytes:
    """A document's RTF without the marks that Scrivener puts around text of its styles."""
    return _STYLE_MARKS.sub(b"", raw)
