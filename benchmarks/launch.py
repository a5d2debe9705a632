"""Measures what seqctx adds to Axolotl and vLLM: process time, time to ready, tokens per second.

    .venv/bin/python benchmarks/launch.py                    # the default file, few steps
    .venv/bin/python benchmarks/launch.py --repeats 5 --steps 20 my.yaml

``axolotl train`` and ``seqctx train --no-page`` train the same file alternately. Then vLLM and
``seqctx serve`` serve the result alternately and answer the same request. Needs the three
environments and ``seqctx prepare``. Prints medians; on a busy machine they mean little.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import httpx
import yaml

from seqctx.config.config import load_config
from seqctx.serve import address_of, serve_command, target_config
from seqctx.system.environments import find_tool, tool_environment
from seqctx.system.host import has_gpu
from seqctx.train.launch import train_command

SEQCTX = [sys.executable, "-m", "seqctx"]
TOKENS = 128


def run(command: list[str], env: dict[str, str]) -> float:
    """Whole-process time of a program that must end well [s]."""
    start = time.perf_counter()
    answer = subprocess.run(command, env=env, capture_output=True, text=True)
    if answer.returncode:
        raise SystemExit(f"{' '.join(command)}:\n{answer.stderr[-3000:]}")
    return time.perf_counter() - start


def serve(command: list[str], url: str, model: str, env: dict[str, str]) -> tuple[float, float]:
    """Time until a server answers [s], and the tokens a second of one greedy request."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        with httpx.Client(timeout=600, trust_env=False) as client:
            while True:
                if process.poll() is not None:
                    raise SystemExit(f"{' '.join(command)}: ended with {process.returncode}")
                try:
                    if client.get(f"{url}/health").status_code == 200:
                        break
                except httpx.TransportError:
                    time.sleep(0.05)
            ready = time.perf_counter() - start
            body = {
                "model": model, "prompt": "The weights were kept", "max_tokens": TOKENS,
                "temperature": 0, "ignore_eos": True,
            }  # fmt: skip
            client.post(f"{url}/v1/completions", json=body).raise_for_status()  # warm
            start = time.perf_counter()
            client.post(f"{url}/v1/completions", json=body).raise_for_status()
            return ready, TOKENS / (time.perf_counter() - start)
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(60)


def main() -> None:
    """Train and serve alternately, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("config", nargs="?", default="axolotl_configs/smollm2-135m-qlora-cpu.yaml")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--steps", type=int, default=6)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="seqctx-launch-") as name:
        folder = Path(name)
        data = load_config(options.config).model_dump(mode="json", exclude_unset=True)
        data |= {"max_steps": options.steps, "output_dir": str(folder / "out"),
                 "dataset_prepared_path": str(folder / "tokenized")}  # fmt: skip
        data["vllm"] = {**data.get("vllm", {}), "port": 18765}
        path = folder / f"{Path(options.config).stem}.yaml"
        path.write_text(yaml.safe_dump(data))
        axolotl = find_tool("axolotl")
        plain_env = tool_environment(axolotl, offline=True)
        times: dict[str, list[float]] = {"axolotl train": [], "seqctx train": []}
        for _ in range(options.repeats):
            for folder_made in ("out", "tokenized"):
                shutil.rmtree(folder / folder_made, ignore_errors=True)
            times["axolotl train"].append(run(train_command(axolotl, path), plain_env))
            shutil.rmtree(folder / "out")
            command = [*SEQCTX, "train", str(path), "--no-page"]
            times["seqctx train"].append(run(command, dict(os.environ)))
        start = time.perf_counter()
        run([*SEQCTX, "train", str(path)], dict(os.environ))
        page = time.perf_counter() - start

        cfg = target_config(str(path))
        vllm = serve_command(cfg)
        served: dict[str, list[tuple[float, float]]] = {"vllm": [], "seqctx serve": []}
        for _ in range(options.repeats):
            env = tool_environment(Path(vllm[0]), offline=True)
            model = Path(cfg.output_dir).name if cfg.adapter else cfg.base_model
            served["vllm"].append(serve(vllm, address_of(cfg).url, model, env))
            served["seqctx serve"].append(
                serve([*SEQCTX, "serve", str(path)], address_of(cfg).url, model, dict(os.environ))
            )

    own, ours = (median(times[k]) for k in ("axolotl train", "seqctx train"))
    print(f"{options.config}, {options.steps} steps, GPU: {has_gpu()}, {options.repeats} repeats")
    print(f"axolotl train      {own:7.1f} s  {[round(t, 1) for t in times['axolotl train']]}")
    print(f"seqctx train       {ours:7.1f} s  {[round(t, 1) for t in times['seqctx train']]}")
    print(f"  seqctx adds      {ours - own:+7.1f} s  ({ours / own - 1:+.1%}; 3 % and 2 s would be "
          f"{0.03 * own + 2:.1f})")  # fmt: skip
    print(f"  page afterwards  {page:7.1f} s")
    for name, each in served.items():
        ready, speed = (median(values) for values in zip(*each, strict=True))
        print(f"{name:<18} {ready:7.1f} s to ready, {speed:6.1f} tokens/s  "
              f"{[(round(r, 1), round(s, 1)) for r, s in each]}")  # fmt: skip


if __name__ == "__main__":
    main()
