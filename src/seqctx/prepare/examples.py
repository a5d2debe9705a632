"""Chunks as examples: what is asked, what is answered, and where the answer really ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from seqctx.config.blocks import Prepare
from seqctx.config.config import Config
from seqctx.errors import InputError
from seqctx.prepare.chunking import Chunk, begin_within, chunk, overlap_tokens
from seqctx.prepare.prompts import Prompts
from seqctx.prepare.segments import paragraph_tokens
from seqctx.prepare.structure import Book
from seqctx.prepare.tokenizer import Message, Tokenizer

DEFAULT_OVERLAP = 0.25  # share of a chunk; the customary one to try first
_SMALLEST = 16  # a chunk that cannot even be this long teaches nothing [tokens]


@dataclass(frozen=True, slots=True)
class Example:
    """One training example.

    Attributes:
        book: the manuscript.
        chunk: the stretch of it that is the answer, what it repeats included.
        context: where the text starts that the example shows; its answer starts at ``answer``.
        answer: first character of what is trained.
        tokens: of the whole example, the template's included.
        loss_tokens: of the answer, and its end-of-turn token where that is trained.
        messages: the conversation as chat templates take it; empty for ready tokens.
        input_ids: ready tokens; empty for a conversation.
        labels: of each of them, -100 where the loss is not taken.
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
        """Whether the text really ends here: only then is the end of the turn trained."""
        return self.chunk.closes

    def row(self) -> dict[str, Any]:
        """The example as a line of JSON; ready tokens stand alone, as Axolotl wants them."""
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
    """Chunk a stretch of a book and ask for each chunk; no example exceeds ``sequence_len``.

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
    frame = frame_tokens(book, tokenizer, prep, prompts)
    room = cfg.sequence_len - frame
    overlap = (prep.overlap or DEFAULT_OVERLAP) if prep.strategy == "overlap" else 0
    context = 0 if overlap else prep.context_tokens
    max_tokens = min(prep.max_tokens or room, room - context)
    while max_tokens - overlap_tokens(overlap, max_tokens) >= _SMALLEST:
        chunks = chunk(
            book, tokenizer, max_tokens=max_tokens, overlap=overlap, min_tokens=prep.min_tokens,
            strategy="scenes" if prep.strategy == "scenes" else "sequential",
            start=start, end=end, counts=counts,
        )  # fmt: skip
        make = _as_tokens if prep.format == "tokens" else _as_chat
        examples = make(book, chunks, tokenizer, prep, prompts, context)
        excess = max((e.tokens for e in examples), default=0) - cfg.sequence_len
        if excess <= 0:
            return examples, max_tokens
        max_tokens -= excess  # a merge across the template's edge cost a few tokens more
    key = "overlap" if overlap else "context_tokens"
    raise InputError(
        f"sequence_len: {cfg.sequence_len} leaves {max(0, room - context)} tokens for text beside "
        f"{context} of context and {frame} of the chat template and the prompt. "
        f"Raise it, or lower seqctx.prepare.{key}."
    )


def frame_tokens(book: Book, tokenizer: Tokenizer, prep: Prepare, prompts: Prompts) -> int:
    """Tokens of the longest example around an answer of no words and a context of none."""
    if prep.format == "tokens":
        return sum(map(len, tokenizer.edges))
    asked = prompts.longest(book.title, [c.title for c in book.chapters])
    texts = [tokenizer.rendered(_conversation(prep.system, text, "")) for text in asked]
    briefs = 48 if prompts.brief else 0  # four names and what stands around them
    return max(tokenizer.count_all(texts)) + briefs


def _as_chat(
    book: Book, chunks: Sequence[Chunk], tokenizer: Tokenizer, prep: Prepare, prompts: Prompts,
    context_tokens: int,
) -> list[Example]:  # fmt: skip
    """Conversations, each rendered and counted as it will be trained."""
    drafts = []
    for piece in chunks:
        context, answer = piece.start, piece.fresh
        if prep.overlap_loss == "train":
            answer = piece.start
        elif context == answer and not piece.opens:
            context = preceding(book, piece, tokenizer, context_tokens)
        messages = _asked(book, piece, context, answer, prep, prompts)
        drafts.append(Example(book, piece, context, answer, 0, 0, tuple(messages)))
    sizes = tokenizer.count_all([tokenizer.rendered(list(d.messages)) for d in drafts])
    answers = tokenizer.count_all([book.text[d.answer : d.chunk.end] for d in drafts])
    return [
        replace(draft, tokens=size, loss_tokens=answer + draft.ends)
        for draft, size, answer in zip(drafts, sizes, answers, strict=True)
    ]


def _asked(
    book: Book, piece: Chunk, context: int, answer: int, prep: Prepare, prompts: Prompts
) -> list[Message]:
    """The conversation: what is asked fits what is shown."""
    before = book.text[context:answer].rstrip()
    opens = piece.opens and answer == piece.fresh
    if before:
        kind = "next_chapter" if opens else "continuation"
    else:
        kind = "opening" if opens else "bare"
    said = book.text[answer : piece.end]
    asked = prompts.ask(
        kind, f"{book.path} {answer}", said,
        book=book.title, chapter=book.chapters[piece.chapter].title, context=before,
    )  # fmt: skip
    return _conversation(prep.system, asked, said)


def _as_tokens(
    book: Book, chunks: Sequence[Chunk], tokenizer: Tokenizer, prep: Prepare, prompts: Prompts,
    context_tokens: int,
) -> list[Example]:  # fmt: skip
    """Ready tokens: what is shown and what is answered, encoded as one text."""
    first, last = tokenizer.edges
    examples = []
    for piece in chunks:
        context, answer = piece.start, piece.fresh
        if prep.overlap_loss == "train":
            answer = piece.start
        elif context == answer and not piece.opens:
            context = preceding(book, piece, tokenizer, context_tokens)
        ids, offsets = tokenizer.encode(book.text[context : piece.end])
        known = answer - context
        trained = [i if stop > known else -100 for i, (_, stop) in zip(ids, offsets, strict=True)]
        end = last if piece.closes else []
        # no label on the first token: packed, the loss would have the example before predict it
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


def preceding(book: Book, piece: Chunk, tokenizer: Tokenizer, limit: int) -> int:
    """Where the last ``limit`` tokens, at most, of the chapter before a chunk start."""
    first = book.chapters[piece.chapter].span.start
    if not limit or first >= piece.start:
        return piece.start
    # Characters enough for the limit in most scripts, so that a long chapter is not encoded again.
    begin = max(first, piece.start - limit * 8)
    before = book.text[begin : piece.start].rstrip()
    _, offsets = tokenizer.encode(before)
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
