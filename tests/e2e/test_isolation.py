"""What packed examples see of one another, in real Axolotl's own batches."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT, seqctx_process
from tests.e2e.test_model import MODEL

COLUMNS = ("change_elsewhere", "gradient_elsewhere")


def prove(folder: Path, *arguments: str, **keys: Any) -> subprocess.CompletedProcess[str]:
    data = {"base_model": str(MODEL), "sequence_len": 1024, "sample_packing": True, **keys}
    (folder / "c.yaml").write_text(yaml.safe_dump(data))
    before = sorted(folder.rglob("*"))
    answer = seqctx_process("check", "--prove-isolation", str(folder / "c.yaml"), *arguments)
    assert sorted(folder.rglob("*")) == before
    assert "Traceback" not in answer.stderr
    return answer


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_packed_examples_are_isolated(tmp_path: Path, attention: str) -> None:
    answer = prove(tmp_path, "--json", attn_implementation=attention, adapter="qlora",
                   load_in_4bit=True, lora_r=8, gradient_checkpointing=True)  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    assert (found["isolated"], found["leaks"], found["attention"]) == (True, {}, attention)
    assert found["model_class"] == "LlamaForCausalLM"
    assert found["collator"] == "V2BatchSamplerDataCollatorForSeq2Seq"
    assert {e["row"] for e in found["examples"]} == {0}
    assert len(found["examples"]) >= 3
    assert all(e[name] == 0.0 for e in found["examples"] for name in COLUMNS)
    assert max(e["against_alone"] for e in found["examples"]) < 1e-4
    # what two examples that meet do share, whatever the attention: a label on a first token
    assert found["gradient_at_border"] > 1
    assert "first token of an example has a label" in found["border"]


def test_the_readme_shows_what_is_printed() -> None:
    config = "axolotl_configs/llama-3.1-8b-qlora-32gb-packed.yaml"
    answer = seqctx_process("check", "--prove-isolation", config)
    assert answer.returncode == 0, answer.stderr
    readme = (ROOT / "README.md").read_text("utf-8")
    (shown,) = re.findall(rf"\$ seqctx check --prove-isolation {config}\n(.*?)```", readme, re.S)

    def comparable(text: str) -> list[list[str]]:
        *table, verdict, _ = text.splitlines()
        # packed vs alone is rounding, which depends on the CPU
        return [*([*line.split()[:3], line.split()[-1]] for line in table), [verdict]]

    assert comparable(answer.stdout) == comparable(shown)


def test_an_unset_attention_is_caught(tmp_path: Path) -> None:
    answer = prove(tmp_path)
    assert answer.returncode == 1
    *table, verdict, _ = answer.stdout.splitlines()
    assert table[0].split("  ")[0] == "example"
    assert verdict.startswith("examples LEAK into each other: a token of one changes ")
    number = float(verdict.split("of the others by ")[1].split(",")[0])
    assert number > 0.5
    assert number == pytest.approx(max(float(line.split()[2]) for line in table[1:]), rel=1e-2)


def test_a_class_that_leaks_whatever_its_attention_is_caught(tmp_path: Path) -> None:
    # transformers 5.16: modeling_gpt_oss.py gives create_causal_mask no position_ids
    answer = prove(tmp_path, base_model="openai/gpt-oss-20b", attn_implementation="eager")
    assert answer.returncode == 1
    assert "GptOssForCausalLM" in answer.stdout.splitlines()[-2]


def test_rows_of_one_example_share_nothing(tmp_path: Path) -> None:
    answer = prove(tmp_path, sample_packing=False)
    assert answer.returncode == 0, answer.stderr
    assert "isolated: 2 examples in rows of their own; a token of one changes" in answer.stdout


def test_a_plugin_that_axolotl_would_skip(tmp_path: Path) -> None:
    answer = prove(tmp_path, attn_implementation="sdpa", plugins=["nowhere.Plugin"])
    assert answer.returncode == 3
    assert len(answer.stderr.splitlines()) == 1
    assert "plugins: nowhere.Plugin cannot be loaded. Install it" in answer.stderr
