"""Chunks as training examples: the question, the answer, and whether its end is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from seqctx.config.blocks import Prepare
from seqctx.config.config import Config
from seqctx.errors import InputError
from seqctx.prepare.chunking import Chunk, begin_within, chunk
from seqctx.prepare.prompts import Prompts
from seqctx.prepare.segments import paragraph_tokens
from seqctx.prepare.strategies import strategy_of
from seqctx.prepare.structure import Book
from seqctx.prepare.tokenizer import Message, Tokenizer

_SMALLEST = 16  # tokens; a chunk that cannot even be this long teaches nothing
_BRIEF_TOKENS = 48  # four names and the words around them


@dataclass(frozen=True, slots=True)
class Example:
    """One training example.

    Attributes:
        book: the manuscript.
        chunk: the stretch of it that is the answer, what it repeats included.
        context: first character that the example shows.
        answer: first character of the answer, which is what is trained.
        tokens: of the whole example, the chat template's included.
        loss_tokens: of the answer, and its end-of-turn token where that is trained.
        messages: the conversation as chat templates take it; empty for token ids.
        input_ids: token ids; empty for a conversation.
        labels: one for each of them, -100 where no loss is computed.
    """

    book: Book
    chunk: Chunk
    context: int
    answer: int
    tokens: int
    loss_tokens: int
    messages: tuple[Message, ...] = ()
    input_ids: tuple[int, ...] = ()
    labels: tuple[int, ...] = ()

    @property
    def ends(self) -> bool:
        """Whether a chapter ends here: only then is the end of the turn trained."""
        return self.chunk.closes

    def row(self) -> dict[str, Any]:
        """The example as a line of JSON; token ids come without other keys, for Axolotl."""
        if self.input_ids:
            mask = [1] * len(self.input_ids)
            return {
                "input_ids": list(self.input_ids), "attention_mask": mask,
                "labels": list(self.labels),
            }  # fmt: skip
        return {
            "messages": list(self.messages),
            "source": self.book.path,
            "chapter": self.book.chapters[self.chunk.chapter].title,
            "context": self.context,
            "start": self.answer,
            "end": self.chunk.end,
            "tokens": self.tokens,
        }


def build_examples(
    book: Book,
    tokenizer: Tokenizer,
    cfg: Config,
    prompts: Prompts,
    *,
    start: int = 0,
    end: int | None = None,
    counts: list[int] | None = None,
) -> tuple[list[Example], int]:
    """Cut a stretch of a book and write an example for each chunk; none exceeds ``sequence_len``.

    Returns:
        The examples in reading order, and how many tokens one chunk was allowed.

    Raises:
        InputError: when ``sequence_len`` leaves no room for text, or there is no chat template.
    """
    prep = cfg.seqctx.prepare
    if prep.format == "chat" and not tokenizer.has_chat_template:
        raise InputError(
            f"base_model: {cfg.base_model}: has no chat template. "
            "Name an Instruct model, or set seqctx.prepare.format: tokens."
        )
    counts = paragraph_tokens(book, tokenizer) if counts is None else counts
    strategy = strategy_of(prep)
    template = template_tokens(book, tokenizer, prep, prompts)
    room = cfg.sequence_len - template
    context = 0 if strategy.overlap else prep.context_tokens
    max_tokens = min(prep.max_tokens or room, room - context)
    while max_tokens - strategy.repeated_tokens(max_tokens) >= _SMALLEST:
        chunks = chunk(
            book, tokenizer, max_tokens=max_tokens, min_tokens=prep.min_tokens, strategy=strategy,
            start=start, end=end, counts=counts,
        )  # fmt: skip
        make = _as_tokens if prep.format == "tokens" else _as_chat
        examples = make(book, chunks, tokenizer, prep, prompts, context)
        excess = max((e.tokens for e in examples), default=0) - cfg.sequence_len
        if excess <= 0:
            return examples, max_tokens
        max_tokens -= excess  # a merge across the template's edge cost a few tokens more
    key = "overlap" if strategy.overlap else "context_tokens"
    raise InputError(
        f"sequence_len: {cfg.sequence_len} is too short: the chat template and the prompt take "
        f"{template} tokens and the context {context}, so {max(0, room - context)} are left for "
        f"text. Raise it, or lower seqctx.prepare.{key}."
    )


def template_tokens(book: Book, tokenizer: Tokenizer, prep: Prepare, prompts: Prompts) -> int:
    """Tokens of the chat template and the longest prompt: an example with no text of the book."""
    if prep.format == "tokens":
        return sum(map(len, tokenizer.text_edges))
    asked = prompts.longest(book.title, [c.title for c in book.chapters])
    texts = tokenizer.rendered([_conversation(prep.system, text, "") for text in asked])
    return max(tokenizer.count_all(texts)) + (_BRIEF_TOKENS if prompts.brief else 0)


def _as_chat(
    book: Book, chunks: Sequence[Chunk], tokenizer: Tokenizer, prep: Prepare, prompts: Prompts,
    context_tokens: int,
) -> list[Example]:  # fmt: skip
    """Conversations, each rendered and counted as it will be trained."""
    drafts = []
    for piece in chunks:
        context, answer = _begins(book, piece, tokenizer, prep, context_tokens)
        messages = _asked(book, piece, context, answer, prep, prompts)
        drafts.append(Example(book, piece, context, answer, 0, 0, tuple(messages)))
    sizes = tokenizer.count_all(tokenizer.rendered([list(d.messages) for d in drafts]))
    answers = tokenizer.count_all([book.text[d.answer : d.chunk.end] for d in drafts])
    return [
        replace(draft, tokens=size, loss_tokens=answer + draft.ends)
        for draft, size, answer in zip(drafts, sizes, answers, strict=True)
    ]


def _asked(
    book: Book, piece: Chunk, context: int, answer: int, prep: Prepare, prompts: Prompts
) -> list[Message]:
    """The conversation; the kind of prompt follows from whether text before it is shown."""
    before = book.text[context:answer].rstrip()
    opens = piece.opens and answer == piece.fresh
    if before:
        kind = "next_chapter" if opens else "continuation"
    else:
        kind = "opening" if opens else "bare"
    text = book.text[answer : piece.end]
    asked = prompts.ask(
        kind, f"{book.path} {answer}", text,
        book=book.title, chapter=book.chapters[piece.chapter].title, context=before,
    )  # fmt: skip
    return _conversation(prep.system, asked, text)


def _as_tokens(
    book: Book, chunks: Sequence[Chunk], tokenizer: Tokenizer, prep: Prepare, prompts: Prompts,
    context_tokens: int,
) -> list[Example]:  # fmt: skip
    """Token ids: the context and the answer, encoded as one text."""
    first, last = tokenizer.text_edges
    examples = []
    for piece in chunks:
        context, answer = _begins(book, piece, tokenizer, prep, context_tokens)
        ids, offsets = tokenizer.encode(book.text[context : piece.end])
        known = answer - context
        trained = [i if stop > known else -100 for i, (_, stop) in zip(ids, offsets, strict=True)]
        end = last if piece.closes else []
        # no label on the first token: in a packed row, the example before would have to predict it
        labels = (-100, *(*[-100] * len(first), *trained, *end)[1:])
        examples.append(
            Example(
                book,
                piece,
                context,
                answer,
                len(labels),
                sum(i != -100 for i in labels),
                input_ids=(*first, *ids, *end),
                labels=labels,
            )  # fmt: skip
        )
    return examples


def _begins(
    book: Book, piece: Chunk, tokenizer: Tokenizer, prep: Prepare, context_tokens: int
) -> tuple[int, int]:
    """First characters of an example's context and of its answer; equal without context."""
    if prep.overlap_loss == "train":
        return piece.start, piece.start
    if piece.start == piece.fresh and not piece.opens:
        return preceding(book, piece, tokenizer, context_tokens), piece.fresh
    return piece.start, piece.fresh


def preceding(book: Book, piece: Chunk, tokenizer: Tokenizer, limit: int) -> int:
    """First character of the up to ``limit`` tokens of the chapter that stand before a chunk."""
    first = book.chapters[piece.chapter].span.start
    if not limit or first >= piece.start:
        return piece.start
    # Enough characters for the limit in most scripts: a long chapter is not encoded again.
    begin = max(first, piece.start - limit * 8)
    before = book.text[begin : piece.start].rstrip()
    _, offsets = tokenizer.encode(before)
    if not offsets:  # nothing but white space stands there
        return piece.start
    if begin == first and len(offsets) <= limit:
        return first
    at = begin_within(
        before, offsets[max(0, len(offsets) - limit)][0], len(before), tokenizer, limit
    )
    return begin + at if at < len(before) else piece.start


def _conversation(system: str | None, asked: str, answer: str) -> list[Message]:
    """Messages as chat templates take them."""
    first = [{"role": "system", "content": system}] if system is not None else []
    return [
        *first,
        {"role": "user", "content": asked},
        {"role": "assistant", "content": answer},
    ]
