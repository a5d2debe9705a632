"""A YAML file with the line of every key: read as Axolotl reads it (safe_load), but strictly.

A key that stands twice is refused, where PyYAML silently takes the last; so are files whose
aliases expand to more than a hand-edited file can hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from seqctx.errors import InputError
from seqctx.files import explain_os_errors

KeyPath = tuple[str | int, ...]
_MOST_NODES = 100_000  # a hand-edited file has hundreds


@dataclass(frozen=True)
class Document:
    """One file.

    Attributes:
        name: how errors call it.
        data: the top-level mapping.
        lines: line of each key and list item, from 1, by its path of keys and indices.
    """

    name: str
    data: dict[str, Any]
    lines: Mapping[KeyPath, int]

    def place(self, path: KeyPath) -> str:
        """``name:line`` of a key, of the nearest block around it where it is not in the file."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.name}:{self.lines[path]}" if path else self.name


def read_document(path: Path) -> Document:
    """Read one YAML file whose top level is a mapping.

    Raises:
        InputError: when the file is missing, no UTF-8 text, no YAML, or no mapping; with the
            line where there is one. All duplicate keys are named at once.
    """
    if path.is_dir():
        raise InputError(f"{path}: is a folder, not a YAML file. Name one of axolotl_configs/.")
    with explain_os_errors(path):
        raw = path.read_bytes()
    try:
        return parse_document(raw.decode("utf-8-sig"), str(path))
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: no UTF-8 text (byte {error.start}). Save it as UTF-8.") from None


def parse_document(text: str, name: str) -> Document:
    """Parse YAML text; see `read_document`."""
    loader = yaml.SafeLoader(text)
    try:
        root = loader.get_single_node()
        lines: dict[KeyPath, int] = {}
        duplicates: list[str] = []
        for path, line, first in _keys(root, name) if root else ():
            if first is None:
                lines.setdefault(path, line)  # a key of its own comes before a merged one
            else:
                key = ".".join(map(str, path))
                fact = f"given twice (first on line {first}). Delete one."
                duplicates.append(f"{name}:{line}: {key}: {fact}")
        data = loader.construct_document(root) if root else None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{name}:{mark.line + 1}" if mark else name
        fact = getattr(error, "problem", None) or str(error).partition("\n")[0]
        raise InputError(f"{place}: no valid YAML: {fact}. Mend that line.") from None
    except ValueError as error:  # such as the date 2026-13-01
        raise InputError(f"{name}: no valid YAML: {error}. Put quotes around it.") from None
    finally:
        loader.dispose()
    if duplicates:
        raise InputError("\n".join(duplicates))
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        raise InputError(
            f"{name}: the top level must be a mapping of keys (got {type(data).__name__}). "
            "Copy a file of axolotl_configs/ to start from."
        )
    return Document(name, data, lines)


def _keys(root: yaml.Node, name: str) -> Iterator[tuple[KeyPath, int, int | None]]:
    """Path and line of every key and item, depth first; third, where a duplicate stood first."""
    stack: list[tuple[KeyPath, yaml.Node, bool]] = [((), root, False)]
    seen = 0
    while stack:
        path, node, merged = stack.pop()
        seen += 1
        if seen > _MOST_NODES or len(path) > 100:
            raise InputError(f"{name}: its aliases never end. Write the values out.")
        if isinstance(node, yaml.SequenceNode):
            for i, item in enumerate(node.value):
                yield (*path, i), item.start_mark.line + 1, None
                stack.append(((*path, i), item, False))
        elif isinstance(node, yaml.MappingNode):
            first: dict[str, int] = {}
            for key, value in node.value:
                if key.tag == "tag:yaml.org,2002:merge":
                    inner = value.value if isinstance(value, yaml.SequenceNode) else [value]
                    stack.extend((path, each, True) for each in reversed(inner))
                elif isinstance(key, yaml.ScalarNode):
                    line = key.start_mark.line + 1
                    if not merged or key.value not in first:
                        yield (*path, key.value), line, None if merged else first.get(key.value)
                    first.setdefault(key.value, line)
                    stack.append(((*path, key.value), value, False))
