"""What the verbs print of results: from data, without a process and without a terminal."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from seqctx.artifacts.run_record import Memory, Point, TrainingRun
from seqctx.cli.render.progress import status, training_bar
from seqctx.cli.render.serve import server_lines
from seqctx.cli.render.train import memory_of
from seqctx.plan.memory import GIB
from seqctx.proofs import isolation as isolation_proof
from seqctx.proofs.isolation import Isolation, PackedExample
from seqctx.serve.startup_log import StartupStats
from seqctx.train.progress import Progress
from tests.conftest import seqctx

CONFIG = "axolotl_configs/llama-3.1-8b-qlora-32gb.yaml"


def shown(events: list[Progress], *, terminal: bool) -> str:
    console = Console(width=100, file=StringIO(), force_terminal=terminal, color_system=None)
    with training_bar(console) as show:
        for event in events:
            show(event)
    return console.file.getvalue()  # type: ignore[attr-defined]


EVENTS = [
    Progress("tokenizing", 0, None, resident=2_000_000_000),
    Progress("training", 0, 10, point=Point(step=0, epoch=0, eval_loss=4.0)),
    Progress("training", 5, 10, warning="step 5: the loss is 0"),
    Progress(
        "training", 5, 10,
        point=Point(step=5, epoch=1, loss=3.5, tokens_per_second=1234.0, reserved_gib=7.5),
    ),
    Progress("training", 5, 10),
]  # fmt: skip


def test_a_run_without_a_terminal_is_a_line_for_each_event() -> None:
    assert shown(EVENTS, terminal=False).splitlines() == [
        "  tokenizing",
        "  step 0/10  held-out loss 4.000  (the base model)",
        "  step 5: the loss is 0",
        "  step 5/10  loss 3.500",
    ]


def test_a_run_on_a_terminal_is_a_bar_with_its_numbers() -> None:
    screen = shown(EVENTS, terminal=True)
    numbers = "loss 3.500  held-out loss 4.000  1,234 tokens/s  7.5 GiB of GPU memory  2.0 GB"
    assert numbers in screen
    assert "5/10" in screen


def test_steps_without_a_terminal_are_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with status("reading") as update:
        update("counting tokens")
        update("")
    assert capsys.readouterr().err.splitlines() == ["counting tokens"]


@pytest.mark.parametrize(
    ("memory", "text"),
    [
        (None, ""),
        (Memory(resident=2 * GIB), "; at most 2.0 GiB of main memory, libraries included"),
        (Memory(resident=GIB, allocated=3 * GIB, reserved=4 * GIB, planned_allocated=GIB),
         "; at most 3.0 GiB of GPU memory allocated (planned: 1.0 GiB)"),
        (Memory(resident=GIB, planned_allocated=GIB),
         "; at most 1.0 GiB of main memory, libraries included (planned: 1.0 GiB for tensors)"),
    ],
)  # fmt: skip
def test_memory_of_a_run(memory: Memory | None, text: str) -> None:
    run = TrainingRun(
        fingerprint="", base_model="b", base_fingerprint="", versions={}, seconds=1, steps=10,
        points=(), memory=memory,
    )  # fmt: skip
    assert memory_of(run) == text


def test_a_server_shows_what_vllm_measured_beside_the_plan() -> None:
    terms = [SimpleNamespace(name="weights", bytes=2 * GIB)]
    plan = SimpleNamespace(
        memory=SimpleNamespace(terms=terms), kv_free=3 * GIB, kv_tokens=900, max_concurrency=None
    )
    stats = StartupStats(weights_gib=2.1, kv_gib=3.2, kv_tokens=1000, max_concurrency=1.5)
    server: Any = SimpleNamespace(url="http://x", base="base", adapter=None, stats=stats, plan=plan)
    assert [*server_lines(server)] == [
        "http://x/v1 serves base (base)",
        "  weights  2.10 GiB (planned: 2.00)",
        "  KV cache 3.20 GiB (planned: 3.00)",
        "           1,000 tokens (planned: 900)",
        "           1.50 requests at the full context length",
    ]
    server.plan, server.adapter = None, "voice"
    assert [*server_lines(server)][:2] == [
        "http://x/v1 serves base (base) and voice (adapter)",
        "  weights  2.10 GiB",
    ]


def isolation(change: float) -> Isolation:
    examples = (PackedExample(0, 0, 8, change, 1e-7, 0.0), PackedExample(0, 8, 20, 0.0, 0.0, 0.0))
    return Isolation(
        model_class="LlamaForCausalLM", weights="random", attention="sdpa", collator="C",
        batch={"input_ids": (1, 20)}, dtype="float32", device="cpu", largest_logit=1.0,
        gradient_at_border=0.5, examples=examples,
    )  # fmt: skip


@pytest.mark.parametrize(("change", "code"), [(0.0, 0), (0.7, 1)])
def test_what_the_proof_of_isolation_measured(
    change: float, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = isolation(change)
    monkeypatch.setattr(isolation_proof, "prove_isolation", lambda cfg, real_weights: found)
    answer = seqctx("check", "--prove-isolation", CONFIG)
    assert answer.returncode == code
    rows = answer.stdout.splitlines()
    assert rows[0].split() == "example tokens change elsewhere packed vs alone gradient elsewhere" \
        .split()  # fmt: skip
    assert rows[1].split() == ["1", "8", f"{change:.3g}" if change else "0.0", "1e-07", "0.0"]
    assert found.verdict in answer.stdout and f"note: {found.border}" in answer.stdout
    data = json.loads(seqctx("check", "--prove-isolation", "--json", CONFIG).stdout)
    assert data["isolated"] is (code == 0) and data["examples"][0]["stop"] == 8


def test_diffs_of_all_files_though_one_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "guest.yaml").write_text("base_model: Qwen/Qwen3-8B\nsequence_len: 512\n")
    answer = seqctx("check", "--suggest", "none.yaml", "guest.yaml", cwd=tmp_path)
    assert answer.returncode == 2
    assert answer.stderr == "none.yaml: no such file. Check the path.\n"
    assert answer.stdout.startswith("--- guest.yaml") and "+seqctx:" in answer.stdout
