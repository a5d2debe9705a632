"""The token that ends an answer, where it is not the end-of-text token that Axolotl trains.

Axolotl trains the end of a turn by its token: ``eot_tokens``, else the tokenizer's ``eos_token``
(0.19: prompt_strategies/chat_template.py). Where a template ends turns with another one, no end is
learned.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from seqctx.errors import InputError
from seqctx.system.atomic import explain_os_errors

_ENDS = ("<|im_end|>", "<end_of_turn>", "<|eot_id|>", "<|end|>", "<|end_of_turn|>", "<turn|>")
_BY_NAME = {  # tokenizer_config.json of each: eos_token, and what its chat_template ends turns with
    r"gemma-(1\.1|2|3)[-n]": "<end_of_turn>",
    r"qwen2(\.5)?-[\d.]+b$": "<|im_end|>",
    r"qwen[23][^/]*-base$": "<|im_end|>",
}


def turn_end(base_model: str) -> str | None:
    """What ends a turn of a base's own chat template, where that is not its ``eos_token``.

    Args:
        base_model: a folder, whose template is looked at, or a hub id, known by its name.

    Returns:
        The token; None where it is ``eos_token``, or is not known.

    Raises:
        InputError: when the folder's tokenizer_config.json cannot be read.
    """
    folder = Path(base_model)
    if not os.path.isdir(folder):  # False for what is no path
        name = base_model.rpartition("/")[2].lower()
        return next((end for known, end in _BY_NAME.items() if re.match(known, name)), None)
    path, own = folder / "tokenizer_config.json", folder / "chat_template.jinja"
    if not path.is_file():
        return None
    with explain_os_errors(path):
        try:
            config = json.loads(path.read_text("utf-8"))
            eos, template = config.get("eos_token"), config.get("chat_template")
        except (ValueError, AttributeError):
            raise InputError(f"{path}: is no JSON object. Restore it.") from None
        template = own.read_text("utf-8") if own.is_file() else template
    eos = eos.get("content") if isinstance(eos, dict) else eos
    if not isinstance(template, str) or not eos or eos in template or "eos_token" in template:
        return None
    return next((end for end in _ENDS if end in template), None)
