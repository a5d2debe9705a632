"""Time: the run that the range was taken from; what reports about 4,096 and overlap, computed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqctx.catalog.gpus import find_gpu
from seqctx.catalog.lookup import find_model
from seqctx.config.config import Config
from seqctx.errors import InputError
from seqctx.plan.throughput import TrainingData, examples_factor, plan_time, speed_bounds

RUN = Config(
    base_model="meta-llama/Llama-3.1-8B-Instruct", adapter="qlora", load_in_4bit=True, lora_r=64,
    lora_target_linear=True, sequence_len=2048, num_epochs=5, gradient_checkpointing=True,
    bf16=True, optimizer="adamw_bnb_8bit",
)  # fmt: skip
FULL = TrainingData(examples=51, tokens=51 * 2048, rows=51, steps_per_epoch=51, row_tokens=2048)


def test_the_reported_run_takes_five_minutes() -> None:
    plan = plan_time(RUN, FULL, gpu="rtx-5090")
    assert plan.steps == 255 and plan.tokens == 255 * 2048
    # full examples: the fast end is the 285 s that were reported
    assert plan.seconds[0] == pytest.approx(285, rel=0.02)
    half = TrainingData(examples=51, tokens=51 * 1024, rows=51, steps_per_epoch=51, row_tokens=1024)
    assert plan_time(RUN, half, gpu="rtx-5090").seconds[1] == pytest.approx(285, rel=0.04)


def test_flops_of_a_token() -> None:
    plan = plan_time(RUN, FULL, gpu="rtx-5090")
    blocks, head, adapter = 6_979_321_856, 128256 * 4096, 167_772_160
    attention = 4 * 32 * 4096 * 1024
    expected = 6 * blocks + 4 * head + 8 * adapter + 4.5 * attention
    assert plan.flops_per_token == expected


def test_4096_is_no_slower_for_the_same_text() -> None:
    """Twice the time a step, half the steps: 5 % more in an epoch, from attention alone."""
    short = plan_time(RUN, FULL, gpu="rtx-5090")
    long = RUN.replace(sequence_len=4096)
    rows = TrainingData(
        examples=26, tokens=51 * 2048, rows=26, steps_per_epoch=26, row_tokens=51 * 2048 / 26
    )
    plan = plan_time(long, rows, gpu="rtx-5090")
    per_step = (plan.seconds[0] / plan.steps) / (short.seconds[0] / short.steps)
    assert 1.9 < per_step < 2.2
    assert 0.97 < plan.seconds[0] / short.seconds[0] < 1.08


@pytest.mark.parametrize(("overlap", "factor"), [(0.0, 1.0), (0.25, 4 / 3), (0.5, 2.0)])
def test_overlap_multiplies_examples(overlap: float, factor: float) -> None:
    assert examples_factor(overlap) == pytest.approx(factor)


def test_an_overlap_of_the_whole_chunk_is_refused() -> None:
    with pytest.raises(ValueError, match="below 1"):
        examples_factor(1.0)


def test_full_fine_tuning_costs_the_weights_gradients() -> None:
    full = RUN.replace(adapter=None, load_in_4bit=None, lora_r=None, lora_target_linear=None)
    lora, whole = (plan_time(c, FULL, gpu="h100-80gb") for c in (RUN, full))
    assert 1.25 < whole.flops_per_token / lora.flops_per_token < 1.35
    assert whole.dequantization_seconds == 0 < lora.dequantization_seconds


def test_max_steps_sets_steps_and_epochs() -> None:
    plan = plan_time(RUN.replace(max_steps=102), FULL, gpu="rtx-5090")
    assert plan.steps == 102 and plan.epochs == 2


@given(st.integers(1, 9), st.integers(1, 131_072))
def test_decoding_reads_weights_and_caches(requests: int, context: int) -> None:
    gpu, model = find_gpu("rtx-5090"), find_model("meta-llama/Llama-3.1-8B")
    assert gpu and model
    bounds = speed_bounds(
        model, gpu, weight_bytes=16_060_000_000, kv_bytes_per_token=131_072,
        context=context, requests=requests,
    )  # fmt: skip
    seconds = (16.06e9 + requests * context * 131_072) / 1792e9
    assert bounds.decode_each <= 1 / seconds * (1 + 1e-9)
    assert bounds.decode_tokens_per_second == pytest.approx(requests * bounds.decode_each)
    if bounds.limit == "bandwidth":
        assert bounds.decode_each == pytest.approx(1 / seconds)


def test_a_machine_without_a_gpu_has_no_time() -> None:
    with pytest.raises(InputError, match="cpu has no GPU memory"):
        plan_time(RUN, FULL, gpu="cpu")
    with pytest.raises(InputError, match="unknown GPU"):
        plan_time(RUN, FULL, gpu="rtx-9999")
