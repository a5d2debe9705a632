"""A package that is not installed is one line with the command that installs it, in every verb."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import ROOT

CONFIG = "axolotl_configs/llama-3.1-8b-qlora-32gb.yaml"
BLOCK = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == {package!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Block())
sys.argv = ["seqctx", *{arguments!r}]
from seqctx.cli.start import start; start()
"""


@pytest.mark.parametrize(
    ("package", "arguments"),
    [
        ("rich", ("plan", CONFIG)),
        ("rich", ("prepare", CONFIG)),
        ("matplotlib", ("plan", CONFIG, "--html", "/dev/null/page.html")),
        ("jinja2", ("plan", CONFIG, "--html", "/dev/null/page.html")),
        ("transformers", ("prepare", CONFIG)),
        ("numpy", ("prepare", CONFIG)),
        ("httpx", ("chat", "--url", "http://127.0.0.1:9")),
        ("yaml", ("check", CONFIG)),
        ("pydantic", ("check", CONFIG)),
    ],
)
def test_a_missing_package_is_one_line(package: str, arguments: tuple[str, ...]) -> None:
    script = BLOCK.format(package=package, arguments=arguments)
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    assert answer.returncode == 2, answer.stderr
    assert answer.stdout == ""
    line = answer.stderr.splitlines()[-1]
    assert "Traceback" not in answer.stderr
    assert package in line and "not installed" in line and "Run: pip install" in line
