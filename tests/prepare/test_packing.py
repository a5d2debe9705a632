from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seqctx.config.config import Config
from seqctx.prepare.packing import first_fit, packings


@given(st.lists(st.integers(1, 100), max_size=80), st.integers(1, 5), st.integers(1, 90))
def test_first_fit_is_the_first_row_with_room(lengths: list[int], most: int, group: int) -> None:
    rows: list[list[int]] = []
    for start in range(0, len(lengths), group):
        own: list[list[int]] = []
        for k, size in enumerate(lengths[start : start + group], start):
            for row in own:
                if sum(lengths[i] for i in row) + size <= 100 and len(row) < most:
                    row.append(k)
                    break
            else:
                own.append([k])
        rows += own
    assert first_fit(lengths, 100, most=most, group=group) == rows


def test_steps_an_epoch() -> None:
    cfg = Config(
        base_model="m", sequence_len=100, micro_batch_size=2, gradient_accumulation_steps=2
    )
    plain, packed = packings([50] * 40, cfg)
    assert (plain.rows, plain.efficiency, plain.steps_per_epoch) == (40, 0.5, 10)
    assert (packed.rows, packed.efficiency, packed.steps_per_epoch) == (20, 1.0, 5)
