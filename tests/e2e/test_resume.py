"""A run that is killed, dies and is interrupted ends as if nothing had happened.

It is held against ``axolotl train`` on the same file, a plain one without our blocks, so that the
same test shows that seqctx changes nothing of what is trained. The adapter has dropout: the state
of the random numbers counts.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from seqctx.artifacts.run_record import TrainingRun
from tests.conftest import ROOT, seqctx_process
from tests.e2e.conftest import processes, small_project

SHORT = {
    "adapter": "lora", "load_in_4bit": False, "lora_dropout": 0.1, "sequence_len": 192,
    "max_steps": 8, "save_strategy": "steps", "save_steps": 2, "save_total_limit": 9,
    "eval_strategy": "steps", "eval_steps": 4, "num_epochs": 9,
}  # fmt: skip
TRAIN = (sys.executable, "-m", "seqctx", "train", "short.yaml")
PARTIAL = Path("outputs/short.seqctx-partial")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, novella: Path) -> Path:
    folder = small_project(tmp_path_factory.mktemp("resume"), novella, **SHORT)
    answer = seqctx_process("prepare", "short.yaml", cwd=folder)
    assert answer.returncode == 0, answer.stderr
    # from here on it is a plain Axolotl file, as anybody else's
    data = yaml.safe_load((folder / "short.yaml").read_text())
    plain = {key: value for key, value in data.items() if key not in ("seqctx", "vllm")}
    (folder / "short.yaml").write_text(yaml.safe_dump(plain))
    return folder


def history(checkpoint: Path) -> dict[tuple[int, str], float]:
    """Every loss of a run, by step and kind."""
    state = json.loads((checkpoint / "trainer_state.json").read_text())
    return {
        (line["step"], kind): line[kind]
        for line in state["log_history"]
        for kind in ("loss", "eval_loss")
        if kind in line
    }


@pytest.fixture(scope="module")
def unbroken(project: Path) -> dict[tuple[int, str], float]:
    """What Axolotl does with the file itself."""
    program = ROOT / ".venv-train" / "bin" / "axolotl"
    text = (project / "short.yaml").read_text().replace("outputs/short", "outputs/plain")
    (project / "plain.yaml").write_text(text)
    answer = subprocess.run(
        [program, "train", "plain.yaml", "--launcher", "python"],
        cwd=project,
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "PATH": f"{program.parent}:{os.environ['PATH']}",
            "AXOLOTL_DO_NOT_TRACK": "1",
            "HF_HUB_OFFLINE": "1",
            "CUDA_VISIBLE_DEVICES": "",
        },
    )
    assert answer.returncode == 0, answer.stderr[-2000:]
    return history(project / "outputs" / "plain" / "checkpoint-8")


def until(process: subprocess.Popen[str], mark: str) -> None:
    """Read what the run says until it has printed ``mark``."""
    assert process.stderr is not None
    heard = ""
    for line in process.stderr:
        heard += line
        if mark in line:
            return
    raise AssertionError(heard)


def kill(process: subprocess.Popen[str]) -> None:
    """SIGKILL for seqctx; Axolotl ends with it."""
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 20
    while processes("resume") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not processes("resume")


def test_killed_dead_and_interrupted_the_losses_are_the_same(
    project: Path,
    unbroken: dict[tuple[int, str], float],
    started: Callable[..., subprocess.Popen[str]],
) -> None:
    # killed between two checkpoints
    process = started(*TRAIN, cwd=project, mark="resume")
    until(process, "step 3/8")
    kill(process)
    assert not (project / "outputs" / "short").exists()

    # nothing is thrown away without being asked
    answer = seqctx_process("train", "short.yaml", cwd=project)
    assert answer.returncode == 1
    assert "an interrupted run at step 2. Continue it with --resume, or start" in answer.stderr
    answer = seqctx_process("train", "short.yaml", "--resume", "--set", "seed=1", cwd=project)
    assert answer.returncode == 1
    assert "has changed since then" in answer.stderr

    # Axolotl dies while it writes a checkpoint: weights are there, the trainer's state is not
    process = started(*TRAIN, "--resume", cwd=project, mark="resume")
    half = project / PARTIAL / "checkpoint-4"
    while not (half / "adapter_model.safetensors").exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.0005)
    for pid in processes("resume").keys() - {process.pid}:
        os.kill(pid, signal.SIGKILL)
    _, rest = process.communicate()
    assert process.returncode == 3
    assert "axolotl: was killed, probably because memory ran out" in rest.splitlines()[-1]
    assert rest.splitlines()[-1].endswith("Step 2 is kept. Continue with --resume.")
    assert half.exists() and not (half / "trainer_state.json").exists()

    # interrupted: it stops at a checkpoint of its own
    process = started(*TRAIN, "--resume", cwd=project, mark="resume")
    until(process, "step 3/8")
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate()
    assert process.returncode == 130
    assert not processes("resume")
    kept = max(int(p.name.split("-")[1]) for p in (project / PARTIAL).glob("checkpoint-*"))
    assert kept in (3, 4, 5)
    assert f"Step {kept} was saved. Continue: seqctx train --resume short.yaml" in rest

    answer = seqctx_process("train", "short.yaml", "--resume", "--no-page", cwd=project)
    assert answer.returncode == 0, answer.stderr
    losses = history(project / "outputs" / "short" / "checkpoint-8")
    again = {(2, "eval_loss"), (kept, "eval_loss")}  # where it was resumed from
    assert losses.keys() - again == unbroken.keys() - again
    worst = max(abs(losses[k] - unbroken[k]) for k in unbroken)
    print(f"largest difference of {len(losses)} losses: {worst:.2e}")
    assert worst < 1e-4
    run = TrainingRun.read(project / "outputs" / "short" / "run" / "run.json")
    assert run is not None
    assert run.resumed_at == (2, 2, kept)
    assert [p.step for p in run.points if p.loss is not None] == list(range(1, 9))
    assert run.warnings == ()
    assert sorted(p.name for p in (project / "outputs").iterdir()) == ["plain", "short"]
