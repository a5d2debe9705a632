"""The file's JSON Schema, for completion and hover texts in editors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from seqctx.catalog.keys import axolotl_names, vllm_names
from seqctx.config.config import Config
from seqctx.config.render import SCHEMA_FILE
from seqctx.system.atomic import atomic_write
from seqctx.system.regular_file import read_file

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_COMMENT = "made by `seqctx schema`"


def json_schema() -> dict[str, Any]:
    """The keys that a file may have: our typed ones, and all that Axolotl or vLLM knows.

    Returns:
        JSON Schema 2020-12. Typed keys have types; other keys have the description, default and
        choices that their package gives. Unknown keys are refused.
    """
    schema = Config.model_json_schema()
    names = axolotl_names()
    known = dict(names["keys"])
    for plugin, entry in names["plugins"].items():
        for key, about in entry.get("keys", {}).items():
            known.setdefault(
                key, {**about, "about": f"{about.get('about', '')} [{plugin}]".strip()}
            )
    parts = schema["$defs"]
    blocks = {"Dataset": "datasets", "Vllm": "vllm"}
    inner = {part: dict(known[block]["keys"]) for part, block in blocks.items()}
    inner["Vllm"] |= vllm_names()["keys"]
    for part, keys in inner.items():
        _add(parts[part], keys)
    _add(schema, known)
    schema["patternProperties"] = {"^(_|x-)": {}}  # for YAML anchors
    return {
        "$schema": _DIALECT,
        "$comment": _COMMENT,
        **schema,
    }


def write_schema(folder: Path) -> None:
    """Write the schema beside YAML files, unless another file has that name."""
    path = folder / SCHEMA_FILE
    if path.exists() and _COMMENT not in read_file(path).decode("utf-8", "replace")[:300]:
        return
    with atomic_write(path) as f:
        f.write(schema_text())


def schema_text() -> str:
    """The schema as ``seqctx schema`` prints it."""
    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"


def _add(block: dict[str, Any], keys: dict[str, Any]) -> None:
    """Add the keys that a block passes through, and refuse all others."""
    for key, entry in sorted(keys.items()):
        block["properties"].setdefault(key, _property(entry))
    block["additionalProperties"] = False


def _property(entry: dict[str, Any]) -> dict[str, Any]:
    """One key that is passed through, with any value."""
    found: dict[str, Any] = {}
    if about := entry.get("about"):
        found["description"] = about
    if "default" in entry:
        found["default"] = entry["default"]
    if choices := entry.get("choices"):
        found["anyOf"] = [{"enum": choices}, {}]  # offered, not enforced
    if "deprecated" in entry:
        found |= {"deprecated": True, "description": entry["deprecated"]}
    if keys := entry.get("keys"):
        block: dict[str, Any] = {"properties": {}}
        for key, inner in keys.items():
            block["properties"][key] = _property(inner)
        found |= {"items": block} if entry.get("list") else block
    return found
