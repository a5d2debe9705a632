from __future__ import annotations

from pathlib import Path

from seqctx.config.config import parse_config
from seqctx.config.source import Document
from seqctx.prepare.pipeline import prepare, unlisted_files


def test_files_that_axolotl_would_not_read(tmp_path: Path, model_folder: Path) -> None:
    (tmp_path / "a.md").write_text("# One\n\n" + "Words of it. " * 400 + "\n\n# Two\n\nEnd.\n")
    out = tmp_path / "out"
    data = {
        "base_model": str(model_folder),
        "sequence_len": 512,
        "seqctx": {"prepare": {"manuscripts": [str(tmp_path / "a.md")]}},
        "datasets": [{"path": f"{out}/./train-continues.jsonl"}],
    }
    cfg = parse_config(Document("c.yaml", data, {}))
    manifest, _ = prepare(cfg, out)
    assert unlisted_files(cfg, manifest, out) == [
        ("datasets", out / "train-ends.jsonl"),
        ("test_datasets", out / "held_out-ends.jsonl"),
    ]
