"""Where seqctx and Axolotl's own validator agree on a file, and where they do not.

.venv/bin/python -m tests.e2e.agreement        # prints the counts per key
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from seqctx.check.check import check
from seqctx.check.facts import Facts
from seqctx.config.config import Config, read_config
from seqctx.config.source import Document, parse_document
from tests.conftest import ROOT

BASE = {
    "base_model": "somebody/some-model",
    "datasets": [{"path": "a.jsonl", "ds_type": "json", "type": "chat_template"}],
    "sequence_len": 1024,
    "micro_batch_size": 1,
    "gradient_accumulation_steps": 2,
    "num_epochs": 1,
    "learning_rate": 0.0001,
    "optimizer": "adamw_torch",
    "bf16": True,
    "attn_implementation": "sdpa",
    "output_dir": "out",
}
LORA = {"adapter": "lora", "lora_r": 16, "lora_alpha": 16, "lora_target_linear": True}
TYPED = [key for key in Config.model_fields if key not in ("vllm", "seqctx")]
ODD: list[Any] = [
    None, True, False, 0, 1, 2, -5, 0.5, 1.5, 100_000, "", "x", "3", "true", [], ["q_proj"], [1],
    {}, {"a": 1}, "lora", "qlora", "sdpa", "eager", "flash_attention_2", "tokenizer_default",
    [{"path": "b", "type": "alpaca"}], [{}], "out/b",
]  # fmt: skip
CROSS: dict[str, list[Any]] = {
    "adapter": [None, "lora", "qlora"],
    "load_in_4bit": [True, False],
    "load_in_8bit": [True, False],
    "lora_r": [None, 8],
    "lora_alpha": [None, 8],
    "lora_target_modules": [None, ["q_proj"]],
    "lora_target_linear": [None, True],
    "lora_modules_to_save": [["lm_head"]],
    "sample_packing": [True, False],
    "eval_sample_packing": [True, False],
    "attn_implementation": [None, "eager", "flash_attention_2"],
    "val_set_size": [0, 0.1, 100],
    "test_datasets": [[{"path": "b", "type": "chat_template", "split": "train"}]],
    "micro_batch_size": [1, 8],
    "eval_batch_size": [1, 8],
    "gradient_accumulation_steps": [1, 8],
    "max_steps": [-1, 0, 10],
    "num_epochs": [0.1, 3],
    "sequence_len": [64, 8192],
    "chat_template": ["tokenizer_default", "chatml"],
}


@dataclass(frozen=True)
class Case:
    """One config: the keys that were varied, and the whole."""

    keys: tuple[str, ...]
    config: dict[str, Any]
    n_gpu: int = 1


@dataclass(frozen=True)
class Verdict:
    """What both sides say of a case; ``ours`` names the errors."""

    case: Case
    accepts: bool
    why: str
    ours: tuple[str, ...]
    differs: tuple[str, ...]


def cases() -> Iterator[Case]:
    """Files that people wrote, every typed key with odd values, and pairs of keys."""
    for pattern in ("axolotl_configs/*.yaml", "tests/data/guests/*.yaml"):
        for path in sorted(ROOT.glob(pattern)):
            data = parse_document(path.read_bytes(), path.name).data
            yield Case((path.name,), json.loads(json.dumps(data, default=str)), 2)
    for start in (BASE, {**BASE, **LORA}):
        for key, value in itertools.product(TYPED, ODD):
            yield Case((key,), {**start, key: value})
        for key in TYPED:
            yield Case((key,), {k: v for k, v in start.items() if k != key})
    for (a, those), (b, others) in itertools.combinations(CROSS.items(), 2):
        for one, other in itertools.product(those, others):
            for start in (BASE, {**BASE, **LORA}):
                yield Case((a, b), {**start, a: one, b: other})
    quantized = itertools.product([None, "lora", "qlora"], [None, True, False], [None, True, False])
    for adapter, four, eight in quantized:
        three = {"adapter": adapter, "load_in_4bit": four, "load_in_8bit": eight}
        yield Case(tuple(three), {**BASE, **LORA, **three})


def run() -> list[Verdict]:
    """Ask both sides about every case."""
    asked = list(cases())
    quiet = {"AXOLOTL_DO_NOT_TRACK": "1", "DO_NOT_TRACK": "1", "CUDA_VISIBLE_DEVICES": ""}
    lines = "".join(
        json.dumps({"config": c.config, "keys": TYPED, "n_gpu": c.n_gpu}) + "\n" for c in asked
    )
    done = subprocess.run(
        [ROOT / ".venv-train/bin/python", ROOT / "tests/e2e/axolotl_validator.py"],
        input=lines, capture_output=True, text=True, cwd=ROOT,
        env={**os.environ, **quiet, "HF_HUB_OFFLINE": "1", "PYTHONPATH": ""},
    )  # fmt: skip
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if len(answers) != len(asked):
        raise RuntimeError(done.stderr[-2000:])
    return [verdict(case, answer) for case, answer in zip(asked, answers, strict=True)]


def verdict(case: Case, answer: dict[str, Any]) -> Verdict:
    """Both sides on one case."""
    document = Document("c.yaml", case.config, {})
    cfg, problems = read_config(document)
    if cfg:
        problems += check(document, cfg, Facts(cuda=True))
    errors = (p for p in problems if p.severity == "error")
    ours = tuple(sorted({f"{p.rule}:{p.key.split('.')[0]}" for p in errors}))
    differs = ()
    if answer["accepts"] and not ours and cfg:
        differs = tuple(k for k in TYPED if not same(getattr(cfg, k), answer["means"][k], k, cfg))
    return Verdict(case, answer["accepts"], answer.get("why", ""), ours, differs)


def same(ours: Any, theirs: Any, key: str, cfg: Config) -> bool:
    """Whether a key that the file gives came to mean the same."""
    if key not in cfg.model_fields_set or key in ("datasets", "test_datasets"):
        return True
    return bool(json.loads(json.dumps(ours)) == theirs or (not ours and not theirs))


def table(verdicts: list[Verdict]) -> str:
    """Counts per key."""
    columns = ("cases", "both accept", "both refuse", "only seqctx refuses", "only Axolotl refuses")
    counts: dict[str, Counter[str]] = {}
    for v in verdicts:
        kind = {
            (True, False): columns[1], (False, True): columns[2],
            (True, True): columns[3], (False, False): columns[4],
        }[v.accepts, bool(v.ours)]  # fmt: skip
        shown = v.case.keys if len(v.case.keys) > 1 or v.case.keys[0] in TYPED else ("(files)",)
        for key in (*shown, "(all)"):
            counts.setdefault(key, Counter()).update([columns[0], kind])
    rows = [f"{'key':30}" + "".join(f"{c:>22}" for c in columns)]
    rows += [f"{k:30}" + "".join(f"{n[c]:>22}" for c in columns) for k, n in counts.items()]
    return "\n".join(rows)


if __name__ == "__main__":
    found = run()
    print(table(found))
