"""init, --suggest, schema: a proposed file reads back unchanged and passes the check."""

from __future__ import annotations

import json
import re
import subprocess
from contextlib import suppress
from dataclasses import replace
from itertools import product
from pathlib import Path

import jsonschema
import pytest
import yaml

from seqctx import CheckError, InputError
from seqctx.catalog.gpus import find_gpu
from seqctx.catalog.lookup import find_model, known_models
from seqctx.check.check import check_document
from seqctx.check.facts import gather_facts
from seqctx.config.config import Config, load_config, parse_config
from seqctx.config.render import annotated_yaml
from seqctx.config.source import parse_document
from seqctx.plan.serving import plan_serving
from seqctx.plan.training import plan_training
from seqctx.scaffold.init import GOALS, Goal, propose, runbook
from seqctx.scaffold.suggest import suggest
from tests.conftest import ROOT, few_fast, seqctx

GUESTS = sorted((ROOT / "tests/data/guests").glob("*.yaml"))
LLAMA = "meta-llama/Llama-3.1-8B-Instruct"


def proposed(model: str, gpu: str, goal: Goal) -> Config:
    card = find_gpu(gpu)
    assert card
    return propose(model, card, ("texts",), goal, model=find_model(model), stem="novel")


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize(
    ("model", "gpu"),
    [
        (LLAMA, "rtx-5090"), (LLAMA, "h100-80gb"), ("Qwen/Qwen3-8B", "rtx-4090"),
        ("Qwen/Qwen3-4B", "rtx-3090"), ("HuggingFaceTB/SmolLM2-135M-Instruct", "cpu"),
        ("mistralai/Mistral-Nemo-Instruct-2407", "l40s"), ("somebody/unheard-of", "a6000"),
    ],
)  # fmt: skip
def test_a_proposed_file_reads_back_and_passes_the_check(model: str, gpu: str, goal: Goal) -> None:
    cfg = proposed(model, gpu, goal)
    text = annotated_yaml(cfg, runbook(cfg, Path("configs/novel.yaml"), goal))
    document = parse_document(text, "novel.yaml")
    assert parse_config(document) == cfg
    problems = check_document(document, Path("configs/novel.yaml"))
    assert [str(p) for p in problems] == []
    assert text.startswith("# yaml-language-server: $schema=seqctx.schema.json\n")


@pytest.mark.parametrize(
    "gpu", few_fast(["t4", "v100-16gb", "rtx-3060-12gb", "rtx-4090", "h100-80gb"], "t4")
)
def test_a_proposed_file_fits_its_gpu_or_is_refused(gpu: str) -> None:
    card = find_gpu(gpu)
    assert card
    written = 0
    for model, goal in product(known_models(), ("voice", "structure")):
        try:
            cfg = proposed(model, gpu, goal)
        except CheckError:
            continue
        written += 1
        for plan in (plan_training, plan_serving):
            with suppress(InputError):  # where it cannot be planned
                assert plan(cfg).fits is not False, (model, goal, plan)
        if not card.has_bf16 and card.memory_gib:
            assert (cfg.get("bf16"), cfg.get("fp16"), cfg.get("tf32")) == (False, True, False)
            assert cfg.vllm.get("dtype") == "float16"
        document = parse_document(annotated_yaml(cfg, ""), "novel.yaml")
        assert [str(p) for p in check_document(document, Path("novel.yaml"))] == [], model
    assert written


@pytest.mark.parametrize(
    ("model", "gpu", "message"),
    [
        ("google/gemma-3-1b-it", "t4", "this GPU has no bfloat16"),
        ("Qwen/Qwen3-14B", "rtx-3060-12gb", "Choose a smaller model"),
    ],
)
def test_a_model_that_the_gpu_cannot_run_is_refused(model: str, gpu: str, message: str) -> None:
    with pytest.raises(CheckError, match=message):
        proposed(model, gpu, "voice")


def test_a_fused_loss_is_proposed_where_logits_do_not_fit() -> None:
    cfg = proposed("google/gemma-3-1b-it", "rtx-3060-12gb", "voice")
    assert cfg.get("liger_fused_linear_cross_entropy") is True
    assert proposed(LLAMA, "rtx-5090", "voice").get("plugins") is None


def test_the_shipped_file_for_32_gb_is_what_is_proposed() -> None:
    cfg = proposed(LLAMA, "rtx-5090", "voice")
    shipped = load_config(ROOT / "axolotl_configs/llama-3.1-8b-qlora-32gb.yaml")
    for key in ("sequence_len", "lora_r", "adapter", "load_in_4bit", "attn_implementation"):
        assert getattr(cfg, key) == getattr(shipped, key)
    assert cfg.vllm.max_model_len == shipped.vllm.max_model_len == 64000
    assert cfg.vllm.max_num_seqs == 9


def test_a_model_that_the_gpu_cannot_serve_is_refused() -> None:
    with pytest.raises(CheckError, match="Choose a smaller model"):
        proposed("meta-llama/Llama-3.3-70B-Instruct", "rtx-5090", "voice")


@pytest.mark.parametrize("path", GUESTS, ids=lambda p: p.stem)
def test_a_guest_with_the_suggested_blocks_passes(path: Path, tmp_path: Path) -> None:
    text = path.read_text("utf-8")
    document = parse_document(text, "g.yaml")
    cfg = parse_config(document)
    guest = tmp_path / "g.yaml"
    guest.write_text(text)
    facts = replace(gather_facts(cfg), gpu=find_gpu("b200"))
    diff = suggest(text, "g.yaml", cfg, facts)
    if {"vllm", "seqctx"} <= cfg.model_fields_set:
        assert diff == ""
        return
    subprocess.run(["patch", "-s", "g.yaml"], input=diff, text=True, cwd=tmp_path, check=True)
    with_blocks = parse_document(guest.read_text("utf-8"), "g.yaml")
    assert {"vllm", "seqctx"} <= parse_config(with_blocks).model_fields_set
    # one rule reports adapters that cannot be served
    errors = {p.rule for p in check_document(with_blocks) if p.severity == "error"}
    assert errors <= {"modules-to-save-served"}


def test_suggest_prints_a_diff(tmp_path: Path) -> None:
    # more than a diff's three lines of context, and the last without an end
    text = "base_model: Qwen/Qwen3-8B\nlora_r: 8\nnum_epochs: 1\nseed: 1\nsequence_len: 2048"
    (tmp_path / "g.yaml").write_text(text)
    answer = seqctx("check", "--suggest", "g.yaml", cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert "+vllm:\n" in answer.stdout and "+  max_model_len: 40960\n" in answer.stdout
    assert "+seqctx:\n" in answer.stdout
    assert (tmp_path / "g.yaml").read_text() == text
    subprocess.run(
        ["patch", "-s", "g.yaml"], input=answer.stdout, text=True, cwd=tmp_path, check=True
    )
    patched = (tmp_path / "g.yaml").read_text()
    assert patched.startswith(f"{text}\n\nvllm:\n")


def test_init_writes_once_asks_for_the_rest_and_never_overwrites(tmp_path: Path) -> None:
    options = [
        "--base-model",
        LLAMA,
        "--gpu",
        "rtx-5090",
        "--manuscripts",
        "a",
        "--goal",
        "structure",
    ]
    answer = seqctx("init", "sub/my.yaml", *options, "--manuscripts", "b", cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    cfg = load_config(tmp_path / "sub/my.yaml")
    assert (cfg.sequence_len, cfg.seqctx.prepare.manuscripts) == (4096, ("a", "b"))
    assert (tmp_path / "sub/seqctx.schema.json").exists()
    written = (tmp_path / "sub/my.yaml").read_bytes()
    again = seqctx("init", "sub/my.yaml", *options, cwd=tmp_path)
    assert again.returncode == 2 and "exists already" in again.stderr
    assert (tmp_path / "sub/my.yaml").read_bytes() == written
    unknown = seqctx("init", "x.yaml", "--gpu", "rtx-9999", cwd=tmp_path)
    assert unknown.returncode == 2 and "rtx-5090" in unknown.stderr
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["my.yaml", "seqctx.schema.json", "sub"]


def test_init_asks(tmp_path: Path) -> None:
    import os
    import sys

    answers = "rtx-4090\nQwen/Qwen3-8B\ntexts\nthroughput\n"
    done = subprocess.run(
        [sys.executable, "-m", "seqctx", "init", "n.yaml"],
        cwd=tmp_path, input=answers, capture_output=True, text=True, env=dict(os.environ),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    cfg = load_config(tmp_path / "n.yaml")
    assert (cfg.base_model, cfg.seqctx.gpu) == ("Qwen/Qwen3-8B", "rtx-4090")
    assert (cfg.seqctx.goal, cfg.sample_packing) == ("throughput", True)


def test_the_schema_knows_every_file_and_refuses_typos() -> None:
    answer = seqctx("schema")
    schema = json.loads(answer.stdout)
    validator = jsonschema.Draft202012Validator(schema)
    for path in [*ROOT.glob("axolotl_configs/*.yaml"), *GUESTS]:
        data = yaml.safe_load(re.sub(r"(\d)e(-?\d)", r"\1.0e\2", path.read_text("utf-8")))
        data = {key: value for key, value in data.items() if value is not None}
        assert [e.message for e in validator.iter_errors(data)] == [], path
    bad = {"base_model": "m", "lora_alhpa": 1, "vllm": {"prot": 1}, "datasets": [{"pth": "a"}]}
    assert len(list(validator.iter_errors(bad))) >= 3
    assert "[tokens]" in schema["properties"]["sequence_len"]["description"]
    assert schema["properties"]["gradient_checkpointing"]["description"]


@pytest.mark.parametrize("folder", ["./models/mine", "/nowhere/at/all", "prepare/models/x"])
def test_init_refuses_a_model_folder_that_is_not_there(tmp_path: Path, folder: str) -> None:
    options = ["--base-model", folder, "--gpu", "cpu", "--manuscripts", "a", "--goal", "voice"]
    answer = seqctx("init", "my.yaml", *options, cwd=tmp_path)
    assert answer.returncode == 2
    (line,) = answer.stderr.splitlines()
    assert line.startswith(f"base_model: {folder}: no such folder. ")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("goal", GOALS)
def test_the_goal_is_written_into_the_file(goal: Goal) -> None:
    assert proposed(LLAMA, "h100-80gb", goal).seqctx.goal == goal
