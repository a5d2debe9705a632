"""What stages leave for one another: prepare's manifest and train's record, as models.

A record is written last and whole, so one that is there means that its stage ended well.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from seqctx.errors import InputError
from seqctx.files import atomic_write, explain_os_errors

MANIFEST = "manifest.json"
"""Where prepare's manifest is, in its folder."""
RUN_RECORD = "run/run.json"
"""Where train's record is, in ``output_dir``."""
BEGUN = "run/begun.json"
"""Where it is said what an unfinished run trains."""


def data_file(side: Literal["train", "held_out"], *, ends: bool) -> str:
    """Name of prepare's file for one side of the split: texts that go on, or texts that end."""
    return f"{side}-{'ends' if ends else 'continues'}.jsonl"


DATA_FILES = frozenset(data_file(s, ends=e) for s in ("train", "held_out") for e in (False, True))
"""All that prepare may write."""


class Record(BaseModel):
    """A frozen model kept as one JSON file."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """The record, or None where there is no such file.

        Raises:
            InputError: when the file is there but is no such record.
        """
        if not path.is_file():
            return None
        try:
            with explain_os_errors(path):
                return cls.model_validate_json(path.read_text("utf-8"))
        except (ValidationError, UnicodeDecodeError):
            raise InputError(
                f"{path}: not as this version writes it. Run its stage again with --force."
            ) from None

    def write(self, path: Path) -> None:
        """Write atomically."""
        with atomic_write(path) as f:
            f.write(self.model_dump_json(indent=2) + "\n")


class Skipped(Record):
    """Front or back matter that was left out."""

    kind: str
    title: str
    words: int


class Source(Record):
    """One manuscript as it was read."""

    path: str
    title: str
    sha256: str
    words: int
    tokens: int
    """Tokens of the whole normalized text, in one piece, no special tokens."""
    chapters: int
    encoding: str = ""
    """How its characters were decoded; empty where its format says so itself."""
    left_out: tuple[Skipped, ...] = ()
    held_out_chapters: tuple[str, ...] = ()


class Split(Record):
    """The examples of one side of the split."""

    files: dict[str, str]
    """File name to sha256; a file without examples is not written."""
    examples: int
    tokens: int
    """Tokens of the rendered examples, template included."""
    loss_tokens: int
    """Tokens that the loss is taken over."""
    longest: int
    """Tokens of the longest example."""
    lengths: dict[int, int] = {}
    """How many examples have how many tokens; empty in manifests of earlier versions."""
    cuts: dict[str, int] = {}
    """What the ends of how many chunks cut: a chapter's or scene's end, a scene between
    paragraphs, a paragraph between sentences, a sentence between words, or a word."""


class Manifest(Record):
    """What ``seqctx prepare`` made, and of what."""

    fingerprint: str
    """Hash of all that the examples depend on: sources, tokenizer and settings."""
    sources: tuple[Source, ...]
    base_model: str
    sequence_len: int
    max_tokens: int
    """Longest chunk that was allowed [tokens]."""
    train: Split
    held_out: Split
    held_out_chapters: tuple[str, ...]

    @property
    def files(self) -> dict[str, str]:
        """All data files that were written: name to sha256."""
        return {**self.train.files, **self.held_out.files}


class Point(Record):
    """One line of Axolotl's metrics; the first evaluation, at step 0, is the base model's."""

    step: int
    epoch: float
    loss: float | None = None
    eval_loss: float | None = None
    grad_norm: float | None = None
    learning_rate: float | None = None
    tokens_per_second: float | None = None
    """Trained tokens, of one card."""
    trained_tokens: int | None = None
    """From the beginning of the run."""
    allocated_gib: float | None = None
    """The highest so far, on one card; None on a CPU, where Axolotl says 0 [GiB]."""
    reserved_gib: float | None = None
    """The same, with what the allocator holds beside."""


class Chosen(Record):
    """Which checkpoint ``output_dir`` holds."""

    step: int
    eval_loss: float | None = None
    reason: str


class Memory(Record):
    """What the planner said and what was measured, at the highest moment [B]."""

    planned_allocated: int | None = None
    """By tensors, on one card; None where it cannot be planned."""
    planned_device: int | None = None
    """With the allocator's spare and the CUDA context."""
    allocated: int | None = None
    """Axolotl's ``memory/max_allocated``; None on a CPU."""
    reserved: int | None = None
    """Axolotl's ``memory/device_reserved``; None on a CPU."""
    resident: int
    """Of the process and all below it, in main memory: with Python, torch and what it loads."""


class Begun(Record):
    """A run that has not ended yet: what ``--resume`` may go on with."""

    fingerprint: str
    started: float
    """When this part of it began [s since 1970]."""
    seconds: float = 0.0
    """Of its earlier parts, up to the checkpoints that were gone on from."""
    resumed_at: tuple[int, ...] = ()
    """Steps of those checkpoints."""
    ended: bool = False
    """Whether Axolotl has ended well: what is left is to take the old one's place."""


class Run(Record):
    """What ``seqctx train`` made, and of what."""

    fingerprint: str
    """Hash of the resolved Axolotl YAML, the data and the base model."""
    base_model: str
    base_fingerprint: str
    """See ``files.fingerprint_model``; equal weights have equal fingerprints."""
    data: dict[str, str] = {}
    """sha256 of the data files that are on this machine."""
    tokenizer: str = ""
    """sha256 over the tokenizer's files and chat template, as ``output_dir`` holds them."""
    versions: dict[str, str]
    command: tuple[str, ...] = ()
    seconds: float
    steps: int
    trained_tokens: int | None = None
    memory: Memory | None = None
    points: tuple[Point, ...]
    chosen: Chosen | None = None
    resumed_at: tuple[int, ...] = ()
    """Steps of the checkpoints that an interrupted run was gone on from."""
    warnings: tuple[str, ...] = ()

    @property
    def eval_losses(self) -> list[tuple[int, float]]:
        """Step and held-out loss of each evaluation; the loss at step 0 is the base model's."""
        return [(p.step, p.eval_loss) for p in self.points if p.eval_loss is not None]
