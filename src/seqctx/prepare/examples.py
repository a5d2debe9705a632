"""Chunks as chat examples: what is asked, what is answered, and where the answer really ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seqctx.errors import InputError
from seqctx.prepare.chunking import Chunk, chunk
from seqctx.prepare.structure import Book
from seqctx.prepare.tokens import Message, Tokenizer, TokenMap
from seqctx.schema.config import Config, Prepare

DEFAULT_OVERLAP = 0.25  # share of a chunk; the customary one to try first
OPENING = 'Write the beginning of the chapter "{chapter}" of "{book}".'
CONTINUATION = 'Continue "{book}" from here:\n\n{context}'


@dataclass(frozen=True, slots=True)
class Example:
    """One training example.

    Attributes:
        book: the manuscript.
        chunk: the stretch of it that is the answer.
        messages: the conversation as chat templates take it.
        tokens: of the rendered conversation.
        loss_tokens: of the answer, and its end-of-turn token where that is trained.
    """

    book: Book
    chunk: Chunk
    messages: tuple[Message, ...]
    tokens: int
    loss_tokens: int

    @property
    def ends(self) -> bool:
        """Whether the text really ends here: only then is the end of the turn trained."""
        return self.chunk.closes

    def row(self) -> dict[str, Any]:
        """The example as a line of JSON."""
        return {
            "messages": list(self.messages),
            "source": self.book.path,
            "chapter": self.book.chapters[self.chunk.chapter].title,
            "start": self.chunk.start,
            "end": self.chunk.end,
            "tokens": self.tokens,
        }


def build_examples(
    books: Sequence[Book], tokenizer: Tokenizer, cfg: Config
) -> tuple[list[Example], int]:
    """Chunk every book and ask for each chunk, so that no example exceeds ``sequence_len``.

    Returns:
        The examples in reading order, and how many tokens of new text one was allowed.

    Raises:
        InputError: when ``sequence_len`` leaves no room for text.
    """
    prep = cfg.seqctx.prepare
    system, template = prep.system, _template_tokens(books, tokenizer, prep.system)
    context, max_tokens = _lengths(cfg.sequence_len - template, prep)
    while max_tokens >= 16:
        examples = [
            e for book in books for e in _examples(book, tokenizer, system, context, max_tokens)
        ]
        excess = max((e.tokens for e in examples), default=0) - cfg.sequence_len
        if excess <= 0:
            return examples, max_tokens
        max_tokens -= excess  # a merge across the template's edge cost a few tokens more
    key = "overlap" if prep.strategy == "overlap" else "context_tokens"
    raise InputError(
        f"sequence_len: {cfg.sequence_len} leaves {cfg.sequence_len - template - context} tokens "
        f"for text beside {context} of context and the chat template. "
        f"Raise it, or lower seqctx.prepare.{key}."
    )


def _lengths(room: int, prep: Prepare) -> tuple[int, int]:
    """Tokens of context and of new text at most, in what the template leaves [tokens]."""
    if prep.strategy == "overlap":
        whole = min(prep.max_tokens or room, room)
        repeated = max(0, int(whole * (prep.overlap or DEFAULT_OVERLAP)))
        return repeated, whole - repeated
    left = room - prep.context_tokens
    return prep.context_tokens, min(prep.max_tokens or left, left)


def _template_tokens(books: Sequence[Book], tokenizer: Tokenizer, system: str | None) -> int:
    """Tokens of the longest example around an answer of no words and a context of none."""
    asked = (
        text
        for book in books
        for text in (
            CONTINUATION.format(book=book.title, context=""),
            *(OPENING.format(book=book.title, chapter=c.title) for c in book.chapters),
        )
    )
    return max(len(tokenizer.render(_conversation(system, text, ""))) for text in asked)


def _examples(
    book: Book, tokenizer: Tokenizer, system: str | None, context_tokens: int, max_tokens: int
) -> list[Example]:
    """One book's examples."""
    examples = []
    for piece in chunk(book, tokenizer, max_tokens=max_tokens):
        if piece.opens:
            chapter = book.chapters[piece.chapter].title
            asked = OPENING.format(book=book.title, chapter=chapter)
        else:
            context = preceding(book, piece, tokenizer, context_tokens)
            asked = CONTINUATION.format(book=book.title, context=context)
        messages = _conversation(system, asked, piece.text)
        examples.append(
            Example(
                book,
                piece,
                tuple(messages),
                tokens=len(tokenizer.render(messages)),
                loss_tokens=piece.tokens + piece.closes,
            )
        )
    return examples


def preceding(book: Book, piece: Chunk, tokenizer: Tokenizer, limit: int) -> str:
    """The last ``limit`` tokens, at most, of the chapter before a chunk, from a word on."""
    before = book.text[book.chapters[piece.chapter].span.start : piece.start].rstrip()
    # Enough characters for the limit in any script, so that a long chapter is not encoded again.
    before = before[-limit * 24 :] if limit else ""
    positions = TokenMap(before, tokenizer)
    if len(positions) <= limit:
        return before
    cut = before[positions.char(len(positions) - limit) :]
    return cut if cut[:1].isspace() else cut.partition(" ")[2]


def _conversation(system: str | None, asked: str, answer: str) -> list[Message]:
    """Messages as chat templates take them."""
    first = [{"role": "system", "content": system}] if system is not None else []
    return [
        *first,
        {"role": "user", "content": asked},
        {"role": "assistant", "content": answer},
    ]
