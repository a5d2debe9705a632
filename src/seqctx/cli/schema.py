"""``seqctx schema``."""

from __future__ import annotations

import click

from seqctx.cli.output import print_text


@click.command()
def schema() -> None:
    r"""Print the JSON Schema of config files, for editors.

    An editor with a YAML language server completes keys and explains them in a file whose first
    line is "# yaml-language-server: $schema=seqctx.schema.json".

    \b
    Needs   nothing
    Writes  nothing; the schema goes to standard output
    Exit    0   printed

    \b
    Example:
      seqctx schema > seqctx.schema.json
    """
    from seqctx.config.json_schema import schema_text

    print_text(schema_text())
