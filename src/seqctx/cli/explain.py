"""``seqctx explain``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from seqctx.cli.options import SET
from seqctx.cli.output import print_line, print_text


@click.command()
@click.argument("topic", required=False)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="The file whose numbers are used. Default: a built-in example.",
)
@click.option(
    "--prove", is_flag=True, help="With the topic myths: also measure it on the model of --config."
)
@SET
def explain(topic: str | None, config: Path | None, prove: bool, overrides: dict[str, Any]) -> None:
    r"""Explain training length and context length with your own numbers.

    TOPIC is lengths, memory, concurrency or myths; without it, all are explained. Without --config
    the numbers are those of a built-in example: Llama-3.1-8B-Instruct with QLoRA on an RTX 5090.

    With myths --prove, the base model, with the trained adapter if there is one, is measured: does
    its attention end at sequence_len, and does what it writes repeat at that distance?

    \b
    Needs   nothing; with --prove the model in a folder, manuscripts, and
            Axolotl (seqctx setup train)
    Writes  nothing
    Exit    0   good
            1   the model does know its training length
            2   wrong usage, or a model that is not there
            3   Axolotl failed

    \b
    Examples:
      seqctx explain
      seqctx explain myths --config my.yaml
      seqctx explain myths --prove --config my.yaml --set sequence_len=256
    """
    if prove and topic != "myths":
        raise click.UsageError(
            "--prove needs the topic myths: seqctx explain myths --prove --config FILE."
        )
    if prove and config is None:
        raise click.UsageError("--prove measures a model: name the file with --config.")
    from seqctx.config.config import load_config
    from seqctx.plan.explain import explain as explanation
    from seqctx.plan.file import plan_file
    from seqctx.plan.summary import summarize
    from seqctx.proofs.continuity import check_provable, prove_continuity
    from seqctx.scaffold.example import EXAMPLE, example_config
    from seqctx.system.visible import visible

    if config is None:
        cfg, stats = example_config(overrides), None
        summary = summarize(cfg)
    else:
        cfg = load_config(config, overrides)
        if prove:
            check_provable(cfg)
        result = plan_file(config, cfg)
        summary, stats = result.summary, result.stats
    paragraphs = explanation(summary, stats, topic)
    if config is None:
        print_text(f"An example: {EXAMPLE}. Your own file: --config FILE.\n\n", err=True)
    for paragraph in paragraphs:
        print_text(click.wrap_text(visible(paragraph), width=90) + "\n\n")
    if prove:
        continuity = prove_continuity(cfg)
        for line in continuity.lines():
            print_line(line)
        if continuity.failures:
            raise click.exceptions.Exit(1)
