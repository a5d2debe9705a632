"""In-environment script: does one example see another in Axolotl's own batch?

    python -m seqctx.proofs.inside.isolation JOB.json RESULT.json

The job is made by `seqctx.proofs.isolation`. Loader, packing, collator and loss are Axolotl's; the
model gets the batch of the trainer's own data loader, and only the token or the labels of a
measurement are changed.
"""  # noqa: D415

from __future__ import annotations

import json
import random
import sys
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
import yaml

PAD, END = 0, 1  # of the tokenizer made here


@dataclass(frozen=True)
class Place:
    """Where an example is in a batch: row, first token, the token after its last."""

    row: int
    start: int
    stop: int

    @property
    def slice(self) -> tuple[int, slice]:
        """As an index into (rows, tokens, ...)."""
        return self.row, slice(self.start, self.stop)


def make_model(config: dict[str, Any], folder: Path, seed: int) -> None:
    """Make a checkpoint of the class that a config names, with random weights and a tokenizer."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

    torch.manual_seed(seed)
    model_type = config["model_type"]
    rest = {k: v for k, v in config.items() if k != "model_type"}
    auto: Any = AutoModelForCausalLM
    model = auto.from_config(AutoConfig.for_model(model_type, **rest), dtype=torch.float32)
    model.save_pretrained(folder)
    words = {"<pad>": PAD, "</s>": END, **{f"w{i}": i for i in range(2, config["vocab_size"])}}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="w2"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer_class: Any = PreTrainedTokenizerFast
    tokenizer_class(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>"
    ).save_pretrained(folder)


def make_rows(count: int, sequence_len: int, vocab: int, seed: int) -> list[list[int]]:
    """Token ids of examples of several lengths; the first id of each is in no other example."""
    draw = random.Random(seed)
    first = 8  # ids below are special in many vocabularies
    shortest, longest = max(4, sequence_len // 10), max(5, sequence_len // 3)
    return [
        [first + i, *draw.choices(range(first + count, vocab), k=draw.randint(shortest, longest))]
        for i in range(count)
    ]


def write_rows(rows: list[list[int]], path: Path) -> None:
    """Write them as ready tokens, for a dataset without a type."""
    with path.open("w", encoding="utf-8") as f:
        for row in rows:
            data = {"input_ids": row, "labels": row, "attention_mask": [1] * len(row)}
            f.write(json.dumps(data) + "\n")


def find_places(input_ids: Any, rows: list[list[int]]) -> list[Place]:
    """Where the examples are in a batch, by their first ids; in order."""
    by_first = {row[0]: row for row in rows}
    places = []
    for number, line in enumerate(input_ids.tolist()):
        for start, token in enumerate(line):
            row = by_first.get(token)
            if row and line[start : start + len(row)] == row:
                places.append(Place(number, start, start + len(row)))
    return places


class Proof:
    """One batch of a trainer, and what changes in it when one token or label is changed."""

    def __init__(self, trainer: Any, batch: dict[str, Any], rows: list[list[int]]) -> None:
        """Find the examples in the batch."""
        self.trainer, self.model = trainer, trainer.model
        self.batch = trainer._prepare_inputs(batch)
        self.rows = rows
        self.places = find_places(self.batch["input_ids"], rows)
        self.model.requires_grad_(False)  # only gradients with respect to the embeddings are needed

    def logits(self, batch: dict[str, Any]) -> Any:
        """The logits of every position (rows, tokens, vocabulary)."""
        self.model.eval()
        with torch.no_grad(), self.trainer.compute_loss_context_manager():
            _, out = self.trainer.compute_loss(self.model, dict(batch), return_outputs=True)
        if out.logits is None:
            raise ValueError("the model returned no logits: turn the fused loss off with --set")
        return out.logits.float()

    def change_elsewhere(self, place: Place, before: Any) -> float:
        """The largest change of the others' logits when a token of one is replaced."""
        ids = self.batch["input_ids"].clone()
        at = (place.start + place.stop) // 2
        other = next(r for r in self.rows if r[-1] != int(ids[place.row, at]))[-1]
        ids[place.row, at] = other
        change = (self.logits({**self.batch, "input_ids": ids}) - before).abs()
        if not change[place.slice].max() > 0:
            raise ValueError("a replaced token changed nothing in its own example")
        return self.largest_elsewhere(place, change)

    def largest_elsewhere(self, place: Place, values: Any) -> float:
        """The largest of some values (rows, tokens, ...) in all examples but one."""
        return max(float(values[p.slice].max()) for p in self.places if p != place)

    def against_alone(self, place: Place, packed: Any) -> float:
        """The largest difference of its logits between this batch and a batch of its own."""
        row = self.rows[self.first_ids.index(self.token(place))]
        feature = {"input_ids": row, "labels": row, "attention_mask": [1] * len(row)}
        if "position_ids" in self.batch:
            feature["position_ids"] = list(range(len(row)))
        packs = self.trainer.args.sample_packing  # its collator takes a list for each row
        alone = self.trainer.data_collator([[feature]] if packs else [feature])
        logits = self.logits(self.trainer._prepare_inputs(alone))
        (where,) = find_places(alone["input_ids"], [row])
        return float((packed[place.slice] - logits[where.slice]).abs().max())

    @property
    def first_ids(self) -> list[int]:
        """The first token id of each example."""
        return [row[0] for row in self.rows]

    def token(self, place: Place) -> int:
        """The first id of the example at a place."""
        return int(self.batch["input_ids"][place.row, place.start])

    def gradient_at_border(self) -> float:
        """`gradient_elsewhere` of one first label, where an example follows another in its row."""
        second = next((b for a, b in pairwise(self.places) if a.row == b.row), None)
        return self.gradient_elsewhere(second, border=True) if second else 0.0

    def gradient_elsewhere(self, place: Place, *, border: bool = False) -> float:
        """The largest gradient of an example's loss with respect to the others' embeddings.

        Args:
            place: the example whose labels count.
            border: use only the label of its first token; otherwise all labels but that one.
        """
        labels = torch.full_like(self.batch["labels"], -100)
        first = slice(place.start, place.start + 1)
        rest = slice(place.start + 1, place.stop)
        counted = place.row, first if border else rest
        labels[counted] = self.batch["labels"][counted]
        saved: list[Any] = []

        def keep(module: Any, inputs: Any, output: Any) -> None:
            output.requires_grad_(True)
            output.retain_grad()
            saved.append(output)

        self.model.train()
        self.model.zero_grad()
        hook = self.model.get_input_embeddings().register_forward_hook(keep)
        try:
            with self.trainer.compute_loss_context_manager():
                loss = self.trainer.compute_loss(self.model, {**self.batch, "labels": labels})
            loss.backward()
        finally:
            hook.remove()
        gradient = saved[0].grad.abs()
        if not border and not gradient[place.slice].max() > 0:
            raise ValueError("a loss gave no gradient to its own example")
        return self.largest_elsewhere(place, gradient)


def load(job: dict[str, Any], folder: Path) -> tuple[Any, list[list[int]]]:
    """Axolotl's own trainer over a small dataset, and the examples in it."""
    mapping, seed = job["axolotl"], job["seed"]
    if job["tiny_config"]:
        make_model(job["tiny_config"], Path(mapping["base_model"]), seed)
    count = 24 * mapping["micro_batch_size"]  # enough for several batches
    rows = make_rows(count, mapping["sequence_len"], job["vocab"], seed)
    write_rows(rows, Path(mapping["datasets"][0]["path"]))
    path = folder / "proof.yaml"
    path.write_text(yaml.safe_dump(mapping, sort_keys=False), "utf-8")

    from axolotl.cli.config import load_cfg
    from axolotl.common.datasets import load_datasets
    from axolotl.integrations.base import PluginManager
    from axolotl.train import setup_model_and_trainer
    from transformers import set_seed

    cfg = load_cfg(str(path))
    for plugin in mapping.get("plugins") or ():
        if (
            plugin not in PluginManager.get_instance().plugins
        ):  # Axolotl only logs that, and continues
            raise ImportError(f"plugins: {plugin} cannot be loaded.")
    trainer, *_ = setup_model_and_trainer(cfg, load_datasets(cfg=cfg))
    set_seed(seed)  # so that the same rows are packed together every time
    return trainer, rows


def shared_batch(trainer: Any, rows: list[list[int]]) -> Proof:
    """The first batch with two examples in it."""
    for batch in trainer.get_train_dataloader():
        proof = Proof(trainer, batch, rows)
        if len(proof.places) > 1:
            return proof
    raise ValueError("no batch holds two examples: set micro_batch_size: 2")


def precision(trainer: Any) -> str:
    """The dtype of the computation: that of the weights, or the narrower one of autocast."""
    if trainer.args.bf16 or trainer.args.fp16:
        return "bfloat16" if trainer.args.bf16 else "float16"
    return str(trainer.model.dtype).removeprefix("torch.")


def measure(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The result, for `seqctx.proofs.isolation`."""
    trainer, rows = load(job, folder)
    proof = shared_batch(trainer, rows)
    before = proof.logits(proof.batch)
    examples = [
        {
            **asdict(place),
            "change_elsewhere": proof.change_elsewhere(place, before),
            "against_alone": proof.against_alone(place, before),
            "gradient_elsewhere": proof.gradient_elsewhere(place),
        }
        for place in proof.places
    ]
    config = trainer.model.config
    return {
        "model_class": type(trainer.model).__name__,
        "attention": config._attn_implementation,
        "collator": type(trainer.data_collator).__name__,
        "batch": {k: list(v.shape) for k, v in proof.batch.items() if hasattr(v, "shape")},
        "dtype": precision(trainer),
        "device": trainer.model.device.type,
        "largest_logit": float(before.abs().max()),
        "gradient_at_border": proof.gradient_at_border(),
        "examples": examples,
    }


def main() -> None:
    """Read the job, write the result."""
    job_path, result_path = map(Path, sys.argv[1:])
    job = json.loads(job_path.read_text("utf-8"))
    if job["tiny_config"]:
        torch.set_num_threads(1)  # with so small a model, threads only wait for each other
    result = measure(job, job_path.parent)
    result_path.write_text(json.dumps(result), "utf-8")


if __name__ == "__main__":
    main()
