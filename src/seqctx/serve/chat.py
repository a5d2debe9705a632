"""A conversation with a server: who is asked, what was said, what the next turn means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from seqctx.serve import Address, stream

COMMANDS = "/base, /adapter, /both, /new"


@dataclass
class Chat:
    """One conversation.

    Attributes:
        address: the server's.
        models: its names, the base first.
        asked: those that answer.
        system: the system prompt, if any.
        temperature: of the draw.
        max_tokens: of an answer; None for as many as the window leaves.
        seed: of the draw.
    """

    address: Address
    models: tuple[str, ...]
    asked: tuple[str, ...]
    system: str | None = None
    temperature: float = 0.7
    max_tokens: int | None = None
    seed: int | None = None
    _said: dict[str, list[dict[str, str]]] = field(default_factory=dict)

    def turn(self, line: str) -> Iterator[str]:
        """What one line at the prompt brings: an answer as it is written, or a command's note."""
        match line.strip():
            case "":
                return
            case "/base":
                self.asked = self.models[:1]
            case "/adapter":
                self.asked = self.models[-1:]
            case "/both":
                self.asked = self.models[:1] + self.models[1:][-1:]
            case "/new":
                self._said.clear()
                yield "a new conversation"
            case command if command.startswith("/"):
                yield f"{command}: none of {COMMANDS}"
            case text:
                yield from self.answer(text)

    def answer(self, text: str) -> Iterator[str]:
        """Each asked model's answer, piece by piece; with its name before it where two answer.

        What a model was asked and what it wrote is in its own conversation from then on.

        Raises:
            ToolError: when the server refuses or is gone; the conversation stays as it was.
            InputError: when the text cannot be sent.
        """
        for k, model in enumerate(self.asked):
            if len(self.asked) > 1:
                yield ("\n\n" if k else "") + f"{model}: "
            before = self._said.get(model) or self._opening()
            messages = [*before, {"role": "user", "content": text}]
            written = ""
            for piece in stream(
                self.address, model, messages, temperature=self.temperature,
                max_tokens=self.max_tokens, seed=self.seed,
            ):  # fmt: skip
                written += piece
                yield piece
            self._said[model] = [*messages, {"role": "assistant", "content": written}]

    def _opening(self) -> list[dict[str, str]]:
        return [{"role": "system", "content": self.system}] if self.system else []
