"""What a proof of isolation asks of Axolotl, and how its numbers are read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seqctx import CheckError, InputError
from seqctx.config.config import Config
from seqctx.proofs.isolation import Isolation, PackedExample, proof_mapping, prove_isolation
from seqctx.proofs.tiny_model import VOCAB, model_config, tiny_config
from tests.conftest import seqctx

CLASSES = {
    "meta-llama/Llama-3.1-8B-Instruct": "llama", "Qwen/Qwen2.5-7B": "qwen2",
    "Qwen/Qwen3-8B": "qwen3", "Qwen/Qwen3-30B-A3B": "qwen3_moe", "openai/gpt-oss-20b": "gpt_oss",
    "google/gemma-2-9b-it": "gemma2", "google/gemma-3-1b-it": "gemma3_text",
    "mistralai/Mistral-7B-v0.3": "mistral", "microsoft/phi-4": "phi3",
    "HuggingFaceTB/SmolLM3-3B": "smollm3", "HuggingFaceTB/SmolLM2-360M": "llama",
}  # fmt: skip


def config_of(**keys: Any) -> Config:
    return Config.model_validate({"base_model": "Qwen/Qwen3-8B", **keys})


@pytest.mark.parametrize(("name", "model_type"), CLASSES.items())
def test_the_class_of_a_known_model(name: str, model_type: str) -> None:
    from transformers import AutoConfig

    config, shape = model_config(name)
    assert config["model_type"] == model_type
    small = tiny_config(config, shape)
    made = AutoConfig.for_model(**small)
    assert made.num_attention_heads % made.num_key_value_heads == 0
    assert made.hidden_size == made.num_attention_heads * small["head_dim"]
    assert shape.heads and shape.kv_heads
    assert made.num_attention_heads // made.num_key_value_heads == min(
        8, shape.heads // shape.kv_heads
    )
    kinds = set(getattr(made, "layer_types", None) or ["full_attention"])
    assert "full_attention" in kinds
    assert bool(shape.windowed) == ("sliding_attention" in kinds)
    assert (made.vocab_size, made.pad_token_id) == (VOCAB, 0)


@pytest.mark.parametrize("name", ["google/gemma-3-4b-it", "Qwen/Qwen3.5-27B", "me/unheard-of"])
def test_a_class_that_is_not_known(name: str) -> None:
    with pytest.raises(
        InputError, match=f"{name}: seqctx does not know its (text-only class|architecture)"
    ):
        model_config(name)


def test_a_tiny_model_keeps_the_kinds_of_layers(tmp_path: Path) -> None:
    layers = ["sliding_attention"] * 3 + ["full_attention"] + ["sliding_attention"] * 4
    config = {
        "model_type": "qwen2", "hidden_size": 896, "num_attention_heads": 14, "vocab_size": 151936,
        "num_key_value_heads": 2, "num_hidden_layers": 8, "max_position_embeddings": 32768,
        "intermediate_size": 4864, "layer_types": layers, "sliding_window": 4096,
        "attention_dropout": 0.1, "quantization_config": {}, "rope_theta": 1e6,
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config))
    small = tiny_config(*model_config(str(tmp_path)))
    assert small["layer_types"] == layers[:4]
    assert small["num_hidden_layers"] == 4
    assert (small["num_attention_heads"], small["num_key_value_heads"]) == (7, 1)
    assert (small["attention_dropout"], small["rope_theta"]) == (0.0, 1e6)
    assert small["sliding_window"] < 100
    assert "quantization_config" not in small
    (tmp_path / "config.json").write_text(json.dumps({**config, "auto_map": {}}))
    with pytest.raises(InputError, match="code of its own"):
        model_config(str(tmp_path))
    del config["model_type"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="has no model_type"):
        model_config(str(tmp_path))


def test_the_keys_that_a_proof_keeps(tmp_path: Path) -> None:
    cfg = config_of(
        sample_packing=True, attn_implementation="sdpa", sequence_len=2048, adapter="qlora",
        load_in_4bit=True, lora_r=8, bf16=True, optimizer="adamw_bnb_8bit", liger_rope=True,
        plugins=["axolotl.integrations.liger.LigerPlugin"], micro_batch_size=9, special_tokens={},
        sample_packing_bin_size=50, deepspeed="x.json", chat_template="chatml", vllm={"port": 1},
    )  # fmt: skip
    mapping, given = proof_mapping(cfg, tmp_path), cfg.model_dump(mode="json")
    kept = ("attn_implementation", "sample_packing", "plugins", "liger_rope")
    assert {k: mapping[k] for k in kept} == {k: given[k] for k in kept}
    assert mapping["sample_packing_bin_size"] == 50
    gone = ("adapter", "load_in_4bit", "lora_r", "deepspeed", "chat_template", "vllm", "seqctx",
            "special_tokens")  # fmt: skip
    assert not mapping.keys() & set(gone)
    assert (mapping["bf16"], mapping["optimizer"]) == (False, "adamw_torch")
    assert (mapping["sequence_len"], mapping["micro_batch_size"]) == (256, 4)
    assert proof_mapping(cfg, tmp_path, gpu=True)["bf16"] is True
    whole = proof_mapping(cfg, tmp_path, real_weights=True)
    assert (whole["base_model"], whole["special_tokens"]) == ("Qwen/Qwen3-8B", {})
    alone = proof_mapping(config_of(sequence_len=64), tmp_path)
    assert (alone["sequence_len"], alone["micro_batch_size"]) == (64, 2)


def test_what_needs_a_gpu_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(
        CheckError, match="flash_attention_2 needs a GPU, and this machine has none"
    ):
        prove_isolation(config_of(attn_implementation="flash_attention_2"))
    with pytest.raises(CheckError, match="--set flash_attention=false --set attn_impl"):
        prove_isolation(config_of(flash_attention=True))
    with pytest.raises(InputError, match="rl: the proof covers"):
        prove_isolation(config_of(rl="dpo"))


def isolation(**numbers: float) -> Isolation:
    example = {"change_elsewhere": 0.0, "against_alone": 4e-6, "gradient_elsewhere": 0.0, **numbers}
    return Isolation(
        model_class="LlamaForCausalLM", weights="random", attention="sdpa", collator="Collator",
        batch={"input_ids": (1, 256)}, dtype="float32", device="cpu", largest_logit=8.0,
        gradient_at_border=0.0,
        examples=(PackedExample(0, 0, 9, **example), PackedExample(0, 9, 20, 0.0, 0.0, 0.0)),
    )  # fmt: skip


def test_the_verdict() -> None:
    assert isolation().verdict == (
        "isolated: 2 examples in one row; a token of one changes the logits of the others by 0.0; "
        "sdpa attention, LlamaForCausalLM (random weights)"
    )
    assert (isolation().leaks, isolation().border) == ({}, None)
    assert isolation(change_elsewhere=0.5).leaks == {"change elsewhere": 0.5}
    assert "LEAK into each other: the loss of one has a gradient of 0.002" in (
        isolation(gradient_elsewhere=0.002).verdict
    )
    assert isolation(change_elsewhere=float("nan")).leaks  # what is no number is no proof
    assert isolation(against_alone=1e-3).leaks
    assert not replace(isolation(against_alone=0.1), dtype="bfloat16").leaks
    assert "gradient 3.5" in str(replace(isolation(), gradient_at_border=3.5).border)


def test_one_file_at_a_time() -> None:
    answer = seqctx("check", "--prove-isolation", "a.yaml", "b.yaml")
    assert answer.returncode == 2
    assert "takes one CONFIG" in answer.stderr


def test_a_key_given_with_set_is_checked(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("base_model: Qwen/Qwen3-8B\nsample_packing: true\n")
    answer = seqctx("check", "c.yaml", cwd=tmp_path)
    assert "[packing-leaks]" in answer.stdout
    answer = seqctx("check", "c.yaml", "--set", "attn_implementation=sdpa", cwd=tmp_path)
    assert "[packing-leaks]" not in answer.stdout
