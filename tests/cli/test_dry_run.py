"""A dry run prints what would run, writes nothing, and exits as the run itself would."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.test_cli import adapter, project  # noqa: F401
from tests.conftest import seqctx

TOOLS = {"SEQCTX_AXOLOTL": "true", "SEQCTX_VLLM": "true"}
NO_TOOLS = {"SEQCTX_AXOLOTL": "", "SEQCTX_VLLM": "", "PATH": "", "HOME": "/nowhere"}


@pytest.fixture
def prepared(project: Path) -> Path:  # noqa: F811
    assert seqctx("prepare", "c.yaml", cwd=project).returncode == 0
    return project


def dry(folder: Path, verb: str, *more: str, **env: str) -> tuple[int, str, list[str]]:
    before = sorted(folder.rglob("*"))
    answer = seqctx(verb, "c.yaml", "--dry-run", *more, cwd=folder, **env)
    assert sorted(folder.rglob("*")) == before
    failures = answer.stderr.splitlines()
    assert all(line.startswith("would fail: ") for line in failures), answer.stderr
    return answer.returncode, answer.stdout, [f.removeprefix("would fail: ") for f in failures]


def test_training_that_would_run(prepared: Path) -> None:
    code, command, failures = dry(prepared, "train", **TOOLS)
    assert (code, failures) == (0, [])
    assert command.splitlines()[-1].endswith("train outputs/c.seqctx-partial/run/axolotl.yaml "
                                             "--launcher python")  # fmt: skip


def test_training_that_would_fail(prepared: Path) -> None:
    code, command, failures = dry(prepared, "train", **NO_TOOLS)
    assert code == 3 and failures[0].startswith("axolotl: not installed")
    assert command.splitlines()[-1].startswith("axolotl train ")
    leaks = ("--set", "sample_packing=true", "--set", "attn_implementation=null")
    code, command, failures = dry(prepared, "train", *leaks, **TOOLS)
    assert code == 1 and "packing-leaks" in failures[0], failures
    assert "sample_packing: true" in command
    with (prepared / "c.yaml").open("a") as f:
        f.write("sample_packing: true\neval_sample_packing: false\n")
    # what is checked is the file with --set, not without it
    assert dry(prepared, "train", "--set", "sample_packing=false", **TOOLS)[::2] == (0, [])
    (prepared / "prepare/out/c/train-ends.jsonl").unlink()
    code, _, failures = dry(prepared, "train", **TOOLS)
    assert code == 1 and failures[0].startswith("datasets: prepare/out/c/train-ends.jsonl")


def test_merging(project: Path, model_folder: Path) -> None:  # noqa: F811
    code, command, failures = dry(project, "merge", **TOOLS)
    assert code == 1 and "holds no adapter" in failures[0]
    assert command.endswith(" merge-lora outputs/c/run/merge.yaml\n")
    adapter(project, str(model_folder))
    assert dry(project, "merge", **TOOLS)[::2] == (0, [])
    assert dry(project, "merge", **NO_TOOLS)[0] == 3
    assert dry(project, "merge", "--set", "base_model=./none", **TOOLS)[0] == 2


def test_serving(project: Path, model_folder: Path) -> None:  # noqa: F811
    code, _, failures = dry(project, "serve", **NO_TOOLS)
    assert code == 3 and len(failures) == 2  # the first decides
    assert dry(project, "serve", **TOOLS)[0] == 1
    adapter(project, str(model_folder))
    assert dry(project, "serve", **TOOLS)[::2] == (0, [])
