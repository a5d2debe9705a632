from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from seqctx import InputError
from seqctx.catalog.keys import axolotl_names, keys_of, strays, vllm_names
from seqctx.config.config import Config, parse_config
from seqctx.config.source import Document, parse_document
from tests.conftest import ROOT

FILES = sorted([*ROOT.glob("axolotl_configs/*.yaml"), *ROOT.glob("tests/data/guests/*.yaml")])


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_what_people_write_is_known(path: Path) -> None:
    data = yaml.safe_load(path.read_text("utf-8"))
    assert [s for s in strays(data, data.get("plugins") or []) if s.kind == "unknown"] == []


@pytest.mark.parametrize(
    ("text", "said"),
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
def test_a_key_that_nobody_knows_is_an_error(text: str, said: str) -> None:
    with pytest.raises(InputError) as error:
        parse_config(parse_document(f"base_model: m\n{text}\n", "c.yaml"))
    assert said in str(error.value)


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
def test_a_key_that_somebody_knows_is_none(text: str) -> None:
    assert isinstance(parse_config(parse_document(f"base_model: m\n{text}\n", "c.yaml")), Config)


def test_unknown_keys_and_bad_values_come_together_by_line() -> None:
    text = "lora_r: -1\nbase_model: m\nlora_alhpa: 3\nvllm:\n  port: 0\n"
    with pytest.raises(InputError) as error:
        parse_config(parse_document(text, "c.yaml"))
    places = [line.partition(": ")[0] for line in str(error.value).splitlines()]
    assert places == ["c.yaml:1", "c.yaml:3", "c.yaml:5"]


def test_an_override_that_nobody_knows_is_named_as_such() -> None:
    with pytest.raises(InputError, match="--set lora_alhpa: lora_alhpa: unknown key"):
        parse_config(Document("c.yaml", {"base_model": "m"}, {}), {"lora_alhpa": 1})


def test_every_typed_key_is_axolotls_or_ours() -> None:
    assert set(Config.model_fields) - {"seqctx"} <= set(axolotl_names()["keys"])


def test_tables_are_whole_and_name_no_machine() -> None:
    known, complete = keys_of([])
    assert complete and len(known) > 400
    assert len(vllm_names()["keys"]) > 250
    for path in (ROOT / "src/seqctx/catalog").glob("*.json"):
        text = path.read_text("utf-8")
        assert "/root" not in text and "/home" not in text and "/tmp/" not in text
