from __future__ import annotations

import socket
import time
import urllib.request
from pathlib import Path

import pytest

from seqctx import InputError, load_tokenizer
from seqctx.system.hub import hub_is_reachable


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(urllib.request, "getproxies", dict)


def test_a_hub_is_reached_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as hub:
        hub.bind(("127.0.0.1", 0))
        monkeypatch.setattr(
            "huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{hub.getsockname()[1]}"
        )
        assert not hub_is_reachable()
        hub.listen()
        assert hub_is_reachable()
    monkeypatch.setattr(urllib.request, "getproxies", lambda: {"https": "http://proxy"})
    assert hub_is_reachable()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert not hub_is_reachable()


def test_a_tokenizer_without_a_hub_is_one_line_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    began = time.monotonic()
    with pytest.raises(InputError, match="is not on this machine, and the hub"):
        load_tokenizer("a/model")
    assert time.monotonic() - began < 15  # the import of transformers, and no retries
    assert capfd.readouterr() == ("", "")
