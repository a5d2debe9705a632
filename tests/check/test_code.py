"""Which keys and models are named because they run code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from seqctx.check.check import check_document
from seqctx.config.problem import Problem
from seqctx.config.source import Document
from tests.serve.test_preflight import BASE


def found(**data: Any) -> dict[str, Problem]:
    """The findings of the rule by key."""
    problems = check_document(Document("file", {"base_model": "some/model", **data}, {}))
    return {p.key: p for p in problems if p.rule in ("runs-code", "model-brings-code")}


@pytest.mark.parametrize("key", ["trust_remote_code", "trust-remote-code"])
def test_code_of_the_model_is_a_warning(key: str) -> None:
    (problem,) = found(vllm={key: True}).values()
    assert problem.severity == "warning" and "the model may bring Python code" in problem.message
    assert not found(vllm={key: False})


@pytest.mark.parametrize(
    "data",
    [
        {"trust_remote_code": True},
        {"plugins": ["my_package.Plugin"]},
        {"plugins": ["liger.LigerPlugin"]},  # a module of this name would come first
        {"datasets": [{"path": "d.jsonl", "type": "my_package.load"}]},
        {"datasets": [{"path": "d.jsonl", "type": "chat_template", "trust_remote_code": True}]},
        {"trl": {"reward_funcs": ["rewards.exact"]}, "rl": "grpo"},
        {"trainer_cls": "my_package.Trainer"},
        {"attn_implementation": "someone/kernel"},
        {"use_kernels": True},
        {"overrides_of_model_kwargs": {"trust_remote_code": True}},
        {"pretraining_dataset": [{"path": "d", "type": "my_package.load"}]},
        {"vllm": {"serve_module": "my_package.serve"}},
        {"vllm": {"middleware": ["my_package.Guard"]}},
        {"vllm": {"middleware": "my_package.Guard"}},
        {"vllm": {"tool_parser_plugin": "parser.py"}},
        {"vllm": {"reasoning-parser-plugin": "parser.py"}},
        {"vllm": {"io_processor_plugin": "theirs"}},
        {"vllm": {"worker_cls": "my_package.Worker"}},
        {"vllm": {"worker_extension_cls": "my_package.Extension"}},
        {"vllm": {"scheduler_cls": "my_package.Scheduler"}},
        {"vllm": {"logits_processors": ["my_package:Processor"]}},
        {"vllm": {"distributed_executor_backend": "my_package.Executor"}},
        {"vllm": {"tool_server": "demo"}},
        {"vllm": {"log_config_file": "logging.json"}},
        {"vllm": {"hf_overrides": {"auto_map": {"AutoConfig": "theirs.Config"}}}},
        {"vllm": {"kv_transfer_config": '{"kv_connector_module_path": "my_package.connector"}'}},
        {"vllm": {"structured_outputs_config": {"reasoning_parser_plugin": "parser.py"}}},
        {"vllm": {"compilation_config": {"backend": "my_package.Backend"}}},
        {"vllm": {"speculative_config": {"method": "custom_class", "model": "my_package.Draft"}}},
    ],
    ids=str,
)
def test_a_key_that_runs_code_is_named(data: dict[str, Any]) -> None:
    assert found(**data)


@pytest.mark.parametrize(
    "data",
    [
        {"trust_remote_code": False},
        {"plugins": ["axolotl.integrations.liger.LigerPlugin"]},
        {"plugins": ["seqctx.train.axolotl_plugin.CpuPlugin"]},
        {"attn_implementation": "kernels-community/vllm-flash-attn3"},
        {"datasets": [{"path": "d.jsonl", "type": "chat_template.argilla"}]},
        {"datasets": [{"path": "d.jsonl", "type": "context_qa.load_v2"}]},
        {"vllm": {"worker_cls": "auto", "distributed_executor_backend": "mp"}},
        {"vllm": {"tool_parser_plugin": "", "middleware": [], "hf_overrides": {"rope_theta": 1.0}}},
        {
            "vllm": {
                "dtype": "bfloat16",
                "tokenizer": "some/model",
                "served_model_name": "novel.Second",
            }
        },
        {"vllm": {"worker_cls": "vllm.v1.worker.gpu_worker.Worker"}},
    ],
    ids=str,
)
def test_ordinary_keys_are_not_named(data: dict[str, Any]) -> None:
    assert not found(**data)


@pytest.mark.parametrize(
    "name, auto_map",
    [
        ("config.json", {"AutoModelForCausalLM": "modeling.Model"}),
        ("tokenizer_config.json", {"AutoTokenizer": ["theirs.T", None]}),
        ("tokenizer_config.json", ["theirs.T", "theirs.Fast"]),
    ],
)
def test_a_model_that_names_code(tmp_path: Path, name: str, auto_map: Any) -> None:
    (tmp_path / name).write_text(json.dumps({**BASE, "auto_map": auto_map}))
    (problem,) = found(base_model=str(tmp_path)).values()
    assert problem.key == "base_model" and name in problem.message


@pytest.mark.parametrize("text", ["{", "[]", '{"auto_map": 7}', '{"auto_map": {"a": [1, null]}}'])
def test_a_damaged_file_of_a_model_names_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "processor_config.json").write_text(text)
    assert not found(base_model=str(tmp_path))
