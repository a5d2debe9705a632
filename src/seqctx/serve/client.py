"""Asking a server: chat completions, streamed or whole, and how it is doing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from seqctx.errors import InputError, ToolError
from seqctx.serve.address import Address

Messages = list[dict[str, str]]
_METRICS = {  # vLLM 0.32: v1/metrics/loggers.py
    "running": "vllm:num_requests_running",
    "waiting": "vllm:num_requests_waiting",
    "kv_use": "vllm:kv_cache_usage_perc",
}
_KEY_REMEDY = "Set VLLM_API_KEY to what the server was started with, or name its file."


@dataclass(frozen=True, slots=True)
class Health:
    """How a server is doing.

    Attributes:
        url: its root.
        models: names that it answers to, the base first.
        running: requests that are being answered.
        waiting: requests that wait for room.
        kv_use: share of the cache that is taken, 0 to 1; of several engines, the mean.
    """

    url: str
    models: tuple[str, ...]
    running: int
    waiting: int
    kv_use: float


def health(address: Address) -> Health:
    """How a server is doing.

    Raises:
        ToolError: when nothing answers there, or it is no vLLM.
        InputError: when the address is none.
    """
    import httpx

    url = address.url
    with address.client(10) as client:
        try:
            client.get("/health").raise_for_status()
            models = client.get("/v1/models")
            models.raise_for_status()
            names = tuple(m["id"] for m in models.json()["data"])
            metrics = client.get("/metrics").text
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            remedy = _KEY_REMEDY if status == 401 else "Is it a vLLM server?"
            raise ToolError(
                f"{url}: HTTP {status} for {error.request.url.path}. {remedy}"
            ) from None
        except (ValueError, KeyError, TypeError):
            raise ToolError(f"{url}: answers, but not as vLLM does. Is it a vLLM server?") from None
        except httpx.RequestError as error:
            raise ToolError(f"{url}: no answer ({error}). Start it: seqctx serve.") from None
    values = {  # one of each engine
        name: [float(v) for v in re.findall(rf"^{metric}{{[^}}]*}} (\S+)", metrics, re.M)]
        for name, metric in _METRICS.items()
    }
    return Health(
        url=url,
        models=names,
        running=int(sum(values["running"])),
        waiting=int(sum(values["waiting"])),
        kv_use=sum(values["kv_use"]) / max(1, len(values["kv_use"])),
    )


def stream(
    address: Address,
    model: str,
    messages: Messages,
    *,
    max_tokens: int | None = None,
    temperature: float = 0.7,
    seed: int | None = None,
) -> Iterator[str]:
    """One chat completion, piece by piece as it is written.

    Args:
        address: the server's.
        model: the name of base or adapter.
        messages: the conversation.
        max_tokens: of the answer; None for as many as the window leaves.
        temperature: of the draw.
        seed: of the draw; None for another answer each time.

    Raises:
        ToolError: when the server refuses the request, with its reason, or stops answering.
        InputError: when the messages are no text that can be sent.
    """
    import httpx

    body: dict[str, Any] = {
        "model": model, "messages": messages, "temperature": temperature, "stream": True,
    }  # fmt: skip
    body |= {} if max_tokens is None else {"max_tokens": max_tokens}
    body |= {} if seed is None else {"seed": seed}
    try:
        with (
            address.client(600) as client,
            client.stream("POST", "/v1/chat/completions", json=body) as answer,
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
    except UnicodeEncodeError as error:
        got = ascii(error.object[error.start : error.end])
        raise InputError(f"chat: not UTF-8 text (got {got}). Convert it, as iconv does.") from None
    except httpx.RequestError as error:
        raise ToolError(f"vllm: {address.url}: no answer ({error}). Is the server up?") from None


def ask(
    address: Address, model: str, messages: Messages, *, max_tokens: int, temperature: float = 0.7,
    seed: int = 0,
) -> str:  # fmt: skip
    """One chat completion, whole.

    Raises:
        ToolError, InputError: as `stream`.
    """
    return "".join(
        stream(address, model, messages, max_tokens=max_tokens, temperature=temperature, seed=seed)
    )


def _reason(status: Any, text: str) -> str:
    """What a refusal says, in one line."""
    try:
        text = json.loads(text)["error"]["message"]
    except (ValueError, KeyError, TypeError):
        pass
    text = " ".join(text.split())[:400]
    if status == 401:
        return f"it asks for a key. {_KEY_REMEDY}"
    return f"HTTP {status}: {text}"
