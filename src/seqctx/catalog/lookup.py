"""Finds what the catalog knows of a model: by a folder, a row of ``models/``, or the hub.

A file of ``models/`` is read if its own name occurs in the model's name, so a look-up reads one or
two of them. A file lists families, whose facts hold for every model of that name, and each family
lists its rows, one for each model.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Self

from seqctx.catalog.architectures import Architecture, architecture_of_type
from seqctx.catalog.models import Model
from seqctx.catalog.names import ModelName, Tuning, parse_name
from seqctx.system.arguments import expect_type
from seqctx.system.regular_file import read_file_text


class Ends(NamedTuple):
    """Tokens that end a text and a turn.

    Attributes:
        eos: ``eos_token`` of the tokenizer.
        turn: what the chat template ends a turn with; None without a template.
    """

    eos: str | None = None
    turn: str | None = None


class ReservedTokens(NamedTuple):
    """Numbered special tokens, from 0 on.

    Attributes:
        prefix: before the number.
        suffix: after it.
        number: how many.
    """

    prefix: str
    suffix: str
    number: int


class Family(NamedTuple):
    """Models of one name, such as Llama 3.1 to 3.3, and models that name it as their origin.

    Attributes:
        family: its name, for readers.
        marks: parts of a lower-case name by which a model belongs to it.
        model_type: of all of it; None where rows differ.
        templates: how Axolotl's names of its own chat templates begin.
        plain: how a model was tuned if only a size follows the mark in its name.
        ends: by how it was tuned.
        special_tokens: in the vocabulary; None where they are not known.
        reserved_tokens: more of them.
        source: where this is from.
        from_memory: what of it was noted from memory.
        models: rows; a row has the family's value for each field that it leaves out.
    """

    family: str
    marks: tuple[str, ...]
    source: str
    model_type: str | None = None
    templates: Sequence[str] = ()
    plain: Tuning | None = None
    ends: Mapping[Tuning, Ends] = {}
    special_tokens: Sequence[str] | None = None
    reserved_tokens: ReservedTokens | None = None
    from_memory: Sequence[str] = ()
    models: Sequence[Mapping[str, Any]] = ()

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """One family of a YAML file; the file's form is tested, not checked here."""
        reserved = data.get("reserved_tokens")
        return cls(
            **{
                **data,
                "marks": tuple(data["marks"]),
                "ends": {tuning: Ends(**ends) for tuning, ends in data.get("ends", {}).items()},
                "reserved_tokens": ReservedTokens(**reserved) if reserved else None,
            }
        )

    def tuning_of(self, name: ModelName) -> Tuning | None:
        """How a model of this family was tuned; None where its name leaves that open."""
        if name.tuning is None and any(name.is_plain(mark) for mark in self.marks):
            return self.plain
        return name.tuning

    def ends_of(self, tuning: Tuning | None) -> Ends:
        """Tokens that end a text and a turn; of an unknown tuning where all have the same."""
        if tuning is not None:
            return self.ends.get(tuning, Ends())
        known = [*self.ends.values()]
        return known[0] if known and all(each == known[0] for each in known) else Ends()

    def all_special_tokens(self) -> frozenset[str] | None:
        """Those that are listed and those that are numbered."""
        if self.special_tokens is None:
            return None
        numbered = self.reserved_tokens
        more = (
            [f"{numbered.prefix}{n}{numbered.suffix}" for n in range(numbered.number)]
            if numbered
            else []
        )
        return frozenset([*self.special_tokens, *more])

    def model(self, row: Mapping[str, Any], name: ModelName) -> Model:
        """A row with the family's facts, for the name that was looked up."""
        tuning = self.tuning_of(name)
        ends = self.ends_of(tuning)
        memory = row.get("from_memory", ())
        return Model(
            **{
                "model_type": self.model_type,
                "attention": [{"kind": "full", "count": row["layers"]}],
                "special_tokens": self.all_special_tokens(),
                "tuning": tuning,
                "eos": ends.eos,
                "end_of_turn": ends.turn,
                "quantization": name.quantization,
                **row,
                "from_memory": memory if memory == "all" else (*memory, *self.from_memory),
            }
        )


def find_model(base_model: str) -> Model | None:
    """The model of a folder or hub id; None where it is not known.

    A hub id is compared with the rows: first whole, then without the organisation and the format of
    the weights, then without the tuning, too (see `names`).

    Raises:
        InputError: when the folder's config.json cannot be read, or the argument is no text.
    """
    expect_type("base_model", base_model, str, "Name a folder or a hub id.")
    if os.path.isfile(Path(base_model) / "config.json"):  # False for what is no path
        from seqctx.catalog.config_json import read_model_folder  # not needed for a row

        return read_model_folder(Path(base_model))
    name = parse_name(base_model)
    rows = [
        (family, row, parse_name(row["name"]))
        for family in _families_in(name)
        for row in family.models
    ]
    for part in ("organised", "model", "release"):
        for family, row, each in rows:
            if getattr(each, part) == getattr(name, part):
                return family.model(row, name)
    return None


def find_architecture(base_model: str, model: Model | None) -> Architecture:
    """What holds for a model's class, known by its ``model_type`` or by what its name contains."""
    if model and model.model_type:
        return model.architecture
    types = (family.model_type for family in _families_in(parse_name(base_model)))
    return architecture_of_type(next(filter(None, types), None))


def find_own_templates(base_model: str) -> tuple[str, ...]:
    """How Axolotl's names begin of the chat templates that are a model's own, by its name."""
    families = _families_in(parse_name(base_model))
    return tuple(sorted({template for family in families for template in family.templates}))


def find_end_of_turn(base_model: str, model: Model | None) -> str | None:
    """What ends a turn of the model's own chat template, where Axolotl would not train it.

    Args:
        base_model: a folder, whose template is read, or a hub id.
        model: its row, where there is one.

    Returns:
        The token; None where it is ``eos_token``, or is not known.

    Raises:
        InputError: when the folder's tokenizer_config.json cannot be read.
    """
    if os.path.isdir(base_model):  # False for what is no path
        from seqctx.catalog.chat_templates import read_end_of_turn  # not needed for a row

        return read_end_of_turn(Path(base_model))
    if model:
        return model.untrained_end_of_turn
    name = parse_name(base_model)
    for family in _families_in(name):
        if name.model.startswith(family.marks):
            ends = family.ends_of(family.tuning_of(name))
            return ends.turn if ends.eos and ends.turn != ends.eos else None
    return None


def known_models() -> list[str]:
    """Hub ids that have a row, sorted."""
    return sorted(
        row["name"] for stem in _files() for family in _families(stem) for row in family.models
    )


def fetch_model(hub_id: str) -> Model | None:
    """The model of a hub id, from its config.json on the hub; None where it cannot be had.

    What was fetched before is found without the hub, too.
    """
    from seqctx.catalog.config_json import read_model_folder
    from seqctx.system.hub import hub_is_reachable

    try:
        from huggingface_hub import hf_hub_download
    except ImportError:  # it comes with seqctx[prepare]
        return None
    try:
        path = hf_hub_download(hub_id, "config.json", local_files_only=not hub_is_reachable())
    except (OSError, ValueError):  # no hub, no such model, no right to it, or no hub id at all
        return None
    model = read_model_folder(Path(path).parent)
    return model.model_copy(update={"name": hub_id, "source": f"{hub_id}: config.json"})


def _families_in(name: ModelName) -> Iterator[Family]:
    """Families whose mark occurs in a name, the narrower ones first."""
    for stem in _files():
        if stem in name.whole:
            for family in _families(stem):
                if any(mark in name.whole for mark in family.marks):
                    yield family


@cache
def _files() -> dict[str, Path]:
    """Files of ``models/`` by their names without the ending."""
    return {path.stem: path for path in sorted(Path(__file__).with_name("models").glob("*.yaml"))}


@cache
def _families(stem: str) -> tuple[Family, ...]:
    """One file of ``models/``."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is ten times as fast
    data = yaml.load(read_file_text(_files()[stem]), loader)
    return tuple(map(Family.read, data))
