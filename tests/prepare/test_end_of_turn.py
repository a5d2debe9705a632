"""The end-of-turn token is trained, or prepare refuses and says why."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from seqctx.catalog.chat_templates import read_end_of_turn
from seqctx.catalog.lookup import find_end_of_turn, find_model
from seqctx.config.config import Config, parse_config
from seqctx.config.source import Document
from seqctx.errors import CheckError, InputError
from seqctx.prepare.pipeline import prepare
from seqctx.prepare.tokenizer import load_tokenizer


@pytest.fixture
def base(model_folder: Path, tmp_path: Path) -> Path:
    """The same tokenizer with another end-of-text token, as a model that was not tuned has."""
    folder = tmp_path / "base"
    shutil.copytree(model_folder, folder)
    path = folder / "tokenizer_config.json"
    config = {**json.loads(path.read_text()), "eos_token": "<|endoftext|>"}
    path.write_text(json.dumps(config))
    return folder


def config(base: Path, novella: Path, **keys: object) -> Config:
    data = {"base_model": str(base), "sequence_len": 1024, **keys,
            "seqctx": {"prepare": {"manuscripts": [str(novella)]}}}  # fmt: skip
    return parse_config(Document("c.yaml", data, {}))


def test_an_end_that_axolotl_would_not_train_is_refused(
    base: Path, novella: Path, tmp_path: Path
) -> None:
    with pytest.raises(CheckError, match=r"ends an answer with <\|im_end\|>.* Set eot_tokens:"):
        prepare(config(base, novella), tmp_path / "out")
    for keys in ({"eot_tokens": ["<|im_end|>"]}, {"special_tokens": {"eos_token": "<|im_end|>"}}):
        manifest, _ = prepare(config(base, novella, **keys), tmp_path / "out", force=True)
        assert manifest.train.examples > 0


def test_the_end_of_a_turn_by_template_and_by_rendering(base: Path, model_folder: Path) -> None:
    # the test's own template writes <|im_end|> itself, which is eos of one and not of the other
    assert read_end_of_turn(base) == "<|im_end|>" == load_tokenizer(str(base)).end_of_turn
    assert read_end_of_turn(model_folder) is None
    assert load_tokenizer(str(model_folder)).end_of_turn == load_tokenizer(str(model_folder)).eos


@pytest.mark.parametrize(
    "hub_id, end",
    [
        ("google/gemma-2-9b-it", "<end_of_turn>"),
        ("google/gemma-3n-E2B-it", "<end_of_turn>"),
        ("google/gemma-1.1-2b-it", "<end_of_turn>"),
        ("google/gemma-2b", None),  # a Gemma 1 of 2 billion weights
        ("Qwen/Qwen3-8B-Base", "<|im_end|>"),
        ("unsloth/Qwen3-8B-Base-bnb-4bit", "<|im_end|>"),
        ("Qwen/Qwen3-235B-A22B-Base", "<|im_end|>"),
        ("Qwen/Qwen2-7B", "<|im_end|>"),
        ("Qwen/Qwen2.5-Coder-7B", None),
        ("somebody/Qwen2.5-7B-storyteller", None),
        ("Qwen/Qwen2.5-7B", "<|im_end|>"),
        ("Qwen/Qwen2.5-7B-Instruct", None),
        ("Qwen/Qwen3-8B", None),
        ("meta-llama/Llama-3.1-8B-Instruct", None),
    ],
)
def test_the_end_of_a_turn_by_name(hub_id: str, end: str | None) -> None:
    assert find_end_of_turn(hub_id, find_model(hub_id)) == end


def test_a_damaged_tokenizer_config_is_one_line(base: Path) -> None:
    (base / "tokenizer_config.json").write_text("[]")
    with pytest.raises(InputError, match=r"tokenizer_config\.json: does not hold a JSON object"):
        find_end_of_turn(str(base), None)
