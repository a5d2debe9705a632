"""What merging asks of Axolotl and what it leaves, with a stand-in for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.conftest import seqctx

Faked = Callable[..., None]


@pytest.fixture
def adapted(runnable: Path) -> Path:
    """The project, trained."""
    answer = seqctx("train", "c.yaml", "--no-page", cwd=runnable)
    assert answer.returncode == 0, answer.stderr
    return runnable


def test_it_is_merged_once_and_again_when_something_changed(adapted: Path, faked: Faked) -> None:
    merged = adapted / "outputs/c/merged"
    (adapted / "outputs/c/chat_template.jinja").write_text("{{ messages }}")
    answer = seqctx("merge", "c.yaml", cwd=adapted)
    assert answer.returncode == 0, answer.stderr
    assert "merged: outputs/c/merged" in answer.stdout
    assert sorted(p.name for p in merged.iterdir()) == [
        "chat_template.jinja", "model.safetensors", "seqctx.json",
    ]  # fmt: skip
    faked(weights=False)  # a merge would fail now
    again = seqctx("merge", "c.yaml", "--no-evaluate", cwd=adapted)
    assert again.stdout == "up to date: outputs/c/merged\n"
    weights = adapted / "outputs/c/adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"9")
    for arguments in ((), ("--force",)):
        failed = seqctx("merge", "c.yaml", *arguments, cwd=adapted)
        assert failed.returncode == 3
        assert "merge.log" in failed.stderr
    assert (merged / "model.safetensors").is_file()  # the earlier one is as it was


def test_losses_before_and_after_merging_are_printed(adapted: Path) -> None:
    answer = seqctx("merge", "c.yaml", cwd=adapted)
    assert "loading the stand-in" in answer.stderr
    losses = [line for line in answer.stdout.splitlines() if line.startswith("held-out loss")]
    assert [line.split()[2] for line in losses] == ["4.0000:", "3.5000:", "3.0000:"]
    assert losses[-1].endswith("merged")


@pytest.mark.parametrize(
    "quantized", [{}, {"adapter": "qlora", "load_in_4bit": True}], ids=["lora", "qlora"]
)
def test_weights_are_never_quantized_while_merging(
    runnable: Path, quantized: dict[str, object]
) -> None:
    data = yaml.safe_load((runnable / "c.yaml").read_text()) | quantized
    (runnable / "c.yaml").write_text(yaml.safe_dump(data))
    assert seqctx("train", "c.yaml", "--no-page", cwd=runnable).returncode == 0
    answer = seqctx("merge", "c.yaml", cwd=runnable)
    assert answer.returncode == 0, answer.stderr
    given = yaml.safe_load((runnable / "outputs/c/run/merge.yaml").read_text())
    assert given["adapter"] == "lora" and not given.get("load_in_4bit")
    assert given["lora_model_dir"] == "outputs/c"
    assert ("4-bit" in answer.stdout) == bool(quantized)


def test_a_base_that_changed_since_is_refused(adapted: Path) -> None:
    config = json.loads((adapted / "base/config.json").read_text())
    (adapted / "base/config.json").write_text(json.dumps({**config, "rope_theta": 5e5}))
    (adapted / "base/model.safetensors").write_bytes(b"other weights")
    refused = seqctx("merge", "c.yaml", cwd=adapted)
    assert refused.returncode == 1
    assert "the adapter was trained on base" in refused.stderr
    assert not (adapted / "outputs/c/merged").exists()


def test_tokens_that_training_added_are_found(adapted: Path) -> None:
    tokenizer = json.loads((adapted / "base/tokenizer.json").read_text())
    added = {**tokenizer["added_tokens"][0], "id": 2345, "content": "<|new|>"}
    tokenizer["added_tokens"].append(added)
    (adapted / "outputs/c/tokenizer.json").write_text(json.dumps(tokenizer))
    refused = seqctx("merge", "c.yaml", cwd=adapted)
    assert refused.returncode == 1
    assert "2,346" in refused.stderr and "2,000" in refused.stderr


def test_a_full_disk_is_found_before_merging(
    adapted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seqctx.train.merge.free_bytes", lambda path: 1_000_000)
    refused = seqctx("merge", "c.yaml", cwd=adapted)
    assert refused.returncode == 1
    assert "output_dir: outputs/c: the disk is" in refused.stderr


def test_without_the_record_of_what_was_trained_nothing_is_merged(adapted: Path) -> None:
    (adapted / "outputs/c/run/axolotl.yaml").unlink()
    refused = seqctx("merge", "c.yaml", cwd=adapted)
    assert refused.returncode == 2
    assert "run/axolotl.yaml" in refused.stderr
