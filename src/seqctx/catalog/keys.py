"""Names of keys: what Axolotl, its plugins and vLLM read, and which of a file's nobody reads.

The tables are generated from the packages by ``scripts/catalog.py``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

KeyPath = tuple[str | int, ...]
_OURS = ("seqctx.",)  # our own plugins add no keys
KeyKind = Literal["unknown", "deprecated", "version"]


@dataclass(frozen=True)
class UnknownKey:
    """A key that nobody reads, or not every version.

    Attributes:
        path: keys and indices from the top.
        kind: ``unknown`` to Axolotl, its plugins and vLLM; ``deprecated``; or known to one
            ``version`` of Axolotl only.
        fact: what is wrong, without an end.
        remedy: what to do, as a sentence.
    """

    path: KeyPath
    kind: KeyKind
    fact: str
    remedy: str


@cache
def axolotl_names() -> dict[str, Any]:
    """``keys``, ``plugins`` and ``versions`` of axolotl.json."""
    return _table("axolotl.json")


@cache
def vllm_names() -> dict[str, Any]:
    """``keys`` and ``version`` of vllm.json; keys are flags with underscores."""
    return _table("vllm.json")


def _table(name: str) -> dict[str, Any]:
    table: dict[str, Any] = json.loads(Path(__file__).with_name(name).read_text("utf-8"))
    return table


def keys_of(plugins: Sequence[str]) -> tuple[dict[str, Any], bool]:
    """Top-level keys with the listed plugins in place.

    Returns:
        Key to what is known of it, and whether every plugin is one that we know.
    """
    names = axolotl_names()
    known = dict(names["keys"])
    for plugin in plugins:
        known |= names["plugins"].get(plugin, {}).get("keys", {})
    return known, all(p in names["plugins"] or p.startswith(_OURS) for p in plugins)


def unknown_keys(data: Mapping[str, Any], plugins: Sequence[str]) -> list[UnknownKey]:
    """Keys of a file that nobody reads, or not every version, in the order of the file.

    Args:
        data: the file; ``seqctx:`` is left to its own schema, and so are top-level keys that begin
            with ``_`` or ``x-``, the custom for anchors.
        plugins: what the file lists; one that we do not know may add any top-level key.
    """
    known, complete = keys_of(plugins)
    found = list(_walk({k: v for k, v in data.items() if k != "seqctx"}, known, ()))
    if complete:
        return found
    return [each for each in found if len(each.path) > 1 or each.kind != "unknown"]


def _walk(data: Mapping[str, Any], known: Mapping[str, Any], path: KeyPath) -> Iterator[UnknownKey]:
    """Unknown keys of one block and the blocks in it."""
    for key, value in data.items():
        at = (*path, key)
        entry = _entry(str(key), known, path)
        if entry is None:
            if path or not str(key).startswith(("_", "x-")):
                yield UnknownKey(at, "unknown", *_unknown(str(key), known, path))
            continue
        if value is not None and "deprecated" in entry:
            fact = _fact(entry["deprecated"])
            yield UnknownKey(at, "deprecated", fact, "Replace it before a version drops it.")
        if "only" in entry:
            only, other = entry["only"], axolotl_names()["versions"]
            others = ", ".join(v for v in other if v != only)
            fact = f"only axolotl {only} reads it; {others} ignores it"
            yield UnknownKey(at, "version", fact, f"Leave it out, or train with {only}.")
        inner = entry.get("keys")
        if at == ("vllm",):
            inner = {**vllm_names()["keys"], **(inner or {})}
        if inner and not entry.get("open"):
            for place, block in _blocks(value, at):
                yield from _walk(block, inner, place)


def _blocks(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, Mapping[str, Any]]]:
    """The mapping, or the mappings of the list, that stand under a key."""
    if isinstance(value, dict):
        yield path, value
    elif isinstance(value, list):
        for i, item in enumerate(value):
            if isinstance(item, dict):
                yield (*path, i), item


def _entry(key: str, known: Mapping[str, Any], path: KeyPath) -> dict[str, Any] | None:
    """What is known of a key in its block."""
    names = [key]
    if path == ("vllm",):
        names.append(key.replace("-", "_"))
        names.append(key.replace("-", "_").removeprefix("no_"))
    if path == ("fsdp_config",):
        names.append(key.removeprefix("fsdp_"))  # Axolotl takes the prefix away
        names.append(f"fsdp_{key}")  # and takes version for fsdp_version (schemas/fsdp.py)
    return next((known[name] for name in names if name in known), None)


def _unknown(key: str, known: Mapping[str, Any], path: KeyPath) -> tuple[str, str]:
    """Fact and remedy for a key that is not known where it stands."""
    reader = "vLLM would refuse it" if path == ("vllm",) else "Axolotl would ignore it"
    fact = f"unknown key; {reader}"
    import difflib  # only for what is misspelled

    words = sorted(key.replace("-", "_").split("_"))
    close = [name for name in known if sorted(name) == sorted(key)]  # letters swapped
    close += [name for name in known if sorted(name.split("_")) == words]
    close += [name for name in known if sorted(name.rstrip("s").split("_")) == words]
    close += difflib.get_close_matches(key.replace("-", "_"), known, n=1, cutoff=0.75)
    if not path:
        for plugin, entry in axolotl_names()["plugins"].items():
            if key in entry.get("keys", {}):
                return f"unknown key unless {plugin} is listed in plugins", "List it, or delete it."
    if close:
        return fact, f"Did you mean '{close[0]}'?"
    homes = [home for home, inner in _homes().items() if key in inner and (home,) != path]
    if homes:
        return fact, f"It belongs {'under ' + homes[0] + ':' if homes[0] else 'at the top level'}."
    return fact, "Delete it."


@cache
def _homes() -> dict[str, frozenset[str]]:
    """Blocks and the keys that belong in them; the top level is the empty name."""
    names = axolotl_names()["keys"]
    blocks = ("datasets", "fsdp_config", "trl")
    homes = {block: frozenset(names[block].get("keys", ())) for block in blocks}
    return {"": frozenset(names), "vllm": frozenset(vllm_names()["keys"]), **homes}


def _fact(message: str) -> str:
    """A package's own message as one line without an end."""
    return message.replace("`", "").strip().rstrip(".")
