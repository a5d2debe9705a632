"""Ctrl-C and SIGTERM: one line, an end within seconds, no traceback, whatever is being done."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import few_fast

# A verb that does not end by itself: it waits, swallows errors, or is in a compiled library.
VERB = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # also where pytest ignores it
from seqctx.cli.start import start
import seqctx.check.files as files
from seqctx.system.replaced_folder import replaced_folder
from seqctx.artifacts.folder_kinds import DATASET
from pathlib import Path
def check_files(*arguments):
    with replaced_folder(Path('out'), kind=DATASET) as partial:
        (partial / 'train-ends.jsonl').write_text('half')
        print('ready', flush=True)
        {work}
files.check_files = check_files
sys.argv = ['seqctx', 'check', 'c.yaml']
start()
"""
# Python has started, nothing of seqctx is imported but its entry point.
BEGUN = "from seqctx.cli.start import start; print('ready', flush=True); start()"
WORK = {
    "waits": "import time; time.sleep(60)",
    "swallows": """
        import time
        while True:
            try: time.sleep(60)
            except BaseException: pass""",
    "another error": """
        import time
        try: time.sleep(60)
        except BaseException: raise ValueError('made of it')""",
    "compiled": "import hashlib; hashlib.pbkdf2_hmac('sha256', b'', b'', 10**9)",
    "while an object is removed": """
        import time
        class Thing:
            def __del__(self): time.sleep(60)
        Thing()
        time.sleep(60)""",
}


@pytest.mark.parametrize("work", few_fast(WORK, "waits", "compiled"))
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_verb_within_two_seconds(
    tmp_path: Path, work: str, number: signal.Signals
) -> None:
    script = VERB.format(work=WORK[work])
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=tmp_path, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.2)
        began = time.monotonic()
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    assert time.monotonic() - began < 8  # 2 where the machine has nothing else to do
    assert err == "Interrupted. No half-written files were left.\n"
    assert process.returncode == 128 + number
    assert {p.name for p in tmp_path.iterdir()} <= {"out.seqctx-partial.lock"}


def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    script = "import seqctx.cli.interrupts as i; i._PATIENCE = 60\n"
    script += VERB.format(work=WORK["swallows"])
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=tmp_path, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        process.stdout.readline()
        for _ in range(2):
            time.sleep(0.2)
            process.send_signal(signal.SIGINT)
        began = time.monotonic()
        _, err = process.communicate(timeout=30)
    assert time.monotonic() - began < 10  # a busy machine is slow
    assert err.count("Interrupted") == 1 and process.returncode == 130


@pytest.mark.parametrize("moment", few_fast([0.1, 0.2, 0.4, 0.8], 0.2))
@pytest.mark.parametrize("verb", ["check", "plan", "prepare"])
def test_ctrl_c_in_a_terminal_shows_no_traceback(
    tmp_path: Path, model_folder: Path, novella: Path, verb: str, moment: float
) -> None:
    (tmp_path / "c.yaml").write_text(
        f"base_model: {model_folder}\nsequence_len: 1024\n"
        f"seqctx: {{prepare: {{manuscripts: ['{novella}']}}}}\n"
    )
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", BEGUN, verb, "c.yaml"], cwd=tmp_path,
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    while not os.read(ours, 64).endswith(b"\n"):
        pass
    time.sleep(moment)
    began, sent = time.monotonic(), process.poll() is None
    if sent:
        os.killpg(process.pid, signal.SIGINT)
    shown = b""
    while True:
        try:
            shown += os.read(ours, 65536)
        except OSError:  # the terminal's other end is closed
            break
    assert time.monotonic() - began < 8 or not sent
    # -SIGINT: the verb has ended, and Python, which ends, handles no signals any more.
    assert process.wait() in ((130, 0, 1, -signal.SIGINT) if sent else (0, 1))
    assert b"Traceback" not in shown and b"ignored" not in shown
    assert process.returncode != 130 or shown.count(b"Interrupted.") == 1
    os.close(ours)


def test_a_signal_that_is_ignored_stays_ignored(tmp_path: Path) -> None:
    """As in the background of a script, and under nohup."""
    script = (
        "import signal, sys\nfrom seqctx.cli.interrupts import end_at_signals\nend_at_signals()\n"
    )
    script += "print([signal.getsignal(n) == signal.SIG_IGN for n in (1, 2, 15)])"
    answer = subprocess.run(
        ["/bin/sh", "-c", 'trap "" HUP INT; exec "$0" -c "$1"', sys.executable, script],
        capture_output=True, text=True,
    )  # fmt: skip
    assert answer.stdout == "[True, True, False]\n"
