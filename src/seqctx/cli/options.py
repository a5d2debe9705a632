"""Arguments and options that several verbs take."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from seqctx.cli.output import print_error
from seqctx.errors import SeqctxError


def _overrides(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, Any]:
    """``KEY=VALUE`` items as a mapping; values are YAML."""
    found = {}
    for item in values:
        key, equals, value = item.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"{item!r} is not KEY=VALUE, such as vllm.port=8001")
        import yaml  # here, so that --help does not wait for it

        try:
            found[key] = yaml.safe_load(value)
        except (yaml.YAMLError, ValueError):
            raise click.BadParameter(f"{item!r}: the value is not valid YAML") from None
    return found


CONFIG = click.argument("config", type=click.Path(path_type=Path))
DRY_RUN = click.option(
    "--dry-run",
    is_flag=True,
    help="Print what would run, and run nothing; the exit status tells whether it would fail.",
)
FORCE = click.option("--force", is_flag=True, help="Run again even if nothing changed.")
SET = click.option(
    "--set",
    "overrides",
    metavar="KEY=VALUE",
    multiple=True,
    callback=_overrides,
    help="Override one key of the file for this run, such as vllm.port=8001. May be repeated.",
)


def print_failures(failures: Sequence[SeqctxError]) -> None:
    """Say why a dry run's command would fail, and exit as it would."""
    for error in failures:
        print_error(error, "would fail: ")
    if failures:
        raise click.exceptions.Exit(failures[0].exit_code)
