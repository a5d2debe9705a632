"""In-environment script: held-out losses and continuations, through Axolotl's own loaders.

    python -m seqctx.train.inside.evaluate JOB.json RESULT.json

JOB has ``yaml`` (the Axolotl file), ``variants`` (see `Variant`), ``rows`` (the most held-out
examples to use), ``continuations``, ``new_tokens`` and ``step`` (how a line of progress begins).
RESULT gets the losses of each variant and the continuations of those that have ``writes``;
``train.jsonl`` beside it gets the training text.
"""

from __future__ import annotations

import gc
import json
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from axolotl.cli.config import load_cfg
from axolotl.common.datasets import load_datasets
from axolotl.loaders import ModelLoader, load_tokenizer

_SEED = 7


def main(job: dict[str, Any], result_path: Path) -> None:
    """Do a job and write its result."""
    cfg = load_cfg(job["yaml"])
    data = load_datasets(cfg=cfg)
    tokenizer = load_tokenizer(cfg)
    if data.eval_dataset is None or not len(data.eval_dataset):
        result_path.write_text(json.dumps({"variants": []}))
        return
    rows = _spread(data.eval_dataset, job["rows"])
    passages = [_split_row(row) for row in _to_continue(rows, job["continuations"])]
    variants = []
    for variant in job["variants"]:
        print(f"{job['step']}loading {variant['name']}", flush=True)
        model = _load(job["yaml"], variant, tokenizer)
        print(f"{job['step']}evaluating {variant['name']}", flush=True)
        losses = [_row_loss(model, row) for row in rows]
        texts = []
        if variant.get("writes"):
            print(f"{job['step']}writing with {variant['name']}", flush=True)
            texts = [_write(model, tokenizer, ids, job["new_tokens"]) for ids, _ in passages]
        variants.append({"name": variant["name"], "losses": losses, "texts": texts})
        del model
        gc.collect()
    train = result_path.with_name("train.jsonl")
    with train.open("w", encoding="utf-8") as f:
        for row in data.train_dataset:
            f.write(json.dumps(tokenizer.decode(_answer(row))) + "\n")
    result = {
        "variants": variants,
        "prompts": [tokenizer.decode(ids, skip_special_tokens=True) for ids, _ in passages],
        "author": [tokenizer.decode(ids, skip_special_tokens=True) for _, ids in passages],
    }
    result_path.write_text(json.dumps(result))


def _load(yaml: str, variant: dict[str, Any], tokenizer: Any) -> Any:
    """A model as Axolotl loads it, ready to be evaluated.

    Args:
        yaml: the file that was trained.
        variant: ``adapter``, its folder; or ``model``, a folder of whole weights; or neither, for
            the file's base model. ``quantized``: the base model is quantized as in training.
        tokenizer: of the file.
    """
    changes: dict[str, Any] = {"sample_packing": False, "eval_sample_packing": False}
    adapter, model = variant.get("adapter"), variant.get("model")
    if model or not variant["quantized"]:
        changes |= {"load_in_4bit": False, "load_in_8bit": False}
        changes |= {"adapter": "lora"} if adapter else {"adapter": None}
    if model:
        changes |= {"base_model": model}
    if adapter:
        changes |= {"lora_model_dir": adapter}
    loaded, _ = ModelLoader(load_cfg(yaml, **changes), tokenizer).load()
    if not adapter and hasattr(loaded, "disable_adapter_layers"):
        loaded.disable_adapter_layers()  # Axolotl loads 4-bit weights only with an adapter
    loaded.eval()
    loaded.config.use_cache = True
    return loaded


def _spread(dataset: Any, most: int) -> list[dict[str, Any]]:
    """Rows spread evenly over a dataset."""
    count = min(most, len(dataset))
    return [dataset[k * len(dataset) // count] for k in range(count)]


def _to_continue(rows: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """Rows that have both a prompt and text of the author's."""
    fit = [row for row in rows if _answer(row) and len(_split_row(row)[0]) > 1]
    count = min(most, len(fit))
    return [fit[k * len(fit) // count] for k in range(count)]


def _split_row(row: dict[str, Any]) -> tuple[list[int], list[int]]:
    """The tokens before the first trained token, and the trained tokens."""
    first = next((k for k, label in enumerate(row["labels"]) if label != -100), 0)
    return row["input_ids"][:first], _answer(row)


def _answer(row: dict[str, Any]) -> list[int]:
    """The trained tokens of a row."""
    return [
        token for token, label in zip(row["input_ids"], row["labels"], strict=True) if label != -100
    ]


def _row_loss(model: Any, row: dict[str, Any]) -> float | None:
    """Mean loss over the trained tokens of one row; None where it has none."""
    device = next(model.parameters()).device
    ids = torch.tensor([row["input_ids"]], device=device)
    labels = torch.tensor(row["labels"][1:], device=device)
    if not (labels != -100).any():
        return None
    with torch.no_grad(), _precision(model):
        logits = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0, :-1]
    return float(torch.nn.functional.cross_entropy(logits.float(), labels).item())


def _write(model: Any, tokenizer: Any, ids: list[int], new_tokens: int) -> str:
    """A continuation, sampled at temperature 0.7 with a fixed seed."""
    torch.manual_seed(_SEED)
    device = next(model.parameters()).device
    prompt = torch.tensor([ids], device=device)
    with torch.no_grad(), _precision(model):
        out = model.generate(
            input_ids=prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=new_tokens,
            do_sample=True, temperature=0.7, top_p=0.95, pad_token_id=tokenizer.pad_token_id,
        )  # fmt: skip
    return str(tokenizer.decode(out[0, len(ids) :], skip_special_tokens=True))


def _precision(model: Any) -> Any:
    """The precision of the forward pass: autocast on a GPU as in training, none on a CPU."""
    device = next(model.parameters()).device.type
    if device == "cpu":
        return nullcontext()
    return torch.autocast(device, dtype=model.config.dtype or torch.bfloat16)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text("utf-8")), Path(sys.argv[2]))
