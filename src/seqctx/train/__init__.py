"""Run Axolotl on a file: preflight, a resolved YAML, the run itself, a record of it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from typing import Any

import yaml

from seqctx.errors import CheckError, InputError, ToolError
from seqctx.files import (
    atomic_write,
    check_base,
    explain_os_errors,
    fingerprint_model,
    free_bytes,
    hash_text,
    hash_tree,
    replaced_folder,
)
from seqctx.process import (
    failure,
    find_tool,
    has_gpu,
    lines,
    running,
    tool_environment,
    versions,
)
from seqctx.schema.config import Config, Dataset
from seqctx.schema.manifest import DATA_FILES, MANIFEST, RUN_RECORD, Manifest, Point, Run
from seqctx.schema.render import axolotl_mapping
from seqctx.train.progress import Progress, read_progress

_REMEDIES = {
    r"Found a sequence with length|exceeds the maximum sequence length": (
        "Run 'seqctx prepare' again, or raise sequence_len"
    ),
    r"ValidationError|Input should be": "Mend the key",
    r"No module named 'seqctx'": "Run 'make setup-train'",
}
_RECORDED = ("axolotl", "torch", "transformers", "peft", "bitsandbytes", "seqctx")
_DISK_NEEDED = 500_000_000  # bytes: checkpoints of a small adapter, tokenized data, the log


def train_command(axolotl: Path, resolved: Path) -> list[str]:
    """The command that trains; without a GPU, Axolotl's launchers only get in the way."""
    launcher = [] if has_gpu() else ["--launcher", "python"]
    return [str(axolotl), "train", str(resolved), *launcher]


def train(
    cfg: Config,
    *,
    force: bool = False,
    on_event: Callable[[Progress], None] = lambda event: None,
) -> tuple[Run, bool]:
    """Train what a file says, unless that was done and nothing changed.

    Axolotl writes to `files.partial_of` ``output_dir``, which takes its place when it ended
    well. Its YAML, its log and the record are in ``run/``.

    Returns:
        The record, and whether it is new.

    Raises:
        CheckError: when data or base model are missing, or the disk is nearly full.
        ToolError: when Axolotl is not there, or failed; with its reason and the log.
    """
    output = Path(cfg.output_dir)
    mapping = resolve(cfg, output)
    fingerprint = _fingerprint(cfg, mapping)
    last = None if force else Run.read(output / RUN_RECORD)
    if last and last.fingerprint == fingerprint and _trained(cfg, output):
        return last, False
    axolotl = find_tool("axolotl")
    if (free := free_bytes(output)) < _DISK_NEEDED:
        raise CheckError(
            f"output_dir: {output}: the disk is full ({free / 1e6:.0f} MB free, a run wants "
            f"{_DISK_NEEDED / 1e6:.0f}). Make room, or set output_dir elsewhere."
        )

    with _log_of(output) as log, replaced_folder(output, made_by=RUN_RECORD) as partial:
        run = partial / "run"
        resolved = write_resolved(resolve(cfg, partial), run / "axolotl.yaml", output)
        start = time.monotonic()
        steps, points = _run_axolotl(cfg, axolotl, resolved, log, on_event)
        if not _trained(cfg, partial):
            raise ToolError(f"axolotl: ended without weights in {partial}. See the log: {log}.")
        record = Run(
            fingerprint=fingerprint,
            base_model=cfg.base_model,
            base_fingerprint=fingerprint_model(cfg.base_model),
            versions=versions(axolotl, _RECORDED),
            seconds=round(time.monotonic() - start, 1),
            steps=steps,
            points=tuple(points),
        )
        with explain_os_errors(log):
            shutil.move(log, run / "train.log")
        record.write(partial / RUN_RECORD)
    return record, True


@contextmanager
def _log_of(output: Path) -> Iterator[Path]:
    """``<output_dir>.train.log``: stays where a run fails, goes where one is interrupted."""
    log = output.with_name(output.name + ".train.log")
    with explain_os_errors(log):
        log.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield log
    except (KeyboardInterrupt, SystemExit):
        log.unlink(missing_ok=True)
        raise


def _run_axolotl(
    cfg: Config, axolotl: Path, resolved: Path, log: Path, on_event: Callable[[Progress], None]
) -> tuple[int, list[Point]]:
    """Run it to its end; the optimizer steps it made and its losses."""
    steps, points = 0, []
    data = [Path(d.path).exists() for d in (*cfg.datasets, *cfg.test_datasets)]
    env = tool_environment(axolotl, offline=cfg.base_model_is_local and all(data))
    with (
        explain_os_errors(log),
        log.open("wb") as f,
        running(train_command(axolotl, resolved), env) as process,
    ):
        for event in read_progress(lines(process, f)):
            steps = event.step
            if event.point:
                points.append(event.point)
                if event.point.loss is not None and not isfinite(event.point.loss):
                    raise ToolError(
                        f"axolotl: the loss is {event.point.loss} at step {steps}; stopped. "
                        f"Lower learning_rate; the log is {log}."
                    )
            on_event(event)
        code = process.wait()
    if code:
        raise failure("axolotl", code, log, _REMEDIES)
    return steps, points


def resolve(cfg: Config, output_dir: Path) -> dict[str, Any]:
    """The Axolotl YAML to run: the file's, without data files that prepare had no rows for.

    Raises:
        InputError: when the base model is missing, or no data is named.
        CheckError: when data is missing, all of it or a file that prepare had rows for.
    """
    check_base(cfg.base_model)
    mapping = axolotl_mapping(cfg, output_dir=output_dir)
    for key, entries in (("datasets", cfg.datasets), ("test_datasets", cfg.test_datasets)):
        if not entries:
            continue
        there = [_present(entry) for entry in entries]
        missing = [e.path for e, is_there in zip(entries, there, strict=True) if not is_there]
        for path in missing:
            if not any(there) or not _had_no_rows(Path(path)):
                raise CheckError(f"{key}: {path}: not there. Run 'seqctx prepare', or check it.")
        mapping[key] = [m for m, present in zip(mapping[key], there, strict=True) if present]
    if not cfg.datasets:
        raise InputError("datasets: missing. List what 'seqctx prepare' writes, or your own.")
    return mapping


def write_resolved(mapping: dict[str, Any], path: Path, output_dir: Path) -> Path:
    """Write the YAML that is run, with a header that says so."""
    with atomic_write(path) as f:
        f.write(f"# What seqctx gave to Axolotl; it becomes {output_dir} when the run ends well.\n")
        yaml.safe_dump(mapping, f, sort_keys=False, allow_unicode=True)
    return path


def _present(dataset: Dataset) -> bool:
    """Whether a dataset can be there: a file that exists, or something that is no local file."""
    looks_local = dataset.path.endswith((".jsonl", ".json", ".parquet", ".csv", ".txt"))
    return not looks_local or "://" in dataset.path or Path(dataset.path).exists()


def _had_no_rows(path: Path) -> bool:
    """Whether prepare wrote no such file because it would be empty: its manifest says so."""
    if path.name not in DATA_FILES:
        return False
    manifest = Manifest.read(path.parent / MANIFEST)
    return manifest is not None and path.name not in manifest.files


def _fingerprint(cfg: Config, mapping: dict[str, Any]) -> str:
    """Hash of all that the trained weights depend on."""
    files = [e["path"] for k in ("datasets", "test_datasets") for e in mapping.get(k, ())]
    data = [f"{p} {hash_tree(Path(p))}" for p in files if Path(p).exists()]
    mapping = {k: v for k, v in mapping.items() if k != "vllm"}
    return hash_text(yaml.safe_dump(mapping), fingerprint_model(cfg.base_model), *data)


def _trained(cfg: Config, folder: Path) -> bool:
    """Whether a folder holds what this file trains."""
    return any(folder.glob("adapter_model*" if cfg.adapter else "model*.safetensors"))
