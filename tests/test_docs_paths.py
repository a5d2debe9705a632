"""What CONTRIBUTING.md and the pages of docs/ name is there: paths, links, targets, commands."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
import pytest

from seqctx.cli.main import cli
from tests.conftest import ROOT

PAGES = [
    ROOT / name
    for name in (
        "CONTRIBUTING.md", "README.md", "SECURITY.md", "docs/explanation/architecture.md",
        "docs/explanation/glossary.md", "docs/licences.md",
    )
]  # fmt: skip
SOURCE = ROOT / "src" / "seqctx"
# Written by a run, made by make, or a user's own.
MADE = re.compile(
    r"^(prepare/(out|models)|output_dir|outputs|dist|last|run|my\.yaml|guest\.yaml|plan\.html"
    r"|\d\.yaml|\.venv[a-z-]*|axolotl_configs/novel)\b|NAME|RULE|^run\.json$"
)
PATH = re.compile(r"^[\w.{}*-]+(/[\w.{}*-]+)*/?$")
ENDINGS = {".py", ".md", ".yaml", ".yml", ".toml", ".sh", ".txt", ".in", ".json", ".svg", ".ipynb"}


def code(page: Path) -> Iterator[str]:
    """What stands in backticks, and each line of a block of code without its comment."""
    text = page.read_text("utf-8")
    for block in re.findall(r"^```\w*\n(.*?)^```", text, re.S | re.M):
        yield from (line.partition("  #")[0].strip() for line in block.splitlines())
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.S | re.M))


def words(page: Path) -> Iterator[str]:
    """The words of all code of a page."""
    for piece in code(page):
        yield from piece.split()


def is_path(word: str) -> bool:
    """Whether a word names a file or folder of the repository."""
    if not PATH.match(word) or MADE.search(word):
        return False
    return Path(word).suffix in ENDINGS or word.endswith("/") or word.startswith(("src/", "tests/"))


def found(word: str) -> bool:
    """Whether a path is there: from the root, or from the packages."""
    name = word.rstrip("/")
    places = [ROOT, SOURCE, *(p for p in SOURCE.iterdir() if p.is_dir())]
    return any(any(place.glob(name)) for place in places)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_paths_are_there(page: Path) -> None:
    missing = sorted({word for word in words(page) if is_path(word) and not found(word)})
    assert not missing, f"{page.name} names what is not there: {', '.join(missing)}"
    links = re.findall(r"\]\((?!http|#)([^)]+)\)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_rooms_are_all_described_with_their_modules() -> None:
    text = (ROOT / "docs" / "explanation" / "architecture.md").read_text("utf-8")
    (table,) = re.findall(r"^\| room \|.*\n((?:\|.*\n)+)", text, re.M)
    rows = dict(re.findall(r"^\| `(\w+)` \|.*\| (.*) \|$", table, re.M))
    rooms = {p.stem for p in SOURCE.iterdir() if not p.name.startswith("_") and p.stem != "py"}
    assert set(rows) == rooms
    for room, modules in rows.items():
        home = SOURCE / room if (SOURCE / room).is_dir() else SOURCE
        for name in re.findall(r"`([^`]+)`", modules):
            assert (home / name).exists(), f"{room}: {name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_targets_are_there(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    for piece in code(page):
        if piece.startswith("make "):
            named = {word for word in piece.split()[1:] if re.fullmatch(r"[a-z-]+", word)}
            assert named <= targets, piece


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_verbs_and_options_are_there(page: Path) -> None:
    for piece in code(page):
        match = re.search(r"(?:^|\$ |\| )seqctx ([a-z]+)(.*)$", piece)
        if match is None:
            continue
        command = cli.get_command(click.Context(cli), match[1])
        assert command is not None, piece
        known = {opt for p in command.params for opt in (*p.opts, *p.secondary_opts)} | {"--help"}
        options = re.findall(r"(?<=\s)--[a-z-]+", re.split(r" -- | \| ", match[2])[0])
        assert set(options) <= known, piece


def test_programs_of_the_environment_are_there() -> None:
    """``.venv/bin/X`` and ``python -m X``: X is a package of the pin list, or a module of ours."""
    pins = (ROOT / "requirements" / "dev.txt").read_text("utf-8")
    for page in PAGES:
        for name in re.findall(r"\.venv/bin/(\w+)", page.read_text("utf-8")):
            assert name in ("python", "seqctx") or re.search(rf"^{name}==", pins, re.M), name
        for module in re.findall(r"python -m ([\w.]+)", page.read_text("utf-8")):
            ours = (ROOT / module.replace(".", "/")).with_suffix(".py")
            assert ours.is_file() or re.search(rf"^{module}==", pins, re.M), module


PROGRAMS = sorted(
    path for place in ("benchmarks", "scripts", "prepare") for path in (ROOT / place).glob("*.py")
)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_programs_import_names_that_are_there(path: Path) -> None:
    """No other test runs benchmarks and scripts, so a name that changes would break them unseen."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("seqctx"):
            module = import_module(str(node.module))
            missing = [alias.name for alias in node.names if not hasattr(module, alias.name)]
            assert not missing, f"{node.module} has no {missing}"
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "sc":
            assert hasattr(import_module("seqctx"), node.attr), node.attr
