"""Measure whether a model's attention, or the text that it writes, depends on sequence_len."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

from seqctx.catalog.lookup import find_model
from seqctx.catalog.model_folder import check_base
from seqctx.config.config import Config
from seqctx.errors import InputError
from seqctx.prepare.readers.find import find_manuscripts
from seqctx.prepare.readers.manuscripts import read_manuscript
from seqctx.system.arguments import expect_type
from seqctx.system.environments import find_tool
from seqctx.system.scripts import run_inside

NOTHING = 1e-5
"""Changes up to this count as none [nats]. Both forward passes have the same shape, so a token that
is not seen changes nothing at all."""
SPREADS = 4.0
"""A lag's share is an excess if it is this many standard deviations above the lags around it. With
normally distributed shares that happens by chance once in 30,000 times."""
MARGIN = 0.01
"""And by at least this much, because the deviation is 0 where nothing repeats."""

_SAMPLES, _PROMPT, _AROUND = 4, 64, 64
_REMEDIES = {
    r"tokens, and \d+ are needed": "Add text, or use a shorter length: --set sequence_len=256",
}


@dataclass(frozen=True)
class Repetition:
    """How often text repeats itself at a certain distance.

    Attributes:
        lag: the distance [tokens].
        n: how many tokens in a row must be equal.
        share: share of the places that repeat at this distance.
        around: mean share at the lags around it.
        spread: standard deviation of the shares at the lags around it.
    """

    lag: int
    n: int
    share: float
    around: float
    spread: float

    @property
    def excess(self) -> bool:
        """Whether this lag repeats more than the lags around it."""
        return self.share - self.around > max(MARGIN, SPREADS * self.spread)


@dataclass(frozen=True)
class Continuity:
    """What was measured of one model.

    Attributes:
        weights: the base model, with the adapter where there is one.
        sequence_len: the training length [tokens].
        changed: position of the token that was replaced, before the training length.
        positions: positions whose next-token log-probabilities were compared; the first is before
            the replaced token.
        changes: largest change at each [nats].
        changes_with_reset: the same if positions started again from 0 at the training length.
        repetitions: of the text that the model wrote, at the lag of the training length.
    """

    weights: str
    sequence_len: int
    changed: int
    positions: tuple[int, ...]
    changes: tuple[float, ...]
    changes_with_reset: tuple[float, ...]
    repetitions: tuple[Repetition, ...]

    @property
    def beyond(self) -> dict[int, float]:
        """Change at each position from the training length on."""
        pairs = zip(self.positions, self.changes, strict=True)
        return {p: c for p, c in pairs if p >= self.sequence_len}

    @property
    def failures(self) -> tuple[str, ...]:
        """What contradicts the claim; empty where nothing depends on the training length."""
        found = []
        if self.changes[0] > NOTHING:
            found.append(f"a token changed a position before it, by {self.changes[0]:.3g}")
        for position, change in self.beyond.items():
            if not change > NOTHING:
                found.append(f"position {position} does not see position {self.changed}")
        if max(self.changes_with_reset) > NOTHING:
            found.append(
                "the control failed: attention was cut on purpose, and the change was still seen; "
                "do not trust this measurement"
            )
        for r in self.repetitions:
            if r.excess:
                found.append(f"{r.n} tokens repeat {r.lag} tokens later: {r.share:.1%}")
        return tuple(found)

    def lines(self) -> Iterator[str]:
        """The numbers and what they mean, for people."""
        yield (
            f"Measured on {self.weights}: the token at position {self.changed:,} was replaced. "
            "The next-token log-probabilities changed at most by, in nats:"
        )
        for p, change, reset in zip(
            self.positions, self.changes, self.changes_with_reset, strict=True
        ):
            yield f"  at position {p:>6,}   {change:.4f}   with a reset: {reset:.4f}"
        for r in self.repetitions:
            what = "a single token" if r.n == 1 else f"{r.n} tokens in a row"
            yield (
                f"In the text that it wrote, {what} repeated {r.lag:,} tokens later at "
                f"{r.share:.2%} of the places; at similar distances at {r.around:.2%} +- "
                f"{r.spread:.2%}."
            )
        if self.failures:
            yield "NOT confirmed: " + "; ".join(self.failures) + "."
        else:
            yield (
                f"Confirmed: attention reaches beyond the training length of {self.sequence_len:,} "
                "tokens, and the text does not repeat at that distance more than at others."
            )


def repetition(samples: Sequence[Sequence[int]], lag: int, *, n: int = 8) -> Repetition:
    """How often n tokens repeat at a lag, compared to the lags around it.

    Args:
        samples: token ids of texts.
        lag: the distance [tokens].
        n: how many tokens in a row must be equal.

    Raises:
        ValueError: when no text is long enough for the longest lag.
    """
    lags = range(max(1, lag - _AROUND), lag + _AROUND + 1)
    grams = [[tuple(s[i : i + n]) for i in range(len(s) - n + 1)] for s in samples]
    if not any(len(g) > lags[-1] for g in grams):
        raise ValueError(f"no text is longer than {lags[-1] + n - 1} tokens")

    def share(at: int) -> float:
        pairs = [a == b for g in grams for a, b in zip(g, g[at:], strict=False)]
        return fmean(pairs)

    others = [share(at) for at in lags if at != lag]
    return Repetition(lag, n, share(lag), fmean(others), pstdev(others))


def check_provable(cfg: Config) -> None:
    """Check all that `prove_continuity` needs, before anything is measured.

    Raises:
        InputError, ToolError: as `prove_continuity`.
    """
    check_base(cfg.base_model)
    if not cfg.base_model_is_local:
        raise InputError(
            f"base_model: {cfg.base_model}: not a folder. Name a folder with the model's weights."
        )
    _job(cfg, None)
    find_tool("axolotl")


def prove_continuity(cfg: Config) -> Continuity:
    """Measure that neither attention nor repetition depends on ``sequence_len``.

    One token before the training length is replaced, and the model's predictions after that length
    are compared; then the model writes more than twice that length, four times in one batch. On a
    CPU the writing takes a minute at 256 tokens, and several minutes at 1,024.

    Args:
        cfg: the file; its adapter is used where ``output_dir`` has one.

    Raises:
        InputError: when the base model is not a folder, the length is below 65 or more than half
            of the model's positions, or there are no manuscripts to read.
        ToolError: when Axolotl is not installed, or the measurement failed.
    """
    expect_type("cfg", cfg, Config, "Use seqctx.load_config(path).")
    check_provable(cfg)
    adapter = Path(cfg.output_dir)
    has_adapter = (adapter / "adapter_config.json").exists()
    job = _job(cfg, str(adapter) if has_adapter else None)
    result = run_inside(
        "proofs.inside.continuity", lambda folder: job, offline=True, remedies=_REMEDIES
    )
    return Continuity(
        weights=f"{cfg.base_model} with {adapter}" if has_adapter else cfg.base_model,
        sequence_len=cfg.sequence_len,
        changed=job["changed"],
        positions=tuple(job["positions"]),
        changes=tuple(result["changes"]),
        changes_with_reset=tuple(result["changes_with_reset"]),
        repetitions=tuple(repetition(result["written"], cfg.sequence_len, n=n) for n in (1, 8)),
    )


def _job(cfg: Config, adapter: str | None) -> dict[str, Any]:
    """What the script measures: a token before the training length, and positions after it."""
    length = cfg.sequence_len
    new = 2 * length + _AROUND + 8
    if length <= _AROUND:
        raise InputError(
            f"sequence_len: {length}: too short for this measurement. Set 128 or more."
        )
    model = find_model(cfg.base_model)
    if model and _PROMPT + new > model.max_position:
        raise InputError(
            f"sequence_len: {length}: the measurement needs {_PROMPT + new:,} positions, the model "
            f"has {model.max_position:,}. Set a shorter length: --set sequence_len=256"
        )
    changed = length // 2
    return {
        "base_model": cfg.base_model,
        "adapter": adapter,
        "text": _text(cfg),
        "sequence_len": length,
        "changed": changed,
        "positions": [changed - 1, *sorted({length, length + 1, length + 256, 2 * length})],
        "prompt": _PROMPT,
        "new_tokens": new,
        "samples": _SAMPLES,
        "temperature": 0.8,
        "seed": 7,
    }


def _text(cfg: Config) -> str:
    """The text that the model reads: the file's manuscripts, one after another."""
    prep = cfg.seqctx.prepare
    paths = find_manuscripts(prep.manuscripts, prep.folders)
    return "\n\n".join(read_manuscript(path).text for path in paths[:20])
