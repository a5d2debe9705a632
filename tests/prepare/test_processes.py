"""Several books on several cores: the same rows as one after another."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqctx.artifacts.layout import DatasetDir
from tests.conftest import seqctx


@pytest.mark.slow
def test_books_on_several_cores_give_the_same_rows(
    tmp_path: Path, model_folder: Path, novella: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "texts").mkdir()
    opening, *chapters = novella.read_text("utf-8").split("\n## ")
    for k, name in enumerate(("a", "b")):
        text = "\n## ".join([opening, *chapters[2 * k : 2 * k + 2]])
        (tmp_path / "texts" / f"{name}.md").write_text(text, "utf-8")
    (tmp_path / "c.yaml").write_text(
        f"base_model: {model_folder}\nsequence_len: 1024\n"
        "seqctx: {prepare: {manuscripts: [texts]}}\n"
    )
    made = []
    for in_memory, cores in ((10**9, 1), (0, 2)):  # bytes that are kept in memory
        monkeypatch.setattr("seqctx.prepare.pipeline._IN_MEMORY", in_memory)
        monkeypatch.setattr("seqctx.prepare.pipeline.available_cores", lambda cores=cores: cores)
        answer = seqctx("prepare", "c.yaml", "--force", cwd=tmp_path)
        assert answer.returncode == 0, answer.stderr
        out = tmp_path / DatasetDir.of(tmp_path / "c.yaml").path
        made.append({path.name: path.read_bytes() for path in out.glob("*.jsonl")})
    assert made[0] == made[1]
    assert sum(len(rows) for rows in made[0].values()) > 10_000
