"""The command line: loads a verb when it is asked for, and turns errors into lines and statuses."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NoReturn

import click

from seqctx import __version__
from seqctx.cli.interrupts import LINE, end_soon, raising, was_interrupted
from seqctx.cli.output import guard_output, print_error, print_line, print_usage_error
from seqctx.cli.verbs import SECTIONS, SUMMARIES
from seqctx.errors import SeqctxError
from seqctx.system.extras import missing_package

_ARGUMENTS = "seqctx.arguments"
_ENDS_SOON = ("check", "read", "prepare", "plan", "explain", "init", "schema")


class VerbGroup(click.Group):
    """The group of all verbs; a verb's module is imported when that verb is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All verbs, in the order of the help."""
        return [*SUMMARIES]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One verb, loaded now; None for a name that is no verb."""
        return command_of(cmd_name) if cmd_name in SUMMARIES else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb that the arguments name; what follows it is kept for `arguments_of_verb`."""
        name = args[0]
        if name not in SUMMARIES and not name.startswith("-"):
            import difflib  # only for what is misspelled

            close = difflib.get_close_matches(name, SUMMARIES, 1)
            hint = f"Did you mean {close[0]!r}?" if close else "Run seqctx --help for a list."
            ctx.fail(f"No such command {name!r}. {hint}")
        ctx.meta[_ARGUMENTS] = args[1:]
        if name in _ENDS_SOON:
            end_soon()
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The verbs under their headings."""
        width = max(map(len, SUMMARIES))
        for heading, verbs in SECTIONS.items():
            with formatter.section(heading):
                formatter.write_dl([(verb.ljust(width), line) for verb, line in verbs.items()])

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Read the arguments before the verb."""
        try:
            return super().make_context(*args, **extra)
        except click.UsageError as error:
            print_usage_error(error)
            raise click.exceptions.Exit(error.exit_code) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb; an error becomes its message on stderr and its exit status."""
        with errors_as_exits(ctx):
            return super().invoke(ctx)


def command_of(verb: str) -> click.Command:
    """The command of a verb, loaded now."""
    command: click.Command = getattr(import_module(f"seqctx.cli.{verb}"), verb)
    command.help = _kept_lines(command.help)
    return command


def _kept_lines(text: str | None) -> str:
    """A help text for click, which keeps the lines after a backspace as they are.

    A raw docstring holds the backspace as two characters.
    """
    return (text or "").replace("\\b\n", "\b\n")


def arguments_of_verb() -> list[str]:
    """What was given after the verb of the running command, as it was given."""
    given: list[str] = click.get_current_context().meta[_ARGUMENTS]
    return list(given)


@contextmanager
def errors_as_exits(ctx: click.Context) -> Iterator[None]:
    """Turn what can go wrong into one message on stderr and an exit status."""
    try:
        with raising():
            yield
    except BaseException as error:
        if status := was_interrupted():  # a library may have made another error of it
            print_line(LINE, err=True)
            ctx.exit(status)
        _explain(ctx, error)


def _explain(ctx: click.Context, raised: BaseException) -> NoReturn:
    """Print an error that a user can solve, and exit; raise any other again."""
    try:
        raise raised
    except SeqctxError as error:
        print_error(error)
        ctx.exit(error.exit_code)
    except click.ClickException as error:
        print_usage_error(error)
        ctx.exit(error.exit_code)
    except BrokenPipeError:  # what reads our output has ended, as head does
        raise
    except OSError as error:  # such as a disk that fills between two checks
        print_line(f"{error.filename or 'seqctx'}: {error.strerror or error}.", err=True)
        ctx.exit(2)
    except ImportError as error:
        if not (explained := missing_package(error)):
            raise
        print_error(explained)
        ctx.exit(explained.exit_code)
    except (KeyboardInterrupt, click.Abort):
        print_line(LINE, err=True)
        ctx.exit(130)


@click.group(
    cls=VerbGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__)
def cli() -> None:
    r"""Train with Axolotl and serve with vLLM from one YAML file.

    How long a training example is (sequence_len) and how much the served model attends to
    (vllm.max_model_len) are two settings. seqctx checks both before any GPU hours are spent.

    "seqctx COMMAND --help" explains a command, with examples.

    \b
    Exit    0   good
            1   problems found: an error in the file, a model that does not fit
            2   wrong usage, or a file that cannot be used
            3   Axolotl or vLLM failed
            130 interrupted
    """


cli.help = _kept_lines(cli.help)


def run() -> NoReturn:
    """Run the command line; `seqctx.cli.start` has the signals handled before."""
    # What modules make while they load stays. Collecting less often saved about 4 % of seqctx check
    # (medians of 12 runs, without compiled bytecode).
    gc.set_threshold(100_000)
    guard_output()
    cli(prog_name="seqctx")
    raise SystemExit(0)  # click has exited already
