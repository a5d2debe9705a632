"""``seqctx prepare``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from seqctx.cli.options import CONFIG, DRY_RUN, FORCE, SET
from seqctx.cli.output import print_line


@click.command()
@CONFIG
@SET
@FORCE
@DRY_RUN
@click.option("--skip-bad", is_flag=True, help="Leave out files that cannot be read; list them.")
def prepare(
    config: Path, overrides: dict[str, Any], force: bool, dry_run: bool, skip_bad: bool
) -> None:
    r"""Turn manuscripts into training examples.

    Reads the manuscripts that seqctx.prepare of CONFIG names (.txt, .md, .docx, .epub, .odt, .rtf,
    .html and others) and cuts them into examples of at most sequence_len tokens, counted with the
    model's own tokenizer.
    A folder whose files are chapters is one book: a project of Scrivener, novelWriter, mdBook and
    others, or files that are numbered or named as chapters. The output says how each folder was
    read. Does nothing if nothing changed since the last run.

    \b
    Needs   the manuscripts, and the tokenizer of base_model
    Writes  prepare/out/STEM/, where STEM is CONFIG's name without .yaml:
            examples, manifest.json, and a report (report.html)
    Exit    0   written or up to date
            1   some of several files cannot be read (all are named; without
                --skip-bad nothing is written); another run uses
                prepare/out/STEM, or it holds files of yours or the examples
                of another CONFIG; or much of a manuscript may be no story
                (the message lists the parts and the setting)
            2   text or settings that cannot be used

    \b
    Examples:
      seqctx prepare my.yaml
      seqctx prepare my.yaml --set seqctx.prepare.held_out=0.2
      seqctx prepare my.yaml --skip-bad
    """
    from seqctx.artifacts.layout import DatasetDir
    from seqctx.config.config import load_config
    from seqctx.prepare.pipeline import prepare as run

    cfg, folder = load_config(config, overrides), DatasetDir.of(config).path
    if dry_run:
        from seqctx.prepare.output import check_output
        from seqctx.prepare.sources import source_files

        for path in check_output(cfg, config, folder):
            files = len(source_files(path))
            print_line(f"read {path}" + (f" ({files} files, one book)" if files > 1 else ""))
        print_line(f"tokenizer of {cfg.base_model}, sequence_len {cfg.sequence_len}")
        print_line(f"write {folder}")
        return
    from seqctx.artifacts.dataset_stats import DatasetStats
    from seqctx.cli.render.prepare import manifest_lines
    from seqctx.cli.render.progress import status
    from seqctx.prepare.pipeline import unlisted_files
    from seqctx.prepare.report import report_lines

    with status("preparing") as update:
        manifest, redone = run(
            cfg, folder, config=config, force=force, skip_bad=skip_bad, on_step=update
        )
    for line in manifest_lines(manifest, folder, redone):
        print_line(line)
    if stats := DatasetStats.read(DatasetDir(folder).stats):
        for line in report_lines(stats):
            print_line(line)
        print_line(f"report: {DatasetDir(folder).report}")
    for key, path in unlisted_files(cfg, manifest, folder):
        print_line(f"{config}: {key}: does not list {path}; Axolotl ignores it. Add it.", err=True)
