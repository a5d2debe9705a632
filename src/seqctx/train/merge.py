"""Merge an adapter into its base model through Axolotl, after a check that they belong together."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from seqctx.artifacts.folder_config import read_record
from seqctx.artifacts.folder_kinds import MERGED
from seqctx.artifacts.layout import RunDir
from seqctx.artifacts.run_record import TrainingRun
from seqctx.catalog.lookup import find_model
from seqctx.catalog.model_folder import check_base, fingerprint_model, safetensors_header
from seqctx.catalog.models import Model
from seqctx.config.config import Config
from seqctx.config.render import dump_yaml, hiding_secrets
from seqctx.errors import CheckError, ToolError
from seqctx.system.arguments import expect_type
from seqctx.system.atomic import explain_os_errors, free_bytes
from seqctx.system.environments import find_tool, tool_environment
from seqctx.system.hashing import hash_file, hash_text
from seqctx.system.process import QUICK, failure, lines, running
from seqctx.system.regular_file import read_json
from seqctx.system.replaced_folder import replaced_folder
from seqctx.system.users_files import digests_below
from seqctx.train.axolotl_secrets import hide_in_outputs, secret_variables
from seqctx.train.evaluate import Variant, VariantResult, evaluate, trained_yaml


def merge_command(cfg: Config, axolotl: Path) -> list[str]:
    """The command that merges."""
    return [str(axolotl), "merge-lora", str(RunDir(Path(cfg.output_dir)).merge_yaml)]


def merge(
    cfg: Config, *, force: bool = False, on_step: Callable[[str], None] = lambda step: None
) -> tuple[Path, bool]:
    """Merge the adapter in ``output_dir``, the best checkpoint, into the base it was trained on.

    Args:
        cfg: a file that was trained.
        force: merge again although nothing has changed.
        on_step: called with a line before each step.

    Returns:
        The merged model's folder, ``output_dir/merged``, and whether it is new.

    Raises:
        CheckError: when there is no adapter, it does not belong to the base, the disk is full, or
            the merged model's folder holds files of the user's.
        InputError: when an argument has another type.
        ToolError: when Axolotl is not installed, or fails.
    """
    expect_type("cfg", cfg, Config, "Use seqctx.load_config(path).")
    run_dir = RunDir(Path(cfg.output_dir))
    model = check_mergeable(cfg)
    fingerprint = hash_text(
        fingerprint_model(cfg.base_model),
        *(hash_file(p) for p in sorted(run_dir.output_dir.glob("adapter_model*"))),
    )
    if not force and run_dir.merge_record.is_file():
        if read_record(run_dir.merge_record).get("fingerprint") == fingerprint:
            return run_dir.merged, False
    _check_disk(model, run_dir.output_dir)
    with replaced_folder(run_dir.merged, kind=MERGED) as partial:
        _run_axolotl(cfg, run_dir, partial, on_step)
        template = run_dir.output_dir / "chat_template.jinja"
        if template.is_file():  # the one that was trained with, which may not be the base model's
            shutil.copy2(template, partial / template.name)
        record = partial / run_dir.merge_record.name
        made = {"fingerprint": fingerprint, "files": digests_below(partial)}
        with explain_os_errors(record):
            record.write_text(json.dumps(made) + "\n", "utf-8")
    return run_dir.merged, True


def _run_axolotl(
    cfg: Config, run_dir: RunDir, partial: Path, on_step: Callable[[str], None]
) -> None:
    """Let Axolotl merge into ``partial``.

    Raises:
        ToolError: when Axolotl is not installed, or fails.
    """
    axolotl = find_tool("axolotl")
    scratch, log = RunDir(partial / "axolotl"), run_dir.merge_log
    with explain_os_errors(log):
        _write_yaml(cfg, scratch.output_dir, run_dir)
    env = tool_environment(axolotl, offline=cfg.base_model_is_local) | secret_variables(cfg)
    command, hide = merge_command(cfg, axolotl), hiding_secrets(cfg)
    with (
        explain_os_errors(log),
        log.open("wb") as f,
        running(command, env, patience=QUICK) as process,
    ):
        on_step("merging")
        for line in lines(process, f, hide=hide):
            if "it/s]" in line or "shard" in line.casefold():
                on_step(f"merging: {line.strip()[-70:]}")
        code = process.wait()
    if code:
        raise failure("axolotl", code, log, {})
    if not any(scratch.merged.glob("*.safetensors")):
        raise ToolError(f"axolotl: wrote no merged weights. See the log: {log}.")
    hide_in_outputs(scratch.merged, hide)
    for path in scratch.merged.iterdir():
        shutil.move(path, partial / path.name)
    shutil.rmtree(scratch.output_dir)


def compare_merged(
    cfg: Config, *, on_step: Callable[[str], None] = lambda step: None
) -> tuple[VariantResult, ...]:
    """Held-out losses of base and adapter as they were trained, as they are served, and merged.

    Raises:
        ToolError: when Axolotl's environment cannot load one of them.
    """
    adapter = cfg.output_dir
    variants = [Variant("base", quantized=False)]
    if cfg.load_in_4bit or cfg.load_in_8bit:
        bits = "4" if cfg.load_in_4bit else "8"
        variants.append(Variant(f"{bits}-bit base + adapter, as trained", adapter))
    variants += [
        Variant("16-bit base + adapter, as vLLM serves it", adapter, quantized=False),
        Variant("merged", model=str(RunDir(Path(cfg.output_dir)).merged)),
    ]
    return evaluate(cfg, variants, on_step=on_step).results


def check_mergeable(cfg: Config) -> Model | None:
    """Check that the base model and an adapter that belongs to it are there.

    Returns:
        The base model's row; None where there is none.

    Raises:
        InputError: when the base model's folder is missing.
        CheckError: as `check_adapter_belongs`.
    """
    check_base(cfg.base_model)
    model = find_model(cfg.base_model)
    check_adapter_belongs(cfg, model)
    return model


def check_adapter_belongs(cfg: Config, model: Model | None) -> None:
    """Check that the adapter is complete, and was trained on this base model and vocabulary.

    Args:
        cfg: a file that was trained.
        model: the base model's row; None where it is not known.

    Raises:
        CheckError: when one of these does not hold.
    """
    output = Path(cfg.output_dir)
    weights = output / "adapter_model.safetensors"
    if not cfg.adapter:
        raise CheckError(
            "adapter: unset: full fine-tuning trains the whole model, and there is nothing to "
            "merge. Serve output_dir with seqctx serve."
        )
    if not (output / "adapter_config.json").is_file():
        raise CheckError(f"output_dir: {output}: holds no adapter. Run 'seqctx train' first.")
    header = safetensors_header(weights) if weights.is_file() else None
    if weights.is_file() and header is None:
        raise CheckError(f"{weights}: is damaged or cut short. Restore it, or train again.")
    record = TrainingRun.read(RunDir(output).record)
    if record and record.base_fingerprint != fingerprint_model(cfg.base_model):
        raise CheckError(
            f"output_dir: {output}: the adapter was trained on {record.base_model}, but the "
            f"weights of {cfg.base_model} are different now. Merge with the base model that it was "
            "trained on."
        )
    rows = max(_adapted_rows(header or {}), _tokens(output / "tokenizer.json"))
    if model and rows > model.vocab:
        raise CheckError(
            f"{output}: was trained with a vocabulary of {rows:,} tokens, but the base model has "
            f"{model.vocab:,}: training added tokens. Add the same tokens to the base model "
            "(resize its embeddings and save it with the trained tokenizer), or train without new "
            "special_tokens."
        )


def _adapted_rows(header: dict[str, Any]) -> int:
    """Rows of the embeddings or head that an adapter holds or adapts; 0 where it has neither.

    PEFT 0.20: tuners/lora/layer.py; an embedding's lora_embedding_A is rank x vocabulary.
    """
    rows = 0
    for name, tensor in header.items():
        shape = tensor["shape"]
        if "lora_embedding_A" in name:
            rows = max(rows, shape[1])
        elif re.search(r"(embed_tokens|lm_head|wte)(\.\w+)*\.weight$", name):
            rows = max(rows, 0 if "lora_" in name and "lm_head.lora_B" not in name else shape[0])
    return rows


def _tokens(path: Path) -> int:
    """One more than the highest id of a tokenizer.json; 0 where there is none."""
    if not path.is_file():
        return 0
    data = read_json(path)
    vocab = data["model"].get("vocab")
    ids = [*vocab.values()] if isinstance(vocab, dict) else [len(vocab or ()) - 1]
    return max([*ids, *(t["id"] for t in data.get("added_tokens", ()))], default=-1) + 1


def _write_yaml(cfg: Config, scratch: Path, run_dir: RunDir) -> None:
    """Write the file for ``axolotl merge-lora``: what was trained, with other folders.

    Raises:
        InputError: when nothing was trained.
    """
    mapping = trained_yaml(run_dir)
    mapping |= {"output_dir": str(scratch), "lora_model_dir": cfg.output_dir}
    if mapping.get("adapter") == "qlora":
        # Axolotl 0.19 would round every matrix to NF4 and back, also embeddings and head, which
        # training never quantized; `compare_merged` shows the cost. (cli/utils/lora_merge.py)
        mapping |= {"adapter": "lora", "load_in_4bit": False, "load_in_8bit": False}
    run_dir.merge_yaml.write_text(dump_yaml(mapping), "utf-8")


def _check_disk(model: Model | None, output: Path) -> None:
    """Check that the disk has room for the merged weights.

    Raises:
        CheckError: when it has not.
    """
    needed = 100_000_000
    if model:
        needed += 2 * model.parameters
    if (free := free_bytes(output)) < needed:
        raise CheckError(
            f"output_dir: {output}: the disk is too full: {free / 1e6:,.0f} MB are free, merging "
            f"needs {needed / 1e6:,.0f} MB. Make room, or set output_dir to another disk."
        )
