"""The house as a whole: floors, names, sizes, words, what an import costs, the bare install."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import seqctx
from tests.conftest import ROOT

SRC = ROOT / "src" / "seqctx"
# Imports only point down: a package may import those of lower floors, and itself.
FLOORS = {
    "errors": 0, "system": 1, "catalog": 2, "artifacts": 3, "config": 4, "report": 5, "prepare": 6,
    "plan": 6, "check": 7, "proofs": 7, "train": 8, "serve": 8, "scaffold": 8, "demo": 9,
    "cli": 10, "__main__": 11, "__init__": 12,
}  # fmt: skip
HEAVY = ("torch", "transformers", "tokenizers", "axolotl", "vllm", "numpy", "rich", "httpx")

# These limits only go down.
LONGEST_FILE = 400
LONGEST_FUNCTION = 65  # lines, without its docstring

# Words of the first drafts, which a reader has to read twice; DESIGN says what stands for them.
WORDS = re.compile(
    r"\b(seams?|atoms?|twins?|strays?|mend(s|ed|ing)?|wanting|nothing to say|the (whole )?road"
    r"|laid over|gone on with|anew|bettered|as it was then|nought|(was|is) heard"
    r"|what of (a|an|the) (file|card|model))\b",
    re.IGNORECASE,
)
# What earlier versions wrote into their records stays readable by its name there.
OLD_RECORDS = re.compile(r"_formerly\(|AliasChoices\(")


@cache
def trees() -> dict[Path, ast.Module]:
    """Every module of the package, by its path below it."""
    return {
        path.relative_to(SRC): ast.parse(path.read_text("utf-8"))
        for path in sorted(SRC.rglob("*.py"))
    }


def package(module: str) -> str:
    """The part of seqctx that a module belongs to: ``plan`` of ``seqctx.plan.memory``."""
    return module.split(".")[1] if "." in module else "__init__"


def imports() -> Iterator[tuple[Path, str]]:
    """Each module of ours, and the part of ours that it imports."""
    for path, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                assert not node.level, f"{path}: a relative import"
                names = [str(node.module)]
                if node.module == "seqctx":
                    names = [f"seqctx.{a.name}" for a in node.names if a.name in FLOORS] or names
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                continue
            for name in names:
                if name == "seqctx" or name.startswith("seqctx."):
                    yield path, package(name)


def home(path: Path) -> str:
    return path.parts[0].removesuffix(".py")


def test_imports_only_point_down() -> None:
    found = [(path, target) for path, target in imports() if home(path) != target]
    assert len(found) > 100
    for path, target in found:
        if target == "__init__":  # the version, and what callers see: only the command line may
            assert home(path) in ("cli", "__main__"), f"{path} imports seqctx itself"
        elif home(path) != "__init__":
            assert FLOORS[target] < FLOORS[home(path)], f"{path} imports {target}"


def test_every_package_has_its_floor() -> None:
    assert {home(path) for path in trees()} == FLOORS.keys()


def test_an_init_holds_no_logic() -> None:
    """It hands names on; seqctx itself loads them when they are first used."""
    for path, tree in trees().items():
        if path.name != "__init__.py" or path == Path("__init__.py"):
            continue
        docstring, *rest = tree.body
        assert isinstance(docstring, ast.Expr), f"{path}: no docstring"
        for node in rest:
            handed_on = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
            allowed = handed_on or isinstance(node, (ast.Import, ast.ImportFrom))
            assert allowed, f"{path}:{node.lineno}: {ast.unparse(node).splitlines()[0]}"


def test_files_and_functions_stay_readable() -> None:
    long = []
    for path, tree in trees().items():
        size = len((SRC / path).read_text("utf-8").splitlines())
        if size > LONGEST_FILE:
            long.append(f"{path}: {size} lines")
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = int(node.end_lineno or 0) - node.lineno + 1
                if ast.get_docstring(node, clean=False) is not None:
                    lines -= int(node.body[0].end_lineno or 0) - node.body[0].lineno + 1
                if lines > LONGEST_FUNCTION:
                    long.append(f"{path}: {node.name}: {lines} lines")
    assert long == []


def defined(tree: ast.Module) -> Iterator[str]:
    """Public names that a module defines at its top."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names = [node.target.id]
        else:
            continue
        yield from (name for name in names if not name.startswith("_"))


def test_one_name_means_one_thing() -> None:
    """A verb of the command line is named as the function below that it calls."""
    places = defaultdict(set)
    for path, tree in trees().items():
        verb = path.stem if home(path) == "cli" else ""
        if "inside" in path.parts:  # programs of their own, which nobody imports
            continue
        for name in defined(tree):
            if name == "TYPE_CHECKING":
                continue
            if name != verb:
                places[name].add(str(path))
    assert {name: sorted(where) for name, where in places.items() if len(where) > 1} == {}


def test_every_public_name_resolves_and_is_listed() -> None:
    assert sorted(seqctx.__all__) == sorted(seqctx._MODULES)
    for name in seqctx.__all__:
        assert getattr(seqctx, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = seqctx.nonsense


def strings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Strings that are no docstrings, each with its line."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) not in docstrings:
                yield node.lineno, node.value


def test_paths_are_made_in_one_place() -> None:
    """`artifacts.layout` alone joins the folders of a run and of a data set."""
    ours = re.compile(r"^(run|prepare/out|tokenized|manifest\.json|run\.json|begun\.json)(/|$)")
    for path, tree in trees().items():
        if path == Path("artifacts/layout.py") or home(path) == "cli":  # help texts name them
            continue
        for line, text in strings(tree):
            assert not ours.match(text), f"{path}:{line}: {text!r}: take it from artifacts.layout"


def reads_a_file(node: ast.AST) -> bool:
    """Whether a call opens a file to read it."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute | ast.Name):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
    if name in ("read_text", "read_bytes"):
        return isinstance(node.func, ast.Attribute)
    if ast.unparse(node.func) == "os.open":  # with flags, to write
        return "O_RDONLY" in ast.unparse(node)
    given = [*node.args, *(k.value for k in node.keywords if k.arg == "mode")]
    modes = [a.value for a in given if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    return name == "open" and not any(re.fullmatch("[wax]b?", mode) for mode in modes)


def test_files_are_opened_in_one_place() -> None:
    """`system.regular_file` refuses pipes and devices; what is shipped beside a module is known.

    What `system.archives` opens are members of a file that is open already.
    """
    found = []
    for path, tree in trees().items():
        opens = (Path("system/regular_file.py"), Path("system/archives.py"))
        if path in opens or "inside" in path.parts:
            continue
        for node in ast.walk(tree):
            text = ast.unparse(node) if reads_a_file(node) else ""
            if text and "__file__" not in text:
                found.append(f"{path}:{getattr(node, 'lineno', 0)}: {text}")
    assert found == []


def read_by_people() -> Iterator[tuple[Path, int, str]]:
    """Lines of the package, of the documents, and of the files that users start from."""
    kinds = (
        "src/**/*.py", "src/**/*.html", "scripts/*.py", "benchmarks/*.py", "*.md", "docs/**/*.md",
        "axolotl_configs/*.yaml", "serve/*", "Makefile",
    )  # fmt: skip
    for path in (path for kind in kinds for path in sorted(ROOT.glob(kind))):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            yield path.relative_to(ROOT), number, line


def test_words_that_everybody_knows() -> None:
    found = [
        f"{path}:{number}: {line.strip()}"
        for path, number, line in read_by_people()
        if WORDS.search(line) and not OLD_RECORDS.search(line)
    ]
    assert found == []


def test_import_is_light() -> None:
    script = f"import sys, seqctx, seqctx.cli.main; print([m for m in {HEAVY} if m in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize("verb", [[], ["check"], ["prepare"], ["train"], ["serve"], ["demo"]])
def test_help_needs_click_and_yaml_only(verb: list[str]) -> None:
    script = (
        "import sys\n"
        "class Block:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.split('.')[0] in {(*HEAVY, 'jinja2', 'markdown_it')}:\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Block())\n"
        f"sys.argv = ['seqctx', *{verb!r}, '--help']\n"
        "from seqctx.cli.start import start; start()\n"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    assert "Usage: seqctx" in answer.stdout
    assert not verb or "Example" in answer.stdout


def test_every_verb_and_target_is_in_the_readme() -> None:
    from seqctx.cli.verbs import SUMMARIES

    readme = (ROOT / "README.md").read_text("utf-8")
    for verb in SUMMARIES:
        assert f"seqctx {verb}" in readme
    makefile = (ROOT / "Makefile").read_text("utf-8")
    phony = makefile.split(".PHONY:")[1].split("\n\n")[0].replace("\\", " ").split()
    assert set(phony) == set(re.findall(r"^([a-z0-9-]+):.*##", makefile, re.M))
    for target in phony:
        assert f"make {target}" in readme or target == "help"


# Where printing is defined, and a module that also runs before there is a command line.
# The last two print one sentence of their own, at a signal.
PRINTING = (
    "cli/output.py",
    "cli/render/console.py",
    "system/install.py",
    "cli/interrupts.py",
    "cli/start.py",
)
PRINTS = {
    "print", "input", "rich.print", "click.echo", "click.secho", "click.prompt", "click.confirm",
    "click.pause", "click.echo_via_pager", "click.progressbar", "Console", "rich.console.Console",
    "sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__", "os.write",
    "traceback.print_exc", "rich.get_console", "rich.inspect", "pprint", "pprint.pprint",
    "warnings.showwarning",
}  # fmt: skip
FROM_MODULES = {  # names that print, by the module that they are imported from
    "click": {"echo", "secho", "prompt", "confirm", "pause"}, "sys": {"stdout", "stderr"},
    "rich": {"print", "get_console", "inspect"}, "pprint": {"pprint"},
}  # fmt: skip


def bypasses(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """What a module prints, or prints with, without `cli.output`."""
    annotations = {
        id(inner)
        for node in ast.walk(tree)
        for annotation in (getattr(node, "annotation", None), getattr(node, "returns", None))
        if annotation is not None
        for inner in ast.walk(annotation)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and id(node) not in annotations:
            name = ast.unparse(node)
            if name in PRINTS:
                yield node.lineno, name
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if alias.name in FROM_MODULES.get(str(node.module), ()):
                    yield node.lineno, f"{node.module}.{alias.name}"


@pytest.mark.parametrize(
    "code",
    [
        "print('x')", "import sys\nsys.stdout.write('x')", "click.echo('x')", "c = Console()",
        "from sys import stderr", "from click import echo", "print_it = print",
        "from rich import print", "f(file=sys.stderr)",
    ],
)  # fmt: skip
def test_a_print_that_bypasses_the_output_is_found(code: str) -> None:
    assert [*bypasses(ast.parse(code))]


def test_everything_is_printed_in_one_place() -> None:
    """There, `system.visible` shows control characters as signs."""
    found = [
        f"{path}:{line}: {name}"
        for path, tree in trees().items()
        if str(path) not in PRINTING and "inside" not in path.parts
        for line, name in bypasses(tree)
    ]
    assert found == []
