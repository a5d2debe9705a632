"""A YAML file with the line of every key: read as Axolotl reads it (safe_load), but strictly.

A key that is given twice is an error, where PyYAML silently uses the last; so is a file whose
aliases expand to more than a hand-edited file holds. Other YAML of users is read by `parse_value`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import yaml

from seqctx.catalog.keys import KeyPath
from seqctx.config.plain_values import MOST_LEVELS, MOST_VALUES, wrong_text
from seqctx.errors import InputError
from seqctx.system.arguments import expect_type
from seqctx.system.regular_file import read_file
from seqctx.system.secrets import is_secret_name

_LONGEST_FACT = 300  # characters; it may quote the file
_MOST_BYTES = 10_000_000  # a hand-edited file has thousands
_NOT_TEXT = ("bool", "null", "float", "timestamp", "int")  # types that YAML gives unquoted keys


@dataclass(frozen=True)
class Document:
    """One file.

    Attributes:
        name: how errors call it.
        data: the top-level mapping.
        lines: line of each key and list item, from 1, by its path of keys and indices.
        columns: their columns, from 1.
        overridden: paths whose values the command line set.
    """

    name: str
    data: dict[str, Any]
    lines: Mapping[KeyPath, int]
    columns: Mapping[KeyPath, int] = field(default_factory=dict)
    overridden: frozenset[KeyPath] = frozenset()

    def with_overrides(self, overrides: Mapping[str, Any] | None) -> Document:
        """A copy in which the values of some dotted keys are replaced."""
        for key in overrides or {}:
            expect_type("overrides", key, str, "Give dotted keys, such as vllm.port.")
        data, paths = self.data, [tuple(dotted.split(".")) for dotted in overrides or {}]
        for path, value in zip(paths, (overrides or {}).values(), strict=True):
            data = with_value(data, path, value, "--set")
        return replace(self, data=data, overridden=self.overridden.union(paths))

    def position(self, path: KeyPath) -> tuple[int, int]:
        """Line and column, from 1, of a key or the nearest block around it; else (0, 0)."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 0), self.columns.get(path, 0)


def with_value(
    data: dict[str, Any], keys: Sequence[str], value: Any, setter: str, at: int = 0
) -> dict[str, Any]:
    """A copy of nested mappings with one value set.

    Args:
        data: the mappings.
        keys: from the top.
        value: the value.
        setter: what sets it, such as ``--set``; errors begin with it.
        at: which of the keys is in ``data``.

    Raises:
        InputError: when a key is empty, or what is on the way holds something else than keys.
    """
    key, dotted = keys[at], ascii(".".join(keys))[1:-1]
    if len(keys) > MOST_LEVELS:
        raise InputError(f"{setter} {dotted[:40]}...: the key has too many parts. Correct it.")
    if not key:
        raise InputError(f"{setter} {dotted}: a part of the key is empty. Correct it.")
    if fact := wrong_text(key):
        raise InputError(f"{setter} {dotted}: the key {fact}. Correct it.")
    if at == len(keys) - 1:
        return {**data, key: value}
    inner = data.get(key)
    if inner is not None and not isinstance(inner, dict):
        block = ascii(".".join(keys[: at + 1]))[1:-1]
        raise InputError(
            f"{setter} {dotted}: {block} holds no keys (it is a {type(inner).__name__}). "
            f"Set {block} as a whole."
        )
    return {**data, key: with_value(inner or {}, keys, value, setter, at + 1)}


class Loader(yaml.SafeLoader):
    """safe_load's, with five differences.

    ``2e-4`` is a number, as in Axolotl's schema. Numbers that YAML 1.1 reads in base 8 or 60, and
    lists of pairs, are errors. A value that cannot be read is an error with its line. A text of
    more values or levels than a person writes is given up where they are passed.
    """

    nodes = 0
    level = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """The next value, unless there are too many or it is too deep; its text must be valid."""
        self.nodes += 1
        self.level += 1
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        if self.nodes > MOST_VALUES:
            raise _error("has too many values", mark, "Check that it is the right file.")
        if self.level > MOST_LEVELS:
            raise _error("nested too deeply", mark, "Use fewer levels.")
        node: yaml.Node | None = super().compose_node(parent, index)
        self.level -= 1
        if isinstance(node, yaml.ScalarNode) and (fact := wrong_text(node.value)):
            raise _error(f"a text {fact}", mark, "Correct the text.")
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """A node's value; a scalar without one (a 13th month, ``!!bool x``) is an error."""
        try:
            return super().construct_object(node, deep)
        except (
            ValueError,
            IndexError,
            KeyError,
            AttributeError,
            OverflowError,
            TypeError,
        ) as error:
            text = str(getattr(node, "value", ""))[:40]
            fact = f"{text!r} cannot be read as {_a_type(node.tag)} ({str(error)[:80]})"
            raise _error(fact, node.start_mark) from None

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        """An int, written in base 2, 10 or 16."""
        return int(_decimal(node, super().construct_yaml_int(node)))

    def construct_yaml_float(self, node: yaml.ScalarNode) -> float:
        """A float, written in base 10."""
        return float(_decimal(node, super().construct_yaml_float(node)))

    def refuse_pairs(self, node: yaml.Node) -> Any:
        """``!!omap`` and ``!!pairs`` give tuples, which JSON and command lines cannot carry."""
        kind = node.tag.rpartition(":")[2]
        raise _error(f"!!{kind} is not supported", node.start_mark, "Write a mapping.")


def _a_type(tag: str) -> str:
    """A YAML type in words."""
    kind = tag.rpartition(":")[2]
    words = {"int": "a number", "float": "a number", "bool": "true or false", "null": "empty"}
    return words.get(kind, f"a {kind}")


def _decimal(node: yaml.ScalarNode, value: float) -> float:
    """A number, unless it is written in base 8 or 60, which hardly anybody means."""
    text = str(node.value)
    base = "60" if ":" in text else "8" if re.fullmatch(r"[-+]?0[0-7_]+", text) else None
    if base and text.strip("+-0_"):
        fact = f"{text} is read in base {base}, as {value:g}; write {value:g}, or quote it"
        raise _error(fact, node.start_mark)
    return value


def _error(fact: str, mark: Any, remedy: str | None = None) -> yaml.MarkedYAMLError:
    """An error of a value, with its place; with a remedy where the YAML itself is valid."""
    return yaml.constructor.ConstructorError(None, None, fact, mark, remedy)


for _kind in ("int", "float"):
    Loader.add_constructor(f"tag:yaml.org,2002:{_kind}", getattr(Loader, f"construct_yaml_{_kind}"))
for _kind in ("omap", "pairs"):
    Loader.add_constructor(f"tag:yaml.org,2002:{_kind}", Loader.refuse_pairs)
Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)


def read_document(path: Path) -> Document:
    """Read one YAML file whose top level is a mapping.

    Raises:
        InputError: when the file is missing, no UTF-8 text, no YAML, or no mapping; with the
            line where there is one. All duplicate keys are listed at once.
    """
    return parse_document(_bytes(path), str(path))


def read_text(path: Path | None, stream: IO[bytes]) -> tuple[str, Document]:
    """A file's text beside its document; ``stream`` is read where there is no path.

    Raises:
        InputError: as `read_document`.
    """
    if path is None:
        raw, name = stream.read(_MOST_BYTES + 1), "<stdin>"
        if len(raw) > _MOST_BYTES:
            fact = f"is larger than {_MOST_BYTES / 1e6:.0f} MB"
            raise InputError(f"{name}: {fact}. Send one YAML file.")
    else:
        raw, name = _bytes(path), str(path)
    document = parse_document(raw, name)
    return raw.decode("utf-8-sig"), document


def _bytes(path: Path) -> bytes:
    """A file's content."""
    return read_file(path, most=_MOST_BYTES)


def read_value(path: Path) -> Any:
    """The value of a user's YAML file that is no config.

    Raises:
        InputError: when it cannot be read, or as `parse_value`.
    """
    return parse_value(_bytes(path), str(path))


def parse_value(text: str | bytes, name: str) -> Any:
    """The value of a user's YAML text; None where it is empty.

    Args:
        text: the text, or its bytes in UTF-8.
        name: where it is from; errors begin with it.

    Raises:
        InputError: when it is not UTF-8 text or not valid YAML, with the line in a longer text.
    """
    return _parse(text, name)[0]


def parse_document(text: str | bytes, name: str) -> Document:
    """Parse YAML text, or its bytes in UTF-8; see `read_document`."""
    data, keys = _parse(text, name)
    lines: dict[KeyPath, int] = {}
    columns: dict[KeyPath, int] = {}
    for path, at, _ in keys:
        line = at.line + 1
        if lines.setdefault(path, line) == line:  # its own key comes before a merged one
            columns.setdefault(path, at.column + 1)
    if not isinstance(data, dict):
        got = "nothing" if data is None else type(data).__name__
        raise InputError(
            f"{name}: the top level must be a mapping of keys (got {got}). "
            "Write a file to start from with seqctx init."
        )
    return Document(name, data, lines, columns)


def _secret_key(lines: Sequence[str]) -> str | None:
    """The key of a secret that lines of YAML have; an error there must not quote the value."""
    keys = re.findall(r"([\w.-]+)[\"']?\s*:", " ".join(lines))
    return next((key for key in keys if is_secret_name(key)), None)


_Key = tuple[KeyPath, yaml.Mark, int | None]


def _parse(text: str | bytes, name: str) -> tuple[Any, list[_Key]]:
    """A YAML text's value, and the place of each key and item in it."""
    text = _decoded(text, name)
    loader = _loader(text, name)
    try:
        root = loader.get_single_node()
        keys = list(_keys(root, name)) if root else []
        data = loader.construct_document(root) if root else None
    except yaml.YAMLError as error:
        raise InputError(_explained(error, text, name)) from None
    except RecursionError:  # flow collections that are never closed
        raise InputError(f"{name}: nested too deeply. Use fewer levels.") from None
    finally:
        loader.dispose()
    duplicates = [
        f"{_place(name, at.line + 1)}: {'.'.join(map(str, path))[:_LONGEST_FACT]}: given twice "
        f"(first on line {first}). Delete one."
        for path, at, first in keys
        if first is not None
    ]
    if duplicates:
        raise InputError(*duplicates)
    return data, keys


def _explained(error: yaml.YAMLError, text: str, name: str) -> str:
    """A YAML error as one line, with the line of the file."""
    mark: Any = getattr(error, "problem_mark", None)
    place = _place(name, mark.line + 1) if mark else name
    fact = getattr(error, "problem", None) or str(error)
    fact = " ".join(fact.split())[:_LONGEST_FACT]
    before = text.splitlines()[: mark.line + 1][-2:] if mark else ()
    if secret := _secret_key([f"{name}:", *before]):
        fact = f"the value of {secret} cannot be read; it may need quotes"
    if remedy := getattr(error, "note", None):
        return f"{place}: {fact}. {remedy}"
    what = "it" if place == name else "that line"
    return f"{place}: not valid YAML: {fact}. Correct {what}."


def _decoded(text: str | bytes, name: str) -> str:
    """The text of a file in UTF-8."""
    try:
        return text.decode("utf-8-sig") if isinstance(text, bytes) else text
    except UnicodeDecodeError as error:
        fact = f"not UTF-8 text (byte {error.start})"
        raise InputError(f"{name}: {fact}. Save it as UTF-8.") from None


def _loader(text: str, name: str) -> Loader:
    """A loader of a text that has only characters which YAML allows."""
    try:
        return Loader(text)
    except yaml.reader.ReaderError as error:  # NUL and other control characters
        line = text.count("\n", 0, error.position) + 1
        fact = f"YAML does not allow character {error.character:#x}"
        raise InputError(f"{_place(name, line)}: not valid YAML: {fact}. Delete it.") from None


def _place(name: str, line: int) -> str:
    """A line of a file; an option has no lines."""
    return name if name.startswith("--") else f"{name}:{line}"


def _keys(root: yaml.Node, name: str) -> Iterator[_Key]:
    """Path and place of every key and item, depth first; and the line of an earlier duplicate."""
    stack: list[tuple[KeyPath, yaml.Node, bool]] = [((), root, False)]
    seen = 0
    while stack:
        path, node, merged = stack.pop()
        seen += 1
        if seen > MOST_VALUES:
            raise InputError(
                f"{name}: its YAML aliases expand to too many values. Write the values out."
            )
        if len(path) > MOST_LEVELS:
            line = node.start_mark.line + 1
            fact = "nested too deeply, or an alias that contains itself"
            raise InputError(f"{_place(name, line)}: {fact}. Use fewer levels.")
        if isinstance(node, yaml.SequenceNode):
            for i, item in enumerate(node.value):
                yield (*path, i), item.start_mark, None
                stack.append(((*path, i), item, False))
        elif isinstance(node, yaml.MappingNode):
            first: dict[str, int] = {}
            for key, value in node.value:
                if key.tag == "tag:yaml.org,2002:merge":
                    inner = value.value if isinstance(value, yaml.SequenceNode) else [value]
                    stack.extend((path, each, True) for each in reversed(inner))
                elif isinstance(key, yaml.ScalarNode):
                    line = key.start_mark.line + 1
                    kind = key.tag.rpartition(":")[2]
                    if kind in _NOT_TEXT and (kind != "int" or not path):
                        fact = f"YAML reads this key as {_a_type(key.tag)}, not text"
                        place = f"{_place(name, line)}: {key.value[:40]}"
                        raise InputError(f"{place}: {fact}. Put quotes around it.")
                    if not merged or key.value not in first:
                        earlier = None if merged else first.get(key.value)
                        yield (*path, key.value), key.start_mark, earlier
                    first.setdefault(key.value, line)
                    stack.append(((*path, key.value), value, False))
