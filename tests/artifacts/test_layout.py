"""Every path is in artifacts/layout.py, and nowhere else."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from pathlib import Path

from seqctx.artifacts.layout import OUT, OUTPUTS, DatasetDir, RunDir, ServerFiles
from tests.conftest import ROOT

SRC = ROOT / "src" / "seqctx"


def names() -> set[str]:
    """The names that layout.py gives to files and folders."""
    found = {str(OUT), str(OUTPUTS)}
    for place in (DatasetDir.of(Path("c.yaml")), RunDir(Path("o")), ServerFiles(8000)):
        for name, attribute in vars(type(place)).items():
            if isinstance(attribute, property):
                found.add(getattr(place, name).name)
    return found


def test_the_names_are_found() -> None:
    assert {"run", "run.json", "merged", "manifest.json", "comparison.html"} <= names()


def joins(tree: ast.AST) -> Iterator[str]:
    """Every string that is joined to a path, or given to Path()."""
    for node in ast.walk(tree):
        parts: list[ast.expr] = []
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            parts = [node.left, node.right]
        elif isinstance(node, ast.Call):
            called = node.func
            name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
            parts = node.args if name in ("Path", "joinpath", "join") else []
        for part in parts:
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                yield part.value
            if isinstance(part, ast.JoinedStr):
                yield "".join(str(v.value) for v in part.values if isinstance(v, ast.Constant))


def test_nobody_else_joins_them() -> None:
    ours = names()
    for path in SRC.rglob("*.py"):
        if path == SRC / "artifacts" / "layout.py":
            continue
        for text in joins(ast.parse(path.read_text("utf-8"))):
            pieces = {text, *text.split("/")}
            assert not pieces & ours, f"{path.relative_to(SRC)}: joins {text!r}; use layout.py"


def test_a_run_grows_beside_what_a_link_points_to(tmp_path: Path) -> None:
    (tmp_path / "disk" / "run").mkdir(parents=True)
    os.symlink(tmp_path / "disk", tmp_path / "out")
    assert RunDir.growing(tmp_path / "out").output_dir == tmp_path / "disk.seqctx-partial"
    assert RunDir.growing(tmp_path / "none").output_dir == tmp_path / "none.seqctx-partial"


def test_logs_of_machines_and_servers_do_not_meet() -> None:
    run = RunDir(Path("outputs/voice"))
    assert run.unfinished_log == Path("outputs/voice.train.log")
    assert run.worker_log(2) == Path("outputs/voice.train.node-2.log")
    assert run.worker_yaml(2) == Path("outputs/voice.train.node-2.yaml")
    assert run.server_log(8001) == Path("outputs/voice/run/serve-8001.log")
    assert ServerFiles(8001).log == Path("outputs/serve-8001.log")
