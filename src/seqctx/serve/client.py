"""Requests to a server: chat completions, streamed or whole, and the server's status."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from seqctx.errors import InputError, ToolError
from seqctx.serve.address import Address
from seqctx.system.extras import needs_extra

Messages = list[dict[str, str]]
_GAUGES = {  # vLLM 0.32: v1/metrics/loggers.py
    "running": "vllm:num_requests_running",
    "waiting": "vllm:num_requests_waiting",
    "kv_use": "vllm:kv_cache_usage_perc",
}
_KEY_REMEDY = "Set VLLM_API_KEY to the key that the server was started with, or name its file."
_NOT_VLLM = "Check that a vLLM server runs at this address."


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """The status of a server.

    Attributes:
        url: its root.
        models: names of the models that it serves, the base first.
        running: requests that it is answering.
        waiting: requests that wait for memory.
        kv_use: share of the KV cache in use, 0 to 1; the mean over several engines.
    """

    url: str
    models: tuple[str, ...]
    running: int
    waiting: int
    kv_use: float


def server_status(address: Address) -> ServerStatus:
    """Ask a server for its status.

    Raises:
        ToolError: when no server answers there, or one other than vLLM.
        InputError: when the address is invalid.
    """
    with needs_extra("", "server status"):
        import httpx

    url = address.url
    with address.client(10) as client:
        try:
            client.get("/health").raise_for_status()
            models = client.get("/v1/models")
            models.raise_for_status()
            names = tuple(m["id"] for m in models.json()["data"])
            gauges = _gauges(client.get("/metrics").text)
        except httpx.HTTPStatusError as error:
            status = error.response.status_code
            remedy = _KEY_REMEDY if status == 401 else _NOT_VLLM
            raise ToolError(
                f"{url}: HTTP {status} for {error.request.url.path}. {remedy}"
            ) from None
        except (ValueError, KeyError, TypeError):
            raise ToolError(f"{url}: does not answer as vLLM does. {_NOT_VLLM}") from None
        except httpx.RequestError as error:
            raise ToolError(
                f"{url}: no answer ({error}). Start a server with seqctx serve."
            ) from None
    return ServerStatus(
        url=url,
        models=names,
        running=int(sum(gauges["running"])),
        waiting=int(sum(gauges["waiting"])),
        kv_use=sum(gauges["kv_use"]) / max(1, len(gauges["kv_use"])),
    )


def _gauges(metrics: str) -> dict[str, list[float]]:
    """The values of each gauge, one for each engine.

    Raises:
        ValueError: when the text is not in Prometheus' format.
    """
    with needs_extra("", "server status"):
        from prometheus_client.parser import text_string_to_metric_families

    samples = [s for family in text_string_to_metric_families(metrics) for s in family.samples]
    return {
        name: [sample.value for sample in samples if sample.name == gauge]
        for name, gauge in _GAUGES.items()
    }


def stream_completion(
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
        model: name of the base or the adapter.
        messages: the conversation.
        max_tokens: of the answer; None for as many as the context window has room for.
        temperature: of the sampling; 0 is greedy.
        seed: of the sampling; None for another answer each time.

    Raises:
        ToolError: when the server refuses the request, with its reason, or stops answering.
        InputError: when the messages contain text that cannot be sent.
    """
    with needs_extra("", "chat"):
        import httpx
        from httpx_sse import SSEError, connect_sse

    body: dict[str, Any] = {
        "model": model, "messages": messages, "temperature": temperature, "stream": True,
    }  # fmt: skip
    body |= {} if max_tokens is None else {"max_tokens": max_tokens}
    body |= {} if seed is None else {"seed": seed}
    try:
        with (
            address.client(600) as client,
            connect_sse(client, "POST", "/v1/chat/completions", json=body) as source,
        ):
            answer = source.response
            if answer.status_code != 200:
                raise ToolError(f"vllm: {_reason(answer.status_code, answer.read().decode())}")
            for event in source.iter_sse():
                if event.data == "[DONE]":
                    break
                piece = event.json()
                if "error" in piece:
                    raise ToolError(f"vllm: {_reason(piece['error'].get('code'), event.data)}")
                for choice in piece["choices"]:
                    yield choice["delta"].get("content") or ""
    except UnicodeEncodeError as error:
        got = ascii(error.object[error.start : error.end])
        raise InputError(
            f"chat: the text is not UTF-8 (got {got}). Convert it to UTF-8, for example with iconv."
        ) from None
    except (SSEError, ValueError, KeyError, TypeError):
        raise ToolError(f"vllm: {address.url}: does not answer as vLLM does. {_NOT_VLLM}") from None
    except httpx.RequestError as error:
        raise ToolError(
            f"vllm: {address.url}: no answer ({error}). Check that the server still runs."
        ) from None


def complete(
    address: Address, model: str, messages: Messages, *, max_tokens: int, temperature: float = 0.7,
    seed: int = 0,
) -> str:  # fmt: skip
    """One chat completion, whole.

    Raises:
        ToolError, InputError: as `stream_completion`.
    """
    pieces = stream_completion(
        address, model, messages, max_tokens=max_tokens, temperature=temperature, seed=seed
    )
    return "".join(pieces)


def _reason(status: Any, text: str) -> str:
    """The reason of a refusal, in one line."""
    try:
        text = json.loads(text)["error"]["message"]
    except (ValueError, KeyError, TypeError):
        pass
    text = " ".join(text.split())[:400]
    if status == 401:
        return f"the server asks for a key. {_KEY_REMEDY}"
    return f"HTTP {status}: {text}"
