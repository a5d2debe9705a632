"""Users' files list the plugins by name, and Axolotl loads them without the rest of seqctx."""

from __future__ import annotations

import ast

from tests.conftest import ROOT


def test_the_plugins_keep_their_names_and_need_nothing_of_ours() -> None:
    module = ROOT / "src" / "seqctx" / "train" / "axolotl_plugin.py"
    tree = ast.parse(module.read_text("utf-8"))
    classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    assert classes == {"CpuPlugin", "SeedPlugin"}
    needed = {
        (node.module or "").partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
    }
    assert needed == {"__future__", "typing", "axolotl", "transformers"}
    for package in (module.parent, module.parents[1]):  # what the import of the module runs first
        inits = ast.parse((package / "__init__.py").read_text("utf-8"))
        heavy = [
            n for n in inits.body if isinstance(n, ast.ImportFrom) and n.module != "__future__"
        ]
        names = {(node.module or "").partition(".")[0] for node in heavy}
        assert names <= {"importlib", "typing"}, package
