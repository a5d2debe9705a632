"""Rules on data: rows that do not fit, the held-out part, special tokens, where a turn ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from seqctx.artifacts.layout import DATA_FILES, OUT, DatasetDir
from seqctx.check.facts import Facts
from seqctx.check.rule import Finding, rule
from seqctx.config.effective import Effective
from seqctx.config.problem import Severity

_WHAT_HAPPENS = {"truncate": "truncated", "raise": "refused"}


@rule("rows-too-long", "error", "axolotl 0.19: utils/data/utils.py, handle_long_seq_in_dataset")
def rows_too_long(file: Effective, facts: Facts) -> Iterator[Finding]:
    """Rows longer than sequence_len are dropped, truncated or refused, as the file says."""
    fate = _WHAT_HAPPENS.get(file.excess_length_strategy, "dropped")
    limit = file.sequence_len
    if file.config.datasets and not file.given("sequence_len"):
        fact = f"unset: Axolotl uses {limit} tokens, and longer rows are {fate}"
        yield Finding(("sequence_len",), fact, "Set it to the longest row.", "warning")
    if not facts.prepared:
        return
    lengths = [*facts.prepared.train.items(), *facts.prepared.held_out.items()]
    rows = sum(count for length, count in lengths if length > limit)
    if rows:
        total = sum(count for _, count in lengths)
        fact = f"{rows} of {total} prepared rows are longer than {limit} and are {fate}"
        remedy = f"Run seqctx prepare again, or raise it to {max(n for n, _ in lengths)}."
        yield Finding(("sequence_len",), fact, remedy)


@rule("split-leaks", "error", "axolotl 0.19: utils/data/shared.py, train_test_split by rows")
def split_leaks(file: Effective, facts: Facts) -> Iterator[Finding]:
    """val_set_size splits rows at random: parts of one text land in training and in evaluation."""
    share = file.val_set_size
    if not share:
        return
    if file.config.test_datasets:
        fact = f"{share:g} cannot be set together with test_datasets; Axolotl refuses it"
        yield Finding(("val_set_size",), fact, "Set it to 0.")
        return
    is_ours = any(PurePosixPath(d.path).name in DATA_FILES for d in file.config.datasets)
    fact = (
        f"{share:g} splits rows at random: chunks of the same chapter land in both training and "
        "evaluation"
    )
    remedy = "Set it to 0 and list held-out chapters in test_datasets (seqctx prepare makes them)."
    yield Finding(("val_set_size",), fact, remedy, None if is_ours else "warning")


@rule("completion-cuts", "warning", "axolotl 0.19: prompt_strategies/completion.py")
def completion_cuts(file: Effective, facts: Facts) -> Iterator[Finding]:
    """``type: completion`` cuts a row every sequence_len tokens, also in mid-sentence."""
    for path, entry in file.datasets:
        if entry.get("type") != "completion":
            continue
        fact = (
            f"completion cuts each row every {file.sequence_len} tokens, also in mid-sentence, and "
            f"drops what follows after {64 * file.sequence_len} tokens"
        )
        remedy = "Cut whole documents with seqctx prepare; short rows may stay as they are."
        has_rows = entry.get("field") and entry.get("ds_type") != "text"
        is_books = "book" in entry.path or "gutenberg" in entry.path
        severity: Severity | None = "note" if has_rows and not is_books else None
        yield Finding((*path, "type"), fact, remedy, severity)


@rule("special-tokens-grow", "error", "axolotl 0.19: loaders/tokenizer.py, add_special_tokens")
def special_tokens_grow(file: Effective, facts: Facts) -> Iterator[Finding]:
    """A special token that is not in the vocabulary is added, and the embeddings grow."""
    known = facts.special_tokens
    if known is None:
        return
    # a full fine-tune saves its embeddings, and so does an adapter with modules_to_save
    is_saved = not file.config.adapter or file.config.lora_modules_to_save
    for key, value in file.special_tokens.items():
        for token in value if isinstance(value, list | tuple) else [value]:
            if isinstance(token, str) and token not in known:
                fact = f"{token} is not in the vocabulary; Axolotl would add it to the embeddings"
                remedy = "Delete it, or use a reserved token of the model."
                severity: Severity | None = "warning" if is_saved else None
                yield Finding(("special_tokens", key), fact, remedy, severity)


@rule("turn-end-not-trained", "warning", "axolotl 0.19: prompt_strategies/chat_template.py (run)")
def turn_end_not_trained(file: Effective, facts: Facts) -> Iterator[Finding]:
    """Axolotl trains the end of a turn only if its token is eos or listed in eot_tokens."""
    end = facts.end_of_turn
    is_trained = end in (*file.eot_tokens, file.special_tokens.get("eos_token"))
    if end is None or is_trained or not file.chat_template.startswith("tokenizer_default"):
        return
    for path, entry in file.datasets:
        if entry.get("type") == "chat_template" and entry.get("train_on_eos") != "none":
            fact = f"the chat template ends a turn with {end}, not eos: the model learns no end"
            yield Finding((*path, "train_on_eos"), fact, f"Set eot_tokens: ['{end}'].")
            return


@rule("eval-split-too-small", "error", "axolotl 0.19: utils/samplers/multipack.py drops the rest")
def eval_split_too_small(file: Effective, facts: Facts) -> Iterator[Finding]:
    """A packed evaluation with less data than one batch has no batch, and fails."""
    if not facts.prepared or not facts.prepared.held_out or not file.packs_evaluation:
        return
    batch, length = file.eval_batch_size, file.sequence_len
    tokens = sum(n * count for n, count in facts.prepared.held_out.items())
    if tokens < batch * length:
        fact = f"{tokens} held-out tokens do not fill one batch of {batch} x {length}"
        key = "eval_sample_packing" if file.config.eval_sample_packing else "sample_packing"
        yield Finding((key,), fact, "Set eval_sample_packing: false.")


@rule("datasets-disagree", "error", "seqctx.prepare: what it writes and under which names")
def datasets_disagree(file: Effective, facts: Facts) -> Iterator[Finding]:
    """A file must list the data that seqctx prepare writes for it, with the right endings."""
    ours = [
        (path, entry, PurePosixPath(entry.path))
        for path, entry in file.datasets
        if PurePosixPath(entry.path).name in DATA_FILES
    ]
    for path, entry, data in ours:
        if facts.stem and data.parent.parts[-3:-1] == OUT.parts and data.parent.name != facts.stem:
            own = DatasetDir.named(facts.stem).path
            fact = f"{data} is the data of another config: this one's data is in {own}"
            yield Finding((*path, "path"), fact, "Name that folder.")
        if fact := _wrong_end(data, entry.get("train_on_eos")):
            remedy = "turn" if data.name.endswith("-ends.jsonl") else "none"
            yield Finding((*path, "train_on_eos"), fact, f"Set train_on_eos: {remedy}.")
    listed = {data.name for _, _, data in ours}
    for side, key in (("train", "datasets"), ("held_out", "test_datasets")):
        of_side = {name for name in DATA_FILES if name.startswith(side)}
        written = of_side & facts.prepared.files if facts.prepared else of_side
        missing = sorted(written - listed) if listed & of_side else []
        if missing:
            fact = f"does not list {', '.join(missing)}, which seqctx prepare writes"
            yield Finding((key,), fact, "Add it.")


@rule("shared-data-folder", "error", "seqctx.prepare: prepare/out/STEM and its manifest")
def shared_data_folder(file: Effective, facts: Facts) -> Iterator[Finding]:
    """Two config files of the same name would share one folder of prepared examples."""
    if not facts.data_of or not facts.stem:
        return
    folder = DatasetDir.named(facts.stem).path
    own = PurePosixPath(folder)
    listed = any(PurePosixPath(data.path).parent == own for data in file.config.datasets)
    if listed or "seqctx" in file.config.model_fields_set:
        fact = f"{folder} holds the examples of {facts.data_of}, which has the same name"
        yield Finding(("datasets",), fact, "Give one of the two files another name.")


def _wrong_end(data: PurePosixPath, train_on_eos: Any) -> str:
    """Why ``train_on_eos`` is wrong for a data file of ours; empty where it is right."""
    if data.name.endswith("-ends.jsonl"):
        if train_on_eos != "none":
            return ""
        return "none, but these texts end here: the model would not learn to stop"
    if train_on_eos == "none":
        return ""
    return f"{train_on_eos or 'unset'}, but these texts go on: the model would learn to stop here"
