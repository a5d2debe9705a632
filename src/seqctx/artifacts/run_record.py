"""What ``seqctx train`` leaves: the record of a run, as a model."""

from __future__ import annotations

from seqctx.artifacts.record import Record

RUN_RECORD = "run/run.json"
"""Where train's record is, in ``output_dir``."""


BEGUN = "run/begun.json"
"""Where it is said what an unfinished run trains."""


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
    """See ``system.atomic.fingerprint_model``; equal weights have equal fingerprints."""
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
