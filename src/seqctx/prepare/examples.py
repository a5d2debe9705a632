"""Chunks as chat examples: what is asked, what is answered, and where the answer really ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seqctx.errors import InputError
from seqctx.prepare.chunking import Chunk, chunk
from seqctx.prepare.structure import Book
from seqctx.prepare.tokens import Message, Tokenizer, TokenMap
from seqctx.schema.config import Config

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
        The examples in reading order, and the longest chunk that was allowed [tokens].

    Raises:
        InputError: when ``sequence_len`` leaves no room for text.
    """
    prep = cfg.seqctx.prepare
    room = cfg.sequence_len - prep.context_tokens - _template_tokens(books, tokenizer, prep.system)
    max_tokens = min(prep.max_tokens or room, room)
    while max_tokens >= 16:
        examples = [e for book in books for e in _examples(book, tokenizer, cfg, max_tokens)]
        excess = max((e.tokens for e in examples), default=0) - cfg.sequence_len
        if excess <= 0:
            return examples, max_tokens
        max_tokens -= excess  # a merge across the template's edge cost a few tokens more
    raise InputError(
        f"sequence_len: {cfg.sequence_len} leaves {room} tokens for text beside "
        f"{prep.context_tokens} of context and the chat template. "
        "Raise it, or lower seqctx.prepare.context_tokens."
    )


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


def _examples(book: Book, tokenizer: Tokenizer, cfg: Config, max_tokens: int) -> list[Example]:
    """One book's examples."""
    prep = cfg.seqctx.prepare
    examples = []
    for piece in chunk(book, tokenizer, max_tokens=max_tokens):
        if piece.opens:
            chapter = book.chapters[piece.chapter].title
            asked = OPENING.format(book=book.title, chapter=chapter)
        else:
            context = preceding(book, piece, tokenizer, prep.context_tokens)
            asked = CONTINUATION.format(book=book.title, context=context)
        messages = _conversation(prep.system, asked, piece.text)
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
