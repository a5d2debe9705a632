from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from seqctx.catalog.lookup import find_model
from seqctx.config.config import load_config, parse_config
from seqctx.config.source import read_document
from seqctx.errors import CheckError, InputError
from seqctx.train.launch import node_rank, refuse_leftover_processes, save_on_request, train_command
from seqctx.train.merge import check_adapter_belongs, merge
from seqctx.train.preflight import most_checkpoints, preflight
from seqctx.train.run import train
from tests.conftest import CONFIG, ROOT
from tests.train.test_checkpoints import cut, tensors


@pytest.mark.parametrize(
    "launcher, expected",
    [
        (("--nnodes", "2"), ["--launcher", "torchrun", "--", "--nnodes", "2"]),
        (("--launcher", "accelerate"), ["--launcher", "accelerate"]),
        (
            ("--launcher", "accelerate", "--num_processes", "4"),
            ["--launcher", "accelerate", "--", "--num_processes", "4"],
        ),
    ],
)
def test_launcher_options_pass_through(launcher: tuple[str, ...], expected: list[str]) -> None:
    command = train_command(Path("axolotl"), Path("a.yaml"), launcher)
    assert command == ["axolotl", "train", "a.yaml", *expected]


@pytest.mark.parametrize(
    "launcher, rank",
    [
        ((), 0),
        (("--nnodes", "2", "--node_rank", "1"), 1),
        (("--node-rank=3",), 3),
        (("--launcher", "accelerate", "--machine_rank", "2"), 2),
    ],
)
def test_the_rank_of_this_machine(launcher: tuple[str, ...], rank: int) -> None:
    assert node_rank(launcher) == rank


@pytest.mark.parametrize("own", [None, {"enabled": False}, {"trigger_file_path": "mine"}])
def test_a_run_saves_on_request_whatever_the_file_sets(own: dict[str, Any] | None) -> None:
    mapping = save_on_request({"seed": 1, "dynamic_checkpoint": own})
    assert mapping["seed"] == 1
    assert mapping["dynamic_checkpoint"] == {
        "enabled": True, "check_interval": 1, "trigger_file_path": "axolotl_checkpoint.save",
    }  # fmt: skip


def test_only_a_process_of_the_same_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolved = Path("outputs/lora-out.seqctx-partial/run/axolotl.yaml")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    script = "print(flush=True); import time; time.sleep(60)"
    command = [sys.executable, "-c", script, str(resolved)]
    with subprocess.Popen(command, cwd=tmp_path / "a", stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout and other.stdout.readline()
            monkeypatch.chdir(tmp_path / "b")
            refuse_leftover_processes(resolved)
            monkeypatch.chdir(tmp_path / "a")
            with pytest.raises(CheckError, match=f"process {other.pid} of an earlier run"):
                refuse_leftover_processes(resolved)
        finally:
            other.kill()


@pytest.mark.parametrize(
    "changes, most",
    [
        ({"save_strategy": "no"}, 0),
        ({"save_strategy": "epoch", "num_epochs": 2}, 3),
        ({"save_strategy": "epoch", "num_epochs": 9, "save_total_limit": 3}, 4),
        ({"save_strategy": "steps", "num_epochs": 1, "save_total_limit": None}, 5),
    ],
)
def test_most_checkpoints_at_the_same_time(changes: dict[str, Any], most: int) -> None:
    assert most_checkpoints(load_config(CONFIG, changes)) == most


def test_a_file_with_errors_is_refused_before_axolotl_starts(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    text = CONFIG.read_text().replace("sample_packing: false", "sample_packing: true")
    path.write_text(text.replace("attn_implementation: sdpa\n", ""))
    with pytest.raises(CheckError, match="packing-leaks"):
        preflight(load_config(path), read_document(path), tmp_path)


def test_the_rules_see_what_set_changed(tmp_path: Path) -> None:
    """The file was read again without its --set, and its line was blamed for the key."""
    document = read_document(CONFIG).with_overrides(
        {"sample_packing": True, "attn_implementation": None}
    )
    with pytest.raises(CheckError, match=r"^--set \w+: error: .*packing-leaks"):
        preflight(parse_config(document), document, tmp_path)


def test_arguments_of_another_type_are_one_sentence() -> None:
    path: Any = "file.yaml"
    for function in (train, merge):
        with pytest.raises(InputError, match="cfg: must be a Config .got str.. Use seqctx.load"):
            function(path)


def test_data_that_changed_after_prepare_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    out = Path("prepare/out") / CONFIG.stem
    out.mkdir(parents=True)
    (out / "train-continues.jsonl").write_text("{}\n")
    side = {"files": {"train-continues.jsonl": "0"}, "examples": 1, "tokens": 1, "loss_tokens": 1,
            "longest": 1}  # fmt: skip
    manifest = {
        "fingerprint": "", "sources": [], "base_model": "m", "sequence_len": 1, "max_tokens": 1,
        "train": side, "held_out": {**side, "files": {}}, "held_out_chapters": [],
    }  # fmt: skip
    (out / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(CheckError, match="differs from what its manifest says"):
        preflight(load_config(CONFIG), None, tmp_path)


def adapter(folder: Path, name: str, shape: list[int]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    size = 4 * shape[0] * shape[1]
    header = {name: {"dtype": "F32", "shape": shape, "data_offsets": [0, size]}}
    raw = json.dumps(header).encode()
    path = folder / "adapter_model.safetensors"
    path.write_bytes(len(raw).to_bytes(8, "little") + raw + bytes(size))
    (folder / "adapter_config.json").write_text('{"r": 16}')


@pytest.mark.parametrize(
    "name, shape, refused",
    [
        ("base_model.model.model.embed_tokens.weight", [1002, 2], True),
        ("base_model.model.lm_head.weight", [1000, 2], False),
        ("base_model.model.lm_head.lora_B.weight", [1002, 2], True),
        ("base_model.model.lm_head.lora_A.weight", [16, 1002], False),
        ("base_model.model.model.embed_tokens.lora_embedding_A", [16, 1002], True),
        ("base_model.model.model.layers.0.mlp.up_proj.lora_B.weight", [1002, 2], False),
    ],
)
def test_a_vocabulary_that_grew_is_found_before_merging(
    tmp_path: Path, name: str, shape: list[int], refused: bool
) -> None:
    base = tmp_path / "base"
    base.mkdir()
    config = {
        "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 64,
        "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "vocab_size": 1000, "max_position_embeddings": 512,
    }  # fmt: skip
    (base / "config.json").write_text(json.dumps(config))
    cfg = load_config(CONFIG, {"base_model": str(base), "output_dir": str(tmp_path / "out")})
    adapter(tmp_path / "out", name, shape)
    if not refused:
        check_adapter_belongs(cfg, find_model(cfg.base_model))
        return
    with pytest.raises(
        CheckError, match="vocabulary of 1,002 tokens, but the base model has 1,000"
    ):
        check_adapter_belongs(cfg, find_model(cfg.base_model))


def test_a_damaged_adapter_is_not_merged(tmp_path: Path) -> None:
    base = ROOT / "prepare"
    cfg = load_config(CONFIG, {"base_model": str(base), "output_dir": str(tmp_path)})
    with pytest.raises(CheckError, match="holds no adapter"):
        check_adapter_belongs(cfg, find_model(cfg.base_model))
    whole = cfg.replace(adapter=None, load_in_4bit=None)
    with pytest.raises(CheckError, match="adapter: unset: .* there is nothing to merge"):
        check_adapter_belongs(whole, find_model(cfg.base_model))
    (tmp_path / "adapter_config.json").write_text("{}")
    tensors(tmp_path / "adapter_model.safetensors")
    cut(tmp_path / "adapter_model.safetensors")
    with pytest.raises(CheckError, match="damaged or cut short"):
        check_adapter_belongs(cfg, find_model(cfg.base_model))
