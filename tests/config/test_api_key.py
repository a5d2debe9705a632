"""Which key a server asks for: one decision for the check, the launch and the clients."""

from __future__ import annotations

from typing import Any

import pytest

from seqctx.check.check import check_document
from seqctx.config.api_key import asks_for_key, find_api_key
from seqctx.config.config import Config
from seqctx.config.render import secrets
from seqctx.config.source import Document
from seqctx.errors import InputError
from seqctx.serve.address import address_of
from seqctx.serve.preflight import check_access

BLANKS: list[Any] = [
    "", " ", "\t", " \t\n", "\u00a0", "\u2003\u3000", "\u200b", "\ufeff", "\u2060\u00ad",
    "\u2800", "\u3164", [], [""], ["", " \t"], [None], None,
]  # fmt: skip


def config(key: Any, **vllm: Any) -> Config:
    return Config(base_model="some/model", vllm={"api_key": key, **vllm})  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VLLM_API_KEY", raising=False)


@pytest.mark.parametrize("blank", BLANKS, ids=repr)
def test_a_blank_key_counts_as_not_given(blank: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    cfg = config(blank, host="0.0.0.0")
    assert find_api_key(cfg) is None and address_of(cfg).key is None
    assert "VLLM_API_KEY" not in secrets(cfg)
    data = cfg.model_dump(exclude_unset=True)
    assert "server-open" in {p.rule for p in check_document(Document("f.yaml", data, {}))}
    with pytest.raises(InputError, match=r"^vllm.host: 0.0.0.0 opens the server .* API key\."):
        check_access(cfg)

    monkeypatch.setenv("VLLM_API_KEY", "k")
    assert find_api_key(cfg) == address_of(cfg).key == secrets(cfg)["VLLM_API_KEY"] == "k"
    assert "server-open" not in {p.rule for p in check_document(Document("f.yaml", data, {}))}
    check_access(cfg)


@pytest.mark.parametrize("blank", ["", " ", "\t", "\u2003", "\u200b"])
def test_a_blank_variable_counts_as_not_given(blank: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_API_KEY", blank)
    assert find_api_key(config(None)) is None and not asks_for_key(config(None))
    assert find_api_key(config("of-the-file")) == "of-the-file"


@pytest.mark.parametrize("key", [" k ", "\u00a0k\u200b", ["", "k", " "], ("k",)])
def test_blanks_around_a_key_are_no_part_of_it(key: Any) -> None:
    assert find_api_key(config(key)) == "k"


def test_a_key_may_be_written_with_a_hyphen() -> None:
    cfg = Config(base_model="m", vllm={"api-key": "k"})  # type: ignore[arg-type]
    assert find_api_key(cfg) == "k"
    both = Config(base_model="m", vllm={"api_key": None, "api-key": "k"})  # type: ignore[arg-type]
    assert find_api_key(both) == "k"


@pytest.mark.parametrize(
    "key, message",
    [
        (["a-key", "b-key"], "must be one key .got 2."),
        (True, "must be text .got bool."),
        ({"key": "a-key"}, "must be text .got dict."),
        ("schl\u00fcssel-key", "has characters that cannot be sent"),
        ("two\nlines-key", "has characters that cannot be sent"),
    ],
)
def test_a_key_that_cannot_be_used_is_refused_without_showing_it(key: Any, message: str) -> None:
    with pytest.raises(InputError, match=f"^vllm.api_key: {message}") as raised:
        find_api_key(config(key))
    assert "-key" not in str(raised.value)
    data = {"base_model": "some/model", "vllm": {"api_key": key}}
    (problem,) = [p for p in check_document(Document("f", data, {})) if "api_key" in p.key]
    assert problem.severity == "error" and "-key" not in problem.message


OPEN = [
    "0.0.0.0", "::", "[::]", "0", "192.168.1.7", "10.0.0.1", "my-host", "server.lan", "fe80::1",
    "::ffff:10.0.0.1", " 127.0.0.1", "127.0.0.1.nip.invalid",
]  # fmt: skip


@pytest.mark.parametrize("host", OPEN)
def test_every_other_host_than_loopback_needs_a_key(host: str) -> None:
    assert config(" ", host=host).vllm.is_open
    with pytest.raises(InputError, match="opens the server to the network without an API key"):
        check_access(config(" ", host=host))
    check_access(config("k", host=host))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "::1", "[::1]"])
def test_loopback_needs_no_key(host: str) -> None:
    assert not config(None, host=host).vllm.is_open
    check_access(config(None, host=host))


@pytest.mark.parametrize("key", ["data_parallel_address", "master_addr", "data-parallel-address"])
def test_the_addresses_where_engines_meet_count_too(key: str) -> None:
    with pytest.raises(InputError, match=f"^vllm.{key.replace('-', '_')}: 10.0.0.1 opens"):
        check_access(config(None, **{key: "10.0.0.1"}))
    check_access(config(None, **{key: "127.0.0.1"}))


@pytest.mark.parametrize("host", ["", " ", "\t"])
def test_a_blank_host_is_refused(host: str) -> None:
    with pytest.raises(InputError, match="vllm.host: must name an address"):
        config("k", host=host)
