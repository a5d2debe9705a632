"""Notes where a file shows one of the five myths on training length and context window."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seqctx.check.facts import Facts
from seqctx.check.rule import Finding, rule
from seqctx.config.effective import Effective

_SOURCE = "seqctx: sequence_len sets what can be learned, max_model_len what can be used"
_GENERATION = ("vllm", "override_generation_config")
_HIGH_PENALTIES = {"repetition_penalty": 1.15, "frequency_penalty": 0.5, "presence_penalty": 0.5}
_USUAL_OVERLAP = 0.25


def _generation(file: Effective) -> dict[str, Any]:
    given = file.vllm.get("override_generation_config", {})
    return given if isinstance(given, dict) else {}


@rule("myth-equal-lengths", "note", _SOURCE)
def myth_equal_lengths(file: Effective, facts: Facts) -> Iterator[Finding]:
    """sequence_len and max_model_len are different lengths and need not be equal."""
    window, positions = file.vllm.max_model_len, facts.model and facts.model.max_position
    if window == file.sequence_len and (not positions or window < positions):
        fact = f"equals sequence_len ({window}); the two lengths need not be equal"
        remedy = f"Raise it as memory allows{f', up to {positions}' if positions else ''}."
        yield Finding(("vllm", "max_model_len"), fact, remedy)


@rule("myth-pieces", "note", _SOURCE)
def myth_pieces(file: Effective, facts: Facts) -> Iterator[Finding]:
    """A model does not write in pieces of sequence_len; an answer ends at its end token."""
    for key in ("max_new_tokens", "max_tokens"):
        if _generation(file).get(key) == file.sequence_len:
            fact = "stops answers at sequence_len; a model does not write in pieces of that length"
            yield Finding(
                (*_GENERATION, key),
                fact,
                "Delete it: the model ends an answer with its end-of-turn token.",
            )


@rule("myth-repetition", "note", _SOURCE)
def myth_repetition(file: Effective, facts: Facts) -> Iterator[Finding]:
    """Repetition does not come every sequence_len tokens; penalties hurt names and dialogue."""
    for key, limit in _HIGH_PENALTIES.items():
        value = _generation(file).get(key)
        if isinstance(value, int | float) and value >= limit:
            fact = (
                f"{value:g} is high: sequence_len does not cause repetition, and the penalty hurts "
                "names and dialogue, which must repeat"
            )
            yield Finding((*_GENERATION, key), fact, "Delete it, and see whether you need it.")


@rule("myth-longer", "note", _SOURCE)
def myth_longer(file: Effective, facts: Facts) -> Iterator[Finding]:
    """A larger sequence_len over the same short rows teaches nothing more."""
    longest = max(facts.prepared.train, default=0) if facts.prepared else 0
    if longest and file.sequence_len >= 2 * longest and not file.sample_packing:
        fact = f"{file.sequence_len} cannot teach longer patterns: the longest row has {longest}"
        yield Finding(("sequence_len",), fact, f"Set it to {longest}, or prepare longer chunks.")


@rule("myth-overlap", "note", _SOURCE)
def myth_overlap(file: Effective, facts: Facts) -> Iterator[Finding]:
    """More overlap is not better: patterns longer than sequence_len are cut all the same."""
    prepare = file.seqctx.prepare
    overlap = prepare.overlap or 0
    share = overlap if overlap < 1 else overlap / (prepare.max_tokens or file.sequence_len)
    if share > _USUAL_OVERLAP:
        fact = (
            f"{overlap:g} repeats {share:.0%} of every chunk, and patterns longer than "
            "sequence_len are cut all the same"
        )
        remedy = f"Set it to {_USUAL_OVERLAP}, or raise sequence_len for longer patterns."
        yield Finding(("seqctx", "prepare", "overlap"), fact, remedy)
