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
from seqctx.plan.options import advise
from seqctx.plan.page import plan_page
from seqctx.plan.summary import Planned, data_of
from tests.conftest import CONFIG, ROOT, seqctx
from tests.plan.test_options import LLAMA, MISSION, stats

FILE = ROOT / "axolotl_configs" / "llama-3.1-8b-qlora-32gb.yaml"


@pytest.fixture(scope="module")
def planned() -> Planned:
    return Planned.of(MISSION, stats=stats())


def test_all_of_the_mission(planned: Planned) -> None:
    assert planned.fits and planned.serving and planned.time and planned.speed
    assert planned.longest["max_model_len"] == planned.serving.longest_window
    assert planned.training.fits and planned.longest["sequence_len"] > 4096
    # 16 GB of weights and 8 of cache, read for every token, at 1,792 GB/s
    assert planned.speed.decode_each == pytest.approx(1792 / (16.06 + 8.39), rel=0.02)
    # a hundred examples of about 1,843 tokens, three times over
    assert planned.time.tokens == pytest.approx(100 * 0.9 * 2048 * 3, rel=0.01)


def test_steps_are_counted_in_the_files_own_batch() -> None:
    for rows, packed in ((100, False), (stats().packed.rows, True)):
        cfg = MISSION.replace(
            micro_batch_size=2, gradient_accumulation_steps=16, sample_packing=packed
        )
        steps = data_of(cfg, stats()).steps_per_epoch
        assert steps == (rows // 32 if packed else -(-rows // 32))


def test_explained_with_the_files_own_numbers(planned: Planned) -> None:
    told = " ".join(explain(planned, stats()))
    assert "2,048" in told and "64,000" in told and "131,072 positions" in told
    assert "9 full windows of 64,000 tokens would need 70 GiB" in told
    whole = planned.cfg.replace(sequence_len=64000)
    needed = Planned.of(whole).training.device / GIB
    assert f"Training at 64,000 would take {needed:.0f} GiB" in told
    assert told.count("Myth:") == 5
    assert "half an overlap shows 35% of the recurrences, no overlap 25%" in told
    for topic in TOPICS:
        assert explain(planned, None, topic)
    other = Planned.of(MISSION.replace(sequence_len=1024, vllm__max_model_len=32000))
    assert "Training at 32,000" in " ".join(explain(other, None, "myths"))
    with pytest.raises(InputError, match="explain: moon: no topic"):
        explain(planned, None, "moon")


def test_a_window_shorter_than_what_was_trained_is_said_plainly() -> None:
    told = " ".join(explain(Planned.of(MISSION.replace(vllm__max_model_len=1024)), None))
    assert "1,024, is what the model attends to" in told and " 0 times" not in told
    assert "shorter than a trained example, which does not fit" in told
    assert (
        "The window is what ends it, at 1,024: raise max_model_len." in told and "-1," not in told
    )


def test_the_terminal_says_what_the_page_says(planned: Planned) -> None:
    cfg = MISSION.replace(vllm__gpu_memory_utilization=0.999, attn_implementation=None)
    console = Console(width=200, file=StringIO())
    console.print(plan_view(Planned.of(cfg), advise(cfg, stats(), LLAMA, goal="voice")))
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert "vLLM refuses to start" in said
    assert "  pack: leaks between samples: set attn_implementation" in said


def test_a_guest_without_our_blocks_is_explained_too(tmp_path: Path) -> None:
    guest = ROOT / "tests" / "data" / "guests" / "chat-qwen3-8b-qlora.yaml"
    planned = Planned.of(load_config(guest))
    assert planned.training.fits is None and planned.longest == {}
    assert planned.serving is None and planned.fits
    assert explain(planned, None)


def test_the_page_shows_both_plots_with_the_cards_line(planned: Planned) -> None:
    advice = advise(MISSION, stats(), LLAMA, goal="structure")
    page = plan_page(planned, advice)
    assert page.count("<svg") == 2 and page.count("memory of the GPU") == 2
    for word in ("Liger fused", "cut cross-entropy", "9 requests", "go to 4,096", "bitsandbytes"):
        assert word in page


def test_the_verb(tmp_path: Path) -> None:
    answer = seqctx("plan", FILE, "--html", tmp_path / "plan.html", cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert "KV cache" in answer.stdout and "fits" in answer.stdout
    assert (tmp_path / "plan.html").read_text("utf-8").startswith("<!doctype html>")
    answer = seqctx("plan", FILE, "--json", "--gpu", "rtx-3060-12gb", cwd=tmp_path)
    assert answer.returncode == 1  # found wanting
    data = json.loads(answer.stdout)
    assert data["training"]["capacity"] < data["training"]["device"]
    assert data["training"]["terms"][0].keys() == {
        "name", "bytes", "formula", "source", "provenance",
    }  # fmt: skip
    answer = seqctx("plan", FILE, "--gpu", "rtx-9999", cwd=tmp_path)
    assert answer.returncode == 2 and "no card of the table" in answer.stderr
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


def test_a_file_for_a_cpu_is_planned_without_a_card() -> None:
    planned = Planned.of(load_config(CONFIG), gpu="cpu")
    assert planned.training.gpu is None and planned.training.term("weights").bytes


GUESTS = sorted((ROOT / "tests" / "data" / "guests").glob("*.yaml"))


@pytest.mark.parametrize("path", GUESTS, ids=lambda p: p.stem)
def test_guests_are_planned_or_refused_in_one_line(path: Path) -> None:
    try:
        planned = Planned.of(load_config(path), "h100-80gb")
    except InputError as error:
        assert "\n" not in str(error) and str(error).endswith(".")
    else:
        assert planned.training.allocated > 0


def test_training_is_planned_where_serving_cannot_be() -> None:
    planned = Planned.of(load_config(ROOT / "axolotl_configs" / "gpt-oss-20b-lora-80gb.yaml"))
    assert planned.training.term("experts").bytes and planned.serving is None
    assert "which layers of this model can have one is not known" in planned.refused


def test_cards_share_a_prompt_and_a_request_takes_its_experts_only(planned: Planned) -> None:
    one = planned.speed
    two = Planned.of(MISSION.replace(vllm__tensor_parallel_size=2)).speed
    stages = Planned.of(MISSION.replace(vllm__pipeline_parallel_size=2)).speed
    assert one and two and stages
    assert two.prefill_seconds == pytest.approx(one.prefill_seconds / 2)
    assert stages.prefill_seconds == pytest.approx(one.prefill_seconds / 2)
    assert two.decode_each > 1.9 * one.decode_each
    assert stages.decode_each == pytest.approx(one.decode_each, rel=0.05)  # one after another
    experts = MISSION.replace(
        base_model="Qwen/Qwen3-30B-A3B", vllm__max_model_len=2048, adapter=None, load_in_4bit=None
    )
    speed = Planned.of(experts, "h100-80gb").speed
    # 3.3e9 weights of 30.5e9 are read, embeddings whole, at 3,352 GB/s
    assert speed and 400 < speed.decode_each < 560


def test_time_says_that_it_is_of_one_card() -> None:
    fsdp = {"fsdp_version": 2, "fsdp_config": {"reshard_after_forward": True}, "dp_shard_size": 2}
    time = Planned.of(MISSION.replace(**fsdp), stats=stats()).time
    alone = Planned.of(MISSION, stats=stats()).time
    assert time and any("of one card" in note for note in time.notes)
    assert alone and not any("of one card" in note for note in alone.notes)
