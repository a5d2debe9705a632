"""Where each stage leaves what: every path once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

OUT = Path("prepare/out")
"""Below it each file has a folder of its own, named by the file's stem."""


@dataclass(frozen=True, slots=True)
class DatasetDir:
    """What ``seqctx prepare`` leaves for one file.

    Attributes:
        path: the folder, ``prepare/out/STEM``.
    """

    path: Path

    @classmethod
    def of(cls, config: Path) -> DatasetDir:
        """The folder of a file."""
        return cls.named(config.stem)

    @classmethod
    def named(cls, stem: str) -> DatasetDir:
        """The folder of a file with this stem."""
        return cls(OUT / stem)

    @property
    def manifest(self) -> Path:
        """What was made, of what; `artifacts.manifest.Manifest`."""
        return self.path / "manifest.json"

    @property
    def stats(self) -> Path:
        """What was measured; `artifacts.dataset_stats.DatasetStats`."""
        return self.path / "report.json"

    @property
    def report(self) -> Path:
        """The same as a page."""
        return self.path / "report.html"


@dataclass(frozen=True, slots=True)
class RunDir:
    """What ``seqctx train`` and ``seqctx merge`` leave in ``output_dir``.

    Attributes:
        output_dir: holds the trained weights; what was run is in ``run/`` below it.
    """

    output_dir: Path

    @property
    def run(self) -> Path:
        """The folder of all that is kept of the run."""
        return self.output_dir / "run"

    @property
    def record(self) -> Path:
        """`artifacts.run_record.Run`, written last."""
        return self.run / "run.json"

    @property
    def begun(self) -> Path:
        """`artifacts.run_record.Begun`, while a run is not finished."""
        return self.run / "begun.json"

    @property
    def axolotl_yaml(self) -> Path:
        """What Axolotl was given."""
        return self.run / "axolotl.yaml"

    @property
    def log(self) -> Path:
        """All that Axolotl printed."""
        return self.run / "train.log"

    @property
    def tokenized(self) -> Path:
        """Where Axolotl keeps tokenized data while it trains."""
        return self.run / "tokenized"

    @property
    def merged(self) -> Path:
        """The merged model."""
        return self.output_dir / "merged"
