"""``chat`` and ``serve --status`` against servers that answer as no vLLM does."""

from __future__ import annotations

import json
import re
import time
import tracemalloc
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from seqctx.cli.main import cli
from seqctx.errors import ToolError
from seqctx.serve import Address, client, server_status, stream_completion
from tests.conftest import few_fast
from tests.serve.odd_server import (
    DONE,
    GOOD,
    ODD_HTTP,
    ODD_METRICS,
    ODD_MODELS,
    ODD_STREAMS,
    Answer,
    OddServer,
    delta,
    endless,
    http,
    odd_server,
)

RAW = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
PAGES = ("/health", "/v1/models", "/metrics")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OddServer]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VLLM_API_KEY", "sekret")
    for name in ("_STATUS_SECONDS", "_HEAD_SECONDS", "_EVENT_SECONDS"):
        monkeypatch.setattr(client, name, 0.7)
    with odd_server() as running:
        yield running


def run(*arguments: str, asked: str = "Hello?") -> Result:
    """One command; it must end soon, with its lines and no traceback."""
    started = time.monotonic()
    result = CliRunner().invoke(cli, list(arguments), input=asked)
    assert time.monotonic() - started < 20
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert not RAW.search(result.output), ascii(result.output[:500])
    assert result.exit_code in (0, 1, 3), result.output[:500]
    if result.exit_code:
        assert len(result.stderr.splitlines()) == 1 and len(result.stderr) < 1000
    else:
        assert not result.stderr
    assert "sekret" not in result.output
    return result


def some_fast(answers: Mapping[str, object]) -> list[Any]:
    """The fast suite takes every tenth of many answers."""
    return few_fast(answers, *list(answers)[::10])


def status(server: OddServer) -> Result:
    """``seqctx serve --status`` of the file whose server this is."""
    port = server.url.rpartition(":")[2]
    Path("c.yaml").write_text(f"base_model: ./base\nvllm: {{port: {port}, host: 127.0.0.1}}\n")
    return run("serve", "c.yaml", "--status")


@pytest.mark.parametrize("name", some_fast(ODD_HTTP | ODD_STREAMS), ids=ascii)
def test_chat_with_a_server_whose_answer_is_odd(server: OddServer, name: str) -> None:
    server.answers["/v1/chat/completions"] = (ODD_HTTP | ODD_STREAMS)[name]
    run("chat", "--url", server.url)


@pytest.mark.parametrize("name", some_fast(ODD_HTTP), ids=ascii)
@pytest.mark.parametrize("page", ["/v1/models"])
def test_the_status_of_a_server_whose_page_is_odd(server: OddServer, page: str, name: str) -> None:
    server.answers[page] = ODD_HTTP[name]
    assert status(server).exit_code == 1
    assert run("chat", "--url", server.url).exit_code == 3


@pytest.mark.parametrize("name", some_fast(ODD_MODELS), ids=ascii)
def test_the_status_of_a_server_whose_list_of_models_is_odd(server: OddServer, name: str) -> None:
    server.answers["/v1/models"] = http(ODD_MODELS[name], kind="application/json")
    status(server)
    run("chat", "--url", server.url)


@pytest.mark.parametrize("name", some_fast(ODD_METRICS), ids=ascii)
def test_the_status_of_a_server_whose_metrics_are_odd(server: OddServer, name: str) -> None:
    server.answers["/metrics"] = http(ODD_METRICS[name], kind="text/plain")
    status(server)


def test_the_status_as_json_of_a_server_whose_names_are_odd(server: OddServer) -> None:
    server.answers["/v1/models"] = http(json.dumps({"data": [{"id": "a\x1b[2J"}]}))
    port = server.url.rpartition(":")[2]
    Path("c.yaml").write_text(f"base_model: ./base\nvllm: {{port: {port}, host: 127.0.0.1}}\n")
    (found,) = json.loads(run("serve", "c.yaml", "--status", "--json").output)
    assert found["models"] == ["a\x1b[2J"]


def test_control_characters_of_an_answer_are_shown_as_signs(server: OddServer) -> None:
    server.answers["/v1/chat/completions"] = http(delta("a\x1b]0;t\x07") + DONE)
    assert run("chat", "--url", server.url).stdout == "a\\x1b]0;t\\x07\n"


def test_an_answer_that_is_cut_is_no_whole_answer(server: OddServer) -> None:
    server.answers["/v1/chat/completions"] = http(delta("Half"))
    result = run("chat", "--url", server.url)
    assert result.exit_code == 3 and result.stdout == "Half\n"
    assert "the answer ended before it was whole" in result.stderr


def test_the_key_does_not_follow_a_redirect(server: OddServer) -> None:
    with odd_server() as other:
        moved = http(status="307 Moved", headers=f"Location: {other.url}/v1/models\r\n")
        server.answers |= {"/v1/models": moved}
        assert run("chat", "--url", server.url).exit_code == 3
        server.answers |= {"/v1/models": GOOD["/v1/models"], "/v1/chat/completions": moved}
        assert run("chat", "--url", server.url).exit_code == 3
        assert not other.asked
    assert any(b"sekret" in request for request in server.asked)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["silence", "a slow head", "endless interim answers"])
def test_a_server_that_never_answers_is_given_up(server: OddServer, name: str) -> None:
    server.answers["/v1/models"] = ODD_HTTP[name]
    assert "no answer (" in status(server).stderr


def peak(address: Address, page: str) -> float:
    """The memory that a request takes at most [MB]."""
    tracemalloc.start()
    try:
        with pytest.raises(ToolError):
            if page == "/v1/chat/completions":
                for _ in stream_completion(address, "base", []):
                    pass
            else:
                server_status(address)
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


FLOODS: dict[str, Answer] = {
    "gzip": ODD_HTTP["gzip"],
    "line": endless(http(), b"x" * 65536),
    "events": endless(http(), delta("word " * 1000).encode() * 10),
}


@pytest.mark.slow
@pytest.mark.parametrize("flood", FLOODS)
@pytest.mark.parametrize("page", ["/v1/chat/completions", *PAGES])
def test_a_flood_takes_little_memory(
    server: OddServer, page: str, flood: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_STATUS_SECONDS", 30)
    server.answers[page] = FLOODS[flood]
    assert peak(Address(server.url), page) < 80
