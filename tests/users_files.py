"""What tests of users' files share: small projects, and snapshots of all files in a folder."""

from __future__ import annotations

import subprocess
from pathlib import Path

import yaml

STORY = "# One\n\n" + "Words of a story. " * 400 + "\n\n# Two\n\nThe end.\n"


def small_project(folder: Path, model: Path, name: str = "c.yaml", **changes: object) -> Path:
    """A folder with a manuscript, and a config file that prepares it in a moment."""
    (folder / "texts").mkdir(parents=True, exist_ok=True)
    (folder / "texts" / "a.md").write_text(STORY)
    data = {
        "base_model": str(model), "sequence_len": 512, "output_dir": "outputs/c",
        "seqctx": {"prepare": {"manuscripts": ["texts"]}}, **changes,
    }  # fmt: skip
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(yaml.safe_dump(data))
    return folder


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its bytes; links with their targets."""
    return {
        str(p.relative_to(folder)): bytes(p.readlink()) if p.is_symlink() else p.read_bytes()
        for p in folder.rglob("*")
        if p.is_symlink() or p.is_file()
    }


def refusal(answer: subprocess.CompletedProcess[str]) -> str:
    """The one line with which a command was refused; no traceback, something to do."""
    assert answer.returncode in (1, 2), answer.stdout + answer.stderr
    assert "Traceback" not in answer.stderr
    line = answer.stderr.splitlines()[-1]
    assert line.endswith("."), line
    return line
