"""Which of the four options to take: what each costs, what it sees, and a reasoned choice.

Stay at the length without packing; overlap the chunks; go to a longer length; pack the samples.
What an option sees of the manuscript comes from prepare's stats; nothing is advised without them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil

from seqctx.artifacts.dataset_stats import LONG_SCENE, DatasetStats
from seqctx.catalog.gpus import Gpu
from seqctx.catalog.models import Model
from seqctx.config.blocks import Goal
from seqctx.config.config import Config
from seqctx.errors import InputError
from seqctx.plan.memory import GIB, MemoryPlan
from seqctx.plan.throughput import flops_per_token
from seqctx.plan.training import card_of, plan_of
from seqctx.plan.training_settings import Settings, settings_of

_WORTH = 0.10  # of all recurrences: showing more of them is worth its price from this gain on
_CUT = 0.20  # of the scenes: cut through more of them and voice suffers, too
_FUSED = ", fused loss"
_FEWEST = 5  # examples; of fewer an epoch is hardly a step
_SAVING = 0.15  # of an epoch's optimizer steps and padding: what packing must save


@dataclass(frozen=True, slots=True)
class Option:
    """One way to train, with what it costs and sees.

    Attributes:
        name: such as ``overlap 25 %``.
        sequence_len: of an example [tokens].
        strategy: prepare's, as its stats name it.
        packed: whether ``sample_packing`` is on.
        memory: the plan on the card.
        examples: of the whole manuscript, held-out parts included.
        rows: of an epoch; as many as examples without packing.
        repeated_tokens: of the manuscript, shown more than once in an epoch.
        time: of an epoch over that of the first option, by arithmetic.
        steps: optimizer steps of an epoch over those of the first option.
        overlap: what each chunk repeats of the one before: a share below 1, or tokens.
        motifs: share of the manuscript's motifs that some example holds whole.
        recurrences: share of the recurrences of which one example shows both ends.
        scenes_cut: share of the scenes that some cut goes through.
        risks: a sentence each.
    """

    name: str
    sequence_len: int
    strategy: str
    packed: bool
    memory: MemoryPlan
    examples: int
    rows: int
    repeated_tokens: int
    time: float
    steps: float
    overlap: float
    motifs: float
    recurrences: float
    scenes_cut: float
    risks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Advice:
    """The options beside one another, and which to take.

    Attributes:
        goal: what they are judged by.
        options: the first is the file's length without packing.
        choice: the name of the one to take.
        reasons: a sentence each, with the numbers in it.
        usual: what is usually advised, and what it comes to here.
    """

    goal: Goal
    options: tuple[Option, ...]
    choice: str
    reasons: tuple[str, ...]
    usual: tuple[str, ...]

    @property
    def chosen(self) -> Option:
        """The option to take."""
        return next(option for option in self.options if option.name == self.choice)


def advise(
    cfg: Config, stats: DatasetStats, model: Model, *, goal: Goal, gpu: str | Gpu | None = None
) -> Advice:
    """Compare the options for a file, its prepared manuscript and a card.

    Args:
        cfg: the file.
        stats: what prepare measured of its manuscript.
        model: the model's.
        goal: ``voice``: the style, cheaply; ``structure``: arcs, payoffs, clues; ``throughput``:
            the least time.
        gpu: the card; what ``seqctx.gpu`` names when None.

    Raises:
        InputError: without a card or a way that prepare measured, or as `plan_training`.
    """
    card = card_of(cfg, gpu)
    if card is None:
        raise InputError("gpu: none is named. Set seqctx.gpu, or give one.")
    length = stats.sequence_len
    if cfg.sequence_len != length:
        raise InputError(
            f"sequence_len: {cfg.sequence_len}, but the text was prepared for {length}. Run "
            "seqctx prepare again."
        )
    candidates = _candidates(stats)
    base = settings_of(cfg, model)
    absolute = [_option(*each, base, model, card, stats) for each in candidates]
    fused = replace(base, loss="liger")
    for option, each in zip(list(absolute), candidates, strict=True):
        if not option.memory.fits and base.loss == "stock":
            mixed = _option(each[0] + _FUSED, *each[1:], fused, model, card, stats)
            absolute += [mixed] if mixed.memory.fits else []
    options = [
        replace(
            o, time=o.time / absolute[0].time, steps=o.rows / absolute[0].rows,
            risks=tuple(_risks(o, leaks=o.packed and cfg.attn_implementation is None)),
        )
        for o in absolute
    ]  # fmt: skip
    choice, reasons = _choose(options, goal)
    return Advice(goal, tuple(options), choice, tuple(reasons), tuple(_usual(options, stats)))


def _candidates(stats: DatasetStats) -> list[tuple[str, int, str, bool]]:
    """Name, length, strategy and packing of the options: all strategies that were measured.

    The first of them, which repeats nothing, is the one that the others are compared with.
    """
    length = stats.sequence_len
    measured = [each for book in stats.books[:1] for each in book.compared]
    at_length = [each for each in measured if each.sequence_len == length]
    if not at_length:
        raise InputError(f"report.json: nothing was measured at {length:,}. Run seqctx prepare.")
    plain, others = at_length[0].strategy, at_length[1:]
    longer = [n for n in _lengths(stats) if length < n <= 8 * length]
    return [
        (f"stay at {length:,}", length, plain, False),
        *((each.strategy, length, each.strategy, False) for each in others if each.overlap),
        *((f"go to {n:,}", n, plain, False) for n in longer),
        ("pack", length, plain, True),
        *((f"cut at {each.strategy}", length, each.strategy, False)
          for each in others if not each.overlap),
    ]  # fmt: skip


def _lengths(stats: DatasetStats) -> list[int]:
    """Lengths at which every book was measured."""
    per_book = [{each.sequence_len for each in book.compared} for book in stats.books]
    return sorted(set.intersection(*per_book)) if per_book else []


def _option(
    name: str, length: int, strategy: str, packed: bool, base: Settings, model: Model,
    card: Gpu, stats: DatasetStats,
) -> Option:  # fmt: skip
    """One option's numbers, added up over the books; its time in FLOP, its steps in rows."""
    measured = [
        each
        for book in stats.books
        for each in book.compared
        if each.strategy == strategy and each.sequence_len == length
    ]
    tokens = sum(book.tokens for book in stats.books)
    examples = sum(each.examples for each in measured)
    overlap = measured[0].overlap
    of_a_chunk = overlap * (length - stats.template_tokens) if overlap < 1 else overlap
    repeated = int(of_a_chunk * max(0, examples - len(stats.books)))
    rows = examples
    if packed:
        rows = ceil(examples * stats.packed.rows / max(1, stats.unpacked.rows))
    settings = replace(base, sequence_len=length)
    computed = tokens + repeated + examples * stats.template_tokens
    arithmetic = computed * flops_per_token(settings, model, computed / examples)
    motifs = sum(len(book.motifs) for book in stats.books)
    recurrences = _weighted([
        (each.recurrence_share, len(book.motifs))
        for book, each in zip(stats.books, measured, strict=True)
    ])  # fmt: skip
    return Option(
        name=name, sequence_len=length, strategy=strategy, packed=packed,
        memory=plan_of(settings, model, card), examples=examples, rows=rows,
        repeated_tokens=repeated, time=arithmetic, steps=float(rows),
        overlap=overlap,
        motifs=sum(each.whole_motifs for each in measured) / max(1, motifs),
        recurrences=recurrences,
        scenes_cut=sum(m.scenes_cut for m in measured) / max(1, sum(b.scenes for b in stats.books)),
        risks=(),
    )  # fmt: skip


def _weighted(values: Sequence[tuple[float, int]]) -> float:
    """Mean of shares, by how many each is of."""
    return sum(v * n for v, n in values) / max(1, sum(n for _, n in values))


def _usual(options: Sequence[Option], stats: DatasetStats) -> Iterator[str]:
    """The customary thresholds, each with what it comes to for this manuscript and card."""
    by_name = {option.name: option for option in options}
    stay = options[0]
    scenes = sum(book.scenes for book in stats.books)
    long = sum(book.long_scenes for book in stats.books)
    yield f"4,096 for scenes of {LONG_SCENE:,} tokens and more: {long} of {scenes} are so long."
    motifs = [motif for book in stats.books for motif in book.motifs]
    spans = [book.tokens / max(1, len(book.chapters)) for book in stats.books]
    far = sum(motif.distance > max(spans, default=0) for motif in motifs)
    yield (
        f"4,096 for patterns over several chapters: {far} of {len(motifs)} motifs go further "
        f"than a chapter ({max(spans, default=0):,.0f} tokens on average)."
    )
    if longer := by_name.get("go to 4,096"):
        verdict = "fits" if longer.memory.fits else "does not fit"
        yield (
            f"4,096 with 32 GB at hand: it takes {longer.memory.device / GIB:.1f} GiB here, and "
            f"{verdict} the {(longer.memory.capacity or 0) / GIB:.1f} of this card."
        )
    for share, name in ((0.25, "25 % first"), (0.5, "then 50 %")):
        option = next((o for o in options if o.overlap == share), None)
        if option is None:
            continue
        gain = option.recurrences - stay.recurrences
        yield (
            f"Overlap, {name}: {gain:+.0%} of the recurrences "
            f"shown, for {option.time:.2f} times the arithmetic."
        )


def _risks(option: Option, leaks: bool) -> list[str]:
    """What may go wrong, from the option's own numbers."""
    risks = []
    if not option.memory.fits:
        risks.append("does not fit the card")
    if leaks:
        risks.append("leaks between samples: set attn_implementation")
    if option.repeated_tokens:
        risks.append(f"shows {option.repeated_tokens:,} tokens again, and joins nothing a chunk "
                     "or more apart")  # fmt: skip
    if option.scenes_cut > _CUT:
        risks.append(f"cuts {option.scenes_cut:.0%} of the scenes")
    if option.examples < 20:
        risks.append(f"only {option.examples} examples: few steps, soon learned by heart")
    return risks


def _choose(options: Sequence[Option], goal: Goal) -> tuple[str, list[str]]:
    """The rules, in order; every reason carries the numbers it rests on."""
    fitting = {option.name: option for option in options if option.memory.fits}

    def pick(name: str) -> Option | None:
        """An option as the file has it, else with a fused loss, else none."""
        return fitting.get(name) or fitting.get(name + _FUSED)

    stay = pick(options[0].name)
    if stay is None:
        return options[0].name, ["Not even this length fits the card: lower micro_batch_size or "
                                 "sequence_len, quantize, or fuse the loss."]  # fmt: skip
    if goal == "throughput":
        pack = pick("pack") or stay
        saved = 1 - pack.rows / stay.rows
        if saved >= _SAVING:
            return pack.name, [f"Packing makes {pack.rows} rows of {stay.rows} examples: "
                               f"{saved:.0%} fewer steps, over the same tokens."]  # fmt: skip
        return stay.name, [f"Packing would save {max(saved, 0):.0%} of the steps only: the "
                           "examples fill their rows."]  # fmt: skip
    if goal == "voice":
        same = [o for o in options if o.sequence_len == stay.sequence_len and not o.packed]
        gentle = min((o for o in same if not o.overlap), key=lambda o: o.scenes_cut)
        scenes = pick(gentle.name) or stay
        if stay.scenes_cut > _CUT and scenes.scenes_cut < stay.scenes_cut / 2:
            return scenes.name, [f"{stay.scenes_cut:.0%} of the scenes are cut at this length, "
                                 f"{scenes.scenes_cut:.0%} when cut at scenes, for the same "
                                 "price."]  # fmt: skip
        return stay.name, [f"A voice is in every paragraph: {stay.examples} examples show it, and "
                           f"{stay.scenes_cut:.0%} of the scenes are cut."]  # fmt: skip
    least = min((o for o in options if o.overlap), key=lambda o: o.overlap, default=stay)
    return _for_structure(options, stay, pick(least.name) or stay)


def _for_structure(
    options: Sequence[Option], stay: Option, overlap: Option
) -> tuple[str, list[str]]:
    """The shortest length after which the next adds little; overlap where no longer one fits."""
    longer = sorted(
        (o for o in options if o.memory.fits and o.sequence_len > stay.sequence_len),
        key=lambda o: o.sequence_len,
    )
    best, reasons = stay, []
    for option in longer:
        if option.examples < _FEWEST:
            reasons.append(f"{option.sequence_len:,} leaves {option.examples} examples.")
            break
        gain = option.recurrences - best.recurrences
        if gain < _WORTH:
            reasons.append(f"{option.sequence_len:,} would add {gain:.0%} of the recurrences only.")
            break
        best = option
    if best is not stay:
        reasons.insert(0, f"At {best.sequence_len:,} an example shows {best.recurrences:.0%} "
                          f"of the recurrences, at {stay.sequence_len:,} "
                          f"{stay.recurrences:.0%}; an epoch takes "
                          f"{best.time / stay.time:.2f} times the arithmetic.")  # fmt: skip
        return best.name, reasons
    for option in options:
        if option.sequence_len > stay.sequence_len and not option.memory.fits:
            short = -(option.memory.margin or 0) / GIB
            reasons.append(f"{option.sequence_len:,} lacks {short:.1f} GiB on the card.")
            break
    gain = overlap.recurrences - stay.recurrences
    if gain > 0.02:
        reasons.append(f"{overlap.name.capitalize()} shows {gain:.0%} more of the recurrences for "
                       f"{overlap.examples / stay.examples:.2f} times the examples; what lies a "
                       "chunk apart it does not join.")  # fmt: skip
        return overlap.name, reasons
    reasons.append(f"Nothing that fits shows {_WORTH:.0%} more of the recurrences.")
    return stay.name, reasons
