"""What the name of a model says: its release, how it was tuned, how its weights are stored.

Only this module parses names. A hub id is matched to a row of the catalog by its release: without
the organisation, the format of the weights, and whether it is a base or an instruct model. A date
stays: it names another release, whose positions may differ.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

Tuning = Literal["base", "instruct"]

_STORED = re.compile(r"(-(unsloth-)?bnb-4bit|-bf16|-hf)+$")
_TUNED = re.compile(r"-(instruct|base|it|pt|thinking|reasoning)(?=-|$)")
_BASE_WORDS = ("base", "pt")
_SIZE = re.compile(r"[\d.]+[bm](-a[\d.]+b)?$")
_STORAGE_MARKS = {
    "bnb-4bit": "bitsandbytes", "awq": "awq", "gptq": "gptq", "nvfp4": "nvfp4",
}  # fmt: skip


class ModelName(NamedTuple):
    """A hub id or folder, taken apart; all in lower case.

    Attributes:
        whole: as given.
        organised: with the organisation, without how the weights are stored.
        model: without organisation, ``Meta-`` and how the weights are stored.
        release: the same, without how it was tuned.
        tuning: what a word such as ``-Instruct`` or ``-Base`` says; None without one.
        quantization: how the weights are stored; None where the name does not say.
    """

    whole: str
    organised: str
    model: str
    release: str
    tuning: Tuning | None
    quantization: str | None

    def is_plain(self, mark: str) -> bool:
        """Whether nothing but a size follows ``mark``, as in ``qwen2.5-7b``.

        ``qwen2.5-7b-storyteller`` is somebody's own, tuned in whatever way.
        """
        return self.model.startswith(mark) and bool(_SIZE.match(self.model[len(mark) :]))


def parse_name(base_model: str) -> ModelName:
    """Take a hub id or a folder's name apart."""
    whole = base_model.lower()
    organised = _STORED.sub("", whole)
    model = organised.rpartition("/")[2].removeprefix("meta-")
    word = _TUNED.search(model)
    tuning: Tuning | None = None
    if word:
        tuning = "base" if word[1] in _BASE_WORDS else "instruct"
    quantization = "fp8" if whole.endswith("fp8") else None
    quantization = quantization or next(
        (method for mark, method in _STORAGE_MARKS.items() if mark in whole), None
    )
    return ModelName(whole, organised, model, _TUNED.sub("", model), tuning, quantization)
