"""What a plan starts from: looked up once, and a wrong argument is one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import seqctx
from seqctx.catalog import gpus, lookup
from seqctx.check import facts
from seqctx.check.check import check_document
from seqctx.config.config import load_config
from seqctx.config.source import read_document
from seqctx.errors import InputError
from seqctx.plan import inputs
from seqctx.plan.options import compare_options
from seqctx.plan.summary import summarize
from seqctx.plan.throughput import TrainingData
from tests.conftest import ROOT
from tests.plan.test_options import stats

FILE = ROOT / "axolotl_configs" / "llama-3.1-8b-qlora-32gb.yaml"
CFG = load_config(FILE)
DATA = TrainingData(examples=1, tokens=1, rows=1, steps_per_epoch=1, row_tokens=1)


class Counter:
    """Calls of a look-up, by the module that calls it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, function: Any, *modules: Any) -> None:
        self.calls = 0

        def counted(*args: Any) -> Any:
            self.calls += 1
            return function(*args)

        for module in modules:
            monkeypatch.setattr(module, function.__name__, counted)


@pytest.mark.parametrize(
    "verb", [lambda: check_document(read_document(FILE), FILE), lambda: summarize(CFG)]
)
def test_model_and_gpu_are_looked_up_once(
    monkeypatch: pytest.MonkeyPatch, verb: Callable[[], Any]
) -> None:
    models = Counter(monkeypatch, lookup.find_model, lookup, inputs, facts)
    cards = Counter(monkeypatch, gpus.find_gpu, gpus, inputs, facts)
    verb()
    assert (models.calls, cards.calls) == (1, 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: seqctx.plan_training("file.yaml"), "cfg: must be a Config .got str.*load_config"),
        (lambda: seqctx.plan_serving(FILE), "cfg: must be a Config"),
        (lambda: seqctx.plan_time({}, DATA), "cfg: must be a Config .got dict"),
        (lambda: seqctx.plan_time(CFG, 5), "data: must be a TrainingData .got int"),
        (lambda: seqctx.plan_time(CFG, DATA, utilization=5), "utilization: must be a tuple .got"),
        (lambda: seqctx.plan_time(CFG, DATA, utilization=()), "utilization: must be two shares"),
        (lambda: seqctx.longest_sequence_len(None), "cfg: must be a Config .got NoneType"),
        (lambda: seqctx.largest_micro_batch_size("f"), "cfg: must be a Config"),
        (lambda: seqctx.highest_rank("f"), "cfg: must be a Config"),
        (lambda: seqctx.most_sequences("f"), "cfg: must be a Config"),
        (lambda: seqctx.plan_training(CFG, gpu=5), "gpu: must be a str or Gpu .got int"),
        (lambda: seqctx.plan_training(CFG, gpu="rtx-9999"), "gpu: rtx-9999: unknown GPU. Name one"),
        (lambda: seqctx.plan_training(CFG, model="llama"), "model: must be a Model .got str"),
        (lambda: seqctx.plan_serving(CFG, vllm_version="new"), "vllm_version: must be a version"),
        (lambda: seqctx.plan_serving(CFG, vllm_version=5), "vllm_version: must be a str .got int"),
        (lambda: seqctx.plan_serving(CFG, free_bytes="x"), "free_bytes: must be an int .got str"),
        (lambda: seqctx.longest_sequence_len(CFG, gpu="cpu"), "gpu: cpu has no GPU memory"),
        (lambda: compare_options(CFG, None, goal="voice"), "stats: must be a DatasetStats"),
        (lambda: compare_options(CFG, stats(), goal="fame"), "goal: must be one of voice, struct"),
        (lambda: seqctx.find_model(5), "base_model: must be a str .got int"),
    ],
)
def test_a_wrong_argument_is_one_sentence(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        call()
    assert "\n" not in str(error.value) and str(error.value).endswith(".")


def test_public_names_are_there() -> None:
    assert sorted(seqctx.__all__) == seqctx.__all__
    assert all(getattr(seqctx, name) for name in seqctx.__all__)
    assert {"compare_options", "plan_training", "find_model"} <= {*seqctx.__all__}


@pytest.mark.parametrize("package", ["matplotlib", "jinja2"])
def test_a_page_without_its_packages_names_the_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, package: str
) -> None:
    from click.testing import CliRunner

    from seqctx.cli.main import cli

    monkeypatch.setitem(__import__("sys").modules, package, None)
    page = tmp_path / "plan.html"
    answer = CliRunner().invoke(cli, ["plan", str(FILE), "--html", str(page)])
    assert answer.exit_code == 2 and not page.exists()
    assert package in answer.stderr and "pip install 'seqctx[prepare]'" in answer.stderr
    assert answer.stderr.count("\n") == 1
