"""Axolotl's own validator and seqctx agree, but for the differences listed here, with why."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.e2e.agreement import TYPED, Verdict, run, table

_NOTHING = "0, false and negative numbers pass Axolotl; then nothing is trained, or it crashes"
# error of ours on what Axolotl's validator accepts: why
OURS = {
    "value:sequence_len": _NOTHING,
    "value:micro_batch_size": _NOTHING,
    "value:eval_batch_size": _NOTHING,
    "value:gradient_accumulation_steps": _NOTHING,
    "value:num_epochs": _NOTHING,
    "value:lora_r": _NOTHING,
    "value:base_model": "an empty name names no model",
    "value:output_dir": "it is replaced as a whole, so it must be a folder of its own",
    "value:datasets": "an entry without a path loads nothing",
    "value:test_datasets": "an entry without a path loads nothing",
    "packing-leaks:sample_packing": "packed examples attend to each other (measured: FACTS)",
    "adapter-quantization:load_in_8bit": "transformers refuses 4 and 8 bit at the same time",
    "lora-targets:lora_target_modules": "an adapter on no layers trains nothing",
}
# what Axolotl's validator refuses and we do not: why
AXOLOTLS = {
    "either datasets or pretraining_dataset is required": "a file can be served, or prepared for, "
    "before it names what it trains on",
}


@pytest.fixture(scope="module")
def verdicts() -> list[Verdict]:
    return run()


def test_every_typed_key_is_varied_and_counted(
    verdicts: list[Verdict], capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        print("\n" + table(verdicts))
    assert len(verdicts) > 2000
    for key in TYPED:
        of_key = [v for v in verdicts if key in v.case.keys]
        assert any(v.accepts for v in of_key) and any(not v.accepts for v in of_key), key


def test_what_axolotl_accepts_is_no_error_here(verdicts: list[Verdict]) -> None:
    found = {error for v in verdicts if v.accepts for error in v.ours}
    assert found == set(OURS)


def test_what_axolotl_refuses_is_refused_here(verdicts: list[Verdict]) -> None:
    left = [v for v in verdicts if not v.accepts and not v.ours]
    unlisted = [(v.case.keys, v.why) for v in left if not any(why in v.why for why in AXOLOTLS)]
    assert unlisted == []
    for why in AXOLOTLS:
        assert any(why in v.why for v in left), why


def test_what_both_accept_means_the_same(verdicts: list[Verdict]) -> None:
    assert [(v.case.keys, v.differs) for v in verdicts if v.differs] == []


@pytest.mark.parametrize(
    "path",
    sorted([*ROOT.glob("axolotl_configs/*.yaml"), *ROOT.glob("tests/data/guests/*.yaml")]),
    ids=lambda p: p.stem,
)
def test_axolotl_accepts_what_is_shipped_and_what_guests_bring(
    path: Path, verdicts: list[Verdict]
) -> None:
    (found,) = (v for v in verdicts if v.case.keys == (path.name,))
    assert found.accepts, found.why
    assert found.ours == ()
