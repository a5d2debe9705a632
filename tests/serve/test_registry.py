"""Records of running servers: which are believed, which are removed, and what is stopped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from seqctx.artifacts.layout import ServerFiles
from seqctx.cli.main import cli
from seqctx.errors import CheckError, InputError
from seqctx.serve.registry import ServerRecord, find_server, running_servers, start_time

PORT = 8001


@pytest.fixture
def outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "outputs").mkdir()
    return tmp_path / "outputs"


@pytest.fixture
def other(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the user's that is no server."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    assert process.poll() is None, "another's process was ended"
    process.kill()
    process.communicate()


def record(process: int, port: int = PORT, **changed: Any) -> str:
    """A record whose process runs, as JSON."""
    fields = {
        "pid": process, "start_time": start_time(process) or 1.7e9, "target": "t", "base": "b",
        "log": "l", "url": f"http://127.0.0.1:{port}", "ready": True,
    }  # fmt: skip
    return json.dumps(fields | changed)


def test_records_of_killed_servers_are_removed(outputs: Path) -> None:
    pid = os.getpid()
    since = start_time(pid)
    assert since is not None
    with pytest.raises(CheckError, match="no server that seqctx started in this folder"):
        find_server(None)
    with ExitStack() as logs:
        for port in (8001, 8002):
            logs.enter_context(ServerFiles(port).log.open("wb"))
        ServerFiles(8001).record.write_text(record(pid))
        ServerFiles(8002).record.write_text(record(pid, 8002, start_time=since - 100))
        ServerFiles(8003).record.write_text(record(ENDED, 8003, start_time=since))
        assert [s.url for s in running_servers()] == ["http://127.0.0.1:8001"]
        assert sorted(path.name for path in outputs.glob("*.json")) == ["serve-8001.json"]
        assert find_server(None).url == "http://127.0.0.1:8001"
        ServerFiles(8001).log.unlink()  # it stays open
        ServerFiles(8002).record.write_text(record(pid, 8002))
        with pytest.raises(CheckError, match="2 servers are running"):
            find_server(None)
        assert find_server(8002).url == "http://127.0.0.1:8002"


ENDED = 2**22 + 1  # above the kernel's highest pid
NO_RECORDS = [
    "", "{", "{}", "[]", "null", "7", '"x"', "\x00\x00", "\xff\xfe", "[" * 10_000, "NaN", "{}" * 99,
    record(ENDED, 8009),
    *(
        record(ENDED, **changed)
        for changed in (
            {"url": "x"}, {"url": "http://127.0.0.1:port"}, {"url": "http://a:b@127.0.0.1:8001"},
            {"url": "http://127.0.0.1:99999999"}, {"url": 5}, {"pid": "x"}, {"pid": None},
            {"pid": -1}, {"pid": 0}, {"pid": 1}, {"pid": 1.5}, {"pid": 10**30}, {"pid": [1]},
            {"start_time": "x"}, {"start_time": float("nan")}, {"base": None},
            {"target": {"a": 1}}, {"target": "x" * 200_000},
        )
    ),
]  # fmt: skip


def commands(*more: str) -> list[tuple[str, ...]]:
    port = ("--set", f"vllm.port={PORT}", *more)
    return [
        ("serve", "--status"), ("serve", "--stop"), ("chat",), ("serve", "--status", *port),
        ("serve", "--stop", *port), ("chat", *port),
    ]  # fmt: skip


def refused(*arguments: str) -> None:
    """Run a command: it ends with one line."""
    result = CliRunner().invoke(cli, list(arguments), input="x")
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code in (1, 2) and len(result.stderr.splitlines()) == 1, result.output


@pytest.mark.parametrize("text", NO_RECORDS, ids=lambda t: ascii(t[:20]))
def test_a_users_own_file_is_not_believed_and_stays(outputs: Path, text: str) -> None:
    path = ServerFiles(PORT).record
    path.write_bytes(text.encode("latin-1"))
    for arguments in commands():
        refused(*arguments)
        assert path.read_bytes() == text.encode("latin-1")


@pytest.mark.parametrize(
    "name", ["serve-x.json", "serve-.json", "serve-8001.5.json", "serve--1.json"]
)
def test_a_file_with_another_name_is_not_believed_and_stays(outputs: Path, name: str) -> None:
    (outputs / name).write_text(record(os.getpid()))
    for arguments in commands()[:3]:
        refused(*arguments)
    assert (outputs / name).is_file()


def test_what_is_no_regular_file_is_not_opened_and_stays(outputs: Path, tmp_path: Path) -> None:
    path = ServerFiles(PORT).record
    for make in (
        lambda: path.mkdir(),
        lambda: os.mkfifo(path),
        lambda: path.symlink_to("/dev/zero"),
        lambda: path.symlink_to(tmp_path / "own.json"),
        lambda: path.symlink_to(path.name),
    ):
        (tmp_path / "own.json").write_text(record(ENDED))
        make()
        for arguments in commands():
            refused(*arguments)
            assert os.path.lexists(path) and (tmp_path / "own.json").is_file()
        path.rmdir() if path.is_dir() else path.unlink()


def test_a_process_that_is_no_server_is_neither_asked_nor_stopped(
    outputs: Path, other: subprocess.Popen[bytes]
) -> None:
    path = ServerFiles(PORT).record
    for pid in (other.pid, os.getpid(), os.getppid()):
        path.write_text(record(pid))
        for arguments in commands():
            refused(*arguments)
            assert path.is_file()
    with pytest.raises(InputError, match=r"serve-8001.json: was not written by a running server"):
        find_server(PORT)


def test_a_record_has_the_type_of_its_fields() -> None:
    assert ServerRecord.model_validate_json(record(os.getpid())).port == PORT
