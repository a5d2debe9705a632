"""Rules on what is trained: lengths, packing, data, the adapter, the optimizer's steps."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil, sqrt
from pathlib import PurePosixPath
from typing import Any

from seqctx.artifacts.layout import DatasetDir
from seqctx.artifacts.manifest import DATA_FILES
from seqctx.catalog.architectures import SPLIT_LINEARS
from seqctx.catalog.models import Model
from seqctx.catalog.optimizers import find_optimizer
from seqctx.check.facts import Facts
from seqctx.check.rule import Finding, rule
from seqctx.config.config import Config
from seqctx.config.effective import Effective


def _packs(cfg: Config) -> bool:
    return bool(cfg.sample_packing)


def _steps_of(cfg: Config) -> int:
    """Rows one optimizer step takes, on one card."""
    return (cfg.micro_batch_size or 1) * (cfg.gradient_accumulation_steps or 1)


@rule("sequence-len-positions", "error", "config.json: max_position_embeddings")
def sequence_len_positions(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """Beyond its positions a model has seen nothing, unless rope scaling stretches them."""
    positions = facts.model and facts.model.max_position
    if positions and cfg.sequence_len > positions and not Effective.of(cfg).training_rope:
        fact = f"{cfg.sequence_len} exceeds the model's {positions} positions"
        yield Finding(("sequence_len",), fact, "Lower it, or set rope scaling.")


@rule("packing-leaks", "error", "axolotl 0.19: schemas/validation.py, monkeypatch/multipack.py")
def packing_leaks(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """Packed examples are kept apart only by an attention implementation that is set."""
    legacy = any(cfg.get(f"{k}_attention") for k in ("flash", "xformers", "sdp", "flex", "eager"))
    legacy = legacy or bool(cfg.get("s2_attention"))
    if _packs(cfg) and not cfg.attn_implementation and not legacy:
        fact = "true with attn_implementation unset lets examples attend to each other"
        remedy = "Set attn_implementation: sdpa or flash_attention_2."
        yield Finding(("sample_packing",), fact, remedy)
    eager = cfg.attn_implementation == "eager" or cfg.get("eager_attention")
    if _packs(cfg) and eager and "eager" in facts.architecture.leaks_when_packed:
        name = PurePosixPath(cfg.base_model).name
        fact = f"true with eager attention lets examples of {name} attend to each other"
        yield Finding(("sample_packing",), fact, "Set it to false, or another attention.")


@rule("rows-too-long", "error", "axolotl 0.19: utils/data/utils.py, handle_long_seq_in_dataset")
def rows_too_long(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """Rows longer than sequence_len are dropped, truncated or refused, as the file says."""
    what = {"truncate": "truncated", "raise": "refused"}
    fate = what.get(str(cfg.get("excess_length_strategy")), "dropped")
    if cfg.datasets and "sequence_len" not in cfg.model_fields_set:
        fact = f"unset: Axolotl takes {cfg.sequence_len} tokens, and longer rows are {fate}"
        yield Finding(("sequence_len",), fact, "Set it, to the longest row or less.", "warning")
    if not facts.prepared:
        return
    lengths = [*facts.prepared.train.items(), *facts.prepared.held_out.items()]
    rows = sum(count for length, count in lengths if length > cfg.sequence_len)
    if rows:
        total = sum(count for _, count in lengths)
        fact = f"{rows} of {total} prepared rows are longer than {cfg.sequence_len} and are {fate}"
        remedy = f"Run seqctx prepare again, or raise it to {max(n for n, _ in lengths)}."
        yield Finding(("sequence_len",), fact, remedy)


@rule("split-leaks", "error", "axolotl 0.19: utils/data/shared.py, train_test_split by rows")
def split_leaks(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """val_set_size draws rows at random: chunks of one document stand on both sides."""
    if not cfg.val_set_size:
        return
    if cfg.test_datasets:
        fact = f"{cfg.val_set_size:g} beside test_datasets, which Axolotl refuses"
        yield Finding(("val_set_size",), fact, "Set it to 0.")
        return
    ours = any(PurePosixPath(d.path).name in DATA_FILES for d in cfg.datasets)
    fact = f"{cfg.val_set_size:g} draws rows at random, so chunks of one text stand on both sides"
    remedy = "Set it to 0 and name held-out chapters in test_datasets (seqctx prepare makes them)."
    yield Finding(("val_set_size",), fact, remedy, None if ours else "warning")


@rule("completion-cuts", "warning", "axolotl 0.19: prompt_strategies/completion.py")
def completion_cuts(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """``type: completion`` cuts a row every sequence_len tokens, wherever that is."""
    for path, entry in Effective.of(cfg).datasets:
        if entry.get("type") == "completion":
            fact = (
                f"completion cuts each row every {cfg.sequence_len} tokens, in mid-sentence, and "
                f"drops what lies beyond {64 * cfg.sequence_len}"
            )
            known_rows = entry.get("field") and entry.get("ds_type") != "text"
            books = "book" in str(entry.get("path")) or "gutenberg" in str(entry.get("path"))
            remedy = "Cut whole documents with seqctx prepare; short rows may stay as they are."
            severity = "note" if known_rows and not books else None
            yield Finding((*path, "type"), fact, remedy, severity)  # type: ignore[arg-type]


@rule("adapter-quantization", "error", "axolotl 0.19: schemas/peft.py, schemas/validation.py")
def adapter_quantization(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """What qlora takes is 4 bit, lora 16 or 8; quantized weights want an adapter."""
    four, eight = bool(cfg.load_in_4bit), bool(cfg.load_in_8bit)
    gptq = bool(cfg.get("gptq"))
    if four and eight:
        yield Finding(("load_in_8bit",), "4 and 8 bit at the same time", "Keep one of the two.")
    elif cfg.adapter == "qlora" and not four and not gptq:
        width = "8-bit weights" if eight else "weights that are not loaded in 4 bit"
        yield Finding(
            ("adapter",), f"qlora over {width}", "Set load_in_4bit: true, or adapter: lora."
        )
    elif (four or eight) and not cfg.adapter and not cfg.get("rl"):
        key = "load_in_4bit" if four else "load_in_8bit"
        fact = "quantized weights without an adapter cannot be trained"
        yield Finding((key,), fact, "Set adapter: qlora (4 bit) or lora (8 bit), or drop it.")


@rule("lora-alpha", "warning", "PEFT: tuners/lora/layer.py, scaling = lora_alpha / r")
def lora_alpha(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """The adapter counts lora_alpha / lora_r; recipes keep it between 0.25 and 4."""
    if cfg.adapter not in ("lora", "qlora"):
        return
    if cfg.lora_alpha is None:
        fact = "unset: Axolotl hands PEFT no scale for the adapter"
        yield Finding(("lora_alpha",), fact, f"Set lora_alpha: {cfg.lora_r or 8}.")
        return
    rank = cfg.lora_r or 8
    rs = bool(cfg.get("peft_use_rslora"))
    scale = cfg.lora_alpha / (sqrt(rank) if rs else rank)
    if not 0.25 <= scale <= 4:
        formula = f"{cfg.lora_alpha} / " + (f"sqrt({rank})" if rs else f"{rank}")
        fact = f"the adapter counts {formula} = {scale:.2g} times"
        good = round(sqrt(rank)) if rs else rank
        yield Finding(("lora_alpha",), fact, f"Set lora_alpha: {good} for 1.")


_ANY_NAME = {
    "embed_tokens", "lm_head", "router", "gate", "experts", "shared_expert_gate",
    "out_proj", "fc1", "fc2",  # of a vision tower
}  # fmt: skip


def _linears(model: Model | None) -> frozenset[str] | None:
    """Names of the linear layers of the model's blocks; None where they are not known."""
    if model is None or model.unplanned or (names := model.architecture.linears) is None:
        return None
    if names == SPLIT_LINEARS and not model.experts:
        return frozenset(model.linears)
    return names


@rule("lora-targets", "error", "transformers: names of the linear layers in models/*/modeling_*.py")
def lora_targets(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """An adapter needs modules that the model really has."""
    if cfg.adapter not in ("lora", "qlora"):
        return
    targets = cfg.lora_target_modules
    named = (targets,) if isinstance(targets, str) else tuple(targets or ())
    if not named:
        others = ("lora_target_parameters", "lora_target_linear")
        if not any(cfg.get(key) for key in others):
            yield Finding(("lora_target_modules",), "no modules for the adapter", _LINEAR)
        return
    has = _linears(facts.model)
    plain = [t for t in named if t.replace("_", "").isalnum()]
    gone = [t for t in plain if has and t not in has | _ANY_NAME and not t.startswith("all")]
    if has and gone:
        fact = f"{PurePosixPath(cfg.base_model).name} has no {', '.join(gone)}"
        yield Finding(("lora_target_modules",), fact, f"Name some of {', '.join(sorted(has))}.")


_LINEAR = "Set lora_target_linear: true."


@rule("special-tokens-grow", "error", "axolotl 0.19: loaders/tokenizer.py, add_special_tokens")
def special_tokens_grow(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """A special token that the vocabulary lacks is added to it, and the embeddings grow."""
    known = facts.special_tokens
    if known is None or not isinstance(cfg.get("special_tokens"), dict):
        return
    for key, value in cfg.get("special_tokens").items():
        for token in value if isinstance(value, list | tuple) else [value]:
            if isinstance(token, str) and token not in known:
                fact = f"{token} is not in the vocabulary, which would grow by it"
                remedy = "Leave it out, or take a reserved token of the model."
                yield Finding(("special_tokens", key), fact, remedy, _milder(cfg))


def _milder(cfg: Config) -> Any:
    """A grown vocabulary is an error beside an adapter only; a full fine-tune saves it all."""
    return None if cfg.adapter and not cfg.lora_modules_to_save else "warning"


@rule("turn-end-not-trained", "warning", "axolotl 0.19: prompt_strategies/chat_template.py (run)")
def turn_end_not_trained(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """Axolotl trains the end of a turn by its token, which is eos where eot_tokens names none."""
    end, special = facts.end_of_turn, cfg.get("special_tokens")
    known = [*_listed(cfg.get("eot_tokens")), special.get("eos_token") if isinstance(special, dict)
             else None]  # fmt: skip
    own = cfg.get("chat_template", "tokenizer_default").startswith("tokenizer_default")
    if end is None or end in known or not own:
        return
    for path, entry in Effective.of(cfg).datasets:
        if entry.get("type") == "chat_template" and entry.get("train_on_eos") != "none":
            fact = f"the template ends a turn with {end}, which is not eos, so no end is learned"
            yield Finding((*path, "train_on_eos"), fact, f"Set eot_tokens: ['{end}'].")
            return


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


@rule("too-few-steps", "error", "axolotl 0.19: utils/trainer.py, calculate_total_num_steps")
def too_few_steps(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """An epoch, or a run, that does not fill one optimizer step trains next to nothing."""
    lengths = facts.prepared.train if facts.prepared else {}
    if not lengths or (cfg.max_steps or 0) > 0:
        return
    rows = sum(lengths.values())
    if _packs(cfg):
        tokens = sum(length * count for length, count in lengths.items())
        rows = ceil(tokens / cfg.sequence_len)
    seen = rows * min(cfg.num_epochs, 1)
    if seen < _steps_of(cfg):
        fact = f"{seen:g} rows do not fill one optimizer step of {_steps_of(cfg)}"
        where = "gradient_accumulation_steps" if cfg.gradient_accumulation_steps else "num_epochs"
        yield Finding((where,), fact, "Lower it, or give more text.")


@rule("eval-split-too-small", "error", "axolotl 0.19: utils/samplers/multipack.py drops the rest")
def eval_split_too_small(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """A packed evaluation that fills no batch evaluates nothing and fails."""
    packs = _packs(cfg) if cfg.eval_sample_packing is None else cfg.eval_sample_packing
    if not facts.prepared or not facts.prepared.held_out or not packs:
        return
    batch = cfg.eval_batch_size or cfg.micro_batch_size or 1
    tokens = sum(length * count for length, count in facts.prepared.held_out.items())
    if tokens < batch * cfg.sequence_len:
        fact = f"{tokens} held-out tokens fill no batch of {batch} x {cfg.sequence_len}"
        key = "eval_sample_packing" if cfg.eval_sample_packing else "sample_packing"
        yield Finding((key,), fact, "Set eval_sample_packing: false.")


@rule("eager-long", "warning", "transformers: eager_attention_forward builds heads x length^2")
def eager_long(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """Eager attention builds the whole square of the length, for every head."""
    legacy = bool(cfg.get("eager_attention"))
    if (cfg.attn_implementation == "eager" or legacy) and cfg.sequence_len >= 4096:
        gib = 4 * cfg.sequence_len**2 / 2**30
        heads = f", {gib:.2f} GiB a head and row in fp32"
        key = "eager_attention" if legacy else "attn_implementation"
        fact = f"eager attention over {cfg.sequence_len} tokens keeps their square{heads}"
        yield Finding((key,), fact, "Set attn_implementation: sdpa or flash_attention_2.")


@rule("needs-cuda", "error", "axolotl 0.19: schemas/validation.py; bitsandbytes and Triton kernels")
def needs_cuda(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """Some keys have only CUDA kernels behind them."""
    cpu = bool(facts.gpu and facts.gpu.name == "cpu")
    if not cpu and (facts.cuda is not False or cfg.seqctx.gpu):
        return
    attention = str(cfg.attn_implementation or "")
    wrong = {
        "optimizer": find_optimizer(Effective.of(cfg).optimizer).needs_cuda,
        "attn_implementation": "flash" in attention,
        "flash_attention": bool(cfg.get("flash_attention")),
        "deepspeed": bool(cfg.get("deepspeed")),
        "tf32": cfg.get("tf32") is True,
        "fp16": cfg.get("fp16") is True,
    }
    # Axolotl turns the kernels on by itself where nothing is said and there is no dropout
    kernels = ("lora_mlp_kernel", "lora_qkv_kernel", "lora_o_kernel")
    if cpu and cfg.adapter in ("lora", "qlora") and not cfg.get("lora_dropout"):
        wrong |= {key: cfg.get(key, True) is True for key in kernels}
    for key in (key for key, is_wrong in wrong.items() if is_wrong):
        fact = "needs CUDA, and " + (
            "seqctx.gpu is cpu" if cfg.seqctx.gpu == "cpu" else "there is none here"
        )
        value = cfg.get(key)
        fact = f"{'on by default' if value is None else value} {fact}"
        remedy = "Set it to false." if not isinstance(value, str) else f"Set {_ON_CPU[key]}."
        yield Finding((key,), fact, remedy, None if cpu else "note")


_ON_CPU = {
    "optimizer": "optimizer: adamw_torch",
    "attn_implementation": "attn_implementation: sdpa",
    "deepspeed": "nothing in its place: delete the key",
}


@rule("datasets-disagree", "error", "seqctx.prepare: what it writes and under which names")
def datasets_disagree(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """What prepare writes for this file is what the file should train on."""
    ours = [
        (path, entry, PurePosixPath(entry.path))
        for path, entry in Effective.of(cfg).datasets
        if PurePosixPath(entry.path).name in DATA_FILES
    ]
    for path, entry, file in ours:
        if facts.stem and file.parent.parts[-3:-1] == ("prepare", "out"):
            if file.parent.name != facts.stem:
                fact = f"is of another file: prepare writes to {DatasetDir.named(facts.stem).path}"
                yield Finding((*path, "path"), f"{file} {fact}", "Name that folder.")
        ends, eos = file.name.endswith("-ends.jsonl"), entry.get("train_on_eos")
        if ends and eos == "none":
            fact = "none, though these texts end: the model would not learn to stop"
            yield Finding((*path, "train_on_eos"), fact, "Set train_on_eos: turn.")
        elif not ends and eos != "none":
            fact = f"{eos or 'unset'}, though these texts go on: the model would learn to stop"
            yield Finding((*path, "train_on_eos"), fact, "Set train_on_eos: none.")
    named = {file.name for _, _, file in ours}
    for side, key in (("train", "datasets"), ("held_out", "test_datasets")):
        of_side = {name for name in DATA_FILES if name.startswith(side)}
        wanted = of_side & facts.prepared.files if facts.prepared else of_side
        missing = sorted(wanted - named) if named & of_side else []
        if missing:
            fact = f"does not name {', '.join(missing)}, which prepare writes"
            yield Finding((key,), fact, "Add it.")


@rule("best-not-kept", "warning", "transformers 5.16: trainer.py, rotate_checkpoints")
def best_not_kept(cfg: Config, facts: Facts) -> Iterator[Finding]:
    """The best checkpoint is chosen of those that were evaluated, saved and not deleted since."""
    strategy = cfg.get("eval_strategy") or ("steps" if cfg.get("eval_steps") else None)
    if not strategy or strategy == "no" or not (cfg.test_datasets or cfg.val_set_size):
        return
    saves = cfg.get("save_strategy") or ("steps" if cfg.get("save_steps") else "epoch")
    if saves in ("best", "no") or cfg.get("load_best_model_at_end"):
        return
    if saves != strategy or (saves == "steps" and cfg.get("save_steps") != cfg.get("eval_steps")):
        fact = f"{saves}, and evaluated by {strategy}: what was evaluated best may not be saved"
        yield Finding(("save_strategy",), fact, "Save when you evaluate: the same strategy, steps.")
        return
    limit, epochs = cfg.get("save_total_limit", 4), ceil(cfg.num_epochs)
    few = saves == "steps" or (isinstance(limit, int) and limit < epochs)
    if few and not cfg.get("metric_for_best_model"):
        kept = f"{limit} checkpoints" + (f" of {epochs}" if saves == "epoch" else "")
        fact = f"the newest {kept} are kept, and the best may be older"
        yield Finding(("save_total_limit",), fact, "Set metric_for_best_model: eval_loss.")
