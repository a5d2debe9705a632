"""Writes what is generated from the code: the command line's page, the schema, the picture."""

from __future__ import annotations

from pathlib import Path

import architecture
import click

from seqctx.cli.main import cli, command_of
from seqctx.cli.verbs import SUMMARIES
from seqctx.config.json_schema import schema_text

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "explanation" / "architecture.svg"


def cli_page() -> str:
    """Every verb's help, as ``--help`` prints it."""
    parts = ["# Command line", "Generated from the commands by `make docs`: do not edit."]
    for name, command in (("", cli), *((name, command_of(name)) for name in SUMMARIES)):
        title = f"seqctx {name}".strip()
        context = click.Context(
            command, info_name=title, terminal_width=90, max_content_width=90,
            help_option_names=["-h", "--help"],
        )  # fmt: skip
        parts.append(f"## {title}\n\n```\n{command.get_help(context)}\n```")
    return "\n\n".join(parts) + "\n"


def pages() -> dict[Path, str]:
    """Every generated file and its text."""
    return {
        ROOT / "docs" / "cli.md": cli_page(),
        ROOT / "axolotl_configs" / "seqctx.schema.json": schema_text(),
        PICTURE: architecture.picture(),
    }


def main() -> None:
    """Write them."""
    for path, text in pages().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
