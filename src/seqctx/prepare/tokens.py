"""Exact token counts: the model's own tokenizer and chat template, loaded without torch."""

from __future__ import annotations

import os
from bisect import bisect_left
from functools import cached_property
from pathlib import Path
from typing import Any

from seqctx.errors import InputError
from seqctx.files import check_base, hash_text

Message = dict[str, str]


class Tokenizer:
    """A model's tokenizer with its chat template.

    All counts are of the text as given, without special tokens, unless they come from `render`.
    """

    def __init__(self, backend: Any, name: str) -> None:
        """Wrap a fast tokenizer of transformers; `load_tokenizer` makes one."""
        self._backend = backend
        self._fast = backend.backend_tokenizer
        self.name = name

    def count(self, text: str) -> int:
        """Tokens of ``text``."""
        return len(self._fast.encode(text, add_special_tokens=False).ids)

    def starts(self, text: str) -> list[int]:
        """Where each token of ``text`` starts, in characters, ascending."""
        encoding = self._fast.encode(text, add_special_tokens=False)
        return [start for start, _ in encoding.offsets]

    def render(self, messages: list[Message]) -> list[int]:
        """Token ids of a whole conversation, the template's own tokens included."""
        ids: list[int] = self._backend.apply_chat_template(
            messages, tokenize=True, return_dict=False
        )
        return ids

    @cached_property
    def fingerprint(self) -> str:
        """Hash of vocabulary, merges and chat template."""
        return hash_text(self._fast.to_str(), str(self._backend.chat_template))


class TokenMap:
    """Token positions of one text that was encoded once, for fast estimates of stretches of it.

    A stretch encoded by itself may differ by a few tokens where its ends cut a merge.
    """

    def __init__(self, text: str, tokenizer: Tokenizer) -> None:
        """Encode ``text``."""
        self._starts = tokenizer.starts(text)

    def __len__(self) -> int:
        """Tokens of the whole text."""
        return len(self._starts)

    def at(self, char: int) -> int:
        """Index of the first token that starts at ``char`` or later."""
        return bisect_left(self._starts, char)

    def between(self, start: int, end: int) -> int:
        """Tokens that start in ``text[start:end]``."""
        return self.at(end) - self.at(start)

    def char(self, token: int) -> int:
        """Where a token starts, in characters."""
        return self._starts[token]


def load_tokenizer(base_model: str) -> Tokenizer:
    """Load the tokenizer of a checkpoint folder or, where a hub can be reached, of a hub id.

    Raises:
        InputError: when it cannot be had, or has no chat template.
    """
    check_base(base_model)
    folder = Path(base_model)
    if folder.is_dir() and not (folder / "tokenizer.json").is_file():
        raise InputError(f"{folder}: holds no tokenizer.json. Name a whole checkpoint's folder.")
    # Set before the import: transformers otherwise warns that there is no torch here.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        from transformers import AutoTokenizer
    except ImportError:
        raise InputError(
            "prepare needs tokenizers and transformers. Run: pip install 'seqctx[prepare]'"
        ) from None
    try:
        backend = AutoTokenizer.from_pretrained(base_model, local_files_only=folder.is_dir())
    except (OSError, ValueError) as error:
        raise InputError(
            f"base_model: {base_model}: its tokenizer cannot be loaded: "
            f"{str(error).splitlines()[0]} Check the name, the network and HF_TOKEN."
        ) from None
    if not backend.chat_template:
        raise InputError(f"base_model: {base_model}: has no chat template. Name an Instruct model.")
    return Tokenizer(backend, base_model)
