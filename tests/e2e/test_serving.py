"""The server, as its users meet it: in the background, asked, merged, dying; on real vLLM."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqctx.errors import ToolError
from seqctx.serve import preflight, serving, target_config
from tests.conftest import ROOT, seqctx_process
from tests.e2e.conftest import free_port, processes, unique

KEY = "a-secret-of-ours"


def test_in_the_background_it_answers_and_is_stopped(trained: Path) -> None:
    port = str(free_port())
    on_port = ("--set", f"vllm.port={port}")
    answer = seqctx_process("serve", "--status", cwd=trained)
    assert answer.returncode == 1
    assert "no server that seqctx started in this folder is running" in answer.stderr

    answer = seqctx_process(
        "serve", "short.yaml", *on_port, "--detach", cwd=trained, VLLM_API_KEY=KEY,
        SEQCTX_TEST=unique("detached"),
    )  # fmt: skip
    try:
        assert answer.returncode == 0, answer.stderr
        assert f"http://127.0.0.1:{port}/v1 serves smollm2-135m-instruct (base) and short" in (
            answer.stdout
        )
        for stage in ("starting the engine", "loading the weights", "profiling memory"):
            assert stage in answer.stderr
        printed = (trained / "outputs" / f"serve-{port}.out").read_text()
        assert "46,592 tokens (planned: 46,592)" in printed  # vLLM's own count, and ours

        twice = seqctx_process("serve", "short.yaml", *on_port, cwd=trained)
        assert twice.returncode == 1
        assert "vllm.port" in twice.stderr

        status = seqctx_process("serve", "--status", "--json", cwd=trained, VLLM_API_KEY=KEY)
        (health,) = json.loads(status.stdout)
        assert health["models"] == ["smollm2-135m-instruct", "short"]
        assert (health["running"], health["waiting"], health["kv_use"]) == (0, 0, 0.0)
        refused = seqctx_process("serve", "--status", cwd=trained)
        assert refused.returncode == 1
        assert "Set VLLM_API_KEY" in refused.stderr

        for model in health["models"]:
            chat = seqctx_piped("Who keeps the weights?", trained, "--model", model)
            assert len(chat.split()) > 3
        assert seqctx_piped("One.", trained) == seqctx_piped("One.", trained)  # a seed is given
        written = "".join(p.read_text() for p in (trained / "outputs").rglob("serve*"))
        assert KEY not in written
    finally:
        stopped = seqctx_process("serve", "--stop", cwd=trained)
    assert stopped.returncode == 0
    assert stopped.stdout == f"stopped: http://127.0.0.1:{port}\n"
    assert not processes("detached")
    assert not list((trained / "outputs").glob(f"serve-{port}*"))


def seqctx_piped(text: str, cwd: Path, *more: str) -> str:
    """What ``seqctx chat`` answers to a pipe."""

    answer = subprocess.run(
        [sys.executable, "-m", "seqctx", "chat", "--max-tokens", "12", "--seed", "1", *more],
        input=text, cwd=cwd, capture_output=True, text=True,
        env={**os.environ, "VLLM_API_KEY": KEY},
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_a_merged_model_is_served_and_its_death_is_one_line(
    trained: Path, started: Callable[..., subprocess.Popen[str]]
) -> None:
    answer = seqctx_process("merge", "short.yaml", cwd=trained)
    assert answer.returncode == 0, answer.stderr
    losses = {
        line.partition(": ")[2]: float(line.split()[2].rstrip(":"))
        for line in answer.stdout.splitlines()
        if line.startswith("held-out loss")
    }
    as_trained = losses["4-bit base + adapter, as trained"]
    as_served = losses["16-bit base + adapter, as vLLM serves it"]
    assert abs(losses["merged"] - as_served) < 0.05  # bf16, and adapters in 32 bit
    assert as_trained != as_served  # the quantization gap
    again = seqctx_process("merge", "short.yaml", "--no-evaluate", cwd=trained)
    assert again.stdout == "up to date: outputs/short/merged\n"

    command = (sys.executable, "-m", "seqctx", "serve", "short.yaml", "--merged")
    process = started(*command, cwd=trained, mark="merged")
    line = process.stdout.readline()
    assert "/v1 serves short-merged (base)" in line
    (engine,) = [p for p, name in processes("merged").items() if "VLLM::EngineCore" in name]
    os.kill(engine, signal.SIGKILL)
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 3
    last = rest.splitlines()[-1]
    assert last.startswith("vllm: ")
    assert "the log is" in last.lower() or "see the log" in last.lower()
    assert not processes("merged")


def until(found: Callable[[], Any]) -> Any:
    """Wait for what is not there at once."""
    deadline = time.monotonic() + 60
    while not (what := found()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return what


def test_sigterm_stops_all_of_it(
    trained: Path, started: Callable[..., subprocess.Popen[str]]
) -> None:
    command = (sys.executable, "-m", "seqctx", "serve", "short.yaml", "--base-only")
    process = started(*command, cwd=trained, mark="term")

    # while it loads vLLM has bound the port and does not listen yet: others could bind it, too
    (state,) = until(lambda: list((trained / "outputs").glob("serve-*.json")))
    until(lambda: '"starting the engine"' in state.read_text())
    for more in ((), ("--detach",)):
        second = seqctx_process("serve", "short.yaml", "--base-only", *more, cwd=trained)
        assert second.returncode == 1
        assert f"a server that seqctx started (short.yaml, pid {process.pid})" in second.stderr
    assert state.is_file()

    line = process.stdout.readline()
    assert line.rstrip().endswith("/v1 serves smollm2-135m-instruct (base)")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert not processes("term")


def test_vllm_ends_when_seqctx_is_killed(
    trained: Path, started: Callable[..., subprocess.Popen[str]]
) -> None:
    command = (sys.executable, "-m", "seqctx", "serve", "short.yaml", "--base-only")
    process = started(*command, cwd=trained, mark="killed")
    process.stdout.readline()
    process.kill()
    deadline = time.monotonic() + 30
    while processes("killed") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not processes("killed")


def test_a_port_that_is_taken_between_check_and_bind(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(trained)
    monkeypatch.setattr(preflight, "check_port", lambda cfg: None)  # checked too early
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        cfg = target_config("short.yaml", {"vllm.port": taken.getsockname()[1]})
        with pytest.raises(ToolError, match=r"[Aa]ddress already in use.*Set vllm.port to another"):
            with serving(cfg, trained / "taken.log"):
                pass


def test_the_stop_script_says_when_there_is_nothing_to_stop(trained: Path) -> None:
    answer = subprocess.run(
        [ROOT / "serve" / "stop"], cwd=trained, capture_output=True, text=True
    )  # fmt: skip
    assert answer.returncode == 1
    assert "no server that seqctx started in this folder is running" in answer.stderr
