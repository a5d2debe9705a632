"""Bad input: one clear line, the right exit status, nothing half-written."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from seqctx.artifacts.run_record import TrainingRun, UnfinishedRun
from seqctx.catalog.model_folder import fingerprint_model
from tests.conftest import rows_of, seqctx
from tests.train.test_checkpoints import checkpoint, tensors


@pytest.fixture
def project(tmp_path: Path, model_folder: Path, novella: Path) -> Path:
    (tmp_path / "texts").mkdir()
    text = novella.read_text("utf-8")
    (tmp_path / "texts" / "a.md").write_text(text[: text.index("\n## 4.")])

    def of(side: str) -> str:
        data = f"prepare/out/c/{side}"
        return (
            f"[{{path: {data}-continues.jsonl, train_on_eos: none}}, "
            f"{{path: {data}-ends.jsonl, train_on_eos: turn}}]\n"
        )

    (tmp_path / "c.yaml").write_text(
        f"base_model: {model_folder}\nsequence_len: 1024\nadapter: lora\nlora_r: 8\n"
        "lora_target_linear: true\nattn_implementation: sdpa\nlora_mlp_kernel: false\n"
        "lora_qkv_kernel: false\nlora_o_kernel: false\n"
        f"datasets: {of('train')}test_datasets: {of('held_out')}"
        "output_dir: outputs/c\nseqctx: {prepare: {manuscripts: [texts]}}\n"
    )
    return tmp_path


def refused(project: Path, *arguments: str, code: int, **env: str) -> str:
    before = sorted(p for p in project.rglob("*"))
    answer = seqctx(*arguments, cwd=project, **env)
    assert answer.returncode == code, answer.stdout + answer.stderr
    assert answer.stdout == ""
    assert "Traceback" not in answer.stderr
    assert sorted(p for p in project.rglob("*")) == before
    return answer.stderr.splitlines()[-1]


def test_prepare_writes_once_and_again_only_when_something_changed(project: Path) -> None:
    first = seqctx("prepare", "c.yaml", cwd=project)
    assert first.returncode == 0, first.stderr
    assert "written to prepare/out/c" in first.stdout
    out = project / "prepare" / "out" / "c"
    manifest = json.loads((out / "manifest.json").read_text())
    rows = [row for _, row in rows_of(out)]
    assert len(rows) == manifest["train"]["examples"] + manifest["held_out"]["examples"]
    assert max(r["tokens"] for r in rows) <= 1024
    stamp = (out / "manifest.json").stat().st_mtime_ns
    assert "up to date" in seqctx("prepare", "c.yaml", cwd=project).stdout
    assert (out / "manifest.json").stat().st_mtime_ns == stamp
    (out / "train-ends.jsonl").write_text("")
    assert "written to" in seqctx("prepare", "c.yaml", cwd=project).stdout
    with (project / "texts" / "a.md").open("a") as f:
        f.write("\n\nOne more line.\n")
    assert "written to" in seqctx("prepare", "c.yaml", cwd=project).stdout
    assert [p.name for p in out.parent.iterdir()] == ["c"]


def test_dry_runs_write_nothing(project: Path) -> None:
    before = sorted(project.rglob("*"))
    prepare = seqctx("prepare", "c.yaml", "--dry-run", cwd=project)
    tools = {"SEQCTX_AXOLOTL": "true", "SEQCTX_VLLM": "true"}
    train = seqctx("train", "c.yaml", "--dry-run", cwd=project, **tools)
    serve = seqctx("serve", "c.yaml", "--dry-run", cwd=project, **tools)
    assert "read texts/a.md" in prepare.stdout
    assert "outputs/c.seqctx-partial/run/axolotl.yaml" in train.stdout.splitlines()[-1]
    assert "seqctx" not in train.stdout.splitlines()[1]
    module = """--lora-modules '{"name": "c", "path": "outputs/c"}' --max-lora-rank 8 --host"""
    assert module in serve.stdout
    assert [p.returncode for p in (prepare, train, serve)] == [0, 1, 1]
    assert sorted(project.rglob("*")) == before


@pytest.mark.parametrize("verb", ["prepare", "train", "serve", "demo"])
def test_a_missing_config(project: Path, verb: str) -> None:
    line = refused(project, verb, "none.yaml", code=2)
    assert line == "none.yaml: no such file. Check the path."


def test_the_demo_of_what_cannot_be_asked_in_chat(project: Path) -> None:
    tokens = ("demo", "c.yaml", "--set", "seqctx.prepare.format=tokens")
    assert "must be chat for the demo" in refused(project, *tokens, code=1, SEQCTX_VLLM="true")


def test_usage(project: Path) -> None:
    assert "No such command" in refused(project, "prepair", code=2)
    assert "is not KEY=VALUE" in refused(project, "serve", "c.yaml", "--set", "port", code=2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "texts: this folder holds no manuscript."),
        (b"", "texts/a.md: is empty. Put text in it"),
        (b"a\0b", "texts/a.md: a binary file, not text. Export the manuscript as .md or .txt."),
        (b"Three words only.", "there must be at least one of each."),
    ],
)
def test_bad_manuscripts(project: Path, content: bytes | None, message: str) -> None:
    path = project / "texts" / "a.md"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    assert message in refused(project, "prepare", "c.yaml", code=2)


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("prepare/models/none", "Check the path."),
        (
            "prepare/models/smollm2-135m-none",
            "Run 'seqctx setup model'.",
        ),  # as the examples name it
    ],
)
def test_a_base_model_that_is_not_there(project: Path, name: str, remedy: str) -> None:
    for verb in ("prepare", "train", "serve"):
        line = refused(
            project, verb, "c.yaml", "--set", f"base_model={name}", code=2, SEQCTX_VLLM="true"
        )
        assert line == f"base_model: {name}: no such folder. {remedy}"


def test_a_sequence_too_short_for_its_template(project: Path) -> None:
    line = refused(project, "prepare", "c.yaml", "--set", "sequence_len=100", code=2)
    assert "sequence_len: 100 is too short" in line


def test_training_before_preparing(project: Path) -> None:
    line = refused(project, "train", "c.yaml", code=1)
    assert line == (
        "datasets: prepare/out/c/train-continues.jsonl: no such file. "
        "Run 'seqctx prepare', or check the path."
    )


def test_a_data_file_that_is_misspelt_is_not_dropped(project: Path) -> None:
    (project / "mine.jsonl").write_text('{"text": "x"}\n')
    both = "datasets=[{path: mine.jsonl}, {path: minee.jsonl}]"
    line = refused(project, "train", "c.yaml", "--set", both, code=1, SEQCTX_AXOLOTL="true")
    assert line.startswith("datasets: minee.jsonl: no such file.")


def test_only_a_file_that_prepare_had_no_rows_for_is_dropped(project: Path) -> None:
    seqctx("prepare", "c.yaml", cwd=project)
    out = project / "prepare" / "out" / "c"
    manifest = json.loads((out / "manifest.json").read_text())
    assert {*manifest["train"]["files"]} == {"train-continues.jsonl", "train-ends.jsonl"}

    wrong = "prepare/out/c/train-end.jsonl"
    misspelt = f"datasets=[{{path: prepare/out/c/train-continues.jsonl}}, {{path: {wrong}}}]"
    line = refused(project, "train", "c.yaml", "--set", misspelt, code=1, SEQCTX_AXOLOTL="true")
    assert line == f"datasets: {wrong}: no such file. Run 'seqctx prepare', or check the path."

    (out / "train-ends.jsonl").unlink()
    line = refused(project, "train", "c.yaml", code=1, SEQCTX_AXOLOTL="true")
    assert line.startswith("datasets: prepare/out/c/train-ends.jsonl: no such file.")

    del manifest["train"]["files"]["train-ends.jsonl"]
    (out / "manifest.json").write_text(json.dumps(manifest))
    answer = seqctx("train", "c.yaml", "--dry-run", cwd=project, SEQCTX_AXOLOTL="true")
    assert "would fail" not in answer.stderr
    assert "train-continues.jsonl" in answer.stdout
    assert "train-ends.jsonl" not in answer.stdout


def test_an_output_dir_that_is_not_ours_is_left_alone(project: Path) -> None:
    seqctx("prepare", "c.yaml", cwd=project)
    line = refused(
        project, "train", "c.yaml", "--set", "output_dir=texts", code=1, SEQCTX_AXOLOTL="true"
    )
    assert "was not made by seqctx (it has no run/run.json). Move it away" in line


def test_values_that_cannot_be(project: Path) -> None:
    assert "--set a: not valid YAML: " in refused(
        project, "serve", "c.yaml", "--set", "a=2026-13-01", code=2
    )
    line = refused(project, "serve", "c.yaml", "--set", "lora_r=1024", code=1, SEQCTX_VLLM="true")
    assert line == (
        "lora_r: vLLM serves adapters of rank 512 at most (got 1024). "
        "Merge the adapter and serve the merged model."
    )


def test_a_dry_run_of_what_cannot_be_served(project: Path) -> None:
    rank = ("serve", "c.yaml", "--dry-run", "--set", "lora_r=1024")
    for env in ({"SEQCTX_VLLM": "true"}, {"SEQCTX_VLLM": "", "PATH": ""}):
        assert refused(project, *rank, code=1, **env).startswith("lora_r: vLLM serves adapters")


def test_a_dry_run_says_what_would_fail(project: Path) -> None:
    answer = seqctx("serve", "c.yaml", "--dry-run", cwd=project, SEQCTX_VLLM="", PATH="")
    assert answer.returncode == 3
    assert answer.stdout.startswith("vllm serve ")
    not_installed, no_adapter = answer.stderr.splitlines()
    assert not_installed.startswith("would fail: vllm: not installed.")
    assert no_adapter.startswith("would fail: output_dir: outputs/c: holds no adapter.")


def test_tools_that_are_not_installed(project: Path) -> None:
    seqctx("prepare", "c.yaml", cwd=project)
    line = refused(project, "train", "c.yaml", code=3, PATH="", SEQCTX_AXOLOTL="")
    assert line.startswith("axolotl: not installed. Run 'seqctx setup train'")
    line = refused(project, "serve", "c.yaml", code=3, PATH="", SEQCTX_VLLM="")
    assert line.startswith("vllm: not installed. Run 'seqctx setup serve'")


def adapter(project: Path, trained_on: str, fingerprint: str | None = None) -> None:
    folder = project / "outputs" / "c"
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text(
        json.dumps({"base_model_name_or_path": trained_on, "r": 8})
    )
    tensors(folder / "adapter_model.safetensors")
    if fingerprint:
        TrainingRun(
            fingerprint="", base_model=trained_on, base_fingerprint=fingerprint,
            versions={}, seconds=1, steps=1, points=(),
        ).write(folder / "run" / "run.json")  # fmt: skip


@pytest.mark.parametrize(
    "ended, message",
    [
        (True, "holds a finished run that could not be moved to output_dir"),
        (False, "holds weights of an interrupted run without the optimizer state"),
    ],
)
def test_what_a_run_left_is_not_thrown_away(project: Path, ended: bool, message: str) -> None:
    seqctx("prepare", "c.yaml", cwd=project)
    partial = project / "outputs" / "c.seqctx-partial"
    (partial / "run").mkdir(parents=True)
    UnfinishedRun(fingerprint="", started=0, ended=ended).write(partial / "run" / "begun.json")
    tensors(partial / "adapter_model.safetensors")
    if not ended:  # as save_only_model leaves it
        folder = checkpoint(partial, 2)
        (folder / "rng_state.pth").unlink()
    for resume in ((), ("--resume",)):
        line = refused(project, "train", "c.yaml", *resume, code=1, SEQCTX_AXOLOTL="true")
        assert line.startswith(f"outputs/c.seqctx-partial: {message}")
    assert (partial / "adapter_model.safetensors").exists()


def test_serving_before_training(project: Path) -> None:
    line = refused(project, "serve", "c.yaml", code=1, SEQCTX_VLLM="true")
    assert line == "output_dir: outputs/c: holds no adapter. Run 'seqctx train' first."


def test_an_adapter_of_another_base(project: Path, model_folder: Path) -> None:
    adapter(project, "other/base")
    line = refused(project, "serve", "c.yaml", code=1, SEQCTX_VLLM="true")
    assert "outputs/c: the adapter was trained on other/base, not on this base_model" in line


def test_an_adapter_of_a_base_whose_weights_changed(project: Path, model_folder: Path) -> None:
    adapter(project, str(model_folder), fingerprint="another")
    line = refused(project, "serve", "c.yaml", code=1, SEQCTX_VLLM="true")
    assert "seqctx compares the weights, not the names" in line


def test_a_port_that_is_taken(project: Path, model_folder: Path) -> None:
    adapter(project, str(model_folder), fingerprint=fingerprint_model(str(model_folder)))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        line = refused(
            project, "serve", "c.yaml", "--set", f"vllm.port={port}", code=1, SEQCTX_VLLM="true"
        )
    assert line.startswith(f"vllm.port: 127.0.0.1:{port} cannot be used (Address already in use)")


def test_serving_something_else(project: Path) -> None:
    assert "texts: holds no config.json" in refused(project, "serve", "texts", code=2)
    assert "no/such/folder: no such file or folder" in refused(
        project, "serve", "no/such/folder", code=2
    )


def test_a_manifest_of_another_version_is_no_dead_end(tmp_path: Path, model_folder: Path) -> None:
    (tmp_path / "book.md").write_text("# One\n\n" + "Words of it. " * 400 + "\n\n# Two\n\nEnd.\n")
    (tmp_path / "c.yaml").write_text(
        f"base_model: {model_folder}\nsequence_len: 512\n"
        "seqctx: {prepare: {manuscripts: [book.md]}}\n"
    )
    out = tmp_path / "prepare" / "out" / "c"
    assert seqctx("prepare", "c.yaml", cwd=tmp_path).returncode == 0
    (out / "manifest.json").write_text('{"of": "old"}')
    answer = seqctx("prepare", "c.yaml", cwd=tmp_path)
    assert answer.returncode == 2 and "again with --force." in answer.stderr
    assert seqctx("prepare", "c.yaml", "--force", cwd=tmp_path).returncode == 0
