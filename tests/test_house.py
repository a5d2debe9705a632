"""The house as a whole: public names, floors, what an import costs, what a bare install can do."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

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


def floor_of(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


def imports() -> list[tuple[str, str]]:
    found = []
    for path in SRC.rglob("*.py"):
        home = path.relative_to(SRC).parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("seqctx"):
                found.append((home, floor_of(str(node.module))))
    return found


def test_every_public_name_resolves_and_is_listed() -> None:
    assert sorted(seqctx.__all__) == sorted(seqctx._HOME)
    for name in seqctx.__all__:
        assert getattr(seqctx, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = seqctx.nonsense


def test_imports_only_point_down() -> None:
    assert len(imports()) > 30
    for home, target in imports():
        if home == "__init__" or target == "__init__" or home == target:
            continue
        assert FLOORS[target] < FLOORS[home], f"{home} imports {target}"


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
        "from seqctx.cli.main import main; main()\n"
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


def test_files_stay_readable() -> None:
    for path in SRC.rglob("*.py"):
        assert len(path.read_text("utf-8").splitlines()) <= 400, path
