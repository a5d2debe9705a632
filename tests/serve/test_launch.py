"""Starting, asking and stopping, with a stand-in for vLLM (tests/e2e has the real one)."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from seqctx.artifacts.layout import ServerFiles
from seqctx.errors import CheckError, InputError, ToolError
from seqctx.serve import address_of, preflight, server_log, server_status, serving, target_config
from seqctx.serve.launch import _registered, serve_command
from seqctx.serve.preflight import check_port
from seqctx.serve.registry import ServerRecord, start_time
from tests.conftest import ROOT, seqctx
from tests.serve.test_preflight import PORT, project  # noqa: F401

FAKE = ROOT / "tests/serve/fake_vllm.py"


@pytest.fixture
def port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@pytest.fixture
def served(project: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: F811
    """The project of preflight's tests, on a free port, with the stand-in as vLLM."""
    file = project / "voice.yaml"
    file.write_text(file.read_text().replace(str(PORT), str(port)))
    program = project / "bin" / "vllm"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {FAKE} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("SEQCTX_VLLM", str(program))
    monkeypatch.setenv("FAKE", str(project))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.delenv("VLLM_API_KEY", raising=False)
    return project


class Page(BaseHTTPRequestHandler):
    """Answers all with 200, as no vLLM does."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>")

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def other(port: int) -> Iterator[str]:
    """Something else that listens on the port."""
    server = HTTPServer(("127.0.0.1", port), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{port}"
    server.shutdown()
    server.server_close()


def test_the_answer_of_another_server_does_not_count(
    served: Path, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "check_port", lambda cfg: None)  # checked too early
    (served / "fail").touch()
    threading.Timer(2.0, (served / "go").touch).start()
    cfg = target_config("voice.yaml")
    with pytest.raises(ToolError, match="ddress already in use"):
        with serving(cfg, server_log(cfg)):
            pass


def test_the_record_of_another_server_stays(served: Path, port: int) -> None:
    cfg, parent = target_config("voice.yaml"), os.getppid()
    path = ServerFiles(port).record
    with _registered(cfg, address_of(cfg), Path("log"), "voice.yaml"):
        since = start_time(parent)
        assert since is not None
        ServerRecord(
            pid=parent, start_time=since, target="t", url="http://x:1", base="b", log="l"
        ).write(path)
    assert path.is_file()


def test_a_port_that_another_server_took_after_the_check_is_refused(
    served: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two that start within milliseconds, both pass the check of the port."""
    cfg = target_config("voice.yaml")
    check_port(cfg)
    check_port(cfg)
    log = ServerFiles(port).log
    with log.open("wb"), _registered(cfg, address_of(cfg), log, "first.yaml"):
        with pytest.raises(CheckError, match=f"vllm.port: {port} is used by .*first.yaml, pid"):
            with _registered(cfg, address_of(cfg), log, "second.yaml"):
                pass
        record = ServerRecord.read(ServerFiles(port).record)
        assert record is not None and record.target == "first.yaml"
    assert not list(Path("outputs").glob(".serve*"))


def test_the_next_server_waits_for_the_port_of_one_that_was_killed(served: Path, port: int) -> None:
    """Nobody stops vLLM for four seconds when seqctx is killed and vLLM ignores SIGTERM."""
    cfg = target_config("voice.yaml")
    (served / "go").touch()
    (served / "stubborn").touch()
    command = [sys.executable, "-m", "seqctx", "serve", "voice.yaml"]
    with subprocess.Popen(command, cwd=served, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and "/v1 serves" in process.stdout.readline()
        process.kill()
    assert ServerFiles(port).record.exists()
    check_port(cfg)
    assert not ServerFiles(port).record.exists()


def test_of_two_servers_started_at_once_one_serves(served: Path) -> None:
    command = [sys.executable, "-m", "seqctx", "serve", "voice.yaml"]
    both = [
        subprocess.Popen(
            command, cwd=served, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    try:
        deadline = time.monotonic() + 60
        while all(process.poll() is None for process in both):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        (served / "go").touch()
        (refused_one,) = [process for process in both if process.poll() is not None]
        (serving_one,) = [process for process in both if process is not refused_one]
        assert refused_one.returncode == 1
        assert "is used by a server that seqctx started" in refused_one.communicate()[1]
        assert serving_one.stdout is not None
        assert "/v1 serves base (base) and voice (adapter)" in serving_one.stdout.readline()
    finally:
        for process in both:
            process.terminate()
            process.communicate()


def test_detached_all_errors_are_shown(served: Path) -> None:
    block = "--set", "vllm.uds=/tmp/s", "--set", "vllm.max_model_len=9000"
    answer = seqctx("serve", "voice.yaml", "--detach", *block, cwd=served)
    assert answer.returncode == 1
    assert "vllm.uds: " in answer.stderr and "vllm.max_model_len: 9000" in answer.stderr
    assert not list((served / "outputs").glob("serve-*"))
    (served / "fail").touch()
    (served / "go").touch()
    answer = seqctx("serve", "voice.yaml", "--detach", cwd=served)
    assert answer.returncode == 3
    assert "ddress already in use" in answer.stderr.splitlines()[-1]
    assert not list((served / "outputs").glob("serve-*.out"))


def test_over_tls_with_a_key_of_the_file(served: Path, port: int) -> None:
    if not (openssl := shutil.which("openssl")):
        pytest.skip("no openssl")
    made = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=elsewhere.test"]
    subprocess.run([*made, "-keyout", "k.pem", "-out", "c.pem"], check=True, capture_output=True)
    (served / "go").touch()
    block = f"{{port: {port}, ssl_certfile: c.pem, ssl_keyfile: k.pem, api_key: [the-key]}}"
    text = (served / "voice.yaml").read_text().partition("vllm:")[0]
    (served / "voice.yaml").write_text(f"{text}vllm: {block}\n")
    cfg = target_config("voice.yaml")
    with serving(cfg, server_log(cfg)) as server:
        assert server.url == f"https://127.0.0.1:{port}"
        found = server_status(server.address)
        assert found.models == ("base", "voice")
        assert (found.running, round(found.kv_use, 2)) == (2, 0.65)
        assert seqctx("serve", "voice.yaml", "--status", cwd=served).returncode == 0
        refused = seqctx("serve", "--status", cwd=served)
        assert "HTTP 401" in refused.stderr and "or name its file" in refused.stderr
        assert "the-key" not in server_log(cfg).read_text()
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):  # of one that has ended
                assert b"the-key" not in path.read_bytes()


def test_arguments_of_another_type_are_one_sentence() -> None:
    config: Any = {}
    with pytest.raises(InputError, match="cfg: must be a Config .got dict.. Use seqctx.load_conf"):
        serve_command(config)
    with pytest.raises(InputError, match="target: must be a str .got dict."):
        target_config(config)


def test_each_port_has_its_own_log(served: Path) -> None:
    (served / "outputs/voice/run").mkdir()
    cfg = target_config("voice.yaml")
    other_port = cfg.replace(vllm__port=18998)
    assert server_log(cfg) != server_log(other_port)
    assert server_log(other_port) == Path("outputs/voice/run/serve-18998.log")


def refused(*arguments: str, cwd: Path, text: bytes = b"", **env: str) -> str:
    """The one line of a verb that fails, without a traceback."""
    answer = seqctx(*arguments, cwd=cwd, stdin=text, **env)
    assert answer.returncode in (1, 2, 3) and "Traceback" not in answer.stderr, answer.stderr
    return answer.stderr.splitlines()[-1]


def test_a_server_other_than_vllm(served: Path, other: str) -> None:
    line = refused("chat", "--url", f"{other}/v1", cwd=served)
    assert (
        line
        == f"{other}: does not answer as vLLM does. Check that a vLLM server runs at this address."
    )
    assert line == refused("serve", "voice.yaml", "--status", cwd=served)


def test_addresses_keys_and_ports_that_cannot_be_used(served: Path, port: int) -> None:
    at = f"http://127.0.0.1:{port}"
    assert f"{at}: no answer" in refused("chat", "--url", at, cwd=served)
    for url in ("http://[::1", "127.0.0.1:8000"):
        assert f"{url}: not a valid address" in refused("chat", "--url", url, cwd=served)
    for key in ("sek\rret", "l\u00e4cheln"):
        line = refused("chat", "--url", at, cwd=served, VLLM_API_KEY=key)
        assert line.startswith("VLLM_API_KEY: has characters") and key not in line
    for value in ("abc", "[1]", "0"):
        for verb in (("serve", "--stop"), ("serve", "--status"), ("chat",)):
            line = refused(*verb, "--set", f"vllm.port={value}", cwd=served)
            assert line.startswith("--set vllm.port: vllm.port: must be")


def test_a_pipe_of_another_encoding(served: Path) -> None:
    (served / "go").touch()
    cfg = target_config("voice.yaml")
    with serving(cfg, server_log(cfg)) as server:
        line = refused("chat", "--url", server.url, cwd=served, text=b"caf\xe9")
        assert line == "stdin: not UTF-8 text. Convert it to UTF-8, for example with iconv."
        line = refused("chat", "--url", server.url, cwd=served, text=b" " * 100_000_001)
        assert line == "stdin: more than 100 MB, longer than any context. Send less text."
        line = refused("chat", "--url", server.url, "--system", "caf\udce9", cwd=served)
        assert line.startswith("chat: the text is not UTF-8 (got '\\udce9')")
