"""The demo, with stand-ins for what takes minutes (tests/e2e runs all of it)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from seqctx import CheckError, demo
from seqctx.artifacts.run_record import TrainingRun
from seqctx.cli.render.demo import demo_page, step_line
from seqctx.serve import target_config
from tests.serve.test_preflight import project  # noqa: F401


@pytest.fixture
def served(project: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:  # noqa: F811
    """What the demo serves; each model's answer is its name."""
    configs: list[Any] = []

    @contextmanager
    def serving(cfg: Any, log: Path, **more: Any) -> Iterator[Any]:
        configs.append(cfg)
        yield SimpleNamespace(base="base", adapter="voice", address="", log=log)

    row = {"messages": [{"content": "Go on."}, {"content": "It rained."}]}
    run = TrainingRun(
        fingerprint="", base_model="b", base_fingerprint="", versions={}, seconds=1, steps=10,
        points=(),
    )  # fmt: skip
    for name, stand_in in {
        "find_tool": lambda name: None,
        "check_port": lambda cfg: None,
        "prepare": lambda cfg, out, config, on_step: (SimpleNamespace(), False),
        "train": lambda cfg, config, on_event: (run, True),
        "_held_out_row": lambda out, manifest: row,
        "serving": serving,
        "complete": lambda address, model, asked, max_tokens: f"{model}: {asked[0]['content']}",
    }.items():
        monkeypatch.setattr(demo, name, stand_in)
    return configs


def run_demo(cfg: Any, out: Path) -> tuple[demo.Demo, list[str]]:
    lines: list[str] = []
    result = demo.demo(
        cfg, out, on_step=lines.append, on_train=lambda event: None,
        on_done=lambda step: lines.append(step_line(step)),
    )  # fmt: skip
    return result, lines


def test_both_models_are_asked_and_shown_beside_the_author(
    project: Path,  # noqa: F811
    served: list[Any],
) -> None:
    result, lines = run_demo(target_config("voice.yaml"), project)
    assert (result.base, result.adapter) == ("base: Go on.", "voice: Go on.")
    assert [step.name for step in result.steps] == ["prepare", "train", "serve", "ask", "stop"]
    assert [step.redone for step in result.steps] == [False, True, True, True, True]
    assert "prepare  up to date" in lines[0]
    assert {f.name for f in result.folders} >= {"examples", "adapter", "seqctx"}
    assert all(folder.bytes >= 0 for folder in result.folders)
    console = Console(width=100, file=StringIO())
    console.print(demo_page(result))
    page = console.file.getvalue()  # type: ignore[attr-defined]
    for text in ("Go on.", "base: Go on.", "voice: Go on.", "It rained. ...", "10 steps in 1 s"):
        assert text in page


def test_the_adapter_is_asked_with_the_template_it_was_trained_with(
    project: Path,  # noqa: F811
    served: list[Any],
) -> None:
    (project / "outputs/voice/chat_template.jinja").write_text("another")
    run_demo(target_config("voice.yaml").replace(vllm__chat_template=None), project)
    assert served[0].vllm.get("chat_template") == "outputs/voice/chat_template.jinja"


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        ({"adapter": None}, "adapter: missing; the demo compares base model and adapter"),
        ({"seqctx__prepare__format": "tokens"}, "seqctx.prepare.format: must be chat"),
    ],
)
def test_what_cannot_be_compared_is_refused_first(
    project: Path,  # noqa: F811
    served: list[Any],
    change: dict[str, Any],
    fact: str,
) -> None:
    with pytest.raises(CheckError, match=fact):
        run_demo(target_config("voice.yaml", base_only=False).replace(**change), project)
    assert not served


def test_the_first_row_that_continues_a_chapter_is_asked_with(tmp_path: Path) -> None:
    rows = ['{"chapter": "1", "n": 1}', '{"chapter": "2", "n": 2}', '{"chapter": "1", "n": 3}']
    for names, n in ((rows, 3), (rows[:2], 1)):
        (tmp_path / "held_out.jsonl").write_text("\n".join(names) + "\n")
        manifest: Any = SimpleNamespace(held_out=SimpleNamespace(files=["held_out.jsonl"]))
        assert demo._held_out_row(tmp_path, manifest)["n"] == n
