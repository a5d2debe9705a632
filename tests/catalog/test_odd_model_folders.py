"""A model's folder whose files hold odd values is read, or refused in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from seqctx.catalog.lookup import find_end_of_turn, find_model
from seqctx.errors import InputError

CONFIG = {
    "model_type": "llama", "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 2000,
    "max_position_embeddings": 4096,
}  # fmt: skip


def folder_with(path: Path, name: str, data: Any) -> str:
    (path / "config.json").write_text(json.dumps(CONFIG))
    (path / name).write_text(json.dumps(data))
    return str(path)


@pytest.mark.parametrize("key", [key for key in CONFIG if key != "model_type"])
@pytest.mark.parametrize(
    "value", [float("inf"), float("nan"), 1e308, 1e-308, 10**400, -1, True, "x", [1], {"a": 1}]
)
def test_a_size_that_is_no_size_is_refused(tmp_path: Path, key: str, value: Any) -> None:
    base = folder_with(tmp_path, "config.json", {**CONFIG, key: value})
    with pytest.raises(InputError, match=f"not the config of a causal language model .{key}: must"):
        find_model(base)


@pytest.mark.parametrize(
    "odd",
    [
        {"num_attention_heads": 10**9},  # heads without a width
        {"rope_scaling": {"factor": float("inf")}},
        {"rope_parameters": {"factor": 1e308}},
        {"rope_scaling": {"factor": 0}},
        {"rope_scaling": {"factor": -2}},
        {"rope_scaling": {"factor": 10**400}},
        {"text_config": [1]},
        {"sliding_window": 10**30},
        {"num_experts": -1},
    ],
)
def test_odd_values_are_refused_in_one_line(tmp_path: Path, odd: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="not the config of a causal language model") as error:
        find_model(folder_with(tmp_path, "config.json", {**CONFIG, **odd}))
    assert len(str(error.value).splitlines()) == 1


def test_what_is_not_needed_may_be_odd(tmp_path: Path) -> None:
    odd = {"rope_theta": 10**300, "quantization_config": 5, "tie_word_embeddings": "x"}
    model = find_model(folder_with(tmp_path, "config.json", {**CONFIG, **odd}))
    assert model
    assert model.rope is None
    for added in ([{"content": 5}], [{"content": None}], [5], {"a": 1}, 5, None):
        base = folder_with(tmp_path, "tokenizer.json", {"added_tokens": added})
        model = find_model(base)
        assert model
        assert model.special_tokens is None


@pytest.mark.parametrize("eos", [5, True, 1.5, ["x"], {"content": 5}, {"content": [1]}, {}, None])
def test_an_eos_token_that_is_no_text_is_unknown(tmp_path: Path, eos: Any) -> None:
    base = folder_with(tmp_path, "tokenizer_config.json", {"eos_token": eos, "chat_template": "x"})
    assert find_end_of_turn(base, None) is None
