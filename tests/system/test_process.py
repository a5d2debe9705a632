from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from seqctx import ToolError
from seqctx.system.environments import find_tool, tool_environment, versions
from seqctx.system.process import failure, lines, running

# A parent that ignores the signals it is given, and a child that ignores at least SIGINT. The child
# has threads and memory, which take a moment to go: its main thread is a zombie before they went.
STUBBORN = """
import os, signal, sys, threading, time
signal.signal(signal.SIGINT, signal.SIG_DFL)
for n in map(int, sys.argv[1:]): signal.signal(n, signal.SIG_IGN)
if not os.fork():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for _ in range(8): threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
    memory = b"x" * 300_000_000
    print(os.getpid(), flush=True)
time.sleep(600)
"""


def alive(pid: int) -> bool:
    """Whether a process runs: it is there, and is no zombie that only waits for its parent."""
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1
    except psutil.NoSuchProcess:
        return False


def test_lines_end_at_carriage_returns_too_and_are_logged(tmp_path: Path) -> None:
    script = r"import sys; sys.stdout.buffer.write(b'a\rb\n\n\xff'); sys.stdout.flush()"
    script += "; sys.stderr.write('last')"
    log = tmp_path / "log"
    with log.open("wb") as f, running([sys.executable, "-c", script], dict(os.environ)) as process:
        assert list(lines(process, f)) == ["a", "b", "\ufffdlast"]
    assert log.read_bytes() == b"a\rb\n\n\xfflast"


@pytest.mark.parametrize("ignored", [[], [signal.SIGINT, signal.SIGTERM]], ids=["meek", "stubborn"])
def test_nothing_is_left_running(ignored: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    waits = iter([0.2, 0.2])
    original = subprocess.Popen.wait

    def shorter(self: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        return original(self, next(waits) if timeout else None)

    monkeypatch.setattr(subprocess.Popen, "wait", shorter)  # 15 s and 5 s of patience
    command = [sys.executable, "-c", STUBBORN, *(str(int(n)) for n in ignored)]
    with pytest.raises(KeyboardInterrupt):
        with running(command, dict(os.environ)) as process:
            assert process.stdout is not None
            child = int(process.stdout.readline())
            raise KeyboardInterrupt
    assert not alive(child)
    assert not alive(process.pid)
    assert process.returncode == (-signal.SIGKILL if ignored else -signal.SIGINT)


def test_a_tool_is_found_where_its_variable_points(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("SEQCTX_VLLM", raising=False)
    with pytest.raises(ToolError, match=r"vllm: not installed. Run 'seqctx setup serve'"):
        find_tool("vllm")
    monkeypatch.setenv("SEQCTX_VLLM", str(tmp_path / "none"))
    with pytest.raises(ToolError, match=r"SEQCTX_VLLM: .*none: no such program"):
        find_tool("vllm")
    monkeypatch.setenv("SEQCTX_VLLM", sys.executable)
    assert find_tool("vllm") == Path(sys.executable)


def test_a_tool_is_found_in_the_working_directory_then_with_the_user_then_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEQCTX_AXOLOTL", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for folder in ("bin", "data/seqctx/venv-train/bin", ".venv-train/bin"):
        program = tmp_path / folder / "axolotl"
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        assert find_tool("axolotl") == program


def test_tools_report_to_nobody() -> None:
    env = tool_environment(Path("/x/bin/axolotl"), offline=True)
    assert env["PATH"].startswith("/x/bin:")
    for name in ("AXOLOTL_DO_NOT_TRACK", "DO_NOT_TRACK", "VLLM_NO_USAGE_STATS", "HF_HUB_OFFLINE"):
        assert env[name] == "1"


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("x\nOSError: [Errno 28] No space left on device\ny", 1, "Make room ("),
        (
            "Traceback\n  f()\n\x1b[31mValueError: bad rank\x1b[0m\n",
            1,
            "axolotl: ValueError: bad rank. See",
        ),
        ("ok\n", 7, "axolotl: ended with exit status 7."),
        ("ok\n", -9, "axolotl: was killed, probably because memory ran out"),
        (
            "E: special\nFooError: special bar\n",
            1,
            "axolotl: FooError: special bar. Do that; the log",
        ),
        (
            "(APIServer pid=7) INFO 11-24 00:00:00 [a.py:1] args: {'special': 1}\n"
            "(EngineCore pid=8) ERROR 11-24 00:00:00 [b.py:2] ValueError: no memory\n"
            "(APIServer pid=7) RuntimeError: Engine core initialization failed. See above.\n",
            1,
            "axolotl: ValueError: no memory. See the log",
        ),
        (
            "ValueError: bad rank\n"
            "subprocess.CalledProcessError: Command '['python', 'x']' returned non-zero exit "
            "status 1.\n",
            1,
            "axolotl: ValueError: bad rank. See",
        ),
        (
            "[rank0]: Traceback\n[rank0]: ValueError: bad rank\n"
            "torch.distributed.elastic.multiprocessing.errors.ChildFailedError: \n"
            "======\ntrain FAILED\n",
            1,
            "axolotl: ValueError: bad rank. See",
        ),
        (
            "subprocess.CalledProcessError: Command 'x' died with <Signals.SIGKILL: 9>.\n",
            1,
            "axolotl: subprocess.CalledProcessError: Command 'x' died with <Signals.SIGKILL: 9>.",
        ),
        ("a.b.ValidationError: 1 error\n  Value error, special\n", 1, "special. Do that"),
        ("/usr/bin/python3: No module named special\n", 1, "No module named special. Do that"),
        ("h.errors.OfflineModeIsEnabled: no special\n", 1, "IsEnabled: no special. Do that"),
    ],
)
def test_a_failure_says_why(tmp_path: Path, text: str, code: int, message: str) -> None:
    log = tmp_path / "log"
    log.write_text(text)
    error = failure("axolotl", code, log, {"special": "Do that"})
    assert message in str(error)
    assert str(log) in str(error)
    assert error.exit_code == 3


def test_an_earlier_runs_failure_is_not_this_ones(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("OSError: No space left on device\n")
    before = log.stat().st_size
    with log.open("a") as f:
        f.write("RuntimeError: CUDA error\n")
    assert "RuntimeError: CUDA error" in str(failure("axolotl", 1, log, {}, start=before))
    assert "No space left" in str(failure("axolotl", 1, log, {}))


def test_versions_are_read_from_the_tools_environment(tmp_path: Path) -> None:
    packages = tmp_path / "venv" / "lib" / "python3.11" / "site-packages"
    for name, version in (("axolotl", "0.19.0"), ("typing_extensions", "4.15.0")):
        (packages / f"{name}-{version}.dist-info").mkdir(parents=True)
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        (packages / f"{name}-{version}.dist-info" / "METADATA").write_text(metadata)
    program = tmp_path / "venv" / "bin" / "axolotl"
    program.parent.mkdir()
    program.touch()
    link = tmp_path / "axolotl"
    link.symlink_to(program)
    names = ("axolotl", "typing-extensions", "torch")
    expected = {"axolotl": "0.19.0", "typing-extensions": "4.15.0"}
    assert versions(program, names) == versions(link, names) == expected
    assert versions(tmp_path / "none" / "bin" / "x", names) == {}


@pytest.mark.parametrize("ignored", [[], [signal.SIGTERM]], ids=["meek", "stubborn"])
def test_a_program_and_its_children_end_when_their_parent_is_killed(ignored: list[int]) -> None:
    script = (
        "import os, sys, seqctx.system.process as process\n"
        f"command = [sys.executable, '-c', {STUBBORN!r}, *{[str(int(n)) for n in ignored]}]\n"
        "with process.running(command, dict(os.environ), patience=(1, 1)) as child:\n"
        "    print(child.pid, child.stdout.readline().decode(), flush=True)\n"
        "    child.wait()\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        started = [int(pid) for pid in parent.stdout.readline().split()]
        parent.kill()
    assert len(started) == 2
    deadline = time.monotonic() + 10
    while any(map(alive, started)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, started))


def test_a_child_whose_parent_has_ended_already_ends_too() -> None:
    script = (
        "import os, signal, subprocess, sys, time\n"
        "from seqctx.system.process import end_with_parent\n"
        "end_with_parent(os.getppid() + 1, signal.SIGKILL)\n"
        "time.sleep(60)\n"
    )
    assert subprocess.run([sys.executable, "-c", script], timeout=30).returncode == -signal.SIGKILL
