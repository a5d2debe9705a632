"""``seqctx chat``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from seqctx.cli.options import SET
from seqctx.cli.output import print_error, print_line, print_pieces, read_line
from seqctx.errors import InputError, SeqctxError

if TYPE_CHECKING:
    from seqctx.serve.chat import Chat

_MOST_BYTES = 100_000_000  # of a question: 20 million tokens or so


@click.command()
@click.argument("target", required=False)
@SET
@click.option("--model", help="Which model answers. Default: the adapter, if there is one.")
@click.option(
    "--url", help="The server, such as http://127.0.0.1:8000. Default: the one that runs here."
)
@click.option("--system", help="A system prompt.")
@click.option(
    "--temperature", default=0.7, show_default=True, help="0 always takes the likeliest token."
)
@click.option(
    "--max-tokens", type=int, help="The longest answer. Default: what the context leaves."
)
@click.option("--seed", type=int, help="With the same seed, the same question has one answer.")
def chat(
    target: str | None, overrides: dict[str, Any], model: str | None, url: str | None,
    system: str | None, temperature: float, max_tokens: int | None, seed: int | None,
) -> None:  # fmt: skip
    r"""Talk with the base model and the adapter.

    TARGET is what was given to seqctx serve; it also tells the key that the server asks for.
    Without TARGET, the only server that runs here is asked. Text from a pipe is one question.

    At the prompt: /base and /adapter choose who answers, /both asks both, /new forgets the
    conversation. A line that ends in a backslash continues on the next. Ctrl-D ends.

    \b
    Needs   a server: seqctx serve CONFIG
    Writes  nothing
    Exit    0   good
            1   no server runs here
            2   wrong usage
            3   the server does not answer

    \b
    Examples:
      seqctx chat
      seqctx chat --model smollm2-135m-instruct --temperature 0
      seqctx chat < passage.txt
    """
    from seqctx.serve import server_status
    from seqctx.serve.chat import Chat
    from seqctx.serve.status import target_address

    address = target_address(target, overrides, url)
    models = server_status(address).models
    if model is not None and model not in models:
        served = ", ".join(models)
        raise InputError(f"--model: not served here (got {model}). Use one of {served}.")
    talk = Chat(
        address, models, answering=(model or models[-1],), system=system,
        temperature=temperature, max_tokens=max_tokens, seed=seed,
    )  # fmt: skip
    if sys.stdin.isatty():
        _prompt(talk)
        return
    print_pieces(talk.answer(_question(sys.stdin.buffer)))


def _question(stdin: BinaryIO) -> str:
    """The text from a pipe, as one question.

    Raises:
        InputError: when it is not UTF-8, or is longer than any context, as /dev/zero is.
    """
    raw = stdin.read(_MOST_BYTES + 1)
    if len(raw) > _MOST_BYTES:
        raise InputError(
            f"stdin: more than {_MOST_BYTES / 1e6:.0f} MB, longer than any context. Send less text."
        )
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(
            "stdin: not UTF-8 text. Convert it to UTF-8, for example with iconv."
        ) from None


def _prompt(talk: Chat) -> None:
    """The terminal prompt; its history is the line editor's."""
    import readline  # noqa: F401  (arrow keys and history in input())

    print_line(f"{talk.address.url} serves {', '.join(talk.models)}. Ctrl-D ends.", err=True)
    while True:
        try:
            line = read_line(f"{' + '.join(talk.answering)}> ")
            while line.endswith("\\"):
                line = line[:-1] + "\n" + read_line("... ")
        except EOFError:
            print_line()
            return
        try:
            print_pieces(talk.turn(line))
        except SeqctxError as error:
            print_error(error)
        except KeyboardInterrupt:
            print_line(" (stopped)")
