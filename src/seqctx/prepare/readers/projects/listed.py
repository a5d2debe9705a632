"""Projects with a list: mdBook, GitBook, HonKit, Leanpub, Quarto, bookdown, Longform."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

import yaml

from seqctx.errors import InputError
from seqctx.prepare.readers.files import KINDS
from seqctx.prepare.readers.projects.plain import unlisted
from seqctx.prepare.readers.projects.tree import Files, Node, Project, all_nodes, inside

_ITEM = re.compile(
    r"(?P<indent>[ \t]*)(?:[-*+]|\d{1,4}[.)])?[ \t]*\[(?P<title>(?:[^\]\\]|\\.){0,500})\]"
    r"\((?P<link>[^)\n]{0,1000})\)"
)
_HEADING = re.compile(r"#{1,6}[ \t]+(?P<title>.{1,500}?)[ \t]*#*")
_FRONT_MATTER = re.compile(
    r"\A\ufeff?---[ \t]*\r?\n(.*?)\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.S
)
_DEEPEST = 12  # lists in one another
_MOST_NAMED = 50_000  # documents


def text_of(files: Files, name: str) -> str:
    """The text of a project's file.

    Raises:
        InputError: when it cannot be read, or is not UTF-8.
    """
    try:
        return files.read(name).decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        raise InputError(f"{files.place(name)}: is not valid UTF-8. Save it as UTF-8.") from None


def yaml_of(files: Files, name: str, text: str | None = None) -> dict[str, Any]:
    """A mapping in YAML, from a project's file or a text of it.

    Raises:
        InputError: when it cannot be read.
    """
    try:
        data = yaml.safe_load(text_of(files, name) if text is None else text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        problem = getattr(error, "problem", None) or "wrong YAML"
        raise InputError(
            f"{files.place(name)}: is not valid YAML ({problem}). Correct it."
        ) from None
    return data if isinstance(data, dict) else {}


def checked(files: Files, order: str, nodes: Sequence[Node]) -> tuple[Node, ...]:
    """Nodes whose files are all there.

    Raises:
        InputError: with a line for each file that is not.
    """
    place = files.place(order)
    lost = [node.file for node in all_nodes(tuple(nodes)) if node.file and node.file not in files]
    if lost:
        raise InputError(
            *(f"{place}: names {name}, which is not there. Add the file, or remove its line."
              for name in lost[:20])
        )  # fmt: skip
    if not any(node.file for node in all_nodes(tuple(nodes))):
        raise InputError(f"{place}: names no text. Add your chapters to it.")
    return tuple(nodes)


def _project(
    files: Files, program: str, order: str, title: str, nodes: Sequence[Node], own: Sequence[str],
    *, top: str = "", goes_on: bool = False,
) -> Project:  # fmt: skip
    """A project of a list; ``own`` are files of the program, which are not the author's."""
    nodes = checked(files, order, nodes)
    listed = [node.file for node in all_nodes(nodes)]
    asides = unlisted(files, [*listed, *own], order, top=top)
    return Project(program, order, title, nodes, tuple(asides), goes_on=goes_on)


# --- SUMMARY.md -------------------------------------------------------------------------------


def summary_project(files: Files) -> Project | None:
    """mdBook, GitBook and HonKit: SUMMARY.md in the folder that their settings name."""
    program, title, folder, own = "mdBook", "", "", ["book.toml"]
    if "book.toml" in files:
        try:
            book = tomllib.loads(text_of(files, "book.toml")).get("book", {})
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise InputError(
                f"{files.place('book.toml')}: is not valid TOML ({error}). Correct it."
            ) from None
        book = book if isinstance(book, dict) else {}
        title, folder = str(book.get("title", "")), str(book.get("src", "src"))
    elif "book.json" in files or ".gitbook.yaml" in files:
        program, own = "GitBook", ["book.json"]
        try:
            data = json.loads(text_of(files, "book.json")) if "book.json" in files else {}
        except (ValueError, RecursionError):
            raise InputError(
                f"{files.place('book.json')}: is not valid JSON. Correct it."
            ) from None
        data = data if isinstance(data, dict) else {}
        if ".gitbook.yaml" in files:
            data = {**yaml_of(files, ".gitbook.yaml"), **data}
        title, folder = str(data.get("title", "")), str(data.get("root", ""))
    place = "book.toml" if program == "mdBook" else "book.json"
    folder = inside(files.path, place, folder).removeprefix(".")
    for where in dict.fromkeys((folder, "", "src")):
        for name in ("SUMMARY.md", "summary.md"):
            path = f"{where}/{name}" if where else name
            if path in files and (nodes := _summary(files, path)):
                return _project(files, program, path, title, nodes, [*own, path])
    return None


def _summary(files: Files, order: str) -> list[Node]:
    """The nodes of a SUMMARY.md."""
    flat: list[tuple[int, Node]] = []  # depths and documents; parts have depth -1
    seen: set[str] = set()
    folder = str(PurePosixPath(order).parent)
    for number, line in enumerate(text_of(files, order).split("\n")):
        if heading := _HEADING.fullmatch(line.strip()[:600]):
            if flat or number and not _is_summary(heading["title"]):
                flat.append((-1, Node(heading["title"])))
        elif item := _ITEM.match(line[:2000]):
            link = unquote(item["link"].strip().split(' "')[0].strip("<>").split("#")[0])
            if not link or "://" in link:
                continue
            file = inside(files.path, order, link, folder)
            if file not in seen:
                seen.add(file)
                depth = len(item["indent"].expandtabs(4))
                title = re.sub(r"\\(.)", r"\1", item["title"]).strip()
                flat.append((depth, Node(title, file)))
        if len(flat) > _MOST_NAMED:
            raise InputError(f"{files.place(order)}: names over {_MOST_NAMED:,} files. Shorten it.")
    return list(_nested(flat))


def _is_summary(title: str) -> bool:
    return title.strip().casefold() in ("summary", "table of contents", "contents")


def _nested(flat: Sequence[tuple[int, Node]]) -> Iterator[Node]:
    """Documents below the headings of their parts; deeper lists stay in one level."""
    part: Node | None = None
    below: list[Node] = []
    for depth, node in flat:
        if depth >= 0:
            below.append(node)
            continue
        yield from _closed(part, below)
        part, below = node, []
    yield from _closed(part, below)


def _closed(part: Node | None, below: list[Node]) -> list[Node]:
    """A part with its documents; documents without a part stay as they are."""
    if part is None or not below:
        return below
    return [Node(part.title, "", tuple(below))]


# --- Book.txt ---------------------------------------------------------------------------------


def leanpub_project(files: Files) -> Project | None:
    """Leanpub: Book.txt with a file's name on each line."""
    for top in ("", "manuscript/"):
        order = f"{top}Book.txt"
        if order not in files:
            continue
        names = _names_in(files.head(order).decode("utf-8", "replace"))
        there = sum(len(name) < 200 and f"{top}{name}" in files for name in names)
        if not names or there * 2 < len(names):  # a novel of this name
            continue
        names = _names_in(text_of(files, order))
        nodes = [Node("", inside(files.path, order, name, top.rstrip("/"))) for name in names]
        own = [f"{top}{name}.txt" for name in ("Book", "Subset", "Sample")]
        return _project(files, "Leanpub", order, "", nodes, own, goes_on=True)
    return None


def _names_in(text: str) -> list[str]:
    """The names in a Book.txt, without remarks, attributes and the names of parts."""
    names = map(str.strip, text.split("\n"))
    return [n for n in names if n and not n.startswith(("#", "{")) and n[-1] != ":"]


# --- _quarto.yml, _bookdown.yml ---------------------------------------------------------------


def quarto_project(files: Files) -> Project | None:
    """Quarto and bookdown: the chapters that their YAML lists."""
    if "_quarto.yml" in files:
        data = yaml_of(files, "_quarto.yml")
        book = data.get("book")
        if isinstance(book, dict):
            chapters = [*_items(book.get("chapters")), *_items(book.get("appendices"))]
            nodes = list(_quarto_nodes(files, _flat_size(files, "_quarto.yml", chapters), 0))
            title = str(book.get("title", ""))
            return _project(files, "Quarto", "_quarto.yml", title, nodes, ["_quarto.yml"])
    if "_bookdown.yml" in files:
        data = yaml_of(files, "_bookdown.yml")
        listed = data.get("rmd_files")
        if isinstance(listed, dict):  # by format of the output
            listed = next(iter(listed.values()), None)
        names = [str(name) for name in _items(listed)]
        if not names:
            found = (n for n in files.names() if n.lower().endswith(".rmd") and n[0] != "_")
            names = sorted((n for n in found if "/" not in n), key=lambda n: (n != "index.Rmd", n))
        nodes = [Node("", inside(files.path, "_bookdown.yml", name)) for name in names]
        title = str(data.get("book_filename", ""))
        return _project(files, "bookdown", "_bookdown.yml", title, nodes, ["_bookdown.yml"])
    return None


def _items(value: Any) -> list[Any]:
    """A list, or a single value as one."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _flat_size(files: Files, order: str, items: list[Any]) -> list[Any]:
    """The items of nested lists as they are, if they are not too many: aliases multiply them.

    Raises:
        InputError: when there are too many.
    """
    waiting, count = [*items], 0
    while waiting:
        item = waiting.pop()
        inner = item.get("chapters") if isinstance(item, dict) else item
        waiting += inner if isinstance(inner, list) else ()
        count += 1
        if count > _MOST_NAMED or len(waiting) > _MOST_NAMED:
            raise InputError(f"{files.place(order)}: names over {_MOST_NAMED:,} files. Shorten it.")
    return items


def _quarto_nodes(files: Files, chapters: Sequence[Any], depth: int) -> Iterator[Node]:
    """The nodes of a list of chapters, in which parts hold lists of their own."""
    for item in chapters[:_MOST_NAMED] if depth < _DEEPEST else ():
        if isinstance(item, str):
            yield Node("", inside(files.path, "_quarto.yml", item))
        elif isinstance(item, dict) and "chapters" in item:
            part = str(item.get("part", ""))
            below = tuple(_quarto_nodes(files, _items(item["chapters"]), depth + 1))
            is_file = PurePosixPath(part).suffix.lower() in KINDS
            file = inside(files.path, "_quarto.yml", part) if is_file else ""
            yield Node("" if is_file else part, file, below)
        elif isinstance(item, dict) and "file" in item:
            title = str(item.get("text", ""))
            yield Node(title, inside(files.path, "_quarto.yml", str(item["file"])))


# --- Longform ---------------------------------------------------------------------------------


def longform_project(files: Files) -> Project | None:
    """Longform for Obsidian: a note whose front matter lists the scenes."""
    for name in files.names():
        if not name.lower().endswith(".md") or name.count("/") > 1:
            continue
        head = files.head(name).decode("utf-8", "replace")
        front = _FRONT_MATTER.match(head) if "longform:" in head else None
        found = yaml_of(files, name, front[1]).get("longform") if front else None
        if not isinstance(found, dict) or not _items(found.get("scenes")):
            continue
        folder = (
            PurePosixPath(name).parent / str(found.get("sceneFolder", "/")).lstrip("/")
        ).as_posix()
        place = inside(files.path, name, folder)
        scenes = _flat_size(files, name, _items(found["scenes"]))
        nodes = list(_scenes(files, name, place, scenes, 0))
        title = str(found.get("title") or PurePosixPath(name).stem)
        top = "" if place == "." else f"{place}/"
        return _project(files, "Longform", name, title, nodes, [name], top=top)
    return None


def _scenes(
    files: Files, order: str, folder: str, scenes: Sequence[Any], depth: int
) -> Iterator[Node]:
    """The nodes of a list of scenes; a list in it holds those below the scene before it."""
    last: Node | None = None
    for item in scenes[:_MOST_NAMED] if depth < _DEEPEST else ():
        if isinstance(item, list):
            below = tuple(_scenes(files, order, folder, item, depth + 1))
            last = Node(last.title, last.file, below) if last else Node("", "", below)
            continue
        if last:
            yield last
        last = Node(str(item), inside(files.path, order, f"{item}.md", folder))
    if last:
        yield last
