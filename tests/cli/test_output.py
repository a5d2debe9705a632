r"""No text can command the terminal: it is printed with signs such as ``\x1b``."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.markdown import Markdown
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from seqctx.cli import output
from seqctx.cli.render.console import VisibleConsole
from seqctx.cli.render.progress import status, training_bar
from seqctx.errors import InputError
from seqctx.train.progress import Progress
from tests.conftest import seqctx

EVIL = "\x1b]0;title\x07\x9b2J\u202e[red]\ud800\r"
SHOWN = r"\x1b]0;title\x07\x9b2J\u202e[red]\ud800\r"
COLOURS = re.compile(r"\x1b\[[0-9;]*m")  # rich's own, for a terminal
MOVES = re.compile(r"\x1b\[(\?25[lh]|[0-9]*[AGK])|\r")  # of the cursor, for its progress bars


def test_a_line_and_a_text(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_line(f"{EVIL}\nb")
    output.print_text(f"{EVIL}\n\tb\n", err=True)
    assert capsys.readouterr() == (f"{SHOWN}\\nb\n", f"{SHOWN}\n\tb\n")


def test_each_message_of_an_error_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    error = InputError("a: b (got 'x\ny').", EVIL)
    assert str(error) == f"a: b (got 'x\ny').\n{EVIL}"
    output.print_error(error, "would fail: ")
    assert capsys.readouterr().err.splitlines() == [
        r"would fail: a: b (got 'x\ny').",
        f"would fail: {SHOWN}",
    ]


def test_an_escape_that_two_pieces_cut_does_not_get_through(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output.print_pieces(["Once", "\x1b", "]52;c;eA==", "\x07", "", " upon\n", "\ud83d", "\ude00"])
    assert capsys.readouterr().out == r"Once\x1b]52;c;eA==\x07 upon" + "\n" + r"\ud83d\ude00" + "\n"


def test_json_is_ascii_and_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    data = {EVIL: [EVIL, "\x7f\x80é"]}
    output.print_json(data)
    out = capsys.readouterr().out
    assert json.loads(out) == data
    assert all(c == "\n" or " " <= c <= "~" for c in out)


@pytest.mark.parametrize(
    "arguments",
    [
        (f"check{EVIL}",), (f"--{EVIL}",), ("check", f"--{EVIL}"), ("schema", f"a\n{EVIL}"),
        ("setup", EVIL), ("check", "c.yaml", "--set", EVIL), ("chat", "--temperature", EVIL),
        ("check", "c.yaml", "--set", f"{EVIL}=["),
    ],
)  # fmt: skip
def test_wrong_arguments_are_quoted_with_signs(arguments: tuple[str, ...]) -> None:
    answer = seqctx(*arguments)
    assert answer.returncode == 2 and answer.stdout == ""
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ud800]", answer.stderr)
    *usage, line = answer.stderr.splitlines()
    assert r"\x1b]0;title\x07\x9b2J\u202e[red]" in line
    assert not usage or usage[0].startswith("Usage: ")


def test_what_click_lists_stays_a_list() -> None:
    answer = seqctx("setup")
    assert answer.stderr.splitlines()[-2:] == ["\tserve,", "\tmodel"]


def test_a_question_is_asked_on_stderr(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answer = seqctx(
        "init", "c.yaml", "--base-model", "Qwen/Qwen3-8B", "--goal", "voice", cwd=tmp_path,
        stdin=b"cpu\n\n",
    )  # fmt: skip
    assert answer.stderr.startswith("GPU (or cpu) [") and "Manuscripts (a file" in answer.stderr
    assert answer.stdout == "written: c.yaml. Next: seqctx check c.yaml\n"


def printed(*views: object, terminal: bool = True) -> str:
    file = StringIO()
    console = VisibleConsole(
        file=file,
        force_terminal=terminal,
        width=300,
        color_system="truecolor",
        legacy_windows=False,
    )
    console.print(*views)
    return file.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_a_view_shows_strings_as_they_are(terminal: bool) -> None:
    table = Table("a", EVIL, title=EVIL)
    table.add_row("[bold red]b[/]", "[link=http://x]y[/link]")
    table.add_row(EVIL, Text(EVIL, style="link http://x"))
    link = Text.from_ansi("\x1b]8;;http://x\x07\x1b\\linked\x1b]8;;\x1b\\")
    out = COLOURS.sub("", printed(table, EVIL, link, Panel(EVIL), terminal=terminal))
    for text in ("[bold red]b[/]", "[link=http://x]y[/link]", SHOWN, "linked"):
        assert text in out
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ud800]", out)
    edges = {len(line) for line in out.splitlines() if line[:1] in "┏┃┡│└"}
    assert len(edges) <= 2  # signs are as wide as the table takes them for


def test_no_view_makes_links() -> None:
    assert "]8;" not in printed(Markdown("[text](http://x)"))
    assert "\x1b[3" in printed(Text("colour", style="red"))  # colours of our own stay


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_shows_what_programs_print_with_signs(terminal: bool) -> None:
    console = VisibleConsole(width=200, file=StringIO(), force_terminal=terminal)
    with training_bar(console) as show:
        show(Progress(f"{EVIL}\nstage", 0, None))
        show(Progress("training", 5, 10, warning=f"{EVIL}\nwarning"))
    shown = MOVES.sub("", COLOURS.sub("", console.file.getvalue()))  # type: ignore[attr-defined]
    assert f"{SHOWN}\\nstage" in shown and f"{SHOWN}\\nwarning" in shown
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ud800]", shown)


def test_a_spinner_shows_a_step_with_signs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with status("reading [red]") as update:
        update(f"{EVIL}\nstep")
    assert capsys.readouterr().err == f"{SHOWN}\\nstep\n"
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    with status("reading [red]") as update:
        update("")
    with status("reading") as update:
        update(f"{EVIL}\nstep")
        update("")
    shown = MOVES.sub("", COLOURS.sub("", capsys.readouterr().err))
    assert "reading [red]" in shown and f"{SHOWN}\\nstep" in shown
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ud800]", shown)


GUARDED = r"""
import logging, sys, threading, warnings
from seqctx.cli.output import guard_output, print_line
guard_output()
evil = "\x1b]0;title\x07\u202e\ud800"
print_line("Überblick " + evil)
warnings.warn("warning " + evil)
logging.warning("record %s", evil)
try:
    raise KeyError("caught")
except KeyError as error:
    error.add_note("note " + evil)
    logging.exception("logged")
def fail(where): raise RuntimeError(where + evil)
thread = threading.Thread(target=fail, args=["thread "]); thread.start(); thread.join()
fail("main ")
"""


@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "latin-1"])
def test_what_python_and_packages_print_has_signs_too(encoding: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(GUARDED, "utf-8")
    answer = subprocess.run(
        [sys.executable, script], capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONWARNINGS": "always"},
    )  # fmt: skip
    evil = r"\x1b]0;title\x07\u202e\ud800"
    start = r"\xdcberblick" if encoding == "ascii" else "Überblick"
    assert answer.stdout.decode(encoding) == f"{start} {evil}\n"
    shown = answer.stderr.decode(encoding)
    for text in ("UserWarning: warning ", "record ", "note ", "thread ", "main "):
        assert text + evil in shown
    assert answer.returncode == 1 and shown.count("Traceback") == 3
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ud800]", shown)


def test_output_in_an_encoding_that_lacks_its_characters() -> None:
    for verb in ("plan", "explain --config"):
        answer = subprocess.run(
            [sys.executable, "-m", "seqctx", *verb.split(),
             "axolotl_configs/llama-3.1-8b-qlora-32gb.yaml"],
            capture_output=True, env={**os.environ, "PYTHONIOENCODING": "ascii"},
        )  # fmt: skip
        assert answer.returncode == 0 and answer.stderr == b""
        assert answer.stdout.decode("ascii")
