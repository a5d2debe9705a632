"""Packing as Axolotl does it: first fit, in the order of its sampler."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple, Self

from seqctx.artifacts.dataset_stats import Packing, optimizer_steps
from seqctx.config.config import Config
from seqctx.config.effective import Effective

_ORDERS = 4  # axolotl 0.19: MultipackBatchSampler tries so many orders, for the fewest rows


def first_fit(
    lengths: Sequence[int],
    capacity: int,
    *,
    most: int = Effective.sample_packing_bin_size,
    group: int = Effective.sample_packing_group_size,
) -> list[list[int]]:
    """Put each example into the first row that still has room for it.

    Gives the same rows as axolotl 0.19's ``pack_parallel`` for the same order. It searches a tree
    of the room that is left in each row, instead of every row.

    Args:
        lengths: of the examples, in the sampler's order [tokens].
        capacity: of a row [tokens].
        most: examples in one row.
        group: examples that are packed together.

    Returns:
        Indices into ``lengths``, row by row.
    """
    rows: list[list[int]] = []
    for start in range(0, len(lengths), group):
        rows += _group(lengths[start : start + group], start, capacity, most)
    return rows


def _group(lengths: Sequence[int], offset: int, capacity: int, most: int) -> list[list[int]]:
    """First fit over one group; leaf k of the tree is what row k has left."""
    leaves = 1
    while leaves < len(lengths):
        leaves *= 2
    room = [capacity] * (2 * leaves)
    rows: list[list[int]] = []
    for index, size in enumerate(lengths):
        if size > capacity:  # Axolotl gives it a row of its own
            node = leaves + len(rows)
        else:
            node = 1
            while node < leaves:
                node = 2 * node if room[2 * node] >= size else 2 * node + 1
        row = node - leaves
        if row == len(rows):
            rows.append([])
        rows[row].append(index + offset)
        room[node] = room[node] - size if len(rows[row]) < most else -1
        while node > 1:
            node //= 2
            room[node] = max(room[2 * node], room[2 * node + 1])
    return rows


class Batches(NamedTuple):
    """How a file packs and batches its examples.

    Attributes:
        micro: rows of one batch.
        batch: rows of one optimizer step.
        seed: of the random order of the examples.
        most: examples in one row at most.
        group: examples that are packed together.
        ordered: whether the examples keep their own order.
    """

    micro: int
    batch: int
    seed: int
    most: int
    group: int
    ordered: bool

    @classmethod
    def of(cls, cfg: Config) -> Self:
        """Read from a file, with Axolotl's defaults."""
        file = Effective.of(cfg)
        return cls(
            micro=file.micro_batch_size,
            batch=file.rows_per_step,
            seed=file.seed,
            most=file.sample_packing_bin_size,
            group=file.sample_packing_group_size,
            ordered=file.curriculum_sampling,
        )


def packings(lengths: Sequence[int], cfg: Config) -> tuple[Packing, Packing]:
    """Without packing and with it: rows, how full they are, optimizer steps an epoch.

    Axolotl draws four random orders and takes the one with the fewest rows. This does the same
    with Axolotl's seed, but another generator: it may be off by a row.
    """
    length, batches = cfg.sequence_len, Batches.of(cfg)
    used = sum(lengths)
    plain = Packing(
        rows=len(lengths),
        efficiency=round(used / (length * len(lengths)), 4) if lengths else 0.0,
        steps_per_epoch=optimizer_steps(len(lengths), batches.batch, packed=False),
        rows_per_step=batches.batch,
    )
    draw = random.Random(batches.seed)
    capacity = length * batches.micro  # where attention is isolated, a batch is one long row
    orders = [draw.sample(list(lengths), len(lengths)) for _ in range(_ORDERS)]
    if batches.ordered:
        orders = [list(lengths)]
    rows = min(
        len(first_fit(order, capacity, most=batches.most, group=batches.group)) for order in orders
    )
    packed = Packing(
        rows=rows * batches.micro,
        efficiency=round(used / (capacity * rows), 4) if rows else 0.0,
        steps_per_epoch=optimizer_steps(rows * batches.micro, batches.batch, packed=True),
        rows_per_step=batches.batch,
    )
    return plain, packed
