"""Real Axolotl gets the secrets of a file and of the environment, and nothing shows them."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT, seqctx_process
from tests.e2e.conftest import marked, processes, small_project

MARK = "LEAK"
SECRETS = {
    "comet_api_key": "LEAK-comet-key",
    "swanlab_lark_secret": "LEAK-lark-secret",
    "swanlab_lark_webhook_url": "https://me:LEAK-login@127.0.0.1:9/hook?sig=LEAK-signature",
    "mlflow_tracking_uri": "http://me:LEAK-mlflow@127.0.0.1:9",
    "use_swanlab": False,
    "x-anchors": {"deep": [{"token": "LEAK-anchor"}]},
}
SHORT = {
    "adapter": "lora", "load_in_4bit": False, "sequence_len": 192, "max_steps": 2,
    "save_strategy": "steps", "save_steps": 1, "eval_strategy": "no", "num_epochs": 1,
    "wandb_project": "secrets", "wandb_mode": "offline",
}  # fmt: skip
VARIABLES = {
    "HF_TOKEN": "LEAK-hf-token", "WANDB_API_KEY": "LEAK" + "0" * 36,
    "AWS_SECRET_ACCESS_KEY": "LEAK-aws-key", "HTTP_PROXY": "http://me:LEAK-proxy@127.0.0.1:9",
}  # fmt: skip
WITNESS = """
import json, os
from axolotl.integrations.base import BasePlugin

class Witness(BasePlugin):
    def pre_model_load(self, cfg):
        names = ("COMET_API_KEY", "MLFLOW_TRACKING_URI", "HF_TOKEN", "WANDB_API_KEY")
        seen = {name: os.environ.get(name) for name in names}
        seen |= {key: cfg[key] for key in ("swanlab_lark_secret", "swanlab_lark_webhook_url")}
        with open(os.environ["WITNESS"], "w") as f:
            json.dump(seen, f)
"""


@contextmanager
def command_lines() -> Iterator[set[str]]:
    """The command lines of all marked processes that run at some time in the block."""
    seen: set[str] = set()
    over = threading.Event()

    def sample() -> None:
        while not over.wait(0.05):
            seen.update(processes("secrets").values())  # not those of another test beside it

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


@pytest.fixture
def project(tmp_path: Path, novella: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    small_project(folder, novella, **SHORT, **SECRETS)
    data = yaml.safe_load((folder / "short.yaml").read_text())
    data["vllm"] |= {"api_key": "LEAK-vllm-key", "hf_token": "LEAK-vllm-token"}
    swanlab = "axolotl.integrations.swanlab.SwanLabPlugin"
    data["plugins"] = [*data["plugins"], swanlab, "witness.Witness"]
    (tmp_path / "short.yaml").write_text(yaml.safe_dump(data))
    (folder / "short.yaml").unlink()
    (folder / "witness.py").write_text(WITNESS)
    return folder


def test_axolotl_gets_the_secrets_and_nothing_shows_them(project: Path, tmp_path: Path) -> None:
    file, witness = str(tmp_path / "short.yaml"), tmp_path / "seen.json"
    search = f"{ROOT / 'src'}{os.pathsep}{project}"
    env = {**marked("secrets"), **VARIABLES, "WITNESS": str(witness), "PYTHONPATH": search}
    printed = ""
    with command_lines() as lines:
        for verb in ("prepare", "train", "merge"):
            answer = seqctx_process(verb, file, cwd=project, **env)
            assert answer.returncode == 0, answer.stderr
            printed += answer.stdout + answer.stderr
    assert any("axolotl train " in line for line in lines)
    assert not [line for line in lines if MARK in line]
    assert MARK not in printed
    seen = json.loads(witness.read_text())
    assert seen == {
        "COMET_API_KEY": SECRETS["comet_api_key"],
        "MLFLOW_TRACKING_URI": SECRETS["mlflow_tracking_uri"],
        "HF_TOKEN": VARIABLES["HF_TOKEN"],
        "WANDB_API_KEY": VARIABLES["WANDB_API_KEY"],
        "swanlab_lark_secret": SECRETS["swanlab_lark_secret"],
        "swanlab_lark_webhook_url": SECRETS["swanlab_lark_webhook_url"],
    }
    output = project / "outputs" / "short"
    card = (output / "README.md").read_text()
    assert "See axolotl config" in card and "lora_r:" in card
    assert "***" in (output / "run" / "train.log").read_text()
    files = [
        path for path in project.rglob("*") if path.is_file() and ".venv" not in path.parts[-2]
    ]
    assert any("wandb" in path.parts for path in files) and len(files) > 30
    assert not [path for path in files if MARK.encode() in path.read_bytes()]


def test_a_run_that_axolotl_refuses_shows_no_secret(project: Path, tmp_path: Path) -> None:
    file = str(tmp_path / "short.yaml")
    env = {**VARIABLES, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{project}"}
    assert seqctx_process("prepare", file, cwd=project, **env).returncode == 0
    data = yaml.safe_load((tmp_path / "short.yaml").read_text())
    data["swanlab_lark_secret"] = ["LEAK-in-a-list"]  # Axolotl wants a text, and quotes the value
    (tmp_path / "short.yaml").write_text(yaml.safe_dump(data))
    answer = seqctx_process("train", file, cwd=project, **env)
    assert answer.returncode == 3, answer.stderr
    assert MARK not in answer.stdout + answer.stderr
    logs = [*project.rglob("*.log"), *project.rglob("*.md")]
    assert logs and not [path for path in logs if MARK in path.read_text(errors="replace")]
