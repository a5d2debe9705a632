"""Ways to train compared: what each costs, what it shows of the text, and a choice with reasons.

Keep the length without packing; overlap the chunks; train on a longer length; pack the examples.
What an option shows of the manuscript comes from the stats of ``seqctx prepare``; without them
nothing is compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import get_args

from seqctx.artifacts.dataset_stats import LONG_SCENE, DatasetStats
from seqctx.catalog.gpus import Gpu
from seqctx.catalog.models import Model
from seqctx.config.blocks import Goal
from seqctx.config.config import Config
from seqctx.config.effective import Effective
from seqctx.errors import InputError
from seqctx.plan.inputs import find_base_model, required_gpu
from seqctx.plan.memory import GIB, MemoryPlan
from seqctx.plan.throughput import flops_per_token
from seqctx.plan.training import plan_training_memory
from seqctx.plan.training_settings import TrainingSettings, training_settings
from seqctx.system.arguments import expect_type

_WORTH = 0.10  # of all recurrences: showing more of them is worth its price from this gain on
_CUT = 0.20  # of the scenes: cut through more of them and voice suffers, too
_FUSED = ", fused loss"
_FEWEST = 5  # examples; of fewer an epoch is hardly a step
_SAVING = 0.15  # of an epoch's optimizer steps and padding: what packing must save


@dataclass(frozen=True, slots=True)
class Option:
    """One way to train, with what it costs and shows.

    Attributes:
        name: such as ``overlap 25 %``.
        sequence_len: of an example [tokens].
        strategy: prepare's, as its stats name it.
        packed: whether ``sample_packing`` is on.
        memory: the plan on the GPU.
        examples: of the whole manuscript, held-out parts included.
        rows: of an epoch; one for each example without packing.
        repeated_tokens: tokens of the manuscript shown more than once in an epoch.
        time: operations of an epoch over those of the first option.
        steps: optimizer steps of an epoch over those of the first option.
        overlap: what each chunk repeats of the one before: a share below 1, or tokens.
        motifs: share of the manuscript's motifs that some example holds whole.
        recurrences: share of the recurrences of which one example shows both ends.
        scenes_cut: share of the scenes that a cut divides.
        risks: what may go wrong, a sentence each.
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
class ComparedOptions:
    """The options side by side, and which one to take.

    Attributes:
        goal: what they are compared for.
        options: the first is the file's length without packing.
        choice: name of the option to take.
        reasons: a sentence each, with the numbers in it.
        usual: common advice, and what it means for this manuscript and GPU.
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


def compare_options(
    cfg: Config,
    stats: DatasetStats,
    *,
    goal: Goal,
    gpu: str | Gpu | None = None,
    model: Model | None = None,
) -> ComparedOptions:
    """Compare ways to train a file on its prepared manuscript and a GPU.

    Args:
        cfg: the file.
        stats: what prepare measured of its manuscript.
        goal: ``voice`` for the style at the least cost; ``structure`` for arcs, payoffs and clues;
            ``throughput`` for the least time.
        gpu: the GPU; ``seqctx.gpu`` when None.
        model: the base model; looked up by ``base_model`` when None.

    Raises:
        InputError: as `plan_training`, where no GPU is named, where prepare measured nothing at
            the file's length, or for an unknown goal.
    """
    expect_type("stats", stats, DatasetStats, "Run seqctx prepare, and read its stats.")
    if goal not in get_args(Goal):
        raise InputError(f"goal: must be one of {', '.join(get_args(Goal))} (got {goal!r}).")
    model, card = find_base_model(cfg, model), required_gpu(cfg, gpu)
    length = stats.sequence_len
    if cfg.sequence_len != length:
        raise InputError(
            f"sequence_len: {cfg.sequence_len}: the text was prepared for {length}. Run seqctx "
            "prepare again."
        )
    candidates = _candidates(stats)
    base = training_settings(cfg, model)
    absolute = [_option(*each, base, model, card, stats) for each in candidates]
    fused = replace(base, loss="liger")
    for option, each in zip(list(absolute), candidates, strict=True):
        if not option.memory.fits and base.loss == "stock":
            mixed = _option(each[0] + _FUSED, *each[1:], fused, model, card, stats)
            absolute += [mixed] if mixed.memory.fits else []
    options = [
        replace(
            o, time=o.time / absolute[0].time, steps=o.rows / absolute[0].rows,
            risks=tuple(_risks(o, leaks=o.packed and Effective.of(cfg).attention is None)),
        )
        for o in absolute
    ]  # fmt: skip
    choice, reasons = _choose(options, goal)
    return ComparedOptions(
        goal, tuple(options), choice, tuple(reasons), tuple(_usual(options, stats))
    )


def _candidates(stats: DatasetStats) -> list[tuple[str, int, str, bool]]:
    """Name, length, strategy and packing of the options: all strategies that were measured.

    The first of them, which repeats nothing, is the one that the others are compared with.
    """
    length = stats.sequence_len
    measured = [each for book in stats.books[:1] for each in book.compared]
    at_length = [each for each in measured if each.sequence_len == length]
    if not at_length:
        raise InputError(
            f"report.json: has no stats for a length of {length:,}. Run seqctx prepare again."
        )
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
    name: str, length: int, strategy: str, packed: bool, base: TrainingSettings, model: Model,
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
        memory=plan_training_memory(settings, model, card), examples=examples, rows=rows,
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
    """Common advice, each with what it means for this manuscript and GPU."""
    by_name = {option.name: option for option in options}
    stay = options[0]
    scenes = sum(book.scenes for book in stats.books)
    long = sum(book.long_scenes for book in stats.books)
    yield (
        f"4,096 for scenes of {LONG_SCENE:,} tokens and more: here {long} of {scenes} scenes are "
        "that long."
    )
    motifs = [motif for book in stats.books for motif in book.motifs]
    spans = [book.tokens / max(1, len(book.chapters)) for book in stats.books]
    far = sum(motif.distance > max(spans, default=0) for motif in motifs)
    yield (
        f"4,096 for patterns over several chapters: here {far} of {len(motifs)} motifs span more "
        f"than a chapter ({max(spans, default=0):,.0f} tokens on average)."
    )
    if longer := by_name.get("go to 4,096"):
        verdict = "fits" if longer.memory.fits else "does not fit"
        yield (
            f"4,096 on 32 GB: here it takes {longer.memory.device / GIB:.1f} GiB, which {verdict} "
            f"the {(longer.memory.capacity or 0) / GIB:.1f} GiB of this GPU."
        )
    for share, name in ((0.25, "25 % first"), (0.5, "then 50 %")):
        option = next((o for o in options if o.overlap == share), None)
        if option is None:
            continue
        yield (
            f"Overlap, {name}: here examples show {option.recurrences:.0%} of the recurrences, "
            f"{stay.recurrences:.0%} without, for {option.time:.2f} times the operations."
        )


def _risks(option: Option, leaks: bool) -> list[str]:
    """What may go wrong, from the option's own numbers."""
    risks = []
    if not option.memory.fits:
        risks.append("does not fit the GPU")
    if leaks:
        risks.append("packed examples attend to each other: set attn_implementation")
    if option.repeated_tokens:
        risks.append(f"shows {option.repeated_tokens:,} tokens twice, and still no example holds "
                     "two places that are more than a chunk apart")  # fmt: skip
    if option.scenes_cut > _CUT:
        risks.append(f"cuts {option.scenes_cut:.0%} of the scenes")
    if option.examples < 20:
        risks.append(f"only {option.examples} examples: few steps, and easily memorized")
    return risks


def _choose(options: Sequence[Option], goal: Goal) -> tuple[str, list[str]]:
    """The rules, in order; every reason carries the numbers it rests on."""
    fitting = {option.name: option for option in options if option.memory.fits}

    def pick(name: str) -> Option | None:
        """An option as the file has it, else with a fused loss, else none."""
        return fitting.get(name) or fitting.get(name + _FUSED)

    stay = pick(options[0].name)
    if stay is None:
        return options[0].name, [
            "Not even this length fits the GPU. Lower micro_batch_size or sequence_len, load the "
            "weights in 4 bit, or fuse the loss."
        ]
    if goal == "throughput":
        pack = pick("pack") or stay
        saved = 1 - pack.rows / stay.rows
        if saved >= _SAVING:
            return pack.name, [f"Packing puts {stay.rows} examples into {pack.rows} rows: "
                               f"{saved:.0%} fewer steps for the same tokens."]  # fmt: skip
        return stay.name, [f"Packing would save only {max(saved, 0):.0%} of the steps, because "
                           "the examples nearly fill their rows."]  # fmt: skip
    if goal == "voice":
        same = [o for o in options if o.sequence_len == stay.sequence_len and not o.packed]
        gentle = min((o for o in same if not o.overlap), key=lambda o: o.scenes_cut)
        scenes = pick(gentle.name) or stay
        if stay.scenes_cut > _CUT and scenes.scenes_cut < stay.scenes_cut / 2:
            return scenes.name, [f"{stay.scenes_cut:.0%} of the scenes are cut at this length, "
                                 f"{scenes.scenes_cut:.0%} when cut at scenes, at the same "
                                 "cost."]  # fmt: skip
        return stay.name, [f"Voice shows in every paragraph: {stay.examples} examples train it, "
                           f"and {stay.scenes_cut:.0%} of the scenes are cut."]  # fmt: skip
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
            reasons.append(f"{option.sequence_len:,} would leave only {option.examples} examples.")
            break
        gain = option.recurrences - best.recurrences
        if gain < _WORTH:
            reasons.append(f"{option.sequence_len:,} would add only {gain:.0%} of the recurrences.")
            break
        best = option
    if best is not stay:
        reasons.insert(0, f"At {best.sequence_len:,} an example shows {best.recurrences:.0%} "
                          f"of the recurrences, at {stay.sequence_len:,} "
                          f"{stay.recurrences:.0%}; an epoch takes "
                          f"{best.time / stay.time:.2f} times the operations.")  # fmt: skip
        return best.name, reasons
    for option in options:
        if option.sequence_len > stay.sequence_len and not option.memory.fits:
            short = -(option.memory.margin or 0) / GIB
            reasons.append(f"{option.sequence_len:,} needs {short:.1f} GiB more than the GPU has.")
            break
    gain = overlap.recurrences - stay.recurrences
    if gain > 0.02:
        reasons.append(f"{overlap.name.capitalize()} shows {gain:.0%} more of the recurrences for "
                       f"{overlap.examples / stay.examples:.2f} times the examples; places that "
                       "are more than a chunk apart stay in separate examples.")  # fmt: skip
        return overlap.name, reasons
    reasons.append(f"No option that fits shows {_WORTH:.0%} more of the recurrences.")
    return stay.name, reasons
