"""The file as a model: Axolotl's keys that seqctx reads, and the blocks ``vllm:`` and ``seqctx:``.

Every other Axolotl key passes through untouched (``extra="allow"``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from seqctx.errors import InputError
from seqctx.schema.source import Document, read_document


class Part(BaseModel):
    """What all parts of the file have in common: frozen, and read with attribute docstrings."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True, protected_namespaces=())


class Dataset(Part):
    """One entry of ``datasets:`` or ``test_datasets:``."""

    model_config = ConfigDict(extra="allow")

    path: str
    """A file, a folder or a hub id."""


class Vllm(Part):
    """What is served. Keys that are not listed here become flags of ``vllm serve`` as they are."""

    model_config = ConfigDict(extra="allow")

    host: str = "127.0.0.1"
    """Address the server listens on; anything else than 127.0.0.1 opens it to the network."""
    port: int = Field(default=8000, ge=1, le=65535)
    """TCP port."""
    max_model_len: int | None = Field(default=None, ge=1)
    """Context window [tokens]: prompt and answer together. Unset: the model's positions."""
    max_num_seqs: int | None = Field(default=None, ge=1)
    """Requests that may run at once. Unset: vLLM's default."""
    gpu_memory_utilization: float | None = Field(default=None, gt=0, le=1)
    """Share of the card's memory that vLLM may take. Unset: vLLM's default."""
    served_model_name: str | None = None
    """Name of the base model in requests. Unset: the last part of ``base_model``."""


class Prepare(Part):
    """How manuscripts become examples."""

    model_config = ConfigDict(extra="forbid")

    manuscripts: tuple[str, ...] = ("prepare/manuscripts",)
    """Files (.txt, .md) and folders of them."""
    strategy: Literal["sequential"] = "sequential"
    """``sequential``: paragraphs, in order, as many as fit."""
    max_tokens: int | None = Field(default=None, ge=16)
    """Longest chunk [tokens]. Unset: what ``sequence_len`` leaves beside the template."""
    context_tokens: int = Field(default=128, ge=0)
    """Preceding text with which a continuation is asked for; not trained on [tokens]."""
    held_out: float = Field(default=0.1, ge=0, lt=1)
    """Share of the text held out for evaluation: whole closing chapters (at least one)."""
    system: str | None = None
    """System prompt of every example. Unset: what the chat template says by itself."""


class Seqctx(Part):
    """Our own block; Axolotl ignores it."""

    model_config = ConfigDict(extra="forbid")

    gpu: str | None = None
    """The card the file is meant for, such as ``rtx-5090``."""
    prepare: Prepare = Prepare()


class Config(Part):
    """One file in ``axolotl_configs/``: what is trained, what is served, and how text is prepared.

    A Config compares by value, cannot be changed, and remembers which keys were given.
    """

    model_config = ConfigDict(extra="allow")

    base_model: str = Field(min_length=1)
    """A folder with a Hugging Face checkpoint, or a hub id."""
    adapter: Literal["lora", "qlora"] | None = None
    """Unset: full fine-tuning."""
    lora_r: int | None = Field(default=None, ge=1)
    """Rank of the adapter."""
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
            return {k: v for k, v in data.items() if v is not None or k not in cls.model_fields}
        return data

    @field_validator("output_dir")
    @classmethod
    def _a_folder_of_its_own(cls, value: str) -> str:
        """It is replaced as a whole, so it cannot be the folder that everything else is in."""
        if not Path(value).name:
            raise ValueError("must name a folder of its own")
        return value

    @property
    def base_model_is_local(self) -> bool:
        """Whether ``base_model`` names a folder rather than a hub id."""
        return Path(self.base_model).is_dir()


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
        InputError: with all problems at once, a line each.
    """
    data, laid_over = document.data, set()
    for dotted, value in (overrides or {}).items():
        keys = dotted.split(".")
        data = _laid_over(data, keys, value)
        laid_over.add(tuple(keys))
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            loc = problem["loc"]
            place = f"--set {'.'.join(map(str, loc))}" if loc in laid_over else document.place(loc)
            missing = problem["type"] == "missing"
            fact = "missing" if missing else f"{problem['msg'].lower()} (got {problem['input']!r})"
            lines.append(f"{place}: {'.'.join(map(str, loc))}: {fact}. Mend the key.")
        raise InputError("\n".join(lines)) from None


def _laid_over(data: dict[str, Any], keys: list[str], value: Any) -> dict[str, Any]:
    """A copy of nested mappings with one value set."""
    key, *rest = keys
    if not rest:
        return {**data, key: value}
    inner = data.get(key)
    return {**data, key: _laid_over(inner if isinstance(inner, dict) else {}, rest, value)}
