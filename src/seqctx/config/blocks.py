"""The blocks of a file: ``datasets:`` by entry, ``vllm:``, ``seqctx:`` and ``prepare:`` in it."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from seqctx.config.plain_values import Unusable, unusable_values
from seqctx.config.strategies import STRATEGY_NAMES, KnownStrategy, describe_strategies
from seqctx.config.values import UNUSABLE
from seqctx.config.window import AUTO, Window
from seqctx.errors import InputError
from seqctx.system.secrets import redacted


class FileBlock(BaseModel):
    """A mapping of the file as a model: it cannot be changed, and each key has a description."""

    model_config = ConfigDict(
        frozen=True, use_attribute_docstrings=True, protected_namespaces=(), allow_inf_nan=False
    )

    @model_validator(mode="before")
    @classmethod
    def _holds_plain_values(cls, data: Any) -> Any:
        """Refuse what YAML, JSON and a command line cannot all carry."""
        _refuse(cls, unusable_values(data))
        return data

    @model_validator(mode="after")
    def _numbers_fit(self) -> Self:
        """Refuse numbers too large that were written as text."""
        numbers = {key: value for key, value in self if isinstance(value, int | float)}
        _refuse(type(self), unusable_values(numbers))
        return self

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key, typed or passed through; ``default`` where it is unset or null."""
        value = getattr(self, key, None) if key in type(self).model_fields else None
        value = (self.model_extra or {}).get(key) if value is None else value
        return default if value is None else value

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """What ``repr`` shows: keys and values, with signs in place of secrets."""
        yield from redacted(dict(super().__repr_args__())).items()

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuse to change a key, in one sentence."""
        with self._refuse_in_one_sentence(name):
            super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        """Refuse to delete a key, in one sentence."""
        with self._refuse_in_one_sentence(name):
            super().__delattr__(name)

    @contextmanager
    def _refuse_in_one_sentence(self, name: str) -> Iterator[None]:
        try:
            yield
        except ValidationError:
            raise InputError(
                f"{name}: a {type(self).__name__} cannot be changed. Make a changed copy with "
                f"replace, such as cfg.replace(sequence_len=4096)."
            ) from None


def _refuse(cls: type[BaseModel], found: Iterable[Unusable]) -> None:
    """Raise an error with all values that cannot be used, if there is one."""
    wrong = [
        InitErrorDetails(
            type=PydanticCustomError(UNUSABLE, "{fact}", {"fact": each.fact}),
            loc=each.path,
            input=each.value,
        )
        for each in found
    ]
    if wrong:
        raise ValidationError.from_exception_data(cls.__name__, wrong)


def _is_loopback(address: str) -> bool:
    """Whether only this machine reaches an address; a host name that is not known may be open."""
    if address.lower() in ("localhost", "localhost.localdomain", "ip6-localhost"):
        return True
    try:
        ip = ipaddress.ip_address(address.strip("[]"))
    except ValueError:
        return False
    mapped = getattr(ip, "ipv4_mapped", None)  # ::ffff:127.0.0.1
    return bool(ip.is_loopback or (mapped and mapped.is_loopback))


def check_argument(value: Any) -> Any:
    """Refuse text that begins with a dash.

    Axolotl and vLLM would take it for a flag. Negative numbers may pass, as argparse takes them.

    Raises:
        ValueError: when a text, or one of a list, is such.
    """
    for text in value if isinstance(value, list | tuple) else [value]:
        if not isinstance(text, str):
            continue
        if text.startswith("-") and not re.fullmatch(r"-\d+|-\d*\.\d+", text):
            raise ValueError("must not begin with a dash, which vLLM would take for a flag")
    return value


_LONGEST_NAME, _LONGEST_PATH = 255, 3000  # bytes; Linux takes 4,095 for a path, files below it too


def check_named_path(value: str) -> str:
    """Refuse a path or hub id that is too long, or itself or its last part begins with a dash.

    The last part is the name under which it is served.

    Raises:
        ValueError: when it is one of these.
    """
    if len(os.fsencode(value)) > _LONGEST_PATH or any(
        len(os.fsencode(part)) > _LONGEST_NAME for part in value.split("/")
    ):
        raise ValueError("is too long for the name of a file or folder")
    for part in (value, os.path.basename(os.path.normpath(value))):
        try:
            check_argument(part)
        except ValueError as error:
            raise ValueError(str(error).replace("vLLM would", "Axolotl or vLLM would")) from None
    return value


class Dataset(FileBlock):
    """One entry of ``datasets:`` or ``test_datasets:``."""

    model_config = ConfigDict(extra="allow")

    path: str
    """A file, a folder or a hub id."""


class Vllm(FileBlock):
    """What vLLM serves. Keys not listed here are passed to ``vllm serve`` as flags."""

    model_config = ConfigDict(extra="allow")

    host: str = "127.0.0.1"
    """Address that the server listens on. Any other than 127.0.0.1 opens it to the network."""
    port: int = Field(default=8000, ge=1, le=65535)
    """TCP port."""
    max_model_len: Window | None = None
    """Context window [tokens]: prompt and answer together. Unset: the model's positions. ``auto``
    or -1: as many of them as fit in the KV cache."""
    max_num_seqs: int | None = Field(default=None, ge=1)
    """How many requests may run at once. Unset: vLLM's default."""
    gpu_memory_utilization: float | None = Field(default=None, gt=0, le=1)
    """Share of the GPU's memory that vLLM may use. Unset: vLLM's default."""
    served_model_name: str | None = None
    """Name of the base model in requests. Unset: the last part of ``base_model``."""

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key, written with underscores or, as in its flag, with hyphens."""
        value = super().get(key)
        return super().get(key.replace("_", "-"), default) if value is None else value

    @field_validator("served_model_name", mode="before")
    @classmethod
    def _takes_one_name(cls, value: Any) -> Any:
        """One name for the base; vLLM would take several, and the adapter has its own."""
        if isinstance(value, list):
            raise ValueError("must be one name; the adapter is served under its own name")
        return check_argument(value)

    @field_validator("host")
    @classmethod
    def _names_an_address(cls, value: str) -> str:
        """An address that can be seen; vLLM would open a blank one to every network."""
        if not value.strip():
            raise ValueError("must name an address, such as 127.0.0.1")
        check_argument(value)
        return value

    @model_validator(mode="after")
    def _passes_no_hidden_flags(self) -> Self:
        """The other keys become arguments, too; secrets do not, and are not shown."""
        wrong = []
        for key, value in (self.model_extra or {}).items():
            if key.replace("-", "_") in ("api_key", "hf_token"):
                continue
            try:
                check_argument(value)
            except ValueError as error:
                kind = PydanticCustomError("argument", "{fact}", {"fact": str(error)})
                wrong.append(InitErrorDetails(type=kind, loc=(key,), input=value))
        if wrong:
            raise ValidationError.from_exception_data("Vllm", wrong)
        return self

    @property
    def is_open(self) -> bool:
        """Whether other machines can reach the server."""
        return bool(self.open_addresses)

    @property
    def open_addresses(self) -> dict[str, str]:
        """Keys and their addresses that other machines can reach."""
        keys = ("host", "data_parallel_address", "master_addr")  # engines of one server meet there
        given = {key: str(self.get(key, "127.0.0.1")) for key in keys}
        return {key: address for key, address in given.items() if not _is_loopback(address)}

    @property
    def window(self) -> int | None:
        """``max_model_len`` where it is a number [tokens]."""
        return None if self.max_model_len == AUTO else self.max_model_len


class Chapters(FileBlock):
    """Which headings open chapters."""

    model_config = ConfigDict(extra="forbid")

    level: int | None = Field(default=None, ge=1, le=10)
    """Headings of this level open chapters; 1 is the highest. Those below open scenes."""
    pattern: str | None = None
    """Regular expression: headings and paragraphs that it matches as a whole open chapters."""

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        """A level or a pattern."""
        if (self.level is None) == (self.pattern is None):
            raise ValueError("must have level or pattern, and not both")
        return self

    @field_validator("pattern")
    @classmethod
    def _is_a_pattern(cls, value: str | None) -> str | None:
        """A regular expression."""
        from seqctx.system.patterns import user_pattern  # here: few files have one

        try:
            if value is not None:
                user_pattern("pattern", value)
        except InputError:
            raise ValueError("must be a regular expression") from None
        return value


class Prepare(FileBlock):
    """How manuscripts become training examples."""

    model_config = ConfigDict(extra="forbid")

    manuscripts: tuple[str, ...] = ("prepare/manuscripts",)
    """Files (.txt, .md, .docx, .epub, .odt, .rtf, .html, ...), folders, projects of Scrivener,
    novelWriter, mdBook and others, and globs."""
    folders: Literal["auto", "one book", "many books"] = "auto"
    """``one book``: the files of a folder are chapters of one book. ``many books``: each file is a
    book. ``auto``: one book where a project file gives the order (Scrivener, novelWriter, mdBook
    and others), or where the files are numbered or named as chapters; else many books."""
    chapters: Chapters | None = None
    """Which headings open chapters: ``{level: 2}`` or ``{pattern: REGEX}``. Unset: seqctx decides
    by their words, levels and sizes, and the report says how."""
    keep_front_and_back_matter: bool | None = None
    """``true``: keep title pages, imprints, contents, notes and licences. ``false``: leave them
    out. Unset: leave them out, but refuse a manuscript of which more than 5 % or 2,000 words would
    be left out without certain evidence that they are not the story."""
    format: Literal["chat", "tokens"] = "chat"
    """``chat``: messages, for ``type: chat_template``. ``tokens``: ``input_ids`` and ``labels``
    for base models without a chat template, for a dataset without ``type``."""
    strategy: KnownStrategy = Field(default="sequential", description=describe_strategies())
    overlap: float | None = Field(default=None, gt=0)
    """How much each chunk repeats of the one before, with ``strategy: overlap``: below 1 a share of
    the chunk (at most 0.9), from 1 on a number of tokens. Unset: 0.25."""
    overlap_loss: Literal["context", "train"] = "context"
    """``context``: the repeated text is given as context and not trained on again. ``train``: the
    repeated text is trained on, too."""
    min_tokens: int = Field(default=500, ge=0)
    """A shorter chunk is joined to its neighbour if both fit in one [tokens]. A whole text that is
    shorter stays as it is."""
    max_tokens: int | None = Field(default=None, ge=16)
    """Longest chunk, repeated text included [tokens]. Unset: ``sequence_len`` minus the tokens of
    the chat template."""
    context_tokens: int = Field(default=128, ge=0)
    """How much preceding text the prompt of a continuation holds; it is not trained on [tokens].
    With ``strategy: overlap`` it follows from ``overlap``."""
    prompts: str = "plain"
    """What the user's turn says: ``plain`` (asks to continue, in many wordings), ``brief`` (also
    names who and what comes next), or a YAML file with lists ``opening``, ``continuation`` and
    ``brief``."""
    held_out: float = Field(default=0.1, ge=0, lt=1)
    """Share of the text that is held out for evaluation; at least one chapter."""
    split: Literal["auto", "documents", "chapters"] = "auto"
    """``documents``: holds out whole documents. ``chapters``: holds out the last chapters of the
    last large document. ``auto``: documents if some add up to about ``held_out``, else
    chapters."""
    system: str | None = None
    """System prompt of every example. Unset: the chat template's own."""

    @model_validator(mode="after")
    def _keys_fit_the_strategy(self) -> Prepare:
        """A key that has no effect with the strategy is an error."""
        repeats = STRATEGY_NAMES[self.strategy].repeats
        repeating = " or ".join(name for name, each in STRATEGY_NAMES.items() if each.repeats)
        if not repeats and self.overlap is not None:
            raise ValueError(f"overlap needs strategy: {repeating}")
        if not repeats and "overlap_loss" in self.model_fields_set:
            raise ValueError(f"overlap_loss needs strategy: {repeating}")
        if self.overlap is not None and 0.9 < self.overlap < 1:
            raise ValueError("overlap must be a share of at most 0.9, or tokens from 1 on")
        if repeats and self.context_tokens and "context_tokens" in self.model_fields_set:
            raise ValueError(f"context_tokens cannot be set with strategy: {self.strategy}")
        return self

    @field_validator("overlap")
    @classmethod
    def _is_whole_from_one_on(cls, value: float | None) -> float | None:
        """From 1 on it counts tokens, and there are no half ones."""
        if value is not None and value >= 1 and value != int(value):
            raise ValueError("overlap in tokens must be a whole number")
        return value


Goal = Literal["voice", "structure", "throughput"]
"""What a file is made for: ``seqctx init`` writes it, ``seqctx plan --options`` judges by it."""


class Seqctx(FileBlock):
    """What seqctx reads; Axolotl ignores this block."""

    model_config = ConfigDict(extra="forbid")

    gpu: str | None = None
    """The GPU that the file is meant for, such as ``rtx-5090``, or ``cpu``."""
    goal: Goal = "voice"
    """What matters most; ``seqctx plan --options`` judges by it. ``voice``: the author's style, at
    the lowest cost. ``structure``: arcs and payoffs over long distances. ``throughput``: the
    shortest training time."""
    prepare: Prepare = Prepare()
