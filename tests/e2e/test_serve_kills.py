"""``seqctx serve`` killed at many moments, on real vLLM: nothing is left, and the next one starts.

``SEQCTX_KILLS=10`` kills ten times, with every signal at every moment; run it with ``-s`` to see
the table.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from seqctx.errors import ToolError
from seqctx.serve import Address, stream_completion
from tests.conftest import ROOT
from tests.e2e.conftest import free_port, processes
from tests.e2e.test_model import MODEL

KEY = "a-key"
STAGES = {  # what vLLM has logged when the moment has come
    "import": "$ ",
    "start of the engine": "Initializing a V1 LLM engine",
    "load": "Starting to load model",
    "profile": "Loading weights took",
    "ready": "Application startup complete",
    "request": "Application startup complete",
}
ROWS = [  # the first ones differ most
    (signal.SIGKILL, "load"),
    (signal.SIGINT, "request"),
    (signal.SIGTERM, "import"),
    (signal.SIGKILL, "request"),
    (signal.SIGINT, "load"),
    (signal.SIGKILL, "import"),
    (signal.SIGINT, "import"),
    (signal.SIGTERM, "load"),
    (signal.SIGKILL, "ready"),
    (signal.SIGINT, "start of the engine"),
    (signal.SIGTERM, "request"),
    (signal.SIGKILL, "profile"),
]
LIMITS = {signal.SIGINT: 10, signal.SIGTERM: 10, signal.SIGKILL: 10}  # until all has ended [s]


@dataclass(frozen=True)
class Kill:
    """One row of the table; times in seconds after the signal."""

    number: signal.Signals
    moment: str
    line: float | None
    ended: float
    all_ended: float

    def __str__(self) -> str:
        line = "-" if self.line is None else f"{self.line:.1f}"
        times = f"line {line:>4} s, seqctx ended {self.ended:.1f} s, all ended {self.all_ended:.1f}"
        return f"{self.number.name:8} {self.moment:20} {times} s"


def base_project(folder: Path) -> Path:
    """A folder whose ``base.yaml`` serves the sample model."""
    vllm = {"port": free_port(), "max_model_len": 2048, "enforce_eager": True, "dtype": "bfloat16"}
    (folder / "base.yaml").write_text(yaml.safe_dump({"base_model": str(MODEL), "vllm": vllm}))
    (folder / ".venv-serve").symlink_to(ROOT / ".venv-serve")
    return folder


def until(reached: Callable[[], Any], seconds: float = 900) -> float:
    """Wait until something holds; how long that took [s]."""
    begun = time.monotonic()
    while not reached():
        assert time.monotonic() - begun < seconds
        time.sleep(0.05)
    return time.monotonic() - begun


def ask(port: int) -> threading.Thread:
    """A request that is being answered while the server is killed."""
    address, begun = Address(f"http://127.0.0.1:{port}", KEY), threading.Event()

    def read() -> None:
        messages = [{"role": "user", "content": "Tell a long story."}]
        try:
            for _ in stream_completion(address, MODEL.name, messages, max_tokens=1500):
                begun.set()
        except ToolError:
            begun.set()

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    assert begun.wait(300)
    return thread


def kill(project: Path, process: subprocess.Popen[str], row: tuple[signal.Signals, str]) -> Kill:
    """Send one signal at one moment of a server's life, and see what ends when."""
    number, moment = row
    port = yaml.safe_load((project / "base.yaml").read_text())["vllm"]["port"]
    log = project / "outputs" / f"serve-{port}.log"

    def has_come() -> bool:
        assert process.poll() is None, process.communicate()
        return log.is_file() and STAGES[moment] in log.read_text("utf-8", "replace")

    until(has_come)
    thread = None
    if moment == "request":
        assert process.stdout is not None and "/v1 serves" in process.stdout.readline()
        thread = ask(port)
    elif moment == "import":
        time.sleep(2)  # vLLM imports torch
    lines: list[float] = []

    def listen() -> None:
        assert process.stderr is not None
        for text in process.stderr:
            if "stopping" in text.lower() or "interrupted" in text.lower():
                lines.append(time.monotonic())

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    sent = time.monotonic()
    process.send_signal(number)
    process.wait(60)
    ended = time.monotonic() - sent
    until(lambda: not processes("kills"), 60)
    all_ended = time.monotonic() - sent
    listener.join(10)
    if thread:
        thread.join(30)
        assert not thread.is_alive()
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", port))
    return Kill(number, moment, lines[0] - sent if lines else None, ended, all_ended)


def test_nothing_is_left_whenever_it_is_killed(
    tmp_path: Path, started: Callable[..., subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_API_KEY", KEY)
    project, table = base_project(tmp_path), []
    command = (sys.executable, "-m", "seqctx", "serve", "base.yaml")
    for row in ROWS[: int(os.environ.get("SEQCTX_KILLS", "3"))]:
        # each starts on the port, and beside the files, of the one that was killed before
        for log in (project / "outputs").glob("serve-*.log"):
            log.unlink()  # whose stages are not those of the next one
        table.append(kill(project, started(*command, cwd=project, mark="kills"), row))
        print(table[-1], flush=True)
    for each in table:
        assert each.all_ended < LIMITS[each.number], each
        if each.number == signal.SIGINT:
            assert each.line is not None and each.line < 2, each
    process = started(*command, cwd=project, mark="kills")
    assert process.stdout is not None and "/v1 serves" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)  # at once; the second may come before the first is handled
    assert until(lambda: process.poll() is not None, 10) < 10
    until(lambda: not processes("kills"), 10)
    assert not list((project / "outputs").glob("serve-*.json"))
