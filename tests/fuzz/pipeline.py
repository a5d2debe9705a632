"""All that reads a config, in process: check, plan, render, and the dry runs of train and serve."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from seqctx.check.facts import gather_facts
from seqctx.check.files import check_files
from seqctx.cli.render.plan import plan_view
from seqctx.config.config import Config, diff, parse_config
from seqctx.config.render import annotated_yaml, axolotl_mapping, dump_yaml, vllm_command
from seqctx.config.source import Document, parse_document
from seqctx.errors import SeqctxError
from seqctx.plan.file import plan_file
from seqctx.scaffold.suggest import suggest
from seqctx.serve.dry_run import dry_run_of_serving
from seqctx.train.dry_run import dry_run_of_merging, dry_run_of_training

LONGEST_LINE = 2000


def run_all(path: Path, *, overrides: dict[str, Any] | None = None) -> list[str]:
    """Give a file to everything that reads it.

    Returns:
        What was printed of problems; a file that cannot be read gives one line, or several.
    """
    checked = check_files([str(path)], overrides, None)  # type: ignore[arg-type]
    _as_json([asdict(problem) for problem in checked.problems])
    lines = [str(problem) for problem in checked.problems]
    for message in checked.unreadable:
        lines += message.splitlines()
    document = None
    try:
        document = parse_document(path.read_bytes(), str(path))
        cfg = parse_config(document, overrides)
    except SeqctxError as error:
        assert str(error)
        assert lines
        return [*lines, *str(error).splitlines()]
    return lines + run_config(cfg, document, path)


def run_config(cfg: Config, document: Document, path: Path) -> list[str]:
    """Give a valid Config to everything that takes one; what was refused, by line."""
    refused: list[str] = []
    for step in (_render, _plan, _options, _serve, _train, _merge, _suggest):
        try:
            step(cfg, document, path)
        except SeqctxError as error:
            refused += str(error).splitlines()
    return refused


def _render(cfg: Config, document: Document, path: Path) -> None:
    again = parse_config(parse_document(annotated_yaml(cfg), "again"))
    assert again == cfg, diff(cfg, again)
    mapping = axolotl_mapping(cfg)
    assert yaml.safe_load(yaml.safe_dump(mapping)) == mapping
    dump_yaml(mapping)
    cfg._repr_html_()
    cfg.replace(sequence_len=1024)
    assert all(isinstance(word, str) and "\0" not in word for word in vllm_command(cfg))


def _plan(cfg: Config, document: Document, path: Path) -> None:
    planned = plan_file(path, cfg)
    _as_json(planned.as_data())
    _shown(plan_view(planned.summary, planned.compared))


def _options(cfg: Config, document: Document, path: Path) -> None:
    planned = plan_file(path, cfg, gpu="rtx-4090", compare=True)
    _as_json(planned.as_data())
    _shown(plan_view(planned.summary, planned.compared))


def _serve(cfg: Config, document: Document, path: Path) -> None:
    _failures(dry_run_of_serving(cfg))


def _train(cfg: Config, document: Document, path: Path) -> None:
    run = dry_run_of_training(cfg, document=document)
    dump_yaml(run.mapping)
    _failures(run)


def _merge(cfg: Config, document: Document, path: Path) -> None:
    _failures(dry_run_of_merging(cfg))


def _suggest(cfg: Config, document: Document, path: Path) -> None:
    suggest(path.read_text("utf-8-sig"), str(path), cfg, gather_facts(cfg, path))


def _failures(run: Any) -> None:
    if run.failures:
        raise type(run.failures[0])("\n".join(map(str, run.failures)))


def _as_json(data: Any) -> None:
    json.dumps(data, allow_nan=False).encode()


def _shown(view: Any) -> None:
    console = Console(width=100, file=None)
    with console.capture() as captured:
        console.print(view)
    text = captured.get().encode().decode()
    words = {word.strip("%[](),").lower() for word in text.split()}
    assert not words & {"nan", "inf", "-inf", "infinity"}, text
