"""Markers in every place of a secret: none shows in what seqctx prints, writes or starts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from seqctx import InputError, load_config
from seqctx.config.config import Config
from tests.conftest import ROOT, seqctx

MARK = "LEAK"
VARIABLES = (
    "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "WANDB_API_KEY", "COMET_API_KEY", "SWANLAB_API_KEY",
    "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "TRACKIO_TOKEN", "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AZURE_STORAGE_KEY", "AZURE_CLIENT_SECRET",
    "AZURE_STORAGE_CONNECTION_STRING", "GOOGLE_API_KEY", "OPENAI_API_KEY", "NEW_CLOUD_PASSWORD",
)  # fmt: skip


def mark(name: str) -> str:
    """A marker that no other place has."""
    return f"{MARK}-{name.replace('_', '-').replace('.', '-')}-q7Xw"


TOP = {
    "comet_api_key": mark("comet"),
    "comet_experiment_key": mark("experiment"),
    "mlflow_tracking_uri": f"http://me:{mark('mlflow')}@127.0.0.1:9",
    "swanlab_api_key": mark("swanlab"),
    "swanlab_lark_secret": mark("lark"),
    "swanlab_lark_webhook_url": f"https://hooks.example/{mark('webhook')}",
    "hf_use_auth_token": mark("auth"),
    "hub_token": mark("hub"),
    "x-anchors": {"token": mark("anchor"), "list": [{"password": mark("list")}]},
    "my_store": {
        "key": mark("store-key"), "clientSecret": mark("store-secret"), "pin_password": 86421357,
        "headers": {"Authorization": f"Bearer {mark('bearer')}", "x-api-key": mark("header")},
        "credentials": {"user": mark("user"), "deep": [mark("deep")]},
        "url": f"https://you:{mark('url')}@127.0.0.1:9/a?sig={mark('signature')}",
    },
}  # fmt: skip
VLLM = {
    "api_key": mark("vllm-key"),
    "hf_token": mark("vllm-hf"),
    "kv_transfer_config": {"kv_connector_extra_config": {"access_key": mark("kv"), "port": 1}},
    "otlp_traces_endpoint": f"http://me:{mark('otlp')}@127.0.0.1:9",
    "watermark_config": {"key": mark("watermark")},
    "lora_modules": [{"name": "other", "path": f"s3://me:{mark('lora')}@bucket/other"}],
}
DATA = {
    "path": f"https://me:{mark('data')}@127.0.0.1:9/rows.jsonl", "ds_type": "json",
    "type": "chat_template",
}  # fmt: skip


@pytest.fixture
def witness(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    runnable: Path,
) -> Path:
    """The project with a marker in every place; what Axolotl was given lies outside it."""
    for script in (tmp_path / "axolotl" / "bin").iterdir():
        script.write_text(script.read_text().replace("fake_axolotl.py", "chatty_axolotl.py"))
    for name in VARIABLES:
        monkeypatch.setenv(name, mark(name.lower()))
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:{mark('proxy')}@127.0.0.1:9")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'src'}{os.pathsep}{ROOT}")
    monkeypatch.delenv("VLLM_API_KEY", raising=False)
    data = yaml.safe_load((runnable / "c.yaml").read_text())
    data |= {**TOP, "plugins": ["of.mine.Plugin"], "vllm": {**VLLM, "port": 8123}}
    data["datasets"].append(DATA)
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    (outside / "c.yaml").write_text(yaml.safe_dump(data))
    (runnable / "c.yaml").unlink()
    monkeypatch.setenv("WITNESS", str(outside / "witness.jsonl"))
    return outside / "witness.jsonl"


def leaks(folder: Path, *texts: str) -> list[str]:
    """Lines with a marker, in texts and in all files below a folder."""
    found = [line for text in texts for line in text.splitlines() if MARK in line]
    found += [line for text in texts for line in text.splitlines() if "86421357" in line]
    for path in folder.rglob("*"):
        if path.is_file() and MARK.encode() in (content := path.read_bytes()):
            lines = [line for line in content.split(b"\n") if MARK.encode() in line]
            found.append(f"{path.relative_to(folder)}: {lines[0][:200]!r}")
    return found


def clean(folder: Path, *arguments: str) -> str:
    """Run a verb in the folder; what it prints, which holds no marker, as its files do not."""
    answer = seqctx(*arguments, cwd=folder)
    text = answer.stdout + answer.stderr
    assert "Traceback" not in text, text
    assert leaks(folder, text) == [], (arguments, text)
    return text


@pytest.mark.parametrize(
    "command",
    [
        "check FILE", "check FILE --json", "check FILE --strict", "plan FILE", "plan FILE --json",
        "plan FILE --gpu rtx-5090 --html plan.html", "plan FILE --options",
        "explain --config FILE", "explain memory --config FILE", "prepare FILE",
        "train FILE --dry-run", "merge FILE --dry-run", "merge FILE", "serve FILE --dry-run",
        "serve FILE", "chat FILE",
    ],
)  # fmt: skip
def test_no_verb_shows_a_secret(runnable: Path, witness: Path, command: str) -> None:
    arguments = command.replace("FILE", str(witness.with_name("c.yaml"))).split()
    before = sorted(runnable.rglob("*"))
    assert "Usage:" not in clean(runnable, *arguments)
    for key in ("comet_api_key", "vllm.ssl_keyfile_password", "vllm.otlp_traces_endpoint"):
        clean(runnable, *arguments, "--set", f"{key}=http://me:{mark('set')}@127.0.0.1:9")
    if "--dry-run" in arguments:
        assert sorted(runnable.rglob("*")) == before


@pytest.mark.parametrize("end", ["", "\n", "\nseed: 1\n"])
def test_a_proposed_diff_shows_no_secret(runnable: Path, witness: Path, end: str) -> None:
    data = yaml.safe_load(witness.with_name("c.yaml").read_text())
    del data["vllm"]
    text = yaml.safe_dump(data, sort_keys=False).rstrip() + f"\nhf_hub_token: {mark('last')}{end}"
    (witness.with_name("d.yaml")).write_text(text)
    diff = clean(runnable, "check", str(witness.with_name("d.yaml")), "--suggest")
    assert "\n+vllm:\n" in diff


def test_training_gets_all_secrets_and_nothing_shows_them(
    runnable: Path,
    witness: Path,
    faked: Callable[..., None],
) -> None:
    file = str(witness.with_name("c.yaml"))
    faked(fail_at=5, eval={"2": 2.0})
    assert "Step 4 is kept" in clean(runnable, "train", file)
    assert "holds an interrupted run" in clean(runnable, "train", file)
    faked(eval={"2": 2.0, "6": 1.0})
    clean(runnable, "train", file, "--resume")
    assert "up to date" in clean(runnable, "train", file)
    assert "merged: " in clean(runnable, "merge", file)
    output = runnable / "outputs" / "c"
    card = (output / "README.md").read_text()
    assert "***" in card and "base_model: base" in card  # the rest of it is as it was
    started = [json.loads(line) for line in witness.read_text().splitlines()]
    assert len(started) >= 4  # two trainings, the comparison, merging
    for program in started:
        assert MARK not in json.dumps(program["argv"]) and MARK not in program["yaml"]
        got = json.dumps(program["env"])
        for key, value in TOP.items():
            assert all(each in got for each in _markers(value)), (program["argv"], key)
        assert mark("data") in got and mark("vllm-key") not in got
        assert program["env"]["COMET_API_KEY"] == mark("comet")
        assert program["env"]["MLFLOW_TRACKING_URI"] == TOP["mlflow_tracking_uri"]
        assert program["env"]["WANDB_API_KEY"] == mark("wandb_api_key")


def test_what_the_plugin_puts_back_is_the_file(witness: Path) -> None:
    """The YAML that Axolotl reads, its variables and what the plugin sets are all of the file."""
    from seqctx.config.render import axolotl_mapping
    from seqctx.train.axolotl_secrets import PLUGIN, PLUGIN_VARIABLE, separate_secrets

    mapping = axolotl_mapping(load_config(witness.with_name("c.yaml")))
    given, variables = separate_secrets(mapping)
    assert MARK not in yaml.safe_dump(given)
    assert given["plugins"] == [PLUGIN, "of.mine.Plugin"]
    for path, value in json.loads(variables.pop(PLUGIN_VARIABLE)):
        block: Any = given
        for key in path[:-1]:
            block = block[key]
        block[path[-1]] = value
    given |= {name.lower(): value for name, value in variables.items()}
    given["plugins"].remove(PLUGIN)
    assert {**given, "vllm": None} == {**mapping, "vllm": None}


def _markers(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from _markers(each)
    elif isinstance(value, list):
        for each in value:
            yield from _markers(each)
    elif MARK in str(value):
        yield value


@pytest.mark.slow
def test_an_interrupted_training_shows_no_secret(
    runnable: Path,
    witness: Path,
    faked: Callable[..., None],
) -> None:
    faked(seconds=1.0)
    file = str(witness.with_name("c.yaml"))
    with subprocess.Popen(
        [sys.executable, "-m", "seqctx", "train", file, "--set", f"hub_token={mark('set')}"],
        cwd=runnable, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:  # fmt: skip
        partial = runnable / "outputs" / "c.seqctx-partial"
        while process.poll() is None and not list(partial.glob("checkpoint-2/trainer_state.json")):
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        printed = process.communicate()[0]
    assert process.returncode == 130 and "--resume" in printed, printed
    assert leaks(runnable, printed) == []


@pytest.mark.parametrize(
    "text",
    [
        "vllm: [{api_key: LEAK-a-b}]",
        "vllm: {port: {token: LEAK-a-b}}",
        "vllm: {api_key: [LEAK-a-b, LEAK-c-d]}",
        "vllm: {api_key: {a: LEAK-a-b}}",
        "vllm: {max_model_len: https://me:LEAK-a-b@host/}",
        "micro_batch_size: {password: LEAK-a-b}",
        "datasets: {path: a.jsonl, storage_options: {secret: LEAK-a-b}}",
        "datasets: [{path: 'https://me:LEAK-a-b@host/x', storage_options: {token: LEAK-a-b}}]",
        "wandb_api_key: LEAK-a-b",
        "hf_token: LEAK-a-b",
        "hf_token: [LEAK-a-b",
        "hf_token: 'LEAK-a-b",
        "hf_token: !!bool LEAK-a-b",
        "hf_token:\n  !!int LEAK-a-b",
        "vllm: {api_key: !!float LEAK-a-b, port: 1}",
        "chat_template: http://me:LEAK-a-b@host/",
        "attn_implementation: {token: LEAK-a-b}",
        "deepspeed: {token: LEAK-a-b}\nlora_r: {secret: LEAK-a-b}",
        "seqctx: {prepare: {manuscripts: ['http://me:LEAK-a-b@host/'], token: LEAK-a-b}}",
        "seqctx: {api_key: LEAK-a-b}",
        "seqctx: {gpu: {secret: LEAK-a-b}}",
    ],
)
@pytest.mark.parametrize("verb", ["check", "plan", "train", "serve"])
def test_an_error_quotes_no_secret(tmp_path: Path, verb: str, text: str) -> None:
    file = tmp_path.parent / f"{tmp_path.name}.yaml"
    file.write_text(f"base_model: http://me:LEAK-base-e@host/model\n{text}\n")
    answer = seqctx(verb, str(file), "--dry-run", cwd=tmp_path) if verb in ("train", "serve") else (
        seqctx(verb, str(file), cwd=tmp_path)
    )  # fmt: skip
    assert leaks(tmp_path, answer.stdout + answer.stderr) == []
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize(
    "item",
    [
        "vllm.api_key:LEAK-a", "vllm.api_key=[LEAK-a", "vllm.hf_token={a: 'LEAK-a", "=LEAK-a",
        "{api_key: LEAK-a}", "vllm.port={api_key: LEAK-a}", "x=http://me:LEAK-a@host/[",
        "http://me:LEAK-a@host/", "hf_token=!!int LEAK-a", "vllm={api_key: [LEAK-a]}",
    ],
)  # fmt: skip
def test_a_wrong_override_shows_no_secret(witness: Path, tmp_path: Path, item: str) -> None:
    clean(tmp_path, "check", str(witness.with_name("c.yaml")), "--set", item)


def test_a_config_shows_no_secret_in_a_notebook(witness: Path) -> None:
    cfg = load_config(witness.with_name("c.yaml"))
    texts = [repr(cfg), str(cfg), repr(cfg.vllm), repr(cfg.datasets), cfg._repr_html_()]
    assert not [text for text in texts if MARK in text]
    assert "***" in texts[0] and "'base'" in texts[0]
    assert cfg.vllm.get("api_key") == VLLM["api_key"]  # the value itself is there
    with pytest.raises(InputError) as raised:
        cfg.replace(vllm__port={"token": mark("port")})
    assert MARK not in str(raised.value)
    assert isinstance(cfg, Config)
