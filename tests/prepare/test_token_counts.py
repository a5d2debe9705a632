"""Counting by words gives what encoding gives, for every pattern that it claims to know."""

from __future__ import annotations

import random
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, models, normalizers, pre_tokenizers, trainers
from tokenizers import Tokenizer as Fast

from seqctx.prepare.readers.manuscripts import read_manuscript
from seqctx.prepare.segments import segments_of
from seqctx.prepare.token_counts import PATTERNS
from seqctx.prepare.tokenizer import Tokenizer
from tests.conftest import ROOT, few_fast

MARK = "<|end|>"
GPT2 = "gpt-2 with digits apart"
PIECES = [
    "a", "Br", "ine", "it's", "'S", " ", "  ", "   ", "\n", "\n\n", "\r\n", "\t", "\u00a0",
    "\u2003", ".", "...", ".”", "—", "“", "1", "1999", "３", "é", "e\u0301", "\u0301", "塩", "水。",
    "🧂", "👩\u200d🔬", "_", "*so*", "/", "ß", "İ", "ﬁ", "\u200b", MARK, "<|", "|>",
]  # fmt: skip
TEXTS = st.lists(st.lists(st.sampled_from(PIECES), max_size=14).map("".join), max_size=5)


class Backend:
    """The part of transformers' fast tokenizer that counting uses."""

    def __init__(self, fast: Fast) -> None:
        self.backend_tokenizer = fast


@cache
def merges() -> Fast:
    """A BPE whose tokens go across words, spaces and lines: only a pattern keeps them apart."""
    fast = Fast(models.BPE())
    fast.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    trainer = trainers.BpeTrainer(
        vocab_size=4000, special_tokens=[MARK], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    draw = random.Random(1)
    pieces = [piece for piece in PIECES if piece != MARK]
    (novella,) = (ROOT / "prepare" / "manuscripts").glob("*.md")
    texts = ["".join(draw.choices(pieces, k=8)) for _ in range(3000)]
    fast.train_from_iterator([*texts, novella.read_text("utf-8")], trainer)
    return fast


@cache
def tokenizer_of(pattern: str, nfc: bool = False) -> Tokenizer:
    fast = Fast.from_str(merges().to_str())
    if pattern == GPT2:
        first = pre_tokenizers.Digits(individual_digits=True)
    else:
        first = pre_tokenizers.Split(Regex(pattern), "isolated")
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=pattern == GPT2)
    fast.pre_tokenizer = pre_tokenizers.Sequence([first, byte_level])
    if nfc:
        fast.normalizer = normalizers.NFC()
    return Tokenizer(Backend(fast), pattern)


ALL = [GPT2, *sorted(PATTERNS)]


@pytest.mark.parametrize("nfc", few_fast([False, True], False))
@pytest.mark.parametrize("pattern", ALL)
@settings(deadline=None, max_examples=150)
@given(texts=TEXTS)
def test_words_count_as_the_text(pattern: str, nfc: bool, texts: list[str]) -> None:
    tokenizer = tokenizer_of(pattern, nfc)
    assert tokenizer.splits_at_spaces
    assert tokenizer.count_words(texts) == tokenizer.count_all(texts)


@pytest.mark.parametrize("pattern", ALL)
@settings(deadline=None, max_examples=80)
@given(parts=TEXTS)
def test_runs_of_paragraphs_count_as_one_text(
    pattern: str, parts: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    tokenizer = tokenizer_of(pattern)
    path = tmp_path_factory.mktemp("books") / "b.md"
    path.write_text("\n\n".join(["# One", *parts, "An end."]), "utf-8", newline="")
    book = read_manuscript(path)
    segments = segments_of(book, tokenizer, 10_000)
    for i in range(len(segments)):
        for j in range(i + 1, len(segments) + 1):
            text = book.text[segments.items[i].start : segments.items[j - 1].end]
            assert segments.tokens(i, j) == tokenizer.count(text)


def test_a_novella_counts_alike() -> None:
    tokenizer = tokenizer_of(GPT2)
    (novella,) = (ROOT / "prepare" / "manuscripts").glob("*.md")
    book = read_manuscript(novella)
    paragraphs = [book.text[p.start : p.end] for p in book.paragraphs]
    assert tokenizer.count_words(paragraphs) == tokenizer.count_all(paragraphs)
    assert tokenizer.count_words(paragraphs[:9]) == tokenizer.count_all(paragraphs[:9])


def test_others_encode_the_text() -> None:
    fast = Fast(models.BPE())
    fast.pre_tokenizer = pre_tokenizers.Metaspace()
    fast.train_from_iterator(["some text of few words"], trainers.BpeTrainer(show_progress=False))
    tokenizer = Tokenizer(Backend(fast), "metaspace")
    assert not tokenizer.splits_at_spaces
    assert tokenizer.count_words(["some text", ""]) == tokenizer.count_all(["some text", ""])
