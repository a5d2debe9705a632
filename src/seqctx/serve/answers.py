"""Reads a server's answers within limits of size and time, whatever the server sends.

httpx counts its time-outs from the last byte, and reads an answer of any size. A server that sends
one byte a second, or without end, would hold or fill this process.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from seqctx.system.visible import visible

if TYPE_CHECKING:
    import httpx

_CONNECTED = ("connection.connect_tcp.complete", "connection.start_tls.complete")
_SHOWN = 400  # characters of a server's own words in an error


class UnexpectedAnswer(Exception):
    """A server answers in a way in which vLLM would not; the text says how."""


@dataclass
class Deadline:
    """Ends a connection when its time is over, whatever the server has sent until then.

    Attributes:
        passed: whether it has ended one.
    """

    passed: bool = False
    _connection: Any = field(default=None, repr=False)

    @property
    def extensions(self) -> dict[str, Any]:
        """What a request of httpx needs so that its connection can be ended."""
        return {"trace": self._trace}

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """End the connection unless the block is left within so many seconds."""
        timer = threading.Timer(seconds, self._end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        if event in _CONNECTED:
            self._connection = info["return_value"]

    def _end(self) -> None:
        self.passed = True
        if self._connection is not None and (
            connected := self._connection.get_extra_info("socket")
        ):
            with suppress(OSError):  # of socket itself: TLS's own would change what is being read
                socket.socket.shutdown(connected, socket.SHUT_RDWR)


def read_body(response: httpx.Response, limit: int) -> bytes:
    """The body of an answer.

    Raises:
        UnexpectedAnswer: when it is larger than the limit [B], or compressed.
    """
    _refuse_compression(response)
    body = bytearray()
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > limit:
            raise UnexpectedAnswer(
                f"sent more than {limit / 1e6:.0f} MB for {response.request.url.path}"
            )
    return bytes(body)


def read_events(
    response: httpx.Response, *, event_limit: int, total_limit: int, seconds: float
) -> Iterator[str]:
    """The data of each server-sent event, as it arrives; events without data are left out.

    Args:
        response: the answer, whose body has not been read.
        event_limit: how much may arrive before an event is whole [B].
        total_limit: how much may arrive [B].
        seconds: how long an event may take.

    Raises:
        UnexpectedAnswer: when the answer is no stream of events, or goes beyond a limit.
    """
    import httpx
    from httpx_sse import EventSource, SSEError

    _refuse_compression(response)
    waiting, total, since = 0, 0, time.monotonic()

    def chunks() -> Iterator[bytes]:
        nonlocal waiting, total
        for chunk in response.iter_raw():
            waiting, total = waiting + len(chunk), total + len(chunk)
            if waiting > event_limit:
                raise UnexpectedAnswer(f"sent {event_limit / 1e6:.0f} MB without a whole event")
            if total > total_limit:
                raise UnexpectedAnswer(f"sent more than {total_limit / 1e6:.0f} MB for one answer")
            if time.monotonic() - since > seconds:
                raise UnexpectedAnswer(f"sent no whole event in {seconds:.0f} seconds")
            yield chunk

    # A response of our own: the server's may name a charset, and Python has charsets that unpack.
    kind = response.headers.get("content-type", "").partition(";")[0]
    source = EventSource(httpx.Response(200, headers={"content-type": kind}, content=chunks()))
    try:
        for event in source.iter_sse():
            waiting, since = 0, time.monotonic()
            if event.data:
                yield event.data
                since = time.monotonic()  # whoever reads may take their time
    except SSEError:
        raise UnexpectedAnswer("does not answer as vLLM does") from None


def _refuse_compression(response: httpx.Response) -> None:
    """Refuse a compressed body, a few of whose bytes may unpack to gigabytes."""
    if response.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise UnexpectedAnswer("sent a compressed answer, which was not asked for")


def shortened(text: str) -> str:
    """A server's own words for an error: one line, without control characters, not long."""
    line = " ".join(text[: 4 * _SHOWN].split())
    return visible(line[:_SHOWN])
