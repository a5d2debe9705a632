"""Exact token counts from words: each word is encoded once, however often it occurs.

A novel of 750,000 tokens has some 20,000 different words. Where the tokenizer's pattern never joins
a space to the character before it, the tokens of a text are those of its words, each with the space
before it, so they can be looked up. Other tokenizers encode the text itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

_CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_MARKS = r"| ?[^\s\p{L}\p{N}]+[\r\n]*"
_SPACES = r"|\s*[\r\n]+|\s+(?!\S)|\s+"
_CL100K = _CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_ANY = r"[^\r\n\p{L}\p{N}]?"
_O200K = _ANY + _UPPER + "*" + _LOWER + "+{0}|" + _ANY + _UPPER + "+" + _LOWER + "*{0}" + r"|\p{N}"
_O200K_MARKS = r"| ?[^\s\p{L}\p{N}]+[\r\n/]*"
PATTERNS = frozenset(
    [
        _CL100K + "{1,3}" + _MARKS + _SPACES,  # Llama 3
        _CL100K + _MARKS + _SPACES,  # Qwen 2 to 3
        _O200K.replace("{0}", _CONTRACTIONS + "?") + "{1,3}" + _O200K_MARKS + _SPACES,  # gpt-oss
        _O200K.replace("{0}", "") + _O200K_MARKS + _SPACES,  # Mistral's Tekken
    ]
)
"""Patterns that split text into words, where white space only begins a match or is all of it.

So a match ends before every single space, and at a new line that no white space follows. GPT-2's
pattern, which the tokenizers library has built in, is another.
"""
_BATCH = 16_384  # texts
_MOST_WORDS = 200_000
_LONGEST_KEPT = 40  # characters; a longer "word", such as a line of Chinese, does not occur again


def splits_at_spaces(pre_tokenizers: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a tokenizer is known to end a token before every single space.

    Args:
        pre_tokenizers: its parts, as tokenizer.json writes them.
    """
    splits = any(part["type"] == "Split" or part.get("use_regex") for part in pre_tokenizers)
    return splits and all(map(_is_known, pre_tokenizers))


def _is_known(part: Mapping[str, Any]) -> bool:
    """Whether a pre-tokenizer splits words as the patterns above do, or into smaller parts."""
    if part["type"] == "Split":
        return (
            part["pattern"].get("Regex") in PATTERNS
            and part["behavior"] == "Isolated"
            and not part["invert"]
        )
    return part["type"] == "Digits" or (
        part["type"] == "ByteLevel" and not part["add_prefix_space"]
    )


class WordCounts:
    """Tokens of texts, for a tokenizer that `splits_at_spaces`."""

    def __init__(self, encode: Callable[[list[str]], list[int]]) -> None:
        """``encode`` gives the tokens of each of some texts."""
        self._encode = encode
        self._first = _Lexicon("", encode)
        self._later = _Lexicon(" ", encode)

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, each by itself."""
        batches = (texts[k : k + _BATCH] for k in range(0, len(texts), _BATCH))
        return list(chain.from_iterable(map(self._batch, batches)))

    def _batch(self, texts: Sequence[str]) -> list[int]:
        # A token may hold two characters of white space, so such texts are encoded as they are.
        words = [text.split() or [""] for text in texts]
        odd = {
            k: text
            for k, (text, found) in enumerate(zip(texts, words, strict=True))
            if " ".join(found) != text
        }
        for k in odd:
            words[k] = [""]
        first = self._first.sizes(found.pop(0) for found in words)
        sizes = [a + sum(b) for a, b in zip(first, self._later.all_sizes(words), strict=True)]
        for k, size in zip(odd, self._encode(list(odd.values())), strict=True):
            sizes[k] = size
        return sizes


class _Lexicon:
    """Tokens of words that all have the same text before them."""

    def __init__(self, before: str, encode: Callable[[list[str]], list[int]]) -> None:
        self._before, self._encode = before, encode
        self._known: dict[str, int] = {}

    def sizes(self, words: Iterable[str]) -> list[int]:
        """Tokens of each word."""
        return [sum(size) for size in self.all_sizes([[word] for word in words])]

    def all_sizes(self, texts: Sequence[Sequence[str]]) -> Iterator[Iterator[int]]:
        """Tokens of each word of each text."""
        if len(self._known) > _MOST_WORDS:
            self._known.clear()
        fresh = list(set(chain.from_iterable(texts)).difference(self._known))
        sizes = self._encode([self._before + word for word in fresh])
        self._known.update(zip(fresh, sizes, strict=True))
        look_up = self._known.__getitem__
        yield from (map(look_up, words) for words in texts)
        for word in fresh:
            if len(word) > _LONGEST_KEPT:
                del self._known[word]
