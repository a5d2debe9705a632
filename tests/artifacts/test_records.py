"""Records of earlier versions stay readable; those in tests/data/records were written by one."""

from __future__ import annotations

from pathlib import Path

import pytest

from seqctx.artifacts.run_record import TrainingRun, UnfinishedRun
from seqctx.errors import InputError
from seqctx.serve.registry import ServerRecord
from tests.conftest import ROOT

RECORDS = ROOT / "tests" / "data" / "records"


def test_a_finished_run_of_an_earlier_version() -> None:
    run = TrainingRun.read(RECORDS / "run.json")
    assert run is not None
    assert run.chosen is not None and run.chosen.step == 4
    assert run.memory is not None and run.memory.resident == 3
    assert run.eval_losses == [(0, 3.684), (4, 3.5)]
    assert (run.steps, run.resumed_at, run.trained_tokens) == (4, (2,), 900)
    assert run.warnings[0].startswith("step 3: the learning rate is 0")


def test_an_unfinished_run_of_an_earlier_version() -> None:
    begun = UnfinishedRun.read(RECORDS / "begun.json")
    assert begun is not None
    assert (begun.fingerprint, begun.seconds, begun.resumed_at) == ("f1", 12.5, (2,))
    assert begun.ended


def test_a_server_that_an_earlier_version_started(tmp_path: Path) -> None:
    server = ServerRecord.read(RECORDS / "server.json")
    assert server is not None
    assert (server.start_time, server.port) == (1764000000.0, 8000)
    server.write(tmp_path / "again.json")
    assert ServerRecord.read(tmp_path / "again.json") == server


@pytest.mark.parametrize("content", [b"{}", b"not JSON", b"\xff\xfe"])
def test_a_file_that_is_no_record_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(InputError, match=r"run.json: this version of seqctx cannot read it\."):
        TrainingRun.read(tmp_path / "run.json")
    assert TrainingRun.read(tmp_path / "none.json") is None
