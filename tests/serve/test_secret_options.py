"""Secrets on their way to vLLM: it gets them all, and neither ``ps`` nor a log shows one."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from seqctx.serve import server_log, serving, target_config
from seqctx.serve.dry_run import dry_run_of_serving
from seqctx.serve.secret_options import secret_options_file
from tests.conftest import ROOT
from tests.serve.test_launch import port, served  # noqa: F401
from tests.serve.test_preflight import project  # noqa: F401

SECRETS = {
    "api_key": "LEAK-api-key", "hf_token": "LEAK-hf-token",
    "kv_transfer_config": {"kv_connector_extra_config": {"access_key": "LEAK-kv", "port": 1}},
    "otlp_traces_endpoint": "http://me:LEAK-otlp@127.0.0.1:9",
    "lora_modules": [{"name": "other", "path": "s3://me:LEAK-lora@bucket/other"}],
}  # fmt: skip
TELLING = """
import json, os, sys
path = sys.argv[sys.argv.index("--config") + 1]
told = {"argv": sys.argv, "env": dict(os.environ), "mode": os.stat(path).st_mode,
        "file": open(path).read(), "path": path}
open(os.environ["WITNESS"], "w").write(json.dumps(told))
print("non-default args:", told, flush=True)
sys.path.insert(0, ROOT)
from tests.serve.fake_vllm import main
main()
"""


@pytest.fixture
def telling(served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: F811
    """The project with secrets, served by a stand-in that prints all that it is given."""
    data = yaml.safe_load((served / "voice.yaml").read_text())
    data["vllm"] |= SECRETS
    (served / "voice.yaml").write_text(yaml.safe_dump(data))
    script = tmp_path / "telling.py"
    script.write_text(TELLING.replace("ROOT", repr(str(ROOT))))
    program = Path(os.environ["SEQCTX_VLLM"])
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {script} "$@"\n')
    monkeypatch.setenv("WITNESS", str(tmp_path / "witness.json"))
    monkeypatch.setenv("SOME_CLOUD_TOKEN", "LEAK-environment")
    (served / "go").touch()
    return served


def test_vllm_gets_all_secrets_and_no_log_or_process_list_shows_one(
    telling: Path, tmp_path: Path
) -> None:
    cfg = target_config("voice.yaml")
    log = server_log(cfg)
    with serving(cfg, log):
        listed = subprocess.run(["ps", "axww"], capture_output=True, text=True).stdout
        told = json.loads((tmp_path / "witness.json").read_text())
        assert not Path(told["path"]).exists()  # vLLM has read it
    assert "LEAK" not in listed and "LEAK" not in json.dumps(told["argv"])
    assert stat.S_IMODE(told["mode"]) == 0o600
    options = yaml.safe_load(told["file"])
    assert options["kv-transfer-config"] == SECRETS["kv_transfer_config"]
    assert options["otlp-traces-endpoint"] == SECRETS["otlp_traces_endpoint"]
    modules = [json.loads(word) for word in options["lora-modules"]]
    assert modules[0]["path"] == cfg.output_dir and modules[1] == SECRETS["lora_modules"][0]
    assert told["env"]["VLLM_API_KEY"] == "LEAK-api-key"
    assert told["env"]["HF_TOKEN"] == "LEAK-hf-token"
    text = log.read_text()
    assert "LEAK" not in text and "non-default args" in text and "startup complete" in text
    known = {"voice.yaml", "witness.json"}
    for path in telling.rglob("*"):
        if path.is_file() and path.name not in known:
            assert b"LEAK" not in path.read_bytes(), path


def test_a_dry_run_shows_that_there_are_secrets(telling: Path) -> None:
    line = dry_run_of_serving(target_config("voice.yaml")).line
    assert "LEAK" not in line
    assert line.startswith("VLLM_API_KEY='***' HF_TOKEN='***' ")
    assert """'{"kv_connector_extra_config": {"access_key": "***", "port": 1}}'""" in line
    assert "--otlp-traces-endpoint 'http://***@127.0.0.1:9'" in line


def test_the_background_process_gets_overrides_unseen(telling: Path, tmp_path: Path) -> None:
    arguments = ("serve", "voice.yaml", "--detach", "--set", "vllm.hf_token=LEAK-override")
    process = subprocess.run(
        [sys.executable, "-m", "seqctx", *arguments], cwd=telling, capture_output=True, text=True
    )
    try:
        assert process.returncode == 0, process.stderr
        listed = subprocess.run(["ps", "axww"], capture_output=True, text=True).stdout
        assert "LEAK" not in listed + process.stdout + process.stderr
        told = json.loads((tmp_path / "witness.json").read_text())
        assert told["env"]["HF_TOKEN"] == "LEAK-override"
        assert "SEQCTX_OVERRIDES" not in told["env"]
    finally:
        subprocess.run([sys.executable, "-m", "seqctx", "serve", "--stop"], cwd=telling)


def test_options_are_in_a_file_of_the_users_until_vllm_has_read_them() -> None:
    command = ["vllm", "serve", "m", "--port", "1"]
    with secret_options_file(command, {"otlp-traces-endpoint": "new"}) as (given, path):
        assert path and given == [*command, "--config", str(path)]
        assert yaml.safe_load(path.read_text()) == {"otlp-traces-endpoint": "new"}
        assert path.stat().st_mode & 0o777 == 0o600
        path.unlink()  # as when vLLM has read it
    assert not path.parent.exists()
    with secret_options_file(command, {}) as (given, path):
        assert given == command and path is None


def test_the_file_goes_when_seqctx_is_killed_before_vllm_has_read_it(
    telling: Path, tmp_path: Path
) -> None:
    (telling / "go").unlink()
    (telling / "stubborn").touch()
    (tmp_path / "tmp").mkdir()
    env = {**os.environ, "TMPDIR": str(tmp_path / "tmp")}
    command = [sys.executable, "-m", "seqctx", "serve", "voice.yaml"]
    with subprocess.Popen(command, cwd=telling, env=env, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while not (witness := tmp_path / "witness.json").exists() or not witness.read_text():
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        assert list((tmp_path / "tmp").rglob("options.yaml"))
        process.kill()
    deadline = time.monotonic() + 10
    while list((tmp_path / "tmp").iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not list((tmp_path / "tmp").iterdir())
