"""Compares planned with measured training memory, run by run.

    .venv/bin/python benchmarks/memory.py
    .venv/bin/python benchmarks/memory.py --all      # also the runs that are not scored
    .venv/bin/python benchmarks/memory.py --peers FOLDER    # see benchmarks/peers.py

Others measured the runs; tests/data/train.csv lists them with their sources. The score counts
dense text models whose settings are known completely. One constant, reserved over allocated
memory, is fitted to all runs together; the last table shows the error of each source's runs when
that constant is fitted to the runs of the other sources only.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from seqctx.catalog.lookup import find_model
from seqctx.catalog.models import Model
from seqctx.config.config import load_config
from seqctx.errors import InputError
from seqctx.plan.kv_cache import largest
from seqctx.plan.memory import GIB
from seqctx.plan.serving import plan_serving
from seqctx.plan.throughput import TrainingData, examples_factor, plan_time
from seqctx.plan.training import CONTEXT, between_steps, plan_training, plan_training_memory
from seqctx.plan.training_settings import TrainingSettings

ROWS = Path(__file__).parents[1] / "tests" / "data" / "train.csv"
SAME_SHAPE = {  # a run's model: one of the table that has its model
    "swiss-ai/Apertus-8B-Instruct-2509": "swiss-ai/Apertus-8B-2509",
    "mistralai/Magistral-Small-2507 (24B)": "mistralai/Mistral-Small-24B-2501",
    "mistralai/Devstral-Small-2507 (24B)": "mistralai/Mistral-Small-24B-2501",
    "katanemo/Plano-Orchestrator-4B (Qwen3-4B)": "Qwen/Qwen3-4B",
    "XiaomiMiMo/MiMo-7B-RL": "XiaomiMiMo/MiMo-7B",
    "mistralai/Ministral-3-3B-Reasoning-2512": "mistralai/Ministral-3-3B-2512",
}
EXPLAINED = {
    "3": "not explained; the model's model is from memory",
    "9": "the least of the 8 runs of its source; 0.4 GiB, such as the position tables and masks",
    "36": "the only run without checkpoints in a model prepared by PEFT, in 4 bytes throughout",
    "145": "not explained whole; its transformers, of early 2024, copied logits more often",
}
TARGETS = {
    "linear": ("q_proj", "k_proj", "v_proj", "o_proj"),
    "all-linear": ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"),
    "attention": ("q_proj", "k_proj", "v_proj", "o_proj"),
    "q,v": ("q_proj", "v_proj"),
    "mlp": ("gate_proj", "up_proj", "down_proj"),
    "all-linear (k,q,v,up,down,gate)": (
        "q_proj", "k_proj", "v_proj", "gate_proj", "up_proj", "down_proj",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One run and what is planned for it [B]."""

    id: str
    model: str
    source: str
    score: str
    measured: float
    planned: float

    @property
    def error(self) -> float:
        """Planned over measured, less 1."""
        return self.planned / self.measured - 1


def read_rows(score: str) -> list[dict[str, str]]:
    """The runs of one score."""
    with ROWS.open(encoding="utf-8", newline="") as f:
        return [row for row in csv.DictReader(f) if row["score"] == score]


def model_of(row: dict[str, str]) -> Model:
    """A run's model.

    Raises:
        InputError: where its shape is not known.
    """
    model = find_model(SAME_SHAPE.get(row["model"], row["model"]))
    if model is None:
        raise InputError(f"{row['model']}: its shape is not known.")
    return model


def settings_of_row(row: dict[str, str]) -> TrainingSettings:
    """The settings of a run: what it reports, and what its framework is known to do.

    Plain PEFT's preparation of a quantized model makes embeddings, and with them the residual
    stream, 4 bytes wide; Axolotl and others keep 2.
    """
    full = row["method"] == "full"
    quantized = {"qlora": "nf4-dq" if "dq" in row["quant"] else "nf4"}
    prepared = row["framework"].startswith("trl/peft") and row["method"] == "qlora"
    optimizer = {"AdamW": "adamw_torch"}.get(row["optimizer"], row["optimizer"])
    loss = "cut" if row["loss_kernel"].startswith(("cce", "CCE")) else "stock"
    return TrainingSettings(
        sequence_len=int(row["seq_len"]),
        micro_batch=int(row["tokens_per_step"]) // int(row["seq_len"]),
        weights=quantized.get(row["method"], "16 bit"),  # type: ignore[arg-type]
        embedding_bytes=4 if prepared else 2,
        rank=None if full else int(row["lora_rank"]),
        targets=TARGETS.get(row["lora_targets"], ()),
        dora=row["method"] == "dora",
        optimizer=optimizer,
        checkpointing={"on": "on", "OFF": "off", "off": "off"}.get(row["grad_ckpt"], "offloaded"),  # type: ignore[arg-type]
        attention="flash" if row["attention"].startswith("fa") else "sdpa",
        loss=loss,  # type: ignore[arg-type]
        accumulates=row["framework"] == "axolotl",
        copies_logits=row["framework"] == "axolotl",
    )


def measured_bytes(row: dict[str, str]) -> float:
    """What a run measured [B]."""
    return float(row["measured"]) * (1e9 if row["unit"] == "GB" else GIB)


def planned_bytes(row: dict[str, str], reserved: float | None = None) -> float:
    """The plan's figure for what the run measured: allocated, reserved, or between two steps [B].

    Args:
        row: the run.
        reserved: reserved over allocated; the plan's own where None.
    """
    settings, model = settings_of_row(row), model_of(row)
    if "steady state" in row["notes"]:
        return between_steps(settings, model)
    plan = plan_training_memory(settings, model)
    if "reserved" in row["metric"].split("(")[0]:
        return plan.allocated * reserved if reserved else plan.reserved
    return plan.allocated


def planned(score: str) -> Iterator[Row]:
    """Every run of a score that can be planned."""
    for row in read_rows(score):
        yield Row(row["id"], row["model"], row["source"], score, measured_bytes(row),
                  planned_bytes(row))  # fmt: skip


def left_out(rows: list[Row]) -> dict[str, float]:
    """Mean absolute error of each source, with reserved over allocated fitted to the others."""
    found = {}
    raw = {row["id"]: row for row in read_rows("peak")}
    for source in sorted({row.source for row in rows}):
        ratios = [
            measured_bytes(raw[r.id]) / planned_bytes(raw[r.id], 1.0)
            for r in rows
            if r.source != source and "reserved" in raw[r.id]["metric"].split("(")[0]
        ]
        factor = statistics.median(ratios) if ratios else None
        errors = [
            abs(planned_bytes(raw[r.id], factor) / r.measured - 1)
            for r in rows
            if r.source == source
        ]
        found[source] = statistics.mean(errors)
    return found


def compare_with_peers(tools: Path, rows: list[Row]) -> None:
    """The error of each planner on the runs that it can describe, and ours on the same runs."""
    from peers import ask

    raw = {row["id"]: row for row in read_rows("peak")}
    found: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        if "steady state" in raw[row.id]["notes"]:
            continue  # they plan peaks
        answers = ask(tools, settings_of_row(raw[row.id]), model_of(raw[row.id]))
        for name, value in answers.items():
            if value is not None:
                error = abs(value / row.measured - 1)
                found.setdefault(name, []).append((error, abs(row.error)))
    print(f"{'':14}{'runs':>6}{'mean abs error':>16}{'median':>9}{'worst':>9}   seqctx on the same")
    for name, errors in found.items():
        theirs, ours = [a for a, _ in errors], [b for _, b in errors]
        middle, worst = statistics.median(theirs), max(theirs)
        print(f"{name:14}{len(errors):6}{statistics.mean(theirs):16.1%}{middle:9.1%}{worst:9.1%}"
              f"{statistics.mean(ours):11.1%}")  # fmt: skip


def inverse() -> None:
    """The longest sequence that others found to fit on a GPU, and ours."""
    print("longest sequence on a GPU, others' and ours (allocated memory and the CUDA context; "
          "embeddings in 4 bytes, as PEFT prepares them):")  # fmt: skip
    for row in read_rows("inverse"):
        model = find_model(f"meta-llama/{row['model'].removesuffix('-Instruct')}")
        if row["framework"] != "HF+FA2" or model is None:
            continue  # unsloth has kernels of its own, which hold fewer activations
        settings = replace(settings_of_row(row), embedding_bytes=4)
        room = measured_bytes(row)
        found = largest(
            lambda n, s=settings, m=model, r=room: plan_training_memory(
                replace(s, sequence_len=n), m
            ).allocated + CONTEXT <= r, 10**6,
        )  # fmt: skip
        theirs = int(row["seq_len"])
        print(f"{row['id']:>4}  {row['gpu']:12}{row['model']:24}{theirs:8,}{found:8,}"
              f"{found / theirs - 1:8.1%}")  # fmt: skip


def mission() -> None:
    """Numbers that others report for the typical run, and what the plan says about each."""
    cfg = load_config(ROWS.parents[2] / "axolotl_configs" / "llama-3.1-8b-qlora-32gb.yaml")
    print("reported: 17 GB at 2,048 and 28 GB at 4,096; planned:")
    for length in (2048, 4096):
        for rows in (1, 2):
            one = cfg.replace(sequence_len=length, micro_batch_size=rows)
            fused = one.replace(
                plugins=["axolotl.integrations.liger.LigerPlugin"],
                liger_fused_linear_cross_entropy=True,
            )
            stock, liger = (plan_training(c).allocated / 1e9 for c in (one, fused))
            print(f"  {length:,}, micro_batch_size {rows}: {stock:.1f} GB, {liger:.1f} with a "
                  "fused loss")  # fmt: skip
    served = plan_serving(cfg)
    print(f"reported: 24 GB at 64k; planned: {served.memory.allocated / GIB:.1f} GiB with one "
          f"request; {served.max_concurrency:.2f} requests of nine fit")  # fmt: skip
    wide = plan_serving(cfg.replace(vllm__max_model_len=131072))
    print(f"reported: served at 128k; planned: {'fits' if wide.fits else 'does not fit'}; the "
          f"longest context window is {wide.longest_window:,}")  # fmt: skip
    model = find_model("meta-llama/Llama-3.1-8B")
    if model:
        for name in ("all-linear", "attention", "q,v"):
            share = model.adapter_parameters(64, TARGETS[name]) / model.parameters
            print(f"reported: rank 64 trains 0.5 %; counted: {share:.2%} on {name}")
    run = TrainingData(examples=51, tokens=51 * 2048, rows=51, steps_per_epoch=13, row_tokens=2048)
    low, high = plan_time(cfg.replace(num_epochs=5), run).seconds
    print(f"reported: 5 minutes for 51 examples; planned: {low / 60:.1f} to {high / 60:.1f} for "
          "five epochs of full rows; that run set the lower bound")  # fmt: skip
    double = TrainingData(
        examples=26, tokens=51 * 2048, rows=26, steps_per_epoch=7, row_tokens=4096
    )
    longer = plan_time(cfg.replace(num_epochs=5, sequence_len=4096), double).seconds[0]
    print(f"reported: 4,096 is 2 to 4 times slower; planned: {longer / low:.2f} times")
    print(f"reported: overlap 50 % doubles the examples; planned: {examples_factor(0.5):.2f} times")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--all", action="store_true", help="also show runs that do not count for the score"
    )
    parser.add_argument(
        "--peers", type=Path, help="the folder with the programs fitcheck, canifinetune and ftune"
    )
    given = parser.parse_args()
    rows = list(planned("peak"))
    print(f"{'run':>4}  {'model':42}{'measured':>10}{'planned':>10}{'error':>8}   [GiB]")
    for row in rows:
        why = f"   {EXPLAINED[row.id]}" if row.id in EXPLAINED else ""
        print(f"{row.id:>4}  {row.model:42}{row.measured / GIB:10.2f}{row.planned / GIB:10.2f}"
              f"{row.error:8.1%}{why}")  # fmt: skip
    errors = sorted(abs(row.error) for row in rows)
    print(f"{len(rows)} runs: mean absolute error {statistics.mean(errors):.1%}, "
          f"median {statistics.median(errors):.1%}, worst {errors[-1]:.1%}, "
          f"over 10 %: {sum(e > 0.1 for e in errors)}")  # fmt: skip
    print("error of each source's runs, with reserved over allocated fitted to the other sources:")
    for source, error in left_out(rows).items():
        print(f"  {error:6.1%}  {source[:90]}")
    if given.peers:
        compare_with_peers(given.peers, rows)
    mission()
    if given.all:
        inverse()
        for row_ in read_rows("special"):
            try:
                print(f"{row_['id']:>4}  {row_['model']:42}{measured_bytes(row_) / GIB:10.2f}"
                      f"{planned_bytes(row_) / GIB:10.2f}")  # fmt: skip
            except InputError as error:
                print(f"{row_['id']:>4}  refused: {error}")
    settings, model = settings_of_row(read_rows("peak")[0]), model_of(read_rows("peak")[0])
    start = time.perf_counter()
    for _ in range(1000):
        plan_training_memory(settings, model)
    print(f"a plan takes {time.perf_counter() - start:.2f} ms")


if __name__ == "__main__":
    main()
