"""What tests share: a small real tokenizer, made here, and the repository's root."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from click.testing import CliRunner
from filelock import FileLock
from hypothesis import settings

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # no test asks a hub
# How long an example takes depends on what runs beside it. CI draws the same examples every time,
# so that a change is not blamed for what another draw would have found before it.
settings.register_profile("ours", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("ours")
ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "axolotl_configs" / "smollm2-135m-qlora-cpu.yaml"
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}"
)


# Files of tests/e2e that run each real tool once; the others are `e2e_slow`.
QUICK = ("test_end_to_end.py", "test_model.py", "test_catalog.py", "test_agreement.py")
# The longest first, so that parallel workers end together; those not named here are short.
LONG = (
    "test_end_to_end.py", "test_resume.py", "test_parallel.py", "test_serving.py",
    "test_isolation.py", "test_prepare.py", "test_parity.py", "test_agreement.py",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fast tests first; everything below tests/e2e needs the real tools."""

    def place(item: pytest.Item) -> int:
        if not item.get_closest_marker("e2e"):
            return -1
        return LONG.index(item.path.name) if item.path.name in LONG else len(LONG)

    for item in items:
        if "e2e" in item.path.parts:
            item.add_marker("e2e")
            if item.path.name not in QUICK:
                item.add_marker("e2e_slow")
    items.sort(key=place)


def few_fast(values: Iterable[Any], *fast: Any) -> list[Any]:
    """A test's parameters: the fast suite takes those that are named, `make test` all."""
    return [
        v if v in fast
        else pytest.param(*(v if isinstance(v, tuple) else (v,)), marks=pytest.mark.slow)
        for v in values
    ]  # fmt: skip


@pytest.fixture(scope="session")
def novella() -> Path:
    (path,) = (ROOT / "prepare" / "manuscripts").glob("*.md")
    return path


def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this test run that its parallel workers share; write to it under a lock."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory, novella: Path) -> Path:
    """A byte-level BPE of 2,000 tokens, trained on the novella, with a chat template.

    Parallel workers share the one that the first of them makes; nothing may write to it.
    """
    folder = shared_folder(tmp_path_factory) / "model"
    with FileLock(f"{folder}.lock"):
        if not (folder / "config.json").exists():
            _make_model(folder, novella)
    return folder


def _make_model(folder: Path, novella: Path) -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=2000,
        special_tokens=["<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(novella.read_text("utf-8").split("\n"), trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|im_end|>"
    )
    fast.chat_template = CHATML
    fast.save_pretrained(folder)
    config = {
        "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 64,
        "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "vocab_size": 2000, "max_position_embeddings": 4096,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))


@pytest.fixture(scope="session")
def tokenizer(model_folder: Path):  # type: ignore[no-untyped-def]
    from seqctx import load_tokenizer

    return load_tokenizer(str(model_folder))


def rows_of(folder: Path) -> list[tuple[Path, dict[str, Any]]]:
    """The rows of all JSONL files of a folder, each with its file."""
    return [
        (path, json.loads(line))
        for path in folder.glob("*.jsonl")
        for line in path.read_text("utf-8").split("\n")
        if line
    ]


@contextmanager
def process_settings_kept() -> Iterator[None]:
    """What the command line sets for its process is gone afterwards, as when a process ends."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    make_record = logging.getLogRecordFactory()
    with (
        patch.dict(os.environ),
        patch.object(sys, "excepthook", sys.excepthook),
        patch.object(threading, "excepthook", threading.excepthook),
        patch.object(warnings, "formatwarning", warnings.formatwarning),
    ):
        try:
            yield
        finally:
            logging.setLogRecordFactory(make_record)
            for number, handler in handlers.items():
                signal.signal(number, handler)


def seqctx(
    *arguments: str | Path, cwd: Path = ROOT, stdin: bytes = b"", **env: str
) -> subprocess.CompletedProcess[str]:
    """Run the command line in this process, as a user would in a shell of its own.

    It has its own working directory, environment, arguments and streams, none of them a terminal.
    Where the process itself is what is tested (signals, what it leaves running, what it imports)
    take `seqctx_process`.
    """
    from seqctx.cli.main import run

    given = [*map(str, arguments)]
    with process_settings_kept(), patch.object(sys, "argv", ["seqctx", *given]), chdir(cwd):
        with CliRunner().isolation(stdin, env) as (out, err, _):
            try:
                run()
            except SystemExit as stop:
                status = stop.code if isinstance(stop.code, int) else 1
    return subprocess.CompletedProcess(
        given, status, out.getvalue().decode(), err.getvalue().decode()
    )


def seqctx_process(
    *arguments: str | Path, cwd: Path = ROOT, **env: str
) -> subprocess.CompletedProcess[str]:
    """Run the command line as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "seqctx", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
    )
