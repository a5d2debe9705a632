"""The demo's road, with stand-ins for what takes minutes (tests/e2e walks the whole of it)."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from seqctx import demo as road
from seqctx.serve import target_config
from tests.serve.test_preflight import project  # noqa: F401


class Served(Exception):
    """What the demo serves."""


def test_the_adapter_is_asked_with_the_template_it_was_trained_with(
    project: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def serving(cfg: Any, log: Path, **more: Any) -> NoReturn:
        raise Served(cfg.vllm.get("chat_template"))

    (project / "outputs/voice/chat_template.jinja").write_text("another")
    row = {"messages": [{"content": "Go on."}, {"content": "It rained."}]}
    for name, stand_in in {
        "find_tool": lambda name: None,
        "prepare": lambda cfg, out, on_step: (SimpleNamespace(), False),
        "train": lambda cfg, on_event: (SimpleNamespace(), False),
        "_held_out_row": lambda out, manifest: row,
        "serving": serving,
    }.items():
        monkeypatch.setattr(road, name, stand_in)
    cfg = target_config("voice.yaml").replace(vllm__chat_template=None)
    with pytest.raises(Served, match="outputs/voice/chat_template.jinja"):
        road.demo(cfg, project, on_step=str, on_train=str, on_done=str)
