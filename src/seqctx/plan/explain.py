"""The two lengths, explained with the numbers of the reader's own file, model and card."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from seqctx.artifacts.dataset_stats import DatasetStats
from seqctx.errors import InputError
from seqctx.plan.memory import GIB
from seqctx.plan.summary import Planned
from seqctx.plan.throughput import examples_factor
from seqctx.plan.training import plan_training

Topic = Callable[[Planned, DatasetStats | None], list[str]]


def explain(planned: Planned, stats: DatasetStats | None, topic: str | None = None) -> list[str]:
    """One topic's paragraphs, or all topics'.

    Args:
        planned: the file's plan; everything said is computed from it.
        stats: what prepare measured of the manuscript; what needs it is left out without it.
        topic: one of `TOPICS`; all when None.

    Raises:
        InputError: for a topic that there is none of.
    """
    if topic is not None and topic not in TOPICS:
        raise InputError(f"explain: {topic}: no topic. Ask for one of {', '.join(TOPICS)}.")
    chosen = [TOPICS[topic]] if topic else list(TOPICS.values())
    return [line for tell in chosen for line in tell(planned, stats)]


def _lengths(planned: Planned, stats: DatasetStats | None) -> list[str]:
    trained, window = planned.cfg.sequence_len, _window(planned)
    has = f"{planned.cfg.base_model} has {planned.model.max_position:,} positions"
    window_is = f"{window / trained:.0f} times as much. That it can, it learned before: {has}."
    if window < trained:
        window_is = f"shorter than a trained example, which does not fit. {has}: raise it."
    lines = [
        f"sequence_len, {trained:,}, is what one training example spans. The loss of a token can "
        f"only reach back to what stands in its own example, so patterns longer than {trained:,} "
        "tokens leave no gradient. Examples do not see one another.",
        f"max_model_len, {window:,}, is what the model attends to while it writes, prompt and "
        f"answer together: {window_is}",
    ]
    if stats and stats.books:
        book = max(stats.books, key=lambda b: b.tokens)
        length = stats.sequence_len
        measured = next(each for each in book.compared if each.sequence_len == length)
        lines.append(
            f"Of {book.title}, {book.tokens:,} tokens, {measured.examples} examples of "
            f"{stats.sequence_len:,} show {measured.recurrence_share:.0%} of the recurrences of "
            f"its motifs, from one mention to the next; a window of {window:,} holds "
            f"{min(1.0, window / book.tokens):.0%} of the book."
        )
    return lines


def _memory(planned: Planned, stats: DatasetStats | None) -> list[str]:
    training, serving = planned.training, planned.serving
    lines = [
        f"Training at {planned.cfg.sequence_len:,} takes about {training.device / GIB:.1f} GiB of "
        f"the card; the largest part is {training.largest.name}, "
        f"{training.largest.bytes / GIB:.1f} GiB ({training.largest.formula})."
    ]
    if serving:
        weights, cache = (serving.memory.term(t).bytes / GIB for t in ("weights", "KV cache"))
        lines += [
            f"Serving {serving.window:,} tokens takes {serving.memory.allocated / GIB:.1f} GiB: "
            f"{weights:.1f} of weights, and {cache:.1f} of keys and values for one request, at "
            f"{serving.kv_bytes_per_token:,} bytes a token.",
            "Training takes less than serving where its weights are in 4 bit, where adapters alone "
            f"have gradients and moments, and where its window is short: {weights:.1f} GiB of "
            f"weights served against {training.term('weights').bytes / GIB:.1f} trained beside.",
        ]
    return lines


def _concurrency(planned: Planned, stats: DatasetStats | None) -> list[str]:
    serving = planned.serving
    if serving is None or serving.max_concurrency is None or serving.kv_tokens is None:
        return ["How many requests fit depends on a card: set seqctx.gpu, and vllm.max_model_len."]
    all_of_them = serving.max_num_seqs * serving.request_bytes / GIB
    return [
        f"max_num_seqs: {serving.max_num_seqs} says how many requests may run at once, not that "
        f"their windows fit. {serving.max_num_seqs} full windows of {serving.window:,} tokens "
        f"would need {all_of_them:.0f} GiB of cache; the card has room for "
        f"{serving.kv_tokens:,} tokens, {serving.max_concurrency:.2f} of such requests. The others "
        "wait, or are put back when the cache is full."
    ]


def _myths(planned: Planned, stats: DatasetStats | None) -> list[str]:
    trained, window = planned.cfg.sequence_len, _window(planned)
    whole = planned.cfg.model_copy(update={"sequence_len": window})
    beyond = f"leaves {window - trained:,} tokens beyond the training length"
    if window <= trained:
        beyond = f"is what ends it, at {window:,}: raise max_model_len"
    equal = plan_training(whole, gpu=planned.training.gpu or "cpu", model=planned.model)
    fits = {None: "", True: ", and fits", False: ", and does not fit"}[equal.fits]
    lines = [
        f"Myth: it writes in pieces of {trained:,}, as it was trained. Nothing in the model counts "
        f"to {trained:,}: every token attends to all before it, up to {window:,}. What can teach "
        "it to stop is an end-of-turn token after every chunk; prepare trains one only where a "
        "chapter ends.",
        f"Myth: its output repeats every {trained:,} tokens. Loops come from probabilities that "
        "feed on themselves: low temperature, greedy decoding, repetitive prompts. The distance "
        "of a repetition has no reason to be the training length.",
        f"Myth: it cannot write longer than {trained:,}. Positions come from the base: "
        f"{planned.model.max_position:,}. The window {beyond}.",
        f"Myth: sequence_len must equal max_model_len. Training at {window:,} would take "
        f"{equal.device / GIB:.0f} GiB instead of {planned.training.device / GIB:.0f}{fits}.",
        f"Myth: overlap is always better. Half an overlap makes {examples_factor(0.5):.1f} times "
        f"the examples, a quarter {examples_factor(0.25):.2f}, and two tokens a chunk or more "
        "apart are together in none of them." + _overlap_gain(stats),
    ]
    return lines


def _overlap_gain(stats: DatasetStats | None) -> str:
    """What half an overlap sees more of, where it was measured."""
    if not stats or not stats.books:
        return ""
    book = max(stats.books, key=lambda b: b.tokens)
    measured = [each for each in book.compared if each.sequence_len == stats.sequence_len]
    half = next((each for each in measured if each.overlap == 0.5), None)
    if half is None:
        return ""
    return (
        f" In {book.title} half an overlap shows {half.recurrence_share:.0%} of the recurrences, "
        f"no overlap {measured[0].recurrence_share:.0%}."
    )


def _window(planned: Planned) -> int:
    """The served window, or the model's positions."""
    if planned.serving:
        return planned.serving.window
    return planned.model.max_position


TOPICS: Mapping[str, Topic] = {
    "lengths": _lengths, "memory": _memory, "concurrency": _concurrency, "myths": _myths,
}  # fmt: skip
"""What can be asked for."""
