"""Mutated answers of servers: ``chat`` and ``serve --status`` end in one line, soon."""

from __future__ import annotations

import json
import random
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqctx.serve import client
from tests.fuzz.seeds import STREAMS_EACH, input_of, seeds
from tests.serve.odd_server import (
    DONE,
    ESCAPES,
    GOOD,
    METRICS,
    ODD_HTTP,
    ODD_METRICS,
    ODD_MODELS,
    ODD_STREAMS,
    Answer,
    chunked,
    delta,
    event,
    http,
    odd_server,
)
from tests.serve.test_odd_servers import run

KINDS = [
    "text/event-stream",
    "text/html",
    "application/json",
    "",
    "text/event-stream; charset=zlib",
]
HEADERS = [
    "Content-Encoding: gzip", "Content-Encoding: br", "Content-Length: 7", "Content-Length: -1",
    "Transfer-Encoding: chunked", "Location: //x", "Set-Cookie: a=b; expires=x", "X: \x1b[2J",
    "Connection: upgrade", "Content-Range: bytes 0-1/2", "Retry-After: 1e9", "Trailer: x",
    "WWW-Authenticate: Basic", "Content-Type: text/event-stream", ": x", "X: " + "y" * 90_000,
]  # fmt: skip
CODES = ["200 OK"] * 8 + ["200", "200 \x1b[2J", "301 M", "401 U", "404 N", "500 E", "600 X", "20 O"]
PARTS = [
    b"\n", b"\r", b"\r\n", b"\n\n", b"\0", b"\x1b[2J", b"\xff", b"\xc3", b"\xed\xa0\x80", b"data: ",
    b"data:", b"id: 1\n", b"retry: 9\n", b": \n", b"event: error\n", b"[DONE]", b"{", b"}", b"[",
    b'"', b"\\", b"\\ud800", b"\\u001b", b"NaN", b"1e999", b"null", b"HTTP/1.1 100 C\r\n\r\n",
    b'{"error": {"message": "x"}}', b"\xe2\x80\xa8", b"\xef\xbb\xbf", b"9" * 5000, b"[" * 3000,
]  # fmt: skip


def value(chance: random.Random, depth: int = 0) -> Any:
    """Any JSON, with the keys that ours read."""
    kind = chance.randrange(9 if depth < 4 else 6)
    if kind < 6:
        return chance.choice(
            [None, True, 0, -1, 1e308, 10**30, "", "x", ESCAPES, "\ud800", "\0", "a\nb", "ä" * 300]
        )
    if kind == 6:
        return [value(chance, depth + 1) for _ in range(chance.randrange(4))]
    keys = ["choices", "delta", "content", "error", "message", "code", "data", "id", "x\x1b"]
    return {chance.choice(keys): value(chance, depth + 1) for _ in range(chance.randrange(4))}


def piece(chance: random.Random) -> str:
    """An event, near to what vLLM sends."""
    return chance.choice(
        [
            lambda: delta(chance.choice(["It ", "rained.", ESCAPES, "", None])),
            lambda: delta(value(chance)),
            lambda: event({"choices": [{"delta": value(chance)}]}),
            lambda: event({"choices": value(chance)}),
            lambda: event({"error": value(chance)}),
            lambda: event(value(chance)),
            lambda: ": ping\n\n",
            lambda: "event: x\nid: 7\n",
        ]
    )()


def body(chance: random.Random, page: str) -> str:
    """What a page holds, before it is mutated."""
    match page:
        case "/v1/models":
            listed: object = {"data": [{"id": value(chance)} for _ in range(chance.randrange(3))]}
            odd = [json.dumps(listed), json.dumps({"data": value(chance)}), json.dumps(listed)]
            return chance.choice([*odd, *ODD_MODELS.values()])
        case "/metrics":
            return chance.choice([METRICS, METRICS * 3, *ODD_METRICS.values()])
        case _:
            pieces = "".join(piece(chance) for _ in range(chance.randrange(6)))
            return pieces + chance.choice([DONE, DONE, ""])


def answer(chance: random.Random, page: str) -> bytes:
    """A whole answer, with errors in its head and its body."""
    text = body(chance, page)
    lines = chance.sample(HEADERS, chance.choice([0, 0, 0, 1, 2]))
    held = text.encode("utf-8", "surrogatepass")
    if chance.random() < 0.2:
        size = chance.choice([f"{len(held):x}"] * 4 + ["5", "ffff", "-1", "", "zz"]).encode()
        raw = chunked() + size + b"\r\n" + held + b"\r\n0\r\n\r\n"
    else:
        raw = http(
            held, status=chance.choice(CODES), kind=chance.choice(KINDS[:1] * 6 + KINDS),
            headers="".join(f"{line}\r\n" for line in lines),
        )  # fmt: skip
    for _ in range(chance.choice([0, 0, 1, 1, 2, 5])):
        place = chance.randrange(len(raw) + 1)
        end = place + chance.choice([0, 0, 1, 4, 30])
        raw = raw[:place] + chance.choice([b"", *PARTS]) + raw[end:]
    return raw


def in_pieces(raw: bytes, chance: random.Random) -> Callable[[socket.socket], None]:
    """Sends bytes in several pieces, so that a line or a character may be cut."""
    cuts = sorted(chance.randrange(len(raw) + 1) for _ in range(chance.randrange(4)))

    def send(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
            connection.sendall(raw[start:end])
            time.sleep(0.001)

    return send


def test_what_servers_send(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VLLM_API_KEY", "sekret")
    for name in ("_STATUS_SECONDS", "_HEAD_SECONDS", "_EVENT_SECONDS"):
        monkeypatch.setattr(client, name, 0.7)
    quick = [a for a in (ODD_HTTP | ODD_STREAMS).values() if isinstance(a, bytes)]
    with odd_server() as server:
        port = server.url.rpartition(":")[2]
        Path("c.yaml").write_text(f"base_model: ./base\nvllm: {{port: {port}, host: 127.0.0.1}}\n")
        for seed in seeds(STREAMS_EACH):
            chance = random.Random(seed)
            page = chance.choice(
                ["/v1/chat/completions"] * 4 + ["/v1/models", "/metrics", "/health"]
            )
            raw = answer(chance, page) if chance.random() < 0.8 else chance.choice(quick)
            odd: Answer = in_pieces(raw, chance)
            server.answers = GOOD | {page: odd}
            with input_of(seed, __file__):
                run("chat", "--url", server.url)
                if page != "/v1/chat/completions":
                    run("serve", "c.yaml", "--status", *chance.choice([(), ("--json",)]))
