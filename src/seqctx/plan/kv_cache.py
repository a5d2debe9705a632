"""vLLM's KV cache: layers in groups that share one pool of blocks, and what the pool holds.

Source: vLLM 0.32: v1/core/kv_cache_utils.py (groups, pool, check at start),
v1/kv_cache_interface.py (blocks that a request takes) and platforms/interface.py (block size
with linear attention).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

CacheKind = Literal["full", "sliding", "state"]


@dataclass(frozen=True, slots=True)
class CacheLayers:
    """Layers of one kind, on one GPU.

    Attributes:
        kind: ``full`` attention (MLA's latent, too), ``sliding`` window attention, or the
            ``state`` of linear attention and Mamba, which does not grow.
        count: how many.
        bytes: of one layer: a token's keys and values, or the whole state [B].
        window: of ``sliding`` [tokens].
        heads: over which GPUs may divide it; 1 where each GPU holds all of it.
    """

    kind: CacheKind
    count: int
    bytes: int
    window: int = 0
    heads: int = 1


@dataclass(frozen=True, slots=True)
class CacheGroup:
    """Layers with one block table.

    Attributes:
        kind: as in `CacheLayers`.
        block_tokens: that one block holds; 0 for ``state``.
        window: of ``sliding`` [tokens].
    """

    kind: CacheKind
    block_tokens: int
    window: int = 0

    def blocks(self, tokens: int, *, in_flight: int, states: int) -> int:
        """Blocks that one request holds at most.

        Args:
            tokens: of the request.
            in_flight: scheduled but not confirmed; a window keeps them, too.
            states: copies of a state that are kept.
        """
        if self.kind == "state":
            return states
        if self.kind == "sliding":
            held = min(self.window - 1 + in_flight, tokens)
            return -(-held // self.block_tokens) + 1  # the window may begin within a block
        return -(-tokens // self.block_tokens)


@dataclass(frozen=True, slots=True)
class CacheLayout:
    """How the cache of a GPU is divided into blocks.

    Attributes:
        groups: block tables; all take blocks from one pool.
        block_bytes: of one block of the pool: every layer of a group [B].
        block_tokens: of attention layers.
        in_flight: tokens scheduled but not confirmed.
        states: copies of a state that a request keeps: 2 with prefix caching, else 1.
    """

    groups: tuple[CacheGroup, ...]
    block_bytes: int
    block_tokens: int
    in_flight: int
    states: int

    def blocks(self, tokens: int) -> int:
        """Blocks that a request of so many tokens takes from the pool."""
        take = (
            (g.blocks(tokens, in_flight=self.in_flight, states=self.states)) for g in self.groups
        )
        return sum(take)

    def needed(self, tokens: int) -> int:
        """Memory for one request, with the one block that vLLM holds back [B]."""
        return (self.blocks(tokens) + 1) * self.block_bytes

    def pool(self, free: int) -> int:
        """Blocks that so much memory makes."""
        return max(free, 0) // self.block_bytes

    def concurrency(self, free: int, tokens: int) -> float:
        """Requests of so many tokens that the pool holds, as vLLM's log prints it."""
        return self.pool(free) / self.blocks(tokens)

    def tokens(self, free: int, window: int) -> int:
        """The cache's size as vLLM's log prints it: requests of ``window`` times ``window``."""
        return self.pool(free) * window // self.blocks(window)

    def longest(self, free: int, limit: int) -> int:
        """The longest request that the server would start with; 0 where there is none [tokens]."""
        return largest(lambda tokens: self.needed(tokens) <= free, limit)


def largest(fits: Callable[[int], bool], limit: int) -> int:
    """The largest of 1 to ``limit`` for which ``fits`` holds; 0 where it never does.

    ``fits`` must be monotone: where it holds it holds below.
    """
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


def cache_layout(
    layers: Sequence[CacheLayers], *, block: int = 16, in_flight: int = 0, states: int = 2
) -> CacheLayout:
    """Group layers as vLLM does.

    Args:
        layers: every kind that the GPU holds; at least one with attention.
        block: ``--block-size``, which grows until a block of attention is as large as a state.
        in_flight: tokens scheduled but not confirmed.
        states: copies of a state that a request keeps.

    Raises:
        ValueError: when no layer has attention.
    """
    attention = [kind for kind in layers if kind.kind != "state" and kind.count]
    state = max((kind.bytes for kind in layers if kind.kind == "state"), default=0)
    if not attention:
        raise ValueError("no layer has a cache that grows")
    widest = max(kind.bytes for kind in attention)
    if state:
        block *= max(1, -(-state // (block * widest)))
    page = block * widest
    kinds = [kind for kind in layers if kind.count]
    size = _group_size([kind.count for kind in kinds])
    groups: list[CacheGroup] = []
    for kind in kinds:
        tokens = 0 if kind.kind == "state" else _tokens_of_page(page, block, kind.bytes)
        group = CacheGroup(kind.kind, tokens, kind.window)
        groups += [group] * -(-kind.count // size)
    return CacheLayout(tuple(groups), size * page, block, in_flight, states)


def _tokens_of_page(page: int, block: int, width: int) -> int:
    """Tokens a page holds: more where a layer is narrower by a whole factor, else padded."""
    return page // width if page % (block * width) == 0 else block


def _group_size(counts: Sequence[int]) -> int:
    """Layers of one group: the count of the rarest kind, or of the commonest where both are close.

    Source: vLLM 0.32, v1/core/kv_cache_utils.py, _get_kv_cache_groups_uniform_page_size.
    """
    fewest, most = min(counts), max(counts)
    return most if most < 1.5 * fewest else fewest
