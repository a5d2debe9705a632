"""Merge an adapter into its base through Axolotl, after a look at whether they belong together."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from seqctx.artifacts.run_record import RUN_RECORD, Run
from seqctx.catalog.lookup import find_model
from seqctx.catalog.model_folder import check_base, fingerprint_model, safetensors_header
from seqctx.config.config import Config
from seqctx.config.render import MERGED, dump_yaml
from seqctx.errors import CheckError, InputError, ToolError
from seqctx.system.atomic import explain_os_errors, free_bytes, replaced_folder
from seqctx.system.environments import find_tool, tool_environment
from seqctx.system.hashing import hash_file, hash_text
from seqctx.system.process import failure, lines, running
from seqctx.train.evaluate import Variant, Verdict, judge

STAMP = "seqctx.json"
"""In the merged folder: what it was made of."""


def merge_command(cfg: Config, axolotl: Path) -> list[str]:
    """The command that merges."""
    return [str(axolotl), "merge-lora", str(Path(cfg.output_dir) / "run" / "merge.yaml")]


def merge(
    cfg: Config, *, force: bool = False, on_step: Callable[[str], None] = lambda step: None
) -> tuple[Path, bool]:
    """Merge what ``output_dir`` holds, the best checkpoint, into the base it was trained on.

    Returns:
        The merged model's folder, ``output_dir/merged``, and whether it is new.

    Raises:
        CheckError: when there is no adapter, it does not belong to the base, or the disk is full.
        ToolError: when Axolotl is not there, or fails.
    """
    output = Path(cfg.output_dir)
    check_base(cfg.base_model)
    check_belongs(cfg)
    folder = output / MERGED
    stamp = hash_text(
        fingerprint_model(cfg.base_model),
        *(hash_file(p) for p in sorted(output.glob("adapter_model*"))),
    )
    if not force and (folder / STAMP).is_file():
        if json.loads((folder / STAMP).read_text("utf-8"))["fingerprint"] == stamp:
            return folder, False
    _check_disk(cfg, output)
    axolotl = find_tool("axolotl")
    command = merge_command(cfg, axolotl)
    log = output / "run" / "merge.log"
    with replaced_folder(folder, made_by=STAMP) as partial:
        scratch = partial / "axolotl"
        with explain_os_errors(log):
            _write_yaml(cfg, scratch, Path(command[2]))
        env = tool_environment(axolotl, offline=cfg.base_model_is_local)
        with explain_os_errors(log), log.open("wb") as f, running(command, env) as process:
            on_step("merging")
            for line in lines(process, f):
                if "it/s]" in line or "shard" in line.casefold():
                    on_step(f"merging: {line.strip()[-70:]}")
            code = process.wait()
        if code:
            raise failure("axolotl", code, log, {})
        made = scratch / MERGED
        if not any(made.glob("*.safetensors")):
            raise ToolError(f"axolotl: merged nothing. See the log: {log}.")
        for path in made.iterdir():
            shutil.move(path, partial / path.name)
        shutil.rmtree(scratch)
        for name in ("chat_template.jinja",):  # the training's, where the base's is another
            if (output / name).is_file():
                shutil.copy2(output / name, partial / name)
        (partial / STAMP).write_text(json.dumps({"fingerprint": stamp}) + "\n", "utf-8")
    return folder, True


def compare(
    cfg: Config, *, on_step: Callable[[str], None] = lambda step: None
) -> tuple[Verdict, ...]:
    """Held-out losses of base and adapter as trained, as served, and merged.

    Raises:
        ToolError: when Axolotl's environment cannot load one.
    """
    adapter = cfg.output_dir
    found = [Variant("base", quantized=False)]
    if cfg.load_in_4bit or cfg.load_in_8bit:
        bits = "4" if cfg.load_in_4bit else "8"
        found.append(Variant(f"{bits}-bit base + adapter, as trained", adapter))
    found += [
        Variant("16-bit base + adapter, as vLLM serves it", adapter, quantized=False),
        Variant("merged", model=str(Path(cfg.output_dir) / MERGED)),
    ]
    return judge(cfg, found, on_step=on_step).verdicts


def check_belongs(cfg: Config) -> None:
    """That the adapter is whole, of this base, and of its vocabulary.

    Raises:
        CheckError: when it is not.
    """
    output = Path(cfg.output_dir)
    weights = output / "adapter_model.safetensors"
    if not cfg.adapter or not (output / "adapter_config.json").is_file():
        raise CheckError(f"output_dir: {output}: holds no adapter. Run 'seqctx train' first.")
    header = safetensors_header(weights) if weights.is_file() else None
    if weights.is_file() and header is None:
        raise CheckError(f"{weights}: is damaged or cut short. Restore it, or train again.")
    record = Run.read(output / RUN_RECORD)
    if record and record.base_fingerprint != fingerprint_model(cfg.base_model):
        raise CheckError(
            f"output_dir: {output}: the adapter was trained on {record.base_model} as it was then; "
            f"{cfg.base_model} has other weights now. Merge with the base it was trained on."
        )
    shape = find_model(cfg.base_model)
    rows = max(_rows(header or {}), _tokens(output / "tokenizer.json"))
    if shape and shape.vocab and rows > shape.vocab:
        raise CheckError(
            f"{output}: trained with a vocabulary of {rows:,}, the base has {shape.vocab:,}: "
            "tokens were added in training. Give the base the same ones (resize its embeddings "
            "and save it with the trained tokenizer), or train without new special_tokens."
        )


def _rows(header: dict[str, Any]) -> int:
    """Rows of embeddings or head, as far as an adapter holds or adapts them; 0 where it does not.

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
    data = json.loads(path.read_text("utf-8"))
    vocab = data["model"].get("vocab")
    ids = [*vocab.values()] if isinstance(vocab, dict) else [len(vocab or ()) - 1]
    return max([*ids, *(t["id"] for t in data.get("added_tokens", ()))], default=-1) + 1


def _write_yaml(cfg: Config, scratch: Path, path: Path) -> None:
    """The file for ``axolotl merge-lora``: what was trained, from and to our folders.

    Raises:
        InputError: when nothing was trained.
    """
    resolved = Path(cfg.output_dir) / "run" / "axolotl.yaml"
    if resolved.is_file():
        mapping = yaml.safe_load(resolved.read_text("utf-8"))
    else:
        raise InputError(f"{resolved}: no such file. Run 'seqctx train' first.")
    mapping = {k: v for k, v in mapping.items() if k not in ("resume_from_checkpoint", "vllm")}
    mapping |= {"output_dir": str(scratch), "lora_model_dir": cfg.output_dir}
    if mapping.get("adapter") == "qlora":
        # Axolotl 0.19 else rounds every matrix to NF4 and back, embeddings and head too, which
        # training never quantized; `compare` shows what that costs. (cli/utils/lora_merge.py)
        mapping |= {"adapter": "lora", "load_in_4bit": False, "load_in_8bit": False}
    path.write_text(dump_yaml(mapping), "utf-8")


def _check_disk(cfg: Config, output: Path) -> None:
    """That the merged weights will fit.

    Raises:
        CheckError: when they will not.
    """
    shape = find_model(cfg.base_model)
    needed = 100_000_000
    if shape:
        needed += 2 * shape.parameters
    if (free := free_bytes(output)) < needed:
        raise CheckError(
            f"output_dir: {output}: the disk is full ({free / 1e6:,.0f} MB free, merging wants "
            f"{needed / 1e6:,.0f}). Make room, or set output_dir elsewhere."
        )
