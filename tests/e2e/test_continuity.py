"""Attention and repetition of the real base model at a training length."""

from __future__ import annotations

from tests.conftest import CONFIG, seqctx_process


def test_nothing_depends_on_the_training_length() -> None:
    answer = seqctx_process(
        "explain", "myths", "--prove", "--config", CONFIG,
        "--set", "sequence_len=128", "--set", "output_dir=outputs/none",
    )  # fmt: skip
    assert answer.returncode == 0, answer.stdout + answer.stderr
    measured = answer.stdout[answer.stdout.index("Measured on prepare/models/") :].splitlines()
    rows = [line.split() for line in measured if line.startswith("  at ")]
    assert [int(row[2]) for row in rows] == [63, 128, 129, 256, 384]
    assert float(rows[0][3]) == 0
    assert all(float(row[3]) > 0.001 for row in rows[1:])
    assert all(float(row[-1]) == 0 for row in rows)  # the control: what a reset looks like
    assert "Confirmed: attention reaches beyond the training length of 128" in measured[-1]
