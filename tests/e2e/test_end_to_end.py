"""prepare, train and serve with real Axolotl and real vLLM, on a short text."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

from seqctx.artifacts.manifest import Manifest
from seqctx.artifacts.run_record import TrainingRun
from tests.conftest import ROOT, rows_of, seqctx_process
from tests.e2e.conftest import (
    SIZES,
    alive,
    free_port,
    interruptible,
    marked,
    processes,
    served,
    unique,
)
from tests.e2e.test_model import MODEL, PYTHON


def test_training_lowers_the_held_out_loss_and_leaves_a_record(trained: Path) -> None:
    output = trained / "outputs" / "short"
    run = TrainingRun.read(output / "run" / "run.json")
    assert run is not None
    manifest = Manifest.read(trained / "prepare" / "out" / "short" / "manifest.json")
    assert manifest is not None
    assert run.steps == manifest.train.examples
    assert [p.step for p in run.points if p.loss is not None] == list(range(1, run.steps + 1))
    (first, base), (last, after) = run.eval_losses
    assert (first, last) == (0, run.steps)  # the base model was evaluated before any step
    assert after < base
    assert {"axolotl", "torch", "bitsandbytes"} <= run.versions.keys()
    assert (output / "adapter_model.safetensors").is_file()
    assert (output / "run" / "train.log").is_file()
    assert f"held-out loss: {base:.3f} before training" in (trained / "train.txt").read_text()
    assert sorted(p.name for p in (trained / "outputs").iterdir()) == ["short"]


def test_what_axolotl_trained_on_is_what_prepare_counted(trained: Path) -> None:
    """Ids, counts and labels of Axolotl's own tokenized data; nothing dropped or cut."""
    from seqctx import load_tokenizer

    script = (
        "import json, sys\nfrom pathlib import Path\nfrom datasets import load_from_disk\n"
        "print(json.dumps([[r for r in load_from_disk(str(p.parent))]\n"
        "  for p in Path(sys.argv[1]).glob('*/dataset_info.json')]))"
    )
    out = trained / "prepare" / "out" / "short"
    answer = subprocess.run(
        [PYTHON, "-c", script, trained / "outputs/short/run/tokenized"],
        capture_output=True,
        text=True,
        check=True,
    )
    got = {tuple(r["input_ids"]): r["labels"] for part in json.loads(answer.stdout) for r in part}
    tokenizer = load_tokenizer(str(MODEL))
    loss_tokens = 0
    rows = rows_of(out)
    assert len(rows) == len(got)
    for path, row in rows:
        ids = tokenizer.render(row["messages"])
        assert len(ids) == row["tokens"] <= SIZES["sequence_len"]
        labels = [x for x in got[tuple(ids)] if x != -100]
        assert (labels[-1] == 2) == ("ends" in path.name)  # the turn's end, where the text ends
        loss_tokens += len(labels)
    manifest = Manifest.read(out / "manifest.json")
    assert manifest is not None
    assert loss_tokens == manifest.train.loss_tokens + manifest.held_out.loss_tokens


def test_nothing_is_trained_twice(trained: Path) -> None:
    def written() -> dict[Path, int]:
        return {p: p.stat().st_mtime_ns for p in (trained / "outputs").rglob("*")}

    before = written()
    # no Axolotl is there: looking for it would fail, as --force shows
    forced = seqctx_process("train", "short.yaml", "--force", cwd=trained, SEQCTX_AXOLOTL="/none")
    assert forced.returncode == 3
    answer = seqctx_process("train", "short.yaml", cwd=trained, SEQCTX_AXOLOTL="/none")
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.splitlines()[-1] == "up to date: outputs/short"
    assert written() == before


def test_axolotls_refusal_is_one_line(trained: Path) -> None:
    before = sorted((trained / "outputs").rglob("*"))
    answer = seqctx_process("train", "short.yaml", "--set", "optimizer=nonsense", cwd=trained)
    assert answer.returncode == 3
    line = answer.stderr.splitlines()[-1]
    assert line.startswith("axolotl: ")
    assert "outputs/short.train.log" in line
    (trained / "outputs" / "short.train.log").unlink()
    assert sorted((trained / "outputs").rglob("*")) == before


def test_ctrl_c_before_the_first_step_leaves_nothing(trained: Path) -> None:
    before = sorted((trained / "outputs").rglob("*"))
    command = [sys.executable, "-m", "seqctx", "train", "short.yaml", "--set", "seed=7"]
    with subprocess.Popen(
        command,
        cwd=trained,
        stderr=subprocess.PIPE,
        text=True,
        env=marked("train"),
        preexec_fn=interruptible,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "tokenizing" in line:
                break
        before_stop = processes("train")
        assert any("axolotl" in line for line in before_stop.values())
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 130
    assert "Interrupted. No half-written files were left." in rest
    assert not processes("train")
    assert not [pid for pid in before_stop if alive(pid)]
    assert sorted((trained / "outputs").rglob("*")) == before


def models(url: str) -> list[str]:
    import httpx

    return [m["id"] for m in httpx.get(f"{url}/v1/models", trust_env=False).json()["data"]]


def test_the_server_script_takes_an_adapter(trained: Path) -> None:
    script = str(ROOT / "serve" / "serve_vllm.sh")
    port = str(free_port())
    with served(script, "outputs/short", port, "9", "2048", "0.90", cwd=trained) as line:
        assert line.startswith(f"http://127.0.0.1:{port}/v1 serves {MODEL.name} (base)")
        assert models(f"http://127.0.0.1:{port}") == [MODEL.name, "short"]


def test_vllms_refusal_is_one_line(trained: Path) -> None:
    answer = seqctx_process("serve", "short.yaml", "--set", "vllm.quantization=awq", cwd=trained)
    assert answer.returncode == 3
    line = answer.stderr.splitlines()[-1]
    assert "Cannot find the config file for awq" in line
    assert re.search(
        r"Correct the key under vllm: that it names.*outputs/short/run/serve-\d+\.log\.$", line
    )
    assert "Traceback" not in answer.stderr


def test_a_window_beyond_the_positions_never_reaches_vllm(trained: Path) -> None:
    answer = seqctx_process("serve", "short.yaml", "--set", "vllm.max_model_len=9000", cwd=trained)
    assert answer.returncode == 1
    assert "vllm.max_model_len" in answer.stderr.splitlines()[-1]


def test_the_demo_compares_base_and_adapter_and_stops(trained: Path) -> None:
    answer = seqctx_process(
        "demo", "short.yaml", cwd=trained, COLUMNS="120", SEQCTX_TEST=unique("demo")
    )
    assert answer.returncode == 0, answer.stderr
    for step in ("prepare  up to date", "train    up to date", "serve    done", "ask      done"):
        assert step in answer.stderr
    for word in (
        "both models were asked",
        "base",
        "adapter",
        "author",
        "held-out loss:",
        "on disk",
    ):
        assert word in answer.stdout
    assert not processes("demo")
