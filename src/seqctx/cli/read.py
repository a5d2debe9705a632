"""``seqctx read``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from seqctx.cli.options import SET
from seqctx.cli.output import print_json, print_line, print_text


@click.command()
@click.argument("manuscripts", nargs=-1)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Read as seqctx.prepare of this file says; without MANUSCRIPTS, those that it names.",
)
@click.option("--text", is_flag=True, help="Print the text as it will be cut, and nothing else.")
@click.option("--json", "as_json", is_flag=True, help="Print what was understood as JSON.")
@click.option(
    "--html",
    type=click.Path(path_type=Path),
    help="Write a page with the text and its chapter and scene marks.",
)
@SET
def read(
    manuscripts: tuple[str, ...],
    config: Path | None,
    text: bool,
    as_json: bool,
    html: Path | None,
    overrides: dict[str, Any],
) -> None:
    r"""Show how manuscripts are understood, before anything is made of them.

    Shows the title, parts, chapters and scenes of each of MANUSCRIPTS (files, or folders) with
    their words, what is left out of the text and why, and places to look at: chapters of unusual
    length, gaps that may be scene breaks. No tokenizer is loaded.

    \b
    Needs   the manuscripts
    Writes  nothing; with --html the page
    Exit    0   read
            1   much of a manuscript may be no story: prepare would refuse it
            2   wrong usage, or a file that cannot be read; others are shown

    \b
    Examples:
      seqctx read novel.docx
      seqctx read chapters/ --html novel.html
      seqctx read --config my.yaml
      seqctx read novel.epub --text > novel.txt
    """
    if not manuscripts and config is None:
        raise click.UsageError("Name a manuscript, or --config FILE.")
    if overrides and config is None:
        raise click.UsageError("--set overrides keys of a file: name it with --config FILE.")
    if text and as_json:
        raise click.UsageError("--text and --json exclude each other.")
    from seqctx.cli.render.console import print_view
    from seqctx.cli.render.progress import status
    from seqctx.cli.render.read import book_lines, book_tree
    from seqctx.config.blocks import Prepare
    from seqctx.config.config import load_config
    from seqctx.errors import InputError
    from seqctx.prepare.book_summary import book_data, chapter_summaries
    from seqctx.prepare.left_out import unclear_parts
    from seqctx.prepare.readers.find import look_for_manuscripts
    from seqctx.prepare.readers.manuscripts import read_as_configured
    from seqctx.prepare.report import reading_lines

    settings = load_config(config, overrides).seqctx.prepare if config else Prepare()
    found = look_for_manuscripts(manuscripts or settings.manuscripts, settings.folders)
    books, problems = [], list[str]()
    with status("reading") as update:
        for path in found.paths:
            update(f"reading {path}")
            try:
                books.append(read_as_configured(path, settings, skip_bad=True))
                problems += [file.problem for file in books[-1].skipped]
            except InputError as error:
                problems += error.lines
        update("")
    if text:
        for book in books:
            print_text(book.text + "\n")
    elif as_json:
        print_json([book_data(book) for book in books])
    else:
        for book in books:
            chapters = chapter_summaries(book)
            print_view(book_tree(book, chapters))
            for line in book_lines(book, chapters):
                print_line(f"  {line}")
        for line in reading_lines(found.folders, [str(path) for path in found.not_read]):
            print_line(line)
    if html and books:
        from seqctx.prepare.book_page import book_page
        from seqctx.report.write_page import write_page

        write_page(html, book_page(books))
        print_line(f"page: {html}", err=text or as_json)
    refused = [line for book in books for line in unclear_parts(book)]
    if settings.keep_front_and_back_matter is not None:
        refused = []
    for line in (*refused, *problems):
        print_line(line, err=True)
    if problems or refused:
        raise click.exceptions.Exit(2 if problems else 1)
