"""Requests to a server: what is sent, what a stream may look like, and what goes wrong."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from seqctx.errors import InputError, ToolError
from seqctx.serve import Address, complete, server_status, stream_completion
from seqctx.serve.chat import Chat

METRICS = """\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="base"} 2.0
# HELP vllm:num_requests_waiting Number of requests waiting to be processed.
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="base, \\"two\\"} words"} 1.0
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{engine="0"} 2.5e-01
# TYPE vllm:prompt_tokens_total counter
vllm:prompt_tokens_total{engine="0"} 7.0
"""


def data(piece: dict[str, Any]) -> str:
    return f"data: {json.dumps(piece)}\n\n"


def delta(text: str | None) -> str:
    return data({"choices": [{"delta": {"content": text}}]})


class Handler(BaseHTTPRequestHandler):
    """Answers with what the test puts here."""

    status, kind, body = 200, "text/event-stream; charset=utf-8", ""
    asked: list[dict[str, Any]] = []

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        Handler.asked.append(json.loads(sent))
        self.send_response(Handler.status)
        self.send_header("Content-Type", Handler.kind)
        self.end_headers()
        self.wfile.write(Handler.body.encode())

    def do_GET(self) -> None:
        pages = {"/health": "", "/metrics": METRICS, "/v1/models": '{"data": [{"id": "base"}]}'}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(pages[self.path].encode())

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[Address]:
    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Handler.status, Handler.kind, Handler.body = 200, "text/event-stream", ""
    Handler.asked.clear()
    yield Address(f"http://127.0.0.1:{server.server_address[1]}")
    server.shutdown()
    server.server_close()


def test_a_stream_with_comments_and_pieces_without_text(address: Address) -> None:
    Handler.body = ": ping\n\n" + delta(None) + delta("It ") + "event: x\n" + delta("rained.")
    Handler.body += data({"choices": []}) + "data: [DONE]\n\n"
    assert list(stream_completion(address, "base", [], seed=1)) == ["", "It ", "rained."]
    assert complete(address, "base", [], max_tokens=5) == "It rained."
    assert Handler.asked[0]["seed"] == 1 and "max_tokens" not in Handler.asked[0]
    assert Handler.asked[1]["max_tokens"] == 5


@pytest.mark.parametrize(
    "status, kind, body, message",
    [
        (400, "application/json", '{"error": {"message": "too\\nlong"}}', "HTTP 400: too long"),
        (401, "application/json", "{}", "asks for a key. Set VLLM_API_KEY"),
        (500, "text/html", "<html>", "HTTP 500: <html>"),
        (200, "text/html", "<html>", "does not answer as vLLM does"),
        (200, "text/event-stream", "data: {\n\n", "does not answer as vLLM does"),
        (200, "text/event-stream", 'data: {"a": 1}\n\n', "does not answer as vLLM does"),
        (200, "text/event-stream", data({"error": {"code": 404, "message": "no"}}), "HTTP 404"),
    ],
)
def test_a_refusal_is_one_line(
    address: Address, status: int, kind: str, body: str, message: str
) -> None:
    Handler.status, Handler.kind, Handler.body = status, kind, body
    with pytest.raises(ToolError, match=message) as error:
        list(stream_completion(address, "base", [{"role": "user", "content": "x"}]))
    assert "\n" not in str(error.value)


def test_the_status_is_read_from_prometheus_metrics(address: Address) -> None:
    status = server_status(address)
    assert (status.models, status.running, status.waiting, status.kv_use) == (("base",), 2, 1, 0.25)


def test_a_conversation_remembers_what_each_model_wrote(address: Address) -> None:
    Handler.body = delta("Yes.") + "data: [DONE]\n\n"
    chat = Chat(address, ("base", "voice"), answering=("voice",), system="Be short.")
    assert "".join(chat.turn("One?")) == "Yes."
    assert "".join(chat.turn("/both")) == ""
    assert "".join(chat.turn("Two?")) == "base: Yes.\n\nvoice: Yes."
    assert [m["content"] for m in Handler.asked[-1]["messages"]] == [
        "Be short.", "One?", "Yes.", "Two?",
    ]  # fmt: skip
    assert [m["content"] for m in Handler.asked[-2]["messages"]] == ["Be short.", "Two?"]
    assert list(chat.turn("/new")) == ["a new conversation begins"]
    assert list(chat.turn("/none")) == [
        "/none: unknown command. Use one of /base, /adapter, /both, /new."
    ]
    "".join(chat.turn("/base"))
    assert chat.answering == ("base",)


@pytest.mark.parametrize("package", ["httpx", "httpx_sse"])
def test_a_package_that_is_missing_is_one_line(
    address: Address, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=f"needs the package {package}.* pip install seqctx$"):
        list(stream_completion(address, "base", []))
