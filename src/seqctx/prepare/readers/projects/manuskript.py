"""Projects of Manuskript: the folder ``outline``, with numbers before the names of its files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from seqctx.prepare.readers.projects.listed import text_of
from seqctx.prepare.readers.projects.names import order_of, title_of
from seqctx.prepare.readers.projects.plain import UNREADABLE, hidden_and_linked
from seqctx.prepare.readers.projects.tree import Aside, Files, Node, Project

_KEY = re.compile(r"(?P<key>[A-Za-z]\w{0,30}):[ \t]*(?P<value>.*)")
_OWN = ("infos.txt", "summary.txt", "status.txt", "labels.txt", "settings.txt", "MANUSKRIPT",
        "revisions.xml")  # fmt: skip


def manuskript_project(files: Files) -> Project | None:
    """A project of Manuskript, as a folder or an .msk file that is an archive."""
    names = files.names()
    outline = [name for name in names if name.startswith("outline/")]
    has_signs = "MANUSKRIPT" in files or ("infos.txt" in files and "settings.txt" in files)
    if not outline or not has_signs:
        return None
    asides: list[Aside] = []
    nodes = tuple(_nodes(files, outline, "outline/", asides))
    infos = values_of(text_of(files, "infos.txt")) if "infos.txt" in files else {}
    others = [n for n in names if n not in _OWN and not n.startswith("outline/")]
    for name in others:
        kind = {"characters": "characters", "plots.xml": "outline", "world.opml": "research"}.get(
            name.split("/", 1)[0], "other files of the project"
        )
        asides.append(Aside(kind, name, (name,) if name.endswith((".txt", ".md")) else ()))
    return Project(
        "Manuskript", "outline", infos.get("title", ""), nodes,
        (*asides, *hidden_and_linked(files)), leaves_are_scenes=True,
    )  # fmt: skip


def _nodes(files: Files, names: list[str], above: str, asides: list[Aside]) -> Iterator[Node]:
    """The documents in a folder of the outline."""
    here: dict[str, list[str]] = {}
    for name in names:
        here.setdefault(name.removeprefix(above).partition("/")[0], []).append(name)
    for first, inside in sorted(here.items(), key=lambda item: (order_of(item[0]), item[0])):
        path = above + first
        if inside == [path]:
            if PurePosixPath(first).suffix.lower() == ".md":
                values = values_of(text_of(files, path))
                title = values.get("title") or title_of(PurePosixPath(first).stem)
                if values.get("compile") == "0":
                    asides.append(Aside("not to be compiled", path, (path,)))
                else:
                    yield Node(title, path)
            elif first != "folder.txt":
                asides.append(Aside(UNREADABLE, path))
            continue
        settings = f"{path}/folder.txt"
        values = values_of(text_of(files, settings)) if settings in inside else {}
        if values.get("compile") == "0":
            asides.append(Aside("not to be compiled", f"{path}/", tuple(inside)))
            continue
        children = tuple(_nodes(files, inside, f"{path}/", asides))
        if children:
            yield Node(values.get("title") or title_of(first), "", children)


def values_of(text: str) -> dict[str, str]:
    """The values at the beginning of a file of Manuskript, with their keys in lower case."""
    found: dict[str, str] = {}
    for line in text[:100_000].split("\n"):
        if not line.strip():
            break
        if key := _KEY.fullmatch(line):
            found.setdefault(key["key"].lower(), key["value"].strip())
        elif not line[0].isspace():
            break
    return found


def without_values(text: str) -> str:
    """A document of Manuskript without the values at its beginning."""
    first, _, rest = text.partition("\n")
    if not _KEY.fullmatch(first):
        return text
    head, gap, body = f"{first}\n{rest}".partition("\n\n")
    is_head = all(_KEY.fullmatch(line) or line[:1].isspace() for line in head.split("\n"))
    return body if gap and is_head else "" if is_head else text
