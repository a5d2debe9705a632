"""Whether a model knows the length it was trained at: its attention, and the loops it writes."""

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
from seqctx.prepare.readers.manuscripts import find_manuscripts, read_manuscript
from seqctx.system.environments import find_tool
from seqctx.system.scripts import run_inside

NOTHING = 1e-5
"""Nats. Both forwards have one shape, so that what cannot be seen changes nothing at all."""
SPREADS = 4.0
"""How far beyond the lags around it a lag's share must lie to be an excess, in their spreads; with
shares spread as a bell curve, chance gets there once in 30,000 times."""
MARGIN = 0.01
"""And by how much at least: where nothing repeats the spread is none."""

_SAMPLES, _PROMPT, _AROUND = 4, 64, 64
_REMEDIES = {
    r"tokens, and \d+ are needed": "Add text, or take a shorter length: --set sequence_len=256",
}


@dataclass(frozen=True)
class Repetition:
    """How often what is written comes again some tokens later.

    Attributes:
        lag: how many.
        n: tokens that must be the same in order.
        share: of the places that have another so much later.
        around: the same at the lags around it, on average.
        spread: standard deviation of those.
    """

    lag: int
    n: int
    share: float
    around: float
    spread: float

    @property
    def excess(self) -> bool:
        """Whether this lag stands out."""
        return self.share - self.around > max(MARGIN, SPREADS * self.spread)


@dataclass(frozen=True)
class Continuity:
    """What was measured of one model.

    Attributes:
        weights: ``base``, or the folder of the adapter that was laid over it.
        sequence_len: the training length [tokens].
        changed: the position of the token that was changed, before the training length.
        positions: those whose next-token log-probabilities were compared; the first before it.
        changes: largest change at each [nats].
        changes_with_reset: the same where positions start again at the training length: what a
            reset would look like.
        repetitions: of what was written, at the lag of the training length.
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
        """What speaks against; nothing where both statements hold."""
        found = []
        if self.changes[0] > NOTHING:
            found.append(f"a token changed what stands before it, by {self.changes[0]:.3g}")
        for position, change in self.beyond.items():
            if not change > NOTHING:
                found.append(f"position {position} does not see position {self.changed}")
        if max(self.changes_with_reset) > NOTHING:
            found.append("the control, a reset, was not seen: the measurement is not to be trusted")
        for r in self.repetitions:
            if r.excess:
                found.append(f"{r.n} tokens repeat at lag {r.lag}: {r.share:.1%}")
        return tuple(found)

    def lines(self) -> Iterator[str]:
        """The numbers, and what they say."""
        yield (
            f"Measured on {self.weights}: the token at {self.changed:,} was changed. The largest "
            "change of next-token log-probabilities, in nats:"
        )
        for p, change, reset in zip(
            self.positions, self.changes, self.changes_with_reset, strict=True
        ):
            yield f"  at {p:>6,}   {change:.4f}   were there a reset: {reset:.4f}"
        for r in self.repetitions:
            what = "a token" if r.n == 1 else f"{r.n} tokens"
            yield (
                f"Of what it wrote, {what} came again {r.lag:,} later: {r.share:.2%}; at the lags "
                f"around, {r.around:.2%} +- {r.spread:.2%}."
            )
        if self.failures:
            yield "NOT so here: " + "; ".join(self.failures) + "."
        else:
            yield (
                f"So attention goes on beyond {self.sequence_len:,}, the training length, and at "
                "that distance nothing repeats more than at others."
            )


def repetition(
    samples: Sequence[Sequence[int]], lag: int, *, n: int = 8, around: int = _AROUND
) -> Repetition:
    """How often n tokens come again after a lag, beside the lags around it.

    Args:
        samples: token ids of texts.
        lag: the distance asked about [tokens].
        n: how many tokens must be the same, in order.
        around: lags up to so much shorter and longer are compared.

    Raises:
        ValueError: when no text is long enough for the longest lag.
    """
    lags = range(max(1, lag - around), lag + around + 1)
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
        raise InputError(f"base_model: {cfg.base_model}: no folder. Name one with the weights.")
    _job(cfg, None)
    find_tool("axolotl")


def prove_continuity(cfg: Config) -> Continuity:
    """Measure that neither attention nor repetition knows ``sequence_len``.

    One token before the training length is changed, and what the model expects beyond it compared;
    then it writes more than twice that length, four times side by side. On a CPU the writing takes
    a minute at 256 tokens, and several at 1,024.

    Args:
        cfg: the file; its adapter is laid over the base where ``output_dir`` has one.

    Raises:
        InputError: when the base model is no folder, the length is below 65 or twice of it beyond
            the model's positions, or there are no manuscripts to read.
        ToolError: when Axolotl's environment is not there, or the measurement failed.
    """
    check_provable(cfg)
    adapter = Path(cfg.output_dir)
    has_adapter = (adapter / "adapter_config.json").exists()
    asked = _job(cfg, str(adapter) if has_adapter else None)
    result = run_inside(
        "proofs.inside.continuity", lambda folder: asked, offline=True, remedies=_REMEDIES
    )
    return Continuity(
        weights=f"{cfg.base_model} with {adapter}" if has_adapter else cfg.base_model,
        sequence_len=cfg.sequence_len,
        changed=asked["changed"],
        positions=tuple(asked["positions"]),
        changes=tuple(result["changes"]),
        changes_with_reset=tuple(result["changes_with_reset"]),
        repetitions=tuple(repetition(result["written"], cfg.sequence_len, n=n) for n in (1, 8)),
    )


def _job(cfg: Config, adapter: str | None) -> dict[str, Any]:
    """What is asked of the model: a token before the training length, and places beyond it."""
    length = cfg.sequence_len
    new = 2 * length + _AROUND + 8
    if length <= _AROUND:
        raise InputError(f"sequence_len: {length}: too short to look around. Take 128 or more.")
    shape = find_model(cfg.base_model)
    if shape and _PROMPT + new > shape.max_position:
        raise InputError(
            f"sequence_len: {length}: twice of it is beyond the {shape.max_position} positions of "
            "the model. Take less: --set sequence_len=256."
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
    """What the model is shown: the file's manuscripts, one after another."""
    paths = find_manuscripts(cfg.seqctx.prepare.manuscripts)
    return "\n\n".join(read_manuscript(path).text for path in paths[:20])
