from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from seqctx import InputError
from seqctx.catalog.keys import axolotl_names, keys_of, unknown_keys, vllm_names
from seqctx.config.config import Config, parse_config
from seqctx.config.source import Document, parse_document
from tests.conftest import ROOT

FILES = sorted([*ROOT.glob("axolotl_configs/*.yaml"), *ROOT.glob("tests/data/guests/*.yaml")])


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_keys_that_people_write_are_known(path: Path) -> None:
    data = yaml.safe_load(path.read_text("utf-8"))
    assert [k for k in unknown_keys(data, data.get("plugins") or []) if k.kind == "unknown"] == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lora_alhpa: 3", "c.yaml:2: lora_alhpa: unknown key; Axolotl would ignore it. "
         "Did you mean 'lora_alpha'?"),
        ("vllm: {max_num_seq: 3}", "c.yaml:2: vllm.max_num_seq: unknown key; vLLM would refuse it. "
         "Did you mean 'max_num_seqs'?"),
        ("datasets: [{path: a, messages_field: x}]", "c.yaml:2: datasets.0.messages_field: unknown "
         "key; Axolotl would ignore it. Did you mean 'field_messages'?"),
        ("max_model_len: 3", "It belongs under vllm:."),
        ("train_on_eos: turn", "It belongs under datasets:."),
        ("vllm: {gradient_checkpointing: true}", "It belongs at the top level."),
        ("zzzzzz: 3", "Delete it."),
        ("liger_rope: true", "unless axolotl.integrations.liger.LigerPlugin is listed"),
        ("trl: {betaa: 1}", "trl.betaa: unknown key"),
    ],
)  # fmt: skip
def test_an_unknown_key_is_an_error(text: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        parse_config(parse_document(f"base_model: m\n{text}\n", "c.yaml"))
    assert message in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "_shared: &a {x: 1}",
        "x-shared: 1",
        "vllm: {max-model-len: 8, no-enable-log-requests: true}",
        "fsdp_config: {fsdp_offload_params: true}",
        "special_tokens: {pad_token: a}",
        "model_config: {anything: 1}",
        "plugins: [axolotl.integrations.liger.LigerPlugin]\nliger_rope: true",
        "plugins: [mine.Plugin]\nmy_own_key: 1",
        "model_type: LlamaForCausalLM",
    ],
)
def test_a_known_key_is_no_error(text: str) -> None:
    assert isinstance(parse_config(parse_document(f"base_model: m\n{text}\n", "c.yaml")), Config)


def test_unknown_keys_and_bad_values_come_together_by_line() -> None:
    text = "lora_r: -1\nbase_model: m\nlora_alhpa: 3\nvllm:\n  port: 0\n"
    with pytest.raises(InputError) as error:
        parse_config(parse_document(text, "c.yaml"))
    places = [line.partition(": ")[0] for line in str(error.value).splitlines()]
    assert places == ["c.yaml:1", "c.yaml:3", "c.yaml:5"]


def test_an_unknown_override_is_named_as_one() -> None:
    with pytest.raises(InputError, match="--set lora_alhpa: lora_alhpa: unknown key"):
        parse_config(Document("c.yaml", {"base_model": "m"}, {}), {"lora_alhpa": 1})


def test_every_typed_key_is_axolotls_or_ours() -> None:
    assert set(Config.model_fields) - {"seqctx"} <= set(axolotl_names()["keys"])


def test_tables_are_complete_and_name_no_machine() -> None:
    known, complete = keys_of([])
    assert complete and len(known) > 400
    assert len(vllm_names()["keys"]) > 250
    for path in (ROOT / "src/seqctx/catalog").glob("*.json"):
        text = path.read_text("utf-8")
        assert "/root" not in text and "/home" not in text and "/tmp/" not in text
