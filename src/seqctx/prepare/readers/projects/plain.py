"""A folder without a project file: folders are parts, files are chapters, their names the order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from seqctx.prepare.readers.files import KINDS
from seqctx.prepare.readers.projects.names import (
    has_order,
    no_story,
    order_of,
    title_of,
    value_of,
)
from seqctx.prepare.readers.projects.tree import Aside, Files, FolderFiles, Node, Project

_WRAPPERS = frozenset(
    "manuscript manuscripts chapters draft drafts src book text story novel content scenes "
    "manuskript kapitel roman texte chapitres capítulos capitoli parts teile writing prose".split()
)
UNREADABLE = "file of a kind that cannot be read"


@dataclass
class _Folder:
    """What lies in a folder, by name."""

    folders: dict[str, _Folder] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)


def plain_folder(files: Files) -> Project:
    """A folder as one book."""
    top = _Folder()
    for name in files.names():
        *above, file = PurePosixPath(name).parts
        folder = top
        for part in above:
            folder = folder.folders.setdefault(part, _Folder())
        if not file.startswith((".", "~$")):
            folder.files.append(file)
    asides: list[Aside] = []
    nodes = _unwrapped(_nodes(top, "", asides))
    return Project("", "", "", nodes, (*asides, *hidden_and_linked(files)))


def _nodes(folder: _Folder, above: str, asides: list[Aside]) -> tuple[Node, ...]:
    """The story in a folder, in order; what is not the story is added to ``asides``."""
    suffixes = {name: PurePosixPath(name).suffix.lower() for name in folder.files}
    stems = {name: PurePosixPath(name).stem for name in folder.files}
    texts = [name for name in folder.files if suffixes[name] in KINDS]
    ordered = sum(has_order(stems[name]) for name in texts) * 2 > len(texts)
    found: list[tuple[str, Node]] = []
    for name in sorted(folder.files):
        path = above + name
        if name not in texts:
            asides.append(Aside(UNREADABLE, path))
        elif kind := no_story(stems[name], is_surely=not ordered):
            asides.append(Aside(kind, path, (path,)))
        else:
            found.append((stems[name], Node(title_of(stems[name]), path)))
    for name, below in sorted(folder.folders.items()):
        path = f"{above}{name}/"
        kind = no_story(name)
        inside: list[Aside] = []
        children = () if kind else _nodes(below, path, inside)
        if children:
            found.append((name, Node(title_of(name), "", children, name)))
            asides += inside
        else:
            asides.append(_whole(below, path, kind))
    numerals = all(value_of(name) is not None for name, _ in found)
    found.sort(key=lambda item: (order_of(item[0], numerals=numerals), item[0]))
    return tuple(node for _, node in found)


def _whole(folder: _Folder, path: str, kind: str) -> Aside:
    """A folder that is not the story as a whole."""
    files = list(_below(folder, path))
    texts = tuple(name for name in files if PurePosixPath(name).suffix.lower() in KINDS)
    others = len(files) - len(texts)
    count = f"{len(files)} file{'s' * (len(files) != 1)}"
    unread = f", {others} of a kind that cannot be read" if others else ""
    return Aside(kind or "folder without text", f"{path} ({count}{unread})", texts)


def _below(folder: _Folder, path: str) -> Iterable[str]:
    """The paths of all files below a folder."""
    yield from (path + name for name in folder.files)
    for name, inside in folder.folders.items():
        yield from _below(inside, f"{path}{name}/")


def _unwrapped(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """Nodes without folders that only hold the manuscript, and are no part of it."""
    while len(nodes) == 1 and nodes[0].children and not nodes[0].file:
        nodes = nodes[0].children
    found: list[Node] = []
    for node in nodes:
        is_wrapper = node.children and node.title.casefold() in _WRAPPERS
        found += node.children if is_wrapper else [node]
    return tuple(found)


def hidden_and_linked(files: Files) -> list[Aside]:
    """Hidden folders, and folders that are links: nobody looks into them."""
    if not isinstance(files, FolderFiles):
        return []
    found = []
    for path in sorted(files.path.iterdir()):
        if path.is_symlink() and path.is_dir():
            found.append(Aside("link to a folder, which is not followed", f"{path.name}/"))
        elif path.name.startswith(".") and path.is_dir():
            found.append(Aside("hidden folder", f"{path.name}/"))
    return found


def unlisted(files: Files, listed: Iterable[str], order: str, *, top: str = "") -> list[Aside]:
    """Files that a project's list does not name.

    Args:
        files: of the project.
        listed: those that the list names, and the project's own.
        order: the list's name.
        top: only files below this folder are texts of the project.
    """
    known = set(listed)
    found = []
    for name in files.names():
        path = PurePosixPath(name)
        if name in known or path.name.startswith((".", "~$")):
            continue
        kind = next(filter(None, map(no_story, [*path.parts[:-1], path.stem])), "")
        if path.suffix.lower() not in KINDS:
            found.append(Aside(UNREADABLE, name))
        elif kind or not name.startswith(top):
            found.append(Aside(kind or "file beside the book", name, (name,)))
        else:
            found.append(Aside(f"file that {order} does not name", name, (name,)))
    return found + hidden_and_linked(files)
