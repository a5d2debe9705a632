"""Each hostile input ends in one line or is read: no traceback, no hang, no gigabytes, no secret.

`python -m tests.e2e.hostile` prints the same as a table, with times and memory.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.e2e.hostile import Case, cases, run
from tests.e2e.test_model import MODEL

pytestmark = [pytest.mark.e2e, pytest.mark.e2e_slow]


@pytest.mark.parametrize("case", cases(MODEL), ids=lambda case: case.name)
def test_ends_well(case: Case, tmp_path: Path) -> None:
    outcome = run(case, [sys.executable, "-m", "seqctx"], tmp_path)
    assert not outcome.wrong, outcome


def test_the_judge_sees_what_is_wrong(tmp_path: Path) -> None:
    """Else every case would pass."""
    program = "import sys; print('\\x1b', 'SEKRET-KEY', 'Traceback (most recent call last)')"
    case = Case("bad", ["-c", program + "; sys.exit(7)"], lambda folder: None, mentions="a word")
    assert run(case, [sys.executable], tmp_path).wrong == [
        "exit 7", "traceback", "raw '\\x1b'", "does not say a word", "prints SEKRET-KEY",
    ]  # fmt: skip
    slow = Case("slow", ["-c", "import time; time.sleep(60)"], lambda folder: None, limit_s=1)
    assert "hangs" in run(slow, [sys.executable], tmp_path).wrong[0]
