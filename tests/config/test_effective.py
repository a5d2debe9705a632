"""Defaults filled in: the same as in Axolotl's own schema, and keys read together."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from seqctx.catalog.keys import axolotl_names
from seqctx.config.config import Config
from seqctx.config.effective import LORA_KERNELS, SOURCES, Effective

DEFAULTS = {each.name: each.default for each in fields(Effective) if each.name != "config"}


def file_with(**values: Any) -> Effective:
    return Effective.of(Config.model_validate({"base_model": "b", **values}))


@pytest.mark.parametrize("key", DEFAULTS)
def test_a_default_is_axolotls(key: str) -> None:
    entry = axolotl_names()["keys"].get(key)
    plugin_keys = {k for p in axolotl_names()["plugins"].values() for k in p.get("keys", {})}
    assert entry is not None or key in plugin_keys
    if key in SOURCES:
        assert "default" not in entry, "the schema gives one: compare to that"
        return
    unset = type(DEFAULTS[key])()  # False, 0, "": what a key without a default comes to
    assert DEFAULTS[key] == (entry or {}).get("default", unset)


def test_every_source_is_of_a_field() -> None:
    assert SOURCES.keys() <= DEFAULTS.keys()


def test_the_defaults_of_an_empty_file_are_the_fields() -> None:
    file = file_with()
    assert {key: getattr(file, key) for key in DEFAULTS} == DEFAULTS
    assert not file.given("lora_r")


def test_given_null_and_values_of_another_type_count_as_unset() -> None:
    file = file_with(optimizer=None, save_total_limit="many", dp_shard_size=True, use_ray=1)
    assert (file.optimizer, file.save_total_limit) == ("adamw_torch_fused", 4)
    assert (file.dp_shard_size, file.use_ray) == (1, True)


def test_zero_is_a_seed_but_no_limit() -> None:
    file = file_with(seed=0, save_total_limit=0)
    assert (file.seed, file.save_total_limit) == (0, 4)


def test_what_follows_from_other_keys() -> None:
    file = file_with(micro_batch_size=3, gradient_accumulation_steps=4, sample_packing=True)
    assert (file.rows_per_step, file.eval_batch_size, file.packs_evaluation) == (12, 3, True)
    assert not file_with(sample_packing=True, eval_sample_packing=False).packs_evaluation
    assert file_with(save_steps=5).save_strategy == "steps"
    assert file_with().save_strategy == "epoch"


def test_bf16_null_is_not_bf16_unset() -> None:
    assert file_with().is_mixed_precision
    assert not file_with(bf16=None).is_mixed_precision
    assert file_with(bf16=None, load_in_8bit=True).loads_16_bit


def test_older_attention_flags_are_implementations() -> None:
    assert file_with(flash_attention=True).attention == "flash_attention_2"
    assert file_with(flash_attention=True, attn_implementation="sdpa").attention == "sdpa"
    assert file_with(flash_attention=False).attention is None


def test_lora_kernels_turn_themselves_on_where_none_is_set() -> None:
    assert file_with(adapter="qlora", lora_dropout=0.1).lora_kernels == set(LORA_KERNELS)
    assert file_with(adapter="qlora", lora_qkv_kernel=False).lora_kernels == set()
    assert file_with(adapter="lora", load_in_8bit=True).lora_kernels == set()
    assert file_with().lora_kernels == set()


def test_fsdp_without_its_prefix_and_with_axolotls_version() -> None:
    file = file_with(fsdp_config={"fsdp_version": 2, "offload_params": True})
    assert file.fsdp_config == {"version": 2, "offload_params": True}
    assert (file.uses_fsdp, file.fsdp_version) == (True, "2")
    assert file_with(fsdp_config={"offload_params": True}).fsdp_version == "1"
    assert not file_with(fsdp_version=2).uses_fsdp


def test_sizes_of_both_stages() -> None:
    file = file_with(dp_shard_size=4, vllm={"tensor_parallel_size": 2})
    assert file.training_sizes["dp_shard_size"] == 4
    assert file.serving_sizes == {
        "tensor_parallel_size": 2, "pipeline_parallel_size": 1, "data_parallel_size": 1,
    }  # fmt: skip
