"""Joins the documents of a project to the blocks of one book, with headings for its folders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from statistics import median
from typing import Literal

from seqctx.artifacts.manifest import SkippedFile
from seqctx.errors import InputError
from seqctx.prepare.readers.account import words_in
from seqctx.prepare.readers.blocks import SCENE_BREAK, Block, bounded, plain
from seqctx.prepare.readers.chapters import with_headings_found
from seqctx.prepare.readers.files import UNPACKED, file_blocks, text_blocks_of
from seqctx.prepare.readers.heading_lines import heading_line
from seqctx.prepare.readers.heading_words import unit_of
from seqctx.prepare.readers.lines import letters_and_digits
from seqctx.prepare.readers.projects.manuskript import without_values
from seqctx.prepare.readers.projects.scrivener import without_style_marks
from seqctx.prepare.readers.projects.tree import Files, FolderFiles, Node, Project, all_nodes
from seqctx.prepare.readers.scene_breaks import with_scene_breaks
from seqctx.prepare.readers.scene_marks import with_marks
from seqctx.prepare.structure import Doubt
from seqctx.system.atomic import explain_os_errors
from seqctx.system.hashing import hash_text

_Role = Literal["part", "chapter", "scene"]
_COPY = 200  # characters of a document; shorter ones may be alike by intention
_OPENING = 200  # characters that a book and its chapter have alike
_LONG = 10_000  # words of a document; longer ones may be whole parts
_MOST_LEVELS = 10
_CHAPTER = 1_000  # level while the levels above are not known yet


@dataclass
class ProjectText:
    """The text of a project.

    Attributes:
        blocks: of all documents, with headings for folders and for documents without one.
        level: of the headings that open chapters; None where the documents do not tell.
        reason: why it is this level, as a sentence.
        encodings: of the documents' characters, each once.
        doubts: places that can be read in two ways.
        empty: documents without text.
        copies: documents with the words of another: the one to the other.
        bad: documents that cannot be read.
    """

    blocks: list[Block] = field(default_factory=list)
    level: int | None = None
    reason: str = ""
    encodings: dict[str, None] = field(default_factory=dict)
    doubts: list[Doubt] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    copies: dict[str, str] = field(default_factory=dict)
    bad: list[SkippedFile] = field(default_factory=list)


def project_text(project: Project, files: Files) -> ProjectText:
    """Read all documents of a project; what is wrong with each is collected.

    Raises:
        InputError: when all of them together are too large.
    """
    text = ProjectText()
    read = {name: _read(project, files, name, text) for name in dict.fromkeys(project.files)}
    _leave_out_copies(read, text)
    headed = sum(_opens(blocks) for blocks in read.values() if blocks)
    inserts = not project.goes_on or (project.chapter_level == 0 and headed * 2 < len(read))
    inserts = inserts and len(read) > 1  # a book in one file is not named after that file
    scenes = _leaves_are_scenes(project, read)
    joined = _joined(project.nodes, read, scenes, inserts, bool(project.chapter_level), 1)
    text.blocks = list(bounded(joined, _project_place(project, files)))
    levels = [block.level for block in text.blocks if block.kind == "heading"]
    if project.chapter_level:
        level = project.chapter_level
        text.reason = f"{project.program} writes the headings of chapters with level {level}."
    else:
        ranks = {each: rank for rank, each in enumerate(sorted({_CHAPTER, *levels}), 1)}
        level = ranks[_CHAPTER]
        text.reason = _reason(project, scenes)
        text.blocks = [
            replace(b, level=ranks[b.level]) if b.kind == "heading" else b for b in text.blocks
        ]
    found = [block.level for block in text.blocks if block.kind == "heading"]
    is_clear = min(found, default=0) < level or scenes or not _is_long(read)
    is_known = level in found and level < _MOST_LEVELS and (is_clear or max(found) == level)
    text.level = level if is_known else None
    return text


def _leave_out_copies(read: dict[str, list[Block]], text: ProjectText) -> None:
    """Leave out documents whose words are those of another, or of all others together.

    Such are the same text as .docx, and the whole book beside its chapters. Two formats may write
    quotes and dashes in two ways.
    """
    words = {
        name: letters_and_digits("".join(plain(b) for b in blocks if b.kind == "paragraph"))
        for name, blocks in read.items()
    }
    first: dict[str, str] = {}
    for name, own in words.items():
        if len(own) >= _COPY and first.setdefault(hash_text(own), name) != name:
            text.copies[name] = first[hash_text(own)]
    rest = {name: own for name, own in words.items() if name not in text.copies}
    largest = max(rest, key=lambda name: len(rest[name]), default="")
    openings = [
        own[:_OPENING] for name, own in rest.items() if name != largest and len(own) > _OPENING
    ]
    held = sum(opening in rest[largest] for opening in openings)
    if held > 1 and held * 5 >= len(openings) * 4:
        text.copies[largest] = f"{held} other files"
    read |= {name: [] for name in text.copies}


def _reason(project: Project, scenes: bool) -> str:
    """Why chapters begin where they do."""
    where = f"{project.order} of {project.program}" if project.order else "the folder"
    if scenes:
        return f"The documents in {where} are scenes, and their folders are the chapters."
    parts = ", and a folder is a part" if any(node.children for node in project.nodes) else ""
    return f"Each document in {where} is a chapter{parts}."


def _is_long(read: dict[str, list[Block]]) -> bool:
    """Whether the documents are so long that headings in them may open chapters."""
    return median(map(words_in, read.values())) > _LONG if read else False


def _project_place(project: Project, files: Files) -> str:
    """How errors call a project."""
    return str(files.place(project.order)) if project.order else str(files.path)


def _read(project: Project, files: Files, name: str, text: ProjectText) -> list[Block]:
    """The blocks of one document, with its headings and scene breaks found."""
    try:
        with explain_os_errors(files.place(name)):
            found, encoding = document_blocks(files, name, project.program)
    except InputError as error:
        place = str(files.place(name))
        text.bad += [SkippedFile(path=place, problem=line) for line in error.lines]
        return []
    parted, _ = with_marks(found)
    headed = parted if project.chapter_level else with_headings_found(parted)
    levels = {plain(block): block.level for block in parted if block.kind == "heading"}
    headed = [  # a document's only heading at the top is a chapter's, and no title of the book
        replace(b, kind="heading", level=levels[plain(b)])
        if b.kind == "title" and plain(b) in levels
        else b
        for b in headed
    ]
    blocks, doubts = with_scene_breaks(headed)
    text.doubts += [replace(d, fact=f"{name}: {d.fact}") for d in doubts]
    if encoding:
        text.encodings[encoding] = None
    if not any(block.text.strip() and block.kind != "title" for block in blocks):
        text.empty.append(name)
        return []
    return [*_edge(parted), *blocks, *_edge(parted[::-1])]


def _edge(blocks: Sequence[Block]) -> list[Block]:
    """The break that a document begins with, which parts it from the document before."""
    first = next((b for b in blocks if b.left_out is None and b.kind != "title"), None)
    return [first] if first and first.kind == "break" else []


def document_blocks(files: Files, name: str, program: str = "") -> tuple[list[Block], str]:
    """The blocks of one document as its reader gives them, and its encoding.

    Raises:
        InputError: when it cannot be read.
    """
    kind = PurePosixPath(name).suffix.lower()
    place = files.place(name)
    if kind == ".rtf" and program == "Scrivener":
        from seqctx.prepare.readers.rtf import blocks_of_rtf

        return blocks_of_rtf(without_style_marks(files.read(name)), place), ""
    if kind in UNPACKED:
        from seqctx.prepare.readers.encodings import decoded

        content, encoding = decoded(place, files.read(name))
        content = without_values(content) if program == "Manuskript" else content
        return list(bounded(text_blocks_of(content, kind), place)), encoding
    if isinstance(files, FolderFiles):
        return file_blocks(files.checked(name))
    raise InputError(f"{place}: cannot be read from an archive. Unpack {files.path}, and name the "
                     "folder.")  # fmt: skip


def words_of(files: Files, names: Sequence[str], program: str = "") -> int:
    """The words of files that are not the story; of those that cannot be read none."""
    words = 0
    for name in names:
        try:
            with explain_os_errors(files.place(name)):
                words += words_in(document_blocks(files, name, program)[0])
        except InputError:
            continue
    return words


# --- parts, chapters, scenes ------------------------------------------------------------------


def _leaves_are_scenes(project: Project, read: dict[str, list[Block]]) -> bool:
    """Whether documents in a folder are scenes: by titles, or by default."""
    votes = {"part": 0, "chapter": 0, "scene": 0}
    for folder in all_nodes(project.nodes):
        leaves = [node for node in folder.children if not node.children]
        if not leaves:
            continue
        unit = unit_of(folder.title)
        votes["chapter" if unit == "part" else "scene" if unit == "chapter" else "part"] += len(
            leaves
        )
        for leaf in leaves:
            unit = unit_of(leaf.title)
            votes["chapter" if unit == "part" else unit or "part"] += 1
            head = next((b.text for b in read.get(leaf.file, ()) if b.kind == "heading"), "")
            if unit := unit_of(head):
                votes[unit] += 1
    if votes["scene"] == votes["chapter"]:
        return project.leaves_are_scenes
    return votes["scene"] > votes["chapter"]


def _joined(
    nodes: Sequence[Node], read: dict[str, list[Block]], scenes: bool, inserts: bool, fixed: bool,
    depth: int,
) -> Iterator[Block]:  # fmt: skip
    """The blocks of nodes and of those below them.

    Args:
        nodes: of one folder.
        read: the blocks of each file.
        scenes: documents in folders are scenes.
        inserts: documents without a heading get one with their title.
        fixed: the levels of headings in documents are right as they are.
        depth: of the folder; documents at depth 1 are in none.
    """
    for node in nodes:
        blocks = read.get(node.file, [])
        if fixed:
            yield from blocks
        elif not node.children:
            role: _Role = "scene" if scenes and depth > 1 else "chapter"
            yield from _document(node, blocks, role, inserts)
        else:
            below = any(child.children for child in node.children)
            role = "chapter" if scenes and not below else "part"
            level = _CHAPTER if role == "chapter" else _CHAPTER - 100 + depth
            inside = list(_joined(node.children, read, scenes, inserts, False, depth + 1))
            first = next((k for k, b in enumerate(inside) if b.kind != "break"), len(inside))
            inside = inside[first:]
            if not inside and not blocks:
                continue
            yield from _folder(node, blocks, inside, level)
            continue
        if node.children and fixed:
            yield from _joined(node.children, read, scenes, inserts, fixed, depth + 1)


def _folder(node: Node, blocks: list[Block], inside: list[Block], level: int) -> Iterator[Block]:
    """A folder's heading and own text, then what is in it."""
    own = [replace(b, level=max(b.level, 1) + level) if b.kind == "heading" else b for b in blocks]
    own = [block for block in own if block.kind != "title"]
    heads = own[:1] and own[0].kind == "heading"
    if heads:
        own[0] = replace(own[0], level=level)
    title = node.title.strip()
    first = inside[0] if inside and not own else None
    if first and first.kind == "heading" and _same(first.text, title) and level == _CHAPTER:
        inside[0] = replace(first, level=level)
    elif title and not heads:
        yield Block("heading", title, level=level)
    yield from own
    if own and inside and inside[0].kind == own[-1].kind == "paragraph":
        yield Block("break", SCENE_BREAK)
    yield from inside


def _same(one: str, other: str) -> bool:
    return " ".join(one.split()).casefold() == " ".join(other.split()).casefold()


def _opens(blocks: Sequence[Block]) -> bool:
    """Whether a document begins with a heading."""
    return next((b.kind == "heading" for b in blocks if _is_text(b)), False)


def _is_text(block: Block) -> bool:
    return block.left_out is None and block.kind in ("heading", "paragraph")


def _document(node: Node, blocks: list[Block], role: _Role, inserts: bool) -> Iterator[Block]:
    """A document as a chapter or a scene."""
    declared = next((b.text for b in blocks if b.kind == "title"), "")
    body = [block for block in blocks if block.kind != "title"]
    if not body:
        return
    heads = [b for b in body if b.kind == "heading" and b.left_out is None]
    top = min((head.level for head in heads), default=0)
    if role == "scene":
        yield Block("break", SCENE_BREAK)
        yield from _shifted(body, _CHAPTER + 1 - top)
        return
    title = (declared or node.title).strip()
    first = next((k for k, block in enumerate(body) if _is_text(block)), 0)
    if inserts and _same(plain(body[first]), title):  # a heading without the look of one
        body[first] = replace(body[first], kind="heading", text=title, emphasis=(), level=top or 1)
        heads = [b for b in body if b.kind == "heading" and b.left_out is None]
        top = top or 1
    if _opens(body):
        yield from _shifted(body, _CHAPTER - top - _is_part(heads, top))
    elif inserts and title:
        yield Block("heading", title, level=_CHAPTER)
        yield from _shifted(body, _CHAPTER + 1 - top)
    else:
        yield from _shifted(body, _CHAPTER - top)


def _is_part(heads: Sequence[Block], top: int) -> bool:
    """Whether a document is a part: one heading over several that name chapters."""
    tops = [head for head in heads if head.level == top]
    second = min((head.level for head in heads if head.level > top), default=0)
    below = [head for head in heads if head.level == second]
    named = sum(names_chapter(head.text) for head in below)
    is_named = unit_of(tops[0].text) == "part" and len(below) > 1
    return len(tops) == 1 and len(below) > 1 and (is_named or named * 2 > len(below))


def names_chapter(text: str) -> bool:
    """Whether a heading has the word for a chapter; a number alone may be that of a scene."""
    found = heading_line(text)
    return found is not None and found.unit == "chapter" and bool(found.word)


def _shifted(blocks: Sequence[Block], by: int) -> Iterator[Block]:
    """Blocks with the levels of their headings moved."""
    for block in blocks:
        yield replace(block, level=block.level + by) if block.kind == "heading" else block
