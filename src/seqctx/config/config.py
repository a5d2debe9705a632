"""The file as a model: Axolotl's keys that seqctx reads, and the blocks ``vllm:`` and ``seqctx:``.

Every other Axolotl key is passed through as it is (``extra="allow"``).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from html import escape
from pathlib import Path
from typing import Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from seqctx.catalog.keys import axolotl_names, unknown_keys
from seqctx.config.blocks import (
    Dataset,
    FileBlock,
    Seqctx,
    Vllm,
    check_named_path,
)
from seqctx.config.problem import InvalidConfigError, Problem
from seqctx.config.source import Document, read_document, with_value
from seqctx.config.values import explain_value
from seqctx.errors import InputError
from seqctx.system.arguments import expect_type
from seqctx.system.secrets import redacted
from seqctx.system.visible import visible

FROM_LOAD_CONFIG = "Make one with load_config."
"""Remedy where a function is given something else than a Config."""
ADAPTERS = ("lora", "qlora", "llama-adapter")  # axolotl 0.19: schemas/peft.py, validate_adapter
ATTENTION = (  # axolotl 0.19: schemas/enums.py, CANONICAL_ATTN_IMPLS
    "eager", "sdpa", "flash_attention_2", "flash_attention_3", "flash_attention_4",
    "flash_attention_torch", "flex_attention", "xformers", "sage", "fp8",
)  # fmt: skip


class Config(FileBlock):
    """One file in ``axolotl_configs/``: what is trained, what is served, how text is prepared.

    A Config cannot be changed, compares by value, and remembers which keys were given. The same
    with Axolotl's defaults filled in is `seqctx.config.effective.Effective`.
    """

    model_config = ConfigDict(extra="allow")

    base_model: str = Field(min_length=1)
    """A folder with a Hugging Face checkpoint, or a hub id."""
    adapter: str | None = None
    """``lora``, ``qlora``, or the name of a plugin's. Unset: full fine-tuning."""
    load_in_4bit: bool | None = None
    """Loads weights in 4 bit (bitsandbytes NF4); ``adapter: qlora`` needs it."""
    load_in_8bit: bool | None = None
    """Loads weights in 8 bit (bitsandbytes), for ``adapter: lora``."""
    lora_r: int | None = Field(default=None, ge=1)
    """Rank of the adapter. Unset: PEFT's 8."""
    lora_alpha: int | None = None
    """The adapter's output is scaled by lora_alpha / lora_r, or by lora_alpha / sqrt(lora_r) with
    peft_use_rslora."""
    lora_target_modules: str | tuple[str, ...] | None = None
    """Names of the linear layers that get an adapter."""
    lora_target_linear: bool | None = None
    """Gives every linear layer an adapter."""
    lora_modules_to_save: tuple[str, ...] | None = None
    """Modules trained in full beside the adapter. vLLM does not load such an adapter."""
    sample_packing: bool | None = None
    """Packs several examples into one row of ``sequence_len`` tokens. Unset: off."""
    eval_sample_packing: bool | None = None
    """The same in evaluation. Unset: as ``sample_packing``."""
    attn_implementation: str | None = None
    """``sdpa``, ``flash_attention_2``, ``eager``, ... Unset: packed examples see each other."""
    val_set_size: float | None = None
    """Rows split off at random for evaluation: below 1 a share, from 1 on a number of rows."""
    micro_batch_size: int | None = Field(default=None, ge=1)
    """Rows that a GPU processes at once. Unset: 1."""
    eval_batch_size: int | None = Field(default=None, ge=1)
    """Rows that a GPU processes at once in evaluation. Unset: ``micro_batch_size``."""
    gradient_accumulation_steps: int | None = Field(default=None, ge=1)
    """Batches whose gradients one optimizer step adds up. Unset: 1."""
    max_steps: int | None = None
    """Number of optimizer steps. Unset: it follows from ``num_epochs``."""
    chat_template: str | None = None
    """The chat template that training renders examples with. Unset: the tokenizer's own."""
    sequence_len: int = Field(default=512, ge=1)
    """Longest training example [tokens]. Unset: 512."""
    num_epochs: float = Field(default=1.0, gt=0)
    """Passes over the training examples. Unset: 1."""
    datasets: tuple[Dataset, ...] = ()
    """The data that Axolotl trains on."""
    test_datasets: tuple[Dataset, ...] = ()
    """The data that Axolotl evaluates on."""
    plugins: tuple[str, ...] | None = None
    """Plugins that Axolotl loads, by the names of their classes."""
    output_dir: str = "./model-out"
    """Folder for the trained weights. Unset: ./model-out."""
    vllm: Vllm = Vllm()
    seqctx: Seqctx = Seqctx()

    def __new__(cls, *args: object, **_: object) -> Self:
        """Refuse an argument without a name, such as a path, in one sentence."""
        if args:
            got = type(args[0]).__name__
            raise InputError(
                f"Config: takes keys by name, such as base_model=... (got {got}). "
                "Read a file with load_config."
            )
        return super().__new__(cls)

    @model_validator(mode="before")
    @classmethod
    def _null_counts_as_unset(cls, data: Any) -> Any:
        """``vllm:`` with nothing under it is null in YAML, and stands for the defaults."""
        if isinstance(data, dict):
            kept = {"sequence_len", "num_epochs", "output_dir"}  # Axolotl refuses null there
            absent = cls.model_fields.keys() - kept
            return {k: v for k, v in data.items() if v is not None or k not in absent}
        return data

    @field_validator("lora_target_modules")
    @classmethod
    def _is_a_pattern(cls, value: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        """PEFT takes a string as a regular expression."""
        if not isinstance(value, str):
            return value
        from seqctx.system.patterns import user_pattern  # here: few files have one

        try:
            user_pattern("lora_target_modules", value)
        except InputError:
            raise ValueError("must be a regular expression, or a list of names") from None
        return value

    @field_validator("attn_implementation")
    @classmethod
    def _names_an_attention(cls, value: str | None) -> str | None:
        """A name of Axolotl's, or the hub path of a kernel."""
        if value is not None and value not in ATTENTION and "/" not in value:
            raise ValueError(f"must be one of {', '.join(ATTENTION)}, or a kernel's hub path")
        return value

    @field_validator("chat_template")
    @classmethod
    def _names_a_template(cls, value: str | None) -> str | None:
        """A name of Axolotl's, or ``tokenizer_default_fallback_`` and one."""
        names = axolotl_names()["keys"]["chat_template"]["choices"]
        prefix = "tokenizer_default_fallback_"
        if value is not None and value not in names and not value.startswith(prefix):
            import difflib  # only for what is misspelled

            close = difflib.get_close_matches(value, names, 1, 0.5) or ["tokenizer_default"]
            raise ValueError(f"must be one of Axolotl's chat templates, such as {close[0]}")
        return value

    @field_validator("datasets", "test_datasets")
    @classmethod
    def _has_entries(cls, value: tuple[Dataset, ...]) -> tuple[Dataset, ...]:
        """Axolotl refuses an empty list."""
        if not value:
            raise ValueError("must have at least one entry; without data leave the key out")
        return value

    @model_validator(mode="after")
    def _names_an_adapter(self) -> Config:
        """An adapter that is not built in needs the plugin that adds it."""
        if self.adapter and self.adapter not in ADAPTERS and not self.plugins:
            known = ", ".join(ADAPTERS)
            fact = f"must be one of {known}, or plugins must list the one that adds it"
            wrong = InitErrorDetails(
                type=PydanticCustomError("adapter", "{fact}", {"fact": fact}),
                loc=("adapter",),
                input=self.adapter,
            )
            raise ValidationError.from_exception_data("Config", [wrong])
        return self

    @field_validator("plugins")
    @classmethod
    def _plugins_name_their_modules(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        """Axolotl splits each name at its last dot, and ends in a traceback without one."""
        if not all("." in name.strip(".") for name in value or ()):
            raise ValueError(
                "each must name a class with its module, such as "
                "axolotl.integrations.liger.LigerPlugin"
            )
        return value

    @field_validator("base_model", "output_dir")
    @classmethod
    def _is_no_flag(cls, value: str) -> str:
        """Both stand on command lines, and their last parts are names of served models."""
        return check_named_path(value)

    @field_validator("output_dir")
    @classmethod
    def _names_its_own_folder(cls, value: str) -> str:
        """Training replaces the whole folder, so it must not hold anything else."""
        if not Path(value).name:
            raise ValueError("must name a folder of its own, such as outputs/novel")
        return value

    @model_validator(mode="wrap")
    @classmethod
    def _problems_are_lines(
        cls, data: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo
    ) -> Self:
        """Report wrong values as problems of the document that the context holds.

        It must be the last validator: one below it would not be covered.
        """
        try:
            return handler(data)
        except ValidationError as error:
            document = (info.context or {}).get("document") or Document("Config", {}, {})
            raise InvalidConfigError(_wrong_values(document, error)) from None

    def replace(self, *args: object, **changes: Any) -> Config:
        """A copy with some keys changed, validated again; nested keys are ``vllm__port``.

        Args:
            *args: none; keys are given by name.
            **changes: keys and their new values.

        Raises:
            InputError: listing every wrong key; or for an argument without a name.
        """
        if args:
            got = type(args[0]).__name__
            raise InputError(
                f"replace: takes keys by name (got {got}). "
                "Write cfg.replace(sequence_len=4096), or cfg.replace(**changes) for a mapping."
            )
        data = self.model_dump(exclude_unset=True)
        for key, value in changes.items():
            data = with_value(data, key.split("__"), value, "replace")
        return parse_config(Document("replace", data, {}))

    def _repr_html_(self) -> str:
        """The given keys as a table; pointing at a key shows its description."""
        rows = []
        for key, value in _flat(redacted(self.model_dump(exclude_unset=True))).items():
            about = _description(type(self), key.split("."))
            about, key, value = (escape(visible(str(text))) for text in (about, key, value))
            rows.append(f'<tr><td title="{about}">{key}</td><td>{value}</td></tr>')
        return f"<table><tr><th>key</th><th>value</th></tr>{''.join(rows)}</table>"

    @property
    def base_model_is_local(self) -> bool:
        """Whether ``base_model`` names a folder rather than a hub id."""
        return os.path.isdir(self.base_model)  # False for what is no path


def diff(old: Config, new: Config) -> dict[str, tuple[Any, Any]]:
    """Dotted keys whose values differ: value before, value after; None where a key is missing.

    Raises:
        InputError: when either is no Config.
    """
    for name, value in (("old", old), ("new", new)):
        expect_type(name, value, Config, FROM_LOAD_CONFIG)
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
        overrides: dotted keys and values that replace those of the file, such as
            ``{"vllm.port": 8001}``.

    Raises:
        InputError: when the file cannot be read; or listing every wrong key with its line.
    """
    expect_type("path", path, (str, Path), "Name a YAML file.")
    return parse_config(read_document(Path(path)), overrides)


def parse_config(document: Document, overrides: Mapping[str, Any] | None = None) -> Config:
    """Validate a document as a Config.

    Raises:
        InvalidConfigError: listing all errors, unknown keys included, one a line.
        InputError: when an argument has a wrong type.
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
        The Config, None if a value is wrong; and the problems with keys and values, by line:
        unknown keys and wrong values are errors, deprecated keys warnings.

    Raises:
        InputError: when an argument has a wrong type.
    """
    expect_type("document", document, Document, "Read one with read_document.")
    if overrides is not None:
        expect_type("overrides", overrides, Mapping, "Give dotted keys and their values.")
    document = document.with_overrides(overrides)
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
        cfg = Config.model_validate(data, context={"document": document})
    except InvalidConfigError as error:
        problems += error.problems
    return cfg, sorted(set(problems))


def _wrong_values(document: Document, error: ValidationError) -> list[Problem]:
    """What pydantic found wrong, as problems of the document's keys."""
    problems = []
    for bad in error.errors():
        path = tuple(part for part in bad["loc"] if part not in _UNION_ARMS)
        fact, remedy = explain_value(bad, Config, path)
        problems.append(Problem.at(document, path, "error", "value", fact, remedy))
    return problems


_UNION_ARMS = {"str", "tuple[str, ...]"}  # pydantic names the arm of a union that refused


def _plugins(data: Mapping[str, Any]) -> list[str]:
    listed = data.get("plugins")
    return [p for p in listed if isinstance(p, str)] if isinstance(listed, list | tuple) else []


def _description(model: type[BaseModel], keys: list[str]) -> str:
    """The docstring of a key, or nothing."""
    field = model.model_fields.get(keys[0])
    if field is None:
        return ""
    inner = field.annotation
    if len(keys) > 1 and isinstance(inner, type) and issubclass(inner, BaseModel):
        return _description(inner, keys[1:])
    return field.description or ""
