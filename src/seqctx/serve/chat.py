"""A conversation with a server: which models answer, its history, the prompt's commands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from seqctx.serve.address import Address
from seqctx.serve.client import stream_completion

COMMANDS = "/base, /adapter, /both, /new"


@dataclass
class Chat:
    """One conversation.

    Attributes:
        address: the server's.
        models: the names of its models, the base first.
        answering: the models that answer.
        system: the system prompt, if any.
        temperature: of the sampling; 0 is greedy.
        max_tokens: of an answer; None for as many as the context window has room for.
        seed: of the sampling.
    """

    address: Address
    models: tuple[str, ...]
    answering: tuple[str, ...]
    system: str | None = None
    temperature: float = 0.7
    max_tokens: int | None = None
    seed: int | None = None
    _history: dict[str, list[dict[str, str]]] = field(default_factory=dict)

    def turn(self, line: str) -> Iterator[str]:
        """React to one line at the prompt: an answer as it is written, or a command's note."""
        match line.strip():
            case "":
                return
            case "/base":
                self.answering = self.models[:1]
            case "/adapter":
                self.answering = self.models[-1:]
            case "/both":
                self.answering = self.models[:1] + self.models[1:][-1:]
            case "/new":
                self._history.clear()
                yield "a new conversation begins"
            case command if command.startswith("/"):
                yield f"{command}: unknown command. Use one of {COMMANDS}."
            case text:
                yield from self.answer(text)

    def answer(self, text: str) -> Iterator[str]:
        """The answers piece by piece; where two models answer, each begins with its name.

        Each model's own conversation remembers what it was asked and what it wrote.

        Raises:
            ToolError: when the server refuses or no longer answers; the conversation stays as it
                was.
            InputError: when the text cannot be sent.
        """
        for k, model in enumerate(self.answering):
            if len(self.answering) > 1:
                yield ("\n\n" if k else "") + f"{model}: "
            before = self._history.get(model) or self._opening()
            messages = [*before, {"role": "user", "content": text}]
            written = ""
            for piece in stream_completion(
                self.address, model, messages, temperature=self.temperature,
                max_tokens=self.max_tokens, seed=self.seed,
            ):  # fmt: skip
                written += piece
                yield piece
            self._history[model] = [*messages, {"role": "assistant", "content": written}]

    def _opening(self) -> list[dict[str, str]]:
        """The messages before the first turn."""
        return [{"role": "system", "content": self.system}] if self.system else []
