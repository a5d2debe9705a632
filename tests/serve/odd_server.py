"""A server that answers with any bytes, to see what ours do with them."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

Answer = bytes | Callable[[socket.socket], None]
METRICS = "vllm:num_requests_running 2.0\nvllm:kv_cache_usage_perc 0.25\n"


def http(
    body: bytes | str = b"", *, status: str = "200 OK", kind: str = "text/event-stream",
    headers: str = "",
) -> bytes:  # fmt: skip
    """A whole answer that ends with its connection."""
    body = body.encode() if isinstance(body, str) else body
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{headers}Connection: close\r\n\r\n"
    return head.encode("latin-1") + body


def event(data: object) -> str:
    """A server-sent event that holds JSON, or a text as it stands."""
    return f"data: {data if isinstance(data, str) else json.dumps(data)}\n\n"


def delta(content: object) -> str:
    """The event of one piece of an answer."""
    return event({"choices": [{"delta": {"content": content}}]})


DONE = event("[DONE]")
GOOD: dict[str, Answer] = {
    "/health": http(kind="text/plain"),
    "/v1/models": http('{"data": [{"id": "base"}]}', kind="application/json"),
    "/metrics": http(METRICS, kind="text/plain"),
    "/v1/chat/completions": http(delta("Good.") + DONE),
}


class OddServer:
    """The server; `answers` may be changed while it runs.

    Attributes:
        answers: what each path is answered with; the pages of `GOOD` unless changed.
        asked: the requests as they came, head and body.
        url: its root.
    """

    def __init__(self) -> None:
        self.answers = dict(GOOD)
        self.asked: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError, ValueError):
            connection.settimeout(20)
            request = b""
            while b"\r\n\r\n" not in request:
                if not (part := connection.recv(65536)):
                    return
                request += part
            self.asked.append(request)
            path = request.split()[1].decode("latin-1")
            answer = self.answers.get(path, http("", status="404 Not Found"))
            if callable(answer):
                answer(connection)
            else:
                connection.sendall(answer)
            with suppress(OSError):  # what the client still sends must not reset the connection
                connection.shutdown(socket.SHUT_WR)
                connection.settimeout(0.2)
                while connection.recv(65536):
                    pass


@contextmanager
def odd_server() -> Iterator[OddServer]:
    """An `OddServer` while the block lasts."""
    server = OddServer()
    try:
        yield server
    finally:
        server.close()


def silent(connection: socket.socket) -> None:
    """Accepts, and never answers."""
    with suppress(OSError):
        connection.recv(1)


def half(connection: socket.socket) -> None:
    """One piece, then nothing."""
    connection.sendall(http(delta("Half")))
    silent(connection)


def drip(head: bytes, part: bytes) -> Answer:
    """A part every tenth of a second, for ever."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(200):
            connection.sendall(part)
            time.sleep(0.1)

    return answer


def endless(head: bytes, part: bytes) -> Answer:
    """The same bytes for ever, as fast as they are taken."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(part)

    return answer


def reset(connection: socket.socket) -> None:
    """Ends the connection hard, in the middle."""
    connection.sendall(http(delta("Half")))
    time.sleep(0.05)
    linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    connection.close()


def chunked(*chunks: str, kind: str = "text/event-stream") -> bytes:
    """An answer in HTTP's chunks, each as it stands."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n"
    return (head + "".join(chunks)).encode("latin-1")


def speaks_tls(connection: socket.socket) -> None:
    """Answers as a server of TLS answers one that speaks plain HTTP: with an alert."""
    connection.sendall(b"\x15\x03\x01\x00\x02\x02\x46")


def bomb(megabytes: int) -> bytes:
    """Zeros, packed to a thousandth."""
    return gzip.compress(bytes(megabytes * 10**6), 6)


def deep(depth: int) -> str:
    return "[" * depth + "]" * depth


def choice(value: Any) -> str:
    return event({"choices": value})


ESCAPES = "\x1b]0;t\x07\x1b]52;c;eA==\x07\x9b2J\u202e"
HTML = f"<html>\n<body>{ESCAPES} no </body></html>" + "x" * 10**5
REFUSALS = {
    code: http(HTML, status=code, kind="text/html")
    for code in ("201 Created", "204 No Content", "206 Partial Content", "400 Bad Request",
                 "401 Unauthorized", "403 Forbidden", "404 Not Found", "407 Proxy", "408 Slow",
                 "418 \x1b[2J", "429 Many", "500 Internal", "502 Bad Gateway", "503 No", "599 ?",
                 "999 ?")
}  # fmt: skip
ODD_HTTP: dict[str, Answer] = {
    "nothing": b"",
    "no HTTP": b"hello\n" * 100,
    "escapes instead of HTTP": ESCAPES.encode() * 50,
    "nul": bytes(10000),
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Type: text/ev",
    "a status that is no number": b"HTTP/1.1 OK 200\r\n\r\n",
    "a header without a colon": b"HTTP/1.1 200 OK\r\nContent-Type\r\n\r\n",
    "a header of megabytes": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 5_000_000 + b"\r\n\r\n",
    "endless headers": endless(b"HTTP/1.1 200 OK\r\n", b"X-Y: z\r\n" * 100),
    "a slow head": drip(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "endless interim answers": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "silence": silent,
    "closed in the middle": reset,
    "tls": speaks_tls,
    "too long for its length": http(delta("x") + DONE, headers="Content-Length: 3\r\n"),
    "too short for its length": http(delta("x"), headers="Content-Length: 5000\r\n"),
    "a length below zero": http("x", headers="Content-Length: -1\r\n"),
    "a length that is no number": http("x", headers="Content-Length: many\r\n"),
    "two lengths": http("x", headers="Content-Length: 1\r\nContent-Length: 2\r\n"),
    "a length of digits": http("x", headers=f"Content-Length: {'9' * 5000}\r\n"),
    "a chunk that is no number": chunked("zz\r\nabc\r\n"),
    "a chunk that is cut": chunked("ff\r\nabc"),
    "a chunk of exabytes": chunked(f"{'f' * 15}\r\nabc"),
    "no last chunk": chunked("3\r\nabc\r\n"),
    "an unknown coding": http("x", headers="Transfer-Encoding: pigeon\r\n"),
    "gzip": http(bomb(200), headers="Content-Encoding: gzip\r\n"),
    "gzip in gzip": http(bomb(2), headers="Content-Encoding: gzip, gzip\r\n"),
    "broken gzip": http(b"\x1f\x8b\x08junk", headers="Content-Encoding: gzip\r\n"),
    "deflate": http(b"junk", headers="Content-Encoding: deflate\r\n"),
    "an unknown compression": http(b"junk", headers="Content-Encoding: \x7fbr0t\xff\r\n"),
    "redirect to nowhere": http(status="302 Found", headers="Location: http://[::1\r\n"),
    "redirect to an odd place": http(status="301 M", headers="Location: \xffhttp://\xe4\\:x\r\n"),
    "redirect to itself": http(status="307 T", headers="Location: /v1/chat/completions\r\n"),
    "redirect to a file": http(status="308 P", headers="Location: file:///etc/passwd\r\n"),
    "odd cookies": http(
        DONE, headers="Set-Cookie: =;;;\r\nSet-Cookie: a=b; expires=\xff; max-age=x; domain=.\r\n"
        f"Set-Cookie: {'k=' + 'v' * 5000}; path=\x01\r\n",
    ),  # fmt: skip
    "upgrade": b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\njunk",
    "http 0.9": b"<html>old</html>",
    "http 2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    **REFUSALS,
}  # fmt: skip
ODD_STREAMS: dict[str, Answer] = {
    "no event stream": http(HTML, kind="text/html"),
    "no kind": http(delta("x") + DONE, kind=""),
    "json instead": http('{"choices": []}', kind="application/json"),
    **{
        f"charset {name}": http(delta("x") + DONE, kind=f"text/event-stream; charset={name}")
        for name in ("zlib", "bz2", "hex", "base64", "rot13", "idna", "undefined", "utf-16", "\xff")
    },
    "empty": http(),
    "only done": http(DONE),
    "no done": http(delta("Half")),
    **{
        f"data {text[:40]}": http(event(text) + DONE)
        for text in (
            "{oops",
            '{"x": 1}',
            "[]",
            "null",
            "1",
            '"x"',
            "NaN",
            "-Infinity",
            "1" * 10**5,
            deep(100_000),
            '{"choices":' * 50_000,
            '{"error": "boom"}',
            '{"error": null}',
            '{"error": 5}',
            '{"error": []}',
            '{"error": {}}',
            '{"error": {"message": 5}}',
            '{"error": {"message": null, "code": [1]}}',
            '{"error": {"message": "a\\u001b[2Jb"}}',
            '{"error": {"message": "m", "code": "\\u001b[2J"}}',
            "\\",
            "\x00",
            "\x1b[2J",
            '{"choices": [{"delta": {"content": "\\ud800"}}]}',
            '{"choices": [{"delta": null}]}',
            '{"choices": [{"delta": {"content": "\\udc00\\ud800"}}]}',
            '{"choices": [], "n": NaN}',
        )
    },
    **{
        f"choices {str(value)[:40]}": http(choice(value) + DONE)
        for value in (
            None,
            1,
            "x",
            {},
            [None],
            [1],
            ["x"],
            [[]],
            [{}],
            [{"delta": 1}],
            [{"delta": []}],
            [{"delta": {}}],
            [{"delta": {"content": 1}}],
            [{"delta": {"content": []}}],
            [{"delta": {"content": {"a": 1}}}],
            [{"delta": {"content": True}}],
            True,
            1e400,
            [{"delta": {"role": 7, "content": None}}],
            [{"message": {"content": "x"}}],
        )
    },
    "escapes": http(delta(ESCAPES) + DONE),
    "escapes in two pieces": http(delta("\x1b") + delta("]0;t\x07") + DONE),
    "nul and carriage return": http(delta("a\0b\rc\bd") + DONE),
    "no utf-8": http(b'data: {"choices": [{"delta": {"content": "\xff\xfe\xc3"}}]}\n\n'),
    "utf-16": http(delta("x").encode("utf-16")),
    "byte order mark": http(("\ufeff" + delta("x") + DONE).encode()),
    "carriage returns": http((delta("x") + DONE).replace("\n", "\r")),
    "line separators": http(event("{\u2028}") + event("\x0b\x0c\x1c\x85") + DONE),
    "other fields": http("id: 1\x00\nretry: x\nevent: y\nfoo: bar\n\n" + delta("x") + DONE),
    "retry of digits": http("retry: " + "9" * 9000 + "\n\n" + DONE),
    "an id and nothing": http("id: 1\n" + "\n" * 1000 + delta("x") + DONE),
    "data in many lines": http("data:\n" * 1000 + "\n" + DONE),
    "a line of megabytes": http("data: " + "x" * 5_000_000 + "\n\n" + DONE),
    "an endless line": endless(http(), b"x" * 65536),
    "endless comments": endless(http(), b": ping\n\n" * 1000),
    "endless newlines": endless(http(), b"\n" * 65536),
    "slow bytes": drip(http(), b"x"),
    "slow comments": drip(http(), b": ping\n\n"),
    "an event, then silence": half,
}
ODD_MODELS = {
    text[:40]: text
    for text in (
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"data": null}',
        '{"data": 5}',
        '{"data": "x"}',
        '{"data": []}',
        '{"data": {}}',
        '{"data": [null]}',
        '{"data": ["x"]}',
        '{"data": [{}]}',
        '{"data": [{"id": null}]}',
        '{"data": [{"id": 5}]}',
        '{"data": [{"id": ["x"]}]}',
        '{"data": [{"id": ""}]}',
        '{"data": [{"id": "\\ud800"}]}',
        deep(100_000),
        "\xff\0",
        json.dumps({"data": [{"id": ESCAPES}]}),
        json.dumps({"data": [{"id": "a\nb"}]}),
        '{"data":' * 50_000,
        "1" * 10**5,
    )
}
ODD_METRICS = {
    text[:40]: text
    for text in (
        "",
        "nonsense",
        HTML,
        "\0" * 100,
        "vllm:num_requests_running",
        "# TYPE",
        "vllm:num_requests_running NaN\n",
        "vllm:num_requests_running +Inf\n",
        "vllm:num_requests_running -1\n",
        "vllm:num_requests_running 1e308\n",
        "vllm:kv_cache_usage_perc 1e300\n",
        "vllm:kv_cache_usage_perc{\n",
        'vllm:kv_cache_usage_perc{a="\n',
        'vllm:kv_cache_usage_perc{a="b" 1\n',
        "vllm:kv_cache_usage_perc{=} 1\n",
        'vllm:kv_cache_usage_perc{a="\\\n',
        "vllm:num_requests_running 1 2 3\n",
        "vllm:num_requests_running 1 1e400\n",
        "vllm:num_requests_running x\n",
        "vllm:num_requests_running " + "9" * 10**5 + "\n",
        "vllm:kv_cache_usage_perc{" * 10_000,
        "vllm:num_requests_running 1\n" * 50_000,
        'vllm:kv_cache_usage_perc{a="' + "\\" * 10**5 + "\n",
        "vllm:num_requests_running{} 1\r\n",
        "vllm:num_requests_running # {} 1\n",
        "vllm:num_requests_running \u0663\n",
    )
}
