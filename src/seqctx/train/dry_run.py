"""What training or merging would run, and why that would fail."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqctx.artifacts.folder_kinds import MERGED, RUN
from seqctx.artifacts.layout import RunDir
from seqctx.config.config import Config
from seqctx.config.effective import Effective
from seqctx.config.render import axolotl_mapping
from seqctx.config.source import Document
from seqctx.errors import SeqctxError, ToolError
from seqctx.system.environments import find_tool
from seqctx.system.replaced_folder import check_replaceable
from seqctx.system.secrets import redacted
from seqctx.train.launch import train_command
from seqctx.train.merge import check_mergeable, merge_command
from seqctx.train.output import refuse_inputs_in_output, refuse_run_of_other_config
from seqctx.train.preflight import preflight
from seqctx.train.resolved import resolve
from seqctx.train.run import finished_run


@dataclass(frozen=True, slots=True)
class TrainingDryRun:
    """What ``seqctx train`` would run.

    Attributes:
        resolved: the file that Axolotl would be given.
        mapping: what would be in it, with signs in place of secrets, which it would not have.
        command: Axolotl's command line.
        failures: what would go wrong, in the order in which the run would meet it.
    """

    resolved: Path
    mapping: dict[str, Any]
    command: list[str]
    failures: tuple[SeqctxError, ...]


@dataclass(frozen=True, slots=True)
class MergingDryRun:
    """What ``seqctx merge`` would run; see `TrainingDryRun`."""

    command: list[str]
    failures: tuple[SeqctxError, ...]


def dry_run_of_training(
    cfg: Config, launcher: tuple[str, ...] = (), *, document: Document | None = None,
    config: Path | None = None,
) -> TrainingDryRun:  # fmt: skip
    """What training would run; nothing is run or written.

    Args:
        cfg: the file, with its overrides.
        launcher: options for torchrun; see `launch.train_command`.
        document: the same file with its lines; None: its rules are not checked.
        config: where the file is; see `train`.
    """
    failures: list[SeqctxError] = []
    output = Path(cfg.output_dir)
    growing = RunDir.growing(output)
    if config:
        with _collected(failures):
            refuse_run_of_other_config(config, RunDir(output), growing)
    partial, resolved = growing.output_dir, growing.axolotl_yaml
    has_data = True
    try:
        mapping = resolve(cfg, partial)
    except SeqctxError as error:
        has_data, mapping = False, axolotl_mapping(cfg, output_dir=partial)
        failures.append(error)
    command = train_command(_axolotl(failures), resolved, launcher, ray=Effective.of(cfg).use_ray)
    if has_data and not finished_run(cfg):
        with _collected(failures):
            check_replaceable(output, RUN, resume=True)
            refuse_inputs_in_output(cfg)
        with _collected(failures):
            preflight(cfg, document, output)
    return TrainingDryRun(resolved, redacted(mapping), command, tuple(failures))


def dry_run_of_merging(cfg: Config) -> MergingDryRun:
    """What merging would run; nothing is run or written."""
    failures: list[SeqctxError] = []
    with _collected(failures):
        check_mergeable(cfg)
        check_replaceable(RunDir(Path(cfg.output_dir)).merged, MERGED)
    return MergingDryRun(merge_command(cfg, _axolotl(failures)), tuple(failures))


@contextmanager
def _collected(failures: list[SeqctxError]) -> Iterator[None]:
    """Add an error of the block to the failures, and go on."""
    try:
        yield
    except SeqctxError as error:
        failures.append(error)


def _axolotl(failures: list[SeqctxError]) -> Path:
    """The program; where it is not installed its bare name, and one more failure."""
    try:
        return find_tool("axolotl")
    except ToolError as error:
        failures.append(error)
        return Path("axolotl")
