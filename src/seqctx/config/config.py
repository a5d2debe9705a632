"""The file as a model: Axolotl's keys that seqctx reads, and the blocks ``vllm:`` and ``seqctx:``.

Every other Axolotl key passes through untouched (``extra="allow"``).
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from seqctx.catalog.keys import axolotl_names, unknown_keys
from seqctx.config.blocks import Dataset, Part, Seqctx, Vllm
from seqctx.config.problem import InvalidConfigError, Problem
from seqctx.config.source import Document, laid_over, read_document

ADAPTERS = ("lora", "qlora", "llama-adapter")  # axolotl 0.19: schemas/peft.py, validate_adapter
ATTENTION = (  # axolotl 0.19: schemas/enums.py, CANONICAL_ATTN_IMPLS
    "eager", "sdpa", "flash_attention_2", "flash_attention_3", "flash_attention_4",
    "flash_attention_torch", "flex_attention", "xformers", "sage", "fp8",
)  # fmt: skip


class Config(Part):
    """One file in ``axolotl_configs/``: what is trained, what is served, and how text is prepared.

    A Config compares by value, cannot be changed, and remembers which keys were given.
    """

    model_config = ConfigDict(extra="allow")

    base_model: str = Field(min_length=1)
    """A folder with a Hugging Face checkpoint, or a hub id."""
    adapter: str | None = None
    """``lora``, ``qlora``, or what a plugin adds. Unset: full fine-tuning."""
    load_in_4bit: bool | None = None
    """Weights in 4 bit (bitsandbytes NF4), which ``adapter: qlora`` needs."""
    load_in_8bit: bool | None = None
    """Weights in 8 bit (bitsandbytes), with ``adapter: lora``."""
    lora_r: int | None = Field(default=None, ge=1)
    """Rank of the adapter. Unset: PEFT's 8."""
    lora_alpha: int | None = None
    """The adapter counts lora_alpha / lora_r; lora_alpha / sqrt(lora_r) with peft_use_rslora."""
    lora_target_modules: str | tuple[str, ...] | None = None
    """Names of the linear layers that get an adapter."""
    lora_target_linear: bool | None = None
    """Every linear layer gets an adapter."""
    lora_modules_to_save: tuple[str, ...] | None = None
    """Modules trained in full beside the adapter; vLLM loads no such adapter."""
    sample_packing: bool | None = None
    """Several examples in one row of ``sequence_len`` tokens. Axolotl's default is off."""
    eval_sample_packing: bool | None = None
    """The same in evaluation. Unset: as ``sample_packing``."""
    attn_implementation: str | None = None
    """``sdpa``, ``flash_attention_2``, ``eager``, ... Unset: no mask between packed examples."""
    val_set_size: float | None = None
    """Rows drawn at random for evaluation: a share below 1, a number from 1 on."""
    micro_batch_size: int | None = Field(default=None, ge=1)
    """Rows a card takes at once. Axolotl's default is 1."""
    eval_batch_size: int | None = Field(default=None, ge=1)
    """Rows a card takes at once in evaluation. Unset: ``micro_batch_size``."""
    gradient_accumulation_steps: int | None = Field(default=None, ge=1)
    """Batches an optimizer step adds up. Axolotl's default is 1."""
    max_steps: int | None = None
    """Optimizer steps at most. Unset: what ``num_epochs`` gives."""
    chat_template: str | None = None
    """The template that examples are rendered with in training."""
    sequence_len: int = Field(default=512, ge=1)
    """What one training example may span [tokens]. Axolotl's default is 512."""
    num_epochs: float = Field(default=1.0, gt=0)
    """Passes over the training examples. Axolotl's default is 1."""
    datasets: tuple[Dataset, ...] = ()
    """What Axolotl trains on."""
    test_datasets: tuple[Dataset, ...] = ()
    """What Axolotl evaluates on."""
    output_dir: str = "./model-out"
    """Where the trained weights go. Axolotl's default is ./model-out."""
    vllm: Vllm = Vllm()
    seqctx: Seqctx = Seqctx()

    @model_validator(mode="before")
    @classmethod
    def _empty_blocks_are_absent(cls, data: Any) -> Any:
        """``vllm:`` with nothing under it is null in YAML; it means the defaults."""
        if isinstance(data, dict):
            kept = {"sequence_len", "num_epochs", "output_dir"}  # Axolotl refuses null there
            absent = cls.model_fields.keys() - kept
            return {k: v for k, v in data.items() if v is not None or k not in absent}
        return data

    @field_validator("attn_implementation")
    @classmethod
    def _a_known_attention(cls, value: str | None) -> str | None:
        """A name of Axolotl's, or the hub path of a kernel."""
        if value is not None and value not in ATTENTION and "/" not in value:
            raise ValueError(f"must be one of {', '.join(ATTENTION)}, or a kernel's hub path")
        return value

    @field_validator("chat_template")
    @classmethod
    def _a_known_template(cls, value: str | None) -> str | None:
        """A name of Axolotl's, or ``tokenizer_default_fallback_`` and one."""
        names = axolotl_names()["keys"]["chat_template"]["choices"]
        prefix = "tokenizer_default_fallback_"
        if value is not None and value not in names and not value.startswith(prefix):
            close = difflib.get_close_matches(value, names, 1, 0.5) or ["tokenizer_default"]
            raise ValueError(f"is no template of Axolotl's, such as {close[0]}")
        return value

    @field_validator("datasets", "test_datasets")
    @classmethod
    def _no_empty_list(cls, value: tuple[Dataset, ...]) -> tuple[Dataset, ...]:
        """An empty list is refused by Axolotl; leave the key out."""
        if not value:
            raise ValueError("must name at least one")
        return value

    @model_validator(mode="after")
    def _a_known_adapter(self) -> Config:
        """Any adapter but the built-in ones comes with a plugin."""
        if self.adapter and self.adapter not in ADAPTERS and not self.get("plugins"):
            raise ValueError(f"adapter {self.adapter!r} is none of {', '.join(ADAPTERS)}")
        return self

    @field_validator("output_dir")
    @classmethod
    def _a_folder_of_its_own(cls, value: str) -> str:
        """It is replaced as a whole, so it cannot be the folder that everything else is in."""
        if not Path(value).name:
            raise ValueError("must name a folder of its own")
        return value

    def replace(self, **changes: Any) -> Config:
        """A copy with some keys changed, validated again; nested keys are ``vllm__port``.

        Raises:
            InputError: with every key that is wrong.
        """
        data = self.model_dump(exclude_unset=True)
        for key, value in changes.items():
            data = laid_over(data, key.split("__"), value)
        return parse_config(Document("replace", data, {}))

    def _repr_html_(self) -> str:
        """What the file says, as a table; what a key means shows when the mouse rests on it."""
        rows = []
        for key, value in _flat(self.model_dump(exclude_unset=True)).items():
            about = _description(type(self), key.split("."))
            cells = f'<td title="{escape(about)}">{escape(key)}</td><td>{escape(str(value))}</td>'
            rows.append(f"<tr>{cells}</tr>")
        return f"<table><tr><th>key</th><th>value</th></tr>{''.join(rows)}</table>"

    @property
    def base_model_is_local(self) -> bool:
        """Whether ``base_model`` names a folder rather than a hub id."""
        return os.path.isdir(self.base_model)  # False for what is no path


def diff(old: Config, new: Config) -> dict[str, tuple[Any, Any]]:
    """Dotted keys whose values differ: value before, value after; None where there is none."""
    before, after = _flat(old.model_dump()), _flat(new.model_dump())
    keys = sorted(before.keys() | after.keys())
    return {k: (before.get(k), after.get(k)) for k in keys if before.get(k) != after.get(k)}


def _flat(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one of dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in data.items():
        inner = _flat(value, f"{prefix}{key}.") if isinstance(value, dict) and value else None
        flat.update(inner if inner is not None else {f"{prefix}{key}": value})
    return flat


def load_config(path: str | Path, overrides: Mapping[str, Any] | None = None) -> Config:
    """Read one YAML file.

    Args:
        path: the file.
        overrides: dotted keys and values laid over the file, such as ``{"vllm.port": 8001}``.

    Raises:
        InputError: when the file cannot be read, or with every key that is wrong and its line.
    """
    return parse_config(read_document(Path(path)), overrides)


def parse_config(document: Document, overrides: Mapping[str, Any] | None = None) -> Config:
    """Validate a document as a Config.

    Raises:
        InvalidConfigError: with all errors at once, a line each; keys that nobody knows included.
    """
    cfg, problems = read_config(document, overrides)
    errors = [problem for problem in problems if problem.severity == "error"]
    if cfg is None or errors:
        raise InvalidConfigError(errors)
    return cfg


def read_config(
    document: Document, overrides: Mapping[str, Any] | None = None
) -> tuple[Config | None, list[Problem]]:
    """Validate a document as far as it goes.

    Returns:
        The Config, None where a value cannot be read; and what is wrong with keys and values, by
        line: unknown keys and bad values are errors, deprecated keys warnings.
    """
    document = document.overlaid(overrides)
    data, problem = document.data, partial(Problem.at, document)
    problems = [
        problem(
            key.path,
            "error" if key.kind == "unknown" else "warning",
            f"{key.kind}-key",
            key.fact,
            key.remedy,
        )
        for key in unknown_keys(data, _plugins(data))
    ]
    cfg = None
    try:
        cfg = Config.model_validate(data)
    except ValidationError as error:
        for bad in error.errors():
            path = tuple(part for part in bad["loc"] if part not in _UNION_ARMS)
            got = "" if bad["type"] == "missing" else f" (got {_clipped(bad['input'])})"
            fact = "missing" if bad["type"] == "missing" else _fact(bad["msg"]) + got
            problems.append(problem(path, "error", "value", fact, "Mend the key."))
    return cfg, sorted(set(problems))


_UNION_ARMS = {"str", "tuple[str, ...]"}  # pydantic names the arm of a union that refused


def _fact(message: str) -> str:
    """Pydantic's message as a fact of ours."""
    message = message.removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


def _clipped(value: Any) -> str:
    """A value as Python writes it, short enough for a line."""
    text = repr(value) if not isinstance(value, str) else repr(value[:100])
    return text if len(text) <= 80 else f"{text[:77]}..."


def _plugins(data: Mapping[str, Any]) -> list[str]:
    listed = data.get("plugins")
    return [p for p in listed if isinstance(p, str)] if isinstance(listed, list) else []


def _description(model: type[BaseModel], keys: list[str]) -> str:
    """The docstring of a key, or nothing."""
    field = model.model_fields.get(keys[0])
    if field is None:
        return ""
    inner = field.annotation
    if len(keys) > 1 and isinstance(inner, type) and issubclass(inner, BaseModel):
        return _description(inner, keys[1:])
    return field.description or ""
