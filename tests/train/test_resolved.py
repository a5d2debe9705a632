from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seqctx.config.config import Config, parse_config
from seqctx.config.source import Document
from seqctx.train.resolved import data_hashes, fingerprint_of, needs_hub, resolve


def config(base: Path, **keys: Any) -> Config:
    data = {"base_model": str(base), "datasets": [{"path": "a.jsonl"}], **keys}
    return parse_config(Document("f.yaml", data, {}))


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "config.json").write_text("{}")
    (tmp_path / "a.jsonl").write_text("{}\n")
    return Path("base")


def test_the_content_of_named_files_counts_for_the_fingerprint(base: Path) -> None:
    Path("mine.jinja").write_text("one")
    at_top = config(base, chat_template="jinja", chat_template_jinja="mine.jinja")
    of_data = config(base, datasets=[{"path": "a.jsonl", "chat_template_jinja": "mine.jinja"}])
    inline = config(base, chat_template="jinja", chat_template_jinja="{{ x }}" * 200)
    before = [fingerprint_of(c, resolve(c, Path("out"))) for c in (at_top, of_data, inline)]
    Path("mine.jinja").write_text("two")
    after = [fingerprint_of(c, resolve(c, Path("out"))) for c in (at_top, of_data, inline)]
    assert [a == b for a, b in zip(before, after, strict=True)] == [False, False, True]


@pytest.mark.parametrize(
    "keys, needed",
    [
        ({}, False),
        ({"tokenizer_config": "base"}, False),
        ({"tokenizer_config": "somebody/tokenizer"}, True),
        ({"hub_model_id": "me/voice"}, True),
        ({"lora_model_dir": "me/adapter"}, True),
        ({"datasets": [{"path": "somebody/stories"}]}, True),
        ({"attn_implementation": "kernels-community/flash-attn3"}, True),
        ({"attn_implementation": "sdpa"}, False),
    ],
)
def test_the_hub_is_reached_only_for_what_is_not_local(
    base: Path, keys: dict[str, Any], needed: bool
) -> None:
    cfg = config(base, **keys)
    assert needs_hub(resolve(cfg, Path("out"))) is needed


@pytest.mark.parametrize("given", ["a.jsonl", [{"path": "a.jsonl"}]])
def test_text_to_pretrain_on_is_data(base: Path, given: Any) -> None:
    cfg = parse_config(
        Document("f.yaml", {"base_model": str(base), "pretraining_dataset": given}, {})
    )
    mapping = resolve(cfg, Path("out"))
    assert mapping["pretraining_dataset"] == given
    assert list(data_hashes(mapping)) == ["a.jsonl"]
