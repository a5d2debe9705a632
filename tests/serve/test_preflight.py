from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from seqctx.errors import CheckError, InputError
from seqctx.schema.render import shown, vllm_command
from seqctx.serve.preflight import check_adapter, check_served
from seqctx.serve.state import Running, born, known, one, state_file
from seqctx.serve.target import target_config
from tests.train.test_checkpoints import cut, tensors

BASE = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 64,
    "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "vocab_size": 1000, "max_position_embeddings": 4096,
    "torch_dtype": "bfloat16",
}  # fmt: skip


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "config.json").write_text(json.dumps(BASE))
    (tmp_path / "base" / "tokenizer_config.json").write_text('{"chat_template": "own"}')
    out = tmp_path / "outputs" / "voice"
    out.mkdir(parents=True)
    tensors(out / "adapter_model.safetensors")
    (out / "adapter_config.json").write_text('{"r": 16, "base_model_name_or_path": "base"}')
    (tmp_path / "voice.yaml").write_text(
        "base_model: ./base\nadapter: lora\nlora_r: 16\noutput_dir: outputs/voice\n"
        "vllm: {port: 18999, max_model_len: 2048}\n"
    )
    return tmp_path


def test_a_whole_adapter_passes(project: Path) -> None:
    check_served(target_config("voice.yaml"))


@pytest.mark.parametrize(
    "config, message",
    [
        ('{"r": 32}', "lora_r: 16, but the adapter in outputs/voice has 32"),
        ('{"r": 16, "modules_to_save": ["lm_head"]}', "whole modules .lm_head."),
        ('{"r": 16, "base_model_name_or_path": "other"}', "belongs to other"),
    ],
)
def test_an_adapter_that_cannot_be_served(project: Path, config: str, message: str) -> None:
    (project / "outputs/voice/adapter_config.json").write_text(config)
    with pytest.raises(CheckError, match=message):
        check_adapter(target_config("voice.yaml"))


def test_damaged_and_missing_weights(project: Path) -> None:
    cfg = target_config("voice.yaml")
    cut(project / "outputs/voice/adapter_model.safetensors")
    with pytest.raises(CheckError, match="is damaged or cut short"):
        check_adapter(cfg)
    (project / "outputs/voice/adapter_model.safetensors").unlink()
    with pytest.raises(CheckError, match="holds no weights"):
        check_adapter(cfg)


def test_a_window_beyond_the_models_positions_is_refused_by_its_key(project: Path) -> None:
    cfg = target_config("voice.yaml", {"vllm.max_model_len": 9000})
    with pytest.raises(CheckError, match=r"vllm\.max_model_len: 9000 .*4096"):
        check_served(cfg)


def test_a_cache_that_does_not_hold_one_request_is_refused(project: Path) -> None:
    cfg = target_config("voice.yaml", {"vllm.kv_cache_memory_bytes": 300_000})
    with pytest.raises(CheckError, match=r"cache of 2048 tokens .* Set at most 1024"):
        check_served(cfg)


def test_what_is_served_of_a_file(project: Path) -> None:
    assert target_config("voice.yaml", base_only=True).adapter is None
    with pytest.raises(CheckError, match="no merged model"):
        target_config("voice.yaml", merged=True)
    merged = project / "outputs/voice/merged"
    merged.mkdir()
    (merged / "config.json").write_text(json.dumps(BASE))
    cfg = target_config("voice.yaml", merged=True)
    assert (cfg.base_model, cfg.adapter) == ("outputs/voice/merged", None)
    assert cfg.vllm.served_model_name == "voice-merged"
    with pytest.raises(InputError, match="no such file"):
        target_config("nothing.yaml")


def test_the_trained_template_is_served_where_it_differs(project: Path) -> None:
    template = project / "outputs/voice/chat_template.jinja"
    template.write_text("own")
    assert target_config("voice.yaml").vllm.get("chat_template") is None
    template.write_text("another")
    found = target_config("voice.yaml").vllm.get("chat_template")
    assert found == "outputs/voice/chat_template.jinja"
    given = target_config("voice.yaml", {"vllm.chat_template": "mine.jinja"})
    assert given.vllm.get("chat_template") == "mine.jinja"


def test_servers_that_were_killed_are_forgotten(project: Path) -> None:
    def write(port: int, pid: int, since: float) -> None:
        Running(
            pid=pid, born=since, target="t", url=f"http://127.0.0.1:{port}", base="b", log="l"
        ).write(state_file(port))  # fmt: skip

    pid = os.getpid()
    since = born(pid)
    assert since is not None
    with pytest.raises(CheckError, match="no server of ours runs here"):
        one(None)
    write(8001, pid, since)
    write(8002, pid, since - 100)  # the same pid, another process
    write(8003, 2**22 + 1, since)
    assert [s.url for s in known()] == ["http://127.0.0.1:8001"]
    assert sorted(p.name for p in Path("outputs").glob("serve-*.json")) == ["serve-8001.json"]
    assert one(None).url == "http://127.0.0.1:8001"
    write(8002, pid, since)
    with pytest.raises(CheckError, match="2 servers run"):
        one(None)
    assert one(8002).url == "http://127.0.0.1:8002"


def test_a_key_of_the_file_is_not_shown(project: Path) -> None:
    cfg = target_config("voice.yaml", {"vllm.api_key": "a-secret"})
    assert "a-secret" in vllm_command(cfg)
    line = shown(vllm_command(cfg))
    assert "a-secret" not in line
    assert "--api-key '***'" in line
