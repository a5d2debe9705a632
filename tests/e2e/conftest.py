"""A small project: the default file, cut down to the openings of two chapters."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import CONFIG, ROOT, seqctx_process
from tests.e2e.test_model import MODEL

SIZES = {"sequence_len": 384, "gradient_accumulation_steps": 1, "num_epochs": 1}


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def small_project(folder: Path, novella: Path, **changes: Any) -> Path:
    """Make ``folder`` a project whose ``short.yaml`` trains 384 tokens an example."""
    (folder / "texts").mkdir()
    chapters = novella.read_text("utf-8").split("\n## ")
    short = [chapters[0], chapters[1][:4500], chapters[2][:1500]]
    (folder / "texts" / "short.md").write_text("\n## ".join(short) + "\n", "utf-8")
    text = CONFIG.read_text("utf-8").replace(CONFIG.stem, "short")
    data = {**yaml.safe_load(text), **SIZES, "base_model": str(MODEL), **changes}
    data["seqctx"]["prepare"] |= {"manuscripts": ["texts"], "context_tokens": 64}
    data["vllm"] |= {"port": free_port(), "max_model_len": 2048}
    (folder / "short.yaml").write_text(yaml.safe_dump(data))
    for name in (".venv-train", ".venv-serve"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def interruptible() -> None:
    """Hear SIGINT, also where pytest runs in a script's background, which ignores it by descent."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def processes(mark: str) -> dict[int, str]:
    """Command lines of what was started with ``SEQCTX_TEST=mark``, and of their sessions.

    vLLM's engine writes its title over its environment, so it is known by its session alone.
    """
    lines, sessions, own = {}, set(), os.getsid(0)
    for path in Path("/proc").glob("[0-9]*"):
        try:
            lines[int(path.name)] = (path / "cmdline").read_text().replace("\0", " ")
            if f"SEQCTX_TEST={mark}\0".encode() in (path / "environ").read_bytes() + b"\0":
                sessions.add(int(path.name))
                sessions.add(os.getsid(int(path.name)))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    found = {}
    for pid, line in lines.items():
        with suppress(ProcessLookupError):
            if pid in sessions or os.getsid(pid) in sessions - {own}:
                found[pid] = line
    return {pid: line for pid, line in found.items() if pid not in (own, os.getpid())}


def marked(mark: str) -> dict[str, str]:
    return {**os.environ, "SEQCTX_TEST": mark}


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, novella: Path) -> Path:
    """The small project, prepared and trained; what both verbs printed is beside it."""
    project = small_project(tmp_path_factory.mktemp("road"), novella)
    for verb in ("prepare", "train"):
        answer = seqctx_process(verb, "short.yaml", cwd=project)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        (project / f"{verb}.txt").write_text(answer.stdout)
    return project


@pytest.fixture
def started() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a program whose output is piped; killed, if it still runs, when the test ends."""
    begun: list[subprocess.Popen[str]] = []

    def start(*command: str, cwd: Path, mark: str) -> subprocess.Popen[str]:
        begun.append(
            subprocess.Popen(
                command,
                cwd=cwd,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=marked(mark),
                preexec_fn=interruptible,
            )
        )
        return begun[-1]

    yield start
    for process in begun:
        process.kill()
        process.communicate()
