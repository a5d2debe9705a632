"""Words that a stranger has to read twice stay out of the tree; CONTRIBUTING.md says which come in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

# pattern: what to write instead
WORDS = {
    r"\bmend(s|ed|ing)?\b": "say what to do, such as 'It must be at least 1.'",
    r"\bfound wanting\b|\b(is|are|be) wanting\b": "problems found; missing",
    r"\bnothing to say\b": "no problems found",
    r"\bwhole road\b": "prepare, train, serve and compare, end to end",
    r"\b(would|not) let through\b": "problems that Axolotl and vLLM do not report",
    r"\blaid over\b": "given with --set; overridden",
    r"\bstrays?\b": "unknown keys",
    r"\btwins?\b": "near duplicates",
    r"\bseams?\b": "boundary, boundary cost",
    r"\batoms?\b": "segments",
    r"\banew\b": "again",
}
FILES = sorted(
    path
    for pattern in (
        "src/**/*.py", "src/**/*.html", "src/**/prompts.yaml", "scripts/*.py", "benchmarks/*.py",
        "prepare/*.py", "requirements/*.sh", "serve/*", "axolotl_configs/*.yaml", "docs/**/*.md",
        "*.md", "Makefile",
    )
    for path in ROOT.glob(pattern)
    if path.is_file()
)  # fmt: skip


@pytest.mark.parametrize("pattern", WORDS)
def test_no_private_language(pattern: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:90]}"
        for path in FILES
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if re.search(pattern, line, re.IGNORECASE)
    ]
    assert not found, "\n".join([f"write instead: {WORDS[pattern]}", *found])
