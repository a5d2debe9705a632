"""Secrets are found by the names of keys and in URLs, and hidden from what is shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from seqctx.catalog.keys import axolotl_names, vllm_names
from seqctx.errors import InputError, without_url_secrets
from seqctx.system.secrets import (
    environment_secrets,
    find_secrets,
    hiding,
    is_secret_name,
    redacted,
    redacted_value,
    secret_texts,
    without_secrets,
)


def _names(keys: dict[str, Any]) -> Iterator[str]:
    for name, entry in keys.items():
        yield name
        if isinstance(entry, dict):
            yield from _names(entry.get("keys") or {})


def test_the_secret_keys_of_axolotl_its_plugins_and_vllm_are_these() -> None:
    plugins = [entry.get("keys", {}) for entry in axolotl_names()["plugins"].values()]
    blocks = (axolotl_names()["keys"], vllm_names()["keys"], *plugins)
    found = {name for block in blocks for name in _names(block) if is_secret_name(name)}
    assert found == {
        "allow_credentials", "api_key", "comet_api_key", "comet_experiment_key", "hf_token",
        "hf_use_auth_token", "swanlab_api_key", "swanlab_lark_secret", "swanlab_lark_webhook_url",
        "watermark_config",
    }  # fmt: skip
    # two of them are switches: only a text there is a secret
    assert not find_secrets({"allow_credentials": True, "hf_use_auth_token": True})


SECRET = """HF_TOKEN HUGGING_FACE_HUB_TOKEN WANDB_API_KEY COMET_API_KEY MLFLOW_TRACKING_PASSWORD
MLFLOW_TRACKING_TOKEN SWANLAB_API_KEY TRACKIO_TOKEN AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
AWS_SESSION_TOKEN AZURE_STORAGE_KEY AZURE_STORAGE_CONNECTION_STRING AZURE_STORAGE_SAS_TOKEN
AZURE_CLIENT_SECRET GOOGLE_API_KEY VLLM_API_KEY OPENAI_API_KEY GITHUB_TOKEN NGC_API_KEY DB_PASS
API_KEY_2 sshPassword apiKey clientSecret key token secret password passphrase x-api-key
Authorization hub-token account_key api_keys access_tokens basic_auth cookie credentials"""
HARMLESS = """TOKENIZERS_PARALLELISM SSH_AUTH_SOCK PWD OLDPWD HF_TOKEN_PATH SECRETS_DIR max_tokens
special_tokens added_tokens tokens eos_token pad_token bos_token_id num_tokens tokens_per_second
template_thinking_key primary_key ssl_keyfile keyboard monkey api_token_env keys label_keys
eot_tokens tokenizer tokenizer_type author authors keep passes bypass"""


@pytest.mark.parametrize("name", SECRET.split())
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", HARMLESS.split())
def test_names_of_other_things(name: str) -> None:
    assert not is_secret_name(name)


def test_secrets_in_nested_blocks_are_hidden_or_left_out() -> None:
    data = {
        "vllm": {"api_key": ["one-key", "two-key"], "hf-token": "a-token", "port": 8000},
        "datasets": [
            {"path": "s3://me:my-password@bucket/a?X-Amz-Signature=a-signature&part=1",
             "storage_options": {"key": "a-key", "secret": "a-secret", "anon": False}},
        ],
        "special_tokens": {"eos_token": "<|end|>", "my_token": "word"},
        "x-cloud": {"credentials": {"user": "someone", "pin": 3}},
    }  # fmt: skip
    shown = redacted(data)
    assert shown["vllm"] == {"api_key": "***", "hf-token": "***", "port": 8000}
    path = "s3://***@bucket/a?X-Amz-Signature=***&part=1"
    assert shown["datasets"][0]["path"] == path
    assert shown["special_tokens"] == data["special_tokens"]
    left = without_secrets(data)
    assert left["vllm"] == {"port": 8000}
    assert left["datasets"] == [{"path": path, "storage_options": {"anon": False}}]
    assert left["x-cloud"] == {}
    texts = secret_texts(data)
    assert {"one-key", "two-key", "a-token", "my-password", "a-signature", "someone"} <= texts
    assert data["vllm"]["api_key"] == ["one-key", "two-key"]  # the data itself is unchanged


def test_a_block_that_an_alias_repeats_is_cleaned_at_both_places() -> None:
    block = {"token": "a-token"}
    assert without_secrets({"a": block, "b": block}) == {"a": {}, "b": {}}


@pytest.mark.parametrize("value", [None, "", True, False, "<|eot|>", "[PAD]", 7])
def test_a_token_that_is_no_text_of_a_secret_stays(value: object) -> None:
    assert redacted({"my_token": value}) == {"my_token": value}


def test_one_value_is_hidden_by_the_keys_that_lead_to_it() -> None:
    assert redacted_value(("vllm", "api_key", 0), "a-key") == "***"
    assert redacted_value(("vllm",), [{"api_key": "a-key"}]) == [{"api_key": "***"}]
    assert redacted_value(("special_tokens", "x_token"), "word") == "word"
    assert redacted_value(("datasets", 0, "path"), "http://a:b@c/d") == "http://***@c/d"


def test_secret_texts_are_hidden_as_they_are_and_quoted() -> None:
    secret = 'pass"wörd\\with/signs'
    hide = hiding({secret, "k", "1234"})
    quoted = "a?b=pass%22w%C3%B6rd%5Cwith%2Fsigns"
    for text in (secret, json.dumps({"a": secret}), repr([secret]), quoted):
        assert "signs" not in hide(text) and "***" in hide(text)
    assert hide("keep 1234 and k") == "keep 1234 and k"  # too short to be searched for
    assert hiding({"abcde"})("abcde abcdef") == "*** abcdef"
    assert hiding(())("http://u:p@host/") == "http://***@host/"


def test_secrets_of_the_environment() -> None:
    env = {"HF_TOKEN": "a-token", "HTTPS_PROXY": "http://me:my-password@proxy:3128", "PATH": "/bin"}
    assert environment_secrets(env) == {"a-token", "me:my-password", "my-password"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a http://u:p@h:80/x b", "a http://***@h:80/x b"),
        ("https://token@h/x", "https://***@h/x"),
        ("git+ssh://git@h/x", "git+ssh://git@h/x"),
        ("redis://:p@h", "redis://***@h"),
        ("http://u:p@q@h/", "http://***@h/"),
        ("https://h/x?sig=abc&a=b", "https://h/x?sig=***&a=b"),
        ("https://h/x?a=b&access_token=abc#c", "https://h/x?a=b&access_token=***#c"),
        ("https://h/a@b", "https://h/a@b"),
        ("mail me@host", "mail me@host"),
        ("http:/me:pw@host/a: no such file", "http:/***@host/a: no such file"),
    ],
)
def test_logins_and_signatures_of_urls(text: str, shown: str) -> None:
    assert without_url_secrets(text) == shown
    assert without_url_secrets(shown) == shown
    assert str(InputError(text)) == shown
