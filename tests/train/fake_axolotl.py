"""A program that behaves as Axolotl does, without a model: it prints, saves and stops likewise.

``fake_axolotl.py train FILE ...`` writes checkpoints and an adapter; ``merge-lora FILE`` writes a
model. Started as ``python3 -m seqctx.train.inside.evaluate JOB RESULT`` it makes up losses and
texts. The variable FAKE_AXOLOTL holds JSON that says what goes wrong:

``eval``         held-out loss by step; evaluation happens at these steps
``loss``         training loss by step; 3.0 where a step has none
``fail_at``      the step at which it ends with an error
``seconds``      how long one step takes
``hang_at``      the step at which it hangs, with a child, and ignores SIGINT and SIGTERM
``weights``      false: it leaves no weights
``says``         printed first; what it ends with and what its models write say the same
``evaluate``     false: evaluating fails; "nothing": nothing was held out
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import yaml

ADAPTER = "base_model.model.model.layers.0.mlp.up_proj.lora_B.weight"


def tensors(path: Path, name: str, number: float) -> None:
    """A safetensors file that holds one tensor of four numbers."""
    header = {name: {"dtype": "F32", "shape": [4, 1], "data_offsets": [0, 16]}}
    raw = json.dumps(header).encode()
    path.write_bytes(len(raw).to_bytes(8, "little") + raw + f"{number:16.6f}".encode())


def save(output: Path, step: int, history: list[dict[str, Any]]) -> None:
    """A checkpoint as the trainer writes it: its state last."""
    print("Saving model checkpoint to there", flush=True)
    folder = output / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    tensors(folder / "adapter_model.safetensors", ADAPTER, step)
    (folder / "adapter_config.json").write_text('{"r": 8}')
    for name in ("optimizer.pt", "rng_state.pth"):
        with zipfile.ZipFile(folder / name, "w") as f:
            f.writestr("data", "0")
    state = {"global_step": step, "log_history": history}
    (folder / "trainer_state.json").write_text(json.dumps(state))


def train(cfg: dict[str, Any], orders: dict[str, Any]) -> None:
    """Train: one line of metrics a step."""
    output, last = Path(cfg["output_dir"]), int(cfg["max_steps"])
    output.mkdir(parents=True, exist_ok=True)
    print(orders.get("says", ""), flush=True)
    print(f"Maximum number of steps set at {last}\nStarting trainer...", flush=True)
    first, history = 0, []
    if start := cfg.get("resume_from_checkpoint"):
        state = json.loads((Path(start) / "trainer_state.json").read_text())
        first, history = state["global_step"], state["log_history"]
    trigger = output / cfg["dynamic_checkpoint"]["trigger_file_path"]
    for step in range(first + 1, last + 1):
        time.sleep(orders.get("seconds", 0))
        if orders.get("hang_at") == step:
            hang()
        if orders.get("fail_at") == step:
            raise SystemExit(f"ValueError: the stand-in was told to fail {orders.get('says', '')}")
        losses = {"loss": orders.get("loss", {}).get(str(step), 3.0)}
        if str(step) in orders.get("eval", {}):
            losses["eval_loss"] = orders["eval"][str(step)]
        for kind, value in losses.items():
            metrics = {kind: float(value), "epoch": step / last}
            history.append({**metrics, "step": step})
            print({key: str(value) for key, value in metrics.items()}, flush=True)
        if step % int(cfg["save_steps"]) == 0 or trigger.exists():
            trigger.unlink(missing_ok=True)
            save(output, step, history)
    if orders.get("weights", True):
        tensors(output / "adapter_model.safetensors", ADAPTER, last)
        (output / "adapter_config.json").write_text('{"r": 8}')


def hang() -> None:
    """Do nothing more, with a child that does not either."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    time.sleep(600)


def merge(cfg: dict[str, Any], orders: dict[str, Any]) -> None:
    """Merge: a folder ``merged`` below output_dir."""
    if orders.get("weights", True):
        folder = Path(cfg["output_dir"]) / "merged"
        folder.mkdir(parents=True, exist_ok=True)
        tensors(folder / "model.safetensors", "model.embed_tokens.weight", 1)


def evaluate(job: dict[str, Any], result: Path, orders: dict[str, Any]) -> None:
    """Evaluate: each variant's loss is half a nat below that of the one before it."""
    if orders.get("evaluate") is False:
        raise SystemExit("ValueError: the stand-in was told not to evaluate")
    if orders.get("evaluate") == "nothing":
        result.write_text(json.dumps({"variants": []}))
        return
    says = orders.get("says", "")
    print(f"{job['step']}loading the stand-in {says}", flush=True)
    variants = [
        {"name": each["name"], "losses": [4.0 - k / 2, None],
         "texts": [f"The lamps were lit one by one at last.{says}"] if each["writes"] else []}
        for k, each in enumerate(job["variants"])
    ]  # fmt: skip
    text = "Nobody asked why the lamps were lit one by one."
    result.with_name("train.jsonl").write_text(json.dumps(text) + "\n")
    asked = {
        "asked": ["It grew dark."], "prompts": [f"It grew dark.{says}"],
        "author": [f"And cold.{says}"],
    }  # fmt: skip
    result.write_text(json.dumps({"variants": variants, **asked}))


def main() -> None:
    """Do what the command line says."""
    orders = json.loads(os.environ.get("FAKE_AXOLOTL", "{}"))
    if "seqctx.train.inside.evaluate" in sys.argv:
        job, result = map(Path, sys.argv[-2:])
        evaluate(json.loads(job.read_text()), result, orders)
        return
    cfg = yaml.safe_load(Path(sys.argv[2]).read_text())
    {"train": train, "merge-lora": merge}[sys.argv[1]](cfg, orders)


if __name__ == "__main__":
    main()
