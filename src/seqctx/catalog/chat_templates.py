"""The token that ends an answer, read from a folder's chat template.

Axolotl trains the end of a turn by its token: ``eot_tokens``, else the tokenizer's ``eos_token``
(0.19: prompt_strategies/chat_template.py). Where a template ends turns with another one, no end is
learned.
"""

from __future__ import annotations

from pathlib import Path

from seqctx.errors import InputError
from seqctx.system.regular_file import read_file_text, read_json

_ENDS = ("<|im_end|>", "<end_of_turn>", "<|eot_id|>", "<|end|>", "<|end_of_turn|>", "<turn|>")


def read_end_of_turn(folder: Path) -> str | None:
    """What ends a turn of a folder's chat template, where that is not its ``eos_token``.

    Returns:
        The token; None where it is ``eos_token``, or is not known.

    Raises:
        InputError: when tokenizer_config.json cannot be read.
    """
    path, own = folder / "tokenizer_config.json", folder / "chat_template.jinja"
    if not path.is_file():
        return None
    config = read_json(path)
    eos, template = config.get("eos_token"), config.get("chat_template")
    if own.is_file():
        try:
            template = read_file_text(own)
        except UnicodeDecodeError:
            raise InputError(f"{own}: is not UTF-8 text. Save it as UTF-8.") from None
    eos = eos.get("content") if isinstance(eos, dict) else eos
    if not isinstance(template, str) or not isinstance(eos, str) or not eos:
        return None
    if eos in template or "eos_token" in template:
        return None
    return next((end for end in _ENDS if end in template), None)
