"""make clean: lists what it would remove, asks before weights go, and keeps the user's files."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.users_files import snapshot

CLEAN = [sys.executable, str(ROOT / "scripts/clean.py")]


def clean(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CLEAN, *arguments], cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip


def write(folder: Path, name: str, text: str = "x") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Prepared examples, a run, an interrupted run, a run of Axolotl alone, logs."""
    write(tmp_path, "prepare/out/c/train-ends.jsonl")
    write(tmp_path, "prepare/out/c/manifest.json", '{"of": "an old version"}')
    for run in ("voice", "alone", "cut.seqctx-partial"):
        write(tmp_path, f"outputs/{run}/adapter_model.safetensors", "w" * 2_000_000)
    write(tmp_path, "outputs/voice/run/run.json", "{}")
    write(tmp_path, "outputs/voice/merged/model.safetensors")
    write(tmp_path, "outputs/voice/merged/seqctx.json", "{}")
    for name in ("cut.train.log", "serve-8000.log", "serve-8000.json", "c.seqctx-partial.lock"):
        write(tmp_path, f"outputs/{name}")
    return tmp_path


WEIGHTS = {f"outputs/{run}/adapter_model.safetensors"
           for run in ("voice", "alone", "cut.seqctx-partial")}  # fmt: skip


def test_without_a_terminal_weights_stay(project: Path) -> None:
    answer = clean(project)
    assert answer.returncode == 1
    assert answer.stderr == (
        "make clean: no trained weights were removed: without a terminal you cannot be asked. "
        "To remove them, run: make clean FORCE=1\n"
    )
    assert "2.0 MB  outputs/voice (trained weights)" in answer.stdout
    assert "2.0 MB  outputs/alone (trained weights)" in answer.stdout
    assert "0.0 MB  prepare/out/c\n" in answer.stdout
    assert set(snapshot(project)) >= WEIGHTS
    assert not (project / "prepare/out").exists()  # can be made again
    assert sorted(p.name for p in (project / "outputs").iterdir()) == [
        "alone", "cut.seqctx-partial", "voice",
    ]  # fmt: skip


def test_forced_all_goes(project: Path) -> None:
    answer = clean(project, "--force")
    assert answer.returncode == 0, answer.stderr
    assert snapshot(project) == {} and "removed: 6.0 MB" in answer.stdout
    again = clean(project)
    assert (again.returncode, again.stdout) == (0, "removed: 0.0 MB\n")


@pytest.mark.parametrize(("reply", "gone"), [(b"y\n", True), (b"\n", False), (b"\x04", False)])
def test_at_a_terminal_it_asks(project: Path, reply: bytes, gone: bool) -> None:
    own, other = pty.openpty()
    os.write(own, reply)
    with subprocess.Popen(
        CLEAN, cwd=project, stdin=other, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    ) as process:  # fmt: skip
        printed, errors = process.communicate(timeout=60)
    os.close(own)
    os.close(other)
    assert "Remove the trained weights too (6.0 MB; only training makes them again)?" in printed
    assert "Traceback" not in errors
    assert (process.returncode == 0) == gone
    assert set(snapshot(project)) == (set() if gone else {
        *WEIGHTS, "outputs/voice/run/run.json", "outputs/voice/merged/model.safetensors",
        "outputs/voice/merged/seqctx.json",
    })  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["prepare/out/c/notes.txt", "outputs/voice/notes.txt", "outputs/voice/merged/q4.gguf",
     "outputs/alone/why.md", "outputs/cut.seqctx-partial/.git/HEAD", "outputs/novel.md",
     "prepare/out/novel.md", "outputs/mine/a.txt", "prepare/out/mine/train-ends.jsonl",
     "outputs/serve-best.log"],
)  # fmt: skip
def test_users_files_stay(project: Path, name: str) -> None:
    write(project, name, "years of work")
    top = "/".join(name.split("/")[: 3 if name.startswith("prepare") else 2])
    before = {n: b for n, b in snapshot(project).items() if n == top or n.startswith(f"{top}/")}
    answer = clean(project, "--force")
    assert answer.returncode == 0, answer.stderr
    assert snapshot(project) == before
    assert f"kept: {top}: " in answer.stdout


def test_links_are_not_followed(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    disk = tmp_path_factory.mktemp("disk")
    write(disk, "run/run.json", "{}")
    (project / "outputs/linked").symlink_to(disk)
    assert "kept: outputs/linked: is a link" in clean(project, "--force").stdout
    assert (disk / "run/run.json").exists() and (project / "outputs/linked").is_symlink()


def test_what_is_in_use_stays(project: Path) -> None:
    write(project, "outputs/serve-8000.json", json.dumps({"pid": os.getpid()}))
    write(project, "outputs/serve-8001.json", json.dumps({"pid": 2**22 + 1}))
    with write(project, "outputs/cut.seqctx-partial.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        answer = clean(project, "--force")
    assert answer.returncode == 0, answer.stderr
    assert "kept: outputs/cut.seqctx-partial: a run is writing it" in answer.stdout
    assert "kept: outputs/serve-8000.log: the server runs" in answer.stdout
    assert sorted(p.name for p in (project / "outputs").iterdir()) == [
        "cut.seqctx-partial", "cut.seqctx-partial.lock", "serve-8000.json", "serve-8000.log",
    ]  # fmt: skip


@pytest.mark.parametrize(("force", "status"), [("", 2), ("0", 2), ("1", 0)])
def test_the_make_target(project: Path, force: str, status: int) -> None:
    for name in ("Makefile", "scripts", "src", ".venv"):
        (project / name).symlink_to(ROOT / name)
    answer = subprocess.run(
        ["make", "clean", *([f"FORCE={force}"] if force else [])], cwd=project,
        capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert answer.returncode == status, answer.stdout + answer.stderr
    assert (project / "outputs").exists() == (status != 0)
