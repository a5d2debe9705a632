"""Serving: what vLLM logged, to the block; who starts and who is refused; pools of every kind."""

from __future__ import annotations

import csv
import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqctx.catalog.gpus import Gpu, find_gpu
from seqctx.check.check import check_document
from seqctx.config.config import Config
from seqctx.config.source import Document
from seqctx.errors import InputError
from seqctx.plan.kv_cache import CacheLayers, cache_layout
from seqctx.plan.memory import GIB
from seqctx.plan.serving import ServingPlan, most_sequences, plan_serving
from seqctx.plan.serving_settings import default_batch, serving_settings
from seqctx.plan.serving_terms import graph_count
from seqctx.plan.training import plan_training
from tests.conftest import ROOT

MODELS = {  # of tests/data/serve.csv: name in the table
    "Llama-3.2-3B-Instruct": "meta-llama/Llama-3.2-3B", "Llama-3.1-8B": "meta-llama/Llama-3.1-8B",
    "DeepSeek-R1-0528-Qwen3-8B": "Qwen/Qwen3-8B", "Phi-4 (14B)": "microsoft/phi-4",
    "Mistral-7B-Instruct-v0.3": "mistralai/Mistral-7B-v0.3", "Qwen3-4B-Base": "Qwen/Qwen3-4B",
    "Qwen2.5-VL-7B-Instruct": "Qwen/Qwen2.5-7B",  # its language model
    "Llama-3.1-8B-Instruct": "meta-llama/Llama-3.1-8B", 
    "Qwen3.6-35B-A3B-NVFP4": "Qwen/Qwen3.6-35B-A3B", "Qwen2.5-7B AWQ-class": "Qwen/Qwen2.5-7B",
    "Qwen3-4B (pegainfer, not vLLM)": "Qwen/Qwen3-4B",
}  # fmt: skip
NOT_EXPRESSED = {
    "14": "the log gives no tokens", "17": "the log gives neither GiB nor tokens",
    "20": "the log gives no tokens, and it is another vLLM", "22": "cross-attention",
    "23": "the log gives tokens without GiB", "25": "'about' 50 GiB and 525,000 tokens; K=V",
    "26": "a drafter is resident, K=V", "31": "the log gives no GiB", "32": "the log gives no GiB",
    "34": "a drafter is resident", "37": "MLA beside other layers",
    "38": "tokens are an estimate of the longest window; its block size is not logged",
}  # fmt: skip
TABLE = (ROOT / "tests/data/serve.csv").read_text("utf-8").splitlines()
ROWS = {row["id"]: row for row in csv.DictReader(TABLE)}
LLAMA = Config(
    base_model="meta-llama/Llama-3.1-8B-Instruct", adapter="qlora", load_in_4bit=True, lora_r=64,
    vllm={"max_model_len": 64000, "max_num_seqs": 9, "gpu_memory_utilization": 0.90},
)  # fmt: skip


def number(text: str) -> int | None:
    match = re.match(r"\d+", text)
    return int(match[0]) if match else None


def plan_of_row(row: dict[str, str], *, given: bool) -> ServingPlan:
    """The row's plan; the logged GiB of its cache ``given``, or its card's."""
    vllm: dict[str, object] = {"max_model_len": int(row["max_model_len"])}
    vllm["gpu_memory_utilization"] = float(row["gpu_mem_util"] or 0.92)
    for key in ("max_num_seqs", "max_num_batched_tokens", "max_lora_rank"):
        if value := number(row[key]):
            vllm[key] = value
    if row["kv_dtype"] == "fp8":
        vllm["kv_cache_dtype"] = "fp8"
    if row["enable_lora"] == "yes":
        vllm["enable_lora"] = True
    for mark, name in {"nf4": "bitsandbytes", "awq": "awq", "nvfp4": "nvfp4"}.items():
        if mark in row["weights_dtype"]:
            vllm["quantization"] = name
    total = float(row["gpu_total_gib"])
    version = number(row["vllm_version"][2:]) if row["vllm_version"].startswith("0.") else 6
    return plan_serving(
        Config(base_model=MODELS[row["model"]], vllm=vllm),
        gpu=Gpu("logged", total, "any", usable_gib=total),
        vllm_version=f"0.{version}.0",
        free_bytes=int(float(row["kv_cache_gib"]) * GIB) if given else None,
    )


@pytest.mark.parametrize("name", [name for name in ROWS if name not in NOT_EXPRESSED])
def test_cache_sizes_equal_those_of_vllm_logs(name: str) -> None:
    """Within 0.2 %; logs give GiB to 2 decimals, which is that or less in all of them."""
    row = ROWS[name]
    assert float(row["kv_cache_gib"]) < 0 or 0.005 / float(row["kv_cache_gib"]) < 0.005
    tokens = int(row["kv_tokens"])
    plan = plan_of_row(row, given=True)
    assert plan.kv_tokens is not None and abs(plan.kv_tokens - tokens) <= 0.002 * tokens
    if name in ("28", "29"):  # hybrid of attention and delta nets: to the token
        assert plan.kv_tokens == tokens


def test_enough_logs_can_be_planned() -> None:
    assert len(ROWS) - len(NOT_EXPRESSED) >= 14
    assert ROWS.keys() >= NOT_EXPRESSED.keys()


@pytest.mark.parametrize("name", ["1", "2", "4", "5", "7", "8", "11", "13", "16", "19"])
def test_which_servers_start(name: str) -> None:
    """From nothing but card, model and settings."""
    row = ROWS[name]
    plan = plan_of_row(row, given=False)
    assert plan.fits is ("refused" not in row["max_concurrency"])
    assert plan.kv_free is not None
    assert abs(plan.kv_free / GIB - float(row["kv_cache_gib"])) < 0.35


@pytest.mark.parametrize("name", ["1", "2", "7", "8", "11", "16", "19"])
def test_weights_and_peaks_equal_those_of_vllm_logs(name: str) -> None:
    row, plan = ROWS[name], plan_of_row(ROWS[name], given=False)
    parts = {term.name: term.bytes / GIB for term in plan.memory.terms}
    held = sum(parts.get(part, 0) for part in ("weights", "rotary table", "adapter buffers"))
    assert held == pytest.approx(float(row["weights_gib"]), rel=0.015)
    if name != "16":
        assert parts["sampler"] == pytest.approx(float(row["peak_activation_gib"]), rel=0.05)
    else:  # 17.98 at the peak, 14.99 of it weights
        assert parts["activations"] == pytest.approx(17.98 - 14.9888, rel=0.01)


def test_llama_8b_at_64k_on_32_gb() -> None:
    plan = plan_serving(LLAMA, gpu="rtx-5090")
    assert plan.fits and plan.request_bytes == 8_388_608_000  # vLLM's own code says the same
    assert 24.0 < plan.memory.device / GIB < 24.5  # "24 GB at 64k": with one request of 64,000
    assert plan.max_concurrency is not None and 1.4 < plan.max_concurrency < 1.7
    assert 9 * plan.request_bytes / GIB == pytest.approx(70.3, abs=0.1)  # nine of them
    assert plan.with_requests(9) == plan.memory.device + 8 * plan.request_bytes
    assert most_sequences(LLAMA, gpu="rtx-5090") == 1
    long = plan_serving(LLAMA.replace(vllm__max_model_len=131072), gpu="rtx-5090")
    assert long.fits is False and long.request_bytes == 16 * GIB
    assert long.memory.term("weights").bytes / GIB == pytest.approx(15.0, abs=0.05)
    assert long.longest_window == plan.longest_window


def test_128k_is_served_with_an_eight_bit_cache() -> None:
    cfg = LLAMA.replace(vllm__max_model_len=131072, vllm__kv_cache_dtype="fp8")
    assert plan_serving(cfg, gpu="rtx-5090").fits


def test_adapter_buffers_equal_those_of_vllm() -> None:
    plan = plan_serving(LLAMA.replace(lora_r=16), gpu="rtx-5090")
    assert plan.memory.term("adapter buffers").bytes == pytest.approx(92e6, rel=0.01)
    odd = plan_serving(LLAMA.replace(lora_r=17), gpu="rtx-5090")
    assert odd.memory.term("adapter buffers").bytes == pytest.approx(184.7e6, rel=0.01)


@given(st.integers(1, 131_072))
def test_longest_window_is_exact(window: int) -> None:
    plan = plan_serving(LLAMA, gpu="rtx-5090")
    cfg = LLAMA.model_copy(update={"vllm": LLAMA.vllm.model_copy(update={"max_model_len": window})})
    assert plan_serving(cfg, gpu="rtx-5090").fits is (window <= (plan.longest_window or 0))


def test_window_from_the_model_or_the_gpu() -> None:
    unset = LLAMA.replace(vllm__max_model_len=None)
    assert plan_serving(unset, gpu="rtx-5090").window == 131072
    auto = LLAMA.replace(vllm__max_model_len="auto")
    plan = plan_serving(auto, gpu="rtx-5090")
    assert plan.fits and plan.window == plan.longest_window
    with pytest.raises(InputError, match="no GPU is named"):
        plan_serving(auto)


def test_terms_add_up_and_a_plan_is_quick() -> None:
    plan = plan_serving(LLAMA, gpu="rtx-5090")
    assert sum(term.bytes for term in plan.memory.terms) == plan.memory.allocated
    assert plan.fits == plan.memory.fits
    begin = time.perf_counter()
    for _ in range(20):
        plan_serving(LLAMA, gpu="rtx-5090")
    assert (time.perf_counter() - begin) / 20 < 0.005


def test_without_a_gpu_or_on_a_cpu() -> None:
    plan = plan_serving(LLAMA)
    assert plan.fits is None and plan.kv_tokens is None and plan.memory.capacity is None
    cpu = plan_serving(LLAMA.replace(vllm__kv_cache_memory_bytes=9_000_000_000), gpu="cpu")
    assert cpu.block_size == 128 and cpu.fits
    names = {term.name for term in cpu.memory.terms}
    assert "CUDA graphs" not in names and "workspaces" not in names


def test_versions_of_vllm_differ_in_utilization_and_graphs() -> None:
    cfg = LLAMA.replace(vllm__gpu_memory_utilization=None)
    old = plan_serving(cfg, gpu="rtx-5090", vllm_version="0.20.0").memory
    new = plan_serving(cfg, gpu="rtx-5090").memory
    assert new.capacity and old.capacity
    assert new.capacity / old.capacity == pytest.approx(0.92 / 0.90)
    assert "CUDA graphs" in {t.name for t in new.terms} - {t.name for t in old.terms}


def test_two_gpus_share_a_model() -> None:
    one = plan_serving(LLAMA, gpu="rtx-5090")
    two = plan_serving(LLAMA.replace(vllm__tensor_parallel_size=2), gpu="rtx-5090")
    assert two.kv_bytes_per_token == one.kv_bytes_per_token // 2
    weights = two.memory.term("weights").bytes / one.memory.term("weights").bytes
    assert weights == pytest.approx(0.5, abs=0.001)
    sixteen = plan_serving(LLAMA.replace(vllm__tensor_parallel_size=16), gpu="rtx-5090")
    assert sixteen.kv_bytes_per_token == one.kv_bytes_per_token // 8  # a head is not divided
    stages = plan_serving(LLAMA.replace(vllm__pipeline_parallel_size=2), gpu="rtx-5090")
    assert stages.kv_bytes_per_token == one.kv_bytes_per_token // 2


@pytest.mark.parametrize(
    ("gpu", "batch"),
    [("rtx-5090", (2048, 256)), ("a100-80gb", (2048, 256)), ("h100-80gb", (8192, 1024)),
     ("b200", (16384, 1024)), ("cpu", (2048, 128))],
)  # fmt: skip
def test_default_batches(gpu: str, batch: tuple[int, int]) -> None:
    assert default_batch(find_gpu(gpu)) == batch


def test_graphs_for_the_default_batch() -> None:
    assert graph_count(256) == 51 + 35  # 51 sizes up to 512, 35 of them up to 256
    assert graph_count(9) == 5 + 4


@pytest.mark.parametrize(
    ("cfg", "message"),
    [
        (LLAMA.replace(vllm__kv_cache_dtype="turboquant_k8v4"), "kv_cache_dtype: turboquant"),
        (LLAMA.replace(vllm__quantization="torchao"), "quantization: torchao"),
        (LLAMA.replace(vllm__speculative_config={"model": "x"}), "a draft model"),
        (Config(base_model="nobody/Nothing-1B"), "shape is not known"),
        (Config(base_model="google/gemma-4-31B-it"), "KV cache cannot be planned"),
        (Config(base_model="mistralai/Ministral-8B-Instruct-2410"), "KV cache cannot be planned"),
        (Config(base_model="Qwen/Qwen3-30B-A3B", adapter="lora"), "plan the merged model"),
    ],
)
def test_what_cannot_be_planned_is_refused(cfg: Config, message: str) -> None:
    with pytest.raises(InputError, match=message):
        plan_serving(cfg, gpu="rtx-5090")


def test_windows_cost_less_than_full_attention() -> None:
    """Gemma 3 4B: 29 of 34 layers keep 1,024 tokens and what is in flight."""
    plan = plan_serving(Config(base_model="google/gemma-3-4b-it"), gpu="rtx-5090")
    assert plan.kv_bytes_per_token == 5 * 4096
    assert plan.request_bytes < 0.3 * 34 * 4096 * plan.window


@pytest.mark.parametrize("window", [512, 2048, 8192, 64000, 131072])
def test_most_sequences_is_exact(window: int) -> None:
    cfg = LLAMA.replace(vllm__max_model_len=window)
    begin = time.perf_counter()
    most = most_sequences(cfg, gpu="rtx-5090")
    assert time.perf_counter() - begin < 0.1

    def holds(sequences: int) -> bool:
        changed = cfg.replace(vllm__max_num_seqs=sequences)
        plan = plan_serving(changed, gpu="rtx-5090")
        return bool(plan.fits) and (plan.max_concurrency or 0) >= sequences

    assert (most == 0 or holds(most)) and not holds(most + 1)


@given(
    full=st.integers(1, 40), sliding=st.integers(0, 40), window=st.integers(1, 4096),
    tokens=st.integers(1, 200_000), flight=st.integers(0, 8192),
)  # fmt: skip
def test_longer_requests_take_no_less(
    full: int, sliding: int, window: int, tokens: int, flight: int
) -> None:
    layers = [CacheLayers("full", full, 4096), CacheLayers("sliding", sliding, 4096, window)]
    layout = cache_layout(layers, in_flight=flight)
    assert layout.blocks(tokens) <= layout.blocks(tokens + 1)
    # the pool holds every layer's own tokens, padding included
    assert layout.blocks(tokens) * layout.block_bytes >= full * tokens * 4096
    free = layout.needed(tokens)
    assert layout.longest(free, 400_000) >= tokens
    assert layout.needed(layout.longest(free, 400_000)) <= free


def test_experts_in_four_bit_as_published() -> None:
    """gpt-oss-20b: its published files are 13.8 GB (noted from memory)."""
    plan = plan_serving(Config(base_model="openai/gpt-oss-20b"), gpu="rtx-5090")
    assert plan.memory.term("weights").bytes / GIB == pytest.approx(12.8, rel=0.05)
    with pytest.raises(InputError, match="before 0.21"):
        plan_serving(Config(base_model="openai/gpt-oss-20b"), vllm_version="0.19.0")


def test_one_block_is_held_back() -> None:
    """A cache of exactly ``max_model_len`` is refused; one block more is not."""
    layout = cache_layout([CacheLayers("full", 32, 4096)])
    exact = 64_000 * 32 * 4096
    assert layout.longest(exact, 131_072) == 64_000 - 16
    assert layout.longest(exact + layout.block_bytes, 131_072) == 64_000


def test_a_model_without_attention_is_refused() -> None:
    with pytest.raises(ValueError, match="grows"):
        cache_layout([CacheLayers("state", 4, 1000)])


def test_a_scaled_rope_reaches_further() -> None:
    rope = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}
    model = LLAMA.replace(base_model="Qwen/Qwen3-8B", vllm__max_model_len=100_000)
    alone = model.replace(vllm__hf_overrides={"rope_parameters": rope})
    assert plan_serving(alone, gpu="h100-80gb").longest_window == 40960
    whole = {"rope_parameters": rope, "max_position_embeddings": 131072}
    plan = plan_serving(model.replace(vllm__hf_overrides=whole), gpu="h100-80gb")
    assert plan.longest_window == 131072 and plan.fits


@pytest.mark.parametrize(
    ("given", "tokens"),
    [("8k", 8000), ("8K", 8192), ("25.6k", 25600), (" 4096 ", 4096), ("1m", 10**6), (2048, 2048)],
)
def test_numbers_are_read_as_vllm_reads_them(given: object, tokens: int) -> None:
    cfg = LLAMA.replace(vllm__max_num_batched_tokens=given)
    assert serving_settings(cfg).batched == tokens
    window = LLAMA.replace(vllm__max_model_len=given).vllm.max_model_len
    assert window == tokens


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("max_num_batched_tokens", "8.5K"), ("max_num_batched_tokens", "many"),
        ("tensor_parallel_size", "auto"), ("tensor_parallel_size", 0), ("max_lora_rank", "auto"),
        ("block_size", 0), ("max_loras", True), ("kv_cache_memory_bytes", "8X"),
        ("data_parallel_size", [2]), ("kv_cache_dtype", ["fp8"]), ("quantization", ["fp8"]),
    ],
)  # fmt: skip
def test_values_that_vllm_would_not_read_are_refused(key: str, value: object) -> None:
    cfg = LLAMA.replace(**{f"vllm__{key}": value})
    with pytest.raises(InputError, match=f"^vllm.{key}: [^\n]*\\.$"):
        plan_serving(cfg, gpu="rtx-5090")
    document = Document("a.yaml", cfg.model_dump(exclude_unset=True), {})
    check_document(document, overrides={"seqctx.gpu": "rtx-5090"})  # says what it knows


def folder(path: Path, quantization: dict[str, object]) -> str:
    """Qwen3-8B, quantized."""
    config = {
        "hidden_size": 4096, "num_hidden_layers": 36, "num_attention_heads": 32,
        "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 12288,
        "vocab_size": 151936, "max_position_embeddings": 40960, "quantization_config": quantization,
    }  # fmt: skip
    (path / "config.json").write_text(json.dumps(config))
    return str(path)


@pytest.mark.parametrize("method", ["awq", "gptq", "bitsandbytes"])
def test_a_quantized_base_model_is_counted_at_its_width(method: str, tmp_path: Path) -> None:
    base = folder(tmp_path, {"quant_method": method, "bits": 4})
    cfg = LLAMA.replace(base_model=base, vllm__max_model_len=16000, load_in_4bit=None,
                        adapter="lora", lora_target_linear=True, sequence_len=2048)  # fmt: skip
    served = plan_serving(cfg, gpu="rtx-4060-ti-16gb")
    assert served.fits and served.memory.term("weights").bytes < 6.1 * GIB
    trained = plan_training(cfg, gpu="rtx-4060-ti-16gb").term("weights").bytes
    assert trained == pytest.approx(6.945e9 * 4.14 / 8, rel=0.01)
    with pytest.raises(InputError, match="base_model: quantized by"):
        plan_training(cfg.replace(adapter=None))


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"quant_method": "gptq", "bits": 8}, "gptq 8 bit"),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, "bitsandbytes 8 bit"),
        ({"quant_method": "compressed-tensors"}, "compressed-tensors"),
    ],
)
def test_another_quantization_is_refused(
    given: dict[str, object], name: str, tmp_path: Path
) -> None:
    cfg = LLAMA.replace(base_model=folder(tmp_path, given))
    with pytest.raises(
        InputError, match=f"base_model: quantization_config: {name}: seqctx cannot plan it"
    ):
        plan_serving(cfg, gpu="rtx-5090")
    with pytest.raises(InputError, match=f"base_model: quantized by {name}"):
        plan_training(cfg)


def test_quantized_by_name_or_by_key() -> None:
    four = LLAMA.replace(base_model="unsloth/Llama-3.1-8B-bnb-4bit", adapter="lora",
                         load_in_4bit=None, lora_target_linear=True)  # fmt: skip
    assert plan_training(four).term("weights").bytes < 4 * GIB
    gptq = four.replace(base_model="meta-llama/Llama-3.1-8B", gptq=True)
    assert plan_training(gptq).term("weights").bytes < 4 * GIB
