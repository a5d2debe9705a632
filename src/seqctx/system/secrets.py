"""Keys, tokens and passwords: found in a file or in the environment, kept out of what is written.

A value is secret by the name of its key (`is_secret_name`), or because it is the login or the
signature in a URL. Names are judged by their words, so that ``hf_token`` is secret and
``eos_token``, ``max_tokens`` and ``tokenizer`` are not. ``tests/system/test_secrets.py`` lists what
that finds among all keys of Axolotl, its plugins and vLLM.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from seqctx.errors import HIDDEN, without_url_secrets

OVERRIDES_VARIABLE = "SEQCTX_OVERRIDES"
"""Hands what ``--set`` was given to a seqctx in the background, as JSON."""
_ALWAYS = frozenset(
    "password passwords passwd passphrase secret secrets credential credentials apikey apikeys "
    "accesskey secretkey authkey authtoken accesstoken apitoken authorization bearer cookie "
    "webhook dsn jwt sas watermark_config connection_string access_key_id account_key".split()
)
"""Words, or words in a row, that make a name secret wherever they stand in it."""
_ABOUT = frozenset(
    "path file dir folder env var variable name type arn limit count mode size len length".split()
)
"""Last words of names whose values tell where a secret is, or how it is used."""
_OPENS = frozenset("api access auth bearer hf hub session refresh secret private".split())
"""Words before ``keys`` and ``tokens`` that make the plural secret."""
_NO_KEY = frozenset(
    "thinking field sort primary foreign partition column label message messages role content "
    "text prompt image audio video target input output data dataset state weight metric group "
    "index map dict config property attribute chosen rejected answer question instruction response "
    "reward score public row object cache name class mapping lookup join id pad kv tool".split()
)
"""Words before ``key`` that make it a name in data."""
_NO_TOKEN = frozenset(
    "bos eos pad unk cls sep mask image video audio vision start end stop begin boi eoi boa eoa "
    "eot eom eou eof soi img fim prefix suffix middle special additional extra thinking think new "
    "added last first next user assistant system tool role decoder separator placeholder "
    "language lang per prompt call response in out to".split()
)
"""Words before ``token`` that make it a token of a model's vocabulary."""
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SHORT = 8  # characters; shorter values are hidden only where they stand as whole words
_SHORTEST = 4  # characters; a text is not searched for shorter values


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret value of a file.

    Attributes:
        path: keys and indices from the top.
        value: the whole value of that key.
        shown: what stands in its place: `HIDDEN`, or the URL without what is secret in it.
    """

    path: tuple[str | int, ...]
    value: Any
    shown: str


def is_secret_name(name: str) -> bool:
    """Whether the value of a key or of an environment variable of this name is a secret."""
    words = [word.lower() for word in _WORD.findall(name)]
    while words and (words[-1].isdigit() or words[-1] in ("value", "string", "base64")):
        if _has_secret_words(words):
            break
        words.pop()
    if not words or words[-1] in _ABOUT:
        return False
    *before, last = words
    opens = before[-1] if before else ""
    return (
        _has_secret_words(words)
        or (last == "key" and opens not in _NO_KEY)
        or (last == "token" and opens not in _NO_TOKEN)
        or (last in ("keys", "tokens") and opens in _OPENS)
        or (last in ("auth", "pwd", "pass") and bool(before or last == "auth"))
    )


def _has_secret_words(words: list[str]) -> bool:
    runs = ("_".join(words[i:j]) for i in range(len(words)) for j in range(i + 1, len(words) + 1))
    return any(run in _ALWAYS for run in runs)


def find_secrets(data: Any) -> list[Secret]:
    """The secret values of a file, in its order.

    Args:
        data: what YAML gives: mappings, lists and plain values.
    """
    return list(_walk(data, (), in_tokens=False))


def _walk(data: Any, path: tuple[str | int, ...], *, in_tokens: bool) -> Iterator[Secret]:
    if isinstance(data, dict):
        for key, value in data.items():
            if not in_tokens and _is_secret(str(key), value):
                yield Secret((*path, key), value, HIDDEN)
            else:
                yield from _walk(value, (*path, key), in_tokens=in_tokens or _lists_tokens(key))
    elif isinstance(data, list | tuple):
        for i, item in enumerate(data):
            yield from _walk(item, (*path, i), in_tokens=in_tokens)
    elif isinstance(data, str) and (shown := without_url_secrets(data)) != data:
        yield Secret(path, data, shown)


def _lists_tokens(key: Any) -> bool:
    """Whether the keys in a block of this name are tokens of a vocabulary."""
    return str(key).endswith("tokens")


def _is_secret(name: str, value: Any) -> bool:
    return is_secret_name(name) and _can_be_secret(name, value)


def _can_be_secret(name: str, value: Any) -> bool:
    """Whether a value has the type of a secret; a switch or ``<|end|>`` has not."""
    words = [word.lower() for word in _WORD.findall(name)]
    always = _has_secret_words(words)
    match value:
        case None | bool() | "":
            return False
        case str():
            return always or not re.fullmatch(r"<.*>|\[[A-Z]+\]", value)
        case int() | float():
            return always or not _OPENS.isdisjoint(words)
        case dict():
            return bool(value) and (always or len(words) > 1)
        case list() | tuple():
            return any(_can_be_secret(name, item) for item in value)
        case _:  # a date, bytes
            return True


def redacted(data: Any) -> Any:
    """A copy of a file's data for people to see: `HIDDEN` in place of each secret value."""
    return _copy(data, keep=True, in_tokens=False)


def without_secrets(data: Any) -> Any:
    """A copy of a file's data without the keys of secret values; URLs stay, without logins."""
    return _copy(data, keep=False, in_tokens=False)


def _copy(data: Any, *, keep: bool, in_tokens: bool) -> Any:
    if isinstance(data, dict):
        copy: dict[Any, Any] = {}
        for key, value in data.items():
            if in_tokens or not _is_secret(str(key), value):
                copy[key] = _copy(value, keep=keep, in_tokens=in_tokens or _lists_tokens(key))
            elif keep:
                copy[key] = HIDDEN
        return copy
    if isinstance(data, list | tuple):
        return type(data)([_copy(item, keep=keep, in_tokens=in_tokens) for item in data])
    return without_url_secrets(data) if type(data) is str else data


def redacted_value(path: Iterable[str | int], value: Any) -> Any:
    """One value of a file for people to see, by the keys that lead to it."""
    names = [part for part in path if isinstance(part, str)]
    if any(_is_secret(name, value) for name in names) and not any(map(_lists_tokens, names[:-1])):
        return HIDDEN
    return redacted(value)


def secret_texts(data: Any) -> set[str]:
    """Texts of a file that must not be shown: for `hiding`."""
    return {text for secret in find_secrets(data) for text in _texts(secret.value)}


def _texts(value: Any) -> Iterator[str]:
    """All texts in a secret value; of a URL, only what is secret in it."""
    if isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, str) and (shown := without_url_secrets(value)) != value:
        for login, argument in re.findall(r"://([^/?#\s]*)@|[?&][^=&]+=([^&#\s]+)", value):
            parts = {login, unquote(login.partition(":")[2]), argument, unquote(argument)}
            yield from (text for text in parts if text and text not in shown)
    elif not isinstance(value, bool) and value is not None:
        yield str(value)


def environment_secrets(env: Mapping[str, str]) -> set[str]:
    """Secret texts in environment variables: by their names, and logins in URLs such as proxies."""
    return secret_texts({name: value for name, value in env.items() if value})


def hiding(texts: Iterable[str]) -> Callable[[str], str]:
    """A function that puts `HIDDEN` in place of secret texts, as they are or quoted.

    Args:
        texts: what `secret_texts` and `environment_secrets` give. Texts of under 4 characters, and
            numbers of under 8 digits, are left alone: they would be found everywhere.
    """
    forms: set[str] = set()
    for text in texts:
        for each in (text, *text.splitlines()):
            each = each.strip()
            if len(each) < _SHORTEST or (each.isdigit() and len(each) < _SHORT):
                continue
            forms |= {each, json.dumps(each)[1:-1], json.dumps(each, ensure_ascii=False)[1:-1]}
            forms |= {repr(each)[1:-1], quote(each, safe=""), quote(each)}
    if not forms:
        return without_url_secrets
    longest_first = sorted(forms, key=lambda form: (-len(form), form))
    pattern = re.compile(
        "|".join(
            re.escape(form) if len(form) >= _SHORT else rf"(?<!\w){re.escape(form)}(?!\w)"
            for form in longest_first
        )
    )
    return lambda text: without_url_secrets(pattern.sub(HIDDEN, text))


def separate_overrides(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Separate what ``--set`` was given from the other arguments of a command line."""
    left: list[str] = []
    overrides: list[str] = []
    following = iter(arguments)
    for argument in following:
        if argument == "--set":
            overrides.append(next(following, ""))
        elif argument.startswith("--set="):
            overrides.append(argument.removeprefix("--set="))
        else:
            left.append(argument)
    return left, overrides
