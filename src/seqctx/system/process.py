"""Runs programs: reads what they print, stops them with all their children, explains failures."""

from __future__ import annotations

import ctypes
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO

from seqctx.errors import ToolError
from seqctx.system.atomic import explain_os_errors, free_bytes
from seqctx.system.regular_file import open_file

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
QUICK = (1.0, 0.5)
"""Patience with a program that has nothing to save: within two seconds Ctrl-C ends it."""
_LAST_LINES = 2.0  # seconds for what an ended program has printed to be copied
_LONGEST_LINE = 1_000_000  # bytes; a longer one is handed on in parts
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None

# Waits until its input ends. A line means that all is well; an end without one means that the
# process which held the other end was killed, so a file with secrets is removed with its folder,
# and the group of processes is stopped.
_GUARD = """
read -r line && exit
[ -z "$2" ] || { rm -f -- "$2"; rmdir -- "${2%/*}"; }
kill -s TERM -- "-$0"
left=$(($1 * 5))
while [ "$left" -gt 0 ] && kill -s 0 -- "-$0"; do sleep 0.2; left=$((left - 1)); done
kill -s KILL -- "-$0"
"""


@contextmanager
def running(
    command: list[str],
    env: dict[str, str],
    *,
    log: IO[bytes] | None = None,
    hide: Callable[[str], str] = lambda text: text,
    patience: tuple[float, float] = (15.0, 5.0),
    secret_file: Path | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in a process group of its own; the whole group has ended after the block.

    The group also ends when this process is killed and cannot stop it: with SIGTERM at once, and
    with SIGKILL where that takes longer than ``patience``.

    Args:
        command: the program and its arguments.
        env: its environment variables.
        log: a file for its output and errors; without one, both go to ``process.stdout``.
        hide: takes secrets out of what the file gets; see `seqctx.system.secrets.hiding`.
        patience: how long it may take to end after SIGINT, and after SIGTERM [s].
        secret_file: a file that the caller removes with its folder after the block. They are also
            removed when this process is killed and cannot do so.
    """
    with explain_os_errors(command[0]):
        process = _Program(
            command,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches this process only, which stops the program
            preexec_fn=partial(end_with_parent, os.getpid()),
        )
    if log:
        process.copy_output(log, hide)
    try:
        with _guarded(process.pid, patience[0], secret_file):
            try:
                yield process
            finally:
                stop(process, patience)
    finally:
        stop(process, patience)  # where the guard could not be started
        if process.stdout:
            process.stdout.close()


class _Program(subprocess.Popen[bytes]):
    """A program; once it has ended, the log has all that it printed."""

    _copier: threading.Thread | None = None

    def copy_output(self, log: IO[bytes], hide: Callable[[str], str]) -> None:
        """Copy what the program prints into a log while it runs, in a thread."""

        def copy() -> None:
            with suppress(OSError, ValueError):  # a full disk; a file that is closed by now
                for _ in lines(self, log, hide=hide):
                    pass

        self._copier = threading.Thread(target=copy, daemon=True)
        self._copier.start()

    def poll(self) -> int | None:
        """The exit status, once the log is complete; None while the program runs."""
        code = super().poll()
        return code if code is None else self._logged(code)

    def wait(self, timeout: float | None = None) -> int:
        """Wait until the program has ended and the log is complete."""
        return self._logged(super().wait(timeout))

    def _logged(self, code: int) -> int:
        copier, self._copier = self._copier, None
        if copier:
            copier.join(_LAST_LINES)  # children that still run may keep the pipe open
        return code


def end_with_parent(parent: int, number: int = signal.SIGTERM) -> None:
    """Let the system send a signal to this process when its parent ends, however it ends.

    Call it in a child before anything else. It does nothing where the system is not Linux.
    ``running`` calls it, and beside it guards the program's own children in another way.

    Args:
        parent: the process ID of the parent, which may have ended already.
        number: the signal.
    """
    if _LIBC is None:
        return
    _LIBC.prctl(_PR_SET_PDEATHSIG, int(number))
    if os.getppid() != parent:  # it ended before the line above
        os.kill(os.getpid(), number)


@contextmanager
def _guarded(group: int, patience: float, secret_file: Path | None) -> Iterator[None]:
    """Stop a process group should this process be killed while the block runs.

    It gets SIGTERM, and SIGKILL after so many seconds. The secret file is removed before.

    A shell waits for that. Unlike ``end_with_parent`` it reaches the children of a program, and
    programs that ignore SIGTERM, and it works wherever there is a shell.
    """
    guard = subprocess.Popen(
        ["/bin/sh", "-c", _GUARD, str(group), str(round(patience)), str(secret_file or "")],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        with suppress(OSError):  # the guard itself was killed
            guard.communicate(b"all is well\n")
        guard.wait()


def stop(process: subprocess.Popen[bytes], patience: tuple[float, float] = (15.0, 5.0)) -> None:
    """End a process group: SIGINT, then SIGTERM, then SIGKILL for the processes that are left.

    Args:
        process: the program that leads the group.
        patience: how long it may take to end after SIGINT, and after SIGTERM [s].
    """
    try:
        for number, seconds in zip((signal.SIGINT, signal.SIGTERM), patience, strict=True):
            if process.poll() is not None:
                break
            _signal_group(process, number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
    finally:  # also when Ctrl-C is pressed again meanwhile
        _signal_group(process, signal.SIGKILL)
        process.wait()
        while _group_runs(process.pid):  # freeing gigabytes takes a moment
            time.sleep(0.02)


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _group_runs(group: int) -> bool:
    """Whether any process of a group still has memory or ports.

    A zombie has none, once its last thread has ended too. Only its parent can remove it, which
    may be another process than this one.
    """
    import psutil

    ended = (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    for process in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(process.pid) == group and (
                process.status() not in ended or process.num_threads() > 1
            ):
                return True
    return False


def resident_bytes(pid: int) -> int:
    """Memory of a process and all its descendants; a shared page counts once for each [B]."""
    import psutil

    total = 0
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                total += process.memory_info().rss
    return total


def lines(
    process: subprocess.Popen[bytes],
    log: IO[bytes],
    *,
    quiet: float | None = None,
    hide: Callable[[str], str] = lambda text: text,
) -> Iterator[str]:
    """The lines that a program prints, also copied to ``log``; a carriage return ends a line, too.

    Args:
        process: the program; its output is piped.
        log: the file that gets a copy of every line.
        quiet: yield an empty line whenever the program printed nothing for this long [s].
        hide: takes secrets out of what is yielded and copied; see `seqctx.system.secrets.hiding`.
    """
    if process.stdout is None:
        raise ValueError("the process writes to a file")
    for chunk in _whole_lines(process.stdout.fileno(), quiet):
        if not chunk:
            yield ""
            continue
        shown = hide(chunk.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        log.write(shown)
        log.flush()
        for line in re.split(rb"[\r\n]", shown):
            if line.strip():
                yield line.decode("utf-8", "replace")


def _whole_lines(out: int, quiet: float | None) -> Iterator[bytes]:
    """What comes through a pipe, in whole lines; nothing where it is quiet for so long."""
    rest = b""
    while True:
        if quiet is not None and not select.select([out], [], [], quiet)[0]:
            yield b""
            continue
        if not (chunk := os.read(out, 65536)):
            break
        rest += chunk
        end = max(rest.rfind(b"\n"), rest.rfind(b"\r")) + 1
        if not end and len(rest) > _LONGEST_LINE:
            end = len(rest)
        if end:
            yield rest[:end]
            rest = rest[end:]
    if rest:
        yield rest


def failure(
    name: str, code: int, log: Path, remedies: dict[str, str], *, start: int = 0
) -> ToolError:
    """The error for a tool that failed: its own error line, and what to do.

    Args:
        name: the tool.
        code: its exit status.
        log: the file with all that it printed.
        remedies: regular expressions for its error lines, most specific first, each with what to
            do.
        start: the size of the log before this run [B].
    """
    errors = _errors(_end_of(log, start).decode("utf-8", "replace"))
    known = {
        r"No space left on device": (
            f"Make room ({free_bytes(log) / 1e6:.0f} MB are free) and run again"
        ),
        r"MemoryError|Cannot allocate memory|out of memory": (
            "Lower sequence_len, micro_batch_size or vllm.max_model_len"
        ),
        **remedies,
    }
    if code == -signal.SIGKILL:
        return ToolError(
            f"{name}: was killed, probably because memory ran out. Free memory and run again; the "
            f"log is {log}."
        )
    for pattern, remedy in known.items():
        if found := [e for e in errors if re.search(pattern, e)]:
            return ToolError(f"{name}: {_sentence(found[-1])} {remedy}; the log is {log}.")
    cause = _sentence(errors[-1]) if errors else f"ended with exit status {code}."
    return ToolError(f"{name}: {cause} See the log: {log}.")


def _end_of(log: Path, start: int) -> bytes:
    """A log from ``start`` on; of a longer one, the last ten million bytes."""
    with open_file(log) as f, explain_os_errors(log):
        f.seek(max(start, os.fstat(f.fileno()).st_size - 10_000_000))
        return f.read()


def _sentence(error: str) -> str:
    """An error line, of 400 characters at most, with a full stop."""
    return error[:400].rstrip(". ") + "."


_PREFIX = re.compile(  # vLLM's processes, its logger, torchrun's processes
    r"^(?:\([^)]*pid[^)]*\)\s*)?(?:ERROR \S+ \S+ \[[^\]]*\]\s?)?(?:\[rank\d+\]: )?"
)
_ERROR = re.compile(  # the last alternative: Python did not find the module to run
    r"[\w.]*(?:Error|Exception|Exit|IsEnabled)\b: |/\S+: (?:Error while finding|No module named)"
)
_GENERIC = re.compile(  # final errors of vLLM, accelerate and torchrun; the cause comes earlier
    r"RuntimeError: Engine core initialization failed"
    r"|[\w.]*(?:CalledProcessError|ChildFailedError)\b"
)


def _errors(log: str) -> list[str]:
    """The error lines of a log, in order, each with its indented continuation.

    Lines that only say that another process failed are left out if there are others.
    """
    found: list[str] = []
    continues = False
    for line in re.sub(r"\x1b\[[0-9;]*m", "", log).splitlines():
        line = _PREFIX.sub("", line)
        if _ERROR.match(line):
            found.append(line.strip())
            continues = True
        elif continues and line.startswith("  "):
            found[-1] += " " + line.strip()
        else:
            continues = False
    return [error for error in found if not _GENERIC.match(error)] or found
