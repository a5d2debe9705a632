"""Shapes of models and GPUs: the tables hold together, and folders are read before them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter, ValidationError

from seqctx.catalog.architectures import architecture_of_type
from seqctx.catalog.gpus import find_gpu, known_gpus
from seqctx.catalog.lookup import (
    Family,
    find_architecture,
    find_model,
    find_own_templates,
    known_models,
)
from seqctx.catalog.models import Model
from seqctx.errors import InputError
from seqctx.plan.serving_model import cache_of
from tests.conftest import ROOT

# counted with a vision tower's text half, or by a rounded total
ROUNDED: tuple[str, ...] = ()


@pytest.mark.parametrize("name", known_models())
def test_rows_are_consistent(name: str) -> None:
    model = find_model(name)
    assert model and model.name == name and model.source and model.model_type
    assert model.max_position >= 4096 and model.parameters > 100e6
    assert model.heads % model.kv_heads == 0
    if model.unplanned is None and name not in ROUNDED:
        counted = model.block_parameters + model.expert_parameters + model.embedding_parameters
        assert counted == pytest.approx(model.parameters, rel=0.005)


def test_every_family_has_the_form_that_is_read() -> None:
    form = TypeAdapter(Family)
    for path in (ROOT / "src/seqctx/catalog/models").glob("*.yaml"):
        for family in yaml.safe_load(path.read_text("utf-8")):
            assert form.validate_python(family)._replace(models=()) == Family.read(
                {**family, "models": ()}
            )


def test_a_row_with_an_unknown_key_is_refused() -> None:
    row = find_model("openai/gpt-oss-20b")
    assert row
    data = row.model_dump()
    for wrong in ({"hiden": 1}, {"experts": {"routed": 1, "actve": 1}}):
        with pytest.raises(ValidationError, match="hiden|actve"):
            Model.model_validate({**data, **wrong})


def test_a_rows_file_is_found_by_its_name() -> None:
    """Its family's marks occur in the row's name, and so does the name of the file."""
    for path in (ROOT / "src/seqctx/catalog/models").glob("*.yaml"):
        for family in yaml.safe_load(path.read_text("utf-8")):
            for row in family.get("models", ()):
                name = row["name"].lower()
                assert path.stem in name and any(mark in name for mark in family["marks"])


def test_what_is_from_memory_is_a_field() -> None:
    row = find_model("Qwen/Qwen2.5-7B-Instruct")
    assert row and row.shape_from_memory == ("tied_embeddings", "max_position")
    assert {"eos", "end_of_turn"} <= set(row.from_memory)
    small = find_model("Qwen/Qwen2.5-0.5B")
    assert small and small.from_memory == small.shape_from_memory == "all"
    whole = find_model("mistralai/Mistral-Nemo-Instruct-2407")
    assert whole and whole.shape_from_memory == ()
    with pytest.raises(ValidationError, match="from_memory names no field: tie"):
        Model.model_validate({**row.model_dump(), "from_memory": ["tie"]})


def test_kinds_of_layers_add_up() -> None:
    row = find_model("openai/gpt-oss-20b")
    assert row and [(k.kind, k.count, k.window) for k in row.attention] == [
        ("full", 12, None), ("sliding", 12, 128),
    ]  # fmt: skip
    with pytest.raises(ValidationError, match="add up to other than 23"):
        Model.model_validate({**row.model_dump(), "layers": 23})


@pytest.mark.parametrize(
    ("name", "kind", "model_type"),
    [("microsoft/phi-4", "qkv_proj", "phi3"), ("unsloth/phi-4-bnb-4bit", "q_proj", "llama")],
)
def test_an_organisation_may_have_a_row_of_its_own(name: str, kind: str, model_type: str) -> None:
    model = find_model(name)
    assert model and model.model_type == model_type
    assert kind in (model.architecture.linears or ())


@pytest.mark.parametrize(
    ("name", "tuning"),
    [
        ("Qwen/Qwen2.5-7B", "base"), ("Qwen/Qwen3-8B", "instruct"), ("Qwen/Qwen3-8B-Base", "base"),
        ("google/gemma-3-4b-pt", "base"), ("microsoft/phi-4", None),
        ("mistralai/Mistral-Nemo-Instruct-2407", "instruct"),
    ],
)  # fmt: skip
def test_how_a_model_was_tuned(name: str, tuning: str | None) -> None:
    model = find_model(name)
    assert model and model.tuning == tuning


@pytest.mark.parametrize(
    ("name", "model_type"),
    [
        ("openai/gpt-oss-120b", "gpt_oss"), ("somebody/my-gpt-oss-20b", "gpt_oss"),
        ("google/gemma-3-270m-it", "gemma3"), ("THUDM/GLM-4-32B-0414", "glm4"),
        ("google/gemma-2b", None), ("nobody/Nothing-1B", None),
    ],
)  # fmt: skip
def test_a_class_is_known_by_a_name_without_a_row(name: str, model_type: str | None) -> None:
    architecture = find_architecture(name, find_model(name))
    assert architecture is architecture_of_type(model_type)


@pytest.mark.parametrize(
    ("name", "templates"),
    [
        ("meta-llama/Llama-3.1-8B", ("llama3",)), ("Qwen/QwQ-32B", ("chatml", "qwen")),
        ("NousResearch/Hermes-3-Llama-3.1-8B", ("chatml", "llama3")), ("a/dolphin", ()),
        ("mistralai/Ministral-8B-Instruct-2410", ("mistral",)), ("a/b", ()),
    ],
)  # fmt: skip
def test_templates_that_are_a_models_own(name: str, templates: tuple[str, ...]) -> None:
    assert find_own_templates(name) == templates


@pytest.mark.parametrize(
    ("variant", "row"),
    [
        ("unsloth/Meta-Llama-3.1-8B-Instruct-bnb-4bit", "meta-llama/Llama-3.1-8B"),
        ("google/gemma-3-4b-it", "google/gemma-3-4b"),
        ("mistralai/Mistral-7B-Instruct-v0.3", "mistralai/Mistral-7B-v0.3"),
        ("mistralai/Mistral-Small-24B-Instruct-2501", "mistralai/Mistral-Small-24B-2501"),
        ("Qwen/Qwen2.5-7B-Instruct", "Qwen/Qwen2.5-7B-Instruct"),
        ("mistralai/Ministral-3-3B-Reasoning-2512", "mistralai/Ministral-3-3B-2512"),
    ],
)
def test_variants_have_their_bases_shape(variant: str, row: str) -> None:
    model = find_model(variant)
    assert model and model.name == row


@pytest.mark.parametrize(
    ("name", "positions"),
    [
        ("Qwen/Qwen3-4B", 40960),
        ("Qwen/Qwen3-4B-Instruct-2507", 262144),
        ("Qwen/Qwen3-4B-Thinking-2507", 262144),
        ("unsloth/Qwen3-4B-Instruct-2507-unsloth-bnb-4bit", 262144),
        ("Qwen/Qwen3-30B-A3B-Thinking-2507", 262144),
        ("unsloth/Qwen2.5-7B-Instruct-bnb-4bit", 32768),
    ],
)
def test_a_date_or_how_weights_are_stored_leaves_the_positions(name: str, positions: int) -> None:
    model = find_model(name)
    assert model and model.max_position == positions


@pytest.mark.parametrize("date", ["2401", "2601"])
def test_a_release_of_another_date_is_not_known(date: str) -> None:
    """Its positions may be others, as those of Qwen3 of July 2025 were."""
    assert find_model(f"Qwen/Qwen3-8B-Instruct-{date}") is None


def test_unknown_is_none() -> None:
    assert find_model("nobody/Nothing-1B") is None
    assert find_gpu("rtx-9999") is None


def test_a_folder_is_read_before_the_table(tmp_path: Path) -> None:
    folder = tmp_path / "Llama-3.1-8B"
    folder.mkdir()
    config = {
        "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "vocab_size": 100, "max_position_embeddings": 256,
        "intermediate_size": 128, "tie_word_embeddings": True,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "tokenizer.json").write_text('{"added_tokens": [{"content": "<s>"}]}')
    model = find_model(str(folder))
    assert model and model.max_position == 256 and model.kv_bytes_per_token == 4 * 2 * 2 * 16
    assert model.special_tokens == {"<s>"}
    assert model.parameters == 2 * (3 * 64 * 128 + 2 * 64 * 64 + 2 * 64 * 32) + 100 * 64
    assert model.tied_embeddings is True
    (folder / "config.json").write_text("{")
    with pytest.raises(InputError, match="config.json: does not hold a JSON object"):
        find_model(str(folder))


@pytest.mark.parametrize(
    ("rope", "positions"),
    [
        ({"rope_scaling": {"type": "linear", "factor": 4.0}}, 1024),
        ({"rope_parameters": {"rope_type": "dynamic", "factor": 4}}, 1024),
        ({"rope_parameters": {"rope_type": "yarn", "factor": 4.0}}, 256),
        ({"rope_scaling": {"rope_type": "llama3", "factor": 4.0}}, 256),
        ({"rope_scaling": {"type": "longrope", "long_factor": [1.0]}}, 256),
        ({"rope_parameters": {"full": {"rope_type": "linear", "factor": 2.0}}}, 512),
        ({"rope_scaling": {"type": "linear", "factor": 4.0}, "model_type": "gemma3_text"}, 256),
        ({"rope_scaling": None}, 256),
    ],
)
def test_positions_include_the_models_own_scaling(
    tmp_path: Path, rope: dict[str, object], positions: int
) -> None:
    config = {
        "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 100,
        "max_position_embeddings": 256, **rope,
    }  # fmt: skip
    (tmp_path / "config.json").write_text(json.dumps(config))
    model = find_model(str(tmp_path))
    assert model and model.max_position == positions


@pytest.mark.parametrize(
    ("given", "model_type", "parameters"),
    [
        ({}, "gemma3_text", 999.9),
        ({"tie_word_embeddings": False}, "gemma3_text", 1301.8),
        ({}, "llama", 1301.8),
        ({"tie_word_embeddings": True}, "llama", 999.9),
    ],
)
def test_tied_embeddings_default_to_those_of_the_class(
    tmp_path: Path, given: dict[str, bool], model_type: str, parameters: float
) -> None:
    inner = {
        "hidden_size": 1152, "num_hidden_layers": 26, "num_attention_heads": 4,
        "num_key_value_heads": 1, "head_dim": 256, "vocab_size": 262144,
        "intermediate_size": 6912, "max_position_embeddings": 32768, "model_type": model_type,
    }  # fmt: skip
    for config in ({**inner, **given}, {"model_type": "outer", "text_config": inner, **given}):
        (tmp_path / "config.json").write_text(json.dumps(config))
        model = find_model(str(tmp_path))
        assert model and model.parameters == pytest.approx(parameters * 1e6, rel=2e-4)


def test_gpus_by_any_spelling() -> None:
    assert find_gpu("NVIDIA GeForce RTX 5090") is find_gpu("rtx_5090") is find_gpu("rtx-5090")
    card = find_gpu("rtx-5090")
    assert card and card.architecture == "blackwell" and 31 < card.memory_gib < 32
    assert len(known_gpus()) > 20


def test_a_name_that_is_no_path_is_unknown() -> None:
    assert find_model("x" * 5000) is None
    assert find_model("a\0b") is None


def test_a_hub_id_is_read_from_its_config(tmp_path: Path) -> None:
    """As far as a cache goes: what the hub answered before is found without it."""
    config = tmp_path / "models--a--model" / "snapshots" / "0" / "config.json"
    config.parent.mkdir(parents=True)
    (tmp_path / "models--a--model" / "refs").mkdir()
    (tmp_path / "models--a--model" / "refs" / "main").write_text("0")
    config.write_text(json.dumps({
        "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 100,
        "max_position_embeddings": 256,
    }))  # fmt: skip
    script = (
        "from seqctx.catalog.lookup import fetch_model as f; s = f('a/model');"
        "print(s.name, s.hidden, s.source, f('a/nothing'), f('no id at all'))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True,
        env={**os.environ, "HF_HUB_CACHE": str(tmp_path), "HF_HUB_OFFLINE": "1"},
    )  # fmt: skip
    assert answer.stdout.strip() == "a/model 64 a/model: config.json None None", answer.stderr


def test_latent_attention_is_not_taken_for_another(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({
        "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 100,
        "max_position_embeddings": 256, "kv_lora_rank": 16, "n_routed_experts": 8,
    }))  # fmt: skip
    model = find_model(str(tmp_path))
    assert model
    with pytest.raises(InputError, match="latent attention"):
        _ = model.linears
    with pytest.raises(InputError, match="latent attention"):
        cache_of(model)


def test_a_class_without_a_gate_has_none_in_a_folder_either(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({
        "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 100,
        "max_position_embeddings": 256, "intermediate_size": 128, "model_type": "arcee",
    }))  # fmt: skip
    model = find_model(str(tmp_path))
    assert model and "gate_proj" not in model.linears
    assert model.parameters == model.block_parameters + model.embedding_parameters
