"""Ctrl-C and SIGTERM while training: a line at once, a quick end, nothing lost or left running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from seqctx.train.checkpoints import complete_checkpoints
from tests.conftest import seqctx

Faked = Callable[..., None]
SAVING, STOPPING = "saving a checkpoint after this step", "stopping Axolotl"


class Training:
    """``seqctx train`` as a process, whose lines are read as they come."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "seqctx", "train", "c.yaml", "--no-page", *options], cwd=folder,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )  # fmt: skip
        self.sent = 0.0

    def until(self, words: str) -> float:
        """Read until a line has these words; seconds since the last signal."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if words in line:
                return time.monotonic() - self.sent
        raise AssertionError(words)

    def send(self, number: int) -> None:
        self.children = psutil.Process(self.process.pid).children(recursive=True)
        self.sent = time.monotonic()
        os.kill(self.process.pid, number)

    def end(self) -> float:
        """Wait until it and all that it started have ended; seconds since the last signal."""
        self.process.communicate()
        seconds = time.monotonic() - self.sent
        _, alive = psutil.wait_procs(self.children, timeout=1)
        assert not [child for child in alive if child.status() != psutil.STATUS_ZOMBIE]
        return seconds

    @property
    def kept(self) -> list[int]:
        partial = self.folder / "outputs" / "c.seqctx-partial"
        return [checkpoint.step for checkpoint in complete_checkpoints(partial)]


@pytest.fixture
def started(runnable: Path) -> Iterator[Callable[..., Training]]:
    begun: list[Training] = []

    def start(*options: str) -> Training:
        begun.append(Training(runnable, *options))
        return begun[-1]

    yield start
    for training in begun:
        training.process.kill()
        training.process.wait()
        assert training.process.stdout is not None
        training.process.stdout.close()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_before_the_first_step_it_ends_at_once(
    faked: Faked, started: Callable[..., Training], number: int
) -> None:
    faked(hang_at=1)
    training = started()
    training.until("starting")
    time.sleep(1.0)
    training.send(number)
    assert training.until(STOPPING) < 2
    assert training.end() < 6  # it ignores SIGINT and SIGTERM
    assert training.process.returncode in (130, 143)
    assert not list((training.folder / "outputs").glob("*"))


@pytest.mark.slow
def test_a_second_ctrl_c_ends_all_at_once(
    runnable: Path, faked: Faked, started: Callable[..., Training]
) -> None:
    faked(hang_at=4)
    training = started()
    training.until("step 3/6")
    time.sleep(1.0)
    training.send(signal.SIGINT)
    assert training.until(SAVING) < 2
    training.send(signal.SIGINT)
    assert training.end() < 3
    assert training.process.returncode == 130 and training.kept == [2]
    faked()
    answer = seqctx("train", "c.yaml", "--resume", "--no-page", cwd=runnable)
    assert answer.returncode == 0, answer.stderr


@pytest.mark.slow
def test_resumed_it_ends_at_once_before_it_has_done_a_step(
    faked: Faked, started: Callable[..., Training]
) -> None:
    faked(fail_at=3)
    assert started().process.wait() == 3
    faked(hang_at=3)
    training = started("--resume")
    training.until("starting")
    time.sleep(1.0)
    training.send(signal.SIGINT)
    assert training.until(STOPPING) < 2
    assert training.end() < 6
    assert training.kept == [2]


def test_the_step_that_runs_is_finished_and_saved(
    faked: Faked, started: Callable[..., Training]
) -> None:
    faked(seconds=0.7)
    training = started()
    training.until("step 3/6")
    training.send(signal.SIGTERM)
    assert training.until(SAVING) < 2
    training.end()
    assert training.process.returncode == 143 and training.kept[-1] in (3, 4)


@pytest.mark.slow
def test_killed_it_leaves_nothing_running(faked: Faked, started: Callable[..., Training]) -> None:
    faked(hang_at=3)
    training = started()
    training.until("step 2/6")
    time.sleep(1.0)
    training.send(signal.SIGKILL)
    training.process.wait()
    _, alive = psutil.wait_procs(training.children, timeout=14)
    assert not alive
