"""Optimizers: the table names what Axolotl takes, and says of each where it runs."""

from __future__ import annotations

import pytest

from seqctx.catalog.keys import axolotl_names
from seqctx.catalog.optimizers import OPTIMIZERS, UNKNOWN_OPTIMIZER, find_optimizer

OLDER = {"adamw_apex_fused", "lion", "paged_adamw", "paged_lion"}  # of transformers 4
TRANSFORMERS = {  # 5.16: training_args.py, OptimizerNames
    "adafactor", "adagrad", "adalomo", "adamw_8bit", "adamw_anyprecision", "adamw_bnb_8bit",
    "adamw_torch", "adamw_torch_4bit", "adamw_torch_8bit", "adamw_torch_fused",
    "adamw_torch_npu_fused", "adamw_torch_xla", "ademamix", "ademamix_8bit", "apollo_adamw",
    "apollo_adamw_layerwise", "galore_adafactor", "galore_adafactor_layerwise", "galore_adamw",
    "galore_adamw_8bit", "galore_adamw_8bit_layerwise", "galore_adamw_layerwise", "grokadamw",
    "lion_32bit", "lion_8bit", "lomo", "paged_adamw_32bit", "paged_adamw_8bit",
    "paged_ademamix_32bit", "paged_ademamix_8bit", "paged_lion_32bit", "paged_lion_8bit", "rmsprop",
    "rmsprop_bnb", "rmsprop_bnb_32bit", "rmsprop_bnb_8bit", "schedule_free_adamw",
    "schedule_free_radam", "schedule_free_sgd", "sgd", "stable_adamw",
}  # fmt: skip
NAMES = {*axolotl_names()["keys"]["optimizer"]["choices"], *TRANSFORMERS}


def test_names_are_axolotls_and_transformers() -> None:
    assert set(OPTIMIZERS) - OLDER <= NAMES


def test_eight_bit_and_paged_ones_need_cuda() -> None:
    for name in NAMES:
        narrow = any(mark in name for mark in ("8bit", "4bit", "paged"))
        assert find_optimizer(name).needs_cuda == narrow, name


def test_bitsandbytes_takes_no_sharded_weights() -> None:
    for name, each in OPTIMIZERS.items():
        assert each.takes_sharded_weights == (
            each.library != "bitsandbytes" and name != "adafactor"
        ), name


@pytest.mark.parametrize("name", ["polora", "mine"])
def test_nothing_is_claimed_of_an_unknown_one(name: str) -> None:
    assert find_optimizer(name) is UNKNOWN_OPTIMIZER and UNKNOWN_OPTIMIZER.moment_bytes is None
