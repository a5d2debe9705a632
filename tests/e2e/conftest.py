"""What the tests with the real tools share: a small trained project, servers, processes by mark.

The small project is the default file, cut down to the openings of two chapters. Tests here start
processes: `tests.conftest.seqctx_process`.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from filelock import FileLock

from tests.conftest import CONFIG, ROOT, seqctx_process, shared_folder
from tests.e2e.test_model import MODEL
from tests.system.test_process import alive

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


def unique(mark: str) -> str:
    """A mark of this worker's alone: others may run the same test's like beside it."""
    return f"{mark}-{os.getpid()}"


def processes(mark: str) -> dict[int, str]:
    """Command lines of what was started with `marked`, and of their sessions.

    vLLM's engine writes its title over its environment, so it is known by its session alone.
    """
    lines, sessions, own = {}, set(), os.getsid(0)
    for path in Path("/proc").glob("[0-9]*"):
        try:
            lines[int(path.name)] = (path / "cmdline").read_text().replace("\0", " ")
            environment = b"\0" + (path / "environ").read_bytes() + b"\0"
            if f"\0SEQCTX_TEST={unique(mark)}\0".encode() in environment:
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
    """The environment of a process that `processes` shall find."""
    return {**os.environ, "SEQCTX_TEST": unique(mark)}


@contextmanager
def served(*command: str, cwd: Path) -> Iterator[str]:
    """A server of the command line's; its ready line; stopped by Ctrl-C, and nothing left."""
    with subprocess.Popen(
        command,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=marked("serve"),
        preexec_fn=interruptible,
    ) as process:
        try:
            assert process.stdout is not None and process.stderr is not None
            line = process.stdout.readline()
            assert "/v1 serves " in line, process.stderr.read()
            before_stop = processes("serve")
            assert any("VLLM::EngineCore" in each for each in before_stop.values()), before_stop
            yield line
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate()
    assert process.returncode == 130
    assert not processes("serve")
    assert not [pid for pid in before_stop if alive(pid)]


@pytest.fixture(scope="session", autouse=True)
def cores_shared() -> None:
    """Give each parallel worker its share of the cores: torch takes all, and waits busily."""
    if workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")):
        threads = max(1, (os.cpu_count() or 1) // workers)
        os.environ.setdefault("OMP_NUM_THREADS", str(threads))
        os.environ.setdefault("VLLM_CPU_OMP_THREADS_BIND", "nobind")


@pytest.fixture(scope="session", autouse=True)
def measured(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Where coverage is measured, measure our code inside Axolotl's environment too.

    The environment has no coverage of its own, for it is what users get. A folder on PYTHONPATH
    lends it the core's, whose Python is the same, and starts it. vLLM's environment is left out:
    the one script of ours there has a test of its own, and tracing vLLM would only slow it.
    """
    if "COVERAGE_PROCESS_CONFIG" not in os.environ:
        return
    import coverage

    folder = tmp_path_factory.mktemp("coverage")
    (folder / "coverage").symlink_to(Path(coverage.__file__).parent)
    (folder / "sitecustomize.py").write_text(
        "import sys\n"
        "if '.venv-train' in sys.prefix:\n"
        "    import coverage\n"
        "    coverage.process_startup()\n"
    )
    others = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), *([others] if others else [])])


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, novella: Path) -> Path:
    """The small project, prepared and trained; what both verbs printed is beside it.

    It is trained once; each parallel worker has a copy.
    """
    made = shared_folder(tmp_path_factory) / "trained"
    with FileLock(f"{made}.lock"):
        if not made.exists():
            project = small_project(tmp_path_factory.mktemp("first"), novella)
            for verb in ("prepare", "train"):
                answer = seqctx_process(verb, "short.yaml", cwd=project)
                assert answer.returncode == 0, answer.stdout + answer.stderr
                (project / f"{verb}.txt").write_text(answer.stdout)
            project.rename(made)
    copy = shutil.copytree(made, tmp_path_factory.mktemp("trained") / "project", symlinks=True)
    data = yaml.safe_load((copy / "short.yaml").read_text())
    data["vllm"]["port"] = free_port()  # other workers serve their copies at the same time
    (copy / "short.yaml").write_text(yaml.safe_dump(data))
    return copy


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
