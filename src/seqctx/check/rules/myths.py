"""Notes where a file shows one of the five myths on training length and context window."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seqctx.check.facts import Facts
from seqctx.check.rule import Finding, rule
from seqctx.config.config import Config

_TRUE = "seqctx: training length sets what can be learned, the window what can be used"


def _generation(cfg: Config) -> dict[str, Any]:
    found = cfg.vllm.get("override_generation_config", {})
    return found if isinstance(found, dict) else {}


_GENERATION = ("vllm", "override_generation_config")


@rule("myth-equal-lengths", "note", _TRUE)
def myth_equal_lengths(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """sequence_len and max_model_len are different lengths and need not be equal."""
    window, positions = cfg.vllm.max_model_len, facts.model and facts.model.max_position
    if window == cfg.sequence_len and (not positions or window < positions):
        fact = f"equals sequence_len ({window}), and need not: the window is the base model's"
        remedy = f"Raise it up to {positions} as memory allows." if positions else "Raise it."
        yield Finding(("vllm", "max_model_len"), fact, remedy)


@rule("myth-pieces", "note", _TRUE)
def myth_pieces(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """A model does not write in pieces of sequence_len; an answer ends at its end token."""
    for key in ("max_new_tokens", "max_tokens"):
        if _generation(cfg).get(key) == cfg.sequence_len:
            fact = "ends answers at sequence_len; a model does not write in pieces of that length"
            yield Finding((*_GENERATION, key), fact, "Leave it out: the end token ends an answer.")


@rule("myth-repetition", "note", _TRUE)
def myth_repetition(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """Repetition does not come every sequence_len tokens; penalties hurt names and dialogue."""
    limits = {"repetition_penalty": 1.15, "frequency_penalty": 0.5, "presence_penalty": 0.5}
    for key, limit in limits.items():
        value = _generation(cfg).get(key)
        if isinstance(value, int | float) and value >= limit:
            fact = f"{value:g}: loops do not come from sequence_len; names and dialogue must repeat"
            yield Finding((*_GENERATION, key), fact, "Leave it out first, and look.")


@rule("myth-longer", "note", _TRUE)
def myth_longer(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """A larger sequence_len over the same short rows teaches nothing more."""
    longest = max(facts.prepared.train, default=0) if facts.prepared else 0
    if longest and cfg.sequence_len >= 2 * longest and not cfg.sample_packing:
        fact = f"{cfg.sequence_len} over rows of {longest} at most teaches no longer patterns"
        remedy = f"Set {longest}, or prepare longer chunks; answers end where texts end."
        yield Finding(("sequence_len",), fact, remedy)


@rule("myth-overlap", "note", _TRUE)
def myth_overlap(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """More overlap is not better: what spans more than sequence_len is cut all the same."""
    prepare = cfg.seqctx.prepare
    overlap = prepare.overlap or 0
    share = overlap if overlap < 1 else overlap / (prepare.max_tokens or cfg.sequence_len)
    if share > 0.25:
        fact = f"{overlap:g} repeats {share:.0%} of every chunk; arcs beyond sequence_len stay cut"
        remedy = "Take 0.25, or raise sequence_len for longer patterns."
        yield Finding(("seqctx", "prepare", "overlap"), fact, remedy)
