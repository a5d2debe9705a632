"""A disk that fills, or a kill, at any moment leaves the last good output of every verb."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT, seqctx
from tests.users_files import STORY, snapshot

Faked = Callable[..., None]

# No file may grow beyond this size, as on a disk that is nearly full.
LIMITED = """
import resource, sys
from seqctx.cli.start import start
limit = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
start()
"""
SMALL_DISK = r"""
set -e
top=$PWD size=$1
shift
mkdir disk && mount -t tmpfs -o size=${size}k tmpfs disk && cp -r project disk/project
cd disk/project
sums() { find prepare/out/c outputs/c -type f ! -name 'merge.*' | sort | xargs sha256sum; }
sums >$top/before
rc=0
"$@" >$top/out 2>$top/err || rc=$?
sums >$top/after
diff $top/before $top/after >&2
echo "exit $rc"
tail -n 1 $top/err
"""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first test keeps the finished project for the others."""
    return tmp_path_factory.mktemp("kept") / "project"


@pytest.fixture
def finished(runnable: Path, kept: Path) -> Path:
    """The project of ``runnable`` prepared, trained and merged."""
    if kept.exists():
        shutil.copytree(kept, runnable, dirs_exist_ok=True)
        return runnable
    text = (runnable / "c.yaml").read_text()
    (runnable / "c.yaml").write_text(f"{text}seqctx: {{prepare: {{manuscripts: [texts]}}}}\n")
    (runnable / "texts").mkdir()
    (runnable / "texts" / "a.md").write_text(STORY)
    for verb in ("prepare", "train", "merge"):
        arguments = ["--no-page"] if verb == "train" else []
        answer = seqctx(verb, "c.yaml", *arguments, cwd=runnable)
        assert answer.returncode == 0, answer.stderr
    for name in ("c.yaml", "texts", "prepare", "outputs"):
        source, target = runnable / name, kept / name
        target.parent.mkdir(exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    return runnable


VERBS = {
    "prepare": ("prepare", "c.yaml", "--force"),
    "train": ("train", "c.yaml", "--force", "--no-page"),
    "merge": ("merge", "c.yaml", "--force", "--no-evaluate"),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("verb", "limit"), [("prepare", 0), ("prepare", 3000), ("train", 0), ("train", 1000)]
)
def test_where_no_file_may_grow_the_last_good_output_stays(
    finished: Path, verb: str, limit: int
) -> None:
    before = snapshot(finished / "prepare") | snapshot(finished / "outputs" / "c")
    # coverage's own data cannot be written either, about which it prints a traceback of its own
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    answer = subprocess.run(
        [sys.executable, "-c", LIMITED, str(limit), *VERBS[verb]], cwd=finished, text=True,
        capture_output=True, env={**env, "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    assert answer.returncode in (1, 2, 3), answer.stderr
    assert "Traceback" not in answer.stderr
    assert snapshot(finished / "prepare") | snapshot(finished / "outputs" / "c") == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("verb", "spare"), [("prepare", 8), ("prepare", 24), ("train", 8), ("merge", 4)]
)
def test_on_a_full_disk_the_last_good_output_stays(
    finished: Path, tmp_path: Path, verb: str, spare: int
) -> None:
    unshare = shutil.which("unshare")
    probe = [str(unshare), "-rm", "mount", "-t", "tmpfs", "tmpfs", str(tmp_path)]
    if not unshare or subprocess.run(probe, capture_output=True).returncode:
        pytest.skip("needs unshare and the right to mount a small disk")
    place = tmp_path / "place"
    (place / "project").mkdir(parents=True)
    for name in ("c.yaml", "data.jsonl", "texts", "prepare", "outputs", "base"):
        source = finished / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, place / "project" / name)
    pages = sum(-(-p.stat().st_size // 4096) if p.is_file() else 1
                for p in (place / "project").rglob("*"))  # fmt: skip
    answer = subprocess.run(
        [unshare, "-rm", "bash", "-c", SMALL_DISK, "sh", str(4 * pages + spare), sys.executable,
         "-m", "seqctx", *VERBS[verb]],
        cwd=place, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    code, line = answer.stdout.splitlines()
    assert code in ("exit 1", "exit 2", "exit 3"), answer.stdout + answer.stderr
    assert line.endswith(".") and "ake room" in line, answer.stdout


@pytest.mark.slow
@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_kill_at_any_moment_leaves_the_last_good_output(
    finished: Path, faked: Faked, verb: str, number: signal.Signals
) -> None:
    faked(seconds=0.05)
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    records = ["prepare/out/c/manifest.json", "outputs/c/run/run.json"]
    if verb != "train":  # a new run has no merged model
        records.append("outputs/c/merged/seqctx.json")
    for wait in (0.7, 1.2):
        with subprocess.Popen(
            [sys.executable, "-m", "seqctx", *VERBS[verb]], cwd=finished, env=env,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ) as process:  # fmt: skip
            time.sleep(wait)
            process.send_signal(number)
        for record in records:
            folder = (finished / record).parents[1]
            assert (finished / record).is_file() or list(folder.glob("**/*.seqctx-old")), record
    time.sleep(0.5)
    answer = seqctx(*VERBS[verb], cwd=finished)  # it repairs what is left
    assert answer.returncode == 0, answer.stderr
    assert not list(finished.glob("**/*.seqctx-*"))
