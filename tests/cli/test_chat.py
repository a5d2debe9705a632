"""The prompt of ``seqctx chat``, with a conversation that answers with what it was told."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from seqctx.cli import chat
from seqctx.errors import ToolError


class Echo:
    """Stands in for a conversation with a server."""

    models = ("base", "voice")
    answering = ("voice",)
    address = SimpleNamespace(url="http://x")

    def turn(self, line: str) -> Iterator[str]:
        if line == "stop":
            raise KeyboardInterrupt
        if line == "break":
            raise ToolError("vllm: no answer. Start it.")
        yield from ("you said ", line)


def test_the_prompt(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    typed = iter(["one\\", "two", "break", "stop", "three"])
    prompts: list[str] = []

    def read(prompt: str) -> str:
        prompts.append(prompt)
        try:
            return next(typed)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr(builtins, "input", read)
    conversation: Any = Echo()
    chat._prompt(conversation)
    out, err = capsys.readouterr()
    assert prompts == ["voice> ", "... ", "voice> ", "voice> ", "voice> ", "voice> "]
    assert out == "you said one\ntwo\n (stopped)\nyou said three\n\n"
    assert err.splitlines() == [
        "http://x serves base, voice. Ctrl-D ends.",
        "vllm: no answer. Start it.",
    ]
