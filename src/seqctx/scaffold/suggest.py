"""The blocks that a file does not have, as a diff."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from seqctx.catalog.gpus import Gpu, machine_gpu
from seqctx.check.facts import Facts, gather_facts
from seqctx.config.config import Config, parse_config
from seqctx.config.effective import Effective
from seqctx.config.render import dump_yaml, hiding_secrets
from seqctx.config.source import read_text
from seqctx.scaffold.init import serving_block


def suggest_for_file(name: str, overrides: Mapping[str, Any] | None, stdin: IO[bytes]) -> str:
    """The blocks that a file does not have; see `suggest`.

    Args:
        name: its path; ``-`` for standard input.
        overrides: keys that the command line overrides, dotted.
        stdin: what ``-`` reads.

    Raises:
        InputError: when the file cannot be read.
        CheckError: as `suggest`.
    """
    path = None if name == "-" else Path(name)
    text, document = read_text(path, stdin)
    cfg = parse_config(document, overrides)
    return suggest(text, document.name, cfg, gather_facts(cfg, path), machine_gpu())


def suggest(text: str, name: str, cfg: Config, facts: Facts, machine: Gpu | None = None) -> str:
    """The blocks that a file does not have, as a diff for ``patch``.

    Args:
        text: the file.
        name: its path, for the diff's header.
        cfg: the same, validated.
        facts: what is known beside it.
        machine: this machine's GPU, for a file that names none.

    Returns:
        A unified diff; empty if the file has both blocks.

    Raises:
        CheckError: when the model cannot be served on the GPU.
    """
    added = ""
    gpu = facts.gpu or machine
    if "vllm" not in cfg.model_fields_set:
        block = serving_block(cfg, facts.model, gpu)
        if rope := Effective.of(cfg).training_rope:
            block["hf_overrides"] = {"rope_parameters": rope}
        added += "\n" + dump_yaml({"vllm": block})
    if "seqctx" not in cfg.model_fields_set:
        named = (
            f"  gpu: {gpu.name}\n"
            if gpu
            else "  # gpu: rtx-5090    # then check reports what does not fit\n"
        )
        added += f"\nseqctx:\n{named}"
    lines = text.splitlines(keepends=True)
    ended = text if text.endswith("\n") or not text else f"{text}\n"
    after = [*ended.splitlines(keepends=True), *added.splitlines(keepends=True)]
    unended = "\n\\ No newline at end of file\n"  # patch needs this mark

    def changes(context: int) -> str:
        found = difflib.unified_diff(lines, after, name, name, n=context) if added else ()
        return "".join(line if line.endswith("\n") else line + unended for line in found)

    hide, diff = hiding_secrets(cfg), changes(3)
    return diff if hide(diff) == diff else hide(changes(0))
