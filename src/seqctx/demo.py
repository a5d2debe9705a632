"""Prepare, train, serve and compare, end to end: both models continue a held-out passage."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seqctx.artifacts.manifest import Manifest
from seqctx.artifacts.run_record import TrainingRun
from seqctx.config.config import Config
from seqctx.errors import CheckError
from seqctx.prepare.pipeline import prepare
from seqctx.serve import check_port, complete, server_log, serving, trained_config
from seqctx.system.atomic import explain_os_errors
from seqctx.system.environments import find_tool, local_environment, user_environment
from seqctx.system.regular_file import open_file
from seqctx.train.progress import Progress
from seqctx.train.run import train

ANSWER_TOKENS = 120


@dataclass(frozen=True, slots=True)
class Step:
    """One step: whether it was run, how long it took, and where its result is."""

    name: str
    seconds: float
    redone: bool
    where: Path


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that the demo filled or used.

    Attributes:
        name: what is in it.
        path: where it is.
        bytes: on disk, of all files in it.
    """

    name: str
    path: Path
    bytes: int


@dataclass(frozen=True)
class Demo:
    """What the demo made.

    Attributes:
        steps: in order.
        manifest: of prepare.
        run: of train.
        asked: the user's turn that both models were given, from the held-out text.
        base: the base model's continuation.
        adapter: the adapter's.
        author: the author's own continuation.
        folders: what takes disk space.
    """

    steps: list[Step]
    manifest: Manifest
    run: TrainingRun
    asked: str
    base: str
    adapter: str
    author: str
    folders: tuple[Folder, ...]


def demo(
    cfg: Config,
    out: Path,
    *,
    config: Path | None = None,
    on_step: Callable[[str], None],
    on_train: Callable[[Progress], None],
    on_done: Callable[[Step], None],
) -> Demo:
    """Run all steps; a step is skipped if nothing that it reads has changed.

    Args:
        cfg: a file with an adapter.
        out: the folder of the prepared examples.
        config: where the file is; see `prepare` and `train`.
        on_step: called with a line when something starts.
        on_train: called with Axolotl's progress.
        on_done: called with each step that has ended.

    Raises:
        SeqctxError: whatever a step raises.
    """
    _check_usable(cfg)
    timer = _Timer(on_done)
    manifest, redone = prepare(cfg, out, config=config, on_step=on_step)
    timer.done("prepare", redone, out)
    run, redone = train(cfg, config=config, on_event=on_train)
    timer.done("train", redone, Path(cfg.output_dir))

    row = _held_out_row(out, manifest)
    asked, author = row["messages"][:-1], row["messages"][-1]["content"]
    on_step("starting vLLM")
    with serving(
        trained_config(cfg), server_log(cfg), on_stage=lambda stage: on_step(f"vLLM: {stage}")
    ) as server:
        timer.done("serve", True, server.log)
        answers = []
        for model in (server.base, server.adapter or server.base):
            on_step(f"asking {model}")
            answers.append(complete(server.address, model, asked, max_tokens=ANSWER_TOKENS))
        timer.done("ask", True, server.log)
        on_step("stopping vLLM")
    timer.done("stop", True, server.log)
    return Demo(
        timer.steps, manifest, run, asked[-1]["content"], answers[0], answers[1], author,
        _folders(cfg, out),
    )  # fmt: skip


class _Timer:
    """The steps that have ended, each with the time since the one before it."""

    def __init__(self, on_done: Callable[[Step], None]) -> None:
        self.steps: list[Step] = []
        self.on_done = on_done
        self.start = time.monotonic()

    def done(self, name: str, redone: bool, where: Path) -> None:
        """Note that a step has ended now."""
        self.steps.append(Step(name, time.monotonic() - self.start, redone, where))
        self.on_done(self.steps[-1])
        self.start = time.monotonic()


def _check_usable(cfg: Config) -> None:
    """Check what would otherwise fail after minutes of training.

    Raises:
        CheckError: when the file has no adapter or no chat examples, or the port is taken.
        ToolError: when Axolotl or vLLM is not installed.
    """
    if not cfg.adapter:
        raise CheckError(
            "adapter: missing; the demo compares base model and adapter. Set it, such as qlora."
        )
    if cfg.seqctx.prepare.format == "tokens":
        raise CheckError(
            "seqctx.prepare.format: must be chat for the demo, which asks in chat (got tokens)."
        )
    for tool in ("axolotl", "vllm"):
        find_tool(tool)
    check_port(cfg)


def _folders(cfg: Config, out: Path) -> tuple[Folder, ...]:
    """What the demo made and used, with its size."""
    named = {
        "examples": out,
        "adapter": Path(cfg.output_dir),
        "base model": Path(cfg.base_model),
        "seqctx": Path(sys.prefix),
    }
    for name, environment in (("Axolotl", "train"), ("vLLM", "serve")):
        for place in (local_environment(environment), user_environment(environment)):
            if name not in named and place.is_dir():
                named[name] = place
    return tuple(
        Folder(name, path, folder_bytes(path)) for name, path in named.items() if path.is_dir()
    )


def folder_bytes(folder: Path) -> int:
    """Bytes on disk of all files below a folder, links not followed."""
    return sum(p.lstat().st_blocks * 512 for p in folder.rglob("*") if not p.is_dir())


def _held_out_row(out: Path, manifest: Manifest) -> dict[str, Any]:
    """The first held-out example that continues a chapter; where none does, the first."""
    rows: list[dict[str, Any]] = []
    for name in manifest.held_out.files:
        with explain_os_errors(out / name), open_file(out / name) as f:
            rows += [json.loads(line) for line in f]
    seen = set()
    for row in rows:
        if row["chapter"] in seen:
            return row
        seen.add(row["chapter"])
    return rows[0]
