"""The API key of a server: one decision for the check, the launch and the clients."""

from __future__ import annotations

import os
import unicodedata
from typing import Any

from seqctx.config.config import Config
from seqctx.errors import InputError

VARIABLE = "VLLM_API_KEY"
"""The environment variable that holds the key where the file gives none."""
_KEY = "vllm.api_key"
_CANNOT_BE_SENT = (
    "has characters that cannot be sent in a request",
    "Use letters, digits and signs of ASCII.",
)
_LOOKS_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # fillers: letters without a shape


def find_api_key(cfg: Config | None) -> str | None:
    """The key that a server asks for and that its clients send.

    A blank key counts as not given: an empty string, spaces, tabs and other characters that
    cannot be seen. The key of the file comes first, then the variable ``VLLM_API_KEY``.

    Args:
        cfg: the file; None where it is not known.

    Returns:
        The key without blanks around it; None where neither gives one.

    Raises:
        InputError: when the file gives several, or something else than text, or when the key
            cannot be sent in a request. The message does not show the key.
    """
    if problem := api_key_problem(cfg):
        raise InputError(f"{_KEY}: {problem[0]}. {problem[1]}")
    given = given_api_keys(cfg)
    key = given[0] if given else _stripped(os.environ.get(VARIABLE, ""))
    if not _can_be_sent(key):
        raise InputError(f"{VARIABLE}: {_CANNOT_BE_SENT[0]}. {_CANNOT_BE_SENT[1]}")
    return key or None


def api_key_problem(cfg: Config | None) -> tuple[str, str] | None:
    """What is wrong with the key of a file, and what to do; None where it can be used."""
    given = given_api_keys(cfg)
    if len(given) > 1:
        fact = f"must be one key (got {len(given)}): seqctx passes one without showing it in ps"
        return fact, "Set one."
    wrong = next((key for key in given if not isinstance(key, str)), None)
    if wrong is not None:
        return f"must be text (got {type(wrong).__name__})", "Write the key in quotes."
    return None if all(map(_can_be_sent, given)) else _CANNOT_BE_SENT


def asks_for_key(cfg: Config) -> bool:
    """Whether the server of a file will ask for a key; a key that cannot be used counts, too."""
    try:
        return find_api_key(cfg) is not None
    except InputError:
        return True


def given_api_keys(cfg: Config | None) -> list[Any]:
    """The keys of a file that are not blank; numbers as text."""
    value = cfg.vllm.get("api_key") if cfg else None
    values = value if isinstance(value, list | tuple) else [value]
    keys = [
        _stripped(str(each))
        if isinstance(each, str | int | float) and not isinstance(each, bool)
        else each
        for each in values
    ]
    return [key for key in keys if key not in ("", None)]


def _can_be_sent(key: str) -> bool:
    """Whether a key can be sent in a request: printable ASCII."""
    return all(" " <= character <= "~" for character in key)


def _stripped(text: str) -> str:
    """Text without characters at its ends that cannot be seen."""
    seen = [k for k, character in enumerate(text) if not _is_blank(character)]
    return text[seen[0] : seen[-1] + 1] if seen else ""


def _is_blank(character: str) -> bool:
    """Whether a character cannot be seen: white space, a control or format sign, a filler."""
    kind = unicodedata.category(character)
    return kind[0] == "Z" or kind in ("Cc", "Cf", "Mn") or character in _LOOKS_BLANK
