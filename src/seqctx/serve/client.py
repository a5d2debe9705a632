"""Asking a server: chat completions, streamed or whole, and how it is doing."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from seqctx.errors import ToolError

Messages = list[dict[str, str]]
_METRICS = {  # vLLM 0.32: v1/metrics/loggers.py
    "running": "vllm:num_requests_running",
    "waiting": "vllm:num_requests_waiting",
    "kv_use": "vllm:kv_cache_usage_perc",
}


@dataclass(frozen=True, slots=True)
class Health:
    """How a server is doing.

    Attributes:
        url: its root.
        models: names that it answers to, the base first.
        running: requests that are being answered.
        waiting: requests that wait for room.
        kv_use: share of the cache that is taken, 0 to 1.
    """

    url: str
    models: tuple[str, ...]
    running: int
    waiting: int
    kv_use: float


def headers() -> dict[str, str]:
    """The key that a server with ``VLLM_API_KEY`` asks for."""
    key = os.environ.get("VLLM_API_KEY")
    return {"Authorization": f"Bearer {key}"} if key else {}


def health(url: str) -> Health:
    """How the server at a root such as ``http://127.0.0.1:8000`` is doing.

    Raises:
        ToolError: when nothing answers there, or it is no vLLM.
    """
    import httpx

    with httpx.Client(base_url=url, timeout=10, trust_env=False, headers=headers()) as client:
        try:
            client.get("/health").raise_for_status()
            models = client.get("/v1/models")
            models.raise_for_status()
            metrics = client.get("/metrics").text
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            remedy = "Set VLLM_API_KEY." if status == 401 else "Is it a vLLM server?"
            raise ToolError(
                f"{url}: HTTP {status} for {error.request.url.path}. {remedy}"
            ) from None
        except httpx.TransportError as error:
            raise ToolError(f"{url}: no answer ({error}). Start it: seqctx serve.") from None
    values = {
        name: sum(float(v) for v in re.findall(rf"^{metric}{{[^}}]*}} (\S+)", metrics, re.M))
        for name, metric in _METRICS.items()
    }
    return Health(
        url=url,
        models=tuple(m["id"] for m in models.json()["data"]),
        running=int(values["running"]),
        waiting=int(values["waiting"]),
        kv_use=values["kv_use"],
    )


def stream(
    url: str,
    model: str,
    messages: Messages,
    *,
    max_tokens: int | None = None,
    temperature: float = 0.7,
    seed: int | None = None,
) -> Iterator[str]:
    """One chat completion, piece by piece as it is written.

    Args:
        url: the server's root.
        model: the name of base or adapter.
        messages: the conversation.
        max_tokens: of the answer; None for as many as the window leaves.
        temperature: of the draw.
        seed: of the draw; None for another answer each time.

    Raises:
        ToolError: when the server refuses the request, with its reason, or stops answering.
    """
    import httpx

    body: dict[str, Any] = {
        "model": model, "messages": messages, "temperature": temperature, "stream": True,
    }  # fmt: skip
    body |= {} if max_tokens is None else {"max_tokens": max_tokens}
    body |= {} if seed is None else {"seed": seed}
    try:
        with (
            httpx.Client(timeout=600, trust_env=False, headers=headers()) as client,
            client.stream("POST", f"{url}/v1/chat/completions", json=body) as answer,
        ):
            if answer.status_code != 200:
                raise ToolError(f"vllm: {_reason(answer.status_code, answer.read().decode())}")
            for line in answer.iter_lines():
                data = line.removeprefix("data: ")
                if line == data or data == "[DONE]":
                    continue
                piece = json.loads(data)
                if "error" in piece:
                    raise ToolError(f"vllm: {_reason(piece['error'].get('code'), data)}")
                for choice in piece["choices"]:
                    yield choice["delta"].get("content") or ""
    except httpx.TransportError as error:
        raise ToolError(f"vllm: {url}: no answer ({error}). Is the server up?") from None


def ask(
    url: str, model: str, messages: Messages, *, max_tokens: int, temperature: float = 0.7,
    seed: int = 0,
) -> str:  # fmt: skip
    """One chat completion, whole.

    Raises:
        ToolError: as `stream`.
    """
    return "".join(
        stream(url, model, messages, max_tokens=max_tokens, temperature=temperature, seed=seed)
    )


def _reason(status: Any, text: str) -> str:
    """What a refusal says, in one line."""
    try:
        text = json.loads(text)["error"]["message"]
    except (ValueError, KeyError, TypeError):
        pass
    text = " ".join(text.split())[:400]
    if status == 401:
        return "it asks for a key. Set VLLM_API_KEY to what the server was started with."
    return f"HTTP {status}: {text}"
