"""In-environment script: an ASGI middleware with which every path of vLLM needs the API key.

vLLM's own key guards the paths that begin with /v1, /v2, /inference and /cohere (vLLM 0.32,
entrypoints/serve/middleware/authenticate.py). Of the others, /invocations answers as
/v1/chat/completions does.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

OPEN = "/health"
"""The only path without a key: programs that watch a server ask it whether it is alive."""


class ApiKeyGuard:
    """Answers requests without the key of ``VLLM_API_KEY`` with 401.

    Only `OPEN` and the method OPTIONS, with which a browser asks what it may send, need none.
    """

    def __init__(self, app: App) -> None:
        """Guard an application; it must not start without a key."""
        self.app = app
        self.expected = os.environ["VLLM_API_KEY"].encode()
        if not self.expected:
            raise RuntimeError("VLLM_API_KEY is empty")

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request, or hand it on."""
        if scope["type"] not in ("http", "websocket") or self.may_pass(scope):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "Unauthorized"})
        else:
            headers = [(b"content-type", b"application/json"), (b"www-authenticate", b"Bearer")]
            await send({"type": "http.response.start", "status": 401, "headers": headers})
            await send({"type": "http.response.body", "body": b'{"error": "Unauthorized"}'})

    def may_pass(self, scope: Message) -> bool:
        """Whether a request needs no key, or carries it."""
        paths = (OPEN, scope.get("root_path", "") + OPEN)
        if scope.get("method") == "OPTIONS" or (scope["type"] == "http" and scope["path"] in paths):
            return True
        for name, value in scope["headers"]:
            if name.lower() == b"authorization":
                scheme, _, key = value.partition(b" ")
                return scheme.lower() == b"bearer" and secrets.compare_digest(key, self.expected)
        return False
