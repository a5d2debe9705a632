"""tokenizer.json of a model: broken ones, and ones that make endless text, end in one line."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from seqctx.errors import InputError
from seqctx.prepare.tokenizer import load_tokenizer

GROWS = {"type": "Replace", "pattern": {"String": " "}, "content": " " * 1000}


def changed(source: Path, folder: Path, **changes: Any) -> str:
    """A copy of a model's folder with another tokenizer.json."""
    shutil.copytree(source, folder)
    path = folder / "tokenizer.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return str(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"normalizer": {"type": "Replace", "pattern": {"String": ""}, "content": "x" * 100}},
        {"normalizer": {"type": "Sequence", "normalizers": [GROWS]}},
        {"model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "zz"}},
    ],
    ids=["panic", "grows", "no unknown token"],
)
def test_a_tokenizer_that_cannot_split_text_is_refused(
    model_folder: Path, tmp_path: Path, changes: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    started = time.monotonic()
    with pytest.raises(InputError) as error:
        load_tokenizer(changed(model_folder, tmp_path / "model", **changes))
    assert "cannot split a short text into tokens" in str(error.value)
    assert "\n" not in str(error.value)
    assert "panicked" not in capfd.readouterr().err
    assert time.monotonic() - started < 30


def test_truncation_and_padding_of_the_file_do_not_change_counts(
    model_folder: Path, tmp_path: Path
) -> None:
    text = "Mara counted the loaves again."
    truncation = {"max_length": 3, "strategy": "LongestFirst", "stride": 0, "direction": "Right"}
    padding = {
        "strategy": {"Fixed": 100}, "direction": "Right", "pad_to_multiple_of": None,
        "pad_id": 0, "pad_type_id": 0, "pad_token": "x",
    }  # fmt: skip
    path = changed(model_folder, tmp_path / "model", truncation=truncation, padding=padding)
    tokenizer, expected = load_tokenizer(path), load_tokenizer(str(model_folder))
    assert tokenizer.count(text) == expected.count(text) > 3
    assert tokenizer.count_all([text]) == expected.count_all([text])
