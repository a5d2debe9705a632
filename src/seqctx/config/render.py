"""A Config as YAML for people, as Axolotl's YAML, and as vLLM's command line."""

from __future__ import annotations

import json
import os
import shlex
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from seqctx.artifacts.layout import RunDir
from seqctx.catalog.keys import axolotl_names, vllm_names
from seqctx.config.api_key import VARIABLE, find_api_key
from seqctx.config.blocks import check_argument
from seqctx.config.config import FROM_LOAD_CONFIG, Config
from seqctx.config.effective import Effective
from seqctx.config.source import Loader
from seqctx.errors import HIDDEN, CheckError, InputError
from seqctx.system.arguments import expect_type
from seqctx.system.secrets import (
    environment_secrets,
    find_secrets,
    hiding,
    redacted,
    secret_texts,
)

SCHEMA_FILE = "seqctx.schema.json"
_SECTIONS = {
    "The model": ("base_model", "chat_template", "special_tokens"),
    "Lengths": (
        "sequence_len", "sample_packing", "eval_sample_packing", "excess_length_strategy",
    ),
    "Data": ("datasets", "test_datasets", "val_set_size", "dataset_prepared_path"),
    "The adapter": ("adapter", "load_in_4bit", "load_in_8bit", "lora_"),
    "Steps": (
        "micro_batch_size", "gradient_accumulation_steps", "num_epochs", "max_steps",
        "learning_rate", "lr_scheduler", "warmup_ratio", "optimizer",
    ),
    "Evaluation and checkpoints": (
        "eval_", "save_", "metric_for_best_model", "logging_steps", "output_dir",
    ),
}  # fmt: skip

VLLM_MAX_LORA_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""The only values that ``--max-lora-rank`` takes (vLLM 0.32, vllm/config/lora.py)."""

_JSON_LISTS = ("--allowed-origins", "--allowed-methods", "--allowed-headers")


class _Dumper(yaml.SafeDumper):
    """Quotes every string that our reader would read as another type."""

    yaml_implicit_resolvers = Loader.yaml_implicit_resolvers

    def ignore_aliases(self, data: Any) -> bool:
        """Write repeated values out instead of using aliases."""
        return True


def dump_yaml(data: Any) -> str:
    """Plain values as YAML that `seqctx.config.source` reads back unchanged."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=88)


def annotated_yaml(cfg: Config, header: str = "") -> str:
    """A Config as a file to edit by hand: its given keys in sections, each typed one explained.

    Args:
        cfg: the file.
        header: lines of comment for its top, without ``#``.

    Returns:
        YAML; read again it gives an equal Config. Its first line points editors to the schema
        (``seqctx schema``), for completion and hover texts.
    """
    given = cfg.model_dump(exclude_unset=True)
    blocks = {key: given.pop(key) for key in ("vllm", "seqctx") if key in given}
    parts = [f"# yaml-language-server: $schema={SCHEMA_FILE}", *_comment(header)]
    for title, keys in _SECTIONS.items():
        names = [n for k in keys for n in given if n == k or (k[-1] == "_" and n.startswith(k))]
        section = {name: given.pop(name) for name in dict.fromkeys(names)}
        if section:
            parts += ["", f"# --- {title}", *_annotated(section, Config)]
    if given:
        parts += ["", "# --- Other keys", *_annotated(given, Config)]
    for key, block in blocks.items():
        parts += ["", *_annotated({key: block}, Config)]
    return "\n".join(parts) + "\n"


def _annotated(values: dict[str, Any], model: type[BaseModel], indent: str = "") -> list[str]:
    """Lines of a mapping, each key after a comment with its description."""
    lines: list[str] = []
    for key, value in values.items():
        field = model.model_fields.get(key)
        inner = field.annotation if field else None
        lines += [indent + line for line in _comment((field and field.description) or "")]
        if isinstance(inner, type) and issubclass(inner, BaseModel) and value:
            lines += [f"{indent}{key}:", *_annotated(value, inner, indent + "  ")]
        else:
            lines += [indent + line for line in dump_yaml({key: value}).splitlines()]
    return lines


def _comment(text: str) -> list[str]:
    """Text as comment lines; single line breaks are joined."""
    return [
        f"# {line}".rstrip()
        for paragraph in text.split("\n\n")
        for line in textwrap.wrap(" ".join(paragraph.replace("``", "").split()), 90)
    ]


def axolotl_mapping(cfg: Config, *, output_dir: str | Path | None = None) -> dict[str, Any]:
    """The Axolotl YAML that is really run: the file's own keys, without our block.

    Args:
        cfg: the file.
        output_dir: where this run writes; unset: the file's own.

    Returns:
        The file's keys that Axolotl reads, as they were given, but for two: ``output_dir``, and
        ``dataset_prepared_path``, which is a folder of this run, so that an interrupted run leaves
        no half-written tokenized data to the next.

    Raises:
        InputError: when an argument has a wrong type.
    """
    expect_type("cfg", cfg, Config, FROM_LOAD_CONFIG)
    output = cfg.output_dir if output_dir is None else output_dir
    expect_type("output_dir", output, (str, Path), "Give the folder to which Axolotl writes.")
    given = cfg.model_dump(mode="json", exclude_unset=True, exclude={"seqctx"})
    tokenized = RunDir(Path(output)).tokenized
    return {**given, "output_dir": str(output), "dataset_prepared_path": str(tokenized)}


def base_name(cfg: Config) -> str:
    """The name under which the base model is served."""
    return cfg.vllm.served_model_name or _last_part(cfg.base_model)


def _base_argument(cfg: Config) -> str:
    """The base model's name as an argument; the working directory's own, where ``.`` is served.

    Raises:
        InputError: when vLLM would take it for a flag.
    """
    try:
        return str(check_argument(base_name(cfg)))
    except ValueError as error:
        raise InputError(
            f"base_model: its name {error} (got {base_name(cfg)!r}). Set vllm.served_model_name."
        ) from None


def adapter_name(cfg: Config) -> str:
    """The name under which the trained adapter is served: the last part of ``output_dir``.

    ``-trained`` is added if the base model has the same name.
    """
    name = _last_part(cfg.output_dir)
    return f"{name}-trained" if name == base_name(cfg) else name


def _last_part(path: str) -> str:
    """The last part of a folder, with ``.`` and ``..`` resolved, or of a hub id."""
    return os.path.basename(os.path.abspath(path))


def max_lora_rank(rank: int) -> int:
    """The smallest value of ``--max-lora-rank`` that holds an adapter of this rank.

    Raises:
        CheckError: when vLLM takes no rank that high.
    """
    if rank > VLLM_MAX_LORA_RANKS[-1]:
        highest = VLLM_MAX_LORA_RANKS[-1]
        fact = f"vLLM serves adapters of rank {highest} at most (got {rank})"
        raise CheckError(f"lora_r: {fact}. Merge the adapter and serve the merged model.")
    return next(r for r in VLLM_MAX_LORA_RANKS if r >= rank)


def secrets(cfg: Config) -> dict[str, str]:
    """Environment variables for vLLM's secrets: flags would show in everybody's process list."""
    token = cfg.vllm.get("hf_token")
    found = {VARIABLE: find_api_key(cfg), "HF_TOKEN": token if isinstance(token, str) else None}
    return {name: value for name, value in found.items() if value and value.strip()}


def secret_options(cfg: Config) -> dict[str, Any]:
    """Options for vLLM that hold secrets, as its ``--config`` file takes them.

    A key or token inside a block, a URL with a login: they have no environment variable, and on the
    command line everybody could read them.
    """
    found: dict[str, Any] = {}
    for flag, value in _options(cfg):
        if _is_secret_option(flag, value):
            words = [_word(item) for item in value] if isinstance(value, list) else value
            found[flag.removeprefix("--") or "model"] = words
    return found


def shown(command: list[str], cfg: Config, variables: Mapping[str, str] | None = None) -> str:
    """A command line for people and logs, with ``***`` in place of secrets.

    Args:
        command: the program and its arguments.
        cfg: the file.
        variables: environment variables that the command needs beside the secrets.

    Raises:
        InputError: when the API key cannot be used.
    """
    hidden = [
        word
        for flag, value in _options(cfg)
        if _is_secret_option(flag, value)
        for word in _flag(flag, redacted({flag: value})[flag])
    ]
    assigned = [f"{name}='{HIDDEN}'" for name in secrets(cfg)]
    assigned += [f"{name}={shlex.quote(value)}" for name, value in (variables or {}).items()]
    return " ".join([*assigned, shlex.join([*command, *hidden])])


def hiding_secrets(cfg: Config | None) -> Callable[[str], str]:
    """A function that takes the secrets of a file and of the environment out of a text."""
    given = cfg.model_dump(exclude_unset=True) if cfg else {}
    return hiding(secret_texts(given) | environment_secrets(os.environ))


def vllm_command(cfg: Config, *, program: tuple[str, ...] = ("vllm", "serve")) -> list[str]:
    """The server's command line; nothing is started.

    Args:
        cfg: the file; the adapter in ``output_dir`` is served beside the base where ``adapter:``
            is set.
        program: the words before the model.

    Returns:
        The arguments. Keys of ``vllm:`` become flags, except for `secrets` and `secret_options`:
        ``true`` gives the bare flag, ``false`` its ``--no-`` form, a mapping JSON, a list what
        vLLM's flag takes.

    Raises:
        InputError: when ``cfg`` is no Config, ``program`` no tuple, or the base model's name would
            be taken for a flag.
        CheckError: when vLLM takes no adapter of that rank.
    """
    expect_type("cfg", cfg, Config, FROM_LOAD_CONFIG)
    expect_type("program", program, (tuple, list), "Give its words, such as ('vllm', 'serve').")
    command = [*program]
    for flag, value in _options(cfg):
        if not _is_secret_option(flag, value):
            command += _flag(flag, value)
    return command


def _options(cfg: Config) -> Iterator[tuple[str, Any]]:
    """Flags of vLLM's command line and their values; the model has no flag."""
    yield "", cfg.base_model
    yield "--served-model-name", _base_argument(cfg)
    if cfg.adapter:
        module = {"name": adapter_name(cfg), "path": cfg.output_dir}
        others = cfg.vllm.get("lora_modules") or []  # vLLM reads only the last such flag
        yield "--enable-lora", True
        yield "--lora-modules", [module, *(others if isinstance(others, list) else [others])]
        yield "--max-lora-rank", max_lora_rank(Effective.of(cfg).lora_r)
    axolotls = axolotl_names()["keys"]["vllm"]["keys"].keys() - vllm_names()["keys"].keys()
    only_axolotls = {"served_model_name", *axolotls}  # of its own server, in the same block
    flags = cfg.vllm.model_dump(mode="json", exclude=only_axolotls, exclude_none=True)
    for key, value in flags.items():
        flag = f"--{key.replace('_', '-')}"
        if flag == "--api-key" or (flag == "--hf-token" and isinstance(value, str)):
            continue
        if flag != "--lora-modules" or not cfg.adapter:
            yield flag, value


def _is_secret_option(flag: str, value: Any) -> bool:
    return bool(find_secrets({flag: value}))


def _flag(flag: str, value: Any) -> list[str]:
    """One key of ``vllm:`` as arguments (vLLM 0.32: launchers/cli_args.py, engine/arg_utils.py)."""
    match value:
        case _ if not flag:
            return [_word(value)]
        case True:
            return [flag]
        case False:
            return [f"--no-{flag[2:]}"]
        case list() if flag == "--middleware":
            return [argument for item in value for argument in (flag, str(item))]
        case list() if flag not in _JSON_LISTS:
            return [flag, *map(_word, value)] if value else []
        case _:
            return [flag, _word(value)]


def _word(value: Any) -> str:
    """A value as one argument."""
    return json.dumps(value) if isinstance(value, list | dict) else str(value)
