"""Exact token counts: the model's own tokenizer and chat template, loaded without torch."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from math import ceil
from pathlib import Path
from typing import Any

from seqctx.catalog.model_folder import check_base
from seqctx.errors import InputError
from seqctx.prepare.token_counts import WordCounts, splits_at_spaces
from seqctx.system.arguments import expect_type
from seqctx.system.extras import needs_extra
from seqctx.system.hashing import hash_text
from seqctx.system.hub import hub_is_reachable
from seqctx.system.resource_limits import CallFailedError, call_limited
from seqctx.system.visible import visible_line

Message = dict[str, str]
_TEMPLATE_SECONDS = 10.0  # for one conversation, which takes a millisecond
_TEMPLATE_BYTES = 1_000_000_000
_TEMPLATE_CHARACTERS = 50_000_000
_AT_ONCE = 1_000_000  # characters; an encoding takes some 100 bytes for each token
_TRIAL_BYTES = 1_000_000_000
_TRIAL_TEXT = (
    "Once upon a time, in 1987: “What’s this?” she asked; äöü é 東京 \U0001f600 (42%)\n\n\t- A_b.\n"
    + "the old keeper of the light walked slowly down to the harbour and looked at the sea\n"
    + "".join(c * 40 + "\n" for c in "ax .-0")
    + "".join(map(chr, range(33, 127)))
)
_MOST_TOKENS = 50  # that one byte may become; byte-level tokenizers make one at most
_JOINED = 32  # long texts that many short ones are joined into: several for every core


class Tokenizer:
    """A model's tokenizer with its chat template.

    All counts are of the text as given. Special tokens count only where the text holds them, as
    `rendered` text does.
    """

    def __init__(self, backend: Any, name: str) -> None:
        """Wrap a fast tokenizer of transformers; `load_tokenizer` makes one."""
        self._backend = backend
        self._fast = backend.backend_tokenizer
        self._fast.no_truncation()  # tokenizer.json may set both; counts are of whole texts alone
        self._fast.no_padding()
        self.name = name
        self.boundary_costs: dict[tuple[str, str, str], int] = {}
        """Boundary costs that were measured before; see `seqctx.prepare.segments`."""

    def count(self, text: str) -> int:
        """Tokens of ``text``."""
        return len(self._fast.encode(text, add_special_tokens=False))

    def count_all(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, each by itself; on all cores."""
        return [
            len(encoding)
            for some in _batches(texts)
            for encoding in self._fast.encode_batch_fast(some, add_special_tokens=False)
        ]

    def count_words(self, texts: Sequence[str]) -> list[int]:
        """The same as `count_all`; faster for text with recurring words, for known tokenizers."""
        return self._words.count(texts) if self.splits_at_spaces else self.count_all(texts)

    @cached_property
    def splits_at_spaces(self) -> bool:
        """Whether every text's tokens are those of its words, each with the space before it."""
        added = self._fast.get_added_tokens_decoder().values()
        return (
            type(self._fast.model).__name__ == "BPE"
            and not self._fast.model.dropout
            and {part["type"] for part in self._normalizers} <= {"NFC"}
            and splits_at_spaces(self._pre_tokenizers)
            and not any(t.lstrip or t.rstrip or t.single_word for t in added)
            and not any(c.isspace() for t in added for c in t.content)
        )

    @cached_property
    def added_edges(self) -> tuple[frozenset[str], frozenset[str]]:
        """First and last characters of the added tokens, which are split off before all else."""
        added = [t.content for t in self._fast.get_added_tokens_decoder().values() if t.content]
        return frozenset(t[0] for t in added), frozenset(t[-1] for t in added)

    @cached_property
    def _normalizers(self) -> list[dict[str, Any]]:
        return _parts(self._fast.normalizer, "normalizers")

    @cached_property
    def _pre_tokenizers(self) -> list[dict[str, Any]]:
        return _parts(self._fast.pre_tokenizer, "pretokenizers")

    @cached_property
    def _words(self) -> WordCounts:
        added = self._fast.get_added_tokens_decoder().items()
        mark = next(((t.content, number) for number, t in added if not t.normalized), None)
        return WordCounts(partial(self._count_joined, *mark) if mark else self.count_all)

    def _count_joined(self, mark: str, number: int, texts: Sequence[str]) -> list[int]:
        """Tokens of many short texts, encoded as few long ones with an added token after each.

        This takes 0.4 of the time that encoding each short text by itself takes.
        """
        with needs_extra("prepare", "counting tokens"):
            import numpy as np

        if any(mark in text for text in texts):
            return self.count_all(texts)
        step = max(1, ceil(len(texts) / _JOINED))
        joined = [
            "".join(text + mark for text in texts[k : k + step]) for k in range(0, len(texts), step)
        ]
        sizes: list[int] = []
        for encoding in self._fast.encode_batch_fast(joined, add_special_tokens=False):
            ends = np.flatnonzero(np.array(encoding.ids) == number)
            sizes += (np.diff(ends, prepend=-1) - 1).tolist()
        return sizes

    def encode(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Token ids of ``text``, and where each starts and ends, in characters."""
        encoding = self._fast.encode(text, add_special_tokens=False)
        return encoding.ids, encoding.offsets

    def rendered(self, conversations: Sequence[list[Message]]) -> list[str]:
        """Whole conversations as the chat template writes them.

        A template is a program of whoever made the model, so it runs with limits.

        Raises:
            InputError: when the template refuses one, as some do a system prompt, takes longer
                than ten seconds for one, or needs a gigabyte of memory.
        """
        with needs_extra("prepare", "the chat template"):
            import jinja2  # noqa: F401  # the tokenizer's library imports it when it renders

        def written(messages: list[Message]) -> str:
            text: str = self._backend.apply_chat_template(messages, tokenize=False)
            if len(text) > _TEMPLATE_CHARACTERS:
                raise ValueError(f"it writes {len(text):,} characters for one example")
            return text

        try:
            return list(
                call_limited(written, conversations, seconds=_TEMPLATE_SECONDS,
                             memory=_TEMPLATE_BYTES)
            )  # fmt: skip
        except CallFailedError as error:
            raise InputError(
                f"{self.name}: its chat template cannot render the examples "
                f"({visible_line(str(error)[:200]).rstrip('.')}). Change seqctx.prepare.system, or "
                "the chat template."
            ) from None

    def render(self, messages: list[Message]) -> list[int]:
        """Token ids of a whole conversation, the template's own tokens included."""
        return self.encode(self.rendered([messages])[0])[0]

    @cached_property
    def eos(self) -> str | None:
        """The end-of-text token, as it is written."""
        eos: str | None = self._backend.eos_token
        return eos

    @cached_property
    def end_of_turn(self) -> str | None:
        """The end-of-turn token: the special token that the chat template puts after an answer.

        None where it puts none.

        Raises:
            InputError: as `rendered`.
        """
        answer = "An answer."
        asked = [{"role": "user", "content": "A question."}]
        text = self.rendered([[*asked, {"role": "assistant", "content": answer}]])[0]
        if answer not in text:
            raise InputError(
                f"{self.name}: its chat template leaves out the answer of a conversation. Name a "
                "model with another chat template."
            )
        after = self.encode(text[text.rindex(answer) + len(answer) :])[0]
        added = self._fast.get_added_tokens_decoder()
        return next((added[i].content for i in after[:3] if i in added), None)

    @property
    def has_chat_template(self) -> bool:
        """Whether conversations can be rendered."""
        return bool(self._backend.chat_template)

    @property
    def text_edges(self) -> tuple[list[int], list[int]]:
        """Token ids that the tokenizer puts before a text, and the one that ends a text."""
        probe, bare = self._backend("a")["input_ids"], self.encode("a")[0]
        at = next((i for i in range(len(probe)) if probe[i : i + len(bare)] == bare), 0)
        end = self._backend.eos_token_id
        return probe[:at], [end] if end is not None else []

    @cached_property
    def is_local(self) -> bool:
        """Whether joining two texts changes their tokens only next to the boundary.

        True of tokenizers that first split text into words by a pattern, as byte-level ones do.
        Those that merge across white space (SentencePiece's) count the joined text instead.
        """
        normal = {part["type"] for part in self._normalizers}
        words = [p["type"] == "Split" or p.get("use_regex") for p in self._pre_tokenizers]
        return any(words) and normal <= {"NFC", "NFD", "NFKC", "NFKD"}

    @cached_property
    def fingerprint(self) -> str:
        """Hash of vocabulary, merges and chat template."""
        return hash_text(self._fast.to_str(), str(self._backend.chat_template))


def _batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """The texts in order, so many at a time that their encodings take little memory."""
    first, size = 0, 0
    for k, text in enumerate(texts):
        size += len(text)
        if size >= _AT_ONCE:
            yield texts[first : k + 1]
            first, size = k + 1, 0
    yield texts[first:]


def _parts(component: Any, key: str) -> list[dict[str, Any]]:
    """A tokenizer's normalizer or pre-tokenizer as a list of its parts."""
    return _flat(json.loads(component.__getstate__()), key) if component else []


def _flat(spec: dict[str, Any], key: str) -> list[dict[str, Any]]:
    return [p for part in spec[key] for p in _flat(part, key)] if key in spec else [spec]


def _first_line(error: Exception) -> str:
    """What an error says, in one line, without the full stop."""
    lines = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {lines[0].rstrip('.')}"


def load_tokenizer(base_model: str | Path) -> Tokenizer:
    """Load the tokenizer of a checkpoint folder or, where a hub can be reached, of a hub id.

    Raises:
        InputError: when it cannot be loaded, needs Python code of the model, or ``base_model`` is
            neither text nor a path; when a package is missing.
    """
    expect_type("base_model", base_model, (str, Path), "Name a checkpoint folder or a hub id.")
    base_model = str(base_model)
    check_base(base_model)
    folder = Path(base_model)
    if folder.is_dir() and not (folder / "tokenizer.json").is_file():
        raise InputError(f"{folder}: has no tokenizer.json. Name a folder with a whole checkpoint.")
    # Set before the import: transformers otherwise warns that there is no torch here.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    with needs_extra("prepare", "loading a tokenizer"):
        import tokenizers  # noqa: F401  # named by itself where it is missing
        from transformers import AutoTokenizer
    is_hub_id = not folder.is_dir()
    reachable = is_hub_id and hub_is_reachable()
    try:
        backend = AutoTokenizer.from_pretrained(
            base_model, local_files_only=not reachable, trust_remote_code=False
        )
    except Exception as error:  # OSError, ValueError; of a damaged file KeyError and others, too
        if is_hub_id and not reachable:
            raise InputError(
                f"base_model: {base_model}: its tokenizer is not on this machine, and the hub "
                "cannot be reached. Check the network, or name a folder with the model."
            ) from None
        if "trust_remote_code" in str(error):
            raise InputError(
                f"base_model: {base_model}: its tokenizer needs Python code of the model, which "
                "seqctx does not run. Name a model whose tokenizer needs none."
            ) from None
        raise InputError(
            f"base_model: {base_model}: its tokenizer cannot be loaded ({_first_line(error)}). "
            + ("Check the name and HF_TOKEN." if is_hub_id else "Check its files.")
        ) from None
    if not hasattr(backend, "backend_tokenizer"):
        raise InputError(
            f"base_model: {base_model}: has no tokenizer.json. Convert its tokenizer to one."
        )
    tokenizer = Tokenizer(backend, base_model)
    _try_out(tokenizer)
    return tokenizer


def _try_out(tokenizer: Tokenizer) -> None:
    """Split a short text into tokens, with limits: tokenizer.json may hold any rules.

    A pattern that is slow on some other text is not found.

    Raises:
        InputError: when that fails, takes longer than ten seconds, needs a gigabyte of memory, or
            makes far more tokens than the text has bytes.
    """

    def ids_of(text: str) -> list[int]:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)  # of this copy: the library prints its panics
        try:
            ids = tokenizer.encode(text)[0]
        except BaseException as error:  # a panic is no Exception
            raise ValueError(str(error)) from None
        if len(ids) > _MOST_TOKENS * len(text.encode()):
            raise ValueError(f"it makes {len(ids):,} tokens of {len(text)} characters")
        return ids

    try:
        list(call_limited(ids_of, [_TRIAL_TEXT], seconds=_TEMPLATE_SECONDS, memory=_TRIAL_BYTES))
    except CallFailedError as error:
        raise InputError(
            f"base_model: {tokenizer.name}: its tokenizer cannot split a short text into tokens "
            f"({visible_line(str(error)[:200]).rstrip('.')}). Restore its tokenizer.json."
        ) from None
