from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from seqctx import InputError, load_config
from seqctx.artifacts.layout import DatasetDir
from seqctx.cli.render.plan import plan_view
from seqctx.plan.explain import TOPICS, explain
from seqctx.plan.memory import GIB
from seqctx.plan.options import compare_options
from seqctx.plan.page import plan_page
from seqctx.plan.summary import PlanSummary, data_of, summarize
from tests.conftest import CONFIG, ROOT, seqctx
from tests.plan.test_options import LLAMA, MISSION, stats

FILE = ROOT / "axolotl_configs" / "llama-3.1-8b-qlora-32gb.yaml"


@pytest.fixture(scope="module")
def summary() -> PlanSummary:
    return summarize(MISSION, stats=stats())


def test_a_file_planned_whole(summary: PlanSummary) -> None:
    assert summary.fits and summary.serving and summary.time and summary.speed
    assert summary.longest["max_model_len"] == summary.serving.longest_window
    assert summary.training.fits and summary.longest["sequence_len"] > 4096
    # 16 GB of weights and 8 of cache, read for every token, at 1,792 GB/s
    assert summary.speed.decode_each == pytest.approx(1792 / (16.06 + 8.39), rel=0.02)
    # a hundred examples of about 1,843 tokens, three times over
    assert summary.time.tokens == pytest.approx(100 * 0.9 * 2048 * 3, rel=0.01)


def test_steps_are_counted_in_the_files_own_batch() -> None:
    for rows, packed in ((100, False), (stats().packed.rows, True)):
        cfg = MISSION.replace(
            micro_batch_size=2, gradient_accumulation_steps=16, sample_packing=packed
        )
        steps = data_of(cfg, stats()).steps_per_epoch
        assert steps == (rows // 32 if packed else -(-rows // 32))


def test_explained_with_the_files_own_numbers(summary: PlanSummary) -> None:
    text = " ".join(explain(summary, stats()))
    assert "2,048" in text and "64,000" in text and "131,072 positions" in text
    assert "9 full windows of 64,000 tokens would need 70 GiB" in text
    whole = summary.cfg.replace(sequence_len=64000)
    needed = summarize(whole).training.device / GIB
    assert f"training at 64,000 tokens would take {needed:.0f} GiB" in text
    assert text.count("Myth:") == 5
    assert "an overlap of a half shows 35% of the recurrences, no overlap 25%" in text
    for topic in TOPICS:
        assert explain(summary, None, topic)
    other = summarize(MISSION.replace(sequence_len=1024, vllm__max_model_len=32000))
    assert "training at 32,000" in " ".join(explain(other, None, "myths"))
    with pytest.raises(InputError, match="explain: moon: unknown topic"):
        explain(summary, None, "moon")


def test_the_examples_explained_are_those_of_the_files_strategy(summary: PlanSummary) -> None:
    for strategy, makes in (("sequential", 100), ("overlap 50 %", 200)):
        measured = stats().model_copy(update={"strategy": strategy})
        text = " ".join(explain(summary, measured, "lengths"))
        assert f"into examples of 2,048 tokens ({strategy}), it makes {makes}, and" in text


def test_on_a_cpu_no_gpu_is_explained() -> None:
    text = " ".join(explain(summarize(MISSION.replace(seqctx__gpu="cpu")), None, "memory"))
    assert "GiB of memory. The largest part" in text and "the GPU" not in text


def test_a_window_shorter_than_a_training_example_is_explained() -> None:
    text = " ".join(explain(summarize(MISSION.replace(vllm__max_model_len=1024)), None))
    assert (
        "max_model_len: 1,024 tokens is what the model attends to" in text
        and " 0 times" not in text
    )
    assert "less than one training example" in text
    assert (
        "The window of 1,024 tokens is the limit: raise max_model_len." in text
        and "-1," not in text
    )


def test_the_terminal_shows_notes_and_risks(summary: PlanSummary) -> None:
    cfg = MISSION.replace(vllm__gpu_memory_utilization=0.999, attn_implementation=None)
    console = Console(width=200, file=StringIO())
    console.print(
        plan_view(summarize(cfg), compare_options(cfg, stats(), goal="voice", model=LLAMA))
    )
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "vLLM refuses to start" in text
    assert "  pack: packed examples attend to each other: set attn_implementation" in text


def test_a_plain_axolotl_file_is_explained_too(tmp_path: Path) -> None:
    guest = ROOT / "tests" / "data" / "guests" / "chat-qwen3-8b-qlora.yaml"
    summary = summarize(load_config(guest))
    assert summary.training.fits is None and summary.longest == {}
    assert summary.serving is None and summary.fits
    assert explain(summary, None)


def test_the_page_shows_both_plots_with_the_gpus_limit(summary: PlanSummary) -> None:
    comparison = compare_options(MISSION, stats(), goal="structure", model=LLAMA)
    page = plan_page(summary, comparison)
    assert page.count("<svg") == 2 and page.count("memory of the GPU") == 2
    for word in ("Liger fused", "cut cross-entropy", "9 requests", "go to 4,096", "bitsandbytes"):
        assert word in page


def test_the_verb(tmp_path: Path) -> None:
    answer = seqctx("plan", FILE, "--html", tmp_path / "plan.html", cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert "KV cache" in answer.stdout and "fits" in answer.stdout
    assert (tmp_path / "plan.html").read_text("utf-8").startswith("<!doctype html>")
    answer = seqctx("plan", FILE, "--json", "--gpu", "rtx-3060-12gb", cwd=tmp_path)
    assert answer.returncode == 1  # does not fit
    data = json.loads(answer.stdout)
    assert data["training"]["capacity"] < data["training"]["device"]
    assert data["training"]["terms"][0].keys() == {
        "name", "bytes", "formula", "source", "provenance",
    }  # fmt: skip
    answer = seqctx("plan", FILE, "--gpu", "rtx-9999", cwd=tmp_path)
    assert answer.returncode == 2 and "unknown GPU" in answer.stderr
    answer = seqctx("plan", FILE, "--options", cwd=tmp_path)
    assert answer.returncode == 2 and "seqctx prepare" in answer.stderr
    answer = seqctx("explain", "concurrency", "--config", FILE, cwd=tmp_path)
    assert answer.returncode == 0 and "70 GiB" in answer.stdout


def test_options_of_a_prepared_manuscript(tmp_path: Path) -> None:
    (tmp_path / "prepare" / "out" / FILE.stem).mkdir(parents=True)
    stats().write(tmp_path / DatasetDir.of(FILE).stats)
    answer = seqctx("plan", FILE, "--options", "--set", "seqctx.goal=structure", cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert (
        "> go to 4,096" in answer.stdout
        and "recommended for structure: go to 4,096" in answer.stdout
    )


def test_a_file_for_a_cpu_is_planned_without_a_gpu() -> None:
    summary = summarize(load_config(CONFIG), gpu="cpu")
    assert summary.training.gpu is None and summary.training.term("weights").bytes


GUESTS = sorted((ROOT / "tests" / "data" / "guests").glob("*.yaml"))


@pytest.mark.parametrize("path", GUESTS, ids=lambda p: p.stem)
def test_plain_axolotl_files_are_planned_or_refused_in_one_line(path: Path) -> None:
    try:
        summary = summarize(load_config(path), gpu="h100-80gb")
    except InputError as error:
        assert "\n" not in str(error) and str(error).endswith(".")
    else:
        assert summary.training.allocated > 0


def test_training_is_planned_where_serving_cannot_be() -> None:
    summary = summarize(load_config(ROOT / "axolotl_configs" / "gpt-oss-20b-lora-80gb.yaml"))
    assert summary.training.term("experts").bytes and summary.serving is None
    assert "does not know which layers of openai/gpt-oss-20b may have one" in summary.refused


def test_gpus_share_a_prompt_and_a_request_reads_only_its_experts(summary: PlanSummary) -> None:
    one = summary.speed
    two = summarize(MISSION.replace(vllm__tensor_parallel_size=2)).speed
    stages = summarize(MISSION.replace(vllm__pipeline_parallel_size=2)).speed
    assert one and two and stages
    assert two.prefill_seconds == pytest.approx(one.prefill_seconds / 2)
    assert stages.prefill_seconds == pytest.approx(one.prefill_seconds / 2)
    assert two.decode_each > 1.9 * one.decode_each
    assert stages.decode_each == pytest.approx(one.decode_each, rel=0.05)  # one after another
    experts = MISSION.replace(
        base_model="Qwen/Qwen3-30B-A3B", vllm__max_model_len=2048, adapter=None, load_in_4bit=None
    )
    speed = summarize(experts, gpu="h100-80gb").speed
    # 3.3e9 weights of 30.5e9 are read, embeddings whole, at 3,352 GB/s
    assert speed and 400 < speed.decode_each < 560


def test_time_notes_that_it_is_for_one_gpu() -> None:
    fsdp = {"fsdp_version": 2, "fsdp_config": {"reshard_after_forward": True}, "dp_shard_size": 2}
    time = summarize(MISSION.replace(**fsdp), stats=stats()).time
    alone = summarize(MISSION, stats=stats()).time
    assert time and any("for one GPU" in note for note in time.notes)
    assert alone and not any("for one GPU" in note for note in alone.notes)


@pytest.mark.parametrize(
    ("base_model", "memory", "note"),
    [
        ("Qwen/Qwen2.5-0.5B", "all", "noted from memory, not read from config.json: all of its"),
        ("meta-llama/Llama-3.1-8B", ["tied_embeddings"], "config.json: tied_embeddings."),
        ("mistralai/Mistral-Nemo-Base-2407", [], None),
    ],
)
def test_facts_from_memory_are_shown(
    base_model: str, memory: str | list[str], note: str | None
) -> None:
    """In text, on the page and in JSON."""
    summary = summarize(MISSION.replace(base_model=base_model))
    assert summary.as_data()["model"]["from_memory"] == memory
    console = Console(width=400, file=StringIO())
    console.print(plan_view(summary, None))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    page = plan_page(summary)
    for shown in (text, page):
        assert note in shown if note else "from memory" not in shown
    assert summary.model.source.split(":")[0] in page


def test_no_source_is_a_file_that_an_installed_package_lacks() -> None:
    for path in (ROOT / "src/seqctx").rglob("*"):
        if path.suffix in (".py", ".yaml", ".json", ".html"):
            assert "tests/data" not in path.read_text("utf-8"), path
