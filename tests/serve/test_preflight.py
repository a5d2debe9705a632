from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from seqctx.check.facts import Facts
from seqctx.config.config import Config
from seqctx.config.render import base_name, secrets, shown, vllm_command
from seqctx.errors import CheckError, InputError
from seqctx.serve import preflight
from seqctx.serve.address import address_at, address_of
from seqctx.serve.preflight import check_adapter, check_can_serve, check_port
from seqctx.serve.target import target_config
from tests.train.test_checkpoints import cut, tensors

BASE = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 64,
    "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "vocab_size": 1000, "max_position_embeddings": 4096,
    "torch_dtype": "bfloat16",
}  # fmt: skip

PORT = 18900 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
"""Of this worker alone: the tests look whether it is free."""


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
        f"vllm: {{port: {PORT}, max_model_len: 2048}}\n"
    )
    return tmp_path


def test_a_complete_adapter_passes(project: Path) -> None:
    check_can_serve(target_config("voice.yaml"))


@pytest.mark.parametrize(
    "config, message",
    [
        ('{"r": 32}', "lora_r: 16, but the adapter in outputs/voice has rank 32"),
        ('{"r": 16, "use_dora": true, "lora_bias": true}', "use_dora, lora_bias, which vLLM does"),
        ('{"r": 16, "init_lora_weights": "pissa_niter_16"}', "init_lora_weights: pissa_niter_16"),
        ('{"r": 16, "bias": "all"}', "bias: all"),
        ('{"r": 16, "peft_type": "LOHA"}', "peft_type: LOHA"),
        ('{"r": 16, "rank_pattern": {"q_proj": 24}}', "have rank 24. Set vllm.max_lora_rank: 32"),
        ('{"r": 16, "modules_to_save": ["lm_head"]}', "whole modules .lm_head."),
        (
            '{"r": 16, "base_model_name_or_path": "other"}',
            "trained on other.*_config.json names",
        ),
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
        check_can_serve(cfg)


def test_a_cache_that_does_not_hold_one_request_is_refused(project: Path) -> None:
    cfg = target_config("voice.yaml", {"vllm.kv_cache_memory_bytes": 300_000})
    with pytest.raises(CheckError, match=r"cache of 2048 tokens .* Set at most 1024"):
        check_can_serve(cfg)


def test_what_a_file_serves(project: Path) -> None:
    assert target_config("voice.yaml", base_only=True).adapter is None
    with pytest.raises(CheckError, match="no merged model. Run 'seqctx merge voice.yaml' first"):
        target_config("voice.yaml", merged=True)
    with pytest.raises(CheckError, match="no merged model. Run 'seqctx merge CONFIG' first"):
        target_config("someone/model", merged=True)
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


def test_a_key_of_the_file_is_not_shown(project: Path) -> None:
    given = {"vllm.api_key": "a-secret", "vllm.hf_token": "hf-secret"}
    cfg = target_config("voice.yaml", {**given, "vllm.watermark_config": {"secret": 7}})
    command = vllm_command(cfg)
    assert "a-secret" not in command and "hf-secret" not in command  # nor to ps
    assert secrets(cfg) == {"VLLM_API_KEY": "a-secret", "HF_TOKEN": "hf-secret"}
    line = shown(command, cfg)
    assert line.startswith("VLLM_API_KEY='***' HF_TOKEN='***' vllm serve ")
    assert line.endswith("--watermark-config '***'")
    spelt = target_config("voice.yaml", {"vllm.api-key": "a-secret"})
    assert "a-secret" not in shown(vllm_command(spelt), spelt)
    assert address_of(spelt).key == "a-secret"
    flag = target_config("voice.yaml", {"vllm.hf_token": True, "vllm.dtype": "auto"})
    assert vllm_command(flag)[-3:] == ["--hf-token", "--dtype", "auto"]


def test_the_adapters_own_rank_where_the_file_says_none(project: Path) -> None:
    (project / "voice.yaml").write_text(
        f"base_model: ./base\nadapter: lora\noutput_dir: outputs/voice\nvllm: {{port: {PORT}}}\n"
    )
    cfg = target_config("voice.yaml")
    assert cfg.lora_r == 16
    check_adapter(cfg)
    with pytest.raises(CheckError, match="lora_r: 8, but the adapter in outputs/voice has rank 16"):
        check_adapter(cfg.replace(lora_r=None))


@pytest.mark.parametrize("init", ["true", "gaussian", "EVA"])
def test_inits_that_leave_the_base_as_it_is(project: Path, init: str) -> None:
    config = {"r": 16, "init_lora_weights": True if init == "true" else init}
    (project / "outputs/voice/adapter_config.json").write_text(json.dumps(config))
    check_adapter(target_config("voice.yaml"))


def test_a_whole_model_that_was_trained_is_served(project: Path) -> None:
    trains = "base_model: ./base\ndatasets: [{path: a.jsonl}]\noutput_dir: outputs/whole\n"
    (project / "voice.yaml").write_text(trains)
    with pytest.raises(CheckError, match="outputs/whole: holds no model.*train.*--base-only"):
        target_config("voice.yaml")
    assert target_config("voice.yaml", base_only=True).base_model == "./base"
    (project / "outputs/whole").mkdir()
    (project / "outputs/whole/config.json").write_text(json.dumps(BASE))
    cfg = target_config("voice.yaml")
    assert (cfg.base_model, base_name(cfg)) == ("outputs/whole", "whole")
    (project / "voice.yaml").write_text("base_model: ./base\noutput_dir: outputs/none\n")
    assert target_config("voice.yaml").base_model == "./base"
    (project / "model-out").mkdir()  # Axolotl's default, of another run
    (project / "model-out/config.json").write_text(json.dumps(BASE))
    assert target_config("base").base_model == "base"


def test_a_file_without_a_vllm_block_is_checked_too(project: Path) -> None:
    (project / "voice.yaml").write_text(
        "base_model: ./base\nadapter: lora\nlora_r: 16\noutput_dir: outputs/voice\n"
        "overrides_of_model_config: {rope_scaling: {rope_type: linear, factor: 2.0}}\n"
    )
    with pytest.raises(CheckError, match=r"rope factor is 2.0 in training, unset in serving"):
        check_can_serve(target_config("voice.yaml"))


def test_an_unknown_gpu_here_does_not_count_as_the_files(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Facts] = []
    monkeypatch.setattr(preflight, "has_gpu", lambda: True)
    monkeypatch.setattr(preflight, "machine_gpu", lambda: None)
    monkeypatch.setattr(preflight, "check", lambda document, cfg, facts: seen.append(facts) or [])
    plan = check_can_serve(target_config("voice.yaml", {"seqctx.gpu": "rtx-4090"}))
    assert (seen[0].gpu, seen[0].longest_window) == (None, None)
    assert plan and plan.longest_window is None


@pytest.mark.parametrize(
    "block, message",
    [
        ({"uds": "/tmp/s"}, "vllm.uds: the server would answer on a socket"),
        ({"headless": True}, "vllm.headless: the server would answer no requests"),
        ({"ssl_keyfile": "k.pem"}, "vllm.ssl_keyfile: TLS also needs ssl_certfile"),
    ],
)
def test_a_server_that_could_not_be_reached(
    project: Path, block: dict[str, object], message: str
) -> None:
    cfg = target_config("voice.yaml", {f"vllm.{key}": value for key, value in block.items()})
    with pytest.raises(CheckError, match=message):
        check_can_serve(cfg)


@pytest.mark.parametrize(
    "host, message",
    [
        ("127.0.0..1", "vllm.host: 127.0.0..1 is not an address of this machine .not a host name"),
        ("no-such-host.invalid", "vllm.host: no-such-host.invalid is not an address"),
        ("192.0.2.1", "vllm.host: 192.0.2.1 is not an address of this machine .Cannot assign"),
    ],
)
def test_a_host_that_is_not_of_this_machine(project: Path, host: str, message: str) -> None:
    with pytest.raises(CheckError, match=message):
        check_port(target_config("voice.yaml", {"vllm.host": host}))


def test_the_key_that_a_request_carries(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_API_KEY", "sekret\r\n")
    cfg = target_config("voice.yaml")
    address = address_of(cfg)
    assert address.key == "sekret" and "sekret" not in repr(address)
    for value in ("l\u00e4cheln", "a\rb"):
        monkeypatch.setenv("VLLM_API_KEY", value)
        with pytest.raises(InputError, match="VLLM_API_KEY: has characters") as raised:
            address_of(cfg)
        assert value not in str(raised.value)
    assert address_of(cfg.replace(vllm__api_key=["of the file"])).key == "of the file"
    assert address_at("http://127.0.0.1:8000/v1/", cfg.replace(vllm__api_key=7)).key == "7"


def test_the_address_that_serve_prints_is_accepted(project: Path) -> None:
    assert address_at("http://127.0.0.1:8000/v1").url == "http://127.0.0.1:8000"


@pytest.mark.parametrize("value", [5, "x", [1], {"a": [1]}, {"a": {}}, True, 1.5])
@pytest.mark.parametrize("key", ["rank_pattern", "modules_to_save", "base_model_name_or_path", "r"])
def test_an_adapter_config_with_odd_values_is_refused_in_one_line(
    tmp_path: Path, key: str, value: Any
) -> None:
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "adapter_model.bin").write_bytes(b"x")
    (folder / "adapter_config.json").write_text(json.dumps({"r": 8, key: value}))
    cfg = Config(base_model="m", adapter="lora", lora_r=8, output_dir=str(folder))
    with pytest.raises((CheckError, InputError)) as error:
        check_adapter(cfg)
    assert len(str(error.value).splitlines()) == 1
