"""What ``seqctx train`` leaves: the records of a finished and of an unfinished run."""

from __future__ import annotations

from seqctx.artifacts.record import Record


class Point(Record):
    """One line of Axolotl's metrics; the first evaluation, at step 0, is the base model's."""

    step: int
    epoch: float
    loss: float | None = None
    eval_loss: float | None = None
    grad_norm: float | None = None
    learning_rate: float | None = None
    tokens_per_second: float | None = None
    """Trained tokens a second on one GPU."""
    trained_tokens: int | None = None
    """From the beginning of the run."""
    allocated_gib: float | None = None
    """Highest memory of the tensors on one GPU so far [GiB]; None on a CPU."""
    reserved_gib: float | None = None
    """Highest memory that the allocator reserved on one GPU so far [GiB]; None on a CPU."""


class ChosenCheckpoint(Record):
    """Which checkpoint's weights ``output_dir`` holds, and why."""

    step: int
    eval_loss: float | None = None
    reason: str


class Memory(Record):
    """Planned and measured memory at the peak of a run [B]."""

    planned_allocated: int | None = None
    """Planned for the tensors on one GPU; None where it cannot be planned."""
    planned_device: int | None = None
    """The same with what the allocator reserves and the CUDA context."""
    allocated: int | None = None
    """Axolotl's ``memory/max_allocated``; None on a CPU."""
    reserved: int | None = None
    """Axolotl's ``memory/device_reserved``; None on a CPU."""
    resident: int
    """Main memory of Axolotl's processes, with Python, torch and all that they load."""


class UnfinishedRun(Record):
    """A run that has not finished yet: what ``--resume`` needs to know."""

    fingerprint: str
    started: float
    """When the current part of the run began [s since 1970]."""
    seconds: float = 0.0
    """Duration of its earlier parts, up to the checkpoints that were resumed from."""
    resumed_at: tuple[int, ...] = ()
    """Steps of those checkpoints."""
    config: str = ""
    """The config file, as `TrainingRun.config`."""
    ended: bool = False
    """Whether Axolotl has ended well: only the move to ``output_dir`` is left to do."""


class TrainingRun(Record):
    """What ``seqctx train`` made, and from what."""

    fingerprint: str
    """Hash of the resolved Axolotl YAML, the data and the base model."""
    base_model: str
    base_fingerprint: str
    """See `catalog.model_folder.fingerprint_model`; equal weights have equal fingerprints."""
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
    chosen: ChosenCheckpoint | None = None
    resumed_at: tuple[int, ...] = ()
    """Steps of the checkpoints from which an interrupted run was resumed."""
    warnings: tuple[str, ...] = ()
    config: str = ""
    """The config file, as `artifacts.folder_config.config_name` names it; empty in records of
    earlier versions, and where train was called without one."""
    files: dict[str, str] | None = None
    """What the run left in ``output_dir``: paths and digests, see `artifacts.folder_kinds`; None in
    records of earlier versions."""

    @property
    def eval_losses(self) -> list[tuple[int, float]]:
        """Step and held-out loss of each evaluation; the loss at step 0 is the base model's."""
        return [(p.step, p.eval_loss) for p in self.points if p.eval_loss is not None]
