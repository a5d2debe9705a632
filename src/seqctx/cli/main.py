"""The command line: one verb a stage; the only place that prints and exits."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import NoReturn

import click

from seqctx import __version__
from seqctx.cli import files, planning, serving, stages
from seqctx.errors import SeqctxError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__)
def cli() -> None:
    r"""Two lengths, one file: what Axolotl trains and what vLLM serves.

    \b
    seqctx init CONFIG       a file to start from, for your model, card and text
    seqctx check CONFIG...   what Axolotl and vLLM would let through, by line
    seqctx prepare CONFIG    manuscripts to examples, counted in the model's own tokens
    seqctx plan CONFIG       memory before the GPU hours, and which option to take
    seqctx explain [TOPIC]   the two lengths, with your own numbers
    seqctx train CONFIG      Axolotl on what the file says; the adapter in output_dir
    seqctx merge CONFIG      base and adapter as one model
    seqctx serve CONFIG      vLLM with the base and the adapter under two names
    seqctx chat              talk with both
    """


for verb in (*files.VERBS, *planning.VERBS, *stages.VERBS, *serving.VERBS):
    cli.add_command(verb)
for described in (cli, *cli.commands.values()):
    # click keeps the lines after a backspace as they are; a raw docstring holds it as two signs
    described.help = (described.help or "").replace("\\b\n", "\b\n")


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    """End as Ctrl-C does, so that subprocesses are stopped and partial output is removed."""
    raise SystemExit(128 + number)


def main() -> NoReturn:
    """Run the command line; errors become one line each and an exit status."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _terminate)
    try:
        status = cli(standalone_mode=False)  # what a verb's Exit carries
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except SeqctxError as error:
        click.echo(str(error), err=True)
        sys.exit(error.exit_code)
    except OSError as error:  # such as a disk that fills between two checks
        click.echo(f"{error.filename or 'seqctx'}: {error.strerror or error}.", err=True)
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted; nothing half-written was left", err=True)
        sys.exit(130)
    sys.exit(status or 0)
