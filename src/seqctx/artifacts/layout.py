"""Where each stage leaves its files: every path of ours is here, once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from seqctx.errors import InputError
from seqctx.system.replaced_folder import partial_of, real_folder

OUT = Path("prepare/out")
"""Each YAML file has a folder of its own below this one, named by the file's stem."""
OUTPUTS = Path("outputs")
"""Output folders of runs, by convention; the files of running servers."""


def data_file(side: Literal["train", "held_out"], *, ends: bool) -> str:
    """Name of prepare's file for one side of the split: texts that go on, or texts that end."""
    return f"{side}-{'ends' if ends else 'continues'}.jsonl"


DATA_FILES = frozenset(data_file(s, ends=e) for s in ("train", "held_out") for e in (False, True))
"""All that prepare may write."""


@dataclass(frozen=True, slots=True)
class DatasetDir:
    """What ``seqctx prepare`` leaves for one file.

    Attributes:
        path: the folder, ``prepare/out/STEM``.
    """

    path: Path

    @classmethod
    def of(cls, config: Path) -> DatasetDir:
        """The folder of a file.

        Raises:
            InputError: when the file's name leaves no name for a folder, as ``..yaml`` does.
        """
        if not config.stem.strip("."):
            raise InputError(f"{config}: its examples need a folder of its name. Rename the file.")
        return cls.named(config.stem)

    @classmethod
    def named(cls, stem: str) -> DatasetDir:
        """The folder of a file with this stem."""
        return cls(OUT / stem)

    @property
    def manifest(self) -> Path:
        """What was made, and from what; see `artifacts.manifest.Manifest`."""
        return self.path / "manifest.json"

    @property
    def stats(self) -> Path:
        """What was measured; see `artifacts.dataset_stats.DatasetStats`."""
        return self.path / "report.json"

    @property
    def report(self) -> Path:
        """The same as a page."""
        return self.path / "report.html"

    @property
    def tokenized(self) -> Path:
        """Where ``axolotl train`` keeps tokenized data when it is started without us."""
        return self.path / "tokenized"


@dataclass(frozen=True, slots=True)
class RunDir:
    """What ``seqctx train`` and ``seqctx merge`` leave in ``output_dir``.

    Attributes:
        output_dir: holds the trained weights; what was run is in ``run/`` below it.
    """

    output_dir: Path

    @classmethod
    def growing(cls, output_dir: Path) -> RunDir:
        """Where a run grows until it takes the place of ``output_dir``.

        Where ``output_dir`` is a link, that is beside the folder that it points to.

        Raises:
            CheckError, InputError: as `system.replaced_folder.real_folder`.
        """
        return cls(partial_of(real_folder(output_dir)))

    @property
    def run(self) -> Path:
        """The folder of all that is kept of the run."""
        return self.output_dir / "run"

    @property
    def record(self) -> Path:
        """The record of a finished run, written last; see `artifacts.run_record.Run`."""
        return self.run / "run.json"

    @property
    def begun(self) -> Path:
        """There while a run is not finished; see `artifacts.run_record.UnfinishedRun`."""
        return self.run / "begun.json"

    @property
    def axolotl_yaml(self) -> Path:
        """What Axolotl was given."""
        return self.run / "axolotl.yaml"

    @property
    def tokenized(self) -> Path:
        """Where Axolotl keeps tokenized data while it trains."""
        return self.run / "tokenized"

    @property
    def log(self) -> Path:
        """All that Axolotl printed in a finished run."""
        return self.run / "train.log"

    @property
    def unfinished_log(self) -> Path:
        """All that Axolotl printed in a run that is not finished, or failed."""
        return self.output_dir.with_name(f"{self.output_dir.name}.train.log")

    def worker_log(self, rank: int) -> Path:
        """The log of a machine that takes part in a run that another machine leads."""
        return self.output_dir.with_name(f"{self.output_dir.name}.train.node-{rank}.log")

    def worker_yaml(self, rank: int) -> Path:
        """What Axolotl was given on such a machine."""
        return self.worker_log(rank).with_suffix(".yaml")

    @property
    def last_weights(self) -> Path:
        """The weights of the last step, where no checkpoint has them."""
        return self.output_dir / "last"

    @property
    def losses_csv(self) -> Path:
        """The metrics of the run as a table."""
        return self.run / "losses.csv"

    @property
    def losses_svg(self) -> Path:
        """The losses as a picture."""
        return self.run / "losses.svg"

    @property
    def losses_png(self) -> Path:
        """The same picture, as pixels."""
        return self.run / "losses.png"

    @property
    def comparison(self) -> Path:
        """The page that compares the base model with the trained model."""
        return self.run / "comparison.html"

    @property
    def earlier_comparison(self) -> Path:
        """The same page, under the name that earlier versions gave it."""
        return self.run / "worth.html"

    @property
    def merge_yaml(self) -> Path:
        """What Axolotl was given to merge."""
        return self.run / "merge.yaml"

    @property
    def merge_log(self) -> Path:
        """All that Axolotl printed while it merged."""
        return self.run / "merge.log"

    @property
    def merged(self) -> Path:
        """The merged model."""
        return self.output_dir / "merged"

    @property
    def merge_record(self) -> Path:
        """What the merged model was made of; every folder that we merged into has one."""
        return self.merged / "seqctx.json"

    def server_log(self, port: int) -> Path:
        """All that vLLM printed while it served this run."""
        return self.run / ServerFiles(port).log.name


@dataclass(frozen=True, slots=True)
class ServerFiles:
    """What ``seqctx serve`` leaves for the server on one port.

    Attributes:
        port: its TCP port.
    """

    port: int

    @property
    def record(self) -> Path:
        """There while the server runs; see `serve.registry.ServerRecord`."""
        return OUTPUTS / f"serve-{self.port}.json"

    @property
    def log(self) -> Path:
        """All that vLLM printed, where the server has no `RunDir` to keep it in."""
        return self.record.with_suffix(".log")

    @property
    def detached_output(self) -> Path:
        """What ``seqctx serve --detach`` printed in the background."""
        return self.record.with_suffix(".out")

    @staticmethod
    def records() -> list[Path]:
        """The records of all servers that were started in this working directory."""
        return sorted(OUTPUTS.glob("serve-*.json"))

    @staticmethod
    def lock() -> Path:
        """Held while a port is checked and taken."""
        return OUTPUTS / ".serve.lock"
