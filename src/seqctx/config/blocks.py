"""The blocks of a file: ``datasets:`` by entry, ``vllm:``, ``seqctx:`` and ``prepare:`` in it."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from seqctx.config.strategies import STRATEGY_NAMES, KnownStrategy, describe_strategies


class Part(BaseModel):
    """What all parts of the file have in common: frozen, and read with attribute docstrings."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True, protected_namespaces=())

    def get(self, key: str, default: Any = None) -> Any:
        """A key's value, typed or passed through; ``default`` where it is neither, or null."""
        value = getattr(self, key, None) if key in type(self).model_fields else None
        value = (self.model_extra or {}).get(key) if value is None else value
        return default if value is None else value


AUTO = -1  # vLLM 0.32: utils/argparse_utils.py, human_readable_int_or_auto


_SUFFIXES = {
    "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40,
}  # fmt: skip


def human_int(value: Any) -> int:
    """A whole number as vLLM reads it: ``8192``, ``8k`` (8,000), ``25.6k``, ``8K`` (8,192).

    Source: vLLM 0.32, utils/argparse_utils.py, human_readable_int.

    Raises:
        ValueError: for anything else.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    said = re.fullmatch(r"\s*(\d+(?:\.\d+)?)([kKmMgGtT])\s*", str(value))
    if said is None:
        return int(str(value))
    number = float(said[1]) if said[2].islower() else int(said[1])
    return int(number * _SUFFIXES[said[2]])


def _window(value: Any) -> Any:
    """``auto``, or a number with a suffix, as vLLM reads them."""
    if not isinstance(value, str):
        return value
    try:
        return AUTO if value.strip().lower() == "auto" else human_int(value)
    except ValueError:
        return value


def _some(value: int) -> int:
    """Tokens, or `AUTO`."""
    if value < 1 and value != AUTO:
        raise ValueError("must be at least 1, or auto")
    return value


Window = Annotated[
    int,
    BeforeValidator(_window),
    AfterValidator(_some),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": AUTO},
                {"type": "string", "pattern": r"^(auto|\d+(\.\d+)?[kmgt]|\d+[KMGT])$"},
            ]
        }
    ),
]


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
    max_model_len: Window | None = None
    """Context window [tokens]: prompt and answer together. Unset: the model's positions. ``auto``
    or -1: as much of them as the cache has room for."""
    max_num_seqs: int | None = Field(default=None, ge=1)
    """Requests that may run at once. Unset: vLLM's default."""
    gpu_memory_utilization: float | None = Field(default=None, gt=0, le=1)
    """Share of the card's memory that vLLM may take. Unset: vLLM's default."""
    served_model_name: str | None = None
    """Name of the base model in requests. Unset: the last part of ``base_model``."""

    @field_validator("served_model_name", mode="before")
    @classmethod
    def _one_name(cls, value: Any) -> Any:
        """One for the base; vLLM takes several, and the adapter has its own."""
        if isinstance(value, list):
            raise ValueError("takes one name here, as base and adapter have one each")
        return value

    @property
    def window(self) -> int | None:
        """``max_model_len`` where it says a number [tokens]."""
        return None if self.max_model_len == AUTO else self.max_model_len


class Prepare(Part):
    """How manuscripts become examples."""

    model_config = ConfigDict(extra="forbid")

    manuscripts: tuple[str, ...] = ("prepare/manuscripts",)
    """Files (.txt, .md, .docx, .epub, .odt), folders of them, and globs."""
    keep_matter: bool = False
    """Keep title pages, imprints, contents, notes and licences. Off: they are left out."""
    format: Literal["chat", "tokens"] = "chat"
    """``chat``: messages, for ``type: chat_template``. ``tokens``: ready ``input_ids`` and
    ``labels`` for base models without a template, for a dataset without ``type``."""
    strategy: KnownStrategy = Field(default="sequential", description=describe_strategies())
    overlap: float | None = Field(default=None, gt=0)
    """What each chunk repeats, with ``strategy: overlap``: a share of the chunk up to 0.9, or
    tokens from 1 on. Unset: 0.25."""
    overlap_loss: Literal["context", "train"] = "context"
    """``context``: what is repeated stands before the new text, as what is continued, and is not
    trained twice. ``train``: it is part of the chunk, and is."""
    min_tokens: int = Field(default=500, ge=0)
    """A shorter chunk joins its neighbour where it fits [tokens]; whole works stay whole."""
    max_tokens: int | None = Field(default=None, ge=16)
    """Longest chunk [tokens], what is repeated included. Unset: what ``sequence_len`` leaves
    beside the template."""
    context_tokens: int = Field(default=128, ge=0)
    """Preceding text with which a continuation is asked for; not trained on [tokens]. With
    ``strategy: overlap`` it follows from ``overlap``."""
    prompts: str = "plain"
    """What the user's turn says: ``plain`` (continue, in many wordings), ``brief`` (who and what
    comes next, too), or a YAML file with lists ``opening``, ``continuation`` and ``brief``."""
    held_out: float = Field(default=0.1, ge=0, lt=1)
    """Share of the text held out for evaluation, at least one chapter of it."""
    split: Literal["auto", "documents", "chapters"] = "auto"
    """``documents``: whole ones are held out. ``chapters``: closing chapters of the last large one.
    ``auto``: documents where some come to about ``held_out``; else chapters."""
    system: str | None = None
    """System prompt of every example. Unset: what the chat template says by itself."""

    @model_validator(mode="after")
    def _keys_fit_the_strategy(self) -> Prepare:
        """A key that has no effect with the strategy is refused."""
        strategy = STRATEGY_NAMES[self.strategy]
        if not strategy.repeats:
            repeating = " or ".join(name for name, each in STRATEGY_NAMES.items() if each.repeats)
            for key, is_given in (
                ("overlap", self.overlap is not None),
                ("overlap_loss", "overlap_loss" in self.model_fields_set),
            ):
                if is_given:
                    raise ValueError(f"{key} counts with strategy: {repeating} only")
        if self.overlap is not None and 0.9 < self.overlap < 1:
            raise ValueError("overlap is a share up to 0.9, or tokens from 1 on")
        given = "context_tokens" in self.model_fields_set and self.context_tokens
        if strategy.repeats and given:
            raise ValueError(
                f"strategy: {strategy.name} sets the context by itself: no context_tokens"
            )
        return self

    @field_validator("overlap")
    @classmethod
    def _whole_tokens(cls, value: float | None) -> float | None:
        """From 1 on it counts tokens, and there are no half ones."""
        if value is not None and value >= 1 and value != int(value):
            raise ValueError("overlap in tokens must be a whole number")
        return value


class Seqctx(Part):
    """Our own block; Axolotl ignores it."""

    model_config = ConfigDict(extra="forbid")

    gpu: str | None = None
    """The card the file is meant for, such as ``rtx-5090``."""
    goal: Literal["voice", "structure", "throughput"] = "voice"
    """What ``seqctx plan --options`` judges by: ``voice``, the style at the least price;
    ``structure``, arcs and payoffs over long distances; ``throughput``, the least time."""
    prepare: Prepare = Prepare()
