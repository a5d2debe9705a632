from __future__ import annotations

from pathlib import Path

import pytest

from seqctx import InputError, read_manuscript
from seqctx.prepare.examples import Example, build_examples
from seqctx.prepare.tokens import Tokenizer
from seqctx.schema.config import parse_config
from seqctx.schema.source import Document


def examples_of(
    novella: Path, tokenizer: Tokenizer, sequence_len: int = 1024, **prepare: object
) -> list[Example]:
    data = {"base_model": "m", "sequence_len": sequence_len, "seqctx": {"prepare": prepare}}
    cfg = parse_config(Document("c.yaml", data, {}))
    return build_examples([read_manuscript(novella)], tokenizer, cfg)[0]


@pytest.mark.parametrize("overlap", [0.25, 0.5])
def test_what_overlap_repeats_is_asked_and_not_trained_twice(
    novella: Path, tokenizer: Tokenizer, overlap: float
) -> None:
    plain = examples_of(novella, tokenizer, context_tokens=0)
    lapped = examples_of(novella, tokenizer, strategy="overlap", overlap=overlap)
    assert all(e.tokens <= 1024 for e in lapped)
    # the same text is trained on once, either way
    trained = ["".join("".join(e.chunk.text for e in found).split()) for found in (plain, lapped)]
    assert trained[0] == trained[1]
    # the price: a chunk that repeats a share s holds 1 - s of new text
    assert len(lapped) == pytest.approx(len(plain) / (1 - overlap), rel=0.2)
    whole = max(e.chunk.tokens for e in lapped) / (1 - overlap)
    for before, example in zip(lapped, lapped[1:], strict=False):
        asked = str(example.messages[-2]["content"])
        if not example.chunk.opens:
            repeated = asked.partition(":\n\n")[2]
            text = example.book.text[: example.chunk.start].rstrip()
            assert text.endswith(repeated)
            assert tokenizer.count(repeated) <= whole * overlap * 1.05
            assert before.chunk.chapter == example.chunk.chapter


def test_a_quarter_unless_told(novella: Path, tokenizer: Tokenizer) -> None:
    unsaid = examples_of(novella, tokenizer, strategy="overlap")
    assert unsaid == examples_of(novella, tokenizer, strategy="overlap", overlap=0.25)


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        ({"overlap": 0.25}, "overlap counts with strategy: overlap only"),
        ({"strategy": "overlap", "context_tokens": 64}, "no context_tokens"),
        ({"strategy": "overlap", "overlap": 1.0}, "less than or equal to 0.9"),
    ],
)
def test_overlap_says_one_thing(
    novella: Path, tokenizer: Tokenizer, prepare: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        examples_of(novella, tokenizer, **prepare)


def test_no_room_for_text_says_what_to_lower(novella: Path, tokenizer: Tokenizer) -> None:
    with pytest.raises(InputError, match=r"lower seqctx\.prepare\.overlap"):
        examples_of(novella, tokenizer, 140, strategy="overlap", overlap=0.9)
    with pytest.raises(InputError, match=r"lower seqctx\.prepare\.context_tokens"):
        examples_of(novella, tokenizer, 140)
