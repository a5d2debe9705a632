"""Every verb in an empty folder, as a person has it who installed the package with pip."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from seqctx.cli.verbs import SUMMARIES
from seqctx.plan.explain import TOPICS
from tests.conftest import ROOT, seqctx

# of the command line of make, in a message; not the verb, as in "to make room"
TELLS_TO_RUN_MAKE = re.compile(r"(?:^|['\"`(])make [a-z-]+|[Rr]un '?make\b")
NOTHING_INSTALLED = {"PATH": "", "SEQCTX_AXOLOTL": "", "SEQCTX_VLLM": "", "HOME": "/nowhere",
                     "XDG_DATA_HOME": ""}  # fmt: skip


@pytest.fixture
def config(tmp_path: Path) -> str:
    """A file that ``seqctx init`` wrote, for a model on a hub that no test asks."""
    answer = seqctx(
        "init", "my.yaml", "--base-model", "meta-llama/Llama-3.1-8B-Instruct", "--gpu", "rtx-5090",
        "--manuscripts", "texts", "--goal", "voice", cwd=tmp_path,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert "make" not in (tmp_path / "my.yaml").read_text("utf-8").partition("base_model:")[0]
    return "my.yaml"


def test_explain_needs_no_file(tmp_path: Path) -> None:
    answer = seqctx("explain", cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert "sequence_len: 2,048 tokens" in answer.stdout
    assert answer.stderr.startswith("An example: Llama-3.1-8B-Instruct trained with QLoRA")
    assert [*tmp_path.iterdir()] == []
    longer = seqctx("explain", "lengths", "--set", "sequence_len=4096", cwd=tmp_path)
    assert "sequence_len: 4,096 tokens" in longer.stdout


@pytest.mark.parametrize("topic", TOPICS)
def test_the_example_is_the_file_of_the_mission(topic: str, tmp_path: Path) -> None:
    mission = ROOT / "axolotl_configs" / "llama-3.1-8b-qlora-32gb.yaml"
    shipped = seqctx("explain", topic, "--config", mission, cwd=tmp_path)
    assert shipped.returncode == 0, shipped.stderr
    assert seqctx("explain", topic, cwd=tmp_path).stdout == shipped.stdout


def test_a_topic_or_a_proof_that_there_is_not(tmp_path: Path) -> None:
    unknown = seqctx("explain", "nonsense", cwd=tmp_path)
    assert unknown.returncode == 2
    assert unknown.stderr.startswith("explain: nonsense: unknown topic.")
    for arguments in (("--prove",), ("lengths", "--prove"), ("myths", "--prove")):
        answer = seqctx("explain", *arguments, cwd=tmp_path)
        assert (answer.returncode, answer.stdout) == (2, "")


def test_the_proof_finds_what_is_missing_before_it_prints(tmp_path: Path, config: str) -> None:
    prove = ("explain", "myths", "--prove", "--config", config)
    answer = seqctx(*prove, cwd=tmp_path)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "base_model: meta-llama/Llama-3.1-8B-Instruct: not a folder" in answer.stderr
    answer = seqctx(*prove, "--set", "base_model=./nowhere", cwd=tmp_path)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr == "base_model: ./nowhere: no such folder. Check the path.\n"


def test_no_verb_asks_for_make(tmp_path: Path, config: str) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.md").write_text("# One\n\nText.\n")
    calls = {
        "init": (["init", config], 2),
        "schema": (["schema"], 0),
        "check": (["check", config], 0),
        "plan": (["plan", config, "--options"], 2),
        "read": (["read", "texts"], 0),
        "prepare": (["prepare", config], 2),
        "train": (["train", config, "--dry-run"], 1),
        "merge": (["merge", config], 1),
        "serve": (["serve", config], 3),
        "chat": (["chat"], 1),
        "demo": (["demo", config], 3),
        "explain": (["explain"], 0),
    }
    assert SUMMARIES.keys() - {"setup"} == calls.keys()
    for verb, (arguments, code) in calls.items():
        answer = seqctx(*arguments, cwd=tmp_path, **NOTHING_INSTALLED)
        assert answer.returncode == code, f"{verb}: {answer.stderr}"
        if verb != "schema":
            assert not TELLS_TO_RUN_MAKE.search(answer.stdout + answer.stderr), answer.stderr


def test_no_text_of_the_package_asks_for_make() -> None:
    targets = re.findall(r"^([a-z0-9-]+):.*##", (ROOT / "Makefile").read_text("utf-8"), re.M)
    asks = re.compile(rf"['\"`]make ({'|'.join(targets)})\b|[Rr]un make\b")
    for path in (ROOT / "src").rglob("*.py"):
        assert not asks.search(path.read_text("utf-8")), path
