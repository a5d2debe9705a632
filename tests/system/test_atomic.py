from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from seqctx import InputError
from seqctx.catalog.model_folder import check_base, fingerprint_model
from seqctx.system.atomic import atomic_write, explain_os_errors, write_new
from seqctx.system.hashing import hash_text


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_write(path) as f:
        f.write("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    with atomic_write(path) as f:
        f.write("new")
    assert path.read_text() == "new"


def test_missing_and_forbidden_files_are_explained(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none: no such file"), explain_os_errors(tmp_path):
        (tmp_path / "none").open()
    with pytest.raises(InputError, match="Is a directory"), explain_os_errors(tmp_path):
        tmp_path.open()


def test_what_may_be_a_hub_id_is_not_looked_for() -> None:
    for name in ("gpt2", "org/model"):
        check_base(name)
    for name in ("./gpt2", "/none/gpt2", "prepare/none", "models/mine/gpt2"):
        with pytest.raises(InputError, match=f"base_model: {name}: no such folder"):
            check_base(name)


def test_hash_tells_where_one_text_ends() -> None:
    assert hash_text("ab", "c") != hash_text("a", "bc")


def test_fingerprint_sees_weights_not_names(tmp_path: Path) -> None:
    def model(name: str, config: bytes, weights: bytes) -> str:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "config.json").write_bytes(config)
        (folder / "model.safetensors").write_bytes(weights)
        return fingerprint_model(str(folder))

    weights = bytes(range(256)) * 4096
    other = weights[:-1] + b"\0"
    assert model("a", b"{}", weights) == model("b", b"{}", weights)
    assert len({model("c", b"{}", other), model("d", b"{ }", weights), model("e", b"{}", b"")}) == 3
    assert model("f", b"{}", weights) != model("g", b"{}", other)


DISK = """
set -e
mkdir -p disk && mount -t tmpfs -o size=64k tmpfs disk
cd disk && mkdir texts && head -c 30000 /dev/zero | tr '\\0' 'a' | fold -w 60 > texts/a.txt
printf '\\n\\nChapter 2\\n\\n' >> texts/a.txt
head -c 20000 /dev/zero | tr '\\0' 'b' | fold -w 60 >> texts/a.txt
printf 'base_model: %s\\nsequence_len: 1024\\n' "$1" > c.yaml
echo 'seqctx: {prepare: {manuscripts: [texts]}}' >> c.yaml
set +e
"$2" -m seqctx prepare c.yaml; echo "exit $?"
ls -A
echo 'datasets: [{path: texts/a.txt}]' >> c.yaml
SEQCTX_AXOLOTL=true "$2" -m seqctx train c.yaml; echo "exit $?"
ls -A
"""


@pytest.mark.slow
def test_a_full_disk(tmp_path: Path, model_folder: Path) -> None:
    unshare = shutil.which("unshare")
    probe = [str(unshare), "-rm", "mount", "-t", "tmpfs", "tmpfs", str(tmp_path)]
    if not unshare or subprocess.run(probe, capture_output=True).returncode:
        pytest.skip("needs unshare and the right to mount a small disk")
    answer = subprocess.run(
        [unshare, "-rm", "bash", "-c", DISK, "sh", str(model_folder), sys.executable],
        cwd=tmp_path, capture_output=True, text=True, env={**os.environ, "COLUMNS": "300"},
    )  # fmt: skip
    assert "exit 2" in answer.stdout, answer.stderr
    *_, prepare, train = answer.stderr.splitlines()
    assert prepare.startswith("prepare/out/")
    assert "the disk is full (0.0 MB free). Make room and run it again" in prepare
    assert train.startswith("output_dir: model-out: the disk is too full: 0 MB are free, the run ")
    assert answer.stdout.split() == [
        *("exit", "2", "c.yaml", "texts"), *("exit", "1", "c.yaml", "texts"),
    ]  # fmt: skip


@pytest.mark.parametrize("umask", [0o077, 0o027, 0o022, 0o002])
@pytest.mark.parametrize("earlier", [None, 0o600, 0o666])
def test_who_may_read_a_file_follows_the_umask(
    tmp_path: Path, umask: int, earlier: int | None
) -> None:
    path = tmp_path / "new" / "a.json"
    before = os.umask(umask)
    try:
        if earlier is not None:
            path.parent.mkdir()
            path.write_text("old")
            path.chmod(earlier)
        with atomic_write(path) as f:
            f.write("text")
        write_new(tmp_path / "b.yaml", "text")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask & (earlier or 0o666)
    assert (tmp_path / "b.yaml").stat().st_mode & 0o777 == 0o666 & ~umask
    assert [each.name for each in path.parent.iterdir()] == ["a.json"]
