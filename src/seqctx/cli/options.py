"""Arguments and options that several verbs take."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from seqctx.cli.output import print_error
from seqctx.errors import SeqctxError, without_url_secrets
from seqctx.system.secrets import OVERRIDES_VARIABLE, is_secret_name, redacted_value


def _overrides(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, Any]:
    """``KEY=VALUE`` items as a mapping; values are YAML.

    A seqctx that another one started in the background finds its items in a variable, because
    everybody can read a command line.
    """
    handed_on = json.loads(os.environ.pop(OVERRIDES_VARIABLE, "[]"))
    found = {}
    for item in (*handed_on, *values):
        key, equals, value = item.partition("=")
        if not equals or not key:
            shown = _without_value(item)
            raise click.BadParameter(f"{shown!r} is not KEY=VALUE, such as vllm.port=8001")
        from seqctx.config.source import parse_value  # here, so that --help does not wait for it

        found[key] = parse_value(value, f"--set {ascii(key)[1:-1]}")
    return found


def _without_value(item: str) -> str:
    """An item that cannot be read, up to its value or the name of a secret if it has one."""
    if "=" in item:
        return f"{item[: item.index('=') + 1]}..."
    for word in re.finditer(r"[\w-]+", item):
        if is_secret_name(word[0]):
            return f"{item[: word.end()]}..."
    return without_url_secrets(item)


def shown_override(item: str) -> str:
    """``KEY=VALUE`` as it was given, with signs in place of secrets."""
    import yaml

    key, _, value = item.partition("=")
    given = yaml.safe_load(value)
    shown = redacted_value(key.split("."), given)
    if shown == given:
        return item
    return f"{key}={shown if isinstance(shown, str) else json.dumps(shown, default=str)}"


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
