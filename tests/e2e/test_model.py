"""The embedded model: the checkpoint that `make model` writes is the model that is known."""

from __future__ import annotations

import json
import subprocess

import pytest
import yaml

from seqctx import load_tokenizer, read_manuscript
from tests.conftest import ROOT

MODEL = ROOT / "prepare" / "models" / "smollm2-135m-instruct"
PYTHON = ROOT / ".venv-train" / "bin" / "python"

GENERATE = """
import sys, torch
from transformers import AutoModelForCausalLM, AutoTokenizer
t = AutoTokenizer.from_pretrained(sys.argv[1])
m = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32)
ids = t.apply_chat_template([{"role": "user", "content": sys.argv[2]}], return_tensors="pt",
                            add_generation_prompt=True, return_dict=False)
out = m.generate(ids, max_new_tokens=24, do_sample=False, attention_mask=torch.ones_like(ids))
print(t.decode(out[0, ids.shape[1]:], skip_special_tokens=False))
"""


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("Hello world", [19556, 905]),
        ("<|im_start|>user\n", [1, 4093, 198]),
        ("<|im_end|>", [2]),
        # The digit splitter: every digit, and the space before it, is a token of its own.
        ("in 1984", [254, 216, 33, 41, 40, 36]),
    ],
)
def test_token_ids(text: str, ids: list[int]) -> None:
    assert load_tokenizer(str(MODEL))._fast.encode(text, add_special_tokens=False).ids == ids


def test_special_tokens_and_shape() -> None:
    config = json.loads((MODEL / "config.json").read_text())
    keys = ("eos_token_id", "pad_token_id", "num_hidden_layers", "hidden_size", "vocab_size")
    assert [config[k] for k in keys] == [2, 2, 30, 576, 49152]
    assert config["max_position_embeddings"] == 8192
    assert "quantization_config" not in config


def test_a_generated_sentence() -> None:
    command = [PYTHON, "-c", GENERATE, MODEL, "What is the capital of France?"]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "The capital of France is Paris.<|im_end|>"


def test_the_patterns_of_the_sample_novella() -> None:
    record = yaml.safe_load((ROOT / "prepare" / "patterns.yaml").read_text("utf-8"))
    text = (ROOT / record["manuscript"]).read_text("utf-8")
    assert len(text.split()) >= 12_000
    assert len(read_manuscript(ROOT / record["manuscript"]).chapters) >= 8
    encoding = load_tokenizer(str(MODEL))._fast.encode(text, add_special_tokens=False)
    spans: dict[str, list[dict]] = {}  # type: ignore[type-arg]
    for pattern in record["patterns"]:
        for place in pattern["places"]:
            assert text.count(place["quote"]) == 1, place
            at = text.index(place["quote"])
            assert place["token"] == encoding.char_to_token(at), place
            assert place["chapter"] == text[:at].count("\n## "), place
        spans.setdefault(pattern["kind"], []).append(pattern)
    assert set(spans) == {"foreshadowing", "clue", "character_arc", "thread"}

    def distance(kind: str) -> int:
        places = spans[kind][0]["places"]
        return int(places[-1]["token"] - places[0]["token"])

    assert distance("foreshadowing") > 6000
    first, last = spans["clue"][0]["places"][0], spans["clue"][0]["places"][-1]
    assert 350 <= first["token"] <= 650
    assert last["token"] > 6000
    assert distance("character_arc") > 8000
    assert len({p["chapter"] for p in spans["thread"][0]["places"]}) >= 3
