"""What several verbs take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import yaml

CONFIG = click.argument("config", type=click.Path(path_type=Path))
DRY_RUN = click.option("--dry-run", is_flag=True, help="Print what would run; run nothing.")
FORCE = click.option("--force", is_flag=True, help="Do it again though nothing changed.")


def _overrides(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> dict[str, Any]:
    """``KEY=VALUE`` items as a mapping; values are YAML."""
    found = {}
    for item in values:
        key, equals, value = item.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"{item!r} is not KEY=VALUE, such as vllm.port=8001")
        try:
            found[key] = yaml.safe_load(value)
        except (yaml.YAMLError, ValueError):
            raise click.BadParameter(f"{item!r}: the value is no YAML") from None
    return found


SET = click.option(
    "--set",
    "overrides",
    metavar="KEY=VALUE",
    multiple=True,
    callback=_overrides,
    help="Lay one key over the file for this run, such as vllm.port=8001. May be repeated.",
)
