"""The help: one list, each verb loaded alone, and everything in it documented."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from seqctx.cli.main import cli, command_of
from seqctx.cli.verbs import SECTIONS, SUMMARIES
from tests.conftest import ROOT

COLUMNS = 80
# Modules of seqctx.cli that are no verb's.
SHARED = {"interrupts", "main", "options", "output", "start", "verbs"}


def help_of(*arguments: str) -> str:
    answer = CliRunner().invoke(cli, [*arguments], terminal_width=COLUMNS)
    assert answer.exit_code == 0, answer.output
    return answer.output


def modules_loaded_by(*arguments: str) -> set[str]:
    """The modules of seqctx.cli that a process has loaded when its help is printed."""
    script = (
        "import sys, atexit\n"
        "atexit.register(lambda: print(*(m for m in sys.modules if m.startswith('seqctx.cli.'))))\n"
        f"sys.argv = ['seqctx', *{arguments!r}]\n"
        "from seqctx.cli.start import start; start()\n"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    return {name.removeprefix("seqctx.cli.") for name in answer.stdout.splitlines()[-1].split()}


@pytest.mark.parametrize("verb", SUMMARIES)
def test_help_of_a_verb_loads_no_other_verb(verb: str) -> None:
    assert modules_loaded_by(verb, "--help") - SHARED == {verb}


def test_help_of_the_group_loads_no_verb() -> None:
    assert modules_loaded_by("--help") <= SHARED


def test_the_group_lists_every_verb_once() -> None:
    text = help_of("--help")
    assert text == help_of("-h")
    assert "Commands:" not in text
    for verb, summary in SUMMARIES.items():
        assert text.count(f"\n  {verb} ") == 1
        assert text.count(summary) == 1
    positions = [text.index(f"\n{heading}:\n") for heading in SECTIONS]
    assert positions == sorted(positions)


@pytest.mark.parametrize("verb", SUMMARIES)
def test_a_verb_and_the_list_have_the_same_summary(verb: str) -> None:
    command = command_of(verb)
    assert command.name == verb
    assert (command.help or "").partition("\n\n")[0] == SUMMARIES[verb]


@pytest.mark.parametrize("verb", SUMMARIES)
def test_everything_is_documented(verb: str) -> None:
    command = command_of(verb)
    for option in command.params:
        assert not isinstance(option, click.Option) or option.help, option.name
    text = help_of(verb, "--help")
    assert text == help_of(verb, "-h")
    for part in ("\n  Needs   ", "\n  Writes  ", "\n  Exit    ", "\n  Example", f"  seqctx {verb}"):
        assert part in text, part
    assert max(map(len, text.splitlines())) <= COLUMNS
    page = (ROOT / "docs" / "cli.md").read_text("utf-8")
    assert f"## seqctx {verb}\n" in page
    for option in command.params:
        for name in option.opts if isinstance(option, click.Option) else ():
            assert name in page.partition(f"## seqctx {verb}\n")[2].partition("\n## ")[0]


def test_a_verb_that_is_misspelt() -> None:
    answer = CliRunner().invoke(cli, ["prepair"])
    assert answer.exit_code == 2
    assert answer.stderr.endswith("No such command 'prepair'. Did you mean 'prepare'?\n")
    assert "Run seqctx --help for a list." in CliRunner().invoke(cli, ["xyz"]).stderr


@pytest.mark.parametrize("verb", SUMMARIES)
def test_the_examples_are_commands(verb: str) -> None:
    lines = [line.strip() for line in help_of(verb, "--help").splitlines()]
    examples = [line for line in lines if line.startswith(f"seqctx {verb}")]
    assert examples
    for line in examples:
        arguments = shlex.split(re.split(" [<>|] ", line)[0])[2:]
        command_of(verb).make_context(verb, arguments)  # raises a UsageError where it is wrong
