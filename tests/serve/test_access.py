"""Who can use a server: what the guard lets through, and what is said at the start."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from seqctx.config.config import Config
from seqctx.errors import InputError
from seqctx.serve.access import GUARD, access_notes, check_access, guard_arguments, guard_variables
from seqctx.serve.inside.api_key_guard import ApiKeyGuard

KEY = "the-key"


@pytest.fixture(autouse=True)
def key_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_API_KEY", KEY)


def config(**vllm: Any) -> Config:
    return Config(base_model="some/model", vllm=vllm)  # type: ignore[arg-type]


def answer(path: str, *headers: tuple[bytes, bytes], **scope: Any) -> list[dict[str, Any]]:
    """What the guard sends itself; empty where it hands the request on."""
    sent: list[dict[str, Any]] = []
    handed_on = []

    async def app(*arguments: Any) -> None:
        handed_on.append(arguments)

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any: ...

    request = {"type": "http", "method": "GET", "path": path, "headers": [*headers], **scope}
    asyncio.run(ApiKeyGuard(app)(request, receive, send))
    assert bool(sent) != bool(handed_on)
    return sent


BEARER = (b"authorization", b"Bearer " + KEY.encode())


@pytest.mark.parametrize(
    "path",
    ["/v1/models", "/invocations", "/metrics", "/tokenize", "/version", "/docs", "/openapi.json",
     "/ping", "/load", "/adapters", "/collective_rpc", "/health/", "/health/x", "//health",
     "/Health", "/x/health", ""],
)  # fmt: skip
def test_every_path_but_health_needs_the_key(path: str) -> None:
    for wrong in ((), ((b"authorization", b"Bearer wrong"),), ((b"authorization", b"the-key"),),
                  ((b"authorization", b"Basic the-key"),), ((b"authorization", b"Bearer "),),
                  ((b"authorization", b"Bearer \xff"),)):  # fmt: skip
        assert answer(path, *wrong)[0]["status"] == 401
    assert not answer(path, BEARER)
    assert answer(path, type="websocket")[0]["type"] == "websocket.close"
    assert not answer(path, BEARER, type="websocket")


def test_health_preflight_requests_and_the_start_need_none() -> None:
    assert not answer("/health")
    assert not answer("/proxied/health", root_path="/proxied")
    assert not answer("/v1/models", method="OPTIONS")
    assert not answer("", type="lifespan")
    assert answer("/health", type="websocket")


def test_the_guard_does_not_start_without_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    async def app(*arguments: Any) -> None: ...

    monkeypatch.setenv("VLLM_API_KEY", "")
    with pytest.raises(RuntimeError):
        ApiKeyGuard(app)
    monkeypatch.delenv("VLLM_API_KEY")
    with pytest.raises(KeyError):
        ApiKeyGuard(app)


def test_vllm_gets_the_guard_where_there_is_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/their/modules")
    assert guard_arguments(config()) == ["--middleware", GUARD]
    assert guard_variables(config())["PYTHONPATH"].endswith("serve/inside:/their/modules")
    monkeypatch.delenv("PYTHONPATH")
    assert guard_variables(config())["PYTHONPATH"].endswith("serve/inside")
    monkeypatch.setenv("VLLM_API_KEY", " ")
    assert guard_arguments(config()) == [] and guard_variables(config()) == {}


def test_what_is_said_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    only_health = "Every path of the server but /health needs the API key."
    assert access_notes(config()) == [only_health]
    assert access_notes(config(host="0.0.0.0")) == [
        "vllm.host: 0.0.0.0 opens the server to the network.", only_health,
    ]  # fmt: skip
    for value, is_on in (("1", True), ("true", True), ("0", False), ("", False), ("False", False)):
        monkeypatch.setenv("VLLM_SERVER_DEV_MODE", value)
        said = any("VLLM_SERVER_DEV_MODE is set" in note for note in access_notes(config()))
        assert said == is_on
    monkeypatch.delenv("VLLM_API_KEY")
    monkeypatch.delenv("VLLM_SERVER_DEV_MODE")
    assert access_notes(config()) == []


def test_a_frontend_without_the_guard_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_USE_RUST_FRONTEND", "1")
    with pytest.raises(InputError, match="^VLLM_USE_RUST_FRONTEND: .* Unset it.$"):
        check_access(config())
    monkeypatch.delenv("VLLM_API_KEY")
    check_access(config())
