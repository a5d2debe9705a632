"""Requests to a server: chat completions, streamed or whole, and the server's status."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from seqctx.errors import InputError, ToolError
from seqctx.serve.address import Address
from seqctx.serve.answers import Deadline, UnexpectedAnswer, read_body, read_events, shortened
from seqctx.system.extras import needs_extra

if TYPE_CHECKING:
    import httpx

Messages = list[dict[str, str]]
_GAUGES = {  # vLLM 0.32: v1/metrics/loggers.py
    "running": "vllm:num_requests_running",
    "waiting": "vllm:num_requests_waiting",
    "kv_use": "vllm:kv_cache_usage_perc",
}
_KEY_REMEDY = "Set VLLM_API_KEY to the key that the server was started with, or name its file."
_NOT_VLLM = "Check that a vLLM server runs at this address."
_STATUS_SECONDS = 10.0  # for all pages of a status together
_HEAD_SECONDS = 120.0  # until an answer begins; vLLM turns the whole prompt into tokens before
_EVENT_SECONDS = 600.0  # until the next token; a CPU reads a long prompt for minutes
_PAGE_LIMIT = 2**24  # bytes; vLLM's metrics take about 100 kB for each engine
_REFUSAL_LIMIT = 2**20  # bytes
_EVENT_LIMIT = 2**20  # bytes; vLLM sends about 300 for each token
_ANSWER_LIMIT = 2**28  # bytes of all events: about a million tokens
_TEXT_LIMIT = 2**24  # characters of one answer


class _Received(BaseModel):
    """What a server sends: types are not converted, further keys are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore", defer_build=True)


class _Model(_Received):
    id: str = Field(min_length=1)


class _ModelList(_Received):
    data: list[_Model] = Field(min_length=1)


class _Delta(_Received):
    content: str | None = None


class _Choice(_Received):
    delta: _Delta


class _Piece(_Received):
    choices: list[_Choice]


class _Error(_Received):
    message: str
    code: int | str | None = None


class _Refusal(_Received):
    error: _Error | str


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """The status of a server.

    Attributes:
        url: its root.
        models: names of the models that it serves, the base first; at least one.
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
    """Ask a server for its status; it has ten seconds to answer.

    Raises:
        ToolError: when no server answers there, or one other than vLLM.
        InputError: when the address is invalid.
    """
    with needs_extra("", "server status"):
        import httpx  # noqa: F401  (the client below needs it)

    deadline = Deadline()
    with (
        _explained(address.url, "Start a server with seqctx serve.", deadline),
        address.client(_STATUS_SECONDS) as client,
        deadline.within(_STATUS_SECONDS),
    ):

        def page(path: str) -> bytes:
            return _page(client, address.url, path, deadline)

        page("/health")
        models = _ModelList.model_validate_json(page("/v1/models"))
        gauges = _gauges(page("/metrics").decode("utf-8", "replace"))
        return ServerStatus(
            url=address.url,
            models=tuple(model.id for model in models.data),
            running=int(sum(gauges["running"])),
            waiting=int(sum(gauges["waiting"])),
            kv_use=sum(gauges["kv_use"]) / max(1, len(gauges["kv_use"])),
        )


def _page(client: httpx.Client, url: str, path: str, deadline: Deadline) -> bytes:
    """One page of a server.

    Raises:
        ToolError: when the server refuses it.
    """
    with client.stream("GET", path, extensions=deadline.extensions) as response:
        if not response.is_success:
            remedy = _KEY_REMEDY if response.status_code == 401 else _NOT_VLLM
            raise ToolError(f"{url}: HTTP {response.status_code} for {path}. {remedy}")
        return read_body(response, _PAGE_LIMIT)


def _gauges(metrics: str) -> dict[str, list[float]]:
    """The values of each gauge, one for each engine.

    Raises:
        ValueError: when the text is not in Prometheus' format, or a value is impossible.
    """
    with needs_extra("", "server status"):
        from prometheus_client.parser import text_string_to_metric_families

    lines = [line for line in metrics.split("\n") if line.startswith(tuple(_GAUGES.values()))]
    families = text_string_to_metric_families("\n".join([*lines, ""]))
    samples = [sample for family in families for sample in family.samples]
    for sample in samples:
        if not 0 <= sample.value < 1e9:  # NaN is not, either
            raise ValueError(f"{sample.name}: {sample.value}")
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
        import httpx  # noqa: F401
        import httpx_sse  # noqa: F401

    body: dict[str, Any] = {
        "model": model, "messages": messages, "temperature": temperature, "stream": True,
    }  # fmt: skip
    body |= {} if max_tokens is None else {"max_tokens": max_tokens}
    body |= {} if seed is None else {"seed": seed}
    deadline, length = Deadline(), 0
    with _explained(address.url, "Check that the server still runs.", deadline, "vllm: "):
        for data in _events(address, body, deadline):
            if data == "[DONE]":
                return
            for choice in _piece(data).choices:
                piece = choice.delta.content or ""
                length += len(piece)
                if length > _TEXT_LIMIT:
                    raise UnexpectedAnswer(
                        f"sent more than {_TEXT_LIMIT:,} characters for one answer"
                    )
                yield piece
        raise ToolError(
            f"vllm: {address.url}: the answer ended before it was whole. Check that the server "
            "still runs."
        )


def _events(address: Address, body: dict[str, Any], deadline: Deadline) -> Iterator[str]:
    """The data of each event with which the server answers.

    Raises:
        ToolError: when the server refuses the request, with its reason.
        InputError: when the messages contain text that cannot be sent.
    """
    headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
    with ExitStack() as stack:
        client = stack.enter_context(address.client(_EVENT_SECONDS))
        try:
            request = client.build_request(
                "POST", "/v1/chat/completions", json=body, headers=headers,
                extensions=deadline.extensions,
            )  # fmt: skip
        except UnicodeEncodeError as error:
            got = ascii(error.object[error.start : error.end])
            raise InputError(
                f"chat: the text is not UTF-8 (got {got}). Convert it to UTF-8, for example with "
                "iconv."
            ) from None
        with deadline.within(_HEAD_SECONDS):
            answer = client.send(request, stream=True)
            stack.callback(answer.close)
            if answer.status_code != 200:
                refused = read_body(answer, _REFUSAL_LIMIT).decode("utf-8", "replace")
                raise ToolError(f"vllm: {_reason(answer.status_code, refused)}")
        yield from read_events(
            answer, event_limit=_EVENT_LIMIT, total_limit=_ANSWER_LIMIT, seconds=_EVENT_SECONDS
        )


def _piece(data: str) -> _Piece:
    """A piece of an answer.

    Raises:
        ToolError: when it is an error of the server instead.
        ValidationError: when it is neither.
    """
    try:
        return _Piece.model_validate_json(data)
    except ValidationError:
        code = _refusal(data).code
    raise ToolError(f"vllm: {_reason(code, data)}")


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


def _reason(status: int | str | None, text: str) -> str:
    """The reason of a refusal, in one line."""
    if status == 401:
        return f"the server asks for a key. {_KEY_REMEDY}"
    try:
        text = _refusal(text).message
    except ValidationError:
        pass
    code = f"HTTP {shortened(str(status))}" if status is not None else "the server refuses"
    return f"{code}: {shortened(text)}"


def _refusal(text: str) -> _Error:
    """The error that a server answers with.

    Raises:
        ValidationError: when the text holds none.
    """
    error = _Refusal.model_validate_json(text).error
    return _Error(message=error) if isinstance(error, str) else error


@contextmanager
def _explained(url: str, remedy: str, deadline: Deadline, place: str = "") -> Iterator[None]:
    """Turn what can go wrong with a server into one line.

    Args:
        url: the server's root.
        remedy: what to do when no server answers.
        deadline: of the requests.
        place: what stands before the url.

    Raises:
        ToolError: for every answer that vLLM would not give.
    """
    import httpx

    head = f"{place}{url}"
    try:
        yield
    except UnexpectedAnswer as error:
        raise ToolError(f"{head}: {error}. {_NOT_VLLM}") from None
    except (httpx.RequestError, httpx.InvalidURL, httpx.StreamError) as error:
        why = "it takes too long" if deadline.passed else shortened(str(error) or repr(error))
        raise ToolError(f"{head}: no answer ({why}). {remedy}") from None
    except ValueError:
        raise ToolError(f"{head}: does not answer as vLLM does. {_NOT_VLLM}") from None
