"""Rules on attention: packed examples that see each other, memory that grows with the square."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from seqctx.check.facts import Facts
from seqctx.check.rule import Finding, rule
from seqctx.config.effective import Effective

_SQUARE_FROM = 4096  # tokens


@rule("packing-leaks", "error", "axolotl 0.19: schemas/validation.py, monkeypatch/multipack.py")
def packing_leaks(file: Effective, facts: Facts) -> Iterator[Finding]:
    """Packed examples are isolated from each other only if attn_implementation is set."""
    if not file.sample_packing:
        return
    if not file.attention:
        fact = "true with attn_implementation unset lets examples attend to each other"
        remedy = "Set attn_implementation: sdpa or flash_attention_2."
        yield Finding(("sample_packing",), fact, remedy)
    elif file.attention == "eager" and "eager" in facts.architecture.leaks_when_packed:
        name = PurePosixPath(file.config.base_model).name
        fact = f"true with eager attention lets examples of {name} attend to each other"
        remedy = "Set it to false, or set attn_implementation: sdpa."
        yield Finding(("sample_packing",), fact, remedy)


@rule("eager-long", "warning", "transformers: eager_attention_forward builds heads x length^2")
def eager_long(file: Effective, facts: Facts) -> Iterator[Finding]:
    """Eager attention keeps length x length scores for each head."""
    by_flag = bool(file.get("eager_attention"))
    is_eager = file.config.attn_implementation == "eager" or by_flag
    if is_eager and file.sequence_len >= _SQUARE_FROM:
        gib = 4 * file.sequence_len**2 / 2**30
        fact = (
            f"eager attention at {file.sequence_len} tokens takes {gib:.2f} GiB for each head and "
            "row (fp32)"
        )
        key = "eager_attention" if by_flag else "attn_implementation"
        yield Finding((key,), fact, "Set attn_implementation: sdpa or flash_attention_2.")
