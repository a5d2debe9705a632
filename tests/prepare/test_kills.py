"""Kills of ``prepare`` with workers at random moments: it ends in seconds and loses nothing.

``SEQCTX_KILLS=100`` kills it a hundred times, ``SEQCTX_KILLS_TEXTS`` names a folder with the
manuscripts to read, ``SEQCTX_KILLS_SEED`` the seed. The table is printed (``pytest -s``).
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil
import pytest

from seqctx.system.hashing import hash_tree
from tests.system.test_process import alive

KILLS = int(os.environ.get("SEQCTX_KILLS", "2"))
SEED = int(os.environ.get("SEQCTX_KILLS_SEED", "1"))
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGSEGV)
# Several workers, however small the texts and however few cores there are.
SCRIPT = (
    "import signal\n"
    "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # also where pytest ignores it
    "from seqctx.cli.start import start\n"
    "import seqctx.prepare.pipeline as pipeline\n"
    "pipeline._IN_MEMORY, pipeline.available_cores = 0, lambda: 3\n"
    "start()\n"
)


@dataclass
class Killed:
    """One run that was killed."""

    whom: str
    number: signal.Signals
    moment: float
    status: int
    seconds: float
    lines: list[str]


@pytest.fixture
def project(tmp_path: Path, model_folder: Path, novella: Path) -> Path:
    (tmp_path / "tmp").mkdir()
    if texts := os.environ.get("SEQCTX_KILLS_TEXTS"):
        shutil.copytree(texts, tmp_path / "texts")
    else:
        (tmp_path / "texts").mkdir()
        opening, *chapters = novella.read_text("utf-8").split("\n## ")
        for k in range(3):
            text = "\n## ".join([opening, *chapters[k : k + 3]])
            (tmp_path / "texts" / f"{k}.md").write_text(text.replace("the ", f"the{k} "), "utf-8")
    (tmp_path / "c.yaml").write_text(
        f"base_model: {model_folder}\nsequence_len: 1024\n"
        "seqctx: {prepare: {manuscripts: [texts]}}\n"
    )
    return tmp_path


def started(project: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, "prepare", "c.yaml", "--force"],
        cwd=project, env={**os.environ, "TMPDIR": str(project / "tmp")}, text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def descendants(parent: int, *, workers: bool = False) -> list[psutil.Process]:
    try:
        found = psutil.Process(parent).children(recursive=True)
        return [p for p in found if not workers or "serve_calls" in " ".join(p.cmdline())]
    except psutil.Error:
        return []


def kill_once(project: Path, chosen: random.Random, usual: float) -> Killed:
    whom, number = chosen.choice(["parent", "worker"]), chosen.choice(SIGNALS)
    began = time.monotonic()
    with started(project) as parent:
        if whom == "worker":
            while parent.poll() is None and not descendants(parent.pid, workers=True):
                time.sleep(0.01)
            time.sleep(chosen.random() * usual / 2)
        else:
            time.sleep(0.3 + chosen.random() * usual)
        workers = descendants(parent.pid, workers=True)
        target = chosen.choice(workers).pid if whom == "worker" and workers else parent.pid
        whom = whom if target != parent.pid else "parent"
        family = [parent.pid, *(p.pid for p in descendants(parent.pid))]
        moment = time.monotonic()
        if parent.poll() is None:
            with suppress(ProcessLookupError):  # a worker that has just ended
                os.kill(target, number)
        _, err = parent.communicate(timeout=120)
        seconds = time.monotonic() - moment
    deadline = time.monotonic() + 5
    while any(map(alive, family)) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(map(alive, family)), f"{whom} {number.name}: something still runs"
    steps = ("loading", "reading", "comparing", "cutting", "done", "writing", "c.yaml: ")
    lines = [line for line in err.splitlines() if line and not line.startswith(steps)]
    return Killed(whom, number, moment - began, parent.returncode, seconds, lines)


@pytest.mark.slow
def test_a_kill_at_any_moment_ends_prepare_and_loses_nothing(project: Path) -> None:
    chosen = random.Random(SEED)
    began = time.monotonic()
    with started(project) as first:
        assert first.communicate()[1] and first.returncode == 0
    usual = time.monotonic() - began
    out = project / "prepare" / "out"
    good, found = hash_tree(out / "c"), []
    for k in range(KILLS):
        killed = kill_once(project, chosen, usual)
        found.append(killed)
        print(
            f"{k + 1:3} {killed.whom:6} {killed.number.name:7} at {killed.moment:5.1f} s: "
            f"status {killed.status:4}, {killed.seconds:5.2f} s  {' | '.join(killed.lines)}"
        )
        assert hash_tree(out / "c") == good
        assert {p.name for p in out.iterdir()} <= {
            "c", "c.seqctx-partial", "c.seqctx-partial.lock"
        }  # fmt: skip
        assert not [*(project / "tmp").iterdir()]
        assert len(killed.lines) <= 1, killed.lines
        ended_by_system = killed.whom == "parent" and killed.status < 0
        assert killed.lines or killed.status == 0 or ended_by_system
        runs_on = killed.whom == "worker" and killed.number == signal.SIGINT  # not for workers
        assert killed.status == 0 or killed.seconds < 5, killed
        # 2: the process that renders the chat template was killed
        assert killed.status in (0, 1, 2, 130, 143, -signal.SIGKILL, -signal.SIGSEGV), killed
        assert not runs_on or killed.status in (0, 1), killed
    times = [killed.seconds for killed in found if killed.status]
    if times:
        print(
            f"{len(found)} kills, {len(times)} ended prepare: median {median(times):.2f} s, "
            f"longest {max(times):.2f} s"
        )
    with started(project) as last:
        assert last.communicate()[1] and last.returncode == 0
    assert hash_tree(out / "c") == good
    assert [p.name for p in out.iterdir()] == ["c"]
