"""Times `seqctx check FILE` and Axolotl's own validation of the same file, each in a new process.

    .venv/bin/python benchmarks/check.py --runs 5

Runs alternate; medians and their ratios are printed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
AXOLOTL = """
import sys, yaml
from axolotl.utils.config import validate_config
from axolotl.utils.dict import DictDefault
validate_config(
    DictDefault(yaml.safe_load(open(sys.argv[1]))),
    capabilities={"bf16": True, "fp8": False, "tf32": True, "n_gpu": 1,
                  "compute_capability": "sm_90"},
    env_capabilities={"torch_version": "2.13.0"},
)
"""
HEAVY = "[m for m in ('torch', 'transformers', 'axolotl', 'vllm') if m in sys.modules]"


def seconds(command: list[str]) -> float:
    """Wall-clock time of one process [s]."""
    quiet = {"AXOLOTL_DO_NOT_TRACK": "1", "DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1"}
    start = time.perf_counter()
    subprocess.run(
        command,
        cwd=ROOT,
        check=True,
        capture_output=True,
        env={**os.environ, **quiet, "CUDA_VISIBLE_DEVICES": ""},
    )
    return time.perf_counter() - start


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5, help="how often to run each command")
    default = "axolotl_configs/llama-3.1-8b-qlora-32gb.yaml"
    parser.add_argument("--file", default=default, help="the YAML that both check")
    given = parser.parse_args()
    python = str(ROOT / ".venv-train" / "bin" / "python")
    commands = {
        "Axolotl's validation": [python, "-c", AXOLOTL, given.file],
        "seqctx check": [str(ROOT / ".venv" / "bin" / "seqctx"), "check", given.file],
        "python -c 'import seqctx'": [sys.executable, "-c", "import seqctx"],
        "python -c 'import seqctx.cli.main'": [sys.executable, "-c", "import seqctx.cli.main"],
        "python -c pass": [sys.executable, "-c", "pass"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(given.runs):
        for name, command in commands.items():
            times[name].append(seconds(command))
    median = {name: statistics.median(found) for name, found in times.items()}
    ours = median["seqctx check"]
    print(f"{given.file}, medians of {given.runs} alternating runs")
    for name, value in median.items():
        print(f"{name:32}{value:8.3f} s{value / ours:8.2f} x seqctx check")
    code = f"import sys, seqctx.cli.main; print({HEAVY})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    print(f"of torch, transformers, axolotl, vllm, importing seqctx loads: {loaded.stdout.strip()}")


if __name__ == "__main__":
    main()
