"""Training with real Axolotl is killed at every moment: nothing is lost, nothing goes on running.

Three kills by default; all ten with SEQCTX_ALL_KILLS=1. The rows are short, so that a run takes
little longer than Axolotl's start.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from seqctx.system.hashing import hash_tree
from seqctx.train.checkpoints import complete_checkpoints
from tests.conftest import seqctx_process
from tests.e2e.conftest import processes, small_project
from tests.e2e.test_resume import PARTIAL, SHORT, TRAIN, history, until

STEPS = 20
TEXTS = ("The lamps were lit.", "It grew dark and cold.", "Nobody asked why.", "She went home.")


def row(text: str) -> str:
    turns = [{"role": "user", "content": "Go on."}, {"role": "assistant", "content": text}]
    return json.dumps({"messages": turns}) + "\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, novella: Path) -> Path:
    """A project with eight short rows to train on, and one that is held out."""
    folder = small_project(
        tmp_path_factory.mktemp("kills"), novella, **{**SHORT, "max_steps": STEPS}
    )
    (folder / "rows.jsonl").write_text("".join(map(row, TEXTS * 2)))
    (folder / "held_out.jsonl").write_text(row("And then it was over."))
    data = yaml.safe_load((folder / "short.yaml").read_text())
    plain = {key: value for key, value in data.items() if key not in ("seqctx", "vllm")}
    entry = {"ds_type": "json", "type": "chat_template"}
    plain["datasets"] = [{"path": "rows.jsonl", **entry}]
    plain["test_datasets"] = [{"path": "held_out.jsonl", "split": "train", **entry}]
    (folder / "short.yaml").write_text(yaml.safe_dump(plain))
    return folder


A_STEP = f"/{STEPS}  loss"  # of the line of any step
# What is killed when, and how. Each run but the first continues what was killed before it.
KILLS = (
    ("a step", f"step 3/{STEPS}", "SIGKILL", "seqctx"),
    ("a checkpoint being written", 4, "SIGKILL", "Axolotl"),
    ("a step, Ctrl-C", A_STEP, "SIGINT", "seqctx"),
    ("the import of Axolotl", "starting Axolotl", "SIGKILL", "seqctx"),
    ("the import of Axolotl, Ctrl-C", "starting Axolotl", "SIGINT", "seqctx"),
    ("loading the model", "loading the base model", "SIGKILL", "Axolotl"),
    ("an evaluation", "evaluating", "SIGKILL", "seqctx"),
    ("a step, SIGTERM", A_STEP, "SIGTERM", "seqctx"),
    ("a step, Ctrl-C twice", A_STEP, "SIGINT twice", "seqctx"),
    ("saving the adapter", "saving the adapter", "SIGKILL", "seqctx"),
)
FEW = (0, 1, 8)


def await_moment(process: subprocess.Popen[str], project: Path, moment: str | int) -> None:
    """Wait until a run prints the moment's words, or begins to write that checkpoint."""
    if isinstance(moment, str):
        until(process, moment)
        return
    half = project / PARTIAL / f"checkpoint-{moment}" / "adapter_model.safetensors"
    while not half.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.0005)


def send(process: subprocess.Popen[str], name: str, whom: str) -> None:
    """Send a signal to seqctx, or to all that it started."""
    number = getattr(signal, name.split()[0])
    others = processes("kills").keys() - {process.pid}
    for pid in [process.pid] if whom == "seqctx" else others:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
    if name.endswith("twice"):
        until(process, "saving a checkpoint after this step")
        process.send_signal(number)


def test_no_kill_loses_or_leaves_anything(
    project: Path, started: Callable[..., subprocess.Popen[str]]
) -> None:
    output = project / "outputs" / "short"
    aside = ("--set", "output_dir=outputs/unbroken")
    first = seqctx_process("train", "short.yaml", "--no-page", *aside, cwd=project)
    assert first.returncode == 0, first.stderr
    unbroken = history(project / "outputs" / "unbroken" / f"checkpoint-{STEPS}")
    first = seqctx_process("train", "short.yaml", "--no-page", "--set", "max_steps=1", cwd=project)
    assert first.returncode == 0, first.stderr
    good = hash_tree(output)
    chosen = KILLS if os.environ.get("SEQCTX_ALL_KILLS") else [KILLS[k] for k in FEW]
    for what, moment, name, whom in chosen:
        process = started(*TRAIN, "--resume", "--no-page", cwd=project, mark="kills")
        await_moment(process, project, moment)
        sent = time.monotonic()
        send(process, name, whom)
        if name == "SIGINT":  # a line within two seconds
            until(process, "stopping")
            assert time.monotonic() - sent < 2
        _, printed = process.communicate()
        ended = time.monotonic() - sent
        deadline = time.monotonic() + 15
        while processes("kills") and time.monotonic() < deadline:
            time.sleep(0.05)
        gone = time.monotonic() - sent
        kept = [c.step for c in complete_checkpoints(project / PARTIAL)]
        print(f"{what}: {name} to {whom}: exit {process.returncode} after {ended:.1f} s, "
              f"all gone after {gone:.1f} s, kept steps {kept}", flush=True)  # fmt: skip
        assert not processes("kills"), what
        assert hash_tree(output) == good, what  # the last good result is as it was
        assert "Traceback" not in printed, printed
        if name == "SIGINT twice":
            assert gone < 5, gone
    answer = seqctx_process("train", "short.yaml", "--resume", "--no-page", cwd=project)
    assert answer.returncode == 0, answer.stderr
    losses = history(output / f"checkpoint-{STEPS}")
    worst = max(abs(losses[k] - unbroken[k]) for k in unbroken)
    print(f"largest difference of {len(losses)} losses: {worst:.2e}")
    assert worst < 1e-4
    left = sorted(p.name for p in (project / "outputs").iterdir())
    assert left == ["short", "unbroken"]
