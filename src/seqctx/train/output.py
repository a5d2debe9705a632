"""What train must not replace in output_dir: another file's run, and the base model."""

from __future__ import annotations

import os
from pathlib import Path

from seqctx.artifacts.folder_config import other_config, recorded_config
from seqctx.artifacts.layout import RunDir
from seqctx.config.config import Config
from seqctx.errors import CheckError


def refuse_run_of_other_config(config: Path, run_dir: RunDir, growing: RunDir) -> None:
    """Check that ``output_dir`` does not hold the run of another config file.

    Args:
        config: the file.
        run_dir: its ``output_dir``.
        growing: where its run grows; an interrupted run may be there.

    Raises:
        CheckError: when it does, and that file still exists.
        InputError: when a record cannot be read.
    """
    output = run_dir.output_dir
    for record in (run_dir.record, growing.record, growing.begun):
        if other := other_config(recorded_config(record), config, output):
            raise CheckError(
                f"output_dir: {output}: holds what was trained from {other}. In {config}, set "
                "output_dir to another folder."
            )


def refuse_inputs_in_output(cfg: Config) -> None:
    """Check that the base model is not in ``output_dir``, which a new run replaces.

    Raises:
        CheckError: when it is.
    """
    output = Path(os.path.realpath(cfg.output_dir))
    base = Path(os.path.realpath(cfg.base_model))
    if base.is_dir() and (base == output or output in base.parents):
        raise CheckError(
            f"base_model: {cfg.base_model}: is in output_dir, which training replaces. Set "
            "output_dir to another folder."
        )
