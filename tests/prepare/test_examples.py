from __future__ import annotations

from pathlib import Path

import pytest

from seqctx import InputError, read_manuscript
from seqctx.config.config import parse_config
from seqctx.config.source import Document
from seqctx.prepare.examples import Example, build_examples
from seqctx.prepare.prompts import brief_of, load_prompts
from seqctx.prepare.tokenizer import Tokenizer
from tests.conftest import few_fast


def examples_of(
    novella: Path, tokenizer: Tokenizer, sequence_len: int = 1024, **prepare: object
) -> list[Example]:
    data = {"base_model": "m", "sequence_len": sequence_len, "seqctx": {"prepare": prepare}}
    cfg = parse_config(Document("c.yaml", data, {}))
    prompts = load_prompts(cfg.seqctx.prepare.prompts)
    return build_examples(read_manuscript(novella), tokenizer, cfg, prompts)[0]


def answer_of(example: Example) -> str:
    return example.book.text[example.answer : example.chunk.end]


@pytest.mark.parametrize("strategy", ["sequential", "overlap", "scenes"])
@pytest.mark.parametrize("prompts", ["plain", "brief"])
@pytest.mark.parametrize("sequence_len", few_fast([700, 2048, 8192], 2048))
def test_every_example_is_counted_as_it_is_trained_and_fits(
    novella: Path, tokenizer: Tokenizer, strategy: str, prompts: str, sequence_len: int
) -> None:
    examples = examples_of(novella, tokenizer, sequence_len, strategy=strategy, prompts=prompts)
    at = 0
    for e in examples:
        assert e.tokens == len(tokenizer.render(list(e.messages))) <= sequence_len
        assert e.messages[-1]["content"] == answer_of(e)
        assert e.loss_tokens == tokenizer.count(answer_of(e)) + e.ends
        assert not e.book.text[at : e.answer].strip()
        at = e.chunk.end
    assert not e.book.text[at:].strip()


@pytest.mark.parametrize("strategy", ["sequential", "overlap", "scenes"])
def test_no_false_openings(novella: Path, tokenizer: Tokenizer, strategy: str) -> None:
    for e in examples_of(novella, tokenizer, strategy=strategy):
        asked = str(e.messages[-2]["content"])
        shown = e.book.text[e.context : e.answer].rstrip()
        if not e.chunk.opens:
            assert shown and shown in asked
        elif strategy != "overlap":
            assert not shown
            assert e.book.chapters[e.chunk.chapter].title in asked


def test_only_the_end_of_a_chapter_ends_an_answer(novella: Path, tokenizer: Tokenizer) -> None:
    examples = examples_of(novella, tokenizer)
    ends = {c.span.end for c in examples[0].book.chapters}
    assert [e.ends for e in examples] == [e.chunk.end in ends for e in examples]
    assert 0 < sum(e.ends for e in examples) < len(examples)


@pytest.mark.parametrize("overlap", [0.25, 0.5, 300])
def test_what_overlap_repeats_is_asked_and_not_trained_twice(
    novella: Path, tokenizer: Tokenizer, overlap: float
) -> None:
    lapped = examples_of(novella, tokenizer, strategy="overlap", overlap=overlap)
    assert len({e.answer for e in lapped}) == len(lapped)
    assert all(a.chunk.end <= b.answer for a, b in zip(lapped, lapped[1:], strict=False))
    twice = examples_of(
        novella, tokenizer, strategy="overlap", overlap=overlap, overlap_loss="train"
    )
    assert any(a.chunk.end > b.answer for a, b in zip(twice, twice[1:], strict=False))
    assert sum(e.loss_tokens for e in twice) > sum(e.loss_tokens for e in lapped) * 1.1


def test_prompts_vary_and_stay_the_same(novella: Path, tokenizer: Tokenizer) -> None:
    examples = examples_of(novella, tokenizer, 512)
    starts = {str(e.messages[-2]["content"])[:12] for e in examples if not e.chunk.opens}
    assert len(starts) >= 3
    assert examples == examples_of(novella, tokenizer, 512)


def test_a_brief_names_who_occurs(novella: Path, tokenizer: Tokenizer) -> None:
    for e in examples_of(novella, tokenizer, prompts="brief"):
        names = brief_of(answer_of(e)).split(", ")
        asked = str(e.messages[-2]["content"])
        assert all(name in asked and name in answer_of(e) for name in names if name)


def test_own_prompts(tmp_path: Path, novella: Path, tokenizer: Tokenizer) -> None:
    mine = tmp_path / "prompts.yaml"
    mine.write_text("continuation: ['Weiter: {context}']\n")
    for e in examples_of(novella, tokenizer, prompts=str(mine)):
        asked = str(e.messages[-2]["content"])
        assert asked.startswith("Weiter: ") != e.chunk.opens


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("continuation: ['{contxt}']", r"\{contxt\} is not a placeholder of this list"),
        ("continuation: ['Go on.']", r"must hold \{context\} once"),
        ("continuation: Go on.", "must be a list of wordings"),
        ("contination: ['{context}']", "must hold lists of wordings"),
        ("opening: [3]", r"must be text \(got 3\)"),
        ("a: [", "not valid YAML"),
    ],
)
def test_bad_prompts(tmp_path: Path, text: str, message: str) -> None:
    mine = tmp_path / "prompts.yaml"
    mine.write_text(text)
    with pytest.raises(InputError, match=message):
        load_prompts(str(mine))


def test_ready_tokens(novella: Path, tokenizer: Tokenizer) -> None:
    examples = examples_of(novella, tokenizer, 700, format="tokens")
    for e in examples:
        row = e.row()
        assert len(row["input_ids"]) == len(row["labels"]) == len(row["attention_mask"]) <= 700
        trained = [i for i in row["labels"] if i != -100]
        assert len(trained) == e.loss_tokens
        assert (trained[-1] == tokenizer.text_edges[1][0]) == e.ends
        ids, _ = tokenizer.encode(e.book.text[e.context : e.chunk.end])
        assert row["input_ids"][: len(ids)] == ids
    assert any(i == -100 for e in examples for i in e.labels)


def test_overlap_is_a_quarter_by_default(novella: Path, tokenizer: Tokenizer) -> None:
    unsaid = examples_of(novella, tokenizer, strategy="overlap")
    assert unsaid == examples_of(novella, tokenizer, strategy="overlap", overlap=0.25)


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        ({"overlap": 0.25}, "overlap needs strategy: overlap"),
        ({"strategy": "overlap", "context_tokens": 64}, "context_tokens cannot be set"),
        ({"strategy": "overlap", "overlap": 0.95}, "a share of at most 0.9"),
    ],
)
def test_keys_that_do_not_fit_the_strategy_are_refused(
    novella: Path, tokenizer: Tokenizer, prepare: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        examples_of(novella, tokenizer, **prepare)


def test_no_room_for_text_names_the_key_to_lower(novella: Path, tokenizer: Tokenizer) -> None:
    with pytest.raises(InputError, match=r"lower seqctx\.prepare\.overlap"):
        examples_of(novella, tokenizer, 140, strategy="overlap", overlap=0.9)
    with pytest.raises(InputError, match=r"lower seqctx\.prepare\.context_tokens"):
        examples_of(novella, tokenizer, 140)


@pytest.mark.parametrize("strategy", ["sequential", "overlap"])
def test_a_text_without_spaces_has_what_stands_before_it(
    tmp_path: Path, tokenizer: Tokenizer, strategy: str
) -> None:
    sentences = [
        "那天晚上下着大雨，他一个人坐在窗前。",
        "“你来了！”",
        "她没有回答，只是看着院子里的花。",
    ]
    paragraphs = ["".join(sentences[(k + j) % 3] for j in range(3 + k % 9)) for k in range(40)]
    (tmp_path / "zh.md").write_text("\n\n".join(paragraphs))
    examples = examples_of(tmp_path / "zh.md", tokenizer, 1024, strategy=strategy)
    shown = [e.book.text[e.context : e.answer] for e in examples if not e.chunk.opens]
    assert len(shown) > 5 and all(text.strip() for text in shown)
    assert {text[0] for text in shown} <= set("那“她")  # where sentences begin
    assert all(tokenizer.count(text.rstrip()) <= 256 for text in shown)


def test_white_space_before_an_example_is_no_context(tmp_path: Path, tokenizer: Tokenizer) -> None:
    """A paragraph longer than an example, of blanks: nothing can be shown of it."""
    manuscript = tmp_path / "blanks.md"
    manuscript.write_text(f"The old man walked.\n\n{chr(9) * 20_000}x\n\nThe old man walked.\n")
    prepare = {"held_out": 0.0, "manuscripts": [str(manuscript)]}
    data = {"base_model": "m", "sequence_len": 512, "seqctx": {"prepare": prepare}}
    cfg = parse_config(Document("c.yaml", data, {}))
    found = build_examples(
        read_manuscript(manuscript), tokenizer, cfg, load_prompts(cfg.seqctx.prepare.prompts)
    )
    assert found[0]
