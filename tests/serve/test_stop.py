"""How ``seqctx serve`` ends, with a stand-in for vLLM (tests/e2e has the real one)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import seqctx
from tests.serve.test_launch import port, served  # noqa: F401
from tests.serve.test_preflight import project  # noqa: F401
from tests.system.test_process import alive

STOPPING = "stopping vLLM; press Ctrl-C again to end it at once"


@contextmanager
def serving(folder: Path, *more: str, until: str) -> Iterator[subprocess.Popen[str]]:
    """``seqctx serve`` in the background, once it has said some words."""
    with subprocess.Popen(
        [sys.executable, "-m", "seqctx", "serve", "voice.yaml", *more],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,
    ) as process:  # fmt: skip
        try:
            wait_for(process, until)
            yield process
        finally:
            process.kill()


def wait_for(process: subprocess.Popen[str], words: str) -> str:
    """The first line that has some words."""
    assert process.stdout is not None
    for line in process.stdout:
        if words in line:
            return line
    raise AssertionError(words)


def of_fake(folder: Path) -> list[int]:
    """Processes of the stand-in of this test."""
    mark = f"FAKE={folder}\0".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            is_fake = b"fake_vllm.py" in (path / "cmdline").read_bytes()
            if is_fake and mark in (path / "environ").read_bytes() + b"\0":
                found.append(int(path.name))
        except OSError:
            continue
    return found


def seconds_until(reached: Callable[[], Any], limit: float) -> float:
    begun = time.monotonic()
    while not reached():
        assert time.monotonic() - begun < limit
        time.sleep(0.02)
    return time.monotonic() - begun


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["starting the engine", "/v1 serves"])
@pytest.mark.parametrize("stubborn", [False, True], ids=["meek", "stubborn"])
def test_ctrl_c_says_a_line_at_once_and_ends_all(
    served: Path,  # noqa: F811
    moment: str, stubborn: bool,
) -> None:  # fmt: skip
    if moment == "/v1 serves":
        (served / "go").touch()
    if stubborn:
        (served / "stubborn").touch()
    with serving(served, until=moment) as process:
        (fake,) = of_fake(served)
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        wait_for(process, STOPPING)
        assert time.monotonic() - begun < 2
        assert process.wait(10) == 130
        assert time.monotonic() - begun < 10
        assert not alive(fake)
        assert not list((served / "outputs").glob("serve-*.json"))


def test_a_second_ctrl_c_ends_at_once(served: Path) -> None:  # noqa: F811
    (served / "stubborn").touch()
    with serving(served, until="starting the engine") as process:
        (fake,) = of_fake(served)
        process.send_signal(signal.SIGINT)
        wait_for(process, STOPPING)
        time.sleep(0.3)
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        assert time.monotonic() - begun < 2
        assert not alive(fake)
        assert not list((served / "outputs").glob("serve-*.json"))


@pytest.mark.slow
@pytest.mark.parametrize("stubborn", [False, True], ids=["meek", "stubborn"])
def test_killed_it_leaves_nothing_that_blocks_the_next(
    served: Path,  # noqa: F811
    stubborn: bool,
) -> None:
    (served / "go").touch()
    if stubborn:
        (served / "stubborn").touch()
    with serving(served, until="/v1 serves") as process:
        (fake,) = of_fake(served)
        process.kill()
        assert seconds_until(lambda: not alive(fake), 10) < 10
    (served / "stubborn").unlink(missing_ok=True)
    with serving(served, until="/v1 serves") as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 128 + signal.SIGTERM


@pytest.mark.slow
def test_ctrl_c_while_a_detached_one_starts(served: Path) -> None:  # noqa: F811
    with serving(served, "--detach", until="starting the engine") as process:
        (fake,) = of_fake(served)
        process.send_signal(signal.SIGINT)
        wait_for(process, STOPPING)
        assert process.wait(10) == 130
        assert seconds_until(lambda: not alive(fake), 10) < 10
    assert not list((served / "outputs").glob("serve-*.json"))
    assert not list((served / "outputs").glob("serve-*.out"))


def test_a_server_that_would_be_open_starts_nothing(served: Path) -> None:  # noqa: F811
    for more in ((), ("--detach",), ("--dry-run",), ("--base-only",)):
        answer = seqctx(
            "serve", "voice.yaml", "--set", "vllm.host=0.0.0.0", "--set", "vllm.api_key=' '",
            *more, cwd=served,
        )  # fmt: skip
        assert answer.returncode == 2, answer.stderr
        (line,) = answer.stderr.splitlines()
        assert line.startswith("vllm.host: 0.0.0.0 opens the server to the network without an API")
        assert not answer.stdout and not list((served / "outputs").glob("serve-*"))
        assert not of_fake(served) and "VLLM_API_KEY" not in os.environ
