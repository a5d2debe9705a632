"""What ends a verb becomes one message on stderr and an exit status."""

from __future__ import annotations

import errno

import click
import pytest
from click.testing import CliRunner, Result

from seqctx.cli import main
from seqctx.errors import CheckError, InputError, ToolError


def ended_by(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> Result:
    @click.command()
    def check() -> None:
        raise error

    monkeypatch.setattr(main, "command_of", lambda verb: check)
    return CliRunner().invoke(main.cli, ["check"])


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (CheckError("a: b. C."), 1, "a: b. C."),
        (InputError("a: b. C."), 2, "a: b. C."),
        (ToolError("a: b. C."), 3, "a: b. C."),
        (OSError(errno.ENOSPC, "No space left on device", "x/y"), 2,
         "x/y: No space left on device."),
        (KeyboardInterrupt(), 130, "Interrupted. No half-written files were left."),
        (ModuleNotFoundError("No module named 'lxml'", name="lxml.etree"), 2,
         "lxml: this package is not installed. Run: pip install --upgrade 'seqctx[all]'"),
        (ImportError("libx.so: cannot open shared object file", name="numpy"), 2,
         "numpy: this package cannot be loaded (libx.so: cannot open shared object file). "
         "Run: pip install --upgrade 'seqctx[all]'"),
        (click.UsageError("Missing."), 2, "Error: Missing."),
    ],
)  # fmt: skip
def test_an_error_is_a_line_and_a_status(
    error: BaseException, code: int, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = ended_by(error, monkeypatch)
    assert answer.exit_code == code
    assert answer.stdout == ""
    assert answer.stderr.splitlines()[-1] == line


@pytest.mark.parametrize("name", ["seqctx.plan.nothing", "seqctx"])
def test_a_mistake_of_our_own_is_not_hidden(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    error = ImportError("cannot import name 'x'", name=name)
    assert ended_by(error, monkeypatch).exception is error


def test_what_a_signal_ends_keeps_its_status(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ended_by(SystemExit(143), monkeypatch).exit_code == 143
