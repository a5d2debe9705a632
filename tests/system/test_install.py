from __future__ import annotations

import json
import os
import re
import stat
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from seqctx.errors import InputError, ToolError
from seqctx.system import install
from seqctx.system.environments import user_environment
from seqctx.system.install import make_environment, own_distribution, pin_list, place_of, stamp_of
from seqctx.system.uv import Uv, explain_failure, steps
from tests.conftest import ROOT

LISTS = ("build", "core", "train-cpu", "train-cuda", "serve-cpu", "serve-cuda")
PINS = """\
# a list
click==8.1.8 \\
    --hash=sha256:aa
torch==2.13.0
torchao==0.17.0 \\
    --hash=sha256:bb
"""
# Stands in for uv: writes down what it was asked, makes the environment, fails where told to.
FAKE = """\
#!{python}
import json, os, pathlib, re, sys
arguments = sys.argv[1:]
if arguments[0] == "venv":
    folder = pathlib.Path(arguments[-1])
    (folder / "bin").mkdir()
    (folder / "pyvenv.cfg").write_text("version_info = 3.12.1")
    (folder / "bin" / "python").write_text("#!/bin/sh\\nexit ${{FAKE_TORCH:-0}}\\n")
    (folder / "bin" / "python").chmod(0o755)
if "--requirements" in arguments:
    listed = pathlib.Path(arguments[arguments.index("--requirements") + 1])
    arguments.append(listed.read_text())
with open(os.environ["FAKE_LOG"], "a") as f:
    f.write(json.dumps(arguments) + "\\n")
for pattern, output in json.loads(os.environ["FAKE_FAILS"]).items():
    if re.search(pattern, " ".join(arguments)):
        sys.exit(output)
print("Resolved 3 packages in 1ms")
"""


class FakeUv:
    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log, self.monkeypatch = folder / "uv.log", monkeypatch
        program = folder / "uv"
        program.write_text(FAKE.format(python=sys.executable))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("FAKE_LOG", str(self.log))
        monkeypatch.setattr(install, "Uv", lambda folder, on_step: Uv(folder, on_step, program))
        self.fails({})

    def fails(self, outputs: dict[str, str]) -> None:
        self.monkeypatch.setenv("FAKE_FAILS", json.dumps(outputs))

    @property
    def calls(self) -> list[list[str]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@pytest.fixture
def uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeUv:
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    (tmp_path / "list.txt").write_text(PINS)
    return FakeUv(tmp_path, monkeypatch)


def make(tmp_path: Path, **options: Any) -> bool:
    return make_environment(tmp_path / "venv", tmp_path / "list.txt", **options)


@pytest.mark.parametrize("name", LISTS)
def test_every_pin_but_torchs_cpu_build_has_a_hash(name: str) -> None:
    text = pin_list(name).read_text("utf-8")  # what builds packages without wheels is in build
    assert not re.search(r"^[^#\n]*(?:://|\+cpu| @ )", text, re.MULTILINE)
    pins = re.findall(r"^(\w[^\s;]*)==(.*)$", text, re.MULTILINE)
    assert len(pins) > (2 if name == "build" else 50)
    without = {package for package, rest in pins if not rest.endswith("\\")}
    assert without == ({"torch"} if name.endswith("-cpu") else set())


def test_an_environment_is_made_again_for_another_version_of_an_installed_seqctx(
    uv: FakeUv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "checkout", lambda: None)
    monkeypatch.setattr(install, "own_distribution", lambda folder: ("seqctx.whl",))
    assert make(tmp_path) and not make(tmp_path)
    monkeypatch.setattr(install, "_installed", lambda: SimpleNamespace(version="9.9"))
    assert make(tmp_path)


def test_torchs_cpu_build_is_asked_for_by_name(uv: FakeUv, tmp_path: Path) -> None:
    seen: list[str] = []
    assert make(tmp_path, on_step=seen.append)
    venv, looked, packages, own = uv.calls
    assert venv[0] == "venv" and "--relocatable" in venv
    partial = str(tmp_path / "venv.seqctx-partial")
    head = ["pip", "install", "--no-deps", "--python", partial]
    assert looked == [*head, "torch==2.13.0+cpu", "--dry-run"]
    assert packages[:5] == head
    assert packages[-3:-1] == ["--build-constraints", str(pin_list("build"))]
    assert packages[-1] == PINS.replace("torch==2.13.0\n", "torch==2.13.0+cpu\n")
    assert own == [*head, "--editable", str(ROOT)]
    assert stamp_of(tmp_path / "venv", tmp_path / "list.txt").exists()
    assert {"looking for torch 2.13.0+cpu", "3 packages to install"} == set(seen)
    assert not make(tmp_path)
    assert make(tmp_path, force=True)


def test_pytorchs_index_is_asked_where_no_other_has_it(uv: FakeUv, tmp_path: Path) -> None:
    uv.fails({"--dry-run": "error: No solution found\n  cause: Because there is none"})
    with pytest.raises(
        ToolError,
        match=r"no configured package index has torch 2.13.0\+cpu .* for Python 3.12.1, and",
    ):
        make(tmp_path)
    assert [call[-2:] for call in uv.calls if "--dry-run" in call][1] == ["--torch-backend", "cpu"]
    assert not any("--requirements" in call for call in uv.calls)  # nothing was downloaded
    assert sorted(p.name for p in tmp_path.iterdir()) == ["list.txt", "uv", "uv.log"]


def test_pytorchs_index_is_not_asked_where_pip_may_ask_none(
    uv: FakeUv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    uv.fails({"--dry-run": "error: No solution found\n  cause: Because there is none"})
    with pytest.raises(ToolError, match="pip's setting no-index forbids to ask PyTorch's"):
        make(tmp_path)
    assert not any("--torch-backend" in call for call in uv.calls)


def test_torch_alone_comes_from_pytorchs_index(uv: FakeUv, tmp_path: Path) -> None:
    uv.fails({"--dry-run$": "error: No solution found\n  cause: none"})
    make(tmp_path)
    questions, packages, own = uv.calls[1:3], uv.calls[3:5], uv.calls[5]
    assert [call[5:] for call in questions] == [
        ["torch==2.13.0+cpu", "--dry-run"],
        ["torch==2.13.0+cpu", "--dry-run", "--torch-backend", "cpu"],
    ]
    assert packages[0][5:] == ["torch==2.13.0+cpu", "--torch-backend", "cpu"]
    assert packages[1][5] == "--requirements" and "--torch-backend" not in packages[1]
    assert own[5] == "--editable"


def test_a_list_with_torchs_hashes_is_taken_as_it_is(uv: FakeUv, tmp_path: Path) -> None:
    text = PINS.replace("torch==2.13.0\n", "torch==2.13.0 \\\n    --hash=sha256:cc\n")
    (tmp_path / "list.txt").write_text(text)
    make(tmp_path)
    assert uv.calls[1][-1] == text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "output", "error", "message"),
    [
        ("venv --relocatable", "error: No space left on device (os error 28)", InputError,
         r"venv: the disk is full \(\d+ MB free\). Make room"),
        ("--requirements", "error: Request failed after 3 retries\n  cause: Failed to fetch: "
         "https://u:secret@host/simple/click/\n  cause: dns error\n", ToolError,
         r"venv: the download failed: https://\*\*\*@host/simple/click/: dns error. Check the net"),
        ("--editable", "error: boom", ToolError, r"venv: uv failed: boom. Solve this"),
    ],
)  # fmt: skip
def test_whatever_fails_the_old_environment_stays(
    uv: FakeUv, tmp_path: Path, step: str, output: str, error: type[Exception], message: str
) -> None:
    make(tmp_path)
    (tmp_path / "venv" / ".made-old").touch()
    uv.fails({step: output})
    with pytest.raises(error, match=message) as caught:
        make(tmp_path, force=True)
    assert str(caught.value).endswith("The old folder is unchanged.")
    assert "secret" not in str(caught.value)
    assert (tmp_path / "venv" / ".made-old").exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["list.txt", "uv", "uv.log", "venv"]


def test_torch_is_tried(uv: FakeUv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_TORCH", "1")
    with pytest.raises(ToolError, match="torch cannot be imported: no message. On a machine"):
        make(tmp_path)
    assert not (tmp_path / "venv").exists()


def test_a_folder_that_is_no_environment_is_left_alone(uv: FakeUv, tmp_path: Path) -> None:
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "novel.txt").write_text("years of work")
    with pytest.raises(Exception, match="was not made by seqctx"):
        make(tmp_path)
    assert (tmp_path / "venv" / "novel.txt").exists()


@pytest.mark.parametrize(
    ("output", "offline", "fact"),
    [
        ("error: No solution found when resolving dependencies\n  cause: Because there is no "
         "version of a==1 and you require a==1, we can conclude that ...", False,
         "the configured package indexes do not have every package: there is no version of a==1"),
        ("error: No solution found\n  cause: Because a==1 was not found, we can conclude", True,
         "without a network (UV_OFFLINE is set) uv does not have every package: a==1 was not foun"),
        ("  × No solution found when resolving:\n  ╰─▶ Because a==1 was not found", False,
         "the configured package indexes do not have every package: Because a==1 was not found"),
        ("error: Failed to download `a==1`\n  cause: unexpected EOF", False,
         "the download failed: unexpected EOF"),
        ("error: Failed to read `a`\n  cause: Hash mismatch for `a==1`\n\nExpected:\n  x", False,
         "`a==1`: the hash of the downloaded file is not the hash in the pin list"),
        ("x\nkilled\n", False, "uv failed: killed"),
    ],
)  # fmt: skip
def test_a_failure_is_one_line(output: str, offline: bool, fact: str) -> None:
    found, remedy, _ = explain_failure(output, offline=offline, free=0)
    assert found.startswith(fact)
    assert "\n" not in found + remedy


def test_steps_are_told_from_uvs_lines() -> None:
    output = [
        "Using Python 3.11.7 environment at: x", "Resolved 2 packages in 3ms",
        "Downloading torch (100.0MiB)", "Downloading a (1.0MiB)", "   Building b==1",
        " Downloaded torch", "Prepared 2 packages in 1s", "Installed 2 packages in 1s", " + a==1",
    ]  # fmt: skip
    assert list(steps(iter(output))) == [
        "2 packages to install", "downloading torch: 0 of 105 MB", "downloading a: 0 of 106 MB",
        "building b==1", "downloaded torch: 105 of 106 MB", "unpacking 2 packages",
    ]  # fmt: skip


def test_environments_lie_in_a_checkout_or_with_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(ROOT)
    assert place_of("train", "cpu") == (Path(".venv-train"), pin_list("train-cpu"))
    assert place_of("core", "cpu") == (Path(".venv"), ROOT / "requirements" / "dev.txt")
    monkeypatch.chdir(tmp_path)
    assert user_environment("serve") == tmp_path / "data" / "seqctx" / "venv-serve"
    assert place_of("serve", "cuda") == (user_environment("serve"), pin_list("serve-cuda"))
    assert place_of("core", "cpu") == (user_environment("core"), pin_list("core"))


def test_an_installed_seqctx_is_packed_into_a_wheel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = tmp_path / "site-packages"
    info = packages / "seqctx-0.1.0.dist-info"
    (packages / "seqctx").mkdir(parents=True)
    info.mkdir()
    (packages / "seqctx" / "__init__.py").write_text("x = 1\n")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: seqctx\nVersion: 0.1.0\n")
    listed = ["seqctx/__init__.py", "seqctx/__pycache__/__init__.cpython-311.pyc",
              "seqctx-0.1.0.dist-info/METADATA", "seqctx-0.1.0.dist-info/INSTALLER",
              "../../../bin/seqctx"]  # fmt: skip
    (info / "RECORD").write_text("".join(f"{name},,\n" for name in listed))
    monkeypatch.setattr(install, "checkout", lambda: None)
    monkeypatch.setattr(sys, "path", [str(packages)])
    (wheel,) = own_distribution(tmp_path)
    assert Path(wheel).name == "seqctx-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        assert sorted(archive.namelist()) == [
            "seqctx-0.1.0.dist-info/METADATA", "seqctx/__init__.py",
        ]  # fmt: skip


@pytest.mark.parametrize("terminal", [True, False])
def test_a_step_is_shown_with_signs(
    terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A package's name comes from what uv prints."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    with install.printed_steps() as show:
        show("downloading \x1b]0;x\x07\u202e\n")
    shown = capsys.readouterr().err.replace("\r\x1b[K", "")  # our own: clears the line of a step
    assert shown.rstrip("\n") == r"  downloading \x1b]0;x\x07\u202e\n"


def test_an_error_of_the_program_is_shown_with_signs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise InputError("a: b\x1b[2J.", "c: d\n.")

    monkeypatch.setattr(install, "make_environment", fail)
    monkeypatch.setattr(sys, "argv", ["install", "folder\x1b", "pins"])
    with pytest.raises(SystemExit):
        install.main()
    assert capsys.readouterr().err.splitlines() == [
        r"folder\x1b: installing pins", r"a: b\x1b[2J.", r"c: d\n.",
    ]  # fmt: skip
