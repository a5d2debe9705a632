"""The two lengths, explained with the numbers of the reader's own file, model and GPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from seqctx.artifacts.dataset_stats import BookStats, DatasetStats
from seqctx.errors import InputError
from seqctx.plan.memory import GIB
from seqctx.plan.summary import PlanSummary
from seqctx.plan.throughput import examples_factor
from seqctx.plan.training import plan_training_memory

Topic = Callable[[PlanSummary, DatasetStats | None], list[str]]


def explain(
    summary: PlanSummary, stats: DatasetStats | None, topic: str | None = None
) -> list[str]:
    """One topic's paragraphs, or those of all topics.

    Args:
        summary: the file's plan; all numbers are computed from it.
        stats: what prepare measured of the manuscript; without it the sentences that need it are
            left out.
        topic: one of `TOPICS`; all when None.

    Raises:
        InputError: for another topic.
    """
    if topic is not None and topic not in TOPICS:
        raise InputError(f"explain: {topic}: unknown topic. Name one of {', '.join(TOPICS)}.")
    chosen = [TOPICS[topic]] if topic else list(TOPICS.values())
    return [paragraph for tell in chosen for paragraph in tell(summary, stats)]


def _lengths(summary: PlanSummary, stats: DatasetStats | None) -> list[str]:
    trained, window = summary.settings.sequence_len, _window(summary)
    has = f"{summary.cfg.base_model} has {summary.model.max_position:,} positions"
    compared = (
        f"That is {window / trained:.0f} times sequence_len. The base model learned such lengths "
        f"in its own training: {has}."
    )
    if window < trained:
        compared = (
            f"That is less than one training example, so the model cannot see a whole one. {has}: "
            "raise max_model_len."
        )
    lines = [
        f"sequence_len: {trained:,} tokens is the length of one training example. The loss of a "
        "token only depends on tokens of the same example, so the model learns nothing from "
        f"patterns that are longer than {trained:,} tokens.",
        f"max_model_len: {window:,} tokens is what the model attends to while it writes, prompt "
        f"and answer together. {compared}",
    ]
    if stats and stats.books:
        book = _longest_book(stats)
        at_length = [e for e in book.compared if e.sequence_len == stats.sequence_len]
        named = [e for e in at_length if e.strategy == stats.strategy]
        if not at_length or not book.tokens:  # nothing was measured at this length
            return lines
        measured = (named or at_length)[0]  # earlier records name a strategy without its overlap
        lines.append(
            f"{book.title} has {book.tokens:,} tokens. Cut as a whole into examples of "
            f"{stats.sequence_len:,} tokens ({measured.strategy}), it makes {measured.examples}, "
            f"and they show {measured.recurrence_share:.0%} of the recurrences of its motifs, from "
            f"one mention to the next. A window of {window:,} tokens holds "
            f"{min(1.0, window / book.tokens):.0%} of the book."
        )
    return lines


def _memory(summary: PlanSummary, stats: DatasetStats | None) -> list[str]:
    training, serving = summary.training, summary.serving
    largest = training.largest
    lines = [
        f"Training at {summary.settings.sequence_len:,} tokens takes about "
        f"{training.device / GIB:.1f} GiB of {'the GPU' if training.gpu else 'memory'}. The "
        f"largest part is {largest.name}, {largest.bytes / GIB:.1f} GiB ({largest.formula})."
    ]
    if serving:
        weights, cache = (serving.memory.term(t).bytes / GIB for t in ("weights", "KV cache"))
        lines += [
            f"Serving {serving.window:,} tokens takes {serving.memory.allocated / GIB:.1f} GiB: "
            f"{weights:.1f} GiB are weights, and {cache:.1f} GiB are keys and values of one "
            f"request, {serving.kv_bytes_per_token:,} bytes for each token.",
            "Training can take less than serving: its weights may be in 4 bit, only adapters need "
            "gradients and moments, and its window is shorter. Here the weights take "
            f"{weights:.1f} GiB in serving and {training.term('weights').bytes / GIB:.1f} GiB in "
            "training.",
        ]
    return lines


def _concurrency(summary: PlanSummary, stats: DatasetStats | None) -> list[str]:
    serving = summary.serving
    if serving is None or serving.max_concurrency is None or serving.kv_tokens is None:
        return [
            "How many requests fit depends on the GPU. Set seqctx.gpu and vllm.max_model_len to "
            "see it."
        ]
    all_of_them = serving.max_num_seqs * serving.request_bytes / GIB
    return [
        f"max_num_seqs: {serving.max_num_seqs} says how many requests may run at once, not that "
        f"their windows fit. {serving.max_num_seqs} full windows of {serving.window:,} tokens "
        f"would need {all_of_them:.0f} GiB of cache. There is room for {serving.kv_tokens:,} "
        f"tokens, which is {serving.max_concurrency:.2f} of such requests. The others wait, or are "
        "interrupted when the cache is full."
    ]


def _myths(summary: PlanSummary, stats: DatasetStats | None) -> list[str]:
    trained, window = summary.settings.sequence_len, _window(summary)
    beyond = f"leaves {window - trained:,} tokens beyond the training length"
    if window <= trained:
        beyond = f"of {window:,} tokens is the limit: raise max_model_len"
    whole = replace(summary.settings, sequence_len=window)
    equal = plan_training_memory(whole, summary.model, summary.training.gpu)
    fits = {None: "", True: ", which fits", False: ", which does not fit"}[equal.fits]
    return [
        f"Myth: the model writes in pieces of {trained:,} tokens, as it was trained. In fact "
        f"nothing in the model counts to {trained:,}: every token attends to all before it, up to "
        f"{window:,}. "
        "A model learns to stop early when an end-of-turn token follows every chunk; seqctx "
        "prepare trains one only where a chapter ends.",
        f"Myth: the output repeats every {trained:,} tokens. In fact loops come from probabilities "
        "that reinforce themselves: low temperature, greedy decoding, repetitive prompts. Nothing "
        "ties the distance of a repetition to the training length.",
        f"Myth: the model cannot write more than {trained:,} tokens. In fact the base model has "
        f"{summary.model.max_position:,} positions. The window {beyond}.",
        f"Myth: sequence_len must equal max_model_len. In fact training at {window:,} tokens would "
        f"take {equal.device / GIB:.0f} GiB instead of {summary.training.device / GIB:.0f} GiB"
        f"{fits}.",
        "Myth: overlap is always better. In fact an overlap of a half makes "
        f"{examples_factor(0.5):.1f} times the examples, of a quarter {examples_factor(0.25):.2f} "
        "times, and no example holds two places that are more than a chunk apart."
        + _overlap_gain(stats),
    ]


def _overlap_gain(stats: DatasetStats | None) -> str:
    """How much more an overlap of a half shows, where it was measured."""
    if not stats or not stats.books:
        return ""
    book = _longest_book(stats)
    measured = [each for each in book.compared if each.sequence_len == stats.sequence_len]
    half = next((each for each in measured if each.overlap == 0.5), None)
    if half is None:
        return ""
    return (
        f" In {book.title} an overlap of a half shows {half.recurrence_share:.0%} of the "
        f"recurrences, no overlap {measured[0].recurrence_share:.0%}."
    )


def _longest_book(stats: DatasetStats) -> BookStats:
    return max(stats.books, key=lambda book: book.tokens)


def _window(summary: PlanSummary) -> int:
    """The served window, or the model's positions."""
    return summary.serving.window if summary.serving else summary.model.max_position


TOPICS: Mapping[str, Topic] = {
    "lengths": _lengths, "memory": _memory, "concurrency": _concurrency, "myths": _myths,
}  # fmt: skip
"""What can be explained."""
